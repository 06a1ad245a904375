"""Bodies about folders."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, field_validator

from app.auth.schemas import Input
from app.catalog.drawing import chosen_desk
from app.catalog.schemas import ChosenDeskInput
from app.documents.schemas import DocumentRead
from workflows.definition import ChosenDesk
from workflows.metadata import MAX_DIGITS

Title = Annotated[str, Field(min_length=1, max_length=500)]


def _as_written(value: object) -> object:
    """A number with a decimal point as the figures that JSON wrote; the rest as it is."""
    is_fraction = isinstance(value, float) and abs(value) < 10**MAX_DIGITS
    return format(Decimal(repr(value)), "f") if is_fraction else value


GivenValue = Annotated[
    str | int | bool | None,
    BeforeValidator(_as_written, json_schema_input_type=str | int | float | bool | None),
]
GivenMetadata = Annotated[dict[str, GivenValue], Field(max_length=100)]


class ActInput(Input):
    """What legality control needs of an act (actes.md §5); the TdT refuses other spellings."""

    number: str = Field(pattern=r"^([A-Z0-9][A-Z0-9_]{0,13})?[A-Z0-9]$", examples=["2026_114"])
    decided_on: date
    nature_code: int = Field(ge=1, le=6)
    classification: list[Annotated[int, Field(ge=1, le=99)]] = Field(min_length=2, max_length=5)
    type_code: str = Field(pattern=r"^[A-Z0-9_]{5}$", examples=["99_DE"])
    subject: str = Field(min_length=1, max_length=499)


class ChosenDesks(Input):
    """The desks chosen at the submission."""

    chosen_desks: list[ChosenDeskInput] = Field(max_length=20)


class Submission(Input):
    """Through which desk a folder is sent, to which desks where its circuit leaves the choice."""

    desk_id: uuid.UUID
    chosen_desks: list[ChosenDeskInput] = Field(default_factory=list, max_length=20)


class FolderCreate(Input):
    """A draft in a subtype, deposited by a desk. `chosen_desks` are read by the one-shot form."""

    subtype_id: uuid.UUID
    desk_id: uuid.UUID
    title: Title
    metadata: GivenMetadata = Field(default_factory=dict)
    act: ActInput | None = None
    chosen_desks: list[ChosenDeskInput] = Field(default_factory=list, max_length=20)

    @field_validator("title")
    @classmethod
    def _one_line(cls, title: str) -> str:
        return " ".join(title.split())


class FolderUpdate(Input):
    """What may change of a folder that lives; absent fields stay as they are. `title` and `act`
    while it is with its submitter: a draft, or come back."""

    title: Title | None = None
    act: ActInput | None = None
    metadata: GivenMetadata | None = None

    @field_validator("title")
    @classmethod
    def _one_line(cls, title: str | None) -> str | None:
        return " ".join(title.split()) if title is not None else None


class Publication(Input):
    """The day an act was published or notified."""

    published_on: date


class OutsideAnswer(Input):
    """What the outside answered at an external or secure mail step."""

    step: str = Field(max_length=60)
    accepted: bool
    reference: str | None = Field(default=None, max_length=255)
    reason: str = Field(default="", max_length=2000)


class AllowedActionRead(BaseModel):
    """An act open to the caller now."""

    action: str
    desk_id: uuid.UUID
    step: str | None


class ActRead(BaseModel):
    """What one person did at a step, by which power; `mention` is how it is printed."""

    kind: str
    at: datetime
    actor_id: str
    desk_id: uuid.UUID
    on_behalf_of: str | None
    power: str
    mention: str | None
    reason: str | None


class StepRead(BaseModel):
    """A step of the pinned circuit. `awaited_desk_ids` have not acted yet at the current one."""

    id: str
    name: str
    kind: str
    mode: str
    phase: str
    state: str
    started_at: datetime | None
    desk_ids: list[uuid.UUID]
    awaited_desk_ids: list[uuid.UUID]
    may_return: bool
    may_add_steps: bool
    required_to_pass: list[str]
    required_to_reject: list[str]
    acts: list[ActRead]


class OpinionRead(BaseModel):
    """An opinion asked of a desk; its answer is null until it comes."""

    step: str
    desk_id: uuid.UUID
    asked_by: str
    question: str
    answered_by: str | None
    answer: str | None


class FolderSummary(BaseModel):
    """A folder in a list."""

    id: uuid.UUID
    title: str
    status: str
    subtype_id: uuid.UUID
    submitter_desk_id: uuid.UUID
    waiting_desk_ids: list[uuid.UUID]
    waiting_kind: str | None
    waiting_since: datetime | None
    due_at: datetime | None
    transmit_by: date | None
    created_at: datetime
    updated_at: datetime


class FolderRead(FolderSummary):
    """A folder whole: documents, steps, what the caller may do. `refusal` says why an inspection
    refused its documents, else why it came back: its `code` is then the status. `reception` is the
    legality control's or the treasury's answer. An act is « exécutoire » from `executory_on`:
    received and published. `to_read`: the revisions that the caller has yet to open before any act
    but a rejection. `final_desk_id` receives the folder at the end of its circuit."""

    version: int
    workflow_version_id: uuid.UUID | None
    metadata: dict[str, Any]
    act: ActInput | None
    refusal: dict[str, Any] | None
    reception: str | None
    published_on: date | None
    executory_on: date | None
    mandatory_reading: bool
    to_read: list[uuid.UUID]
    final_desk_id: uuid.UUID | None
    chained_from_id: uuid.UUID | None
    chained_to_id: uuid.UUID | None
    steps: list[StepRead]
    opinions: list[OpinionRead]
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
    mention: str | None
    payload: dict[str, Any]


def chosen_desks(asked: Submission | FolderCreate) -> tuple[ChosenDesk, ...]:
    """The desks of a request, as the engine reads them."""
    return tuple(chosen_desk(one) for one in asked.chosen_desks)
