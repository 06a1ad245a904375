"""Bodies of people's acts on a folder, and what each asks of the engine."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.auth.schemas import Input
from app.register.service import as_desk
from workflows import actions
from workflows.actions import Action
from workflows.definition import Phase, Step, StepId, StepKind, given_desk
from workflows.folder import Document, RevisionId
from workflows.register import PersonAtDesk

StepName = Annotated[str, Field(min_length=1, max_length=60)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who acts, through which desk, and where the folder stands: the part of the circuit that it
    is in, and the documents that enter the validation if this act begins it."""

    actor: PersonAtDesk
    phase: Phase
    entering: tuple[Document, ...]


class _Act(Input):
    """An act of a person through a desk."""

    desk_id: uuid.UUID


class ApproveAct(_Act):
    """Agree at a step."""

    action: Literal["approve"]
    step: StepName

    def action_on(self, occasion: Occasion) -> Action:
        return actions.Approve(occasion.actor, StepId(self.step), occasion.entering)


class RejectAct(_Act):
    """Refuse at a step, and say why; to the submitter, or back to an earlier step."""

    action: Literal["reject"]
    step: StepName
    reason: str = Field(max_length=2000)
    return_to: StepName | None = None

    def action_on(self, occasion: Occasion) -> Action:
        back = StepId(self.return_to) if self.return_to else None
        return actions.Reject(occasion.actor, StepId(self.step), self.reason, back)


class RetractAct(_Act):
    """Take back one's act; without step, the submission."""

    action: Literal["retract"]
    step: StepName | None = None

    def action_on(self, occasion: Occasion) -> Action:
        return actions.Retract(occasion.actor, StepId(self.step) if self.step else None)


class ResubmitAct(_Act):
    """Start the circuit again with the documents as they stand."""

    action: Literal["resubmit"]

    # No `action_on`: `enter_workflow` asks it of the engine, with the circuit that it chooses.


class CancelAct(_Act):
    """End a folder that is not in its circuit."""

    action: Literal["cancel"]

    def action_on(self, occasion: Occasion) -> Action:
        return actions.Cancel(occasion.actor)


class SignOnPaperAct(_Act):
    """Record a signature made on paper, where the subtype allows it."""

    action: Literal["sign_on_paper"]
    step: StepName
    signed_on: date

    def action_on(self, occasion: Occasion) -> Action:
        return actions.SignOnPaper(occasion.actor, StepId(self.step), self.signed_on)


class ArchiveAct(_Act):
    """Put an ended folder away."""

    action: Literal["archive"]
    step: StepName

    def action_on(self, occasion: Occasion) -> Action:
        return actions.Archive(occasion.actor, StepId(self.step))


class ReadAct(_Act):
    """Say that these revisions were opened."""

    action: Literal["read"]
    revision_ids: list[uuid.UUID] = Field(min_length=1, max_length=100)

    def action_on(self, occasion: Occasion) -> Action:
        opened = tuple(RevisionId(str(one)) for one in self.revision_ids)
        return actions.Read(occasion.actor, opened)


class TransferAct(_Act):
    """Hand the desk's part of a step over to another desk."""

    action: Literal["transfer"]
    step: StepName
    to_desk_id: uuid.UUID
    reason: str = Field(default="", max_length=2000)

    def action_on(self, occasion: Occasion) -> Action:
        to = as_desk(self.to_desk_id)
        return actions.Transfer(occasion.actor, StepId(self.step), to, self.reason)


class AskOpinionAct(_Act):
    """Ask another desk for its opinion."""

    action: Literal["ask_opinion"]
    step: StepName
    of_desk_id: uuid.UUID
    question: Text

    def action_on(self, occasion: Occasion) -> Action:
        of = as_desk(self.of_desk_id)
        return actions.AskOpinion(occasion.actor, StepId(self.step), of, self.question)


class GiveOpinionAct(_Act):
    """Answer an opinion that was asked."""

    action: Literal["give_opinion"]
    step: StepName
    answer: Text

    def action_on(self, occasion: Occasion) -> Action:
        return actions.GiveOpinion(occasion.actor, StepId(self.step), self.answer)


class AddStepAct(_Act):
    """Insert a step right after the current one, where that one allows it."""

    action: Literal["add_step"]
    step: StepName
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    kind: Literal["approval", "signature"]
    name: str = Field(min_length=1, max_length=255)
    desk_ids: list[uuid.UUID] = Field(min_length=1, max_length=20)

    def action_on(self, occasion: Occasion) -> Action:
        added = Step(
            StepId(self.id),
            StepKind(self.kind),
            self.name,
            tuple(given_desk(as_desk(desk)) for desk in self.desk_ids),
            phase=occasion.phase,
        )
        return actions.AddStep(occasion.actor, StepId(self.step), added)


class RecuseAct(_Act):
    """Stand back from the folder for a conflict of interests."""

    action: Literal["recuse"]
    reason: Text

    def action_on(self, occasion: Occasion) -> Action:
        return actions.Recuse(occasion.actor, self.reason)


class SkipStepAct(_Act):
    """An administrator passes over a step, and says why."""

    action: Literal["skip_step"]
    step: StepName
    reason: str = Field(max_length=2000)

    def action_on(self, occasion: Occasion) -> Action:
        step, entering = StepId(self.step), occasion.entering
        return actions.SkipStep(occasion.actor, step, self.reason, entering)


class ForceStepAct(_Act):
    """An administrator ends a step that waits for the outside, and says why."""

    action: Literal["force_step"]
    step: StepName
    reason: str = Field(max_length=2000)

    def action_on(self, occasion: Occasion) -> Action:
        return actions.ForceStep(occasion.actor, StepId(self.step), self.reason)


FolderAct = Annotated[
    ApproveAct
    | SkipStepAct
    | ResubmitAct
    | RetractAct
    | CancelAct
    | ReadAct
    | RecuseAct
    | RejectAct
    | SignOnPaperAct
    | ArchiveAct
    | ForceStepAct
    | TransferAct
    | AskOpinionAct
    | GiveOpinionAct
    | AddStepAct,
    Field(discriminator="action"),
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
