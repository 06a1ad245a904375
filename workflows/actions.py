"""What is asked of a folder: by persons through a desk, and by the machine that transmits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar, TypeAlias

from workflows.definition import ChosenDesk, DeskId, Step, StepId, Workflow
from workflows.folder import (
    NO_RULES,
    Document,
    FolderId,
    FolderRules,
    RevisionChange,
    RevisionId,
    TransmissionId,
    WorkflowVersionId,
)
from workflows.register import PersonAtDesk


class ActionKind(StrEnum):
    """The name of each action, as the API and the inbox show it."""

    SUBMIT = "submit"
    APPROVE = "approve"
    SIGN = "sign"
    SIGN_ON_PAPER = "sign_on_paper"
    SEAL = "seal"
    ARCHIVE = "archive"
    REJECT = "reject"
    RETRACT = "retract"
    RESUBMIT = "resubmit"
    CANCEL = "cancel"
    READ = "read"
    TRANSFER = "transfer"
    ASK_OPINION = "ask_opinion"
    GIVE_OPINION = "give_opinion"
    ADD_STEP = "add_step"
    RECUSE = "recuse"
    CHAIN = "chain"
    SKIP_STEP = "skip_step"
    FORCE_STEP = "force_step"
    MIGRATE = "migrate"
    RECORD_OUTSIDE = "record_outside"
    CLAIM_TRANSMISSION = "claim_transmission"
    RECORD_TRANSMITTED = "record_transmitted"
    RECORD_ACKNOWLEDGED = "record_acknowledged"
    RECORD_REMOTE_REFUSAL = "record_remote_refusal"
    RECORD_TRANSMISSION_ERROR = "record_transmission_error"


@dataclass(frozen=True, slots=True)
class Submit:
    """Send a draft in a circuit, pinned to this version, with these documents, the desks chosen
    for its variable actors and what the subtype demands."""

    kind: ClassVar[ActionKind] = ActionKind.SUBMIT
    actor: PersonAtDesk
    workflow_version: WorkflowVersionId
    workflow: Workflow
    documents: tuple[Document, ...]
    chosen_desks: tuple[ChosenDesk, ...] = ()
    rules: FolderRules = NO_RULES


@dataclass(frozen=True, slots=True)
class Approve:
    """Agree at an approval step. The step is named so that a repeated click passes it once.

    `documents` are those that enter the validation circuit: read only where this act ends the
    preparation, and then required.
    """

    kind: ClassVar[ActionKind] = ActionKind.APPROVE
    actor: PersonAtDesk
    step: StepId
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class Sign:
    """Pass a signature step: each signable document, from the revision that was read to the
    signed one that takes its place."""

    kind: ClassVar[ActionKind] = ActionKind.SIGN
    actor: PersonAtDesk
    step: StepId
    signed: tuple[RevisionChange, ...]


@dataclass(frozen=True, slots=True)
class SignOnPaper:
    """Record that a signature step was done on paper, on that day."""

    kind: ClassVar[ActionKind] = ActionKind.SIGN_ON_PAPER
    actor: PersonAtDesk
    step: StepId
    signed_on: date


@dataclass(frozen=True, slots=True)
class Seal:
    """Pass a seal step, as `Sign` does a signature step, with the seal of the organisation."""

    kind: ClassVar[ActionKind] = ActionKind.SEAL
    actor: PersonAtDesk
    step: StepId
    sealed: tuple[RevisionChange, ...]


@dataclass(frozen=True, slots=True)
class Archive:
    """Put the ended folder away: passes an archive step."""

    kind: ClassVar[ActionKind] = ActionKind.ARCHIVE
    actor: PersonAtDesk
    step: StepId


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse at a step that waits for a person, and say why. The folder goes back to its
    submitter, or to the earlier step named where the circuit says so."""

    kind: ClassVar[ActionKind] = ActionKind.REJECT
    actor: PersonAtDesk
    step: StepId
    reason: str
    return_to: StepId | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A person opened these revisions of the folder's main documents."""

    kind: ClassVar[ActionKind] = ActionKind.READ
    actor: PersonAtDesk
    revisions: tuple[RevisionId, ...]


@dataclass(frozen=True, slots=True)
class Transfer:
    """Hand the part of the actor's desk in the current step over to another desk."""

    kind: ClassVar[ActionKind] = ActionKind.TRANSFER
    actor: PersonAtDesk
    step: StepId
    to: DeskId
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AskOpinion:
    """Ask another desk for its opinion at the current step."""

    kind: ClassVar[ActionKind] = ActionKind.ASK_OPINION
    actor: PersonAtDesk
    step: StepId
    desk: DeskId
    question: str


@dataclass(frozen=True, slots=True)
class GiveOpinion:
    """Answer an opinion that was asked of the actor's desk at this step."""

    kind: ClassVar[ActionKind] = ActionKind.GIVE_OPINION
    actor: PersonAtDesk
    step: StepId
    answer: str


@dataclass(frozen=True, slots=True)
class AddStep:
    """Insert an approval or a signature right after the current step, where that one says so."""

    kind: ClassVar[ActionKind] = ActionKind.ADD_STEP
    actor: PersonAtDesk
    step: StepId
    added: Step


@dataclass(frozen=True, slots=True)
class Recuse:
    """Stand back from a folder for a conflict of interests (déport): the person acts no more."""

    kind: ClassVar[ActionKind] = ActionKind.RECUSE
    actor: PersonAtDesk
    reason: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Start another folder with the documents of this one, which ended."""

    kind: ClassVar[ActionKind] = ActionKind.CHAIN
    actor: PersonAtDesk
    folder: FolderId


@dataclass(frozen=True, slots=True)
class SkipStep:
    """An administrator passes over a step that waits for a person, and says why. `documents`: as
    in `Approve`. A signature is never skipped."""

    kind: ClassVar[ActionKind] = ActionKind.SKIP_STEP
    actor: PersonAtDesk
    step: StepId
    reason: str
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class ForceStep:
    """An administrator ends a step that waits for the outside, and says why."""

    kind: ClassVar[ActionKind] = ActionKind.FORCE_STEP
    actor: PersonAtDesk
    step: StepId
    reason: str


@dataclass(frozen=True, slots=True)
class Migrate:
    """An administrator brings a folder under way to another version of its circuit."""

    kind: ClassVar[ActionKind] = ActionKind.MIGRATE
    actor: PersonAtDesk
    workflow_version: WorkflowVersionId
    workflow: Workflow
    chosen_desks: tuple[ChosenDesk, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordOutside:
    """The outside answered at an external or secure mail step."""

    kind: ClassVar[ActionKind] = ActionKind.RECORD_OUTSIDE
    step: StepId
    accepted: bool
    reference: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Retract:
    """Take back one's act at a step; without `step`, the submission."""

    kind: ClassVar[ActionKind] = ActionKind.RETRACT
    actor: PersonAtDesk
    step: StepId | None = None


@dataclass(frozen=True, slots=True)
class Resubmit:
    """Start the circuit again with these documents, unsigned; or the one of `anew`, what the folder
    would be submitted in now, where it follows another."""

    kind: ClassVar[ActionKind] = ActionKind.RESUBMIT
    actor: PersonAtDesk
    documents: tuple[Document, ...]
    anew: Submit | None = None


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
PassingAction: TypeAlias = Approve | Sign | SignOnPaper | Seal | Archive
StepAction: TypeAlias = PassingAction | Reject | Transfer | AskOpinion | AddStep
AdministratorAction: TypeAlias = SkipStep | ForceStep | Migrate
PersonAction: TypeAlias = (
    SubmitterAction
    | StepAction
    | AdministratorAction
    | Retract
    | Read
    | GiveOpinion
    | Recuse
    | Chain
)
TransmissionAction: TypeAlias = (
    ClaimTransmission
    | RecordTransmitted
    | RecordAcknowledged
    | RecordRemoteRefusal
    | RecordTransmissionError
)
MachineAction: TypeAlias = TransmissionAction | RecordOutside
Action: TypeAlias = PersonAction | MachineAction
