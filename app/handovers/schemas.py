"""Bodies about the installation of a council."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from app.auth.schemas import Input
from app.kit.instants import Instant
from workflows.handover import PendingFolders
from workflows.register import PowerKind


class BridgingInput(Input):
    """A person who holds the office between two holders."""

    user_id: uuid.UUID
    starts_at: Instant
    ends_at: Instant | None = None


class OfficeInput(Input):
    """One office changes hands. `starts_at` is the election of the new holder; `ends_at` the end
    of the outgoing one, that election by default. A re-elected person leaves and comes."""

    desk_id: uuid.UUID
    outgoing_id: uuid.UUID
    incoming_id: uuid.UUID | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    bridging: BridgingInput | None = None
    pending: PendingFolders = PendingFolders.KEEP
    transfer_desk_id: uuid.UUID | None = None


class InstallationCreate(Input):
    """A hand-over plan; nothing changes until it is applied."""

    label: str = Field(min_length=1, max_length=255, examples=["Installation du conseil de 2026"])
    offices: list[OfficeInput] = Field(min_length=1, max_length=200)


class InstallationState(StrEnum):
    """Where a plan is."""

    PLANNED = "planned"
    APPLIED = "applied"
    CANCELLED = "cancelled"


class HoldingRead(BaseModel):
    """A person at a desk for a time."""

    desk_id: uuid.UUID
    user_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime | None


class LapsingRead(BaseModel):
    """A power that ends with an office."""

    grant_id: uuid.UUID
    power: PowerKind
    office_desk_id: uuid.UUID
    grantee_id: uuid.UUID


class VacancyRead(BaseModel):
    """An office that nobody would hold."""

    desk_id: uuid.UUID
    since: datetime
    until: datetime | None


class MandateEndRead(BaseModel):
    """An elected mandate that ends with the office; `ends_on` is its last day."""

    mandate_id: uuid.UUID
    function: str
    ends_on: date


class PendingRead(BaseModel):
    """The folders that wait at an office now, and what becomes of those that will at `at`."""

    desk_id: uuid.UUID
    at: datetime
    decision: PendingFolders
    transfer_desk_id: uuid.UUID | None
    folder_ids: list[uuid.UUID]


class StrandedRead(BaseModel):
    """A waiting folder that nobody could be counted upon to pass any more."""

    folder_id: uuid.UUID
    since: datetime
    reason: str
    detail: str


class InstallationEffectsRead(BaseModel):
    """What a plan does; told again at each reading, as things stand."""

    ending: list[HoldingRead]
    starting: list[HoldingRead]
    lapsing: list[LapsingRead]
    vacancies: list[VacancyRead]
    mandates: list[MandateEndRead]
    pending: list[PendingRead]
    stranded: list[StrandedRead]


class InstallationSummary(BaseModel):
    """A plan in a list."""

    id: uuid.UUID
    label: str
    state: InstallationState
    installed_at: datetime
    created_at: datetime
    applied_at: datetime | None


class InstallationRead(InstallationSummary):
    """A plan whole; `effects` is null once it is applied or cancelled, and while `refusal` says
    what keeps it from being applied."""

    offices: list[OfficeInput]
    effects: InstallationEffectsRead | None
    refusal: str | None
