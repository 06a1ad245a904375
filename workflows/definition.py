"""Circuits: what their steps are made of, and how a version of one is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NewType, Self

from workflows.encoding import JsonObject, decode_object, encode_object
from workflows.errors import Unreadable

DeskId = NewType("DeskId", str)
StepId = NewType("StepId", str)
FieldKey = NewType("FieldKey", str)

SCHEMA_VERSION = 1


class StepKind(StrEnum):
    """What a step waits for."""

    APPROVAL = "approval"
    SIGNATURE = "signature"
    SEAL = "seal"
    EXTERNAL = "external"
    SECURE_MAIL = "secure_mail"
    TRANSMISSION = "transmission"
    ARCHIVE = "archive"


PERSON_STEPS = frozenset({StepKind.APPROVAL, StepKind.SIGNATURE, StepKind.SEAL, StepKind.ARCHIVE})
"""The kinds that a person passes through a desk."""

OUTSIDE_STEPS = frozenset({StepKind.EXTERNAL, StepKind.SECURE_MAIL})
"""The kinds that wait for an event of the outside; an administrator may force them."""


class Phase(StrEnum):
    """Documents may change in the preparation circuit, and are fixed in the validation one."""

    PREPARATION = "preparation"
    VALIDATION = "validation"


class StepMode(StrEnum):
    """How many of its desks a step needs: the first that acts, or every one of them."""

    ANY_OF = "any_of"
    ALL_OF = "all_of"


class ActorKind(StrEnum):
    """How the desk of an actor is found.

    `desk`: this very one. `submitter`: the one that deposits. `boss_of`: the one above the desk
    that acted last, the submitter's where none did. `variable`: chosen at the deposit, by a
    person or by the rule table, among `choices` (any desk when there are none).
    """

    DESK = "desk"
    SUBMITTER = "submitter"
    BOSS_OF = "boss_of"
    VARIABLE = "variable"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who a step is entrusted to: always a desk in the end, never a person."""

    kind: ActorKind
    desk: DeskId | None = None
    choices: tuple[DeskId, ...] = ()


SUBMITTER = Actor(ActorKind.SUBMITTER)
BOSS = Actor(ActorKind.BOSS_OF)


@dataclass(frozen=True, slots=True)
class Step:
    """One turn of a circuit. `id` is unique inside it; a transmission has no actor.

    `due_in_days` and `remind_after_days` count working days from the start of the step.
    `required_to_pass` and `required_to_reject` name metadata that must hold a value before the
    act. `may_return`: a rejection may go back to an earlier step. `may_add_steps`: the actor may
    insert steps after this one.
    """

    id: StepId
    kind: StepKind
    name: str
    actors: tuple[Actor, ...] = ()
    mode: StepMode = StepMode.ANY_OF
    phase: Phase = Phase.VALIDATION
    due_in_days: int | None = None
    remind_after_days: int | None = None
    informed: tuple[Actor, ...] = ()
    required_to_pass: tuple[FieldKey, ...] = ()
    required_to_reject: tuple[FieldKey, ...] = ()
    may_return: bool = False
    may_add_steps: bool = False


class DutyKind(StrEnum):
    """What one person may not do twice in the life of a folder (segregation of duties)."""

    APPROVER_DOES_NOT_SIGN = "approver_does_not_sign"
    SUBMITTER_DOES_NOT_APPROVE = "submitter_does_not_approve"
    SUBMITTER_DOES_NOT_SIGN = "submitter_does_not_sign"
    DISTINCT_PERSONS = "distinct_persons"


@dataclass(frozen=True, slots=True)
class Duty:
    """A rule of segregation; `steps` are read by `distinct_persons` only."""

    kind: DutyKind
    steps: tuple[StepId, ...] = ()


@dataclass(frozen=True, slots=True)
class Workflow:
    """A circuit as an administrator draws it: the steps in their order, those of the preparation
    circuit first. `final_desk` receives the ended folder (the submitter's where it is None)."""

    name: str
    steps: tuple[Step, ...]
    duties: tuple[Duty, ...] = ()
    final_desk: Actor | None = None
    informed_at_end: tuple[Actor, ...] = ()


class Protocol(StrEnum):
    """Where the folders of a type go after their circuit."""

    NONE = "NONE"
    ACTES = "ACTES"
    HELIOS = "HELIOS"


class HeliosIntake(StrEnum):
    """What a HELIOS subtype takes: flows to sign, flows signed before, flows never signed."""

    TO_SIGN = "to_sign"
    SIGNED_ELSEWHERE = "signed_elsewhere"
    NOTHING_TO_SIGN = "nothing_to_sign"


class Severity(StrEnum):
    """An error forbids activation, a warning is shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to say about a circuit; `step` locates it, `detail` is a French sentence."""

    code: str
    detail: str
    severity: Severity
    step: StepId | None = None

    @classmethod
    def error(cls, code: str, detail: str, step: StepId | None = None) -> Self:
        """What forbids to activate the circuit."""
        return cls(code, detail, Severity.ERROR, step)

    @classmethod
    def warning(cls, code: str, detail: str, step: StepId | None = None) -> Self:
        """What is only shown."""
        return cls(code, detail, Severity.WARNING, step)


@dataclass(frozen=True, slots=True)
class ChosenDesk:
    """The desk chosen for the variable actor of a step."""

    step: StepId
    desk: DeskId


def given_desk(desk: DeskId) -> Actor:
    """The actor that is this very desk."""
    return Actor(ActorKind.DESK, desk)


def variable_desk(*choices: DeskId) -> Actor:
    """The actor that the deposit chooses, among these desks where there are some."""
    return Actor(ActorKind.VARIABLE, choices=choices)


def desks_of(step: Step) -> tuple[DeskId, ...]:
    """The desks that a step is entrusted to by name: all of them once its turn has come."""
    return tuple(actor.desk for actor in step.actors if actor.desk is not None)


def entrusted(step: Step, desks: tuple[DeskId, ...]) -> Step:
    """The same step, entrusted to these very desks."""
    return replace(step, actors=tuple(given_desk(desk) for desk in desks))


def to_json(workflow: Workflow) -> JsonObject:
    """The circuit as JSON data, with the version of its schema, to be stored for good."""
    return {"schema": SCHEMA_VERSION, "workflow": encode_object(workflow)}


def from_json(data: object) -> Workflow:
    """The circuit that `to_json` wrote. Unreadable for another schema or a malformed object."""
    if not isinstance(data, Mapping) or data.get("schema") != SCHEMA_VERSION:
        raise Unreadable(f"workflow: schema {SCHEMA_VERSION} expected")
    return decode_object(Workflow, data.get("workflow"))
