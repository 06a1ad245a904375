"""Bodies of signature sessions."""

from __future__ import annotations

import uuid

from pydantic import BaseModel, Field

from app.auth.schemas import Input
from app.models import ItemState

MAX_ITEMS = 500


class ItemCreate(Input):
    """A document to sign, through one of the caller's desks."""

    folder_id: uuid.UUID
    document_id: uuid.UUID
    desk_id: uuid.UUID


class SignatureSessionCreate(Input):
    """1 to 500 documents, one certificate, one paired agent (the last seen by default)."""

    certificate_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    device_id: uuid.UUID | None = None
    items: list[ItemCreate] = Field(min_length=1, max_length=MAX_ITEMS)


class Failure(BaseModel):
    """Why a document was not signed."""

    code: str
    detail: str


class SessionItemRead(BaseModel):
    """One document of a session."""

    n: int
    folder_id: uuid.UUID
    document_id: uuid.UUID
    state: ItemState
    failure: Failure | None
