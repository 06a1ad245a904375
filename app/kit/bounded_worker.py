"""The child of app.kit.bounded: one request on standard input, one answer, and it ends.

Run by its path in an isolated interpreter. Standard library only, and nothing of the project but
the module that holds the function: starting it is cheap.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

_PAGE_BYTES = resource.getpagesize()


def main() -> None:
    """Reads where the modules are, then the request; takes the limits, calls, answers."""
    answer_to = _take_standard_output()
    beginning = json.loads(sys.stdin.buffer.readline())
    sys.path[:] = beginning["path"]
    line = sys.stdin.buffer.readline()
    if not line:  # never needed, or the parent is gone
        return
    request = json.loads(line)
    # An orphan ends by itself even when the parent was killed.
    signal.setitimer(signal.ITIMER_REAL, request["alarm_s"])
    answer = _answer(request)
    with os.fdopen(answer_to, "wb") as stream:
        stream.write(answer)


def _take_standard_output() -> int:
    """The answer's own descriptor; what libraries print goes nowhere."""
    answer_to = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return answer_to


def _resolve(name: str) -> Callable[..., Any]:
    module, _, attributes = name.partition(":")
    return cast("Callable[..., Any]", attrgetter(attributes)(importlib.import_module(module)))


def _limit(*, memory_bytes: int, cpu_s: float) -> None:
    """Both count from here: what the imports took is ours, not the document's."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(used.ru_utime + used.ru_stime + cpu_s)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    space = _address_space_bytes() + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (space, space))


def _address_space_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE_BYTES


def _answer(request: dict[str, Any]) -> bytes:
    try:
        function = _resolve(request["function"])
        _limit(memory_bytes=request["memory_bytes"], cpu_s=request["cpu_s"])
        result = function(*request["arguments"])
        return json.dumps({"result": result}, allow_nan=False).encode()
    except MemoryError:
        return b'{"failure":"memory"}'
    except Exception as e:  # noqa: BLE001 -- the edge of a job: everything becomes an answer
        return json.dumps({"failure": "crash", "trace": _where(e)}).encode()


def _where(error: Exception) -> str:
    """Type and places, without the message: it may quote the document."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return f"{type(error).__name__} at {' < '.join(reversed(places))}"


if __name__ == "__main__":
    main()
