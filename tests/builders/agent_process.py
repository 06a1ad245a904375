"""The agent as a process of its own, as a person runs it."""

from __future__ import annotations

import array
import fcntl
import os
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 40


@dataclass(frozen=True, slots=True)
class Finished:
    """Exit status and everything that was printed."""

    status: int
    output: str


class AgentProcess:
    """A started agent, its output and its PIN pipe."""

    def __init__(self, process: subprocess.Popen[str], pin_out: int) -> None:
        self.process = process
        self._pin_out = pin_out

    def finished(self) -> Finished:
        output, _ = self.process.communicate(timeout=DEADLINE_S)
        return Finished(self.process.returncode, output)

    def wait_for(self, text: str) -> str:
        """Everything printed up to the first line that holds `text`; fails at the end of output."""
        if self.process.stdout is None:
            raise AssertionError("the output is not captured")
        seen = []
        for line in self.process.stdout:
            seen.append(line)
            if text in line:
                return "".join(seen)
        raise AssertionError(f"{text!r} was never printed:\n{''.join(seen)}")

    def pin_unread(self) -> int:
        """How many bytes of the PIN pipe nobody has read."""
        waiting = array.array("i", [0])
        fcntl.ioctl(self._pin_out, termios.FIONREAD, waiting)
        return waiting[0]


def agent_environment(extra: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **extra, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def run_agent(*arguments: str, environment: Mapping[str, str]) -> Finished:
    """Runs the agent to its end, without PIN."""
    done = subprocess.run(
        [sys.executable, "-m", "agent", *arguments],
        env=agent_environment(environment),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    return Finished(done.returncode, done.stdout + done.stderr)


@contextmanager
def started_agent(
    *arguments: str, pin: str, environment: Mapping[str, str]
) -> Iterator[AgentProcess]:
    """`run --yes --pin-fd N`, the PIN waiting in a pipe; killed at the end if still there."""
    read_end, write_end = os.pipe()
    os.write(write_end, f"{pin}\n".encode())
    os.close(write_end)
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "run", "--yes", "--pin-fd", str(read_end), *arguments],
        env=agent_environment(environment),
        cwd=ROOT,
        pass_fds=(read_end,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield AgentProcess(process, read_end)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        os.close(read_end)
