"""Bodies about folders."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator

from app.auth.schemas import Input
from app.documents.schemas import DocumentRead

Title = Annotated[str, Field(min_length=1, max_length=500)]


class ActInput(Input):
    """What legality control needs of an act (actes.md §5); the TdT refuses other spellings."""

    number: str = Field(pattern=r"^([A-Z0-9][A-Z0-9_]{0,13})?[A-Z0-9]$", examples=["2026_114"])
    decided_on: date
    nature_code: int = Field(ge=1, le=6)
    classification: list[Annotated[int, Field(ge=1, le=99)]] = Field(min_length=2, max_length=5)
    type_code: str = Field(pattern=r"^[A-Z0-9_]{5}$", examples=["99_DE"])
    subject: str = Field(min_length=1, max_length=499)


class FolderCreate(Input):
    """A draft in a subtype, deposited by a desk."""

    subtype_id: uuid.UUID
    desk_id: uuid.UUID
    title: Title
    metadata: dict[str, str | int | bool | None] = Field(default_factory=dict)
    act: ActInput | None = None

    @field_validator("title")
    @classmethod
    def _one_line(cls, title: str) -> str:
        return " ".join(title.split())


class ApproveAction(Input):
    """Agree at a step."""

    action: Literal["approve"]
    desk_id: uuid.UUID
    step: str


class RejectAction(Input):
    """Refuse at a step, and say why."""

    action: Literal["reject"]
    desk_id: uuid.UUID
    step: str
    reason: str = Field(max_length=2000)


class RetractAction(Input):
    """Take back one's act; without step, the submission."""

    action: Literal["retract"]
    desk_id: uuid.UUID
    step: str | None = None


class ResubmitAction(Input):
    """Start the circuit again with the documents as they stand."""

    action: Literal["resubmit"]
    desk_id: uuid.UUID


class CancelAction(Input):
    """End a folder that is not in its circuit."""

    action: Literal["cancel"]
    desk_id: uuid.UUID


FolderAction = Annotated[
    ApproveAction | RejectAction | RetractAction | ResubmitAction | CancelAction,
    Field(discriminator="action"),
]


class AllowedActionRead(BaseModel):
    """An act open to the caller now."""

    action: str
    desk_id: uuid.UUID
    step: str | None


class StepRead(BaseModel):
    """A step of the pinned circuit."""

    id: str
    name: str
    kind: str
    state: str
    desk_ids: list[uuid.UUID]


class FolderSummary(BaseModel):
    """A folder in a list."""

    id: uuid.UUID
    title: str
    status: str
    subtype_id: uuid.UUID
    submitter_desk_id: uuid.UUID
    waiting_desk_ids: list[uuid.UUID]
    waiting_kind: str | None
    created_at: datetime
    updated_at: datetime


class FolderRead(FolderSummary):
    """A folder whole: documents, steps, what the caller may do. `refusal` says why an inspection
    or a remote refused it; `reception` is the legality control's or the treasury's answer."""

    version: int
    metadata: dict[str, Any]
    act: ActInput | None
    refusal: dict[str, Any] | None
    reception: str | None
    steps: list[StepRead]
    documents: list[DocumentRead]
    allowed_actions: list[AllowedActionRead]


class FolderEventRead(BaseModel):
    """One line of the folder's history."""

    seq: int
    kind: str
    occurred_at: datetime
    actor_id: str | None
    on_behalf_of: str | None
    power: str | None
    payload: dict[str, Any]
