"""Bodies of a simulation: what is assumed, and the path that follows."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.auth.schemas import Input
from app.catalog.schemas import ChosenDeskInput
from app.folders.schemas import GivenMetadata
from app.kit.instants import Instant
from app.powers.schemas import PeriodInput
from workflows.definition import StepKind, StepMode
from workflows.register import PowerKind
from workflows.simulation import Outcome

Amount = Annotated[Decimal, Field(max_digits=15, decimal_places=2)]


class SlipInput(Input):
    """A slip of a PES flow, as its inspection would read it; euros, tax included."""

    number: str = Field(min_length=1, max_length=20)
    kind: Literal["expense", "revenue"]
    amount_incl_tax: Amount


class AssumedAbsence(Input):
    """Time away of somebody, added to what is registered; from every desk where none is named."""

    user_id: uuid.UUID
    desk_id: uuid.UUID | None = None
    period: PeriodInput
    replacement_ids: list[uuid.UUID] = Field(default_factory=list, max_length=20)


class SimulationAsked(Input):
    """A deposit that nobody makes. `submitter_id` defaults to the caller where he has a power at
    the desk, else to somebody who holds it; `deposited_at` to now. `by_program`: a program of the
    desk deposits, by its token, and nobody is the submitter."""

    desk_id: uuid.UUID
    submitter_id: uuid.UUID | None = None
    by_program: bool = False
    deposited_at: Instant | None = None
    metadata: GivenMetadata = Field(default_factory=dict)
    slips: list[SlipInput] = Field(default_factory=list, max_length=1_000)
    chosen_desks: list[ChosenDeskInput] = Field(default_factory=list, max_length=20)
    absences: list[AssumedAbsence] = Field(default_factory=list, max_length=100)


class AbleRead(BaseModel):
    """Somebody who may act, by which power, founded by what. `is_away`: he keeps his power and is
    not counted upon."""

    user_id: uuid.UUID
    full_name: str
    desk_id: uuid.UUID
    power: PowerKind
    on_behalf_of: uuid.UUID | None
    mention: str | None
    grant_id: uuid.UUID | None
    document_number: str | None
    is_away: bool


class WaitRead(BaseModel):
    """Nobody can be counted upon from `since` on: `code` and `missing` say why, `detail` in a
    sentence. `until` is null where nothing registered puts an end to it; `then` may act."""

    since: datetime
    until: datetime | None
    code: str
    detail: str
    missing: list[str]
    then: list[AbleRead]


class StageRead(BaseModel):
    """One step of the path. `able` may act when it starts, `actors` are those taken to do so;
    `usual_seconds` is the median of past folders, null where it is not known."""

    step: str
    name: str
    kind: StepKind
    mode: StepMode
    desk_ids: list[uuid.UUID]
    starts_at: datetime
    ends_at: datetime | None
    usual_seconds: int | None
    able: list[AbleRead]
    actors: list[AbleRead]
    waits: list[WaitRead]


class RefusalRead(BaseModel):
    """What the engine would not accept, at the last stage or at the submission."""

    code: str
    detail: str


class SimulationRead(BaseModel):
    """The path. `submitter_id` is null for a program; `rule_row` is the row of the rule table that
    chose the circuit, from 1; `depends_on_persons` says that other persons, just as able, would
    bring the folder to a stop; `explanation` tells it all in French sentences."""

    outcome: Outcome
    deposited_at: datetime
    submitter_id: uuid.UUID | None
    workflow_name: str
    workflow_version: int
    rule_row: int | None
    stages: list[StageRead]
    refusal: RefusalRead | None
    depends_on_persons: bool
    explanation: list[str]
