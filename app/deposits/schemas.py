"""What the API says after a deposit."""

from __future__ import annotations

import uuid
from typing import Any

from pydantic import BaseModel, Field, field_validator

from app.auth.schemas import Input
from app.folders.schemas import ActInput, GivenMetadata, Title


class DocumentReceipt(BaseModel):
    """A document was received: its digest and what inspection read. `facts` is null while a job
    still reads a flow, `report` while it judges the signatures of a large PDF (the folder is then
    `inspecting`)."""

    folder_id: uuid.UUID
    folder_status: str
    document_id: uuid.UUID
    revision_id: uuid.UUID
    sha256: str
    size_bytes: int
    facts: dict[str, Any] | None
    report: dict[str, Any] | None


class ChainCreate(Input):
    """A folder that follows an ended one, under its title where none is given."""

    subtype_id: uuid.UUID
    desk_id: uuid.UUID
    title: Title | None = None
    metadata: GivenMetadata = Field(default_factory=dict)
    act: ActInput | None = None

    @field_validator("title")
    @classmethod
    def _one_line(cls, title: str | None) -> str | None:
        return " ".join(title.split()) if title is not None else None
