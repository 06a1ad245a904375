"""Circuits: their steps, what makes one valid, and how a version of one is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from workflows.encoding import JsonObject, decode_object, encode_object
from workflows.errors import Unreadable

DeskId = NewType("DeskId", str)
StepId = NewType("StepId", str)

SCHEMA_VERSION = 1


class StepKind(StrEnum):
    """What a step waits for."""

    APPROVAL = "approval"
    SIGNATURE = "signature"
    TRANSMISSION = "transmission"


class StepMode(StrEnum):
    """How many of its actors a step needs."""

    ANY_OF = "any_of"


class ActorKind(StrEnum):
    """How the desk of an actor is found."""

    DESK = "desk"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who a step is entrusted to: always a desk in the end, never a person."""

    kind: ActorKind
    desk: DeskId


@dataclass(frozen=True, slots=True)
class Step:
    """One turn of a circuit. `id` is unique inside it; a transmission has no actor."""

    id: StepId
    kind: StepKind
    name: str
    actors: tuple[Actor, ...] = ()
    mode: StepMode = StepMode.ANY_OF


@dataclass(frozen=True, slots=True)
class Workflow:
    """A circuit as an administrator draws it: the steps in their order."""

    name: str
    steps: tuple[Step, ...]


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


def given_desk(desk: DeskId) -> Actor:
    """The actor that is this very desk."""
    return Actor(ActorKind.DESK, desk)


def findings(
    workflow: Workflow, protocol: Protocol, intake: HeliosIntake | None = None
) -> tuple[Finding, ...]:
    """All that is wrong or doubtful in the circuit, for folders of this protocol.

    Never raises: a draft version may be saved with findings; one with an error may not be
    activated. `intake` is read for HELIOS only. The signature rule of HELIOS is that of the
    DGFiP policy, which forbids co-signature.
    """
    return (
        *structure_findings(workflow),
        *_transmission_findings(workflow, protocol),
        *(_helios_findings(workflow, intake) if protocol is Protocol.HELIOS else ()),
    )


def structure_findings(workflow: Workflow) -> tuple[Finding, ...]:
    """What is wrong in the circuit whatever the protocol: with an error it has a dead end."""
    return tuple(_structure(workflow))


def _structure(workflow: Workflow) -> Iterator[Finding]:
    if not workflow.name.strip():
        yield _error("workflow_unnamed", "Donnez un nom au circuit.")
    if not workflow.steps:
        yield _error("workflow_empty", "Ce circuit est vide : ajoutez au moins une étape.")
    for step_id, count in Counter(step.id for step in workflow.steps).items():
        if count > 1:
            yield _error(
                "step_id_duplicate",
                f"{count} étapes portent l'identifiant « {step_id} » : donnez un identifiant "
                "à chacune.",
                step_id,
            )
    for step in workflow.steps:
        yield from _step_structure(step)
    yield from _transmission_place(workflow)


def _step_structure(step: Step) -> Iterator[Finding]:
    if step.kind is StepKind.TRANSMISSION and step.actors:
        yield _error(
            "transmission_with_actor",
            f"L'étape « {step.name} » est faite par le système : retirez-lui ses bureaux.",
            step.id,
        )
    if step.kind is not StepKind.TRANSMISSION and not step.actors:
        yield _error(
            "step_without_actor",
            f"L'étape « {step.name} » n'est confiée à personne : choisissez un bureau.",
            step.id,
        )


def _transmission_place(workflow: Workflow) -> Iterator[Finding]:
    transmissions = _of_kind(workflow, StepKind.TRANSMISSION)
    for step in transmissions[1:]:
        yield _error(
            "transmission_repeated",
            f"L'étape « {step.name} » transmettrait une seconde fois : gardez-en une seule.",
            step.id,
        )
    for step in transmissions[:1]:
        if step is not workflow.steps[-1]:
            yield _error(
                "transmission_not_last",
                f"L'étape « {step.name} » doit être la dernière : déplacez-la à la fin.",
                step.id,
            )


def _transmission_findings(workflow: Workflow, protocol: Protocol) -> Iterator[Finding]:
    transmissions = _of_kind(workflow, StepKind.TRANSMISSION)
    if protocol is Protocol.NONE:
        for step in transmissions:
            yield _error(
                "transmission_without_protocol",
                f"L'étape « {step.name} » n'a pas de destinataire : ce type de dossier n'est pas "
                "télétransmis. Retirez l'étape.",
                step.id,
            )
    elif not transmissions:
        yield Finding(
            "transmission_absent",
            "Ce circuit ne télétransmet pas : ajoutez une étape de télétransmission, "
            "ou transmettez à la main.",
            Severity.WARNING,
        )


def _helios_findings(workflow: Workflow, intake: HeliosIntake | None) -> Iterator[Finding]:
    signatures = _of_kind(workflow, StepKind.SIGNATURE)
    if intake is None:
        yield _error(
            "helios_intake_missing",
            "Dites si ce sous-type prend des flux à signer, déjà signés ou sans signature.",
        )
    elif intake is not HeliosIntake.TO_SIGN:
        for step in signatures:
            yield _error(
                "helios_signature_unexpected",
                "Les flux de ce sous-type ne se signent pas ici : "
                f"retirez l'étape « {step.name} ».",
                step.id,
            )
    elif len(signatures) != 1:
        yield _error(
            "helios_one_signature",
            f"Un flux PES se signe une fois et une seule : ce circuit a {len(signatures)} "
            "étape(s) de signature, gardez-en une.",
        )


def _of_kind(workflow: Workflow, kind: StepKind) -> tuple[Step, ...]:
    return tuple(step for step in workflow.steps if step.kind is kind)


def _error(code: str, detail: str, step: StepId | None = None) -> Finding:
    return Finding(code, detail, Severity.ERROR, step)


def to_json(workflow: Workflow) -> JsonObject:
    """The circuit as JSON data, with the version of its schema, to be stored for good."""
    return {"schema": SCHEMA_VERSION, "workflow": encode_object(workflow)}


def from_json(data: object) -> Workflow:
    """The circuit that `to_json` wrote. Unreadable for another schema or a malformed object."""
    if not isinstance(data, Mapping) or data.get("schema") != SCHEMA_VERSION:
        raise Unreadable(f"workflow: schema {SCHEMA_VERSION} expected")
    return decode_object(Workflow, data.get("workflow"))
