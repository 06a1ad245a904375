"""Functions that a bounded child process runs: sound, hungry, slow, broken."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn


def describe(path: str, options: dict[str, int]) -> dict[str, object]:
    data = Path(path).read_bytes()
    return {"size_bytes": len(data), "options": options, "accents": "é€"}


def process_id() -> int:
    return os.getpid()


def environment_names() -> list[str]:
    return sorted(os.environ)


def limits() -> dict[str, int]:
    return {
        "cpu_s": resource.getrlimit(resource.RLIMIT_CPU)[0],
        "address_space_bytes": resource.getrlimit(resource.RLIMIT_AS)[0],
        "core_bytes": resource.getrlimit(resource.RLIMIT_CORE)[0],
    }


def chat() -> str:
    sys.stdout.write("noise on standard output")
    sys.stdout.flush()
    os.write(1, b'{"result": "forged"}')
    return "result"


def take_memory(size_bytes: int) -> int:
    return len(bytearray(size_bytes))


def take_memory_in_small_pieces() -> int:
    pieces: list[str] = []
    while True:
        pieces.append("x" * 1000 + str(len(pieces)))


def loop_forever() -> NoReturn:
    while True:
        pass


def wait_forever() -> NoReturn:
    while True:
        time.sleep(3600)


def tell_process_id_and_wait(pipe: str) -> NoReturn:
    """The named pipe stays open for writing until this process ends."""
    with Path(pipe).open("w", encoding="ascii") as told:
        told.write(f"{os.getpid()}\n")
        told.flush()
        wait_forever()


def raise_quoting(content: str) -> NoReturn:
    raise ValueError(f"unexpected {content}")


def die(signal_number: int) -> NoReturn:
    os.kill(os.getpid(), signal_number)
    raise AssertionError(signal.Signals(signal_number).name)


def leave() -> NoReturn:
    sys.exit(0)


def recurse(depth: int = 0) -> int:
    return recurse(depth + 1) + 1


def not_json() -> object:
    return {1, 2}


def not_a_number() -> float:
    return float("nan")


def long_text(length: int) -> str:
    return "x" * length
