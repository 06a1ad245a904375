"""A tenant's whole configuration as one document, everything named and nothing by its id."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    TypeAdapter,
)

from app.auth.principal import Role
from app.auth.service import normalise_login
from app.catalog.formats import TypeFormat
from app.catalog.schemas import (
    MAX_FIELDS,
    MAX_STEPS,
    Days,
    DraftKey,
    MetadataKey,
    PageNumber,
    Points,
    StepKey,
    TransmitWithin,
)
from app.models import StaffRole
from workflows.definition import (
    ActorKind,
    DutyKind,
    HeliosIntake,
    Phase,
    Protocol,
    StepKind,
    StepMode,
)
from workflows.metadata import FieldType
from workflows.register import Gender, PowerKind
from workflows.rules import Operator

MAX_ITEMS = 20_000
"""Of any list of the document; its weight bounds the whole."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_instant = TypeAdapter(AwareDatetime).validate_python


def _moment(value: object) -> object:
    """A day stays a day: pydantic alone would take midnight for it."""
    if isinstance(value, str):
        with suppress(ValueError):
            return date.fromisoformat(value) if _DAY.fullmatch(value) else _instant(value)
    if isinstance(value, date):
        return value
    raise ValueError(
        "un jour (2026-04-01) ou une heure avec son fuseau (2026-04-01T08:00:00+02:00) est attendu"
    )


Name = Annotated[str, Field(min_length=1, max_length=255)]
Text = Annotated[str, Field(max_length=255)]
Login = Annotated[str, Field(min_length=3, max_length=255), AfterValidator(normalise_login)]
Moment = Annotated[Any, BeforeValidator(_moment)]
"""A `date` (whole days, in the tenant's time zone) or an aware `datetime`."""

_ORDERED = AfterValidator(lambda given: sorted(dict.fromkeys(given)))
Constant = Annotated[bool | int | str, Field(union_mode="smart")]


class Part(BaseModel):
    """Refuses what it does not know; numbers written without quotes are taken for texts."""

    model_config = ConfigDict(
        extra="forbid", str_strip_whitespace=True, coerce_numbers_to_str=True, populate_by_name=True
    )


class TenantPart(Part):
    """Settings of the local authority; what is absent stays."""

    city: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    postal_code: Annotated[str, Field(min_length=1, max_length=10)] | None = None
    country: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = None
    subdivision: Annotated[str, Field(max_length=10)] | None = None
    default_role: Name | None = None
    requires_latin1_pes: StrictBool | None = None
    mentions: dict[PowerKind, Text] | None = None


class PersonPart(Part):
    """A person, without any secret. Absent e-mail, roles or desks stay as they are; a person who
    does not exist needs an e-mail, and gets a password from an administrator
    (`PUT /users/{user_id}/password`)."""

    login: Login
    first_name: Name
    last_name: Name
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=255)] | None = None
    roles: Annotated[list[Role], Field(max_length=20), _ORDERED] | None = None
    administered_desks: Annotated[list[Name], Field(max_length=1_000), _ORDERED] | None = None
    active: StrictBool = True

    @property
    def full_name(self) -> str:
        """As lists show it."""
        return f"{self.first_name} {self.last_name}"


class Dated(Part):
    """From a day or an instant (now where absent) until another (open-ended where absent), the
    last day included."""

    starts: Moment | None = Field(default=None, alias="from")
    until: Moment | None = None


class HolderPart(Dated):
    """Who holds a desk."""

    login: Login


class StaffPart(Part):
    """Who assists or watches a desk."""

    login: Login
    role: StaffRole
    may_declare_absence: StrictBool = False


class DeskPart(Part):
    """A post, who holds it, who stands beside."""

    name: Name
    capacity: Text | None = None
    gender: Gender = Gender.MASCULINE
    superior: Name | None = None
    active: StrictBool = True
    holders: list[HolderPart] = Field(default_factory=list, max_length=MAX_ITEMS)
    staff: list[StaffPart] = Field(default_factory=list, max_length=MAX_ITEMS)


class ActorPart(Part):
    """Who a step is entrusted to: a desk by its name unless `kind` says otherwise."""

    kind: ActorKind = ActorKind.DESK
    desk: Name | None = None
    choices: list[Name] = Field(default_factory=list, max_length=100)


class StepPart(Part):
    """One turn of a circuit; delays in working days."""

    id: DraftKey
    kind: StepKind
    name: Text
    actors: list[ActorPart] = Field(default_factory=list, max_length=100)
    mode: StepMode = StepMode.ANY_OF
    phase: Phase = Phase.VALIDATION
    due_in_days: Days | None = None
    remind_after_days: Days | None = None
    informed: list[ActorPart] = Field(default_factory=list, max_length=100)
    required_to_pass: list[MetadataKey] = Field(default_factory=list, max_length=MAX_FIELDS)
    required_to_reject: list[MetadataKey] = Field(default_factory=list, max_length=MAX_FIELDS)
    may_return: StrictBool = False
    may_add_steps: StrictBool = False


class DutyPart(Part):
    """What one person may not do twice."""

    kind: DutyKind
    steps: list[StepKey] = Field(default_factory=list, max_length=MAX_STEPS)


class WorkflowPart(Part):
    """A circuit as one of its versions draws it; put in force only where `active` says so."""

    name: Name
    active: StrictBool = False
    steps: list[StepPart] = Field(default_factory=list, max_length=MAX_STEPS)
    duties: list[DutyPart] = Field(default_factory=list, max_length=MAX_STEPS)
    final_desk: ActorPart | None = None
    informed_at_end: list[ActorPart] = Field(default_factory=list, max_length=100)


class FieldPart(Part):
    """A piece of information that folders carry."""

    key: Text
    label: Text
    type: FieldType
    choices: list[Annotated[str, Field(max_length=1_000)]] = Field(
        default_factory=list, max_length=1_000
    )
    default: Annotated[str, Field(max_length=1_000)] | None = None
    required_at_deposit: StrictBool = False
    editable: StrictBool = True


class ConditionPart(Part):
    """What a fact must be; desks that deposit are named."""

    fact: Text
    operator: Operator
    values: list[Constant] = Field(default_factory=list, max_length=1_000)


class ChosenPart(Part):
    """The desk given to the variable actor of a step."""

    step: StepKey
    desk: Name


class RulePart(Part):
    """The circuit of the folders that meet all the conditions."""

    conditions: list[ConditionPart] = Field(default_factory=list, max_length=100)
    workflow: Name
    desks: list[ChosenPart] = Field(default_factory=list, max_length=MAX_STEPS)


class SubtypePart(Part):
    """A subtype. Without `deposit_desks` every desk may deposit; with an empty list, none."""

    name: Name
    workflow: Name
    helios_intake: HeliosIntake | None = None
    deposit_desks: Annotated[list[Name], Field(max_length=100)] | None = None
    visible_desks: list[Name] = Field(default_factory=list, max_length=100)
    metadata: list[FieldPart] = Field(default_factory=list, max_length=MAX_FIELDS)
    amount_field: Annotated[str, Field(max_length=40)] | None = None
    rules: Annotated[list[RulePart], Field(max_length=500)] | None = None
    several_documents: StrictBool = False
    mandatory_reading: StrictBool = False
    approvals_stand: StrictBool = False
    paper_signature: StrictBool = False
    active: StrictBool = True


class StampPart(Part):
    """Where the signatures of a type show on a page, in points from its lower left corner."""

    page: PageNumber
    x: Points
    y: Points


class TypePart(Part):
    """A type and its subtypes; the TdT account by its label, never its secrets."""

    name: Name
    protocol: Protocol
    signature_format: TypeFormat
    account: Name | None = None
    transmit_within_days: TransmitWithin | None = None
    stamp: StampPart | None = None
    subtypes: list[SubtypePart] = Field(default_factory=list, max_length=MAX_ITEMS)


class FoundingPart(Part):
    """The order, deliberation or decision that founds a power."""

    number: Annotated[str, Field(min_length=1, max_length=100)]
    signed_on: date
    published_on: date | None = None


class PowerPart(Dated):
    """A power given by name. `subtypes` are written « type / sous-type »; `regrants` is the number
    of the document of the power that this one re-delegates."""

    kind: PowerKind
    office: Name
    grantor: Login | None = None
    grantee: Login
    grantee_office: Name | None = None
    capacity: Name
    types: list[Name] = Field(default_factory=list, max_length=500)
    subtypes: list[Annotated[str, Field(max_length=513)]] = Field(
        default_factory=list, max_length=500
    )
    ceiling_cents: Annotated[int, Field(ge=0, lt=1 << 53)] | None = None
    document: FoundingPart | None = None
    executory_from: Moment | None = None
    may_be_regranted: StrictBool = False
    regrants: Annotated[str, Field(max_length=100)] | None = None


class AbsencePart(Dated):
    """A person's time away, from one desk or from all; replacements are ranked."""

    person: Login
    desk: Name | None = None
    replacements: list[Login] = Field(default_factory=list, max_length=20)


class MandatePart(Part):
    """A function in a body, its last day included."""

    person: Login
    body: Name
    function: Name
    desk: Name | None = None
    starts_on: date
    ends_on: date | None = None


class Configuration(Part):
    """The whole. A section that is absent changes nothing; what a section does not list is left
    alone, unless `prune` is true. Settings only: folders, certificates and their orders are data
    and have no section."""

    version: Literal[1]
    prune: StrictBool = False
    tenant: TenantPart | None = None
    persons: list[PersonPart] = Field(default_factory=list, max_length=MAX_ITEMS)
    desks: list[DeskPart] = Field(default_factory=list, max_length=MAX_ITEMS)
    workflows: list[WorkflowPart] = Field(default_factory=list, max_length=MAX_ITEMS)
    types: list[TypePart] = Field(default_factory=list, max_length=MAX_ITEMS)
    powers: list[PowerPart] = Field(default_factory=list, max_length=MAX_ITEMS)
    absences: list[AbsencePart] = Field(default_factory=list, max_length=MAX_ITEMS)
    mandates: list[MandatePart] = Field(default_factory=list, max_length=MAX_ITEMS)


def subtype_reference(type_name: str, subtype_name: str) -> str:
    """How a power names a subtype."""
    return f"{type_name} / {subtype_name}"


def capitalised(words: str) -> str:
    """What names a part, at the start of a sentence."""
    return words[:1].upper() + words[1:]
