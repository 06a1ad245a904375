"""A folder under way goes over to another version of its circuit, and back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders.workflows import (
    ACCOUNTS,
    ADA_AT_RECEPTION,
    BEN_AT_ACCOUNTS,
    BOTH_VISAS,
    BOTH_VISAS_STEP,
    CLEO_AT_ACCOUNTS,
    DAN_AT_MAYOR,
    ELSEWHERE,
    FACTS,
    FAY_ELSEWHERE,
    FIRST_LOOK,
    FIRST_LOOK_STEP,
    FULL,
    GIL,
    GIL_AT_ACCOUNTS,
    GIL_AT_MAYOR,
    MAILING,
    MAILING_STEP,
    MAYOR,
    NOW,
    OTHER_SIGNATURE,
    OTHER_VERSION,
    RECEPTION,
    REGISTER,
    SECOND_VISA,
    SENDING,
    SIGNATURE,
    SIGNATURE_STEP,
    SINCE,
    TRANSMISSION,
    VERSION,
    VISA,
    VISA_STEP,
    VISAS_ONLY,
    a_draft,
    a_step,
    a_workflow,
    ask,
    play,
    sent,
    signed,
    some_documents,
    states,
)
from workflows.actions import (
    AddStep,
    Approve,
    ClaimTransmission,
    Migrate,
    RecordOutside,
    Reject,
    Resubmit,
    Retract,
    Sign,
    SkipStep,
    Submit,
    Transfer,
)
from workflows.definition import (
    BOSS,
    SUBMITTER,
    ChosenDesk,
    Duty,
    DutyKind,
    Phase,
    Step,
    StepId,
    StepKind,
    StepMode,
    Workflow,
    desks_of,
    given_desk,
    variable_desk,
)
from workflows.engine import decide
from workflows.errors import (
    DeskNotConcerned,
    NotAdministrator,
    SelfGranted,
    UnusableWorkflow,
    VariableDeskMissing,
    VariableDeskRefused,
)
from workflows.events import Approved, Migrated, StepStarted, ValidationStarted
from workflows.folder import FolderRules, FolderState, StepState, WorkflowVersionId
from workflows.moments import NotMigratable, TooLateToRetract
from workflows.register import DeskHolder, PersonAtDesk

WHY = "Le bureau est vide depuis lundi."


def migrate(
    workflow: Workflow, *chosen: ChosenDesk, seat: PersonAtDesk = GIL_AT_ACCOUNTS
) -> Migrate:
    return Migrate(seat, OTHER_VERSION, workflow, chosen)


class TestMigration:
    def test_pins_the_folder_to_the_other_version(self) -> None:
        longer = replace(
            a_workflow(
                VISA_STEP, a_step(SECOND_VISA, StepKind.APPROVAL, ELSEWHERE), SIGNATURE_STEP
            ),
            duties=(Duty(DutyKind.APPROVER_DOES_NOT_SIGN),),
            final_desk=SUBMITTER,
            informed_at_end=(SUBMITTER,),
        )
        (event,) = ask(sent(), migrate(longer))
        state = play(sent(), migrate(longer))
        assert isinstance(event, Migrated)
        assert (state.workflow_version, state.duties) == (OTHER_VERSION, longer.duties)
        assert (state.final_desk, state.informed_at_end) == (RECEPTION, (given_desk(RECEPTION),))
        assert [one.id for one in state.steps] == [VISA, SECOND_VISA, SIGNATURE]
        assert states(state) == [StepState.CURRENT, StepState.WAITING, StepState.WAITING]

    def test_the_turn_stays_where_it_is(self) -> None:
        before = play(sent(), Approve(BEN_AT_ACCOUNTS, VISA))
        renamed = a_workflow(VISA_STEP, replace(SIGNATURE_STEP, name="Signature du maire"))
        state = play(before, migrate(renamed, seat=GIL_AT_MAYOR))
        assert before.current_step is not None
        assert state.current_step is not None
        assert state.current_step.started_at == before.current_step.started_at
        assert state.current_step.step.name == "Signature du maire"
        assert states(state) == [StepState.DONE, StepState.CURRENT]

    def test_a_step_brought_in_behind_the_folder_is_skipped(self) -> None:
        other = a_workflow(a_step(SECOND_VISA, StepKind.APPROVAL, MAYOR), VISA_STEP)
        assert states(play(sent(), migrate(other))) == [StepState.SKIPPED, StepState.CURRENT]

    def test_in_a_third_one_too_and_the_way_back_leads_where_it_was(self) -> None:
        brought = a_step(SECOND_VISA, StepKind.APPROVAL, MAYOR)
        second = a_workflow(brought, VISA_STEP)
        third = a_workflow(replace(brought, actors=(BOSS,)), VISA_STEP)
        before = play(sent(), migrate(second))
        after = play(before, Migrate(GIL_AT_ACCOUNTS, WorkflowVersionId("third"), third))
        assert states(after) == [StepState.SKIPPED, StepState.CURRENT]
        assert after.steps[0].step.actors == (BOSS,)
        assert play(after, migrate(second)).steps == before.steps

    def test_a_signature_is_not_left_behind(self) -> None:
        with pytest.raises(NotMigratable):
            ask(sent(), migrate(a_workflow(SIGNATURE_STEP, VISA_STEP)))

    def test_a_signature_that_was_made_is_not_asked_again(self) -> None:
        state = sent(a_workflow(SIGNATURE_STEP, VISA_STEP))
        state = play(state, Sign(DAN_AT_MAYOR, SIGNATURE, signed(state)))
        with pytest.raises(NotMigratable):
            ask(state, migrate(a_workflow(VISA_STEP, SIGNATURE_STEP)))

    def test_nor_is_another_one_where_only_one_signs(self) -> None:
        single = FolderRules(single_signature=True)
        state = sent(a_workflow(SIGNATURE_STEP, VISA_STEP), rules=single)
        state = play(state, Sign(DAN_AT_MAYOR, SIGNATURE, signed(state)))
        other = a_workflow(VISA_STEP, a_step(OTHER_SIGNATURE, StepKind.SIGNATURE, ACCOUNTS))
        with pytest.raises(NotMigratable):
            ask(state, migrate(other))

    def test_the_step_goes_to_the_desks_of_the_other_version(self) -> None:
        other = a_workflow(a_step(VISA, StepKind.APPROVAL, ELSEWHERE), SIGNATURE_STEP)
        events = ask(sent(), migrate(other))
        assert events[1:] == (StepStarted(NOW, VISA, StepKind.APPROVAL, (ELSEWHERE,)),)
        state = play(sent(), migrate(other))
        assert state.desks_awaited_at(VISA) == (ELSEWHERE,)

    def test_a_step_that_was_handed_over_stays_where_it_is(self) -> None:
        state = play(
            sent(),
            Transfer(BEN_AT_ACCOUNTS, VISA, ELSEWHERE),
            Migrate(PersonAtDesk(GIL, ELSEWHERE), OTHER_VERSION, replace(FULL, name="Bis")),
        )
        assert state.desks_awaited_at(VISA) == (ELSEWHERE,)

    def test_actors_written_otherwise_that_are_the_same_desk_change_nothing(self) -> None:
        other = a_workflow(replace(VISA_STEP, actors=(BOSS,)), SIGNATURE_STEP)
        assert len(ask(sent(), migrate(other))) == 1

    def test_threat_36_an_administrator_does_not_choose_a_desk_of_his_own(self) -> None:
        own = DeskHolder(ELSEWHERE, GIL, SINCE)
        register = replace(REGISTER, holders=(*REGISTER.holders, own))
        other = a_workflow(
            VISA_STEP, replace(SIGNATURE_STEP, actors=(variable_desk(ELSEWHERE, MAYOR),))
        )
        chosen = ChosenDesk(SIGNATURE, ELSEWHERE)
        with pytest.raises(SelfGranted):
            decide(sent(), migrate(other, chosen), register, FACTS, NOW)
        assert decide(sent(), migrate(other, replace(chosen, desk=MAYOR)), register, FACTS, NOW)

    def test_an_administrator_keeps_a_desk_of_his_own_that_the_folder_has_there(self) -> None:
        own = DeskHolder(ELSEWHERE, GIL, SINCE)
        register = replace(REGISTER, holders=(*REGISTER.holders, own))
        open_desk = replace(SIGNATURE_STEP, actors=(variable_desk(),))
        chosen = ChosenDesk(SIGNATURE, ELSEWHERE)
        state = sent(a_workflow(VISA_STEP, open_desk), chosen)
        assert decide(
            state, migrate(a_workflow(VISA_STEP, open_desk), chosen), register, FACTS, NOW
        )

    def test_a_step_behind_that_is_come_back_to_is_as_the_other_version_draws_it(self) -> None:
        last = replace(a_step(OTHER_SIGNATURE, StepKind.APPROVAL, MAYOR), may_return=True)
        second = a_step(SECOND_VISA, StepKind.APPROVAL, ELSEWHERE)
        state = play(
            sent(a_workflow(VISA_STEP, second, last)),
            Approve(BEN_AT_ACCOUNTS, VISA),
            Approve(FAY_ELSEWHERE, SECOND_VISA),
            migrate(
                a_workflow(VISA_STEP, replace(second, actors=(given_desk(RECEPTION),)), last),
                seat=GIL_AT_MAYOR,
            ),
        )
        passed = state.step(SECOND_VISA)
        assert passed is not None
        assert (passed.state, desks_of(passed.step)) == (StepState.DONE, (ELSEWHERE,))
        for target in (VISA, SECOND_VISA):
            back = play(state, Reject(DAN_AT_MAYOR, OTHER_SIGNATURE, WHY, return_to=target))
            if target == VISA:
                back = play(back, Approve(BEN_AT_ACCOUNTS, VISA))
            assert back.desks_awaited_at(SECOND_VISA) == (RECEPTION,)

    def test_a_step_passed_over_behind_a_return_is_still_one_that_nobody_passed(self) -> None:
        both = replace(BOTH_VISAS_STEP, may_return=False)
        last = replace(a_step(SECOND_VISA, StepKind.APPROVAL, MAYOR), may_return=True)
        state = play(
            sent(a_workflow(both, VISA_STEP, last)),
            Approve(BEN_AT_ACCOUNTS, BOTH_VISAS),
            SkipStep(GIL_AT_MAYOR, BOTH_VISAS, WHY),
            Approve(BEN_AT_ACCOUNTS, VISA),
            migrate(a_workflow(VISA_STEP, last), seat=GIL_AT_MAYOR),
            Reject(DAN_AT_MAYOR, SECOND_VISA, WHY, return_to=VISA),
            Migrate(GIL_AT_ACCOUNTS, WorkflowVersionId("third"), a_workflow(both, VISA_STEP, last)),
        )
        assert states(state) == [StepState.SKIPPED, StepState.CURRENT, StepState.WAITING]

    def test_a_step_that_restarts_is_drawn_as_the_other_version_does(self) -> None:
        actors = (BOSS, given_desk(ELSEWHERE))
        other = a_workflow(replace(VISA_STEP, actors=actors), SIGNATURE_STEP)
        instance = play(sent(), migrate(other)).step(VISA)
        assert instance is not None
        assert desks_of(instance.step) == (ACCOUNTS, ELSEWHERE)
        assert instance.as_drawn.actors == actors

    def test_is_forgotten_once_the_folder_is_submitted_anew(self) -> None:
        anew = Submit(ADA_AT_RECEPTION, WorkflowVersionId("third"), FULL, some_documents())
        state = play(
            sent(),
            migrate(replace(FULL, name="Bis")),
            Reject(CLEO_AT_ACCOUNTS, VISA, WHY),
            Resubmit(ADA_AT_RECEPTION, some_documents(), anew),
        )
        assert state.migrated_from is None

    def test_a_step_behind_of_another_kind_there_stays_what_it_was(self) -> None:
        first = a_step(SECOND_VISA, StepKind.APPROVAL, MAYOR)
        state = play(sent(a_workflow(first, VISA_STEP)), Approve(DAN_AT_MAYOR, SECOND_VISA))
        state = play(state, migrate(a_workflow(replace(first, kind=StepKind.SEAL), VISA_STEP)))
        assert [one.kind for one in state.steps] == [StepKind.APPROVAL, StepKind.APPROVAL]

    def test_the_step_is_not_handed_to_a_desk_that_did_its_part_before(self) -> None:
        state = play(sent(a_workflow(BOTH_VISAS_STEP)), Approve(BEN_AT_ACCOUNTS, BOTH_VISAS))
        alone = replace(BOTH_VISAS_STEP, actors=(given_desk(MAYOR),))
        state = play(state, migrate(a_workflow(alone)))
        with pytest.raises(DeskNotConcerned, match="déjà agi"):
            ask(state, Transfer(DAN_AT_MAYOR, BOTH_VISAS, ACCOUNTS))

    def test_the_acts_of_a_step_of_several_stand(self) -> None:
        state = play(sent(a_workflow(BOTH_VISAS_STEP)), Approve(BEN_AT_ACCOUNTS, BOTH_VISAS))
        three = replace(
            BOTH_VISAS_STEP, actors=tuple(map(given_desk, (ACCOUNTS, MAYOR, ELSEWHERE)))
        )
        state = play(state, migrate(a_workflow(three)))
        assert state.desks_awaited_at(BOTH_VISAS) == (MAYOR, ELSEWHERE)

    @pytest.mark.parametrize(
        "step",
        [
            replace(BOTH_VISAS_STEP, mode=StepMode.ANY_OF),
            replace(BOTH_VISAS_STEP, actors=(given_desk(ACCOUNTS),)),
        ],
        ids=["one suffices", "one is left"],
    )
    def test_a_step_is_passed_when_those_who_acted_suffice(self, step: Step) -> None:
        workflow = a_workflow(BOTH_VISAS_STEP, SIGNATURE_STEP)
        state = play(sent(workflow), Approve(BEN_AT_ACCOUNTS, BOTH_VISAS))
        state = play(state, migrate(a_workflow(step, SIGNATURE_STEP)))
        assert states(state) == [StepState.DONE, StepState.CURRENT]

    def test_it_does_not_end_a_preparation(self) -> None:
        both = replace(
            FIRST_LOOK_STEP, mode=StepMode.ALL_OF, actors=(given_desk(ACCOUNTS), given_desk(MAYOR))
        )
        state = play(sent(a_workflow(both, SIGNATURE_STEP)), Approve(BEN_AT_ACCOUNTS, FIRST_LOOK))
        with pytest.raises(NotMigratable):
            ask(state, migrate(a_workflow(replace(both, mode=StepMode.ANY_OF), SIGNATURE_STEP)))

    def test_a_step_of_the_outside_is_not_asked_again(self) -> None:
        other = a_workflow(replace(MAILING_STEP, name="Courriel bis"))
        assert len(ask(sent(a_workflow(MAILING_STEP)), migrate(other))) == 1

    def test_migrating_back_undoes_it(self) -> None:
        before = play(sent(), Approve(BEN_AT_ACCOUNTS, VISA))
        shorter = a_workflow(SIGNATURE_STEP, FULL.steps[2])
        state = play(
            before,
            migrate(shorter, seat=GIL_AT_MAYOR),
            Migrate(GIL_AT_MAYOR, VERSION, FULL),
        )
        assert (states(state), state.workflow_version) == (states(before), VERSION)
        assert [one.step for one in state.steps] == [one.step for one in before.steps]

    def test_what_was_skipped_stays_so_on_the_way_back(self) -> None:
        before = play(sent(), SkipStep(GIL_AT_ACCOUNTS, VISA, WHY))
        state = play(
            before,
            migrate(a_workflow(SIGNATURE_STEP), seat=GIL_AT_MAYOR),
            Migrate(GIL_AT_MAYOR, VERSION, FULL),
        )
        assert states(state) == states(before)

    def test_a_retraction_does_not_reach_behind_it(self) -> None:
        with pytest.raises(TooLateToRetract):
            ask(play(sent(), migrate(replace(FULL, name="Bis"))), Retract(ADA_AT_RECEPTION))

    def test_the_desk_chosen_at_the_deposit_stands(self) -> None:
        variable = a_workflow(replace(VISA_STEP, actors=(variable_desk(ACCOUNTS, MAYOR),)))
        state = sent(variable, ChosenDesk(VISA, MAYOR))
        state = play(state, migrate(replace(variable, name="Bis"), seat=GIL_AT_MAYOR))
        assert state.desks_awaited_at(VISA) == (MAYOR,)

    def test_a_new_variable_desk_is_chosen(self) -> None:
        other = a_workflow(
            VISA_STEP, replace(a_step(SECOND_VISA, StepKind.APPROVAL), actors=(variable_desk(),))
        )
        with pytest.raises(VariableDeskMissing):
            ask(sent(), migrate(other))
        assert ask(sent(), migrate(other, ChosenDesk(SECOND_VISA, ELSEWHERE)))

    def test_a_step_with_other_actors_is_chosen_for_anew(self) -> None:
        two = a_workflow(replace(VISA_STEP, actors=(given_desk(ACCOUNTS), variable_desk())))
        with pytest.raises(VariableDeskMissing):
            ask(sent(), migrate(two))

    def test_a_desk_that_is_not_in_the_list_any_more_is_chosen_again(self) -> None:
        old = a_workflow(replace(VISA_STEP, actors=(variable_desk(ACCOUNTS),)))
        new = a_workflow(replace(VISA_STEP, actors=(variable_desk(MAYOR),)))
        with pytest.raises(VariableDeskRefused):
            ask(sent(old, ChosenDesk(VISA, ACCOUNTS)), migrate(new))

    @pytest.mark.parametrize(
        "other",
        [
            VISAS_ONLY.steps[1:],
            (replace(VISA_STEP, kind=StepKind.SIGNATURE),),
            (replace(FIRST_LOOK_STEP, id=VISA), SIGNATURE_STEP),
        ],
        ids=["not there", "another kind", "another phase"],
    )
    def test_the_current_step_is_the_same_in_both(self, other: tuple[Step, ...]) -> None:
        with pytest.raises(NotMigratable):
            ask(sent(), migrate(a_workflow(*other)))

    def test_the_other_version_is_another_one(self) -> None:
        with pytest.raises(NotMigratable, match="déjà cette version"):
            ask(sent(), Migrate(GIL_AT_ACCOUNTS, VERSION, FULL))

    def test_the_other_version_has_no_dead_end(self) -> None:
        with pytest.raises(UnusableWorkflow):
            ask(sent(), migrate(a_workflow(VISA_STEP, a_step(SECOND_VISA, StepKind.APPROVAL))))

    @pytest.mark.parametrize("reach", ["draft", "rejected", "transmitting"])
    def test_a_folder_that_is_not_under_way_stays_as_it_is(self, reach: str) -> None:
        sending = sent(a_workflow(a_step(SENDING, StepKind.TRANSMISSION)))
        state = {
            "draft": a_draft(),
            "rejected": play(sent(), Reject(BEN_AT_ACCOUNTS, VISA, "Faux.")),
            "transmitting": play(sending, ClaimTransmission(TRANSMISSION)),
        }[reach]
        with pytest.raises(NotMigratable):
            ask(state, migrate(replace(FULL, name="Bis")))

    def test_is_for_administrators_of_the_step(self) -> None:
        with pytest.raises(NotAdministrator):
            ask(sent(), migrate(replace(FULL, name="Bis"), seat=CLEO_AT_ACCOUNTS))

    def test_a_step_put_after_the_others_that_was_passed_before_does_not_stop_the_folder(
        self,
    ) -> None:
        first = replace(BOTH_VISAS_STEP, actors=(given_desk(ACCOUNTS),), mode=StepMode.ANY_OF)
        second = a_step(SECOND_VISA, StepKind.APPROVAL, MAYOR)
        state = play(
            sent(a_workflow(first, second, SIGNATURE_STEP)),
            Approve(BEN_AT_ACCOUNTS, BOTH_VISAS),
            migrate(a_workflow(second, first, SIGNATURE_STEP), seat=GIL_AT_MAYOR),
            Approve(DAN_AT_MAYOR, SECOND_VISA),
        )
        assert states(state) == [StepState.DONE, StepState.DONE, StepState.CURRENT]

    def test_nor_does_one_of_the_preparation_keep_the_documents_open(self) -> None:
        second = replace(a_step(SECOND_VISA, StepKind.APPROVAL, MAYOR), phase=Phase.PREPARATION)
        state = play(
            sent(a_workflow(FIRST_LOOK_STEP, second, SIGNATURE_STEP)),
            Approve(BEN_AT_ACCOUNTS, FIRST_LOOK),
            migrate(a_workflow(second, FIRST_LOOK_STEP, SIGNATURE_STEP), seat=GIL_AT_MAYOR),
        )
        events = ask(state, Approve(DAN_AT_MAYOR, SECOND_VISA, some_documents()))
        assert [type(one) for one in events] == [
            Approved,
            StepStarted,
            ValidationStarted,
            StepStarted,
        ]


ADDED_STEP = a_step(OTHER_SIGNATURE, StepKind.SIGNATURE, MAYOR)
OPEN_VISA_STEP = replace(VISA_STEP, may_add_steps=True)
SECOND_STEP = replace(a_step(SECOND_VISA, StepKind.APPROVAL, ACCOUNTS), may_add_steps=True)


def with_an_added_step(*steps: Step) -> FolderState:
    """A folder at its first step, a visa, after which a signature was added."""
    return play(sent(a_workflow(*steps)), AddStep(BEN_AT_ACCOUNTS, steps[0].id, ADDED_STEP))


class TestMigrationOfStepsAddedOnTheFly:
    def test_they_stay_where_they_are_there_and_back(self) -> None:
        drawn = a_workflow(OPEN_VISA_STEP, SECOND_STEP)
        state = play(with_an_added_step(*drawn.steps), migrate(replace(drawn, name="Bis")))
        back = play(state, Migrate(GIL_AT_ACCOUNTS, VERSION, drawn))
        for one in (state, back):
            assert [step.id for step in one.steps] == [VISA, OTHER_SIGNATURE, SECOND_VISA]
            assert states(one) == [StepState.CURRENT, StepState.WAITING, StepState.WAITING]
            assert [step.is_added for step in one.steps] == [False, True, False]

    def test_one_that_was_added_since_stays_ahead_on_the_way_back(self) -> None:
        drawn = a_workflow(OPEN_VISA_STEP, SECOND_STEP)
        since = replace(ADDED_STEP, id=StepId("added-since"))
        state = play(
            with_an_added_step(*drawn.steps),
            migrate(replace(drawn, name="Bis")),
            AddStep(BEN_AT_ACCOUNTS, VISA, since),
        )
        back = play(state, Migrate(GIL_AT_ACCOUNTS, VERSION, drawn))
        order = [VISA, since.id, OTHER_SIGNATURE, SECOND_VISA]
        assert [[step.id for step in one.steps] for one in (state, back)] == [order, order]

    def test_one_that_has_its_turn_keeps_it(self) -> None:
        before = play(
            with_an_added_step(OPEN_VISA_STEP, SECOND_STEP), Approve(BEN_AT_ACCOUNTS, VISA)
        )
        state = play(before, migrate(a_workflow(SECOND_STEP), seat=GIL_AT_MAYOR))
        assert [one.id for one in state.steps] == [OTHER_SIGNATURE, SECOND_VISA]
        assert state.current_step == before.current_step
        back = Migrate(GIL_AT_MAYOR, VERSION, a_workflow(OPEN_VISA_STEP, SECOND_STEP))
        assert play(state, back).steps == before.steps

    def test_one_that_was_passed_stays_behind_the_folder(self) -> None:
        state = play(
            with_an_added_step(OPEN_VISA_STEP, SECOND_STEP), Approve(BEN_AT_ACCOUNTS, VISA)
        )
        state = play(state, Sign(DAN_AT_MAYOR, OTHER_SIGNATURE, signed(state)))
        state = play(state, migrate(a_workflow(SECOND_STEP, SIGNATURE_STEP)))
        assert [one.id for one in state.steps] == [OTHER_SIGNATURE, SECOND_VISA, SIGNATURE]
        assert states(state) == [StepState.DONE, StepState.CURRENT, StepState.WAITING]

    def test_one_that_waits_is_not_left_behind_with_the_step_that_it_followed(self) -> None:
        back = replace(SECOND_STEP, may_return=True)
        state = play(
            sent(a_workflow(VISA_STEP, back, SIGNATURE_STEP)),
            Approve(BEN_AT_ACCOUNTS, VISA),
            AddStep(BEN_AT_ACCOUNTS, SECOND_VISA, ADDED_STEP),
            Reject(BEN_AT_ACCOUNTS, SECOND_VISA, "Faux.", VISA),
            migrate(a_workflow(back, VISA_STEP, SIGNATURE_STEP)),
        )
        ids = [SECOND_VISA, VISA, OTHER_SIGNATURE, SIGNATURE]
        assert [one.id for one in state.steps] == ids
        assert states(state)[1:3] == [StepState.CURRENT, StepState.WAITING]

    def test_a_folder_stays_where_the_other_version_has_no_place_for_them(self) -> None:
        state = with_an_added_step(OPEN_VISA_STEP, SECOND_STEP)
        same_id = replace(ADDED_STEP, kind=StepKind.APPROVAL)
        with pytest.raises(NotMigratable, match="ajoutée"):
            ask(state, migrate(a_workflow(OPEN_VISA_STEP, same_id)))


class TestMigrationBack:
    def test_the_desks_chosen_before_stand_again(self) -> None:
        choice = replace(a_step(SECOND_VISA, StepKind.APPROVAL), actors=(variable_desk(),))
        drawn = a_workflow(VISA_STEP, choice)
        before = sent(drawn, ChosenDesk(SECOND_VISA, ELSEWHERE))
        state = play(
            before, migrate(a_workflow(VISA_STEP)), Migrate(GIL_AT_ACCOUNTS, VERSION, drawn)
        )
        assert state.steps == before.steps

    def test_but_where_others_are_chosen(self) -> None:
        choice = a_workflow(replace(VISA_STEP, actors=(variable_desk(),)))
        state = play(
            sent(choice, ChosenDesk(VISA, ACCOUNTS)),
            migrate(a_workflow(VISA_STEP)),
            Migrate(GIL_AT_ACCOUNTS, VERSION, choice, (ChosenDesk(VISA, ELSEWHERE),)),
        )
        assert state.desks_awaited_at(VISA) == (ELSEWHERE,)

    def test_the_desk_to_which_the_step_was_handed_over_has_it_again(self) -> None:
        state = play(
            sent(),
            Transfer(BEN_AT_ACCOUNTS, VISA, ELSEWHERE),
            Migrate(
                PersonAtDesk(GIL, ELSEWHERE),
                OTHER_VERSION,
                a_workflow(a_step(VISA, StepKind.APPROVAL, MAYOR)),
            ),
        )
        assert state.desks_awaited_at(VISA) == (MAYOR,)
        back = play(state, Migrate(GIL_AT_MAYOR, VERSION, FULL))
        assert back.desks_awaited_at(VISA) == (ELSEWHERE,)

    def test_is_refused_where_an_approval_would_be_left_out(self) -> None:
        both = a_workflow(BOTH_VISAS_STEP, SIGNATURE_STEP)
        one = a_workflow(replace(BOTH_VISAS_STEP, mode=StepMode.ANY_OF), SIGNATURE_STEP)
        state = play(sent(both), Approve(BEN_AT_ACCOUNTS, BOTH_VISAS), migrate(one))
        with pytest.raises(NotMigratable, match="a dépassé l'étape « Étape both-visas »"):
            ask(state, Migrate(GIL_AT_MAYOR, VERSION, both))

    def test_is_refused_where_a_step_would_be_passed_over(self) -> None:
        longer = a_workflow(VISA_STEP, SECOND_STEP, SIGNATURE_STEP)
        shorter = a_workflow(VISA_STEP, SIGNATURE_STEP)
        state = play(sent(longer), migrate(shorter), Approve(BEN_AT_ACCOUNTS, VISA))
        with pytest.raises(NotMigratable, match="Étape second-visa"):
            ask(state, Migrate(GIL_AT_MAYOR, VERSION, longer))

    def test_is_open_where_all_acted_though_one_was_enough(self) -> None:
        both = a_workflow(replace(BOTH_VISAS_STEP, mode=StepMode.ANY_OF), SIGNATURE_STEP)
        every = a_workflow(BOTH_VISAS_STEP, SIGNATURE_STEP)
        state = play(
            sent(both),
            migrate(every),
            Approve(BEN_AT_ACCOUNTS, BOTH_VISAS),
            Approve(DAN_AT_MAYOR, BOTH_VISAS),
            Migrate(GIL_AT_MAYOR, VERSION, both),
        )
        assert (states(state), state.workflow_version) == (
            [StepState.DONE, StepState.CURRENT],
            VERSION,
        )

    def test_is_open_where_an_administrator_passed_over_the_step(self) -> None:
        other = a_workflow(replace(VISA_STEP, actors=(given_desk(MAYOR),)), SIGNATURE_STEP)
        state = play(
            sent(),
            migrate(other),
            SkipStep(GIL_AT_MAYOR, VISA, WHY),
            Migrate(GIL_AT_MAYOR, VERSION, FULL),
        )
        assert states(state)[:2] == [StepState.SKIPPED, StepState.CURRENT]

    def test_is_open_where_the_step_was_passed_as_the_older_version_asks(self) -> None:
        other = a_workflow(replace(VISA_STEP, due_in_days=2), SIGNATURE_STEP)
        state = play(
            sent(),
            migrate(other),
            Transfer(BEN_AT_ACCOUNTS, VISA, ELSEWHERE),
            Approve(FAY_ELSEWHERE, VISA),
            Migrate(GIL_AT_MAYOR, VERSION, FULL),
        )
        assert states(state)[:2] == [StepState.DONE, StepState.CURRENT]

    def test_what_the_outside_answered_stays_done_whatever_the_versions_between(self) -> None:
        mailed = a_workflow(MAILING_STEP, VISA_STEP)
        before = play(sent(mailed), RecordOutside(MAILING, accepted=True))
        state = play(before, migrate(a_workflow(VISA_STEP)))
        third = Migrate(
            GIL_AT_ACCOUNTS, WorkflowVersionId("third"), a_workflow(VISA_STEP, SECOND_STEP)
        )
        for back in (state, play(state, third)):
            assert play(back, Migrate(GIL_AT_ACCOUNTS, VERSION, mailed)).steps == before.steps

    def test_but_not_once_the_folder_returned_behind_it(self) -> None:
        again = replace(SECOND_STEP, may_return=True)
        mailed = a_workflow(VISA_STEP, MAILING_STEP, again)
        state = play(
            sent(mailed),
            Approve(BEN_AT_ACCOUNTS, VISA),
            RecordOutside(MAILING, accepted=True),
            migrate(a_workflow(VISA_STEP, again)),
            Reject(BEN_AT_ACCOUNTS, SECOND_VISA, "Faux.", VISA),
            Approve(BEN_AT_ACCOUNTS, VISA),
        )
        with pytest.raises(NotMigratable, match="Étape mailing"):
            ask(state, Migrate(GIL_AT_ACCOUNTS, VERSION, mailed))
