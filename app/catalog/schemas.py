"""Bodies about circuits, types, subtypes and TdT accounts."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, SecretStr

from app.auth.schemas import Input
from app.catalog.formats import TypeFormat
from workflows.definition import (
    ActorKind,
    DutyKind,
    HeliosIntake,
    Phase,
    Protocol,
    StepKind,
    StepMode,
)
from workflows.metadata import MAX_KEY, FieldType
from workflows.rules import Operator

MAX_STEPS = 100
MAX_DESKS = 100
MAX_FIELDS = 100
Name = Annotated[str, Field(min_length=1, max_length=255)]
StepKey = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
DraftName = Annotated[str, Field(max_length=255)]
DraftKey = Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9_-]{0,39})?$")]
MetadataKey = Annotated[str, Field(max_length=MAX_KEY)]
DeskIds = Annotated[list[uuid.UUID], Field(max_length=MAX_DESKS)]
Days = Annotated[int, Field(ge=-1_000, le=1_000)]


class ActorInput(Input):
    """Who a step is entrusted to: a given desk, the submitter, the boss of who acted last, or a
    desk chosen at the deposit among `choices` (any desk when there are none)."""

    kind: ActorKind
    desk_id: uuid.UUID | None = None
    choices: DeskIds = Field(default_factory=list)


Actors = Annotated[list[ActorInput], Field(max_length=MAX_DESKS)]


class StepInput(Input):
    """One turn. A transmission, an external or a secure mail step has no desk.

    `desk_ids` is short for given desks; those that `actors` has already are not added again.
    Delays are in working days. An archive step without actor goes to the final desk. A draft keeps
    a step without name or id: its findings say so.
    """

    id: DraftKey
    kind: StepKind
    name: DraftName
    desk_ids: DeskIds = Field(default_factory=list)
    actors: Actors = Field(default_factory=list)
    mode: StepMode = StepMode.ANY_OF
    phase: Phase = Phase.VALIDATION
    due_in_days: Days | None = None
    remind_after_days: Days | None = None
    informed: Actors = Field(default_factory=list)
    required_to_pass: list[MetadataKey] = Field(default_factory=list, max_length=MAX_FIELDS)
    required_to_reject: list[MetadataKey] = Field(default_factory=list, max_length=MAX_FIELDS)
    may_return: bool = False
    may_add_steps: bool = False


class DutyInput(Input):
    """A rule of segregation of duties; `steps` are read by `distinct_persons` only."""

    kind: DutyKind
    steps: list[StepKey] = Field(default_factory=list, max_length=MAX_STEPS)


class WorkflowVersionCreate(Input):
    """A new version: earlier ones stay as they were. The ended folder goes to `final_desk`, the
    submitter's where there is none."""

    steps: list[StepInput] = Field(max_length=MAX_STEPS)
    duties: list[DutyInput] = Field(default_factory=list, max_length=MAX_STEPS)
    final_desk: ActorInput | None = None
    informed_at_end: Actors = Field(default_factory=list)


class WorkflowCreate(WorkflowVersionCreate):
    """A circuit and its first version."""

    name: Name


class WorkflowChange(Input):
    """Another name; the steps change by a new version."""

    name: Name


class FindingRead(BaseModel):
    """Something to say about a circuit or a rule table."""

    code: str
    detail: str
    severity: str
    step: str | None


class WorkflowVersionRead(BaseModel):
    """A version, its findings, and whether it is in force."""

    id: uuid.UUID
    number: int
    steps: list[StepInput]
    duties: list[DutyInput]
    final_desk: ActorInput | None
    informed_at_end: list[ActorInput]
    activated_at: datetime | None
    findings: list[FindingRead]


class WorkflowRead(BaseModel):
    """A circuit with its versions, newest first."""

    id: uuid.UUID
    name: str
    versions: list[WorkflowVersionRead]


class DifferenceRead(BaseModel):
    """One difference between two versions; `fields` are those of the step that changed."""

    change: str
    summary: str
    step: str | None
    fields: list[str]


class ConnectorAccountCreate(Input):
    """An account at a TdT: S²LOW today."""

    connector: str = Field(pattern=r"^[a-z0-9]{1,40}$", examples=["s2low"])
    label: Name
    base_url: str = Field(pattern=r"^https://", max_length=255)
    server_ca: str = Field(description="PEM")
    client_certificate: str = Field(description="PEM")
    client_key: SecretStr = Field(description="PEM")
    login: str | None = Field(default=None, max_length=255)
    password: SecretStr | None = None
    is_archivist: bool = False


class ConnectorAccountRead(BaseModel):
    """An account without its secrets."""

    id: uuid.UUID
    connector: str
    label: str
    base_url: str
    login: str | None
    is_archivist: bool


TransmitWithin = Annotated[int, Field(ge=1, le=3_650)]
MAX_PAGES = 20_000


def _a_page(number: int) -> int:
    if number == 0:
        raise ValueError(
            "une page est attendue : 1 pour la première, -1 pour la dernière, jamais 0"
        )
    return number


PageNumber = Annotated[int, Field(ge=-MAX_PAGES, le=MAX_PAGES), AfterValidator(_a_page)]
"""From 1, or from the end where negative."""
Points = Annotated[int, Field(ge=0, le=14_400)]
"""A page has no side longer (ISO 32000-1 annex C)."""


class StampPosition(Input):
    """Where signatures show on a page: the lower left corner of a box of 200 by 70 points, from
    the lower left corner of the page as it is displayed."""

    page: PageNumber
    x: Points
    y: Points


class FolderTypeCreate(Input):
    """Protocol, signature format, and the account that carries the folders.
    `transmit_within_days` counts calendar days from the decision of an act; without `stamp`
    signatures are invisible."""

    name: Name
    protocol: Protocol
    signature_format: TypeFormat
    connector_account_id: uuid.UUID | None = None
    transmit_within_days: TransmitWithin | None = None
    stamp: StampPosition | None = None


class FolderTypeChange(Input):
    """What is given changes; a type keeps its protocol."""

    name: Name | None = None
    signature_format: TypeFormat | None = None
    connector_account_id: uuid.UUID | None = None
    transmit_within_days: TransmitWithin | None = None
    stamp: StampPosition | None = None


class FolderTypeRead(BaseModel):
    """A type."""

    id: uuid.UUID
    name: str
    protocol: Protocol
    signature_format: TypeFormat
    connector_account_id: uuid.UUID | None
    transmit_within_days: int | None
    stamp: StampPosition | None


class MetadataFieldInput(Input):
    """A piece of information that folders carry. `choices` and `default` are written as texts;
    what is not `editable` keeps its value once the folder is sent."""

    key: str = Field(max_length=255)
    label: str = Field(max_length=255)
    type: FieldType
    choices: list[Annotated[str, Field(max_length=1_000)]] = Field(
        default_factory=list, max_length=1_000
    )
    default: str | None = Field(default=None, max_length=1_000)
    required_at_deposit: bool = False
    editable: bool = True


Constant = Annotated[bool | int | float | str, Field(union_mode="smart")]


class ConditionInput(Input):
    """What a fact must be. `values`: several for `one_of`, none for `is_set` and `is_unset`, one
    otherwise; decimals are written as texts (« 12500.50 ») or numbers."""

    fact: str = Field(max_length=255)
    operator: Operator
    values: list[Constant] = Field(default_factory=list, max_length=1_000)


class ChosenDeskInput(Input):
    """The desk given to the variable actor of a step."""

    step: StepKey
    desk_id: uuid.UUID


class RuleRowInput(Input):
    """The circuit, and the variable desks, of the folders that meet all the conditions."""

    conditions: list[ConditionInput] = Field(default_factory=list, max_length=100)
    workflow_id: uuid.UUID
    desks: list[ChosenDeskInput] = Field(default_factory=list, max_length=MAX_STEPS)


class RuleTableInput(Input):
    """Rows in their order: the first that matches decides; the last one has no condition."""

    rows: list[RuleRowInput] = Field(max_length=500)


class SubtypeSettings(Input):
    """What an administrator may change at any time."""

    deposit_desk_ids: DeskIds | None = Field(
        default=None, description="null: every desk may deposit; empty: none"
    )
    visible_desk_ids: DeskIds = Field(
        default_factory=list, description="see its folders beside those who take part"
    )
    metadata_fields: list[MetadataFieldInput] = Field(default_factory=list, max_length=MAX_FIELDS)
    amount_field: str | None = Field(
        default=None, max_length=40, description="compared with the ceilings of powers"
    )
    several_documents: bool = False
    mandatory_reading: bool = False
    approvals_stand: bool = False
    paper_signature: bool = False
    rule_table: RuleTableInput | None = None


class FolderSubtypeCreate(SubtypeSettings):
    """A subtype bound to a circuit whose active version must suit it."""

    type_id: uuid.UUID
    name: Name
    workflow_id: uuid.UUID
    helios_intake: HeliosIntake | None = None


class FolderSubtypeChange(SubtypeSettings):
    """What is given changes; a subtype keeps its type and the flows that it takes."""

    name: Name | None = None
    workflow_id: uuid.UUID | None = None
    is_active: bool | None = None


class FolderSubtypeRead(BaseModel):
    """A subtype."""

    id: uuid.UUID
    type_id: uuid.UUID
    name: str
    workflow_id: uuid.UUID
    helios_intake: HeliosIntake | None
    deposit_desk_ids: list[uuid.UUID] | None
    visible_desk_ids: list[uuid.UUID]
    metadata_fields: list[MetadataFieldInput]
    amount_field: str | None
    several_documents: bool
    mandatory_reading: bool
    approvals_stand: bool
    paper_signature: bool
    rule_table: RuleTableInput | None
    is_active: bool
    findings: list[FindingRead] = Field(
        default_factory=list, description="what its rule table makes doubtful"
    )


SampleValue = Annotated[bool | int | float | str | None, Field(union_mode="smart")]


class RuleTrial(Input):
    """A table, not saved, and facts of folders that it is tried on."""

    rule_table: RuleTableInput
    samples: list[dict[MetadataKey, SampleValue]] = Field(min_length=1, max_length=100)


class TrialOutcome(BaseModel):
    """What the table gives to a sample: the number of the row counts from 1; nothing where no row
    matches or where the circuit has no version in force, and `problem` says so."""

    row: int | None
    workflow_id: uuid.UUID | None
    workflow_name: str | None
    desks: list[ChosenDeskInput]
    problem: str | None


class RuleTrialRead(BaseModel):
    """One outcome per sample, in their order, and the findings of the table."""

    outcomes: list[TrialOutcome]
    findings: list[FindingRead]
