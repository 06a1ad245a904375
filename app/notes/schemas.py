"""Bodies about notes."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.auth.schemas import Input

Text = Annotated[str, Field(min_length=1, max_length=2000)]
Thousandth = Annotated[int, Field(ge=0, le=1000)]


class FolderNoteCreate(Input):
    """A note on the whole folder: `private` is for the next desk only."""

    kind: Literal["public", "private"]
    desk_id: uuid.UUID
    text: Text


class PageNoteCreate(Input):
    """A note on a page of a PDF, placed in thousandths from its lower left corner."""

    kind: Literal["page"]
    desk_id: uuid.UUID
    text: Text
    document_id: uuid.UUID
    page: int = Field(ge=1, le=20_000)
    x: Thousandth
    y: Thousandth


NoteCreate = Annotated[FolderNoteCreate | PageNoteCreate, Field(discriminator="kind")]


class NoteRead(BaseModel):
    """A note that the caller may see."""

    id: uuid.UUID
    kind: str
    author_id: uuid.UUID
    desk_id: uuid.UUID
    step: str | None
    text: str
    document_id: uuid.UUID | None
    page: int | None
    x: int | None
    y: int | None
    created_at: datetime
