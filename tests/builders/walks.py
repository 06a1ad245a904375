"""Documents for whole walks, and what the TdT double remembers of them."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.demo.acts import Act, deliberation
from app.demo.flows import make_pes
from app.demo.play import Piece
from app.demo.run import make_flow
from app.demo.stage import Stage
from app.serving import WORKER
from tests.builders.processes import await_fact


def an_act(directory: Path, number: int) -> Piece:
    """An act of its own number."""
    decided_on = datetime.now(UTC).date() - timedelta(days=2)
    file = directory / f"acte-{number}.pdf"
    file.write_bytes(deliberation(Act(number=str(number))))
    act = {
        "number": f"E{number}",
        "decided_on": decided_on.isoformat(),
        "nature_code": 1,
        "classification": [1, 1],
        "type_code": "99_DE",
        "subject": "Acte d'essai",
    }
    title = f"Acte d'essai {number}"
    return Piece(f"E{number}", f"Acte {number}", title, file, "application/pdf", "acts", act)


def a_flow(directory: Path, number: int) -> Piece:
    """A flow of its own NomFic, which is its key."""
    flow = replace(make_flow(datetime.now(UTC).date()), number=number, attachments=0)
    return flow_of(directory, make_pes(flow), flow.file_name)


def flow_of(directory: Path, content: bytes, key: str) -> Piece:
    """A flow of these bytes."""
    file = directory / f"{key}.xml"
    file.write_bytes(content)
    return Piece(key, f"Flux {key}", f"Flux d'essai {key}", file, "application/xml", "flows")


def emissions(stage: Stage) -> Counter[str]:
    """How many submissions the double took, by act number or NomFic."""
    file = stage.directory / "s2low" / "state.json"
    if not file.is_file():
        return Counter()
    told = json.loads(file.read_text(encoding="utf-8"))
    return Counter(one["key"] for one in told["attempts"] if one["accepted"])


def kill_worker(stage: Stage) -> None:
    """kill -9, and wait until the supervisor has started another."""
    worker = stage.supervisor.child(WORKER)
    killed = worker.pid
    os.kill(killed, signal.SIGKILL)
    assert await_fact(lambda: worker.pid != killed)
