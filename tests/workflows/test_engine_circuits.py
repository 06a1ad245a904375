"""The kinds of steps, who has them, and how a circuit goes from one to the next."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tests.builders.workflows import (
    ACCOUNTS,
    ADA_AT_RECEPTION,
    BEN_AT_ACCOUNTS,
    BEN_AT_RECEPTION,
    BOTH_VISAS,
    BOTH_VISAS_STEP,
    CLEO_AT_ACCOUNTS,
    DAN_AT_MAYOR,
    DEMANDING,
    ELSEWHERE,
    EVE_AT_MAYOR,
    EVERY_KIND,
    FACTS,
    FAY_ELSEWHERE,
    FILED,
    FILING,
    FIRST_LOOK,
    FIRST_LOOK_STEP,
    FULL,
    GIL_AT_ACCOUNTS,
    GIL_AT_RECEPTION,
    MAILING,
    MAYOR,
    NO_DESK,
    NOW,
    ON_PAPER,
    OTHER_SIGNATURE,
    RECEPTION,
    REGISTER,
    SEALING,
    SECOND_VISA,
    SENDING,
    SIGNATURE,
    SIGNATURE_STEP,
    TRANSMISSION,
    VERSION,
    VISA,
    VISA_STEP,
    a_draft,
    a_step,
    a_workflow,
    ask,
    play,
    sent,
    signed,
    some_documents,
)
from workflows.actions import (
    Action,
    Approve,
    Archive,
    ClaimTransmission,
    ForceStep,
    RecordAcknowledged,
    RecordOutside,
    RecordTransmitted,
    Reject,
    Resubmit,
    Retract,
    Seal,
    Sign,
    SignOnPaper,
    SkipStep,
    Submit,
    Transfer,
)
from workflows.definition import (
    BOSS,
    SUBMITTER,
    Actor,
    ChosenDesk,
    DeskId,
    StepKind,
    StepMode,
    given_desk,
    variable_desk,
)
from workflows.engine import who_may_pass
from workflows.errors import (
    DocumentsMismatch,
    NoMainDocument,
    PaperRefused,
    VariableDeskMissing,
    VariableDeskRefused,
    VariableDeskRepeated,
)
from workflows.events import (
    Approved,
    Archived,
    Completed,
    SignedOnPaper,
    StepStarted,
    ValidationStarted,
)
from workflows.folder import FolderRules, FolderState, FolderStatus, StepState
from workflows.moments import StepAlreadyPassed, TooLateToRetract, WrongStepKind
from workflows.obstacles import NobodyAble
from workflows.outside_events import Acknowledged, OutsideAnswered
from workflows.progress import desks_for
from workflows.register import Office, PersonAtDesk


def desks_now(state: FolderState) -> tuple[str, ...]:
    current = state.current_step
    assert current is not None
    return state.desks_awaited_at(current.id)


def statuses(state: FolderState) -> tuple[FolderStatus, str | None]:
    return state.status, None if state.current_step is None else state.current_step.id


PREPARED = some_documents("prepared")
LOOKED_AT = Approve(BEN_AT_ACCOUNTS, FIRST_LOOK, PREPARED)
BOTH = (Approve(BEN_AT_ACCOUNTS, BOTH_VISAS), Approve(DAN_AT_MAYOR, BOTH_VISAS))


def to_seal() -> FolderState:
    return play(sent(EVERY_KIND), LOOKED_AT, *BOTH)


def mailed() -> FolderState:
    return play(to_seal(), Seal(DAN_AT_MAYOR, SEALING, signed(to_seal())))


class TestAllOf:
    workflow = a_workflow(BOTH_VISAS_STEP, SIGNATURE_STEP)

    def test_waits_for_every_desk(self) -> None:
        state = play(sent(self.workflow), BOTH[0])
        assert (statuses(state), desks_now(state)) == (
            (FolderStatus.PENDING, BOTH_VISAS),
            (MAYOR,),
        )

    def test_passes_with_the_last_one_in_any_order(self) -> None:
        state = play(sent(self.workflow), BOTH[1], BOTH[0])
        assert statuses(state) == (FolderStatus.PENDING, SIGNATURE)

    @pytest.mark.parametrize("again", [BEN_AT_ACCOUNTS, CLEO_AT_ACCOUNTS], ids=["ben", "cleo"])
    def test_threat_38_a_desk_acts_once(self, again: PersonAtDesk) -> None:
        state = play(sent(self.workflow), BOTH[0])
        with pytest.raises(StepAlreadyPassed, match="attendez les autres"):
            ask(state, Approve(again, BOTH_VISAS))

    def test_a_desk_that_agreed_does_not_refuse_any_more(self) -> None:
        state = play(sent(self.workflow), BOTH[0])
        with pytest.raises(StepAlreadyPassed):
            ask(state, Reject(BEN_AT_ACCOUNTS, BOTH_VISAS, "Finalement non."))

    def test_a_person_of_two_desks_acts_once_for_each(self) -> None:
        both = replace(
            a_step(BOTH_VISAS, StepKind.APPROVAL, RECEPTION, ACCOUNTS), mode=BOTH_VISAS_STEP.mode
        )
        state = play(sent(a_workflow(both)), Approve(BEN_AT_RECEPTION, BOTH_VISAS))
        assert desks_now(state) == (ACCOUNTS,)
        assert play(state, Approve(BEN_AT_ACCOUNTS, BOTH_VISAS)).is_final

    def test_one_refusal_suffices(self) -> None:
        state = play(sent(self.workflow), BOTH[0], Reject(DAN_AT_MAYOR, BOTH_VISAS, "Trop cher."))
        assert state.status is FolderStatus.REJECTED

    def test_an_agreement_is_taken_back_while_the_others_are_awaited(self) -> None:
        state = play(sent(self.workflow), BOTH[0], Retract(BEN_AT_ACCOUNTS, BOTH_VISAS))
        assert desks_now(state) == (ACCOUNTS, MAYOR)

    def test_an_agreement_is_not_taken_back_once_another_desk_agreed(self) -> None:
        with pytest.raises(TooLateToRetract):
            ask(play(sent(self.workflow), *BOTH), Retract(BEN_AT_ACCOUNTS, BOTH_VISAS))

    def test_a_refusal_taken_back_leaves_the_agreements_of_the_others(self) -> None:
        state = play(
            sent(self.workflow),
            BOTH[0],
            Reject(DAN_AT_MAYOR, BOTH_VISAS, "Trop cher."),
            Retract(DAN_AT_MAYOR, BOTH_VISAS),
        )
        assert desks_now(state) == (MAYOR,)

    def test_those_who_may_pass_are_those_of_the_desks_awaited(self) -> None:
        state = play(sent(self.workflow), BOTH[0])
        able = who_may_pass(state, REGISTER, FACTS, NOW).able
        assert {one.power.desk for one in able} == {MAYOR}


class TestActors:
    def test_the_submitter_is_the_desk_that_deposits(self) -> None:
        step = replace(VISA_STEP, actors=(SUBMITTER,))
        assert desks_now(sent(a_workflow(step))) == (RECEPTION,)

    def test_the_boss_is_above_the_submitter_where_nobody_acted(self) -> None:
        assert desks_now(sent(a_workflow(replace(VISA_STEP, actors=(BOSS,))))) == (ACCOUNTS,)

    def test_the_boss_is_above_the_desk_that_acted_last(self) -> None:
        second = replace(a_step(SECOND_VISA, StepKind.APPROVAL), actors=(BOSS,))
        state = play(sent(a_workflow(VISA_STEP, second)), Approve(BEN_AT_ACCOUNTS, VISA))
        assert desks_now(state) == (MAYOR,)

    def test_the_boss_is_above_the_last_of_several_desks(self) -> None:
        first = a_step(VISA, StepKind.APPROVAL, RECEPTION)
        second = a_step(OTHER_SIGNATURE, StepKind.APPROVAL, ACCOUNTS)
        third = replace(a_step(SECOND_VISA, StepKind.APPROVAL), actors=(BOSS,))
        state = play(
            sent(a_workflow(first, second, third)),
            Approve(BEN_AT_RECEPTION, VISA),
            Approve(CLEO_AT_ACCOUNTS, OTHER_SIGNATURE),
        )
        assert desks_now(state) == (MAYOR,)

    def test_the_boss_is_found_anew_in_another_round(self) -> None:
        first = a_step(VISA, StepKind.APPROVAL, RECEPTION, ACCOUNTS)
        second = replace(a_step(SECOND_VISA, StepKind.APPROVAL), actors=(BOSS,))
        state = play(
            sent(a_workflow(first, second)),
            Approve(BEN_AT_ACCOUNTS, VISA),
            Reject(DAN_AT_MAYOR, SECOND_VISA, "Trop cher."),
            Resubmit(ADA_AT_RECEPTION, some_documents("corrected")),
            Approve(BEN_AT_RECEPTION, VISA),
        )
        assert desks_now(state) == (ACCOUNTS,)

    def test_a_step_whose_boss_nobody_is_waits_for_an_administrator(self) -> None:
        second = replace(a_step(SECOND_VISA, StepKind.APPROVAL), actors=(BOSS,))
        first = a_step(VISA, StepKind.APPROVAL, MAYOR)
        state = play(sent(a_workflow(first, second)), Approve(DAN_AT_MAYOR, VISA))
        assert who_may_pass(state, REGISTER, FACTS, NOW).nobody is NobodyAble.NO_DESK
        handed = play(state, Transfer(GIL_AT_RECEPTION, SECOND_VISA, ELSEWHERE))
        assert play(handed, Approve(FAY_ELSEWHERE, SECOND_VISA)).is_final
        assert play(state, SkipStep(GIL_AT_ACCOUNTS, SECOND_VISA, "Sans supérieur.")).is_final

    def test_nor_is_one_passed_by_itself_where_all_must_agree(self) -> None:
        step = replace(BOTH_VISAS_STEP, actors=(BOSS,))
        flat = replace(REGISTER, superiors={})
        submit = Submit(ADA_AT_RECEPTION, VERSION, a_workflow(step), some_documents())
        state = play(a_draft(), submit, register=flat)
        assert [one.state for one in state.steps] == [StepState.CURRENT]

    def test_two_actors_that_are_one_desk_have_the_step_once(self) -> None:
        step = replace(BOTH_VISAS_STEP, actors=(given_desk(ACCOUNTS), BOSS))
        state = play(sent(a_workflow(step)), Approve(BEN_AT_ACCOUNTS, BOTH_VISAS))
        assert state.is_final

    def test_nobody_passes_a_folder_that_has_no_turn(self) -> None:
        who = who_may_pass(a_draft(), REGISTER, FACTS, NOW)
        assert (who.able, who.nobody) == ((), None)


class TestDesksFor:
    def test_gives_the_desks_of_those_informed(self) -> None:
        state = play(sent(FULL), Approve(BEN_AT_ACCOUNTS, VISA))
        actors = (SUBMITTER, BOSS, given_desk(MAYOR), given_desk(RECEPTION))
        assert desks_for(state, actors, REGISTER) == (RECEPTION, MAYOR)


class TestVariableDesk:
    workflow = a_workflow(replace(VISA_STEP, actors=(variable_desk(ACCOUNTS, MAYOR),)))

    def test_the_desk_chosen_has_the_step(self) -> None:
        assert desks_now(sent(self.workflow, ChosenDesk(VISA, MAYOR))) == (MAYOR,)

    def test_any_desk_may_be_chosen_where_there_is_no_list(self) -> None:
        anybody = a_workflow(replace(VISA_STEP, actors=(variable_desk(),)))
        assert desks_now(sent(anybody, ChosenDesk(VISA, ELSEWHERE))) == (ELSEWHERE,)

    def test_several_are_chosen_in_their_order(self) -> None:
        two = a_workflow(replace(BOTH_VISAS_STEP, actors=(variable_desk(), variable_desk())))
        state = sent(two, ChosenDesk(BOTH_VISAS, MAYOR), ChosenDesk(BOTH_VISAS, ACCOUNTS))
        assert desks_now(state) == (MAYOR, ACCOUNTS)

    @pytest.mark.parametrize(
        ("actors", "desks", "refused"),
        [
            ((variable_desk(), variable_desk()), (MAYOR, MAYOR), True),
            ((given_desk(MAYOR), variable_desk()), (MAYOR,), True),
            ((variable_desk(), given_desk(MAYOR)), (MAYOR,), True),
            ((SUBMITTER, variable_desk()), (RECEPTION,), True),
            ((SUBMITTER, variable_desk()), (MAYOR,), False),
            ((given_desk(MAYOR), given_desk(MAYOR), variable_desk()), (ACCOUNTS,), False),
        ],
        ids=["twice", "named before", "named after", "own", "another", "not the one repeated"],
    )
    def test_where_all_must_agree_it_is_none_that_the_step_has_already(
        self, actors: tuple[Actor, ...], desks: tuple[DeskId, ...], refused: bool
    ) -> None:
        step = replace(BOTH_VISAS_STEP, actors=actors)
        chosen = [ChosenDesk(BOTH_VISAS, desk) for desk in desks]
        if refused:
            with pytest.raises(VariableDeskRepeated, match=step.name):
                sent(a_workflow(step), *chosen)
        else:
            assert set(desks) < set(desks_now(sent(a_workflow(step), *chosen)))
        anybody = a_workflow(replace(step, mode=StepMode.ANY_OF))
        assert set(desks) <= set(desks_now(sent(anybody, *chosen)))

    def test_the_refusal_names_the_office_that_would_agree_for_two(self) -> None:
        step = replace(BOTH_VISAS_STEP, actors=(given_desk(MAYOR), variable_desk()))
        named = replace(REGISTER, offices=(Office(MAYOR, "Maire"),))
        submit = Submit(
            ADA_AT_RECEPTION,
            VERSION,
            a_workflow(step),
            some_documents(),
            (ChosenDesk(BOTH_VISAS, MAYOR),),
        )
        with pytest.raises(VariableDeskRepeated, match="le bureau du Maire"):
            play(a_draft(), submit, register=named)

    def test_it_must_be_chosen(self) -> None:
        with pytest.raises(VariableDeskMissing, match="Étape visa"):
            sent(self.workflow)

    @pytest.mark.parametrize("desk", [ELSEWHERE, NO_DESK])
    def test_it_is_one_of_the_list(self, desk: DeskId) -> None:
        with pytest.raises(VariableDeskRefused, match="Étape visa"):
            sent(self.workflow, ChosenDesk(VISA, desk))

    def test_a_desk_that_does_not_exist_is_refused_without_a_list_too(self) -> None:
        anybody = a_workflow(replace(VISA_STEP, actors=(variable_desk(),)))
        with pytest.raises(VariableDeskRefused):
            sent(anybody, ChosenDesk(VISA, NO_DESK))

    def test_nothing_is_chosen_for_a_step_that_has_its_desk(self) -> None:
        with pytest.raises(VariableDeskRefused, match="visa"):
            sent(FULL, ChosenDesk(VISA, MAYOR))


class TestWhatIsPinned:
    def test_the_final_desk_and_those_informed(self) -> None:
        workflow = replace(
            FULL, final_desk=SUBMITTER, informed_at_end=(SUBMITTER, given_desk(MAYOR))
        )
        state = sent(workflow)
        assert (state.final_desk, state.informed_at_end) == (
            RECEPTION,
            (given_desk(RECEPTION), given_desk(MAYOR)),
        )

    def test_what_the_subtype_demands(self) -> None:
        assert sent(FULL, rules=DEMANDING).rules == DEMANDING

    def test_a_draft_again_is_pinned_to_nothing(self) -> None:
        workflow = replace(FULL, final_desk=given_desk(MAYOR), informed_at_end=(SUBMITTER,))
        state = play(sent(workflow, rules=DEMANDING), Retract(ADA_AT_RECEPTION))
        assert (state.rules, state.final_desk, state.informed_at_end) == (FolderRules(), None, ())


class TestPreparation:
    def test_its_last_act_fixes_the_documents(self) -> None:
        assert ask(sent(EVERY_KIND), LOOKED_AT)[1:] == (
            ValidationStarted(NOW, PREPARED),
            StepStarted(NOW, BOTH_VISAS, StepKind.APPROVAL, (ACCOUNTS, MAYOR)),
        )
        assert play(sent(EVERY_KIND), LOOKED_AT).documents == PREPARED

    def test_that_act_brings_them(self) -> None:
        with pytest.raises(NoMainDocument):
            ask(sent(EVERY_KIND), Approve(BEN_AT_ACCOUNTS, FIRST_LOOK))

    def test_that_act_brings_each_once(self) -> None:
        with pytest.raises(DocumentsMismatch):
            ask(sent(EVERY_KIND), replace(LOOKED_AT, documents=(*PREPARED, PREPARED[0])))

    def test_an_earlier_act_brings_none(self) -> None:
        second = replace(FIRST_LOOK_STEP, id=SECOND_VISA)
        state = sent(a_workflow(FIRST_LOOK_STEP, second, SIGNATURE_STEP))
        events = ask(state, Approve(BEN_AT_ACCOUNTS, FIRST_LOOK))
        assert [type(one) for one in events] == [Approved, StepStarted]

    def test_an_administrator_who_ends_it_brings_them_too(self) -> None:
        skip = SkipStep(GIL_AT_ACCOUNTS, FIRST_LOOK, "Absente.", PREPARED)
        assert play(sent(EVERY_KIND), skip).documents == PREPARED
        with pytest.raises(NoMainDocument):
            ask(sent(EVERY_KIND), replace(skip, documents=()))

    def test_the_last_act_taken_back_returns_to_it(self) -> None:
        state = play(sent(EVERY_KIND), LOOKED_AT, Retract(BEN_AT_ACCOUNTS, FIRST_LOOK))
        assert state.in_preparation


class TestPaper:
    def test_a_signature_made_on_paper_is_recorded(self) -> None:
        state = sent(FILED, rules=ON_PAPER)
        events = ask(state, SignOnPaper(EVE_AT_MAYOR, SIGNATURE, date(2026, 3, 1)))
        assert isinstance(events[0], SignedOnPaper)
        assert events[0].signed_on == date(2026, 3, 1)

    def test_it_leaves_the_documents_as_they_are(self) -> None:
        state = sent(FILED, rules=ON_PAPER)
        after = play(state, SignOnPaper(EVE_AT_MAYOR, SIGNATURE, date(2026, 3, 1)))
        assert after.documents == state.documents

    @pytest.mark.parametrize(
        "rules", [FolderRules(), replace(ON_PAPER, single_signature=True)], ids=["no", "helios"]
    )
    def test_it_is_refused_where_a_key_must_sign(self, rules: FolderRules) -> None:
        with pytest.raises(PaperRefused):
            ask(sent(FILED, rules=rules), SignOnPaper(DAN_AT_MAYOR, SIGNATURE, date(2026, 3, 1)))


class TestSeal:
    def test_passes_the_step_with_new_revisions(self) -> None:
        state = mailed()
        assert statuses(state) == (FolderStatus.AWAITING_OUTSIDE, MAILING)
        assert state.signed_revisions == {one.revision.id for one in state.signable_documents}

    def test_covers_every_document(self) -> None:
        state = to_seal()
        with pytest.raises(DocumentsMismatch):
            ask(state, Seal(DAN_AT_MAYOR, SEALING, signed(state)[:1]))

    def test_is_not_a_signature(self) -> None:
        state = to_seal()
        with pytest.raises(WrongStepKind, match="cachet"):
            ask(state, Sign(DAN_AT_MAYOR, SEALING, signed(state)))


class TestOutside:
    def test_an_answer_passes_the_step(self) -> None:
        events = ask(mailed(), RecordOutside(MAILING, accepted=True, reference="courriel-12"))
        assert events == (
            OutsideAnswered(NOW, MAILING, accepted=True, reference="courriel-12"),
            StepStarted(NOW, FILING, StepKind.ARCHIVE, (RECEPTION,)),
        )

    def test_a_refusal_stops_the_folder_and_keeps_its_reason(self) -> None:
        refusal = RecordOutside(MAILING, accepted=False, reason="Personne n'a répondu.")
        (event,) = ask(mailed(), refusal)
        state = play(mailed(), refusal)
        stopped = state.step(MAILING)
        assert isinstance(event, OutsideAnswered)
        assert event.reason == "Personne n'a répondu."
        assert stopped is not None
        assert (state.status, stopped.state) == (FolderStatus.REMOTE_REFUSED, StepState.STOPPED)

    def test_the_submitter_starts_again_after_a_refusal(self) -> None:
        state = play(mailed(), RecordOutside(MAILING, accepted=False))
        again = play(state, Resubmit(ADA_AT_RECEPTION, some_documents("corrected")))
        assert statuses(again) == (FolderStatus.PENDING, FIRST_LOOK)

    def test_an_answer_counts_once(self) -> None:
        state = play(mailed(), RecordOutside(MAILING, accepted=True))
        with pytest.raises(StepAlreadyPassed):
            ask(state, RecordOutside(MAILING, accepted=True))

    def test_a_step_of_persons_hears_no_answer(self) -> None:
        with pytest.raises(WrongStepKind):
            ask(to_seal(), RecordOutside(SEALING, accepted=True))

    @pytest.mark.parametrize(
        "wrong",
        [Approve(BEN_AT_ACCOUNTS, MAILING), Transfer(GIL_AT_ACCOUNTS, MAILING, MAYOR)],
        ids=lambda one: str(one.kind),
    )
    def test_nobody_acts_in_its_place(self, wrong: Action) -> None:
        with pytest.raises(WrongStepKind, match="courriel"):
            ask(mailed(), wrong)

    def test_an_administrator_frees_the_step_that_is_stuck(self) -> None:
        state = play(mailed(), ForceStep(GIL_AT_ACCOUNTS, MAILING, "Adresse fausse."))
        assert statuses(state) == (FolderStatus.PENDING, FILING)
        assert state.acts_at(MAILING)[0].reason == "Adresse fausse."

    def test_what_the_outside_was_asked_to_see_is_not_taken_back(self) -> None:
        with pytest.raises(TooLateToRetract):
            ask(mailed(), Retract(DAN_AT_MAYOR, SEALING))

    def test_nor_is_it_once_the_outside_answered(self) -> None:
        state = play(mailed(), RecordOutside(MAILING, accepted=True))
        with pytest.raises(TooLateToRetract):
            ask(state, Retract(DAN_AT_MAYOR, SEALING))


class TestArchive:
    def acknowledged(self) -> FolderState:
        state = sent(FILED)
        return play(
            state,
            Sign(DAN_AT_MAYOR, SIGNATURE, signed(state)),
            ClaimTransmission(TRANSMISSION),
            RecordTransmitted(TRANSMISSION, "4217"),
            RecordAcknowledged(TRANSMISSION),
        )

    def test_follows_the_transmission(self) -> None:
        state = self.acknowledged()
        assert statuses(state) == (FolderStatus.PENDING, FILING)
        assert state.transmission is not None
        assert state.transmission.remote_id == "4217"

    def test_starts_in_the_same_breath_as_the_acknowledgement(self) -> None:
        state = sent(FILED)
        state = play(
            state,
            Sign(DAN_AT_MAYOR, SIGNATURE, signed(state)),
            ClaimTransmission(TRANSMISSION),
            RecordTransmitted(TRANSMISSION, None),
        )
        events = ask(state, RecordAcknowledged(TRANSMISSION))
        assert [type(one) for one in events] == [Acknowledged, StepStarted]

    def test_ends_the_folder(self) -> None:
        events = ask(self.acknowledged(), Archive(ADA_AT_RECEPTION, FILING))
        assert [type(one) for one in events] == [Archived, Completed]

    def test_falls_to_the_final_desk_where_it_has_no_actor(self) -> None:
        filing = a_step(FILING, StepKind.ARCHIVE)
        workflow = replace(a_workflow(filing), final_desk=given_desk(ELSEWHERE))
        assert desks_now(sent(workflow)) == (ELSEWHERE,)

    def test_an_archivist_does_not_refuse_the_folder(self) -> None:
        with pytest.raises(WrongStepKind, match="classement"):
            ask(self.acknowledged(), Reject(ADA_AT_RECEPTION, FILING, "Trop tard."))

    def test_threat_07_a_signature_that_was_sent_is_not_taken_back(self) -> None:
        with pytest.raises(TooLateToRetract):
            ask(self.acknowledged(), Retract(DAN_AT_MAYOR, SIGNATURE))

    def test_a_folder_acknowledged_is_not_sent_again(self) -> None:
        sending = self.acknowledged().step(SENDING)
        assert sending is not None
        assert sending.state is StepState.DONE
