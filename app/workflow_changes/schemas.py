"""Bodies about folders under way that another version of their circuit concerns."""

from __future__ import annotations

import uuid

from pydantic import BaseModel, Field

from app.auth.schemas import Input
from app.catalog.schemas import MAX_STEPS, ChosenDeskInput

MAX_FOLDERS = 500


class FolderImpactRead(BaseModel):
    """What the version would change for one folder; `effect` is `unaffected`, `upcoming_changes`,
    `step_changes` or `cannot_follow`."""

    folder_id: uuid.UUID
    title: str
    version: int
    effect: str
    detail: str
    step: str | None


class ImpactRead(BaseModel):
    """How many folders under way in other versions the version concerns, and each of them; no
    more than 500 are listed, every one is counted."""

    summary: str
    total: int
    unaffected: int
    upcoming_changes: int
    step_changes: int
    cannot_follow: int
    folders: list[FolderImpactRead]


class MigrationsCreate(Input):
    """Which folders to bring to the version: those listed, or the first 500 that can follow where
    it is null. `chosen_desks` go to variable steps that the folders did not have."""

    folder_ids: list[uuid.UUID] | None = Field(default=None, min_length=1, max_length=MAX_FOLDERS)
    chosen_desks: list[ChosenDeskInput] = Field(default_factory=list, max_length=MAX_STEPS)


class MigrationsUndo(Input):
    """Which folders to bring back to the version that each came from; null means those that the
    last migration brought to this version, 500 at most."""

    folder_ids: list[uuid.UUID] | None = Field(default=None, min_length=1, max_length=MAX_FOLDERS)


class MigrationOutcome(BaseModel):
    """One folder: the version that it follows now, or why it could not."""

    folder_id: uuid.UUID
    migrated: bool
    version: int | None
    code: str | None
    detail: str | None
