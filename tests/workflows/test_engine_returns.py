"""The ways back: to an earlier step, to the submitter and in again with what stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders.workflows import (
    ACCOUNTS,
    ADA,
    ADA_AT_RECEPTION,
    BEN,
    BEN_AT_ACCOUNTS,
    BEN_AT_RECEPTION,
    CLEO,
    CLEO_AT_ACCOUNTS,
    DAN,
    DAN_AT_MAYOR,
    ELSEWHERE,
    EVE,
    EVERY_KIND,
    FACTS,
    FAY,
    FAY_ELSEWHERE,
    FIRST_LOOK,
    GIL_AT_ACCOUNTS,
    GIL_AT_MAYOR,
    MAILING,
    MAYOR,
    NO_STEP,
    NOW,
    OTHER_SIGNATURE,
    OTHER_VERSION,
    RECEPTION,
    REGISTER,
    SECOND_VISA,
    SIGNATURE,
    SIGNATURE_STEP,
    SINCE,
    VERSION,
    VISA,
    VISA_STEP,
    a_draft,
    a_revision,
    a_step,
    a_workflow,
    ask,
    at_reception,
    play,
    sent,
    signed,
    some_documents,
    states,
)
from workflows.actions import (
    ActionKind,
    AddStep,
    Approve,
    Cancel,
    ForceStep,
    Migrate,
    Recuse,
    Reject,
    Resubmit,
    Retract,
    Sign,
    SkipStep,
    Submit,
    Transfer,
)
from workflows.definition import (
    Duty,
    DutyKind,
    FieldKey,
    Step,
    StepId,
    StepKind,
    StepMode,
    Workflow,
)
from workflows.engine import AllowedAction, allowed_actions, decide
from workflows.errors import DocumentsMismatch, PersonRecused, ReturnRefused
from workflows.events import Rejected, Resubmitted, StepStarted
from workflows.evolution import evolve
from workflows.folder import (
    NO_RULES,
    ActKind,
    DocumentRole,
    FolderRules,
    FolderState,
    FolderStatus,
    StepState,
)
from workflows.moments import NothingToRetract, TooLateToRetract
from workflows.register import (
    Absence,
    AbsenceId,
    Authorship,
    Facts,
    Grant,
    NamedAmount,
    PersonAtDesk,
    Power,
    PowerId,
    PowerKind,
    PowerRegister,
    Scope,
)
from workflows.returns import correction, retractable_act

WHY = "Le montant est faux."
KEEPING = FolderRules(approvals_stand=True)
LAST = replace(a_step(SECOND_VISA, StepKind.APPROVAL, MAYOR, ELSEWHERE), may_return=True)
ROUND_TRIP = a_workflow(
    VISA_STEP, a_step(OTHER_SIGNATURE, StepKind.SIGNATURE, ACCOUNTS), SIGNATURE_STEP, LAST
)


def signed_twice() -> FolderState:
    state = play(sent(ROUND_TRIP), Approve(BEN_AT_ACCOUNTS, VISA))
    state = play(state, Sign(CLEO_AT_ACCOUNTS, OTHER_SIGNATURE, signed(state)))
    return play(state, Sign(DAN_AT_MAYOR, SIGNATURE, signed(state)))


def of_amount(cents: int) -> Facts:
    return replace(FACTS, amounts=(NamedAmount("montant", cents),))


class TestReturn:
    back_to_visa = Reject(FAY_ELSEWHERE, SECOND_VISA, WHY, return_to=VISA)
    back_to_signature = Reject(FAY_ELSEWHERE, SECOND_VISA, WHY, return_to=SIGNATURE)

    def test_gives_an_earlier_step_its_turn_again(self) -> None:
        state = play(signed_twice(), self.back_to_visa)
        assert (state.status, states(state)) == (
            FolderStatus.PENDING,
            [StepState.CURRENT, StepState.WAITING, StepState.WAITING, StepState.WAITING],
        )

    def test_undoes_every_signature_made_since(self) -> None:
        before = signed_twice()
        rejected, started = ask(before, self.back_to_visa)
        assert isinstance(rejected, Rejected)
        assert isinstance(started, StepStarted)
        assert {one.before.id for one in rejected.restored} == before.signed_revisions
        assert play(before, self.back_to_visa).documents == some_documents()

    def test_leaves_the_signatures_made_before(self) -> None:
        first = play(sent(ROUND_TRIP), Approve(BEN_AT_ACCOUNTS, VISA))
        first = play(first, Sign(CLEO_AT_ACCOUNTS, OTHER_SIGNATURE, signed(first)))
        state = play(signed_twice(), self.back_to_signature)
        assert state.documents == first.documents

    def test_the_acts_undone_stay_in_the_history(self) -> None:
        state = play(signed_twice(), self.back_to_signature)
        undone = [(act.kind, act.step) for act in state.acts if act.returned_at is not None]
        assert undone == [(ActKind.SIGN, SIGNATURE)]
        assert state.standing_acts[-1].kind is ActKind.REJECT

    def test_the_circuit_goes_on_from_there(self) -> None:
        state = play(signed_twice(), self.back_to_signature)
        state = play(state, Sign(DAN_AT_MAYOR, SIGNATURE, signed(state)))
        assert play(state, Approve(FAY_ELSEWHERE, SECOND_VISA)).is_final

    def test_threat_07_a_signature_undone_is_never_brought_back(self) -> None:
        first = play(signed_twice(), self.back_to_signature)
        made = [change for act in first.acts for change in act.changes if act.returned_at]
        with pytest.raises(DocumentsMismatch, match="nouvelle révision"):
            ask(first, Sign(DAN_AT_MAYOR, SIGNATURE, tuple(made)))

    def test_is_not_taken_back(self) -> None:
        state = play(signed_twice(), self.back_to_signature)
        with pytest.raises(TooLateToRetract):
            ask(state, Retract(FAY_ELSEWHERE, SECOND_VISA))

    def test_an_act_before_the_return_is_not_taken_back_either(self) -> None:
        state = play(signed_twice(), self.back_to_signature)
        with pytest.raises(TooLateToRetract):
            ask(state, Retract(CLEO_AT_ACCOUNTS, OTHER_SIGNATURE))

    def test_the_step_goes_to_the_desk_that_had_it(self) -> None:
        state = play(
            sent(a_workflow(VISA_STEP, LAST)),
            Transfer(BEN_AT_ACCOUNTS, VISA, MAYOR),
            Approve(DAN_AT_MAYOR, VISA),
            self.back_to_visa,
        )
        assert state.desks_awaited_at(VISA) == (MAYOR,)

    def test_the_step_goes_to_the_desk_that_had_it_however_often_it_comes_back(self) -> None:
        state = play(
            sent(a_workflow(VISA_STEP, LAST)),
            Transfer(BEN_AT_ACCOUNTS, VISA, MAYOR),
            Approve(DAN_AT_MAYOR, VISA),
            self.back_to_visa,
            Approve(DAN_AT_MAYOR, VISA),
            self.back_to_visa,
        )
        assert state.desks_awaited_at(VISA) == (MAYOR,)

    def test_a_later_step_that_was_handed_over_goes_back_to_its_desks(self) -> None:
        state = play(
            sent(a_workflow(VISA_STEP, LAST)),
            Approve(BEN_AT_ACCOUNTS, VISA),
            Transfer(DAN_AT_MAYOR, SECOND_VISA, ACCOUNTS),
            self.back_to_visa,
            Approve(BEN_AT_ACCOUNTS, VISA),
        )
        assert state.desks_awaited_at(SECOND_VISA) == (MAYOR, ELSEWHERE)

        assert ActKind.TRANSFER not in {one.kind for one in state.standing_acts}

    def test_what_an_administrator_forced_since_is_undone_too(self) -> None:
        outside = a_step(MAILING, StepKind.EXTERNAL)
        state = play(
            sent(a_workflow(VISA_STEP, outside, LAST)),
            Approve(BEN_AT_ACCOUNTS, VISA),
            ForceStep(GIL_AT_ACCOUNTS, MAILING, "Répondu."),
            self.back_to_visa,
        )
        undone = [one.kind for one in state.acts if one.returned_at is not None]
        assert undone == [ActKind.APPROVE, ActKind.FORCE_STEP]

    def test_a_step_added_on_the_way_stays(self) -> None:
        added = a_step(OTHER_SIGNATURE, StepKind.APPROVAL, ELSEWHERE)
        state = play(
            sent(a_workflow(VISA_STEP, replace(LAST, may_add_steps=True))),
            Approve(BEN_AT_ACCOUNTS, VISA),
            AddStep(DAN_AT_MAYOR, SECOND_VISA, added),
            self.back_to_visa,
        )
        assert [one.id for one in state.steps] == [VISA, SECOND_VISA, OTHER_SIGNATURE]
        assert [one.kind for one in state.acts if one.returned_at] == [ActKind.APPROVE]

    def test_a_preparation_may_begin_again(self) -> None:
        state = play(
            sent(EVERY_KIND),
            Approve(BEN_AT_ACCOUNTS, FIRST_LOOK, some_documents("prepared")),
            Reject(DAN_AT_MAYOR, EVERY_KIND.steps[1].id, WHY, return_to=FIRST_LOOK),
        )
        assert state.in_preparation

    @pytest.mark.parametrize("target", [SECOND_VISA, NO_STEP])
    def test_goes_to_an_earlier_step_of_the_circuit(self, target: StepId) -> None:
        with pytest.raises(ReturnRefused):
            ask(signed_twice(), replace(self.back_to_visa, return_to=target))

    def test_goes_to_no_step_that_was_passed_over(self) -> None:
        state = play(sent(a_workflow(VISA_STEP, LAST)), SkipStep(GIL_AT_ACCOUNTS, VISA, "Absente."))
        with pytest.raises(ReturnRefused):
            ask(state, self.back_to_visa)

    def test_goes_to_no_step_of_the_outside(self) -> None:
        outside = a_step(MAILING, StepKind.EXTERNAL)
        state = play(
            sent(a_workflow(VISA_STEP, outside, LAST)),
            Approve(BEN_AT_ACCOUNTS, VISA),
            ForceStep(GIL_AT_ACCOUNTS, MAILING, "Répondu."),
        )
        assert states(state) == [StepState.DONE, StepState.DONE, StepState.CURRENT]
        with pytest.raises(ReturnRefused):
            ask(state, replace(self.back_to_visa, return_to=MAILING))

    def test_is_for_the_steps_that_the_circuit_names(self) -> None:
        strict = a_workflow(VISA_STEP, replace(LAST, may_return=False))
        state = play(sent(strict), Approve(BEN_AT_ACCOUNTS, VISA))
        with pytest.raises(ReturnRefused):
            ask(state, self.back_to_visa)


class TestApprovalsThatStand:
    workflow = a_workflow(VISA_STEP, LAST, SIGNATURE_STEP)
    DELEGATION = Grant(
        PowerId("grant-1"),
        PowerKind.SIGNATURE_DELEGATION,
        ACCOUNTS,
        FAY,
        SINCE,
        grantor=CLEO,
        scope=Scope(ceiling_cents=100),
        executory_at=SINCE.start,
    )

    def approved_by(self, seat: PersonAtDesk, grant: Grant, amount: int = 100) -> FolderState:
        """Approved by him beside this grant, and by a second person, then rejected."""
        return play(
            sent(self.workflow, rules=KEEPING),
            Approve(seat, VISA),
            Approve(DAN_AT_MAYOR, SECOND_VISA),
            Reject(DAN_AT_MAYOR, SIGNATURE, WHY),
            register=replace(REGISTER, grants=(grant,)),
            facts=of_amount(amount),
        )

    def kept(
        self, state: FolderState, again: Resubmit, grant: Grant, amount: int
    ) -> tuple[StepId, ...]:
        register = replace(REGISTER, grants=(grant,))
        (event, *_) = decide(state, again, register, of_amount(amount), NOW + timedelta(days=1))
        assert isinstance(event, Resubmitted)
        return event.kept

    def kept_of_a_delegate(self, *, under: int, since: Grant = DELEGATION) -> tuple[StepId, ...]:
        """What stands of the approval of a delegate, the amount being this one afterwards."""
        state = self.approved_by(PersonAtDesk(FAY, ACCOUNTS), self.DELEGATION)
        again = Resubmit(ADA_AT_RECEPTION, some_documents())
        return self.kept(state, again, since, under)

    def rejected(self, rules: FolderRules = KEEPING) -> FolderState:
        return play(
            sent(self.workflow, rules=rules),
            Approve(BEN_AT_ACCOUNTS, VISA),
            Approve(FAY_ELSEWHERE, SECOND_VISA),
            Reject(DAN_AT_MAYOR, SIGNATURE, WHY),
        )

    def test_the_step_that_refused_has_its_turn_when_nothing_changed(self) -> None:
        events = ask(self.rejected(), Resubmit(ADA_AT_RECEPTION, some_documents()))
        assert isinstance(events[0], Resubmitted)
        assert events[0].kept == (VISA, SECOND_VISA)
        assert events[1] == StepStarted(NOW, SIGNATURE, StepKind.SIGNATURE, (MAYOR,))

    def test_they_are_acts_of_the_new_round(self) -> None:
        state = play(self.rejected(), Resubmit(ADA_AT_RECEPTION, some_documents()))
        assert [act.kind for act in state.standing_acts] == [
            ActKind.APPROVE,
            ActKind.APPROVE,
            ActKind.RESUBMIT,
        ]
        assert [one.state for one in state.steps[:2]] == [StepState.DONE, StepState.DONE]

    def test_one_that_was_taken_back_stays_in_its_round(self) -> None:
        state = play(
            sent(self.workflow, rules=KEEPING),
            Approve(BEN_AT_ACCOUNTS, VISA),
            Retract(BEN_AT_ACCOUNTS, VISA),
            Approve(CLEO_AT_ACCOUNTS, VISA),
            Reject(FAY_ELSEWHERE, SECOND_VISA, WHY),
            Resubmit(ADA_AT_RECEPTION, some_documents()),
        )
        rounds = [(act.by.person, act.round) for act in state.acts if act.step == VISA]
        assert rounds == [(BEN, 1), (CLEO, 2)]

    def test_an_annex_may_change(self) -> None:
        documents = tuple(
            replace(one, revision=a_revision("other-map"))
            if one.role is DocumentRole.ANNEX
            else one
            for one in some_documents()
        )
        state = play(self.rejected(), Resubmit(ADA_AT_RECEPTION, documents))
        assert state.current_step is not None
        assert state.current_step.id == SIGNATURE

    def test_they_fall_when_a_main_document_changed(self) -> None:
        state = play(self.rejected(), Resubmit(ADA_AT_RECEPTION, some_documents("corrected")))
        assert state.current_step is not None
        assert state.current_step.id == VISA

    def test_they_fall_where_the_subtype_does_not_keep_them(self) -> None:
        state = play(self.rejected(NO_RULES), Resubmit(ADA_AT_RECEPTION, some_documents()))
        assert [act.kind for act in state.standing_acts] == [ActKind.RESUBMIT]

    def test_a_step_that_was_passed_over_ends_them(self) -> None:
        state = play(
            sent(self.workflow, rules=KEEPING),
            SkipStep(GIL_AT_ACCOUNTS, VISA, "Absente."),
            Approve(FAY_ELSEWHERE, SECOND_VISA),
            Reject(DAN_AT_MAYOR, SIGNATURE, WHY),
            Resubmit(ADA_AT_RECEPTION, some_documents()),
        )
        assert state.current_step is not None
        assert state.current_step.id == VISA

    def test_a_signature_is_always_made_again(self) -> None:
        state = sent(a_workflow(SIGNATURE_STEP, LAST), rules=KEEPING)
        state = play(
            state,
            Sign(DAN_AT_MAYOR, SIGNATURE, signed(state)),
            Reject(FAY_ELSEWHERE, SECOND_VISA, WHY),
            Resubmit(ADA_AT_RECEPTION, some_documents()),
        )
        assert state.current_step is not None
        assert state.current_step.id == SIGNATURE

    def test_an_approval_after_a_signature_falls_with_it(self) -> None:
        last = a_step(OTHER_SIGNATURE, StepKind.SIGNATURE, MAYOR)
        state = sent(a_workflow(VISA_STEP, SIGNATURE_STEP, LAST, last), rules=KEEPING)
        state = play(state, Approve(BEN_AT_ACCOUNTS, VISA))
        state = play(
            state,
            Sign(DAN_AT_MAYOR, SIGNATURE, signed(state)),
            Approve(FAY_ELSEWHERE, SECOND_VISA),
            Reject(DAN_AT_MAYOR, OTHER_SIGNATURE, WHY),
            Resubmit(ADA_AT_RECEPTION, some_documents()),
        )
        kinds = [(act.kind, act.step) for act in state.standing_acts]
        assert kinds == [(ActKind.APPROVE, VISA), (ActKind.RESUBMIT, None)]

    def test_a_preparation_is_gone_through_again(self) -> None:
        state = play(
            sent(EVERY_KIND, rules=KEEPING),
            Approve(BEN_AT_ACCOUNTS, FIRST_LOOK, some_documents()),
            Reject(DAN_AT_MAYOR, EVERY_KIND.steps[1].id, WHY),
            Resubmit(ADA_AT_RECEPTION, some_documents()),
        )
        assert state.in_preparation

    def test_threat_37_one_of_whoever_sends_it_again_falls_where_he_may_not_approve(self) -> None:
        duty = Duty(DutyKind.SUBMITTER_DOES_NOT_APPROVE)
        state = play(
            sent(replace(self.workflow, duties=(duty,)), rules=KEEPING),
            Approve(BEN_AT_ACCOUNTS, VISA),
            Approve(FAY_ELSEWHERE, SECOND_VISA),
            Reject(DAN_AT_MAYOR, SIGNATURE, WHY),
        )
        by_ada = play(state, Resubmit(ADA_AT_RECEPTION, some_documents()))
        by_ben = play(state, Resubmit(BEN_AT_RECEPTION, some_documents()))
        turns = [one.current_step.id for one in (by_ada, by_ben) if one.current_step is not None]
        assert turns == [SIGNATURE, VISA]

    def test_those_of_two_persons_stand_where_two_are_asked_for(self) -> None:
        duty = Duty(DutyKind.DISTINCT_PERSONS, (VISA, SECOND_VISA))
        state = play(
            sent(replace(self.workflow, duties=(duty,)), rules=KEEPING),
            Approve(BEN_AT_ACCOUNTS, VISA),
            Approve(FAY_ELSEWHERE, SECOND_VISA),
            Reject(DAN_AT_MAYOR, SIGNATURE, WHY),
            Resubmit(ADA_AT_RECEPTION, some_documents()),
        )
        assert [one.state for one in state.steps[:2]] == [StepState.DONE, StepState.DONE]

    def test_threat_36_one_falls_that_was_given_under_a_ceiling_now_exceeded(self) -> None:
        assert self.kept_of_a_delegate(under=100) == (VISA, SECOND_VISA)
        assert self.kept_of_a_delegate(under=101) == ()

    def test_threat_36_one_falls_of_a_grant_that_nobody_knows_any_more(self) -> None:
        state = self.approved_by(PersonAtDesk(FAY, ACCOUNTS), self.DELEGATION)
        (again, *_) = ask(state, Resubmit(ADA_AT_RECEPTION, some_documents()))
        assert isinstance(again, Resubmitted)
        assert again.kept == ()

    def test_one_stands_whose_grant_has_ended_since(self) -> None:
        ended = replace(self.DELEGATION, repealed_at=NOW + timedelta(hours=1))
        assert self.kept_of_a_delegate(under=100, since=ended) == (VISA, SECOND_VISA)

    def test_threat_36_one_falls_where_the_competence_is_now_somebody_else_s(self) -> None:
        given_away = replace(self.DELEGATION, kind=PowerKind.POWER_DELEGATION)
        state = self.approved_by(CLEO_AT_ACCOUNTS, given_away, amount=101)
        again = Resubmit(ADA_AT_RECEPTION, some_documents())
        assert self.kept(state, again, given_away, amount=101) == (VISA, SECOND_VISA)
        assert self.kept(state, again, given_away, amount=100) == ()

    def test_one_of_a_replacement_stands(self) -> None:
        absences = tuple(
            Absence(AbsenceId(one), one, SINCE, replacements=(FAY,)) for one in (BEN, CLEO)
        )
        register = replace(REGISTER, absences=absences)
        state = play(
            sent(self.workflow, rules=KEEPING),
            Approve(PersonAtDesk(FAY, ACCOUNTS), VISA),
            Reject(FAY_ELSEWHERE, SECOND_VISA, WHY),
            register=register,
        )
        state = play(state, Resubmit(ADA_AT_RECEPTION, some_documents()))
        assert state.steps[0].state is StepState.DONE

    def test_one_falls_that_lacks_a_field_emptied_since(self) -> None:
        note = FieldKey("note")
        visa = replace(VISA_STEP, required_to_pass=(note,))
        filled = replace(FACTS, filled=frozenset({note}))
        state = play(
            sent(a_workflow(visa, LAST), rules=KEEPING),
            Approve(BEN_AT_ACCOUNTS, VISA),
            Reject(FAY_ELSEWHERE, SECOND_VISA, WHY),
            facts=filled,
        )
        again = Resubmit(ADA_AT_RECEPTION, some_documents())
        turns = [play(state, again, facts=one).current_step for one in (filled, FACTS)]
        assert [one.id for one in turns if one is not None] == [SECOND_VISA, VISA]

    def test_one_falls_of_a_person_who_stood_back_since(self) -> None:
        state = play(
            sent(self.workflow, rules=KEEPING),
            Approve(BEN_AT_ACCOUNTS, VISA),
            Recuse(BEN_AT_ACCOUNTS, WHY),
            Reject(FAY_ELSEWHERE, SECOND_VISA, WHY),
            Resubmit(ADA_AT_RECEPTION, some_documents()),
        )
        assert state.current_step is not None
        assert state.current_step.id == VISA

    @pytest.mark.parametrize(
        ("redrawn", "expected"),
        [
            (replace(VISA_STEP, name="Visa bis"), SECOND_VISA),
            (a_step(VISA, StepKind.APPROVAL, ACCOUNTS, ELSEWHERE), SECOND_VISA),
            (a_step(VISA, StepKind.APPROVAL, ELSEWHERE), VISA),
            (
                replace(a_step(VISA, StepKind.APPROVAL, ACCOUNTS, ELSEWHERE), mode=StepMode.ALL_OF),
                VISA,
            ),
        ],
        ids=["same desk", "his desk among others", "another desk", "every desk"],
    )
    def test_they_stand_where_they_suffice_in_the_version_followed_since(
        self, redrawn: Step, expected: StepId
    ) -> None:
        newer = a_workflow(redrawn, LAST)
        state = play(
            sent(a_workflow(VISA_STEP, LAST), rules=KEEPING),
            Approve(BEN_AT_ACCOUNTS, VISA),
            Migrate(GIL_AT_MAYOR, OTHER_VERSION, newer),
            Reject(FAY_ELSEWHERE, SECOND_VISA, WHY),
        )
        submit = Submit(ADA_AT_RECEPTION, OTHER_VERSION, newer, some_documents(), rules=KEEPING)
        again = Resubmit(ADA_AT_RECEPTION, some_documents(), submit)
        (event, *_) = ask(state, again)
        assert isinstance(event, Resubmitted)
        current = play(state, again).current_step
        assert current is not None
        assert current.id == expected

    def test_one_of_the_desk_to_which_the_step_was_handed_over_stands(self) -> None:
        state = play(
            sent(a_workflow(VISA_STEP, LAST), rules=KEEPING),
            Transfer(BEN_AT_ACCOUNTS, VISA, MAYOR),
            Approve(DAN_AT_MAYOR, VISA),
            Migrate(GIL_AT_MAYOR, OTHER_VERSION, a_workflow(VISA_STEP, LAST)),
            Reject(FAY_ELSEWHERE, SECOND_VISA, WHY),
            Resubmit(ADA_AT_RECEPTION, some_documents()),
        )
        assert state.current_step is not None
        assert state.current_step.id == SECOND_VISA

    def test_one_that_was_given_in_the_new_version_is_judged_there(self) -> None:
        newer = a_workflow(a_step(VISA, StepKind.APPROVAL, ELSEWHERE), LAST)
        back_to_visa = Reject(DAN_AT_MAYOR, SECOND_VISA, WHY, return_to=VISA)
        state = play(
            sent(a_workflow(VISA_STEP, LAST), rules=KEEPING),
            Approve(BEN_AT_ACCOUNTS, VISA),
            Migrate(GIL_AT_MAYOR, OTHER_VERSION, newer),
            back_to_visa,
            Approve(FAY_ELSEWHERE, VISA),
            Reject(DAN_AT_MAYOR, SECOND_VISA, WHY),
            Resubmit(ADA_AT_RECEPTION, some_documents()),
        )
        assert state.current_step is not None
        assert state.current_step.id == SECOND_VISA

    def test_the_resubmission_may_still_be_taken_back(self) -> None:
        state = play(self.rejected(), Resubmit(ADA_AT_RECEPTION, some_documents()))
        assert play(state, Retract(ADA_AT_RECEPTION)).status is FolderStatus.DRAFT
        with pytest.raises(TooLateToRetract):
            ask(state, Retract(FAY_ELSEWHERE, SECOND_VISA))

    def test_threat_07_they_are_gone_once_the_submission_is_a_draft_again(self) -> None:
        state = play(
            self.rejected(),
            Resubmit(ADA_AT_RECEPTION, some_documents()),
            Retract(ADA_AT_RECEPTION),
            Submit(ADA_AT_RECEPTION, VERSION, self.workflow, some_documents("other")),
        )
        assert [act.kind for act in state.standing_acts] == [ActKind.SUBMIT]


class TestTheActThatMayBeTakenBack:
    def test_is_the_last_one(self) -> None:
        state = play(sent(ROUND_TRIP), Approve(BEN_AT_ACCOUNTS, VISA))
        act = retractable_act(state)
        assert act is not None
        assert (act.kind, act.step) == (ActKind.APPROVE, VISA)

    def test_is_none_in_a_draft(self) -> None:
        assert retractable_act(a_draft()) is None

    def test_is_none_after_an_act_that_is_undone_by_its_contrary(self) -> None:
        state = play(sent(ROUND_TRIP), Transfer(BEN_AT_ACCOUNTS, VISA, ELSEWHERE))
        assert retractable_act(state) is None

    def test_is_none_after_a_return(self) -> None:
        state = play(signed_twice(), TestReturn.back_to_visa)
        assert retractable_act(state) is None

    def test_is_none_after_the_refusal_of_an_administrator(self) -> None:
        state = play(sent(ROUND_TRIP), Reject(GIL_AT_ACCOUNTS, VISA, WHY))
        assert retractable_act(state) is None
        with pytest.raises(NothingToRetract):
            ask(state, Retract(GIL_AT_ACCOUNTS, VISA))

    def test_is_not_for_whoever_stood_back_be_it_the_submission(self) -> None:
        state = play(sent(ROUND_TRIP), Recuse(BEN_AT_ACCOUNTS, WHY))
        with pytest.raises(PersonRecused):
            ask(state, Retract(BEN_AT_RECEPTION))
        kinds = {one.kind for one in allowed_actions(state, BEN, REGISTER, FACTS, NOW)}
        assert ActionKind.RETRACT not in kinds
        assert play(state, Retract(ADA_AT_RECEPTION)).status is FolderStatus.DRAFT


class TestTheSecondOfTheReplacements:
    """The first one deposited the folder, and may not approve it: the second one does."""

    REGISTER = replace(
        REGISTER,
        absences=(
            Absence(AbsenceId("dan"), DAN, SINCE, replacements=(ADA, FAY)),
            Absence(AbsenceId("eve"), EVE, SINCE),
        ),
    )
    FAY_AT_MAYOR = PersonAtDesk(FAY, MAYOR)

    def approved(self, *after: Step) -> FolderState:
        workflow = replace(
            a_workflow(a_step(VISA, StepKind.APPROVAL, MAYOR), *after),
            duties=(Duty(DutyKind.SUBMITTER_DOES_NOT_APPROVE),),
        )
        return play(sent(workflow), Approve(self.FAY_AT_MAYOR, VISA), register=self.REGISTER)

    @pytest.mark.parametrize(
        "following",
        [a_step(SECOND_VISA, StepKind.APPROVAL, ACCOUNTS), SIGNATURE_STEP],
        ids=["an approval", "a signature"],
    )
    def test_takes_back_what_he_approved(self, following: Step) -> None:
        state, retract = self.approved(following), Retract(self.FAY_AT_MAYOR, VISA)
        opened = allowed_actions(state, FAY, self.REGISTER, FACTS, NOW)
        assert AllowedAction(ActionKind.RETRACT, MAYOR, VISA) in opened
        back = play(state, retract, register=self.REGISTER)
        assert back.current_step is not None
        assert back.current_step.id == VISA


class TestStandingIn:
    """A folder comes back to a desk whose holders are all absent, or that nobody holds."""

    SUBSTITUTION = Grant(PowerId("grant-1"), PowerKind.SUBSTITUTION, RECEPTION, FAY, SINCE)
    ABSENT = replace(
        REGISTER,
        grants=(SUBSTITUTION,),
        absences=tuple(Absence(AbsenceId(one), one, SINCE) for one in (ADA, BEN)),
    )
    VACANT = replace(
        REGISTER,
        grants=(replace(SUBSTITUTION, kind=PowerKind.INTERIM),),
        holders=tuple(one for one in REGISTER.holders if one.desk != RECEPTION),
    )
    FAY_AT_RECEPTION = PersonAtDesk(FAY, RECEPTION)

    @pytest.mark.parametrize("register", [ABSENT, VACANT], ids=["substitute", "interim"])
    @pytest.mark.parametrize(
        "action",
        [Resubmit(FAY_AT_RECEPTION, some_documents("corrected")), Cancel(FAY_AT_RECEPTION)],
        ids=["again", "end"],
    )
    def test_whoever_stands_in_there_sends_it_again_or_ends_it(
        self, register: PowerRegister, action: Resubmit | Cancel
    ) -> None:
        state = play(sent(ROUND_TRIP), Reject(CLEO_AT_ACCOUNTS, VISA, WHY))
        open_to_him = allowed_actions(state, FAY, register, FACTS, NOW)
        assert (action.kind, RECEPTION) in {(one.kind, one.desk) for one in open_to_him}
        assert decide(state, action, register, FACTS, NOW)

    def test_threat_37_he_is_then_one_of_those_who_deposited(self) -> None:
        state = play(sent(ROUND_TRIP), Reject(CLEO_AT_ACCOUNTS, VISA, WHY))
        again = Resubmit(self.FAY_AT_RECEPTION, some_documents("corrected"))
        assert play(state, again, register=self.ABSENT).submitters == (ADA, FAY)

    def test_he_takes_back_what_he_sent(self) -> None:
        state = play(sent(ROUND_TRIP), Retract(self.FAY_AT_RECEPTION), register=self.ABSENT)
        assert state.status is FolderStatus.DRAFT


class TestCorrection:
    def rejected(self) -> FolderState:
        return play(sent(ROUND_TRIP), Reject(BEN_AT_ACCOUNTS, VISA, WHY))

    def corrected(self) -> FolderState:
        (event,) = correction(self.rejected(), at_reception(ADA), NOW)
        return evolve(self.rejected(), event)

    def test_ends_the_time_in_which_a_rejection_is_taken_back(self) -> None:
        retract = Retract(BEN_AT_ACCOUNTS, VISA)
        assert play(self.rejected(), retract).status is FolderStatus.PENDING
        assert retractable_act(self.corrected()) is None
        with pytest.raises(TooLateToRetract, match="corrigé"):
            ask(self.corrected(), retract)

    def test_is_told_once_of_each_person(self) -> None:
        (event,) = correction(self.corrected(), at_reception(BEN), NOW)
        assert evolve(self.corrected(), event).submitters == (ADA, BEN)
        assert correction(self.corrected(), at_reception(ADA), NOW) == ()

    def test_is_told_of_who_changes_the_draft_of_somebody_else(self) -> None:
        (event,) = correction(a_draft(), at_reception(BEN), NOW)
        changed = evolve(a_draft(), event)
        assert (changed.status, changed.submitters) == (FolderStatus.DRAFT, (ADA, BEN))
        assert not changed.corrected
        assert correction(changed, at_reception(BEN), NOW) == ()

    def test_is_told_of_who_changes_the_documents_in_a_preparation(self) -> None:
        (event,) = correction(sent(EVERY_KIND), at_reception(BEN), NOW)
        changed = evolve(sent(EVERY_KIND), event)
        assert (changed.submitters, changed.preparers) == ((ADA,), (BEN,))
        assert changed.in_preparation
        assert not changed.corrected
        assert correction(changed, at_reception(BEN), NOW) == ()

    @pytest.mark.parametrize(
        "workflow", [None, EVERY_KIND, ROUND_TRIP], ids=["draft", "preparation", "validation"]
    )
    def test_is_nothing_of_who_deposited_while_the_folder_has_not_come_back(
        self, workflow: Workflow | None
    ) -> None:
        state = a_draft() if workflow is None else sent(workflow)
        assert correction(state, at_reception(ADA), NOW) == ()

    def test_names_the_one_in_whose_name_it_was_made_too(self) -> None:
        standing_in = Authorship(FAY, Power(PowerKind.SUBSTITUTION, RECEPTION, on_behalf_of=BEN))
        (event,) = correction(self.rejected(), standing_in, NOW)
        assert event.by == standing_in
        changed = evolve(self.rejected(), event)
        assert changed.submitters == (ADA, FAY, BEN)
        (own,) = correction(self.rejected(), at_reception(FAY), NOW)
        assert correction(evolve(self.rejected(), own), standing_in, NOW) == (event,)

    def test_is_nothing_where_documents_are_fixed(self) -> None:
        assert correction(sent(ROUND_TRIP), at_reception(BEN), NOW) == ()

    def test_of_an_earlier_round_does_not_count(self) -> None:
        state = play(
            self.corrected(),
            Resubmit(ADA_AT_RECEPTION, some_documents("corrected")),
            Reject(BEN_AT_ACCOUNTS, VISA, WHY),
        )
        assert play(state, Retract(BEN_AT_ACCOUNTS, VISA)).status is FolderStatus.PENDING
