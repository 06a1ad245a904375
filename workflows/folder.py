"""The immutable state that a circuit acts upon: where a folder stands and how it came there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NewType

from workflows.definition import Step, StepId, StepKind
from workflows.powers import Authorship, PersonAtDesk

FolderId = NewType("FolderId", str)
DocumentId = NewType("DocumentId", str)
RevisionId = NewType("RevisionId", str)
WorkflowVersionId = NewType("WorkflowVersionId", str)
TransmissionId = NewType("TransmissionId", str)


class FolderStatus(StrEnum):
    """Where a folder stands."""

    DRAFT = "draft"
    PENDING = "pending"
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


class StepState(StrEnum):
    """Where a running step stands; `stopped`: a rejection or a remote refusal ended it."""

    WAITING = "waiting"
    CURRENT = "current"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class StepInstance:
    """A step of the pinned circuit, as it runs in this round of this folder."""

    step: Step
    state: StepState = StepState.WAITING
    started_at: datetime | None = None

    @property
    def id(self) -> StepId:
        """The id of the step in the circuit."""
        return self.step.id

    @property
    def kind(self) -> StepKind:
        """What the step waits for."""
        return self.step.kind


class DocumentRole(StrEnum):
    """A main document is approved and signed, an annex travels for information."""

    MAIN_DOCUMENT = "main_document"
    ANNEX = "annex"


@dataclass(frozen=True, slots=True)
class Revision:
    """One immutable state of a document: its id and the SHA-256 of its bytes, in hex."""

    id: RevisionId
    sha256: str


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
    REJECT = "reject"
    RESUBMIT = "resubmit"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Act:
    """One act of one person; `retracted_at` when it was taken back. Acts on the whole folder
    have no `step`."""

    kind: ActKind
    round: int
    by: Authorship
    at: datetime
    step: StepId | None = None
    reason: str | None = None
    changes: tuple[RevisionChange, ...] = ()
    retracted_at: datetime | None = None


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
    whole life, earlier rounds and retracted acts included.
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
    transmission: Transmission | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen to the folder."""
        return self.status in FINAL_STATUSES

    @property
    def current_step(self) -> StepInstance | None:
        """The step whose turn it is, if any."""
        return next((one for one in self.steps if one.state is StepState.CURRENT), None)

    @property
    def next_step(self) -> StepInstance | None:
        """The first step that has not had its turn, if any."""
        return next((one for one in self.steps if one.state is StepState.WAITING), None)

    @property
    def standing_acts(self) -> tuple[Act, ...]:
        """The acts of this round that nobody took back, oldest first."""
        return tuple(
            act for act in self.acts if act.round == self.round and act.retracted_at is None
        )

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
