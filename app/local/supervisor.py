"""Starts the programs of one command as children, and stops them all, however the command ends."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO

from app.errors import Unavailable
from app.local.runtime import Account

_GUARD = Path(__file__).with_name("guard.py")
_START_LIMIT_S = 20.0
_PROBE_PAUSE_S = 0.03
_GUARD_MARGIN_S = 10.0
_TAIL_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. Output goes to `log`, the running pid to the same name ending in `.pid`.

    `environment` is complete (None: ours). Stopping sends `stop_signals` one after the other,
    `grace_s` apart, then kills; `death_signal` is what it gets should its guard be killed.
    `keep_alive` starts it again when it ends by itself; `cleanup` folders go after its end.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] | None = None
    directory: Path | None = None
    account: Account | None = None
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM,)
    grace_s: float = 10.0
    death_signal: signal.Signals = signal.SIGKILL
    keep_alive: bool = False
    cleanup: tuple[Path, ...] = ()

    @property
    def pid_file(self) -> Path:
        return self.log.with_suffix(".pid")


class Child:
    """A running program, through the guard that stops it when we are gone."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._pid = 0
        self._unread = b""
        program.log.parent.mkdir(parents=True, exist_ok=True)
        with program.log.open("ab") as log:
            self._guard = subprocess.Popen(  # noqa: S603 - our own interpreter and script
                [sys.executable, "-I", "-S", str(_GUARD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._commands, self._status = _pipes(self._guard)
        os.set_blocking(self._status.fileno(), False)
        self._send(_order(program))
        self._await_start()

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def pid(self) -> int:
        """Of the program itself, the last one when it was started again."""
        for line in self._new_lines():
            self._note(line)
        return self._pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; 128 + the signal's number when a signal ended it."""
        return self._guard.poll()

    def fileno(self) -> int:
        """Readable when there is news: started again, or ended."""
        return self._status.fileno()

    def restart(self) -> None:
        """Stops the program with its usual grace and starts it again."""
        before = self.pid
        self._send(b"r")
        self._await_start(before, extra_s=self._stop_limit_s)

    def stop(self) -> None:
        """Ends the program within its grace; harmless when it has ended."""
        with suppress(BrokenPipeError):
            self._commands.close()
        try:
            self._guard.wait(self._stop_limit_s)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        self._status.close()

    def log_tail(self) -> str:
        with self.program.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - _TAIL_BYTES))
            return log.read().decode("utf-8", "replace").strip()

    @property
    def _stop_limit_s(self) -> float:
        return self.program.grace_s * len(self.program.stop_signals) + _GUARD_MARGIN_S

    def _send(self, command: bytes) -> None:
        with suppress(BrokenPipeError):
            self._commands.write(command)
            self._commands.flush()

    def _await_start(self, before: int = 0, *, extra_s: float = 0.0) -> None:
        deadline = time.monotonic() + _START_LIMIT_S + extra_s
        while self.pid == before:
            left = deadline - time.monotonic()
            if left <= 0 or self._guard.poll() is not None:
                self.stop()
                raise Unavailable(
                    f"Le programme « {self.name} » n'a pas démarré : lisez {self.program.log}.",
                    code="program_not_started",
                )
            select.select([self._status], [], [], min(left, 0.5))

    def _note(self, line: str) -> None:
        word, _, value = line.partition(" ")
        if word == "pid":
            self._pid = int(value)
            return
        self.stop()
        raise Unavailable(
            f"Le programme « {self.name} » ne peut pas être lancé ({value}) : vérifiez qu'il "
            f"existe et qu'il est exécutable ({self.program.argv[0]}).",
            code="program_not_started",
        )

    def _new_lines(self) -> list[str]:
        if self._status.closed:
            return []
        with suppress(BlockingIOError):
            while block := os.read(self._status.fileno(), 4096):
                self._unread += block
        *lines, self._unread = self._unread.split(b"\n")
        return [line.decode("utf-8", "replace") for line in lines]


class Supervisor:
    """The children of one command. Use as a context: leaving it stops them in reverse order."""

    def __init__(self) -> None:
        self._children: dict[str, Child] = {}

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, program: Program) -> Child:
        """Runs `program`; its name is free again once the previous one has ended."""
        known = self._children.get(program.name)
        if known is not None:
            if known.exit_status is None:
                raise Unavailable(
                    f"Le programme « {program.name} » est déjà lancé : arrêtez-le d'abord.",
                    code="program_already_running",
                )
            known.stop()
        child = Child(program)
        self._children[program.name] = child
        return child

    def child(self, name: str) -> Child:
        return self._children[name]

    def restart(self, name: str) -> None:
        self._children[name].restart()

    def stop(self) -> None:
        """Ends all children, the last started first, each within its own grace."""
        while self._children:
            _, child = self._children.popitem()
            child.stop()

    def await_ready(self, name: str, probe: Callable[[], bool], *, timeout_s: float = 60.0) -> None:
        """Returns when `probe` says so; tells the end of the log when the program cannot."""
        child = self._children[name]
        deadline = time.monotonic() + timeout_s
        while not probe():
            if child.exit_status is not None:
                raise _not_ready(child, f"s'est arrêté (statut {child.exit_status})")
            if time.monotonic() > deadline:
                raise _not_ready(child, f"ne répond pas après {timeout_s:.0f} s")
            time.sleep(_PROBE_PAUSE_S)

    def wait(self, timeout_s: float | None = None) -> str | None:
        """The name of a child that has ended for good; None when the time is over."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            for child in self._children.values():
                if child.exit_status is not None:
                    return child.name
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return None
            readable, _, _ = select.select(list(self._children.values()), [], [], left)
            for child in readable:
                _await_end_or_read(child)


@contextmanager
def signals_as_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does, so that children stop in order."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    previous = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _await_end_or_read(child: Child) -> None:
    before = child.pid
    # Neither a new pid nor the end: the guard closed its output and is about to end.
    if child.pid == before and child.exit_status is None:
        time.sleep(_PROBE_PAUSE_S)


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise ValueError("the guard is started with two pipes")
    return process.stdin, process.stdout


def _order(program: Program) -> bytes:
    environment = os.environ if program.environment is None else program.environment
    account = program.account
    return (
        json.dumps(
            {
                "argv": program.argv,
                "environment": dict(environment),
                "directory": str(program.directory) if program.directory else None,
                "log": str(program.log.absolute()),
                "pid_file": str(program.pid_file.absolute()),
                "uid": account.uid if account else None,
                "gid": account.gid if account else None,
                "stop_signals": [int(number) for number in program.stop_signals],
                "grace_s": program.grace_s,
                "death_signal": int(program.death_signal),
                "keep_alive": program.keep_alive,
                "cleanup": [str(folder.absolute()) for folder in program.cleanup],
            }
        ).encode()
        + b"\n"
    )


def _not_ready(child: Child, what: str) -> Unavailable:
    return Unavailable(
        f"Le programme « {child.name} » {what}. Fin de {child.program.log} :\n{child.log_tail()}",
        code="program_not_ready",
    )
