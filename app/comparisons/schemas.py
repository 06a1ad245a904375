"""What the API says of the differences between two revisions of a document."""

from __future__ import annotations

import uuid
from enum import StrEnum

from pydantic import BaseModel

from signing.pes_units import UnitKind


class ComparisonKind(StrEnum):
    """How two revisions were compared; `content`: as bytes only, the format says no more."""

    PES = "pes"
    PDF = "pdf"
    CONTENT = "content"


class PlaceRead(BaseModel):
    """Where something stands in a flow; `branch` is the element under the root."""

    branch: str
    slip: str | None
    item: str | None
    line: str | None
    attachment: str | None


class FieldChangeRead(BaseModel):
    """A field that is not the same; accounts are masked but for their last four characters,
    amounts are also in cents."""

    name: str
    label: str
    before: str | None
    after: str | None
    before_cents: int | None
    after_cents: int | None


class PesChangeRead(BaseModel):
    """A slip, piece, line, attachment or header that came, went or changed."""

    kind: UnitKind
    place: PlaceRead
    summary: str
    amount_cents: int | None
    fields: list[FieldChangeRead]


class PesChangesRead(BaseModel):
    """The lines of a flow; `unlisted` counts those past the first five hundred of each."""

    added: list[PesChangeRead]
    removed: list[PesChangeRead]
    changed: list[PesChangeRead]
    unlisted: int


class PdfChangesRead(BaseModel):
    """Pages by number from 1, `removed` in the earlier revision, the others in the later one.
    `fonts_changed`: the same but for embedded fonts; `shared_changed`: layers, form, attachments
    or actions are not the same."""

    pages_before: int
    pages_after: int
    added: list[int]
    removed: list[int]
    changed: list[int]
    fonts_changed: list[int]
    shared_changed: bool


class NotComputedRead(BaseModel):
    """Why the differences are not told."""

    code: str
    detail: str


class ComparedRevision(BaseModel):
    """One side of the comparison."""

    id: uuid.UUID
    number: int
    sha256: str


class ChangesRead(BaseModel):
    """What changed from one revision to another. `summary`: French lines; `pes` or `pdf`: the
    detail; both are empty, and `not_computed` says why, when it could not be computed."""

    document_id: uuid.UUID
    before: ComparedRevision
    after: ComparedRevision
    kind: ComparisonKind
    identical: bool
    summary: list[str]
    pes: PesChangesRead | None = None
    pdf: PdfChangesRead | None = None
    not_computed: NotComputedRead | None = None
