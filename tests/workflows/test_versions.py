"""Two versions of a circuit compared, and what that means for a folder under way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.drawings import DESKS, sound_workflows
from tests.builders.workflows import (
    ACCOUNTS,
    ADA_AT_RECEPTION,
    BEN_AT_ACCOUNTS,
    BOTH_VISAS,
    BOTH_VISAS_STEP,
    CLEO,
    DAN,
    ELSEWHERE,
    FULL,
    GIL,
    GIL_AT_ACCOUNTS,
    MAYOR,
    NO_DESK,
    NOW,
    OTHER_SIGNATURE,
    OTHER_VERSION,
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
from workflows.actions import AddStep, Approve, Cancel, Migrate, Reject, Submit
from workflows.definition import (
    ActorKind,
    ChosenDesk,
    Duty,
    DutyKind,
    Phase,
    StepId,
    StepKind,
    StepMode,
    Workflow,
    desks_of,
    given_desk,
    variable_desk,
)
from workflows.errors import Refused
from workflows.folder import FolderState, StepInstance, StepState
from workflows.register import PersonAtDesk
from workflows.submission import desks_for_trial
from workflows.versions import Change, Difference, Effect, differences, impact

SECOND = a_step(SECOND_VISA, StepKind.APPROVAL, MAYOR)
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


def submitted(workflow: Workflow = FULL, *chosen: ChosenDesk) -> FolderState:
    return play(a_draft(), Submit(ADA_AT_RECEPTION, VERSION, workflow, some_documents(), chosen))


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
        found = impact(submitted(), OTHER_VERSION, after, REGISTER, NOW)
        assert (found.effect, found.step) == (effect, VISA)
        assert found.detail.endswith(".")

    def test_a_folder_past_the_change_is_unaffected(self) -> None:
        after = a_workflow(replace(VISA_STEP, due_in_days=3), *FULL.steps[1:])
        state = play(submitted(), Approve(BEN_AT_ACCOUNTS, VISA))
        assert impact(state, OTHER_VERSION, after, REGISTER, NOW).effect is Effect.UNAFFECTED

    def test_a_folder_that_nothing_waits_for_stays_in_its_version(self) -> None:
        rejected = play(submitted(), Reject(BEN_AT_ACCOUNTS, VISA, "Pièce absente"))
        cancelled = play(rejected, Cancel(ADA_AT_RECEPTION))
        effects = [
            impact(one, OTHER_VERSION, FULL, REGISTER, NOW).effect
            for one in (a_draft(), rejected, cancelled)
        ]
        assert effects == [Effect.CANNOT_FOLLOW] * 3

    def test_a_desk_to_choose_does_not_hold_a_folder_back(self) -> None:
        chosen = replace(SECOND, actors=(variable_desk(),))
        after = a_workflow(VISA_STEP, chosen, *FULL.steps[1:])
        found = impact(submitted(), OTHER_VERSION, after, REGISTER, NOW)
        assert found.effect is Effect.UPCOMING_CHANGES

    def test_no_signature_is_left_behind(self) -> None:
        after = a_workflow(SIGNATURE_STEP, VISA_STEP, SENDING_STEP)
        assert (
            impact(submitted(), OTHER_VERSION, after, REGISTER, NOW).effect is Effect.CANNOT_FOLLOW
        )

    def test_one_that_is_to_be_chosen_does_not_hide_that_the_step_is_gone(self) -> None:
        after = a_workflow(replace(SECOND, actors=(variable_desk(),)), *FULL.steps[1:])
        found = impact(submitted(), OTHER_VERSION, after, REGISTER, NOW)
        assert found.effect is Effect.CANNOT_FOLLOW

    def test_nor_that_a_signature_is_left_behind(self) -> None:
        after = a_workflow(SIGNATURE_STEP, VISA_STEP, replace(SECOND, actors=(variable_desk(),)))
        found = impact(submitted(), OTHER_VERSION, after, REGISTER, NOW)
        assert found.effect is Effect.CANNOT_FOLLOW

    def test_a_desk_that_nobody_can_choose_holds_a_folder_back(self) -> None:
        chosen = replace(SECOND, actors=(variable_desk(NO_DESK),))
        found = impact(submitted(), OTHER_VERSION, a_workflow(VISA_STEP, chosen), REGISTER, NOW)
        assert found.effect is Effect.CANNOT_FOLLOW
        assert "Étape second-visa" in found.detail

    def test_a_desk_chosen_before_that_may_stay_changes_nothing(self) -> None:
        before = a_workflow(VISA_STEP, replace(SECOND, actors=(variable_desk(ACCOUNTS, MAYOR),)))
        after = a_workflow(VISA_STEP, replace(SECOND, actors=(variable_desk(ELSEWHERE, MAYOR),)))
        state = submitted(before, ChosenDesk(SECOND_VISA, MAYOR))
        found = impact(state, OTHER_VERSION, after, REGISTER, NOW)
        assert found.effect is Effect.UNAFFECTED

    def test_a_step_added_to_the_folder_is_no_change_of_the_version(self) -> None:
        visa = replace(VISA_STEP, may_add_steps=True)
        before = a_workflow(visa, SIGNATURE_STEP)
        added = a_step(OTHER_SIGNATURE, StepKind.SIGNATURE, ACCOUNTS)
        state = play(submitted(before), AddStep(BEN_AT_ACCOUNTS, VISA, added))
        same = impact(state, OTHER_VERSION, replace(before, name="Bis"), REGISTER, NOW)
        longer = a_workflow(visa, SIGNATURE_STEP, SENDING_STEP)
        assert same.effect is Effect.UNAFFECTED
        assert impact(state, OTHER_VERSION, longer, REGISTER, NOW).effect is Effect.UPCOMING_CHANGES

    def test_the_way_back_is_judged_as_such(self) -> None:
        both = a_workflow(BOTH_VISAS_STEP, SIGNATURE_STEP)
        one = a_workflow(replace(BOTH_VISAS_STEP, mode=StepMode.ANY_OF), SIGNATURE_STEP)
        state = play(
            submitted(both),
            Approve(BEN_AT_ACCOUNTS, BOTH_VISAS),
            Migrate(GIL_AT_ACCOUNTS, OTHER_VERSION, one),
        )
        found = impact(state, VERSION, both, REGISTER, NOW)
        assert found.effect is Effect.CANNOT_FOLLOW
        assert found.detail.startswith("Depuis, ce dossier a dépassé l'étape « Étape both-visas »")

    @settings(max_examples=100)
    @given(
        before=sound_workflows(variable=True),
        after=sound_workflows(variable=True),
        approved=st.integers(0, 3),
        added=st.sampled_from((None, StepKind.APPROVAL, StepKind.SIGNATURE)),
    )
    def test_a_folder_follows_where_the_engine_lets_an_administrator_bring_it(
        self, before: Workflow, after: Workflow, approved: int, added: StepKind | None
    ) -> None:
        state = _advanced(before, approved, added)
        found = impact(state, OTHER_VERSION, after, REGISTER, NOW)
        outcomes = [_brought(state, after, choice) for choice in _every_choice(after)]
        moved = next((one for one in outcomes if one is not None), None)
        assert (moved is None) == (found.effect is Effect.CANNOT_FOLLOW)
        current = state.current_step
        if moved is None or current is None:
            return
        here = moved.step(current.id)
        assert here is not None
        assert (here.kind, here.step.phase) == (current.kind, current.step.phase)
        assert {one.id for one in state.steps if one.is_added} == {
            one.id for one in moved.steps if one.is_added
        }
        if found.effect is Effect.UNAFFECTED:
            # Other desks than those that the impact takes for granted might be chosen.
            kept = _brought(state, after, desks_for_trial(state, after, REGISTER))
            assert kept is not None
            assert _left(kept) == _left(state)

    def test_choices_that_must_differ_are_found_for_a_step_that_waits_for_all_its_desks(
        self,
    ) -> None:
        actors = (variable_desk(ACCOUNTS, MAYOR), variable_desk(ACCOUNTS))
        before = a_workflow(VISA_STEP, SECOND)
        after = a_workflow(VISA_STEP, replace(BOTH_VISAS_STEP, actors=actors))
        state = submitted(before)
        chosen = desks_for_trial(state, after, REGISTER)
        assert [one.desk for one in chosen] == [MAYOR, ACCOUNTS]
        assert _brought(state, after, chosen) is not None
        assert impact(state, OTHER_VERSION, after, REGISTER, NOW).effect is Effect.UPCOMING_CHANGES

    def test_what_no_choice_can_satisfy_cannot_be_followed(self) -> None:
        actors = (given_desk(ACCOUNTS), variable_desk(ACCOUNTS))
        after = a_workflow(VISA_STEP, replace(BOTH_VISAS_STEP, actors=actors))
        state = submitted(a_workflow(VISA_STEP, SECOND))
        assert desks_for_trial(state, after, REGISTER) == ()
        found = impact(state, OTHER_VERSION, after, REGISTER, NOW)
        assert found.effect is Effect.CANNOT_FOLLOW

    def test_a_step_that_may_stay_where_it_is_leaves_a_folder_as_it_was(self) -> None:
        before = a_workflow(VISA_STEP, SECOND)
        after = a_workflow(VISA_STEP, replace(SECOND, actors=(variable_desk(),)))
        state = submitted(before)
        kept = _brought(state, after, desks_for_trial(state, after, REGISTER))
        assert impact(state, OTHER_VERSION, after, REGISTER, NOW).effect is Effect.UNAFFECTED
        assert kept is not None
        assert _left(kept) == _left(state)


def _left(state: FolderState) -> list[StepInstance]:
    ended = {StepState.DONE, StepState.SKIPPED}
    return [one for one in state.steps if one.state not in ended]


def _every_choice(workflow: Workflow) -> Iterator[tuple[ChosenDesk, ...]]:
    """All the ways to choose the desks of the variable actors of the circuit."""
    steps = [
        step.id
        for step in workflow.steps
        for actor in step.actors
        if actor.kind is ActorKind.VARIABLE
    ]
    for desks in product(DESKS, repeat=len(steps)):
        yield tuple(ChosenDesk(step, desk) for step, desk in zip(steps, desks, strict=True))


def _brought(
    state: FolderState, workflow: Workflow, chosen: tuple[ChosenDesk, ...]
) -> FolderState | None:
    """The folder in the other version; None where the engine refuses it."""
    current = state.current_step
    desk = desks_of(current.step)[0] if current and current.step.actors else ACCOUNTS
    action = Migrate(PersonAtDesk(GIL, desk), OTHER_VERSION, workflow, chosen)
    try:
        return play(state, action)
    except Refused:
        return None


def _advanced(workflow: Workflow, approvals: int, added: StepKind | None) -> FolderState:
    """A folder whose first approvals were given, as far as the circuit has some in a row, and to
    which a step of this kind was added then."""
    chosen = next(_every_choice(workflow))
    state = submitted(workflow, *chosen)
    for _ in range(approvals):
        current = state.current_step
        if current is None or current.kind is not StepKind.APPROVAL:
            break
        desk = state.desks_awaited_at(current.id)[0]
        state = play(state, Approve(PersonAtDesk(HOLDERS[desk], desk), current.id))
    current = state.current_step
    if added is None or current is None or not current.step.may_add_steps:
        return state
    desk = state.desks_awaited_at(current.id)[0]
    step = a_step(StepId("added"), added, MAYOR)
    return play(state, AddStep(PersonAtDesk(HOLDERS[desk], desk), current.id, step))
