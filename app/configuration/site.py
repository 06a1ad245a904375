"""Where a document is applied: its transaction, who applies it, what stood before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.configuration.document import Configuration, Part
from app.configuration.standing import Read
from app.context import Context

P = TypeVar("P", bound=Part)


@dataclass(frozen=True, slots=True)
class Site:
    """The ids and rows of `read` grow as things are made; `result` is what is to stand."""

    session: AsyncSession
    context: Context
    principal: Principal
    read: Read
    result: Configuration
    now: datetime

    def clock(self) -> datetime:
        """The same instant for the whole document."""
        return self.now


def part_of(kind: type[P], part: object) -> P:
    """The part of a change, which its section makes of this kind."""
    assert isinstance(part, kind)
    return part
