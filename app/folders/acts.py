"""Bodies of people's acts on a folder, and what each asks of the engine."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Annotated, Literal, TypeAlias, assert_never

from pydantic import BaseModel, Field

from app.auth.schemas import Input
from app.register.service import as_desk
from workflows import actions
from workflows.actions import Action
from workflows.definition import Phase, Step, StepId, StepKind, given_desk
from workflows.folder import RevisionId
from workflows.register import PersonAtDesk

StepName = Annotated[str, Field(min_length=1, max_length=60)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]


class _Act(Input):
    """An act of a person through a desk."""

    desk_id: uuid.UUID


class ApproveAct(_Act):
    """Agree at a step."""

    action: Literal["approve"]
    step: StepName


class RejectAct(_Act):
    """Refuse at a step, and say why; to the submitter, or back to an earlier step."""

    action: Literal["reject"]
    step: StepName
    reason: str = Field(max_length=2000)
    return_to: StepName | None = None


class RetractAct(_Act):
    """Take back one's act; without step, the submission."""

    action: Literal["retract"]
    step: StepName | None = None


class ResubmitAct(_Act):
    """Start the circuit again with the documents as they stand."""

    action: Literal["resubmit"]


class CancelAct(_Act):
    """End a folder that is not in its circuit."""

    action: Literal["cancel"]


class SignOnPaperAct(_Act):
    """Record a signature made on paper, where the subtype allows it."""

    action: Literal["sign_on_paper"]
    step: StepName
    signed_on: date


class ArchiveAct(_Act):
    """Put an ended folder away."""

    action: Literal["archive"]
    step: StepName


class ReadAct(_Act):
    """Say that these revisions were opened."""

    action: Literal["read"]
    revision_ids: list[uuid.UUID] = Field(min_length=1, max_length=100)


class TransferAct(_Act):
    """Hand the desk's part of a step over to another desk."""

    action: Literal["transfer"]
    step: StepName
    to_desk_id: uuid.UUID
    reason: str = Field(default="", max_length=2000)


class AskOpinionAct(_Act):
    """Ask another desk for its advice."""

    action: Literal["ask_opinion"]
    step: StepName
    of_desk_id: uuid.UUID
    question: Text


class GiveOpinionAct(_Act):
    """Answer an advice that was asked."""

    action: Literal["give_opinion"]
    step: StepName
    answer: Text


class AddStepAct(_Act):
    """Insert a step right after the current one, where that one allows it."""

    action: Literal["add_step"]
    step: StepName
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    kind: Literal["approval", "signature"]
    name: str = Field(min_length=1, max_length=255)
    desk_ids: list[uuid.UUID] = Field(min_length=1, max_length=20)


class RecuseAct(_Act):
    """Stand back from the folder for a conflict of interests."""

    action: Literal["recuse"]
    reason: Text


class SkipStepAct(_Act):
    """An administrator passes over a step, and says why."""

    action: Literal["skip_step"]
    step: StepName
    reason: str = Field(max_length=2000)


class ForceStepAct(_Act):
    """An administrator ends a step that waits for the outside, and says why."""

    action: Literal["force_step"]
    step: StepName
    reason: str = Field(max_length=2000)


DeskAct: TypeAlias = TransferAct | AskOpinionAct | GiveOpinionAct | AddStepAct
StepAct: TypeAlias = RejectAct | SignOnPaperAct | ArchiveAct | ForceStepAct | DeskAct
PlainAct: TypeAlias = RetractAct | CancelAct | ReadAct | RecuseAct | StepAct
FolderAct = Annotated[
    ApproveAct | SkipStepAct | ResubmitAct | PlainAct, Field(discriminator="action")
]


class BulkItem(Input):
    """One folder and the act on it."""

    folder_id: uuid.UUID
    act: FolderAct


class BulkAct(Input):
    """Acts on many folders, each on its own."""

    items: list[BulkItem] = Field(min_length=1, max_length=200)


class BulkOutcome(BaseModel):
    """What became of one act: the folder's status, or the code and the sentence of a refusal."""

    folder_id: uuid.UUID
    done: bool
    status: str | None
    code: str | None
    detail: str | None


class BulkRead(BaseModel):
    """One outcome per act, in their order."""

    outcomes: list[BulkOutcome]


def plain_action(act: PlainAct, actor: PersonAtDesk, phase: Phase) -> Action:
    """What the engine is asked for an act that brings no document. `phase`: where a step would be
    added."""
    match act:
        case RetractAct():
            return actions.Retract(actor, StepId(act.step) if act.step else None)
        case CancelAct():
            return actions.Cancel(actor)
        case ReadAct():
            return actions.Read(actor, tuple(RevisionId(str(one)) for one in act.revision_ids))
        case RecuseAct():
            return actions.Recuse(actor, act.reason)
        case _:
            return _at_step(act, actor, StepId(act.step), phase)


def _at_step(act: StepAct, actor: PersonAtDesk, step: StepId, phase: Phase) -> Action:
    match act:
        case RejectAct():
            back = StepId(act.return_to) if act.return_to else None
            return actions.Reject(actor, step, act.reason, back)
        case SignOnPaperAct():
            return actions.SignOnPaper(actor, step, act.signed_on)
        case ArchiveAct():
            return actions.Archive(actor, step)
        case ForceStepAct():
            return actions.ForceStep(actor, step, act.reason)
        case _:
            return _between_desks(act, actor, step, phase)


def _between_desks(act: DeskAct, actor: PersonAtDesk, step: StepId, phase: Phase) -> Action:
    match act:
        case TransferAct():
            return actions.Transfer(actor, step, as_desk(act.to_desk_id), act.reason)
        case AskOpinionAct():
            return actions.AskOpinion(actor, step, as_desk(act.of_desk_id), act.question)
        case GiveOpinionAct():
            return actions.GiveOpinion(actor, step, act.answer)
        case AddStepAct():
            added = Step(
                StepId(act.id),
                StepKind(act.kind),
                act.name,
                tuple(given_desk(as_desk(desk)) for desk in act.desk_ids),
                phase=phase,
            )
            return actions.AddStep(actor, step, added)
        case _:
            assert_never(act)
