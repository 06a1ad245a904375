"""However the command ends, nothing that it started stays."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.local.runtime import CHECKOUT, Account, Runtime, discard, is_reachable
from tests.builders.processes import await_fact, children_of, is_running


@dataclass(frozen=True, slots=True)
class Running:
    """The command of command.py, once it has said that everything answers."""

    process: subprocess.Popen[str]
    database: str
    queue: str
    pids: list[int]

    @property
    def sockets(self) -> list[Path]:
        return [
            Path(self.database.partition("host=")[2]),
            Path(self.queue.removeprefix("unix://")).parent,
        ]

    def is_gone(self) -> bool:
        return not any(is_running(pid) for pid in self.pids)


def start_command(
    folder: Path, *, python: str = sys.executable, account: Account | None = None
) -> Running:
    path = os.pathsep.join([str(CHECKOUT), sysconfig.get_path("purelib")])
    process = subprocess.Popen(
        [python, "-m", "tests.app.local.command", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    process.stdout.close()
    assert line, f"the command ended with {process.wait()}"
    told = json.loads(line)
    guards = children_of(process.pid)
    return Running(
        process, told["database"], told["queue"], [*guards, *told["pids"], *told["below"]]
    )


@pytest.fixture
def folder(server_runtime: Runtime) -> Iterator[Path]:
    made = Path(tempfile.mkdtemp())
    yield made
    for name in ("postgres", "valkey"):
        discard(made / "data" / name, server_runtime)
    shutil.rmtree(made)


@pytest.fixture
def another_folder(server_runtime: Runtime) -> Iterator[Path]:
    made = Path(tempfile.mkdtemp())
    yield made
    for name in ("postgres", "valkey"):
        discard(made / "data" / name, server_runtime)
    shutil.rmtree(made)


@pytest.mark.slow_process
@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name
)
def test_nothing_stays_when_the_command_is_ended_by(folder: Path, number: signal.Signals) -> None:
    running = start_command(folder)
    assert len(running.pids) >= 8, "three guards, three programs, their children"

    running.process.send_signal(number)
    running.process.wait()

    assert await_fact(running.is_gone)
    assert await_fact(lambda: not any(folder.exists() for folder in running.sockets))


@pytest.mark.slow_process
def test_nothing_stays_when_command_and_guards_are_killed_together(folder: Path) -> None:
    running = start_command(folder)

    for pid in [running.process.pid, *children_of(running.process.pid)]:
        os.kill(pid, signal.SIGKILL)
    running.process.wait()

    # What the stubborn program started by itself is the one thing that only a guard ends.
    assert await_fact(lambda: not any(is_running(pid) for pid in running.pids[:-1]))
    os.kill(running.pids[-1], signal.SIGKILL)
    for left in running.sockets:
        shutil.rmtree(left)


@pytest.mark.slow_process
def test_two_commands_run_at_once_and_again_on_the_same_data(
    folder: Path, another_folder: Path
) -> None:
    for _ in range(2):
        first, second = start_command(folder), start_command(another_folder)
        assert first.database != second.database
        for running in (first, second):
            running.process.send_signal(signal.SIGINT)
            running.process.wait()
            assert await_fact(running.is_gone)


@pytest.mark.slow_process
@pytest.mark.skipif(os.geteuid() != 0, reason="already an ordinary user")
def test_an_ordinary_user_needs_no_other_account(folder: Path, server_runtime: Runtime) -> None:
    account = server_runtime.account
    assert account is not None
    python = python_for(account)
    os.chown(folder, account.uid, account.gid)

    running = start_command(folder, python=python, account=account)
    running.process.send_signal(signal.SIGKILL)
    running.process.wait()

    assert await_fact(running.is_gone)
    assert (folder / "data" / "postgres").stat().st_uid == account.uid


def python_for(account: Account) -> str:
    """An interpreter like ours that `account` may run; ours may stand in root's own folder."""
    if not is_reachable(CHECKOUT, account):
        pytest.skip("the checkout is closed to other accounts")
    system = shutil.which("python3", path="/usr/bin")
    for candidate in [sys.executable, *([system] if system else [])]:
        if is_reachable(Path(candidate).resolve(), account) and is_same_version(candidate):
            return candidate
    pytest.skip("no Python that other accounts may run")


def is_same_version(python: str) -> bool:
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    told = subprocess.run(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip() == ours
