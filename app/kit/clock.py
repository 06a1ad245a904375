"""Time as a parameter: the service asks a clock, tests drive it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, aware UTC."""
    return datetime.now(UTC)


def in_journal(at: datetime) -> str:
    """An instant as a detail of the journal: UTC, without the signs that details refuse."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
