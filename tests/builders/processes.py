"""Watching processes from a test: whether they run, who their children are, waiting for a fact."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path


class SocketState(StrEnum):
    """States of a TCP socket, as /proc/net/tcp writes them."""

    ESTABLISHED = "01"
    LISTENING = "0A"


def is_running(pid: int) -> bool:
    """A process that has ended but was not yet reaped does not run."""
    return _state_and_parent(pid)[0] not in {"", "Z", "X"}


def children_of(pid: int) -> list[int]:
    known = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [other for other in known if _state_and_parent(other)[1] == pid]


def _state_and_parent(pid: int) -> tuple[str, int]:
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "", 0
    # The name between parentheses may hold anything, a parenthesis too.
    state, parent = told.rpartition(")")[2].split()[:2]
    return state, int(parent)


def sockets_of(pid: int, port: int, state: SocketState) -> int:
    """How many sockets of this process stand at this local port of 127.0.0.1 in that state."""
    local = f"0100007F:{port:04X}"
    rows = [one.split() for one in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    known = {f"socket:[{row[9]}]" for row in rows if row[1] == local and row[3] == state}
    return len(known & _open_files(pid))


def _open_files(pid: int) -> set[str]:
    opened: set[str] = set()
    with suppress(OSError):
        for one in Path(f"/proc/{pid}/fd").iterdir():
            # One that the process closes meanwhile is not open.
            with suppress(FileNotFoundError):
                opened.add(str(one.readlink()))
    return opened


def await_fact(fact: Callable[[], bool], *, timeout_s: float = 30.0) -> bool:
    """Whether `fact` became true in time."""
    deadline = time.monotonic() + timeout_s
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def read_pid(file: Path) -> int | None:
    text = file.read_text(encoding="ascii") if file.is_file() else ""
    return int(text) if text else None
