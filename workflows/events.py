"""What happened to a folder, by its people and in its circuit; `outside_events` has the rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, TypeAlias

from workflows.definition import Actor, DeskId, Duty, Step, StepId, StepKind
from workflows.folder import (
    NO_RULES,
    ActKind,
    Document,
    FolderId,
    FolderRules,
    RevisionChange,
    RevisionId,
    WorkflowVersionId,
)
from workflows.outside_events import OutsideAnswered, TransmissionEvent
from workflows.register import Authorship, PersonId


@dataclass(frozen=True, slots=True)
class Created:
    """A draft was opened by a desk."""

    type: ClassVar[str] = "created"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    folder: FolderId


@dataclass(frozen=True, slots=True)
class Submitted:
    """The folder entered a circuit, whose steps and rules are copied here: it is pinned to them.
    Variable actors are replaced by the desks chosen."""

    type: ClassVar[str] = "submitted"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    round: int
    workflow_version: WorkflowVersionId
    steps: tuple[Step, ...]
    documents: tuple[Document, ...]
    rules: FolderRules = NO_RULES
    duties: tuple[Duty, ...] = ()
    final_desk: DeskId | None = None
    informed_at_end: tuple[Actor, ...] = ()


@dataclass(frozen=True, slots=True)
class StepStarted:
    """The turn of a step came; `desks` are those it is entrusted to, as resolved then."""

    type: ClassVar[str] = "step_started"
    version: ClassVar[int] = 1
    occurred_at: datetime
    step: StepId
    kind: StepKind
    desks: tuple[DeskId, ...]


@dataclass(frozen=True, slots=True)
class Approved:
    """A person agreed; the step is passed when no desk of it is awaited any more."""

    type: ClassVar[str] = "approved"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    step: StepId


@dataclass(frozen=True, slots=True)
class Signed:
    """A person signed every signable document; the step is passed as by `Approved`."""

    type: ClassVar[str] = "signed"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    step: StepId
    changes: tuple[RevisionChange, ...]


@dataclass(frozen=True, slots=True)
class SignedOnPaper:
    """A signature made on paper was recorded; the step is passed as by `Approved`."""

    type: ClassVar[str] = "signed_on_paper"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    step: StepId
    signed_on: date


@dataclass(frozen=True, slots=True)
class Sealed:
    """Every signable document bears the seal; the step is passed as by `Approved`."""

    type: ClassVar[str] = "sealed"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    step: StepId
    changes: tuple[RevisionChange, ...]


@dataclass(frozen=True, slots=True)
class Archived:
    """A person put the folder away; the step is passed as by `Approved`."""

    type: ClassVar[str] = "archived"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    step: StepId


@dataclass(frozen=True, slots=True)
class ValidationStarted:
    """The preparation is over: these documents are fixed."""

    type: ClassVar[str] = "validation_started"
    version: ClassVar[int] = 1
    occurred_at: datetime
    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A person refused; the folder went back to its submitter, or to the earlier step
    `returned_to`. `restored`: the signed revisions that the return undid."""

    type: ClassVar[str] = "rejected"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    step: StepId
    reason: str
    returned_to: StepId | None = None
    restored: tuple[RevisionChange, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentsRead:
    """A person opened these revisions."""

    type: ClassVar[str] = "documents_read"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    revisions: tuple[RevisionId, ...]


@dataclass(frozen=True, slots=True)
class Transferred:
    """The part of a desk in a step was handed to another."""

    type: ClassVar[str] = "transferred"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    step: StepId
    from_desk: DeskId
    to_desk: DeskId
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OpinionAsked:
    """The opinion of a desk was asked."""

    type: ClassVar[str] = "opinion_asked"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    step: StepId
    desk: DeskId
    question: str


@dataclass(frozen=True, slots=True)
class OpinionGiven:
    """The opinion came."""

    type: ClassVar[str] = "opinion_given"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    step: StepId
    answer: str


@dataclass(frozen=True, slots=True)
class StepAdded:
    """A step was inserted right after `step`."""

    type: ClassVar[str] = "step_added"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    step: StepId
    added: Step


@dataclass(frozen=True, slots=True)
class Recused:
    """A person stood back: he acts no more on this folder."""

    type: ClassVar[str] = "recused"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    reason: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """A person began to change what is deposited: a draft that he did not open or a folder that
    had come back (documents, title or metadata), the documents of one that is prepared. The
    journal says what. The events stored before they had `by` name the `person` at most."""

    type: ClassVar[str] = "corrected"
    version: ClassVar[int] = 1
    occurred_at: datetime
    person: PersonId | None = None
    by: Authorship | None = None

    @property
    def names(self) -> tuple[PersonId, ...]:
        """Who did and in whose name, as far as the event says."""
        if self.by is not None:
            return self.by.names
        return () if self.person is None else (self.person,)


@dataclass(frozen=True, slots=True)
class StepSkipped:
    """An administrator passed over a step."""

    type: ClassVar[str] = "step_skipped"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    step: StepId
    reason: str


@dataclass(frozen=True, slots=True)
class StepForced:
    """An administrator ended a step that waited for the outside."""

    type: ClassVar[str] = "step_forced"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    step: StepId
    reason: str


@dataclass(frozen=True, slots=True)
class Migrated:
    """An administrator pinned the folder to another version; `steps` are all of those of the new
    one, the turn stays at the current step."""

    type: ClassVar[str] = "migrated"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    workflow_version: WorkflowVersionId
    steps: tuple[Step, ...]
    duties: tuple[Duty, ...] = ()
    final_desk: DeskId | None = None
    informed_at_end: tuple[Actor, ...] = ()


@dataclass(frozen=True, slots=True)
class Chained:
    """Another folder follows this one, which had ended."""

    type: ClassVar[str] = "chained"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    folder: FolderId


@dataclass(frozen=True, slots=True)
class Retracted:
    """A person took back an act (`act`, at `step`; no step for the submission). `restored` goes
    from each signed revision, kept as retracted and never sent, to the one put back."""

    type: ClassVar[str] = "retracted"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    act: ActKind
    step: StepId | None = None
    restored: tuple[RevisionChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Resubmitted:
    """The corrected folder started its circuit again. `kept`: the steps whose approvals stand,
    because what they approved has not changed."""

    type: ClassVar[str] = "resubmitted"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    round: int
    documents: tuple[Document, ...]
    kept: tuple[StepId, ...] = ()


@dataclass(frozen=True, slots=True)
class Completed:
    """Every step is passed and nothing has to be transmitted."""

    type: ClassVar[str] = "completed"
    version: ClassVar[int] = 1
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The submitter ended the folder."""

    type: ClassVar[str] = "cancelled"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship


StartEvent: TypeAlias = Submitted | Resubmitted
PassingEvent: TypeAlias = Approved | Signed | SignedOnPaper | Sealed | Archived
StepEvent: TypeAlias = (
    StepStarted
    | PassingEvent
    | Rejected
    | Retracted
    | Transferred
    | StepAdded
    | StepSkipped
    | StepForced
    | OutsideAnswered
)
SideEvent: TypeAlias = DocumentsRead | OpinionAsked | OpinionGiven | Recused | Corrected
WorkflowEvent: TypeAlias = ValidationStarted | Migrated
EndEvent: TypeAlias = Completed | Cancelled | Chained
Event: TypeAlias = (
    Created | StartEvent | StepEvent | SideEvent | WorkflowEvent | EndEvent | TransmissionEvent
)
