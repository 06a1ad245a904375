"""Runs one program and never outlives the parent: started as a script, standard library only.

Standard input: one JSON line, the order; then one byte per command (`r` restarts). Its end means
that the parent stopped us or is gone, however it died. Standard output: one line per start
(`pid N`) or failure (`error …`). On Linux the program also gets a signal should this guard die.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TypedDict

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_PARENT_CHECK_S = 1.0
_PAUSE_BEFORE_REVIVAL_S = 0.5


class Order(TypedDict):
    """What the supervisor asks; every path is a string, every signal a number."""

    argv: list[str]
    environment: dict[str, str]
    directory: str | None
    log: str
    pid_file: str
    uid: int | None
    gid: int | None
    stop_signals: list[int]
    grace_s: float
    death_signal: int
    keep_alive: bool
    cleanup: list[str]


class Guard:
    """One program, started, watched, stopped."""

    def __init__(self, order: Order, wake: socket.socket) -> None:
        self._order = order
        self._wake = wake
        self._parent = os.getppid()
        self._is_asked_to_end = False
        self._process: subprocess.Popen[bytes] | None = None

    def end(self, _signal: int, _frame: FrameType | None) -> None:
        self._is_asked_to_end = True

    def run(self) -> int:
        try:
            status = self._watch() if self._start() else 127
        finally:
            self._stop()
            Path(self._order["pid_file"]).unlink(missing_ok=True)
            for folder in self._order["cleanup"]:
                shutil.rmtree(folder, ignore_errors=True)
        return status

    def _watch(self) -> int:
        while True:
            commands = self._next_commands(_PARENT_CHECK_S)
            if commands is None:
                return 0
            if b"r" in commands:
                self._stop()
                if not self._start():
                    return 127
            status = self._process.poll() if self._process else 127
            if status is None:
                continue
            if not self._order["keep_alive"]:
                return status if status >= 0 else 128 - status
            if not self._revive():
                return 0

    def _next_commands(self, timeout_s: float) -> bytes | None:
        """Commands that came meanwhile; None when it is time to end."""
        wake = self._wake.fileno()
        ready, _, _ = select.select([0, wake], [], [], timeout_s)
        if wake in ready:
            os.read(wake, 4096)
        if self._is_asked_to_end or os.getppid() != self._parent:
            return None
        if 0 not in ready:
            return b""
        return os.read(0, 4096) or None

    def _revive(self) -> bool:
        self._stop()
        while (commands := self._next_commands(_PAUSE_BEFORE_REVIVAL_S)) is not None:
            if not commands:
                return self._start()
        return False

    def _start(self) -> bool:
        order = self._order
        uid, gid = order["uid"], order["gid"]
        try:
            with Path(order["log"]).open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603 - argv comes from our own Program
                    order["argv"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=order["environment"],
                    cwd=order["directory"],
                    user=uid,
                    group=gid,
                    extra_groups=None if uid is None else [],
                    start_new_session=True,
                    # One thread here, and the setting is lost if made before the change of uid.
                    preexec_fn=partial(_die_with, os.getpid(), order["death_signal"]),  # noqa: PLW1509
                )
            Path(order["pid_file"]).write_text(str(self._process.pid), encoding="ascii")
        except (OSError, subprocess.SubprocessError) as e:
            _report(f"error {e}")
            return False
        _report(f"pid {self._process.pid}")
        return True

    def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        for number in self._order["stop_signals"]:
            if process.poll() is not None:
                break
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(self._order["grace_s"])
        # The program's own children share its group; nothing of it may stay.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._process = None


def _die_with(guard: int, number: int) -> None:
    if not sys.platform.startswith("linux"):
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != guard:
        os._exit(1)


def _report(line: str) -> None:
    # A parent that is gone, or no longer reads, must not stop the work.
    with suppress(BrokenPipeError, BlockingIOError):
        os.write(1, line.replace("\n", " ").encode() + b"\n")


def _read_order() -> Order:
    line = bytearray()
    while not line.endswith(b"\n"):
        block = os.read(0, 1)
        if not block:
            sys.exit(0)
        line += block
    order: Order = json.loads(line)
    return order


def main() -> int:
    order = _read_order()
    os.set_blocking(1, False)
    wake, waker = socket.socketpair()
    os.set_blocking(wake.fileno(), False)
    os.set_blocking(waker.fileno(), False)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    guard = Guard(order, wake)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, guard.end)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    return guard.run()


if __name__ == "__main__":
    sys.exit(main())
