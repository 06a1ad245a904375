"""Two versions of a circuit compared, and what that means for a folder under way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.drawings import sound_workflows
from tests.builders.workflows import (
    ACCOUNTS,
    ADA,
    ADA_AT_RECEPTION,
    BEN_AT_ACCOUNTS,
    CLEO,
    DAN,
    FACTS,
    FULL,
    MAYOR,
    NOW,
    REGISTER,
    SECOND_VISA,
    SENDING_STEP,
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
from workflows.actions import Approve, Cancel, Migrate, Reject, Submit
from workflows.definition import (
    Duty,
    DutyKind,
    Phase,
    StepId,
    StepKind,
    Workflow,
    desks_of,
    given_desk,
    variable_desk,
)
from workflows.engine import decide
from workflows.errors import Refused
from workflows.evolution import evolve
from workflows.folder import FolderState, WorkflowVersionId
from workflows.register import Administrator, PersonAtDesk
from workflows.versions import Change, Difference, Effect, differences, impact

SECOND = a_step(SECOND_VISA, StepKind.APPROVAL, MAYOR)
OTHER_VERSION = WorkflowVersionId("workflow-version-2")
ADMINISTERED = replace(REGISTER, administrators=(Administrator(ADA),))
HOLDERS = {ACCOUNTS: CLEO, MAYOR: DAN}


def told(found: tuple[Difference, ...]) -> list[tuple[Change, StepId | None]]:
    return [(one.change, one.step) for one in found]


class TestDifferences:
    def test_a_step_more_and_a_step_less(self) -> None:
        after = a_workflow(VISA_STEP, SECOND, SENDING_STEP)
        assert told(differences(FULL, after)) == [
            (Change.STEP_REMOVED, SIGNATURE),
            (Change.STEP_ADDED, SECOND_VISA),
        ]

    def test_a_step_that_changes_says_in_what(self) -> None:
        visa = replace(VISA_STEP, actors=(given_desk(MAYOR),), due_in_days=2)
        (found,) = differences(FULL, replace(FULL, steps=(visa, *FULL.steps[1:])))
        assert (found.change, found.step) == (Change.STEP_CHANGED, VISA)
        assert found.fields == ("actors", "due_in_days")
        assert found.summary == "L'étape « Étape visa » change : bureaux, échéance."

    def test_as_few_steps_as_possible_have_moved(self) -> None:
        before = a_workflow(*(a_step(StepId(one), StepKind.APPROVAL, MAYOR) for one in "abcd"))
        after = replace(before, steps=(before.steps[3], *before.steps[:3]))
        assert told(differences(before, after)) == [(Change.STEP_MOVED, StepId("d"))]

    def test_what_belongs_to_the_whole_circuit(self) -> None:
        after = replace(
            FULL,
            name="Autre nom",
            duties=(Duty(DutyKind.APPROVER_DOES_NOT_SIGN),),
            final_desk=given_desk(ACCOUNTS),
            informed_at_end=(given_desk(MAYOR),),
        )
        assert [one.change for one in differences(FULL, after)] == [
            Change.DUTIES_CHANGED,
            Change.FINAL_DESK_CHANGED,
            Change.INFORMED_CHANGED,
        ]

    @settings(max_examples=60)
    @given(before=sound_workflows(), after=sound_workflows())
    def test_there_are_none_only_between_equal_circuits(
        self, before: Workflow, after: Workflow
    ) -> None:
        assert (differences(before, after) == ()) == (before == after)

    @settings(max_examples=60)
    @given(before=sound_workflows(), after=sound_workflows())
    def test_read_backwards_what_was_added_is_removed(
        self, before: Workflow, after: Workflow
    ) -> None:
        def steps(found: tuple[Difference, ...], change: Change) -> set[StepId | None]:
            return {one.step for one in found if one.change is change}

        there, back = differences(before, after), differences(after, before)
        assert steps(there, Change.STEP_ADDED) == steps(back, Change.STEP_REMOVED)
        assert steps(there, Change.STEP_CHANGED) == steps(back, Change.STEP_CHANGED)

    @settings(max_examples=60)
    @given(before=sound_workflows(), after=sound_workflows())
    def test_steps_that_did_not_move_are_in_the_same_order(
        self, before: Workflow, after: Workflow
    ) -> None:
        found = differences(before, after)
        changed = {
            one.step
            for one in found
            if one.change in {Change.STEP_ADDED, Change.STEP_REMOVED, Change.STEP_MOVED}
        }

        def kept(workflow: Workflow) -> list[StepId]:
            return [step.id for step in workflow.steps if step.id not in changed]

        assert kept(before) == kept(after)


def submitted(workflow: Workflow = FULL) -> FolderState:
    return play(a_draft(), Submit(ADA_AT_RECEPTION, VERSION, workflow, some_documents()))


class TestImpact:
    @pytest.mark.parametrize(
        ("after", "effect"),
        [
            (FULL, Effect.UNAFFECTED),
            (replace(FULL, name="Autre nom"), Effect.UNAFFECTED),
            (a_workflow(SECOND, *FULL.steps), Effect.UNAFFECTED),
            (a_workflow(VISA_STEP, SECOND, *FULL.steps[1:]), Effect.UPCOMING_CHANGES),
            (replace(FULL, final_desk=given_desk(MAYOR)), Effect.UPCOMING_CHANGES),
            (
                a_workflow(replace(VISA_STEP, due_in_days=3), *FULL.steps[1:]),
                Effect.STEP_CHANGES,
            ),
            (a_workflow(SIGNATURE_STEP, SENDING_STEP), Effect.CANNOT_FOLLOW),
            (
                a_workflow(a_step(VISA, StepKind.SIGNATURE, MAYOR), SENDING_STEP),
                Effect.CANNOT_FOLLOW,
            ),
            (
                a_workflow(replace(VISA_STEP, phase=Phase.PREPARATION), *FULL.steps[1:]),
                Effect.CANNOT_FOLLOW,
            ),
        ],
        ids=[
            "the same",
            "renamed",
            "a step behind",
            "a step ahead",
            "another end",
            "another delay",
            "step gone",
            "another kind",
            "another phase",
        ],
    )
    def test_depends_on_where_the_folder_stands(self, after: Workflow, effect: Effect) -> None:
        found = impact(submitted(), FULL, after, REGISTER, NOW)
        assert (found.effect, found.step) == (effect, VISA)
        assert found.detail.endswith(".")

    def test_a_folder_past_the_change_is_unaffected(self) -> None:
        after = a_workflow(replace(VISA_STEP, due_in_days=3), *FULL.steps[1:])
        state = play(submitted(), Approve(BEN_AT_ACCOUNTS, VISA))
        assert impact(state, FULL, after, REGISTER, NOW).effect is Effect.UNAFFECTED

    def test_a_folder_that_nothing_waits_for_stays_in_its_version(self) -> None:
        rejected = play(submitted(), Reject(BEN_AT_ACCOUNTS, VISA, "Pièce absente"))
        cancelled = play(rejected, Cancel(ADA_AT_RECEPTION))
        effects = [
            impact(one, FULL, FULL, REGISTER, NOW).effect
            for one in (a_draft(), rejected, cancelled)
        ]
        assert effects == [Effect.CANNOT_FOLLOW] * 3

    def test_a_desk_to_choose_does_not_hold_a_folder_back(self) -> None:
        chosen = replace(SECOND, actors=(variable_desk(),))
        after = a_workflow(VISA_STEP, chosen, *FULL.steps[1:])
        found = impact(submitted(), FULL, after, REGISTER, NOW)
        assert found.effect is Effect.UPCOMING_CHANGES

    def test_no_signature_is_left_behind(self) -> None:
        after = a_workflow(SIGNATURE_STEP, VISA_STEP, SENDING_STEP)
        assert impact(submitted(), FULL, after, REGISTER, NOW).effect is Effect.CANNOT_FOLLOW

    @settings(max_examples=40)
    @given(before=sound_workflows(), after=sound_workflows(), approved=st.integers(0, 3))
    def test_a_folder_follows_where_the_engine_lets_an_administrator_bring_it(
        self, before: Workflow, after: Workflow, approved: int
    ) -> None:
        state = _advanced(before, approved)
        found = impact(state, before, after, REGISTER, NOW)
        current = state.current_step
        desk = desks_of(current.step)[0] if current and current.step.actors else ACCOUNTS
        action = Migrate(PersonAtDesk(ADA, desk), OTHER_VERSION, after)
        try:
            (migrated, *_) = decide(state, action, ADMINISTERED, FACTS, NOW)
        except Refused:
            assert found.effect is Effect.CANNOT_FOLLOW
            return
        assert found.effect is not Effect.CANNOT_FOLLOW
        moved = evolve(state, migrated)
        assert current is not None
        here = moved.step(current.id)
        assert here is not None
        assert (here.kind, here.step.phase) == (current.kind, current.step.phase)


def _advanced(workflow: Workflow, approvals: int) -> FolderState:
    """A folder whose first approvals were given, as far as the circuit has some in a row."""
    state = submitted(workflow)
    for _ in range(approvals):
        current = state.current_step
        if current is None or current.kind is not StepKind.APPROVAL:
            return state
        desk = state.desks_awaited_at(current.id)[0]
        state = play(state, Approve(PersonAtDesk(HOLDERS[desk], desk), current.id))
    return state
