"""Bodies about desks."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from app.auth.schemas import Input
from app.kit.instants import Instant
from app.models import StaffRole
from workflows.register import Gender


class DeskCreate(Input):
    """A post. `capacity` is the function printed in signatures: Maire, Adjointe aux finances;
    `gender` that of this title; `superior_id` the desk above."""

    name: str = Field(min_length=1, max_length=255)
    capacity: str | None = Field(default=None, max_length=255)
    gender: Gender = Gender.MASCULINE
    superior_id: uuid.UUID | None = None


class DeskUpdate(Input):
    """What is absent stays; a null capacity or superior is removed."""

    name: str | None = Field(default=None, min_length=1, max_length=255)
    capacity: str | None = Field(default=None, max_length=255)
    gender: Gender | None = None
    superior_id: uuid.UUID | None = None
    is_active: bool | None = None


class HolderCreate(Input):
    """A person holds the desk from an instant (now by default)."""

    user_id: uuid.UUID
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class HolderUpdate(Input):
    """When the person leaves the desk: now by default, never in the past."""

    ends_at: Instant | None = None


class StaffCreate(Input):
    """Somebody who assists or watches the desk; only an assistant may declare an absence."""

    user_id: uuid.UUID
    role: StaffRole
    may_declare_absence: bool = False


class HolderRead(BaseModel):
    """One period of one person at the desk."""

    id: uuid.UUID
    user_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime | None


class StaffRead(BaseModel):
    """Somebody beside the holders; he never signs here."""

    id: uuid.UUID
    user_id: uuid.UUID
    role: StaffRole
    may_declare_absence: bool


class DeskRead(BaseModel):
    """A desk and who holds it."""

    id: uuid.UUID
    name: str
    capacity: str | None
    gender: Gender
    superior_id: uuid.UUID | None
    is_active: bool
    holders: list[HolderRead]
    staff: list[StaffRead]


class HolderChange(StrEnum):
    """What became of a holding whose end was moved, as the journal tells it."""

    ENDED = "desk.holder_ended"
    PROLONGED = "desk.holder_prolonged"
    WITHDRAWN = "desk.holder_withdrawn"


@dataclass(frozen=True, slots=True)
class HolderMoved:
    """A desk after the end of one holding was moved; `ends_at` None once it is withdrawn."""

    desk: DeskRead
    change: HolderChange
    user_id: uuid.UUID
    ends_at: datetime | None


class HierarchyRead(BaseModel):
    """A desk in its place: `level` counts from the top, 0 for a desk without superior."""

    id: uuid.UUID
    name: str
    superior_id: uuid.UUID | None
    level: int
