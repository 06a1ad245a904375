"""Bodies about lists of folders."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel

from app.folders.schemas import FolderSummary


class ListName(StrEnum):
    """The lists of a person (bannettes)."""

    TO_DO = "to_do"
    DELEGATED = "delegated"
    LATE = "late"
    RETRIEVABLE = "retrievable"
    UNDER_WAY = "under_way"
    FINISHED = "finished"
    REJECTED = "rejected"
    DRAFT = "draft"


class InboxItem(BaseModel):
    """A folder in a list: through which desk, what is awaited there, since when."""

    folder: FolderSummary
    desk_id: uuid.UUID
    kind: str | None
    since: datetime


class Counter(BaseModel):
    """How many folders a list holds; `at_least` when counting stopped there."""

    list: ListName
    count: int
    at_least: bool


class InboxCounters(BaseModel):
    """One counter per list, by the same conditions as the lists."""

    counters: list[Counter]
