"""A resubmission: another round of the same circuit, or the circuit that is chosen now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders.workflows import (
    ACCOUNTS,
    ADA_AT_RECEPTION,
    BEN_AT_ACCOUNTS,
    DAN_AT_MAYOR,
    ELSEWHERE,
    FACTS,
    FAY_ELSEWHERE,
    MAYOR,
    NOW,
    OTHER_VERSION,
    REGISTER,
    SECOND_VISA,
    SIGNATURE,
    SIGNATURE_STEP,
    VERSION,
    VISA,
    VISA_STEP,
    a_draft,
    a_step,
    a_workflow,
    play,
    some_documents,
)
from workflows.actions import AddStep, Approve, Reject, Resubmit, Submit, Transfer
from workflows.definition import Actor, ActorKind, ChosenDesk, DeskId, StepId, StepKind, desks_of
from workflows.engine import decide
from workflows.errors import UnusableWorkflow
from workflows.folder import ActKind, FolderRules, FolderState, StepState

KEEPING = FolderRules(approvals_stand=True)
CHOSEN = replace(
    a_step(SECOND_VISA, StepKind.APPROVAL, ACCOUNTS), actors=(Actor(ActorKind.VARIABLE),)
)
WORKFLOW = a_workflow(VISA_STEP, CHOSEN, SIGNATURE_STEP)
HERE = Submit(
    ADA_AT_RECEPTION,
    VERSION,
    WORKFLOW,
    some_documents(),
    (ChosenDesk(SECOND_VISA, ELSEWHERE),),
    KEEPING,
)
NEXT_VERSION = replace(HERE, workflow_version=OTHER_VERSION)
OTHER_WORKFLOW = a_workflow(a_step(StepId("other"), StepKind.APPROVAL, MAYOR))


def rejected() -> FolderState:
    """Approved twice, rejected by who signs; its second step was handed over meanwhile."""
    return play(
        a_draft(),
        HERE,
        Approve(BEN_AT_ACCOUNTS, VISA),
        Transfer(FAY_ELSEWHERE, SECOND_VISA, ACCOUNTS),
        Approve(BEN_AT_ACCOUNTS, SECOND_VISA),
        Reject(DAN_AT_MAYOR, SIGNATURE, "Le montant est faux."),
    )


def again(state: FolderState, submission: Submit) -> FolderState:
    return play(state, Resubmit(ADA_AT_RECEPTION, submission.documents, submission))


def turn(state: FolderState) -> tuple[StepId, tuple[DeskId, ...]]:
    assert state.current_step is not None
    return state.current_step.id, desks_of(state.current_step.step)


def kinds(state: FolderState) -> list[ActKind]:
    return [act.kind for act in state.standing_acts]


class TestSameCircuit:
    @pytest.mark.parametrize("desks", [HERE.chosen_desks, ()], ids=["chosen", "as before"])
    def test_keeps_the_approvals_that_stand(self, desks: tuple[ChosenDesk, ...]) -> None:
        state = again(rejected(), replace(HERE, chosen_desks=desks))
        assert turn(state)[0] == SIGNATURE
        assert kinds(state)[-1] is ActKind.RESUBMIT

    def test_keeps_the_steps_that_were_added_to_the_folder(self) -> None:
        opened = replace(VISA_STEP, may_add_steps=True)
        submission = replace(HERE, workflow=a_workflow(opened, CHOSEN, SIGNATURE_STEP))
        added = a_step(StepId("added"), StepKind.APPROVAL, MAYOR)
        state = play(
            a_draft(),
            submission,
            AddStep(BEN_AT_ACCOUNTS, VISA, added),
            Reject(BEN_AT_ACCOUNTS, VISA, "Le montant est faux."),
        )
        assert [one.id for one in again(state, submission).steps] == [
            VISA,
            added.id,
            SECOND_VISA,
            SIGNATURE,
        ]


class TestOtherCircuit:
    @pytest.mark.parametrize(
        ("submission", "first"),
        [
            (replace(NEXT_VERSION, workflow=OTHER_WORKFLOW, chosen_desks=()), StepId("other")),
            (NEXT_VERSION, VISA),
            (replace(HERE, chosen_desks=(ChosenDesk(SECOND_VISA, MAYOR),)), VISA),
            (replace(HERE, rules=replace(KEEPING, mandatory_reading=True)), VISA),
        ],
        ids=["circuit", "version", "desks", "rules"],
    )
    def test_is_entered_as_by_a_submission(self, submission: Submit, first: StepId) -> None:
        before = rejected()
        state = again(before, submission)
        assert turn(state)[0] == first
        assert (state.round, state.workflow_version, state.rules) == (
            before.round + 1,
            submission.workflow_version,
            submission.rules,
        )
        assert kinds(state) == [ActKind.SUBMIT]
        assert all(one.state is not StepState.DONE for one in state.steps)

    def test_that_cannot_be_walked_is_refused(self) -> None:
        nothing = replace(HERE, workflow_version=OTHER_VERSION, workflow=a_workflow())
        resubmit = Resubmit(ADA_AT_RECEPTION, nothing.documents, nothing)
        with pytest.raises(UnusableWorkflow):
            decide(rejected(), resubmit, REGISTER, FACTS, NOW)
