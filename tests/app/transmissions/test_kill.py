"""kill -9 of a real worker process while it sends: never two emissions, nothing forgotten."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.context import Context
from app.demo.s2low import S2lowDouble
from app.demo.s2low_model import Channel, Mode
from app.demo.town import Town
from app.transmissions.service import SUBMIT
from tests.builders.transmissions import Waiting
from tests.builders.wires import Wire
from workflows.definition import Protocol

_ROOT = Path(__file__).resolve().parents[3]
_MODES = (
    Mode.OK,
    Mode.LOST_ANSWER,
    Mode.OK,
    Mode.LOST_REQUEST,
    Mode.OK,
    Mode.ACCEPTED_HTTP_500,
    Mode.ACCEPTED_MALFORMED,
    Mode.HTTP_500,
)


@contextmanager
def _worker(environment: dict[str, str], town: Town) -> Iterator[subprocess.Popen[bytes]]:
    """The process, killed at the end whatever it is doing."""
    command = [sys.executable, "-m", "tests.builders.transmission_worker", str(town.tenant_id)]
    with subprocess.Popen(command, cwd=_ROOT, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


async def _until_posts(double: S2lowDouble, wanted: int, *, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while len(double.attempts()) < wanted:
        assert time.monotonic() < deadline, "the worker does not advance"
        await asyncio.sleep(0.01)


async def _until_all_jobs_end(wire: Wire, *, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while any(job.state in ("pending", "running") for job in await wire.jobs(SUBMIT)):
        assert time.monotonic() < deadline, "a job does not end"
        await asyncio.sleep(0.2)


async def _unknown_posts(wire: Wire, waiting: Waiting) -> int:
    return sum(one.outcome == "ambiguous" for one in await wire.attempts(waiting))


@pytest.fixture
def environment(tdt_context: Context, double: S2lowDouble, master_secret: str) -> dict[str, str]:
    settings = tdt_context.settings
    assert settings.database.url is not None
    assert settings.data_dir is not None
    return {
        **os.environ,
        "PARAPHEUR_DATABASE_URL": settings.database.url.get_secret_value(),
        "PARAPHEUR_SECRET_KEY": master_secret,
        "PARAPHEUR_STORAGE_DIR": str(settings.data_dir / "documents"),
        "PARAPHEUR_OUTBOUND_ALLOW": f"127.0.0.1:{double.port}",
        "PARAPHEUR_TDT_SEND_S": "3",
        "PARAPHEUR_TDT_CALL_S": "3",
        "PARAPHEUR_TDT_RETRY_S": "0.2",
        "PARAPHEUR_WORKER_LEASE_S": "1",
    }


@pytest.mark.slow_process
async def test_each_folder_is_emitted_once_though_its_worker_is_killed(
    wire: Wire, environment: dict[str, str], scaled: Callable[[int, int], int]
) -> None:
    count, kills = scaled(200, 8), scaled(8, 1)
    protocols = (Protocol.ACTES, Protocol.HELIOS)
    folders = [await wire.waiting(protocols[n % 2]) for n in range(count)]
    wire.double.script(Channel.SUBMIT, *(_MODES[n % len(_MODES)] for n in range(count)))
    for kill in range(1, kills + 1):
        threshold = count * kill // (kills + 2)
        with _worker(environment, wire.town):
            await _until_posts(wire.double, threshold)
    with _worker(environment, wire.town):
        await _until_all_jobs_end(wire, timeout_s=60 + count)
    for waiting in folders:
        row = await wire.row(waiting)
        emissions = wire.double.emissions(key=waiting.key)
        if await _unknown_posts(wire, waiting) < 2:
            assert (row.state, emissions) == ("sent", 1)
        else:
            assert emissions <= 1
