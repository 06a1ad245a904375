"""Bodies about absences, grants and mandates."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from app.auth.schemas import Input
from app.kit.instants import Instant
from workflows.definition import StepKind
from workflows.register import PowerKind


class PeriodInput(Input):
    """Whole days in the tenant's time zone, the last one included, or exact instants; from now
    where no start is given, open-ended where no end is. Nothing starts before now."""

    first_day: date | None = None
    last_day: date | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class AbsenceCreate(Input):
    """Time away: of the caller where no person is named, from every desk where none is.
    `replacement_ids` are ranked and serve at approval steps only."""

    user_id: uuid.UUID | None = None
    desk_id: uuid.UUID | None = None
    period: PeriodInput
    replacement_ids: list[uuid.UUID] = Field(default_factory=list, max_length=20)


class AbsenceUpdate(Input):
    """Its end now, alone; or another end (a day or an instant), other replacements, or both. What
    is absent stays; a null end is removed."""

    ends_now: bool = False
    last_day: date | None = None
    ends_at: Instant | None = None
    replacement_ids: list[uuid.UUID] | None = Field(default=None, max_length=20)


class Standing(StrEnum):
    """Where a dated row stands at the instant of the answer."""

    PLANNED = "planned"
    IN_FORCE = "in_force"
    ENDED = "ended"


class AbsenceRead(BaseModel):
    """A person's time away; `ends_at` is the instant when he is back."""

    id: uuid.UUID
    user_id: uuid.UUID
    desk_id: uuid.UUID | None
    starts_at: datetime
    ends_at: datetime | None
    replacement_ids: list[uuid.UUID]
    declared_by: uuid.UUID
    repealed_at: datetime | None
    standing: Standing


class AblePerson(BaseModel):
    """Somebody who may act, by which power, up to which amount. An absent person keeps his powers
    (`is_away`): he is not counted upon, he is not forbidden."""

    user_id: uuid.UUID
    full_name: str
    power: PowerKind
    grant_id: uuid.UUID | None
    mention: str | None
    ceiling_cents: int | None
    is_away: bool


class EffectRead(BaseModel):
    """Who may pass a kind of step at a desk; `subtype_ids` are those for which it is so, none
    where there is no subtype yet. `missing` says, when nobody may, what is lacking."""

    desk_id: uuid.UUID
    desk_name: str
    kind: StepKind
    subtype_ids: list[uuid.UUID]
    able: list[AblePerson]
    nobody: str | None
    missing: list[str]


class AbsenceEffectsRead(BaseModel):
    """What follows from an absence, judged at one instant of it."""

    at: datetime
    effects: list[EffectRead]


class DocumentInput(Input):
    """The order, deliberation or decision that founds a grant."""

    number: str = Field(min_length=1, max_length=100)
    signed_on: date
    published_on: date | None = None


class GrantCreate(Input):
    """A power given by name, in the office of a desk. `grantor_id` gives it; `grantee_desk_id` is
    the office that the grantee must keep (without it, the power ends with his last desk);
    `capacity` his function as the document names it."""

    kind: PowerKind
    office_desk_id: uuid.UUID
    grantor_id: uuid.UUID | None = None
    grantee_id: uuid.UUID
    grantee_desk_id: uuid.UUID | None = None
    capacity: str = Field(min_length=1, max_length=255)
    period: PeriodInput
    type_ids: list[uuid.UUID] = Field(default_factory=list, max_length=500)
    subtype_ids: list[uuid.UUID] = Field(default_factory=list, max_length=500)
    ceiling_cents: int | None = Field(default=None, ge=0, lt=1 << 53)
    document: DocumentInput | None = None
    executory_at: Instant | None = None
    may_be_regranted: bool = False
    regrants_id: uuid.UUID | None = None


class GrantUpdate(Input):
    """What is known once the founding act is executory: from when it is, and its publication
    where it was not recorded yet."""

    executory_at: Instant
    published_on: date | None = None


class FoundingDocumentRead(BaseModel):
    """What founds a grant."""

    number: str
    signed_on: date
    published_on: date | None


class GrantRead(BaseModel):
    """A power given by name. `standing` reads its own dates only: who left an office is judged
    by `GET /people/{user_id}/powers`."""

    id: uuid.UUID
    kind: PowerKind
    office_desk_id: uuid.UUID
    grantor_id: uuid.UUID | None
    grantee_id: uuid.UUID
    grantee_desk_id: uuid.UUID | None
    capacity: str
    starts_at: datetime
    ends_at: datetime | None
    type_ids: list[uuid.UUID]
    subtype_ids: list[uuid.UUID]
    ceiling_cents: int | None
    document: FoundingDocumentRead | None
    executory_at: datetime | None
    repealed_at: datetime | None
    may_be_regranted: bool
    regrants_id: uuid.UUID | None
    created_by: uuid.UUID
    standing: Standing


class ScopeRead(BaseModel):
    """What a power covers: folders of these types and subtypes (of all where both are empty), up to
    this amount in cents."""

    type_ids: list[uuid.UUID]
    subtype_ids: list[uuid.UUID]
    ceiling_cents: int | None


class PowerRead(BaseModel):
    """What gives power to a person at an instant, through a desk, in whose name. Where a grant
    does, its founding act and its dates; a folder must be inside each of its `scopes`: its own,
    and that of the power which it re-delegates."""

    power: PowerKind
    desk_id: uuid.UUID
    on_behalf_of: uuid.UUID | None
    grant_id: uuid.UUID | None
    mention: str | None
    document: FoundingDocumentRead | None
    executory_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None
    scopes: list[ScopeRead]


class PowersRead(BaseModel):
    """Every power of a person at `at`."""

    at: datetime
    powers: list[PowerRead]


class MandateCreate(Input):
    """A function in a body, its last day included; `desk_id` where it holds an office here."""

    user_id: uuid.UUID
    body: str = Field(min_length=1, max_length=255, examples=["Conseil municipal"])
    function: str = Field(min_length=1, max_length=255, examples=["Maire"])
    desk_id: uuid.UUID | None = None
    starts_on: date
    ends_on: date | None = None


class MandateUpdate(Input):
    """What is absent stays; a null `ends_on` or `desk_id` is removed."""

    body: str | None = Field(default=None, min_length=1, max_length=255)
    function: str | None = Field(default=None, min_length=1, max_length=255)
    desk_id: uuid.UUID | None = None
    starts_on: date | None = None
    ends_on: date | None = None


class MandateRead(BaseModel):
    """An elected person's function."""

    id: uuid.UUID
    user_id: uuid.UUID
    body: str
    function: str
    desk_id: uuid.UUID | None
    starts_on: date
    ends_on: date | None
