"""Keyset pagination: an opaque cursor over (created_at, id), newest first."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field

from app.errors import Unprocessable

Item = TypeVar("Item")
MAX_PAGE = 200
PAGE = 50

PageSize = Annotated[int, Field(ge=1, le=MAX_PAGE)]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Position after which the next page starts."""

    created_at: datetime
    id: uuid.UUID

    def encode(self) -> str:
        text = f"{self.created_at.isoformat()}|{self.id}"
        return base64.urlsafe_b64encode(text.encode()).decode()


class Page(BaseModel, Generic[Item]):
    """One page; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None

    @classmethod
    def of(cls, found: Sequence[Item], size: int, at: Callable[[Item], Cursor]) -> Page[Item]:
        """The first `size` of what was found: one more is asked for, to know whether others
        follow."""
        shown = list(found[:size])
        following = at(shown[-1]).encode() if len(found) > size else None
        return cls(items=shown, next_cursor=following)


def read_cursor(text: str | None) -> Cursor | None:
    """Raises Unprocessable (`bad_cursor`) when the text was not made by `encode`."""
    if text is None:
        return None
    try:
        moment, identifier = base64.urlsafe_b64decode(text.encode()).decode().split("|")
        return Cursor(datetime.fromisoformat(moment), uuid.UUID(identifier))
    except (binascii.Error, ValueError) as e:
        raise Unprocessable(
            "Le repère de page est illisible : reprenez la liste depuis le début.",
            code="bad_cursor",
        ) from e
