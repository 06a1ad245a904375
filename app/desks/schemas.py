"""Bodies about desks."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, Field

from app.auth.schemas import Input


class DeskCreate(Input):
    """A post. `capacity` is the function printed in signatures: Maire, Adjointe aux finances."""

    name: str = Field(min_length=1, max_length=255)
    capacity: str | None = Field(default=None, max_length=255)


class HolderCreate(Input):
    """A person holds the desk from an instant (now by default)."""

    user_id: uuid.UUID
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None


class HolderRead(BaseModel):
    """One period of one person at the desk."""

    id: uuid.UUID
    user_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime | None


class DeskRead(BaseModel):
    """A desk and who holds it."""

    id: uuid.UUID
    name: str
    capacity: str | None
    holders: list[HolderRead]
