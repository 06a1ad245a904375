"""Deposit of a large flow through the running service: its memory, its time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2

from app.bench.figures import Row, in_french, ratios, spread, timed
from app.bench.memory import MIB, PeakOfMemory, settled_bytes
from app.bench.service import Service, running_service
from app.demo.flows import Flow, grown_to, write_pes
from app.errors import Unavailable

SIZE_BYTES = 100_000_000
GOAL_BYTES = 64 * MIB
_BLOCK = 256 * 1024
_PAUSE_S = 0.05
_PATIENCE_S = 180.0


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds from the first byte sent to the folder standing in its circuit, and its parts."""

    upload_s: float
    inspection_s: float
    submission_s: float

    @property
    def total_s(self) -> float:
        return self.upload_s + self.inspection_s + self.submission_s


@dataclass(slots=True)
class _Measured:
    """What the rounds gave."""

    extra_mib: list[float] = field(default_factory=list)
    times: list[Times] = field(default_factory=list)
    copies: list[float] = field(default_factory=list)


def measure(rounds: int, *, schemas: Path | None, size_bytes: int = SIZE_BYTES) -> list[Row]:
    """Two rows. The service is started for them; its very first deposit counts too."""
    measured = _Measured()
    with running_service(schemas) as service:
        for number in range(rounds):
            _round(service, measured, number, size_bytes)
    title = f"Dépôt d'un flux de {size_bytes / 1e6:.0f} Mo"
    with_schemas = "contrôle du schéma compris" if schemas else "sans schémas : contrôle non fait"
    extra = spread(measured.extra_mib)
    share = in_french(extra.middle * MIB / size_bytes, 2)
    ratio = ratios([one.total_s for one in measured.times], measured.copies)
    return [
        Row(
            f"{title} : mémoire de l'API, du worker et de leurs enfants, au-dessus du repos",
            f"{extra.told(1)} Mio",
            f"≤ {GOAL_BYTES // MIB} Mio",
            f"× {share} la taille du fichier ; {with_schemas}",
        ),
        Row(
            f"{title} : temps, contre copie + SHA-256 du fichier",
            f"× {ratio.told(1)}",
            "",
            _parts(measured),
        ),
    ]


def _round(service: Service, measured: _Measured, number: int, size_bytes: int) -> None:
    """Memory and time from two deposits: watching the memory takes time."""
    watched, clocked = (flow_of(2 * number + k, size_bytes) for k in (1, 2))
    with flow_file(service.directory, watched) as flow:
        measured.extra_mib.append(extra_memory(service, flow) / MIB)
    with flow_file(service.directory, clocked) as flow:
        if number % 2:
            measured.copies.append(timed(partial(copy_and_digest, flow)))
        measured.times.append(deposit(service, flow))
        if not number % 2:
            measured.copies.append(timed(partial(copy_and_digest, flow)))
    service.forget_documents()


def _parts(measured: _Measured) -> str:
    times = measured.times
    parts = {
        "envoi": [one.upload_s for one in times],
        "contrôle": [one.inspection_s for one in times],
        "soumission": [one.submission_s for one in times],
        "copie": measured.copies,
    }
    return ", ".join(f"{name} {spread(each).told(1)} s" for name, each in parts.items())


def flow_of(number: int, size_bytes: int) -> Flow:
    """A flow of about that size, under a NomFic of its own, that says nowhere that it is
    dematerialised: submission has to write it."""
    shape = Flow(number=number, expense_slips=5, items_per_slip=20, dematerialised=False)
    return grown_to(shape, size_bytes)


@contextmanager
def flow_file(directory: Path, flow: Flow) -> Iterator[Path]:
    """The bytes of a flow in a file that goes with the block."""
    file = directory / f"{flow.file_name}.xml"
    try:
        with file.open("wb") as target:
            write_pes(flow, target)
        yield file
    finally:
        file.unlink()


def extra_memory(service: Service, flow: Path) -> int:
    """The peak of API, worker and their children during one deposit, above what they held when
    idle just before, in bytes."""
    idle = settled_bytes(service.process_ids)
    with PeakOfMemory(service.process_ids) as peak:
        deposit(service, flow)
    return peak.bytes - idle


def deposit(service: Service, flow: Path) -> Times:
    """Deposits a flow and sends it in its circuit, as a finance program does.

    Raises Unavailable with the service's own words when it refuses."""
    with httpx2.Client(base_url=f"{service.origin}/api/v1", timeout=_PATIENCE_S) as client:
        client.headers["Authorization"] = f"Bearer {service.submitter.token}"
        folder_id = _create(client, service)
        clock = [time.perf_counter()]
        _upload(client, folder_id, flow)
        clock.append(time.perf_counter())
        _await_draft(client, folder_id)
        clock.append(time.perf_counter())
        _submit(client, folder_id, service)
        clock.append(time.perf_counter())
    return Times(*(later - sooner for sooner, later in pairwise(clock)))


def copy_and_digest(file: Path) -> str:
    """The least that a deposit must do: write the bytes again and know their SHA-256."""
    digest = hashlib.sha256()
    copy = file.with_suffix(".copy")
    with file.open("rb") as source, copy.open("wb") as target:
        while block := source.read(_BLOCK):
            digest.update(block)
            target.write(block)
    copy.unlink()
    return digest.hexdigest()


def _create(client: httpx2.Client, service: Service) -> str:
    body = {
        "subtype_id": service.submitter.subtype_id,
        "desk_id": service.submitter.desk_id,
        "title": "Flux de mesure",
    }
    return str(_told(client.post("/folders", json=body))["id"])


def _upload(client: httpx2.Client, folder_id: str, flow: Path) -> None:
    with flow.open("rb") as source:
        answer = client.post(
            f"/folders/{folder_id}/documents",
            params={"name": flow.name},
            headers={
                "Content-Type": "application/xml",
                "Content-Length": str(flow.stat().st_size),
            },
            content=iter(lambda: source.read(_BLOCK), b""),
        )
    _told(answer)


def _await_draft(client: httpx2.Client, folder_id: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while (found := _told(client.get(f"/folders/{folder_id}")))["status"] == "inspecting":
        if time.monotonic() > deadline:
            raise Unavailable("Le contrôle du flux n'en finit pas.", code="bench_timeout")
        time.sleep(_PAUSE_S)
    if found["status"] != "draft":
        raise Unavailable(
            f"Le flux de mesure est refusé : {found['refusal']}.", code="bench_refused"
        )


def _submit(client: httpx2.Client, folder_id: str, service: Service) -> None:
    desk_id = service.submitter.desk_id
    _told(client.post(f"/folders/{folder_id}/submit", params={"desk_id": desk_id}))


def _told(answer: httpx2.Response) -> dict[str, Any]:
    if answer.is_error:
        raise Unavailable(
            f"Le service a refusé une demande de la mesure ({answer.status_code}) : {answer.text}",
            code="bench_refused",
        )
    found: dict[str, Any] = answer.json()
    return found
