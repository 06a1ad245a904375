from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

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
    EVE,
    EVE_AT_MAYOR,
    FACTS,
    FAY_ELSEWHERE,
    FULL,
    MAYOR,
    NO_STEP,
    NOW,
    OTHER_SIGNATURE,
    PROGRAM,
    PROGRAM_AT_RECEPTION,
    RECEPTION,
    REGISTER,
    SECOND_VISA,
    SENDING,
    SENDING_ONLY,
    SIGNATURE,
    TRANSMISSION,
    TWO_SIGNATURES,
    VERSION,
    VISA,
    VISAS_ONLY,
    a_draft,
    a_workflow,
    ask,
    play,
    signed,
    some_documents,
)
from workflows.actions import (
    Action,
    ActionKind,
    Approve,
    Cancel,
    ClaimTransmission,
    RecordRemoteRefusal,
    RefusedBy,
    Reject,
    Resubmit,
    Retract,
    Sign,
    Submit,
)
from workflows.definition import StepKind, Workflow
from workflows.engine import AllowedAction, acting, allowed_actions, decide, open_draft
from workflows.errors import (
    DeskNotConcerned,
    NoFitCertificate,
    NoPower,
    NotSubmitter,
    NotYourAct,
    ReasonMissing,
    Refused,
    UnknownDesk,
    UnknownStep,
    UnusableWorkflow,
)
from workflows.events import (
    Approved,
    Cancelled,
    Completed,
    Created,
    Rejected,
    Resubmitted,
    Retracted,
    Signed,
    StepStarted,
    Submitted,
)
from workflows.folder import ActKind, FolderId, FolderState, FolderStatus
from workflows.moments import (
    FolderFinal,
    NotADraft,
    NotCancellable,
    NothingToRetract,
    NotInWorkflow,
    NotResubmittable,
    NotYourTurn,
    StepAlreadyPassed,
    TooLateToRetract,
    WrongStepKind,
)
from workflows.register import Authorship, PersonAtDesk, Power, PowerKind

REASON = "Le montant est faux."
BEN_OF_ACCOUNTS = Authorship(BEN, Power(PowerKind.HOLDER, ACCOUNTS))


def submit(workflow: Workflow = FULL, actor: PersonAtDesk = ADA_AT_RECEPTION) -> Submit:
    return Submit(actor, VERSION, workflow, some_documents())


def sign(state: FolderState, actor: PersonAtDesk = DAN_AT_MAYOR) -> Sign:
    return Sign(actor, SIGNATURE, signed(state))


def submitted(workflow: Workflow = FULL) -> FolderState:
    return play(a_draft(), submit(workflow))


def approved() -> FolderState:
    return play(submitted(), Approve(BEN_AT_ACCOUNTS, VISA))


def ready() -> FolderState:
    return play(approved(), sign(approved()))


def transmitting() -> FolderState:
    return play(ready(), ClaimTransmission(TRANSMISSION))


def remote_refused() -> FolderState:
    refusal = RecordRemoteRefusal(TRANSMISSION, RefusedBy.RECIPIENT, "CodCol inconnu.")
    return play(transmitting(), refusal)


def rejected() -> FolderState:
    return play(approved(), Reject(DAN_AT_MAYOR, SIGNATURE, REASON))


def cancelled() -> FolderState:
    return play(a_draft(), Cancel(ADA_AT_RECEPTION))


class TestOpenDraft:
    def test_a_person_opens_one_for_his_desk(self) -> None:
        created = open_draft(FolderId("f"), ADA_AT_RECEPTION, REGISTER, NOW)
        by = Authorship(ADA, Power(PowerKind.HOLDER, RECEPTION))
        assert created == Created(NOW, by, FolderId("f"))

    def test_a_program_opens_one_too(self) -> None:
        created = open_draft(FolderId("f"), PROGRAM_AT_RECEPTION, REGISTER, NOW)
        assert created.by.power.kind is PowerKind.PROGRAM

    def test_nobody_opens_one_for_the_desk_of_others(self) -> None:
        with pytest.raises(NoPower):
            open_draft(FolderId("f"), PersonAtDesk(ADA, MAYOR), REGISTER, NOW)

    def test_instants_are_kept_in_utc(self) -> None:
        here = NOW.astimezone()
        created = open_draft(FolderId("f"), ADA_AT_RECEPTION, REGISTER, here)
        assert created.occurred_at.tzinfo is UTC


class TestSubmit:
    def test_pins_the_circuit_and_starts_its_first_step(self) -> None:
        by = Authorship(ADA, Power(PowerKind.HOLDER, RECEPTION))
        assert ask(a_draft(), submit()) == (
            Submitted(NOW, by, 1, VERSION, FULL.steps, some_documents()),
            StepStarted(NOW, VISA, StepKind.APPROVAL, (ACCOUNTS,)),
        )

    def test_a_circuit_that_only_transmits_waits_for_the_machine(self) -> None:
        assert submitted(SENDING_ONLY).status is FolderStatus.AWAITING_TRANSMISSION

    def test_a_colleague_of_the_desk_may_send_the_draft(self) -> None:
        assert play(a_draft(), submit(actor=BEN_AT_RECEPTION)).submitter == BEN_AT_RECEPTION

    def test_a_program_may_send_its_draft(self) -> None:
        draft = a_draft(PROGRAM_AT_RECEPTION)
        assert play(draft, submit(actor=PROGRAM_AT_RECEPTION)).submitter.person == PROGRAM

    def test_another_desk_may_not(self) -> None:
        with pytest.raises(NotSubmitter):
            ask(a_draft(), submit(actor=BEN_AT_ACCOUNTS))

    def test_somebody_who_is_not_of_the_desk_may_not(self) -> None:
        with pytest.raises(NoPower):
            ask(a_draft(), submit(actor=PersonAtDesk(CLEO, RECEPTION)))

    def test_a_desk_that_was_closed_may_not(self) -> None:
        closed = replace(REGISTER, desks=REGISTER.desks - {RECEPTION})
        with pytest.raises(UnknownDesk):
            decide(a_draft(), submit(), closed, FACTS, NOW)

    def test_a_folder_is_sent_once(self) -> None:
        with pytest.raises(NotADraft):
            ask(submitted(), submit())

    def test_a_circuit_with_a_dead_end_is_refused_with_its_finding(self) -> None:
        with pytest.raises(UnusableWorkflow, match="vide"):
            ask(a_draft(), submit(a_workflow()))

    def test_an_instant_without_zone_is_refused(self) -> None:
        with pytest.raises(ValueError, match="time zone"):
            ask(a_draft(), submit(), now=NOW.replace(tzinfo=None))


class TestApprove:
    def test_passes_the_step_and_starts_the_next(self) -> None:
        assert ask(submitted(), Approve(BEN_AT_ACCOUNTS, VISA)) == (
            Approved(NOW, BEN_OF_ACCOUNTS, VISA),
            StepStarted(NOW, SIGNATURE, StepKind.SIGNATURE, (MAYOR,)),
        )

    def test_the_last_one_completes_a_circuit_without_transmission(self) -> None:
        state = play(submitted(VISAS_ONLY), Approve(BEN_AT_ACCOUNTS, VISA))
        events = ask(state, Approve(DAN_AT_MAYOR, SECOND_VISA))
        assert events[1:] == (Completed(NOW),)

    def test_any_of_the_desks_suffices(self) -> None:
        state = play(submitted(VISAS_ONLY), Approve(BEN_AT_ACCOUNTS, VISA))
        after = play(state, Approve(CLEO_AT_ACCOUNTS, SECOND_VISA))
        assert after.status is FolderStatus.COMPLETED

    def test_threat_38_the_same_step_is_never_passed_twice(self) -> None:
        with pytest.raises(StepAlreadyPassed):
            ask(approved(), Approve(CLEO_AT_ACCOUNTS, VISA))

    def test_threat_38_a_double_click_does_not_pass_the_next_step_of_the_same_desk(self) -> None:
        state = play(submitted(VISAS_ONLY), Approve(BEN_AT_ACCOUNTS, VISA))
        with pytest.raises(StepAlreadyPassed):
            ask(state, Approve(BEN_AT_ACCOUNTS, VISA))

    def test_waits_for_its_turn(self) -> None:
        with pytest.raises(NotYourTurn):
            ask(submitted(VISAS_ONLY), Approve(DAN_AT_MAYOR, SECOND_VISA))

    def test_does_not_replace_a_signature(self) -> None:
        with pytest.raises(WrongStepKind, match="attend une signature"):
            ask(approved(), Approve(DAN_AT_MAYOR, SIGNATURE))

    def test_does_not_replace_a_transmission(self) -> None:
        with pytest.raises(WrongStepKind, match="par le système"):
            ask(ready(), Approve(DAN_AT_MAYOR, SENDING))

    def test_is_for_the_desks_of_the_step(self) -> None:
        with pytest.raises(DeskNotConcerned):
            ask(submitted(), Approve(FAY_ELSEWHERE, VISA))

    def test_names_a_step_of_the_circuit(self) -> None:
        with pytest.raises(UnknownStep):
            ask(submitted(), Approve(BEN_AT_ACCOUNTS, NO_STEP))

    def test_needs_a_circuit(self) -> None:
        with pytest.raises(NotInWorkflow):
            ask(a_draft(), Approve(BEN_AT_ACCOUNTS, VISA))

    def test_waits_until_a_rejected_folder_comes_back(self) -> None:
        state = play(submitted(VISAS_ONLY), Reject(BEN_AT_ACCOUNTS, VISA, REASON))
        with pytest.raises(NotInWorkflow):
            ask(state, Approve(DAN_AT_MAYOR, SECOND_VISA))

    def test_a_power_that_ended_since_the_submission_is_no_power(self) -> None:
        later = replace(REGISTER, holders=())
        with pytest.raises(NoPower):
            decide(submitted(), Approve(BEN_AT_ACCOUNTS, VISA), later, FACTS, NOW)


class TestSign:
    def test_passes_the_step_and_replaces_the_revisions(self) -> None:
        state = approved()
        by = Authorship(DAN, Power(PowerKind.HOLDER, MAYOR))
        assert ask(state, sign(state)) == (
            Signed(NOW, by, SIGNATURE, signed(state)),
            StepStarted(NOW, SENDING, StepKind.TRANSMISSION, ()),
        )

    def test_needs_a_fit_certificate(self) -> None:
        with pytest.raises(NoFitCertificate):
            ask(approved(), sign(approved(), EVE_AT_MAYOR))

    def test_does_not_replace_an_approval(self) -> None:
        with pytest.raises(WrongStepKind, match="attend un visa"):
            ask(submitted(), Sign(CLEO_AT_ACCOUNTS, VISA, signed(submitted())))

    def test_a_second_signature_is_laid_on_the_first(self) -> None:
        state = submitted(TWO_SIGNATURES)
        state = play(state, Sign(CLEO_AT_ACCOUNTS, OTHER_SIGNATURE, signed(state)))
        after = play(state, sign(state))
        assert (after.status, after.unsigned_documents) == (
            FolderStatus.COMPLETED,
            some_documents(),
        )


class TestReject:
    def test_sends_the_folder_back_with_the_reason(self) -> None:
        assert ask(submitted(), Reject(BEN_AT_ACCOUNTS, VISA, f"  {REASON}\n")) == (
            Rejected(NOW, BEN_OF_ACCOUNTS, VISA, REASON),
        )

    @pytest.mark.parametrize("reason", ["", " ", "\t\n\u00a0"])
    def test_says_why(self, reason: str) -> None:
        with pytest.raises(ReasonMissing):
            ask(submitted(), Reject(BEN_AT_ACCOUNTS, VISA, reason))

    def test_asks_for_no_certificate(self) -> None:
        after = play(approved(), Reject(EVE_AT_MAYOR, SIGNATURE, REASON))
        assert after.status is FolderStatus.REJECTED

    def test_happens_once(self) -> None:
        with pytest.raises(StepAlreadyPassed):
            ask(rejected(), Reject(DAN_AT_MAYOR, SIGNATURE, REASON))

    def test_is_not_for_the_machines_step(self) -> None:
        with pytest.raises(WrongStepKind):
            ask(ready(), Reject(DAN_AT_MAYOR, SENDING, REASON))


class TestRetract:
    def test_gives_the_turn_back_to_the_step(self) -> None:
        after = play(approved(), Retract(BEN_AT_ACCOUNTS, VISA))
        assert after.current_step is not None
        assert (after.status, after.current_step.id) == (FolderStatus.PENDING, VISA)

    def test_names_the_act_that_is_taken_back(self) -> None:
        (event,) = ask(approved(), Retract(BEN_AT_ACCOUNTS, VISA))
        assert event == Retracted(NOW, BEN_OF_ACCOUNTS, ActKind.APPROVE, VISA)

    def test_puts_the_revision_before_the_signature_back(self) -> None:
        state = ready()
        (event,) = ask(state, Retract(DAN_AT_MAYOR, SIGNATURE))
        assert isinstance(event, Retracted)
        assert [one.before for one in event.restored] == [
            one.revision for one in state.signable_documents
        ]
        assert play(state, Retract(DAN_AT_MAYOR, SIGNATURE)).documents == some_documents()

    def test_a_retracted_signature_may_be_made_again(self) -> None:
        state = play(ready(), Retract(DAN_AT_MAYOR, SIGNATURE))
        after = play(state, sign(state))
        assert after.status is FolderStatus.AWAITING_TRANSMISSION

    def test_is_too_late_once_the_next_person_acted(self) -> None:
        with pytest.raises(TooLateToRetract):
            ask(ready(), Retract(BEN_AT_ACCOUNTS, VISA))

    def test_is_open_again_when_the_next_person_took_his_act_back(self) -> None:
        after = play(ready(), Retract(DAN_AT_MAYOR, SIGNATURE), Retract(BEN_AT_ACCOUNTS, VISA))
        assert after.acts_at(VISA) == ()

    def test_is_too_late_once_the_transmission_was_claimed(self) -> None:
        with pytest.raises(TooLateToRetract):
            ask(transmitting(), Retract(DAN_AT_MAYOR, SIGNATURE))

    def test_a_completed_folder_stays_so(self) -> None:
        state = play(
            submitted(VISAS_ONLY),
            Approve(BEN_AT_ACCOUNTS, VISA),
            Approve(DAN_AT_MAYOR, SECOND_VISA),
        )
        with pytest.raises(FolderFinal):
            ask(state, Retract(DAN_AT_MAYOR, SECOND_VISA))

    def test_a_colleague_may_not_take_it_back(self) -> None:
        with pytest.raises(NotYourAct):
            ask(approved(), Retract(CLEO_AT_ACCOUNTS, VISA))

    def test_nor_the_same_person_through_another_desk(self) -> None:
        with pytest.raises(NotYourAct):
            ask(approved(), Retract(BEN_AT_RECEPTION, VISA))

    def test_nor_one_who_left_the_desk_since(self) -> None:
        with pytest.raises(NoPower):
            decide(
                approved(),
                Retract(BEN_AT_ACCOUNTS, VISA),
                replace(REGISTER, holders=()),
                FACTS,
                NOW,
            )

    def test_there_is_nothing_to_take_back_twice(self) -> None:
        state = play(approved(), Retract(BEN_AT_ACCOUNTS, VISA))
        with pytest.raises(NothingToRetract):
            ask(state, Retract(BEN_AT_ACCOUNTS, VISA))

    def test_a_rejection_may_be_taken_back_while_nobody_followed(self) -> None:
        after = play(rejected(), Retract(DAN_AT_MAYOR, SIGNATURE))
        assert after.current_step is not None
        assert (after.status, after.current_step.id) == (FolderStatus.PENDING, SIGNATURE)

    def test_a_rejection_may_not_once_the_folder_was_resubmitted(self) -> None:
        state = play(rejected(), Resubmit(ADA_AT_RECEPTION, some_documents("corrected")))
        with pytest.raises(NothingToRetract):
            ask(state, Retract(DAN_AT_MAYOR, SIGNATURE))


class TestRetractSubmission:
    def test_makes_the_folder_a_draft_again(self) -> None:
        after = play(submitted(), Retract(ADA_AT_RECEPTION))
        assert (after.status, after.steps, after.documents) == (FolderStatus.DRAFT, (), ())

    def test_the_draft_may_be_sent_again_in_another_circuit(self) -> None:
        after = play(submitted(), Retract(ADA_AT_RECEPTION), submit(VISAS_ONLY))
        assert (after.round, len(after.steps)) == (2, 2)

    def test_a_colleague_of_the_desk_may_do_it(self) -> None:
        assert play(submitted(), Retract(BEN_AT_RECEPTION)).status is FolderStatus.DRAFT

    def test_another_desk_may_not(self) -> None:
        with pytest.raises(NotSubmitter):
            ask(submitted(), Retract(BEN_AT_ACCOUNTS))

    def test_is_too_late_once_a_person_acted(self) -> None:
        with pytest.raises(TooLateToRetract):
            ask(approved(), Retract(ADA_AT_RECEPTION))

    def test_is_possible_after_a_resubmission(self) -> None:
        state = play(rejected(), Resubmit(ADA_AT_RECEPTION, some_documents("corrected")))
        (event,) = ask(state, Retract(ADA_AT_RECEPTION))
        assert isinstance(event, Retracted)
        assert event.act is ActKind.RESUBMIT

    def test_a_draft_has_nothing_to_take_back(self) -> None:
        with pytest.raises(NothingToRetract):
            ask(a_draft(), Retract(ADA_AT_RECEPTION))


class TestResubmit:
    def test_starts_the_circuit_again_with_the_new_documents(self) -> None:
        by = Authorship(ADA, Power(PowerKind.HOLDER, RECEPTION))
        corrected = some_documents("corrected")
        assert ask(rejected(), Resubmit(ADA_AT_RECEPTION, corrected)) == (
            Resubmitted(NOW, by, 2, corrected),
            StepStarted(NOW, VISA, StepKind.APPROVAL, (ACCOUNTS,)),
        )

    def test_every_step_is_to_be_passed_again(self) -> None:
        state = play(rejected(), Resubmit(ADA_AT_RECEPTION, some_documents("corrected")))
        assert play(state, Approve(CLEO_AT_ACCOUNTS, VISA)).acts_at(VISA)[0].round == 2

    def test_follows_a_refusal_from_outside(self) -> None:
        state = remote_refused()
        after = play(state, Resubmit(ADA_AT_RECEPTION, state.unsigned_documents))
        assert (after.status, after.transmission) == (FolderStatus.PENDING, None)

    def test_is_for_the_submitting_desk(self) -> None:
        with pytest.raises(NotSubmitter):
            ask(rejected(), Resubmit(DAN_AT_MAYOR, some_documents()))

    def test_is_not_for_a_folder_under_way(self) -> None:
        with pytest.raises(NotResubmittable):
            ask(submitted(), Resubmit(ADA_AT_RECEPTION, some_documents()))


class TestCancel:
    @pytest.mark.parametrize("reach", [a_draft, rejected, remote_refused])
    def test_ends_a_folder_that_is_with_its_submitter(self, reach: object) -> None:
        assert callable(reach)
        events = ask(reach(), Cancel(ADA_AT_RECEPTION))
        assert events == (Cancelled(NOW, Authorship(ADA, Power(PowerKind.HOLDER, RECEPTION))),)

    def test_is_not_for_a_folder_under_way(self) -> None:
        with pytest.raises(NotCancellable):
            ask(submitted(), Cancel(ADA_AT_RECEPTION))

    def test_is_for_the_submitting_desk(self) -> None:
        with pytest.raises(NotSubmitter):
            ask(rejected(), Cancel(BEN_AT_ACCOUNTS))


@pytest.mark.parametrize(
    "action",
    [
        submit(),
        Approve(BEN_AT_ACCOUNTS, VISA),
        Retract(ADA_AT_RECEPTION),
        Cancel(ADA_AT_RECEPTION),
        ClaimTransmission(TRANSMISSION),
    ],
    ids=lambda action: str(action.kind),
)
def test_nothing_follows_the_end(action: Action) -> None:
    with pytest.raises(FolderFinal):
        ask(cancelled(), action)


def test_a_refusal_leaves_the_state_as_it_was() -> None:
    state = submitted()
    before = replace(state)
    with pytest.raises(Refused):
        ask(state, Approve(FAY_ELSEWHERE, VISA))
    assert state == before


class TestAllowedActions:
    def test_the_submitter_of_a_draft(self) -> None:
        assert allowed_actions(a_draft(), ADA, REGISTER, FACTS, NOW) == (
            AllowedAction(ActionKind.SUBMIT, RECEPTION),
            AllowedAction(ActionKind.CANCEL, RECEPTION),
        )

    def test_a_person_of_two_desks_sees_through_which(self) -> None:
        assert allowed_actions(submitted(), BEN, REGISTER, FACTS, NOW) == (
            AllowedAction(ActionKind.RETRACT, RECEPTION),
            AllowedAction(ActionKind.READ, RECEPTION),
            AllowedAction(ActionKind.APPROVE, ACCOUNTS, VISA),
            AllowedAction(ActionKind.REJECT, ACCOUNTS, VISA),
            AllowedAction(ActionKind.TRANSFER, ACCOUNTS, VISA),
            AllowedAction(ActionKind.ASK_OPINION, ACCOUNTS, VISA),
            AllowedAction(ActionKind.READ, ACCOUNTS),
            AllowedAction(ActionKind.RECUSE, ACCOUNTS),
        )

    def test_the_signer(self) -> None:
        kinds = [one.kind for one in allowed_actions(approved(), DAN, REGISTER, FACTS, NOW)]
        assert kinds == [
            ActionKind.SIGN,
            ActionKind.REJECT,
            ActionKind.TRANSFER,
            ActionKind.ASK_OPINION,
            ActionKind.READ,
            ActionKind.RECUSE,
        ]

    def test_without_a_certificate_everything_but_signing(self) -> None:
        kinds = {one.kind for one in allowed_actions(approved(), EVE, REGISTER, FACTS, NOW)}
        assert ActionKind.REJECT in kinds
        assert ActionKind.SIGN not in kinds

    def test_powers_of_another_day_open_nothing(self) -> None:
        earlier = NOW - timedelta(days=365)
        assert allowed_actions(approved(), DAN, REGISTER, FACTS, earlier) == ()

    def test_nothing_after_the_end(self) -> None:
        assert allowed_actions(cancelled(), ADA, REGISTER, FACTS, NOW) == ()


class TestActing:
    @pytest.mark.parametrize(
        ("state", "actor", "refusal"),
        [
            (approved(), EVE_AT_MAYOR, NoFitCertificate),
            (approved(), BEN_AT_ACCOUNTS, DeskNotConcerned),
            (submitted(), DAN_AT_MAYOR, WrongStepKind),
            (rejected(), DAN_AT_MAYOR, NotInWorkflow),
            (cancelled(), DAN_AT_MAYOR, FolderFinal),
        ],
        ids=["no certificate", "another desk", "another act", "no step", "the end"],
    )
    def test_is_refused_as_the_act_itself_would_be(
        self, state: FolderState, actor: PersonAtDesk, refusal: type[Refused]
    ) -> None:
        with pytest.raises(refusal):
            acting(state, ActionKind.SIGN, actor, REGISTER, FACTS, NOW)

    def test_says_who_signs_by_which_power(self) -> None:
        by = acting(approved(), ActionKind.SIGN, DAN_AT_MAYOR, REGISTER, FACTS, NOW)
        assert by == Authorship(DAN, Power(PowerKind.HOLDER, MAYOR))
