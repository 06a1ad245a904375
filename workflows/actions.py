"""What is asked of a folder: by persons through a desk, and by the machine that transmits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar, TypeAlias

from workflows.definition import StepId, Workflow
from workflows.folder import Document, RevisionChange, TransmissionId, WorkflowVersionId
from workflows.powers import PersonAtDesk


class ActionKind(StrEnum):
    """The name of each action, as the API and the inbox show it."""

    SUBMIT = "submit"
    APPROVE = "approve"
    SIGN = "sign"
    REJECT = "reject"
    RETRACT = "retract"
    RESUBMIT = "resubmit"
    CANCEL = "cancel"
    CLAIM_TRANSMISSION = "claim_transmission"
    RECORD_TRANSMITTED = "record_transmitted"
    RECORD_ACKNOWLEDGED = "record_acknowledged"
    RECORD_REMOTE_REFUSAL = "record_remote_refusal"
    RECORD_TRANSMISSION_ERROR = "record_transmission_error"


@dataclass(frozen=True, slots=True)
class Submit:
    """Send a draft in a circuit, pinned to this version, with these documents."""

    kind: ClassVar[ActionKind] = ActionKind.SUBMIT
    actor: PersonAtDesk
    workflow_version: WorkflowVersionId
    workflow: Workflow
    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Approve:
    """Agree at an approval step. The step is named so that a repeated click passes it once."""

    kind: ClassVar[ActionKind] = ActionKind.APPROVE
    actor: PersonAtDesk
    step: StepId


@dataclass(frozen=True, slots=True)
class Sign:
    """Pass a signature step: each signable document, from the revision that was read to the
    signed one that takes its place."""

    kind: ClassVar[ActionKind] = ActionKind.SIGN
    actor: PersonAtDesk
    step: StepId
    signed: tuple[RevisionChange, ...]


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse at a step that waits for a person, and say why."""

    kind: ClassVar[ActionKind] = ActionKind.REJECT
    actor: PersonAtDesk
    step: StepId
    reason: str


@dataclass(frozen=True, slots=True)
class Retract:
    """Take back one's act at a step; without `step`, the submission."""

    kind: ClassVar[ActionKind] = ActionKind.RETRACT
    actor: PersonAtDesk
    step: StepId | None = None


@dataclass(frozen=True, slots=True)
class Resubmit:
    """Start the circuit again with these documents, unsigned."""

    kind: ClassVar[ActionKind] = ActionKind.RESUBMIT
    actor: PersonAtDesk
    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Cancel:
    """End a folder that is not in its circuit."""

    kind: ClassVar[ActionKind] = ActionKind.CANCEL
    actor: PersonAtDesk


@dataclass(frozen=True, slots=True)
class ClaimTransmission:
    """The machine takes the folder to send it: from here no retraction. Claimed again, under any
    id, after a failure that sent nothing."""

    kind: ClassVar[ActionKind] = ActionKind.CLAIM_TRANSMISSION
    transmission: TransmissionId


@dataclass(frozen=True, slots=True)
class RecordTransmitted:
    """The remote took the folder; `remote_id` is None when that is proved but its id is not
    known, and is then recorded later by the same action."""

    kind: ClassVar[ActionKind] = ActionKind.RECORD_TRANSMITTED
    transmission: TransmissionId
    remote_id: str | None


@dataclass(frozen=True, slots=True)
class RecordAcknowledged:
    """The recipient accepted: reference and date of reception where the answer has them."""

    kind: ClassVar[ActionKind] = ActionKind.RECORD_ACKNOWLEDGED
    transmission: TransmissionId
    reference: str | None = None
    received_on: date | None = None


class RefusedBy(StrEnum):
    """Who refused outside: the carrier (TdT), or the recipient (treasury, legality control)."""

    TRANSMISSION_OPERATOR = "transmission_operator"
    RECIPIENT = "recipient"


@dataclass(frozen=True, slots=True)
class RecordRemoteRefusal:
    """The outside refused the folder, at the door or by its answer."""

    kind: ClassVar[ActionKind] = ActionKind.RECORD_REMOTE_REFUSAL
    transmission: TransmissionId
    refused_by: RefusedBy
    reason: str


@dataclass(frozen=True, slots=True)
class RecordTransmissionError:
    """The machine gives up, and it is certain that the remote took nothing. An unknown outcome
    is never recorded this way: the folder then stays `transmitting`."""

    kind: ClassVar[ActionKind] = ActionKind.RECORD_TRANSMISSION_ERROR
    transmission: TransmissionId
    reason: str


SubmitterAction: TypeAlias = Submit | Resubmit | Cancel
StepAction: TypeAlias = Approve | Sign | Reject
PersonAction: TypeAlias = SubmitterAction | StepAction | Retract
MachineAction: TypeAlias = (
    ClaimTransmission
    | RecordTransmitted
    | RecordAcknowledged
    | RecordRemoteRefusal
    | RecordTransmissionError
)
Action: TypeAlias = PersonAction | MachineAction
