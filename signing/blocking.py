"""Runs to its end, in the calling thread, a coroutine of a library that offers nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_to_end(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of `coroutine`, on a private event loop; nothing here waits for the network.

    `signing` is synchronous: inside a running loop, call it through a thread.
    Raises RuntimeError when a loop runs in this thread."""
    # Not asyncio.Runner: in a main thread it prepares for SIGINT by printing the whole task, whose
    # ASN.1 values take longer to print than to sign.
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()
