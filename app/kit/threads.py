"""Where blocking work runs: signing and hashing never block the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


async def in_thread(function: Callable[[], Result]) -> Result:
    """Runs a synchronous function of the cores beside the event loop."""
    return await asyncio.to_thread(function)
