"""Runs a function on a hostile document in a child process of its own, with bounds (threat 17).

The child is a fresh interpreter with an environment free of secrets; arguments, results and
refusals travel as JSON, documents by path. The function is module-level, takes and returns JSON
values, and turns its own refusals into values: an exception that escapes is a crash.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from app.kit.canonical import JsonValue

MAX_RESULT_BYTES: Final = 32 * 1024 * 1024
_WORKER = Path(__file__).with_name("bounded_worker.py")
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT")
_READ_BYTES = 64 * 1024
_ORPHAN_GRACE_S = 5.0


class FailureReason(StrEnum):
    """Which bound was met; `crash` is everything else."""

    MEMORY = "memory"
    CPU = "cpu"
    TIME = "time"
    CRASH = "crash"


class BoundedFailure(Exception):
    """The function gave no result. `trace` is for operators: types and places, no content."""

    def __init__(self, reason: FailureReason, trace: str = "") -> None:
        super().__init__(f"{reason}: {trace}" if trace else str(reason))
        self.reason = reason
        self.trace = trace


async def run_bounded(
    function: Callable[..., JsonValue] | str,
    *arguments: JsonValue,
    memory_bytes: int,
    cpu_s: float,
    wall_s: float,
) -> Any:
    """The value of `function(*arguments)`, computed in a child that ends with it.

    `memory_bytes` (address space) and `cpu_s` (rounded up) count from the call, after the
    imports; `wall_s` from the start. The child is killed when a bound is met or the caller is
    cancelled, and never outlives `wall_s` by more than 5 s even when this process dies.
    `function` may be named "module:function", so that the caller need not import what only the
    child uses. Raises BoundedFailure."""
    request = _request(function, arguments, memory_bytes, cpu_s, wall_s)
    return await _call(await _start(), request, wall_s)


async def _start() -> Process:
    """A child that knows where our modules are, and waits for its request."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(_WORKER)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps({"path": sys.path}).encode() + b"\n")
    return child


async def _call(child: Process, request: bytes, wall_s: float) -> Any:
    try:
        async with asyncio.timeout(wall_s):
            answer = await _converse(child, request)
            status = await child.wait()
    except TimeoutError as e:
        raise BoundedFailure(FailureReason.TIME) from e
    finally:
        await _end(child)
    return _result(answer, status)


def _request(
    function: Callable[..., JsonValue] | str,
    arguments: Sequence[JsonValue],
    memory_bytes: int,
    cpu_s: float,
    wall_s: float,
) -> bytes:
    request = {
        "function": function if isinstance(function, str) else _name_of(function),
        "arguments": arguments,
        "memory_bytes": memory_bytes,
        "cpu_s": cpu_s,
        "alarm_s": wall_s + _ORPHAN_GRACE_S,
    }
    return json.dumps(request).encode() + b"\n"


def _name_of(function: Callable[..., JsonValue]) -> str:
    if "<" in function.__qualname__ or function.__module__ == "__main__":
        raise ValueError("a module-level function is needed: the child imports it")
    return f"{function.__module__}:{function.__qualname__}"


async def _converse(child: Process, request: bytes) -> bytes:
    assert child.stdin is not None
    assert child.stdout is not None
    # A child that died early is known by its status.
    with suppress(BrokenPipeError, ConnectionResetError):
        child.stdin.write(request)
        await child.stdin.drain()
    child.stdin.close()
    answer = bytearray()
    while block := await child.stdout.read(_READ_BYTES):
        answer += block
        if len(answer) > MAX_RESULT_BYTES:
            raise BoundedFailure(FailureReason.MEMORY, "result too large")
    return bytes(answer)


async def _end(child: Process) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    if child.returncode is None:
        with suppress(ProcessLookupError):
            child.kill()
    child.stdin.close()
    await child.wait()
    # What is left in the pipe keeps its transport open.
    await child.stdout.read()


def _result(answer: bytes, status: int) -> Any:
    if status != 0 or not answer:
        raise BoundedFailure(_reason_of(status), f"status {status}")
    try:
        told = json.loads(answer)
        failure = FailureReason(told["failure"]) if "failure" in told else None
    except (ValueError, TypeError, RecursionError) as e:
        # Only a child taken over by its document answers so.
        raise BoundedFailure(FailureReason.CRASH, "unreadable answer") from e
    if failure is not None:
        raise BoundedFailure(failure, str(told.get("trace", "")))
    return told["result"]


def _reason_of(status: int) -> FailureReason:
    if status == -signal.SIGXCPU:
        return FailureReason.CPU
    if status == -signal.SIGALRM:
        return FailureReason.TIME
    # Nobody else kills it here: the kernel or the container ran out of memory.
    return FailureReason.MEMORY if status == -signal.SIGKILL else FailureReason.CRASH
