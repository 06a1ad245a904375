"""The immutable state that a circuit acts upon: where a folder stands and how it came there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NewType

from workflows.definition import Actor, DeskId, Duty, Phase, Step, StepId, StepKind, desks_of
from workflows.register import Authorship, PersonAtDesk, PersonId

FolderId = NewType("FolderId", str)
DocumentId = NewType("DocumentId", str)
RevisionId = NewType("RevisionId", str)
WorkflowVersionId = NewType("WorkflowVersionId", str)
TransmissionId = NewType("TransmissionId", str)


class FolderStatus(StrEnum):
    """Where a folder stands."""

    DRAFT = "draft"
    PENDING = "pending"
    AWAITING_OUTSIDE = "awaiting_outside"
    REJECTED = "rejected"
    AWAITING_TRANSMISSION = "awaiting_transmission"
    TRANSMITTING = "transmitting"
    TRANSMISSION_FAILED = "transmission_failed"
    TRANSMITTED = "transmitted"
    REMOTE_REFUSED = "remote_refused"
    ACKNOWLEDGED = "acknowledged"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


FINAL_STATUSES = frozenset(
    {FolderStatus.ACKNOWLEDGED, FolderStatus.COMPLETED, FolderStatus.CANCELLED}
)

BACK_STATUSES = frozenset(
    {FolderStatus.REJECTED, FolderStatus.REMOTE_REFUSED, FolderStatus.TRANSMISSION_FAILED}
)
"""The folder left its circuit before the end: its submitter corrects it, sends it again or ends
it."""


class StepState(StrEnum):
    """Where a running step stands; `skipped`: an administrator passed over it, or a migration
    brought it in behind the folder; `stopped`: a rejection or a refusal of the outside ended it."""

    WAITING = "waiting"
    CURRENT = "current"
    DONE = "done"
    SKIPPED = "skipped"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class StepInstance:
    """A step of the pinned circuit, as it runs in this round of this folder. `drawn` are its
    actors as the circuit draws them, kept when its turn replaces them by desks; None before that.
    `is_added`: it is no step of the circuit, a person inserted it in this folder."""

    step: Step
    state: StepState = StepState.WAITING
    started_at: datetime | None = None
    drawn: tuple[Actor, ...] | None = None
    is_added: bool = False

    @property
    def id(self) -> StepId:
        """The id of the step in the circuit."""
        return self.step.id

    @property
    def kind(self) -> StepKind:
        """What the step waits for."""
        return self.step.kind

    @property
    def as_drawn(self) -> Step:
        """The step as the circuit draws it, before its turn."""
        return self.step if self.drawn is None else replace(self.step, actors=self.drawn)


class DocumentRole(StrEnum):
    """A main document is approved and signed, an annex travels for information."""

    MAIN_DOCUMENT = "main_document"
    ANNEX = "annex"


@dataclass(frozen=True, slots=True)
class Revision:
    """One immutable state of a document: its id, the SHA-256 of its bytes and, where a signature
    stands beside them in a file of its own, the SHA-256 of that one; both in hex."""

    id: RevisionId
    sha256: str
    signature_sha256: str | None = None

    @property
    def content(self) -> tuple[str, str | None]:
        """What tells two states apart: signed apart, a document keeps its bytes."""
        return self.sha256, self.signature_sha256


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the folder and the revision that counts now."""

    id: DocumentId
    role: DocumentRole
    revision: Revision


@dataclass(frozen=True, slots=True)
class RevisionChange:
    """One revision of a document takes the place of another."""

    document: DocumentId
    before: Revision
    after: Revision

    @property
    def reverse(self) -> RevisionChange:
        """The change that undoes this one."""
        return RevisionChange(self.document, before=self.after, after=self.before)


class ActKind(StrEnum):
    """What a person did in the life of a folder."""

    SUBMIT = "submit"
    APPROVE = "approve"
    SIGN = "sign"
    SIGN_ON_PAPER = "sign_on_paper"
    SEAL = "seal"
    ARCHIVE = "archive"
    REJECT = "reject"
    TRANSFER = "transfer"
    ADD_STEP = "add_step"
    SKIP_STEP = "skip_step"
    FORCE_STEP = "force_step"
    MIGRATE = "migrate"
    RESUBMIT = "resubmit"
    CANCEL = "cancel"


PASSING_ACTS = frozenset(
    {
        ActKind.APPROVE,
        ActKind.SIGN,
        ActKind.SIGN_ON_PAPER,
        ActKind.SEAL,
        ActKind.ARCHIVE,
    }
)
"""The acts by which a desk does its part of a step."""


@dataclass(frozen=True, slots=True)
class FolderRules:
    """What the subtype demands, pinned when the folder enters its circuit.

    `mandatory_reading`: main documents are opened before any act on them. `approvals_stand`: a
    resubmission keeps the approvals of an unchanged content. `paper_signature`: a signature may
    be recorded as made on paper. `single_signature`: no other signature than the one of the
    circuit, if it has one: none is added to it, none is made on paper (HELIOS).
    """

    mandatory_reading: bool = False
    approvals_stand: bool = False
    paper_signature: bool = False
    single_signature: bool = False


NO_RULES = FolderRules()


@dataclass(frozen=True, slots=True)
class Reading:
    """A person opened this revision."""

    person: PersonId
    revision: RevisionId


@dataclass(frozen=True, slots=True)
class Opinion:
    """An opinion asked at a step from a desk; `answer` is None until it comes. It holds nobody
    back: the step stays with those who have it."""

    step: StepId
    desk: DeskId
    asked_by: Authorship
    question: str
    answered_by: Authorship | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """One act of one person; `retracted_at` when it was taken back, `returned_at` when a return
    to an earlier step undid it. Acts on the whole folder have no `step`."""

    kind: ActKind
    round: int
    by: Authorship
    at: datetime
    step: StepId | None = None
    reason: str | None = None
    changes: tuple[RevisionChange, ...] = ()
    retracted_at: datetime | None = None
    returned_at: datetime | None = None

    @property
    def stands(self) -> bool:
        """Whether nobody took it back and no return undid it."""
        return self.retracted_at is None and self.returned_at is None


@dataclass(frozen=True, slots=True)
class Transmission:
    """The transmission of this round. `remote_id` stays None while it is unknown, even after the
    remote proved that it took the folder."""

    id: TransmissionId
    remote_id: str | None = None
    reference: str | None = None
    received_on: date | None = None


@dataclass(frozen=True, slots=True)
class FolderState:
    """A folder as the engine sees it.

    `version` counts the events applied, `round` the times it entered a circuit. A draft has
    neither circuit nor documents here: it receives both when it is submitted. `acts` holds the
    whole life, earlier rounds and retracted acts included. `submitters`: whoever created, sent or
    corrected it and in whose name, even if that was taken back. `preparers`: whoever changed its
    documents in a preparation circuit, and in whose name. `corrected`: it changed since it came
    back to its submitter. `migrated_from`: the folder as it was before its last migration, unless
    it was submitted anew since.
    """

    id: FolderId
    submitter: PersonAtDesk
    status: FolderStatus = FolderStatus.DRAFT
    version: int = 1
    round: int = 0
    workflow_version: WorkflowVersionId | None = None
    steps: tuple[StepInstance, ...] = ()
    documents: tuple[Document, ...] = ()
    acts: tuple[Act, ...] = ()
    submitters: tuple[PersonId, ...] = ()
    preparers: tuple[PersonId, ...] = ()
    transmission: Transmission | None = None
    rules: FolderRules = NO_RULES
    duties: tuple[Duty, ...] = ()
    final_desk: DeskId | None = None
    informed_at_end: tuple[Actor, ...] = ()
    readings: tuple[Reading, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    recused: tuple[PersonId, ...] = ()
    chained_to: FolderId | None = None
    corrected: bool = False
    migrated_from: FolderState | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen to the folder, but to be followed by another one."""
        return self.status in FINAL_STATUSES

    @property
    def current_step(self) -> StepInstance | None:
        """The step whose turn it is, if any."""
        return next((one for one in self.steps if one.state is StepState.CURRENT), None)

    @property
    def in_preparation(self) -> bool:
        """Whether the documents may still change: the turn is at a step of the preparation."""
        current = self.current_step
        return current is not None and current.step.phase is Phase.PREPARATION

    @property
    def next_step(self) -> StepInstance | None:
        """The first step that has not had its turn, if any."""
        return next((one for one in self.steps if one.state is StepState.WAITING), None)

    @property
    def standing_acts(self) -> tuple[Act, ...]:
        """The acts of this round that nothing undid, oldest first."""
        return tuple(act for act in self.acts if act.round == self.round and act.stands)

    @property
    def signable_documents(self) -> tuple[Document, ...]:
        """The documents that a signature step signs."""
        return tuple(one for one in self.documents if one.role is DocumentRole.MAIN_DOCUMENT)

    @property
    def unsigned_documents(self) -> tuple[Document, ...]:
        """The documents as they entered this round: what a resubmission may start from."""
        first: dict[DocumentId, Revision] = {}
        for act in self.standing_acts:
            for change in act.changes:
                first.setdefault(change.document, change.before)
        return tuple(
            Document(one.id, one.role, first.get(one.id, one.revision)) for one in self.documents
        )

    @property
    def signed_revisions(self) -> frozenset[RevisionId]:
        """Every revision that a signature ever made in this folder, retracted ones included."""
        return frozenset(change.after.id for act in self.acts for change in act.changes)

    def step(self, step_id: StepId) -> StepInstance | None:
        """The step of that id, None when the circuit has none."""
        return next((one for one in self.steps if one.id == step_id), None)

    def acts_at(self, step_id: StepId) -> tuple[Act, ...]:
        """The standing acts of this round at a step: who did it, when, by which power."""
        return tuple(act for act in self.standing_acts if act.step == step_id)

    def opinion_awaited(self, step_id: StepId, desk: DeskId) -> Opinion | None:
        """The oldest opinion that a desk still owes at a step, if any."""
        return next(
            (
                one
                for one in self.opinions
                if (one.step, one.desk, one.answered_by) == (step_id, desk, None)
            ),
            None,
        )

    def desks_awaited_at(self, step_id: StepId) -> tuple[DeskId, ...]:
        """The desks of a step that have not acted there yet; empty when its turn has not come."""
        instance = self.step(step_id)
        if instance is None or instance.state is not StepState.CURRENT:
            return ()
        done = {act.by.power.desk for act in self.acts_at(step_id) if act.kind in PASSING_ACTS}
        return tuple(desk for desk in desks_of(instance.step) if desk not in done)

    def desks_asked_at(self, step_id: StepId) -> tuple[DeskId, ...]:
        """The desks whose opinion is still awaited at a step, each once; empty when the step does
        not have its turn: nobody can answer any more."""
        instance = self.step(step_id)
        if instance is None or instance.state is not StepState.CURRENT:
            return ()
        asked = (one for one in self.opinions if one.step == step_id and one.answered_by is None)
        return tuple(dict.fromkeys(one.desk for one in asked))
