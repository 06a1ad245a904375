"""What persons do at their turn beside passing it, and beside the turns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders.workflows import (
    ACCOUNTS,
    ADA,
    ADA_AT_RECEPTION,
    BEN,
    BEN_AT_ACCOUNTS,
    BEN_AT_RECEPTION,
    BOTH_VISAS,
    BOTH_VISAS_STEP,
    CLEO,
    CLEO_AT_ACCOUNTS,
    DAN,
    DAN_AT_MAYOR,
    ELSEWHERE,
    EVERY_KIND,
    FACTS,
    FAY,
    FAY_ELSEWHERE,
    FILING,
    FILING_STEP,
    FULL,
    GIL,
    GIL_AT_ACCOUNTS,
    HAL_AT_ACCOUNTS,
    HAL_AT_MAYOR,
    MAYOR,
    NO_DESK,
    NOW,
    PROGRAM_AT_RECEPTION,
    RECEPTION,
    REGISTER,
    SECOND_VISA,
    SIGNATURE,
    SIGNATURE_STEP,
    SINCE,
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
    to_read,
)
from workflows.actions import (
    Action,
    ActionKind,
    AddStep,
    Approve,
    AskOpinion,
    Chain,
    GiveOpinion,
    Read,
    Recuse,
    Reject,
    Resubmit,
    Retract,
    Sign,
    Submit,
    Transfer,
)
from workflows.definition import (
    DeskId,
    Duty,
    DutyKind,
    FieldKey,
    Phase,
    Step,
    StepKind,
    given_desk,
)
from workflows.engine import allowed_actions, decide, who_may_give_opinion, who_may_pass
from workflows.errors import (
    DeskNotConcerned,
    DocumentsMismatch,
    DutyConflict,
    MetadataMissing,
    NoPower,
    NotSubmitter,
    PersonRecused,
    ReadingMissing,
    ReasonMissing,
    Refused,
    SelfGranted,
    StepNotAddable,
    UnknownDesk,
)
from workflows.events import Chained, DocumentsRead, OpinionAsked, OpinionGiven, Transferred
from workflows.folder import FolderId, FolderRules, FolderState, Reading, RevisionId
from workflows.moments import (
    AlreadyChained,
    AlreadyRecused,
    NoOpinionAsked,
    NotEnded,
    NotInWorkflow,
    OpinionAlreadyAsked,
    StepAlreadyPassed,
)
from workflows.register import (
    Absence,
    AbsenceId,
    Administrator,
    DeskHolder,
    PersonAtDesk,
    PersonId,
    PowerKind,
)
from workflows.turns import unread

READING = FolderRules(mandatory_reading=True)
WHY = "Ma sœur dirige cette entreprise."
QUESTION = "Le montant vous paraît-il juste ?"


def completed() -> FolderState:
    return play(
        sent(VISAS_ONLY), Approve(BEN_AT_ACCOUNTS, VISA), Approve(DAN_AT_MAYOR, SECOND_VISA)
    )


class TestMandatoryReading:
    def test_is_recorded_once_for_each_person_and_revision(self) -> None:
        state = sent(rules=READING)
        (event,) = ask(state, Read(BEN_AT_ACCOUNTS, (*to_read(state), *to_read(state))))
        assert isinstance(event, DocumentsRead)
        after = play(state, Read(BEN_AT_ACCOUNTS, to_read(state)))
        assert after.readings == tuple(Reading(BEN, one) for one in to_read(state))
        assert ask(after, Read(BEN_AT_RECEPTION, to_read(state))) == ()

    @pytest.mark.parametrize(
        "action",
        [
            Approve(BEN_AT_ACCOUNTS, VISA),
            Transfer(BEN_AT_ACCOUNTS, VISA, MAYOR),
            AskOpinion(BEN_AT_ACCOUNTS, VISA, MAYOR, QUESTION),
        ],
        ids=lambda one: str(one.kind),
    )
    def test_comes_before_the_act(self, action: Action) -> None:
        state = sent(rules=READING)
        with pytest.raises(ReadingMissing):
            ask(state, action)
        with pytest.raises(ReadingMissing):
            ask(play(state, Read(BEN_AT_ACCOUNTS, to_read(state)[:1])), action)
        with pytest.raises(ReadingMissing):
            ask(play(state, Read(CLEO_AT_ACCOUNTS, to_read(state))), action)
        assert ask(play(state, Read(BEN_AT_ACCOUNTS, to_read(state))), action)

    def test_comes_before_an_opinion(self) -> None:
        state = sent(rules=READING)
        state = play(
            state,
            Read(BEN_AT_ACCOUNTS, to_read(state)),
            AskOpinion(BEN_AT_ACCOUNTS, VISA, ELSEWHERE, QUESTION),
        )
        with pytest.raises(ReadingMissing):
            ask(state, GiveOpinion(FAY_ELSEWHERE, VISA, "Oui."))
        read = play(state, Read(FAY_ELSEWHERE, to_read(state)))
        assert ask(read, GiveOpinion(FAY_ELSEWHERE, VISA, "Oui."))

    def test_is_not_needed_to_refuse(self) -> None:
        assert ask(sent(rules=READING), Reject(BEN_AT_ACCOUNTS, VISA, "Illisible."))

    def test_is_not_needed_to_administer(self) -> None:
        assert ask(sent(rules=READING), Transfer(GIL_AT_ACCOUNTS, VISA, MAYOR))

    def test_hides_the_act_until_then(self) -> None:
        state = sent(rules=READING)
        kinds = {one.kind for one in allowed_actions(state, CLEO, REGISTER, FACTS, NOW)}
        assert kinds == {ActionKind.REJECT, ActionKind.READ, ActionKind.RECUSE}
        state = play(state, Read(CLEO_AT_ACCOUNTS, to_read(state)))
        kinds = {one.kind for one in allowed_actions(state, CLEO, REGISTER, FACTS, NOW)}
        assert ActionKind.APPROVE in kinds

    def test_names_what_a_person_has_yet_to_open_while_the_folder_has_a_step(self) -> None:
        state = sent(VISAS_ONLY, rules=READING)
        first, *others = to_read(state)
        read = play(state, Read(BEN_AT_ACCOUNTS, (first,)))
        assert unread(read, BEN) == tuple(others)
        assert unread(read, CLEO) == to_read(state)
        back = play(read, Reject(BEN_AT_ACCOUNTS, VISA, "Illisible."))
        assert unread(back, CLEO) == ()

    def test_names_nothing_where_reading_is_free(self) -> None:
        assert unread(sent(), CLEO) == ()
        assert unread(sent(EVERY_KIND, rules=READING), CLEO) == ()

    def test_begins_again_with_what_another_signed(self) -> None:
        two = a_workflow(a_step(VISA, StepKind.SIGNATURE, ACCOUNTS), SIGNATURE_STEP)
        state = sent(two, rules=READING)
        state = play(
            state,
            Read(DAN_AT_MAYOR, to_read(state)),
            Read(CLEO_AT_ACCOUNTS, to_read(state)),
            Sign(CLEO_AT_ACCOUNTS, VISA, signed(state)),
        )
        with pytest.raises(ReadingMissing):
            ask(state, Sign(DAN_AT_MAYOR, SIGNATURE, signed(state)))

    def test_a_preparation_demands_none_and_notes_what_it_is_told(self) -> None:
        state = sent(EVERY_KIND, rules=READING)
        other = to_read(
            play(a_draft(), Submit(ADA_AT_RECEPTION, VERSION, FULL, some_documents("x")))
        )
        assert ask(state, Read(BEN_AT_ACCOUNTS, other))
        assert ask(state, Approve(BEN_AT_ACCOUNTS, state.steps[0].id, some_documents("x")))

    def test_what_is_not_in_the_folder_is_not_read(self) -> None:
        with pytest.raises(DocumentsMismatch):
            ask(sent(), Read(BEN_AT_ACCOUNTS, (*to_read(sent()), RevisionId("unknown"))))

    def test_a_draft_is_not_read(self) -> None:
        with pytest.raises(NotInWorkflow):
            ask(a_draft(), Read(ADA_AT_RECEPTION, ()))

    def test_the_program_that_deposited_may_read(self) -> None:
        assert ask(sent(), Read(PROGRAM_AT_RECEPTION, to_read(sent())))

    def test_a_desk_that_has_no_part_in_it_does_not_read(self) -> None:
        with pytest.raises(DeskNotConcerned):
            ask(sent(), Read(FAY_ELSEWHERE, to_read(sent())))

    def test_a_final_desk_reads(self) -> None:
        state = sent(replace(FULL, final_desk=given_desk(ELSEWHERE)))
        assert ask(state, Read(FAY_ELSEWHERE, to_read(state)))

    def test_nobody_reads_for_a_desk_that_is_not_his(self) -> None:
        with pytest.raises(NoPower):
            ask(sent(), Read(PersonAtDesk(ADA, ACCOUNTS), to_read(sent())))


class TestMandatoryMetadata:
    step = replace(
        VISA_STEP,
        required_to_pass=(FieldKey("amount"), FieldKey("budget")),
        required_to_reject=(FieldKey("grounds"),),
    )

    def test_an_approval_names_what_is_missing(self) -> None:
        facts = replace(FACTS, filled=frozenset({FieldKey("amount")}))
        with pytest.raises(MetadataMissing, match="« budget »"):
            ask(sent(a_workflow(self.step)), Approve(BEN_AT_ACCOUNTS, VISA), facts=facts)

    def test_what_is_missing_has_the_name_that_people_give_it(self) -> None:
        facts = replace(FACTS, labels={FieldKey("budget"): "Imputation budgétaire"})
        with pytest.raises(MetadataMissing, match="« amount », « Imputation budgétaire »"):
            ask(sent(a_workflow(self.step)), Approve(BEN_AT_ACCOUNTS, VISA), facts=facts)

    def test_an_approval_passes_once_they_are_filled(self) -> None:
        facts = replace(FACTS, filled=frozenset({FieldKey("amount"), FieldKey("budget")}))
        assert ask(sent(a_workflow(self.step)), Approve(BEN_AT_ACCOUNTS, VISA), facts=facts)

    def test_a_refusal_has_its_own(self) -> None:
        state, refusal = sent(a_workflow(self.step)), Reject(BEN_AT_ACCOUNTS, VISA, "Faux.")
        with pytest.raises(MetadataMissing, match="« grounds »"):
            ask(state, refusal)
        assert ask(state, refusal, facts=replace(FACTS, filled=frozenset({FieldKey("grounds")})))

    def test_they_do_not_hold_back_other_acts(self) -> None:
        assert ask(sent(a_workflow(self.step)), Transfer(BEN_AT_ACCOUNTS, VISA, MAYOR))

    def test_they_do_not_hold_back_a_retraction(self) -> None:
        facts = replace(FACTS, filled=frozenset({FieldKey("amount"), FieldKey("budget")}))
        state = play(
            sent(a_workflow(self.step, SIGNATURE_STEP)), Approve(BEN_AT_ACCOUNTS, VISA), facts=facts
        )
        assert ask(state, Retract(BEN_AT_ACCOUNTS, VISA))


class TestTransfer:
    def test_hands_the_step_to_another_desk(self) -> None:
        (event,) = ask(sent(), Transfer(BEN_AT_ACCOUNTS, VISA, ELSEWHERE, " Congés. "))
        assert isinstance(event, Transferred)
        assert (event.from_desk, event.to_desk, event.reason) == (ACCOUNTS, ELSEWHERE, "Congés.")

    def test_the_other_desk_has_it_then(self) -> None:
        state = play(sent(), Transfer(BEN_AT_ACCOUNTS, VISA, ELSEWHERE))
        with pytest.raises(DeskNotConcerned):
            ask(state, Approve(BEN_AT_ACCOUNTS, VISA))
        assert ask(state, Approve(FAY_ELSEWHERE, VISA))

    def test_hands_over_one_part_of_a_step_of_several(self) -> None:
        state = play(
            sent(a_workflow(BOTH_VISAS_STEP)), Transfer(DAN_AT_MAYOR, BOTH_VISAS, ELSEWHERE)
        )
        assert state.desks_awaited_at(BOTH_VISAS) == (ACCOUNTS, ELSEWHERE)

    def test_a_part_that_is_done_is_not_handed_over(self) -> None:
        state = play(sent(a_workflow(BOTH_VISAS_STEP)), Approve(BEN_AT_ACCOUNTS, BOTH_VISAS))
        with pytest.raises(StepAlreadyPassed):
            ask(state, Transfer(BEN_AT_ACCOUNTS, BOTH_VISAS, ELSEWHERE))

    def test_an_administrator_does_it_for_a_desk_that_is_empty(self) -> None:
        (event,) = ask(sent(), Transfer(HAL_AT_ACCOUNTS, VISA, ELSEWHERE))
        assert isinstance(event, Transferred)
        assert event.by.power.kind is PowerKind.ADMINISTRATOR

    @pytest.mark.parametrize("seat", [GIL_AT_ACCOUNTS, HAL_AT_ACCOUNTS], ids=["any", "of it"])
    def test_threat_36_an_administrator_does_not_hand_it_to_a_desk_of_his_own(
        self, seat: PersonAtDesk
    ) -> None:
        own = (*REGISTER.holders, DeskHolder(ELSEWHERE, seat.person, SINCE))
        register = replace(REGISTER, holders=own)
        with pytest.raises(SelfGranted, match="un autre administrateur"):
            decide(sent(), Transfer(seat, VISA, ELSEWHERE), register, FACTS, NOW)
        assert decide(sent(), Transfer(seat, VISA, MAYOR), register, FACTS, NOW)

    def test_threat_36_nor_to_one_where_his_turn_in_a_ranked_list_has_come(self) -> None:
        away = Absence(AbsenceId("away"), FAY, SINCE, replacements=(CLEO, GIL))
        register = replace(REGISTER, absences=(away,))
        handed = Transfer(GIL_AT_ACCOUNTS, VISA, ELSEWHERE)
        assert decide(sent(), handed, register, FACTS, NOW)
        state = play(sent(), Recuse(CLEO_AT_ACCOUNTS, WHY))
        with pytest.raises(SelfGranted):
            decide(state, handed, register, FACTS, NOW)

    def test_whoever_has_the_step_may_hand_it_to_his_other_desk(self) -> None:
        own = (*REGISTER.holders, DeskHolder(ELSEWHERE, BEN, SINCE))
        register = replace(
            REGISTER, holders=own, administrators=(*REGISTER.administrators, Administrator(BEN))
        )
        assert decide(sent(), Transfer(BEN_AT_ACCOUNTS, VISA, ELSEWHERE), register, FACTS, NOW)

    def test_a_filing_may_be_handed_over_too(self) -> None:
        state = sent(a_workflow(FILING_STEP))
        state = play(state, Transfer(ADA_AT_RECEPTION, FILING, MAYOR))
        assert state.desks_awaited_at(FILING) == (MAYOR,)

    def test_an_administrator_of_other_desks_does_not(self) -> None:
        state = play(sent(), Approve(BEN_AT_ACCOUNTS, VISA))
        with pytest.raises(NoPower):
            ask(state, Transfer(HAL_AT_MAYOR, SIGNATURE, ELSEWHERE))

    def test_somebody_else_does_not(self) -> None:
        with pytest.raises(DeskNotConcerned):
            ask(sent(), Transfer(FAY_ELSEWHERE, VISA, ELSEWHERE))

    @pytest.mark.parametrize(
        ("to", "refusal"), [(ACCOUNTS, DeskNotConcerned), (NO_DESK, UnknownDesk)]
    )
    def test_goes_to_an_existing_desk_that_has_not_the_step(
        self, to: DeskId, refusal: type[Refused]
    ) -> None:
        with pytest.raises(refusal):
            ask(sent(), Transfer(BEN_AT_ACCOUNTS, VISA, to))

    def test_an_act_before_it_is_not_taken_back_any_more(self) -> None:
        state = play(
            sent(), Approve(BEN_AT_ACCOUNTS, VISA), Transfer(DAN_AT_MAYOR, SIGNATURE, ELSEWHERE)
        )
        with pytest.raises(Refused) as refusal:
            ask(state, Retract(BEN_AT_ACCOUNTS, VISA))
        assert refusal.value.code == "too_late_to_retract"

    def test_it_is_not_taken_back_but_handed_back(self) -> None:
        state = play(sent(), Transfer(BEN_AT_ACCOUNTS, VISA, ELSEWHERE))
        with pytest.raises(Refused) as refusal:
            ask(state, Retract(BEN_AT_ACCOUNTS, VISA))
        assert refusal.value.code == "nothing_to_retract"
        assert ask(state, Transfer(FAY_ELSEWHERE, VISA, ACCOUNTS))

    def test_another_round_begins_with_the_desks_of_the_circuit(self) -> None:
        state = play(
            sent(),
            Transfer(BEN_AT_ACCOUNTS, VISA, ELSEWHERE),
            Reject(FAY_ELSEWHERE, VISA, "Faux."),
            Resubmit(ADA_AT_RECEPTION, some_documents("corrected")),
        )
        assert state.desks_awaited_at(VISA) == (ACCOUNTS,)


class TestOpinion:
    def asked(self) -> FolderState:
        return play(sent(), AskOpinion(BEN_AT_ACCOUNTS, VISA, ELSEWHERE, f" {QUESTION} "))

    def test_is_asked_of_another_desk(self) -> None:
        (event,) = ask(sent(), AskOpinion(BEN_AT_ACCOUNTS, VISA, ELSEWHERE, f" {QUESTION} "))
        assert isinstance(event, OpinionAsked)
        assert (event.desk, event.question) == (ELSEWHERE, QUESTION)

    def test_holds_nobody_back(self) -> None:
        assert ask(self.asked(), Approve(BEN_AT_ACCOUNTS, VISA))

    def test_is_given_by_somebody_of_that_desk(self) -> None:
        (event,) = ask(self.asked(), GiveOpinion(FAY_ELSEWHERE, VISA, " Favorable. "))
        assert isinstance(event, OpinionGiven)
        state = play(self.asked(), GiveOpinion(FAY_ELSEWHERE, VISA, " Favorable. "))
        (opinion,) = state.opinions
        assert (opinion.answer, opinion.answered_by and opinion.answered_by.person) == (
            "Favorable.",
            FAY,
        )

    def test_may_be_asked_of_several_desks(self) -> None:
        state = play(self.asked(), AskOpinion(CLEO_AT_ACCOUNTS, VISA, MAYOR, QUESTION))
        state = play(state, GiveOpinion(DAN_AT_MAYOR, VISA, "Oui."))
        assert [one.answer for one in state.opinions] == [None, "Oui."]

    def test_is_asked_once_until_it_comes(self) -> None:
        again = AskOpinion(CLEO_AT_ACCOUNTS, VISA, ELSEWHERE, QUESTION)
        with pytest.raises(OpinionAlreadyAsked):
            ask(self.asked(), again)
        assert ask(play(self.asked(), GiveOpinion(FAY_ELSEWHERE, VISA, "Oui.")), again)

    def test_is_not_given_unasked(self) -> None:
        with pytest.raises(NoOpinionAsked):
            ask(self.asked(), GiveOpinion(DAN_AT_MAYOR, VISA, "Oui."))

    def test_is_not_given_by_somebody_who_has_no_power_there(self) -> None:
        with pytest.raises(NoPower):
            ask(self.asked(), GiveOpinion(PersonAtDesk(ADA, ELSEWHERE), VISA, "Oui."))

    def test_comes_too_late_when_the_step_is_passed(self) -> None:
        state = play(self.asked(), Approve(BEN_AT_ACCOUNTS, VISA))
        with pytest.raises(StepAlreadyPassed):
            ask(state, GiveOpinion(FAY_ELSEWHERE, VISA, "Oui."))

    def test_is_awaited_again_when_the_act_that_passed_the_step_is_taken_back(self) -> None:
        state = play(self.asked(), Approve(BEN_AT_ACCOUNTS, VISA), Retract(BEN_AT_ACCOUNTS, VISA))
        assert ask(state, GiveOpinion(FAY_ELSEWHERE, VISA, "Oui."))

    def test_is_forgotten_when_the_folder_comes_back_to_the_step(self) -> None:
        last = replace(a_step(SIGNATURE, StepKind.APPROVAL, MAYOR), may_return=True)
        state = play(
            sent(a_workflow(a_step(VISA, StepKind.APPROVAL, ACCOUNTS), last)),
            AskOpinion(BEN_AT_ACCOUNTS, VISA, ELSEWHERE, QUESTION),
            Approve(BEN_AT_ACCOUNTS, VISA),
            Reject(DAN_AT_MAYOR, SIGNATURE, WHY, return_to=VISA),
        )
        with pytest.raises(NoOpinionAsked):
            ask(state, GiveOpinion(FAY_ELSEWHERE, VISA, "Oui."))
        assert ask(state, AskOpinion(BEN_AT_ACCOUNTS, VISA, ELSEWHERE, QUESTION))

    def test_does_not_cross_to_another_round(self) -> None:
        state = play(
            sent(VISAS_ONLY),
            Approve(BEN_AT_ACCOUNTS, VISA),
            AskOpinion(DAN_AT_MAYOR, SECOND_VISA, ELSEWHERE, QUESTION),
            Reject(DAN_AT_MAYOR, SECOND_VISA, WHY),
            Resubmit(ADA_AT_RECEPTION, some_documents("corrected")),
        )
        assert state.opinions == ()

    def test_may_be_given_by_whoever_could_approve_for_the_desk(self) -> None:
        def able(state: FolderState, desk: DeskId) -> list[PersonId]:
            return [
                one.person for one in who_may_give_opinion(state, desk, REGISTER, FACTS, NOW).able
            ]

        assert able(self.asked(), ELSEWHERE) == [FAY]
        assert able(self.asked(), MAYOR) == []
        assert able(a_draft(), ELSEWHERE) == []

    def test_may_be_given_by_somebody_whom_a_duty_keeps_from_passing_the_step(self) -> None:
        apart = Duty(DutyKind.SUBMITTER_DOES_NOT_APPROVE)
        asked = AskOpinion(BEN_AT_ACCOUNTS, VISA, ADA_AT_RECEPTION.desk, QUESTION)
        state = play(sent(replace(FULL, duties=(apart,))), asked)
        found = who_may_give_opinion(state, ADA_AT_RECEPTION.desk, REGISTER, FACTS, NOW)
        assert [one.person for one in found.able] == [ADA, BEN]
        assert ask(state, GiveOpinion(ADA_AT_RECEPTION, VISA, "Oui."))

    def test_is_forgotten_in_another_round(self) -> None:
        state = play(
            self.asked(),
            Reject(BEN_AT_ACCOUNTS, VISA, "Faux."),
            Resubmit(ADA_AT_RECEPTION, some_documents("corrected")),
        )
        with pytest.raises(NoOpinionAsked):
            ask(state, GiveOpinion(FAY_ELSEWHERE, VISA, "Oui."))

    @pytest.mark.parametrize(
        ("desk", "question", "refusal"),
        [
            (ELSEWHERE, " ", ReasonMissing),
            (NO_DESK, QUESTION, UnknownDesk),
            (ACCOUNTS, QUESTION, DeskNotConcerned),
        ],
        ids=["nothing", "nowhere", "oneself"],
    )
    def test_is_a_question_to_another_desk(
        self, desk: DeskId, question: str, refusal: type[Refused]
    ) -> None:
        with pytest.raises(refusal):
            ask(sent(), AskOpinion(BEN_AT_ACCOUNTS, VISA, desk, question))

    def test_says_something(self) -> None:
        with pytest.raises(ReasonMissing):
            ask(self.asked(), GiveOpinion(FAY_ELSEWHERE, VISA, " "))

    def test_does_not_count_as_an_act_before_a_retraction(self) -> None:
        state = play(
            sent(),
            Approve(BEN_AT_ACCOUNTS, VISA),
            AskOpinion(DAN_AT_MAYOR, SIGNATURE, ELSEWHERE, QUESTION),
            GiveOpinion(FAY_ELSEWHERE, SIGNATURE, "Oui."),
            Read(DAN_AT_MAYOR, to_read(sent())),
        )
        assert ask(state, Retract(BEN_AT_ACCOUNTS, VISA))


class TestAddStep:
    workflow = a_workflow(replace(VISA_STEP, may_add_steps=True), SIGNATURE_STEP)
    added = a_step(SECOND_VISA, StepKind.APPROVAL, ELSEWHERE)

    def add(self, step: Step) -> AddStep:
        return AddStep(BEN_AT_ACCOUNTS, VISA, step)

    def test_comes_right_after_the_current_one(self) -> None:
        state = play(sent(self.workflow), self.add(self.added))
        assert [one.id for one in state.steps] == [VISA, SECOND_VISA, SIGNATURE]
        after = play(state, Approve(BEN_AT_ACCOUNTS, VISA))
        assert after.desks_awaited_at(SECOND_VISA) == (ELSEWHERE,)

    def test_stays_in_the_next_round(self) -> None:
        state = play(
            sent(self.workflow),
            self.add(self.added),
            Reject(BEN_AT_ACCOUNTS, VISA, "Faux."),
            Resubmit(ADA_AT_RECEPTION, some_documents("corrected")),
        )
        assert [one.id for one in state.steps] == [VISA, SECOND_VISA, SIGNATURE]

    def test_only_where_the_circuit_allows_it(self) -> None:
        with pytest.raises(StepNotAddable):
            ask(sent(), self.add(self.added))

    @pytest.mark.parametrize(
        "step",
        [
            a_step(SECOND_VISA, StepKind.SEAL, ELSEWHERE),
            replace(a_step(SECOND_VISA, StepKind.APPROVAL, ELSEWHERE), phase=Phase.PREPARATION),
            a_step(SIGNATURE, StepKind.APPROVAL, ELSEWHERE),
            replace(a_step(SECOND_VISA, StepKind.APPROVAL, ELSEWHERE), name=" "),
            a_step(SECOND_VISA, StepKind.APPROVAL),
            a_step(SECOND_VISA, StepKind.APPROVAL, ELSEWHERE, ELSEWHERE),
        ],
        ids=["seal", "preparation", "same id", "no name", "no desk", "one desk twice"],
    )
    def test_is_well_made(self, step: Step) -> None:
        with pytest.raises(StepNotAddable):
            ask(sent(self.workflow), self.add(step))

    def test_is_for_desks_that_exist(self) -> None:
        with pytest.raises(UnknownDesk):
            ask(sent(self.workflow), self.add(a_step(SECOND_VISA, StepKind.APPROVAL, NO_DESK)))

    def test_a_signature_is_added_but_where_only_one_signs(self) -> None:
        signature = self.add(a_step(SECOND_VISA, StepKind.SIGNATURE, ELSEWHERE))
        assert ask(sent(self.workflow), signature)
        with pytest.raises(StepNotAddable):
            ask(sent(self.workflow, rules=FolderRules(single_signature=True)), signature)

    def test_a_signature_is_not_added_to_a_preparation(self) -> None:
        first = replace(VISA_STEP, phase=Phase.PREPARATION, may_add_steps=True)
        signature = replace(
            a_step(SECOND_VISA, StepKind.SIGNATURE, ELSEWHERE), phase=Phase.PREPARATION
        )
        with pytest.raises(StepNotAddable):
            ask(sent(a_workflow(first, SIGNATURE_STEP)), self.add(signature))


class TestRecusal:
    def test_whoever_stood_back_does_nothing_more(self) -> None:
        state = play(sent(), Recuse(BEN_AT_ACCOUNTS, f" {WHY} "))
        assert state.recused == (BEN,)
        for action in (
            Approve(BEN_AT_ACCOUNTS, VISA),
            Reject(BEN_AT_ACCOUNTS, VISA, "Faux."),
            Transfer(BEN_AT_ACCOUNTS, VISA, ELSEWHERE),
            AskOpinion(BEN_AT_ACCOUNTS, VISA, ELSEWHERE, QUESTION),
        ):
            with pytest.raises(PersonRecused):
                ask(state, action)

    @pytest.mark.parametrize(
        "action",
        [Reject(BEN_AT_ACCOUNTS, VISA, "Faux."), Transfer(BEN_AT_ACCOUNTS, VISA, ELSEWHERE)],
        ids=["reject", "transfer"],
    )
    def test_nor_as_an_administrator_of_the_desk(self, action: Action) -> None:
        register = replace(REGISTER, administrators=(*REGISTER.administrators, Administrator(BEN)))
        state = play(sent(), Recuse(BEN_AT_ACCOUNTS, WHY))
        with pytest.raises(PersonRecused):
            decide(state, action, register, FACTS, NOW)

    def test_his_colleague_acts_in_his_place(self) -> None:
        state = play(sent(), Recuse(BEN_AT_ACCOUNTS, WHY))
        able = who_may_pass(state, REGISTER, FACTS, NOW).able
        assert [one.person for one in able] == [CLEO]

    def test_nor_does_he_take_back_what_he_did(self) -> None:
        state = play(sent(), Approve(BEN_AT_ACCOUNTS, VISA), Recuse(BEN_AT_ACCOUNTS, WHY))
        with pytest.raises(PersonRecused):
            ask(state, Retract(BEN_AT_ACCOUNTS, VISA))

    def test_an_opinion_is_not_his_either(self) -> None:
        state = play(
            sent(a_workflow(VISA_STEP, a_step(SECOND_VISA, StepKind.APPROVAL, ELSEWHERE))),
            AskOpinion(BEN_AT_ACCOUNTS, VISA, ELSEWHERE, QUESTION),
            Recuse(FAY_ELSEWHERE, WHY),
        )
        with pytest.raises(PersonRecused):
            ask(state, GiveOpinion(FAY_ELSEWHERE, VISA, "Oui."))
        assert who_may_give_opinion(state, ELSEWHERE, REGISTER, FACTS, NOW).able == ()

    def test_the_folder_stays_with_its_submitter_all_the_same(self) -> None:
        state = play(
            sent(a_workflow(a_step(VISA, StepKind.APPROVAL, RECEPTION, ACCOUNTS))),
            Recuse(BEN_AT_RECEPTION, WHY),
            Reject(CLEO_AT_ACCOUNTS, VISA, "Faux."),
        )
        assert ask(state, Resubmit(BEN_AT_RECEPTION, some_documents("corrected")))

    def test_may_come_before_ones_turn(self) -> None:
        assert play(sent(), Recuse(DAN_AT_MAYOR, WHY)).recused == (DAN,)

    def test_happens_once(self) -> None:
        with pytest.raises(AlreadyRecused):
            ask(play(sent(), Recuse(BEN_AT_ACCOUNTS, WHY)), Recuse(BEN_AT_ACCOUNTS, WHY))

    def test_says_why(self) -> None:
        with pytest.raises(ReasonMissing):
            ask(sent(), Recuse(BEN_AT_ACCOUNTS, " "))

    @pytest.mark.parametrize(
        ("seat", "refusal"),
        [(FAY_ELSEWHERE, DeskNotConcerned), (PersonAtDesk(ADA, MAYOR), NoPower)],
        ids=["no step", "no power"],
    )
    def test_is_for_those_who_could_act(self, seat: PersonAtDesk, refusal: type[Refused]) -> None:
        with pytest.raises(refusal):
            ask(sent(), Recuse(seat, WHY))

    def test_a_draft_has_nobody_to_stand_back(self) -> None:
        with pytest.raises(NotInWorkflow):
            ask(a_draft(), Recuse(ADA_AT_RECEPTION, WHY))


class TestDuties:
    def test_who_approves_does_not_sign(self) -> None:
        workflow = replace(
            a_workflow(VISA_STEP, a_step(SIGNATURE, StepKind.SIGNATURE, ACCOUNTS)),
            duties=(Duty(DutyKind.APPROVER_DOES_NOT_SIGN),),
        )
        state = play(sent(workflow), Approve(CLEO_AT_ACCOUNTS, VISA))
        with pytest.raises(DutyConflict):
            ask(state, Sign(CLEO_AT_ACCOUNTS, SIGNATURE, signed(state)))
        assert ask(state, Reject(CLEO_AT_ACCOUNTS, SIGNATURE, "Faux."))


class TestChain:
    def test_another_folder_follows_one_that_ended(self) -> None:
        chain = Chain(ADA_AT_RECEPTION, FolderId("folder-2"))
        (event,) = ask(completed(), chain)
        assert isinstance(event, Chained)
        assert play(completed(), chain).chained_to == FolderId("folder-2")

    def test_the_final_desk_may_do_it(self) -> None:
        workflow = replace(a_workflow(VISA_STEP), final_desk=given_desk(ELSEWHERE))
        state = play(sent(workflow), Approve(BEN_AT_ACCOUNTS, VISA))
        assert ask(state, Chain(FAY_ELSEWHERE, FolderId("folder-2")))

    def test_others_may_not(self) -> None:
        with pytest.raises(NotSubmitter, match="enchaîner"):
            ask(completed(), Chain(DAN_AT_MAYOR, FolderId("folder-2")))

    def test_happens_once(self) -> None:
        state = play(completed(), Chain(ADA_AT_RECEPTION, FolderId("folder-2")))
        with pytest.raises(AlreadyChained):
            ask(state, Chain(ADA_AT_RECEPTION, FolderId("folder-3")))

    def test_happens_again_where_the_folder_that_followed_was_cancelled(self) -> None:
        state = play(completed(), Chain(ADA_AT_RECEPTION, FolderId("folder-2")))
        facts = replace(FACTS, follower_cancelled=True)
        again = Chain(ADA_AT_RECEPTION, FolderId("folder-3"))
        assert play(state, again, facts=facts).chained_to == FolderId("folder-3")

    def test_waits_for_the_end(self) -> None:
        with pytest.raises(NotEnded):
            ask(sent(), Chain(ADA_AT_RECEPTION, FolderId("folder-2")))
