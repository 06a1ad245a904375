from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders.registers import (
    ALL_FIT,
    CLERK,
    COUNCIL,
    FIRST,
    MAYOR,
    NOW,
    OTHER_CLERK,
    SECOND_DEPUTY,
    STRANGER,
    TERM,
    TOWN_HALL,
    a_grant,
    a_step,
    able,
    an_absence,
    may,
    power,
    with_absences,
    with_grants,
    with_holders,
)
from tests.builders.workflows import (
    ADA,
    ADA_AT_RECEPTION,
    BEN,
    BEN_AT_ACCOUNTS,
    BEN_AT_RECEPTION,
    CLEO_AT_ACCOUNTS,
    DAN,
    FIRST_LOOK,
    FIRST_LOOK_STEP,
    FULL,
    RECEPTION,
    SINCE,
    VERSION,
    a_draft,
    at_reception,
    play,
    some_documents,
)
from tests.builders.workflows import MAYOR as MAYOR_S_DESK
from tests.builders.workflows import REGISTER as TOWN
from workflows.actions import Approve, Reject, Resubmit, Retract, Submit
from workflows.definition import Duty, DutyKind, Step, StepId, StepKind, given_desk
from workflows.duties import barred
from workflows.engine import who_may_pass
from workflows.events import Corrected, Created
from workflows.evolution import evolve
from workflows.folder import Act, ActKind, FolderId, FolderState
from workflows.register import (
    Authorship,
    BarredBy,
    DeskHolder,
    Facts,
    PersonAtDesk,
    PersonId,
    Power,
    PowerId,
    PowerKind,
    PowerRegister,
)
from workflows.returns import correction

VISA, OTHER_VISA, SIGNING, SEALING, THIRD = (
    Step(StepId(name), kind, name, (given_desk(TOWN_HALL),))
    for name, kind in (
        ("visa", StepKind.APPROVAL),
        ("other-visa", StepKind.APPROVAL),
        ("signing", StepKind.SIGNATURE),
        ("sealing", StepKind.SEAL),
        ("third", StepKind.APPROVAL),
    )
)
APPROVER = Duty(DutyKind.APPROVER_DOES_NOT_SIGN)
NOT_APPROVED_BY_SUBMITTER = Duty(DutyKind.SUBMITTER_DOES_NOT_APPROVE)
NOT_SIGNED_BY_SUBMITTER = Duty(DutyKind.SUBMITTER_DOES_NOT_SIGN)
DISTINCT = Duty(DutyKind.DISTINCT_PERSONS, (VISA.id, OTHER_VISA.id, SIGNING.id))


def act(
    kind: ActKind,
    person: PersonId,
    step: Step | None = None,
    behalf: PersonId | None = None,
    in_round: int = 1,
) -> Act:
    power = Power(PowerKind.SIGNATURE_DELEGATION if behalf else PowerKind.HOLDER, TOWN_HALL, behalf)
    return Act(kind, in_round, Authorship(person, power), NOW, step.id if step else None)


def folder(*acts: Act, duties: tuple[Duty, ...], in_round: int = 1) -> FolderState:
    return FolderState(
        FolderId("folder-1"),
        PersonAtDesk(CLERK, TOWN_HALL),
        round=in_round,
        acts=acts,
        submitters=(CLERK,),
        duties=duties,
    )


def kept_out(state: FolderState, step: Step) -> set[PersonId]:
    return {one.person for one in barred(state, step) if one.by is BarredBy.DUTY}


APPROVED = act(ActKind.APPROVE, FIRST, VISA)
SIGNED = act(ActKind.SIGN, MAYOR, SIGNING)


class TestRecusal:
    def test_bars_the_person_from_every_step(self) -> None:
        state = replace(folder(duties=()), recused=(FIRST,))
        for step in (VISA, SIGNING, SEALING):
            (found,) = barred(state, step)
            assert (found.person, found.by) == (FIRST, BarredBy.RECUSAL)
            assert "déport" in found.detail

    def test_nobody_is_barred_without_rule_or_recusal(self) -> None:
        assert barred(folder(APPROVED, SIGNED, duties=()), SIGNING) == ()


@pytest.mark.parametrize(
    ("duty", "acts", "step", "expected"),
    [
        (APPROVER, (APPROVED,), SIGNING, {FIRST}),
        (APPROVER, (APPROVED,), OTHER_VISA, set()),
        (APPROVER, (APPROVED,), SEALING, set()),
        (APPROVER, (SIGNED,), VISA, {MAYOR}),
        (APPROVER, (act(ActKind.SIGN_ON_PAPER, MAYOR, SIGNING),), VISA, {MAYOR}),
        (APPROVER, (act(ActKind.SEAL, MAYOR, SEALING),), VISA, set()),
        (APPROVER, (act(ActKind.REJECT, FIRST, VISA),), SIGNING, set()),
        (NOT_APPROVED_BY_SUBMITTER, (), VISA, {CLERK}),
        (NOT_APPROVED_BY_SUBMITTER, (), SIGNING, set()),
        (NOT_SIGNED_BY_SUBMITTER, (), SIGNING, {CLERK}),
        (NOT_SIGNED_BY_SUBMITTER, (), VISA, set()),
        (DISTINCT, (APPROVED,), OTHER_VISA, {FIRST}),
        (DISTINCT, (APPROVED,), SIGNING, {FIRST}),
        (DISTINCT, (APPROVED,), THIRD, set()),
        (DISTINCT, (act(ActKind.APPROVE, FIRST, THIRD),), VISA, set()),
        (DISTINCT, (act(ActKind.TRANSFER, FIRST, VISA),), SIGNING, set()),
        (DISTINCT, (APPROVED,), VISA, {FIRST}),
    ],
    ids=[
        "approver signs",
        "approver approves again",
        "approver seals",
        "signer approves",
        "signer on paper approves",
        "sealer approves",
        "who rejected signs",
        "submitter approves",
        "submitter signs",
        "submitter signs, other rule",
        "submitter approves, other rule",
        "same at another visa",
        "same at the signature",
        "step not named",
        "act at a step not named",
        "transfer is no passing",
        "two desks of one step",
    ],
)
def test_threat_37_matrix_of_duties(
    duty: Duty, acts: tuple[Act, ...], step: Step, expected: set[PersonId]
) -> None:
    assert kept_out(folder(*acts, duties=(duty,)), step) == expected


class TestWholeLife:
    @pytest.mark.parametrize("step", [SIGNING, OTHER_VISA], ids=["signing", "other-visa"])
    def test_threat_37_earlier_rounds_count(self, step: Step) -> None:
        state = folder(APPROVED, duties=(APPROVER, DISTINCT), in_round=2)
        assert kept_out(state, step) == {FIRST}

    def test_a_step_may_be_passed_again_by_the_same_person_in_the_next_round(self) -> None:
        assert kept_out(folder(APPROVED, duties=(DISTINCT,), in_round=2), VISA) == set()

    @pytest.mark.parametrize("undone", ["retracted_at", "returned_at"])
    @pytest.mark.parametrize("step", [SIGNING, OTHER_VISA], ids=["signing", "other-visa"])
    def test_what_was_taken_back_or_undone_does_not(self, undone: str, step: Step) -> None:
        gone = replace(APPROVED, **{undone: NOW})  # type: ignore[arg-type]
        assert kept_out(folder(gone, duties=(APPROVER, DISTINCT)), step) == set()

    def test_a_person_is_named_once_per_rule(self) -> None:
        again = act(ActKind.APPROVE, FIRST, OTHER_VISA)
        found = barred(folder(APPROVED, again, duties=(APPROVER, DISTINCT)), SIGNING)
        assert [one.person for one in found] == [FIRST, FIRST]
        assert all(one.detail.endswith(".") for one in found)


class TestWhoDeposited:
    """A folder that two persons of one desk have in hand, the second of whom may also approve."""

    WORKFLOW = replace(FULL, duties=(NOT_APPROVED_BY_SUBMITTER, NOT_SIGNED_BY_SUBMITTER))
    BY_ADA = Submit(ADA_AT_RECEPTION, VERSION, WORKFLOW, some_documents())
    BY_BEN = Submit(BEN_AT_RECEPTION, VERSION, WORKFLOW, some_documents())
    AGAIN = Resubmit(ADA_AT_RECEPTION, some_documents("again"))
    REFUSED = Reject(CLEO_AT_ACCOUNTS, FULL.steps[0].id, "Faux.")

    def bars_ben(self, state: FolderState) -> bool:
        step = state.current_step
        assert step is not None
        register = replace(TOWN, holders=(*TOWN.holders, DeskHolder(MAYOR_S_DESK, BEN, SINCE)))
        able = who_may_pass(state, register, Facts(fit_signers=frozenset({BEN, DAN})), NOW).able
        assert able
        return BEN not in {one.person for one in able}

    def test_threat_37_whoever_opened_the_draft_does_not_approve(self) -> None:
        assert self.bars_ben(play(a_draft(BEN_AT_RECEPTION), self.BY_ADA))

    def test_threat_37_nor_whoever_sent_it_and_took_that_back(self) -> None:
        taken_back = play(a_draft(), self.BY_BEN, Retract(BEN_AT_RECEPTION))
        assert self.bars_ben(play(taken_back, self.BY_ADA))

    def test_threat_37_nor_whoever_sent_it_in_an_earlier_round(self) -> None:
        assert self.bars_ben(play(a_draft(), self.BY_BEN, self.REFUSED, self.AGAIN))

    def test_threat_37_nor_whoever_sent_it_again(self) -> None:
        again = replace(self.AGAIN, actor=BEN_AT_RECEPTION)
        assert self.bars_ben(play(a_draft(), self.BY_ADA, self.REFUSED, again))

    def test_threat_37_nor_whoever_corrected_it(self) -> None:
        back = play(a_draft(), self.BY_ADA, self.REFUSED)
        for person in (ADA, BEN):
            (event,) = correction(back, at_reception(person), NOW)
            back = evolve(back, event)
        assert self.bars_ben(play(back, self.AGAIN))

    def test_threat_37_nor_the_one_in_whose_name_it_was_corrected(self) -> None:
        standing_in = Power(PowerKind.SUBSTITUTION, RECEPTION, on_behalf_of=BEN)
        back = play(a_draft(), self.BY_ADA, self.REFUSED)
        (event,) = correction(back, Authorship(ADA, standing_in), NOW)
        assert self.bars_ben(play(evolve(back, event), self.AGAIN))

    def test_a_correction_stored_before_it_named_a_power_bars_its_author(self) -> None:
        back = evolve(play(a_draft(), self.BY_ADA, self.REFUSED), Corrected(NOW, BEN))
        assert self.bars_ben(play(back, self.AGAIN))

    def test_threat_37_nor_whoever_changed_the_draft_of_a_colleague(self) -> None:
        (event,) = correction(a_draft(), at_reception(BEN), NOW)
        assert self.bars_ben(play(evolve(a_draft(), event), self.BY_ADA))

    def test_threat_37_nor_whoever_changed_the_documents_in_a_preparation_circuit(self) -> None:
        prepared = replace(self.WORKFLOW, steps=(FIRST_LOOK_STEP, *self.WORKFLOW.steps))
        state = play(a_draft(), replace(self.BY_ADA, workflow=prepared))
        (event,) = correction(state, at_reception(BEN), NOW)
        changed = evolve(state, event)
        assert not self.bars_ben(changed)
        assert self.bars_ben(play(changed, Approve(BEN_AT_ACCOUNTS, FIRST_LOOK, some_documents())))

    def test_threat_37_nor_do_they_sign(self) -> None:
        passed = Approve(CLEO_AT_ACCOUNTS, FULL.steps[0].id)
        assert self.bars_ben(play(a_draft(BEN_AT_RECEPTION), self.BY_ADA, passed))

    def test_a_colleague_who_did_nothing_of_it_may(self) -> None:
        assert not self.bars_ben(play(a_draft(), self.BY_ADA))

    def test_a_correction_stored_before_it_named_anybody_bars_nobody(self) -> None:
        back = evolve(play(a_draft(), self.BY_ADA, self.REFUSED), Corrected(NOW))
        assert not self.bars_ben(play(back, self.AGAIN))

    def test_threat_37_nor_the_one_in_whose_name_it_was_sent(self) -> None:
        standing_in = Power(PowerKind.SUBSTITUTION, RECEPTION, on_behalf_of=BEN)
        created = Created(NOW, Authorship(ADA, standing_in), FolderId("folder-1"))
        assert self.bars_ben(play(evolve(None, created), self.BY_ADA))


class TestThroughDelegation:
    FOR_MAYOR = folder(act(ActKind.APPROVE, FIRST, VISA, behalf=MAYOR), duties=(APPROVER,))

    def test_threat_37_both_names_of_an_act_count(self) -> None:
        assert kept_out(self.FOR_MAYOR, SIGNING) == {FIRST, MAYOR}

    def test_threat_37_nobody_signs_in_the_name_of_whoever_approved(self) -> None:
        facts = Facts(
            fit_signers=frozenset({MAYOR, FIRST, SECOND_DEPUTY, STRANGER}),
            barred=barred(self.FOR_MAYOR, SIGNING),
        )
        delegate = with_grants(a_grant(grantee=SECOND_DEPUTY))
        assert able(delegate, SIGNING, facts) == set()

    def test_threat_37_nor_approves_in_the_name_of_an_absent_submitter(self) -> None:
        mine = replace(
            folder(duties=(NOT_APPROVED_BY_SUBMITTER,)),
            submitters=(MAYOR,),
        )
        register = with_absences(an_absence(MAYOR, STRANGER))
        assert able(register, VISA, Facts()) == {MAYOR, STRANGER}
        assert able(register, VISA, Facts(barred=barred(mine, VISA))) == set()


class TestThroughReDelegation:
    """The mayor gave his competence to the first deputy, who passed it on to the second one: the
    three names count in what the second deputy does."""

    GIVEN = a_grant(PowerKind.POWER_DELEGATION, may_be_regranted=True)
    PASSED_ON = a_grant(
        id=PowerId("grant-2"), grantor=FIRST, grantee=SECOND_DEPUTY, regrants=GIVEN.id
    )
    OTHER_PASSED_ON = replace(PASSED_ON, id=PowerId("grant-3"), grantee=OTHER_CLERK)
    ELSEWHERE = a_grant(id=PowerId("grant-4"), office=COUNCIL, grantee=CLERK)
    REGISTER = with_grants(
        GIVEN,
        PASSED_ON,
        OTHER_PASSED_ON,
        ELSEWHERE,
        base=with_holders(DeskHolder(COUNCIL, MAYOR, TERM)),
    )
    VISA_THERE = a_step(StepKind.APPROVAL, COUNCIL)
    SIGNING_THERE = a_step(StepKind.SIGNATURE, COUNCIL)

    def may_sign(
        self, approver: PersonId, at: Step, signer: PersonId, signing: Step, register: PowerRegister
    ) -> bool:
        """Whether somebody may sign what was approved so."""
        by = Authorship(approver, power(register, approver, at))
        done = Act(ActKind.APPROVE, 1, by, NOW, at.id)
        found = barred(folder(done, duties=(APPROVER,)), signing)
        assert may(register, signer, signing)
        return may(register, signer, signing, replace(ALL_FIT, barred=found))

    @pytest.mark.parametrize("approver", [MAYOR, CLERK], ids=["himself", "by a delegate"])
    def test_threat_37_who_has_it_at_second_hand_does_not_sign_what_the_first_approved(
        self, approver: PersonId
    ) -> None:
        assert not self.may_sign(approver, self.VISA_THERE, SECOND_DEPUTY, SIGNING, self.REGISTER)

    @pytest.mark.parametrize("signer", [MAYOR, CLERK], ids=["himself", "by a delegate"])
    def test_threat_37_nor_does_the_first_sign_what_he_approved(self, signer: PersonId) -> None:
        assert not self.may_sign(SECOND_DEPUTY, VISA, signer, self.SIGNING_THERE, self.REGISTER)

    @pytest.mark.parametrize("signer", [FIRST, OTHER_CLERK], ids=["the middle one", "a fellow"])
    def test_threat_37_nor_anybody_between_them_or_beside(self, signer: PersonId) -> None:
        assert not self.may_sign(SECOND_DEPUTY, VISA, signer, SIGNING, self.REGISTER)

    @pytest.mark.parametrize("seat", [MAYOR, FIRST], ids=["who gave it", "who passed it on"])
    def test_threat_37_nor_does_he_approve_what_they_sent(self, seat: PersonId) -> None:
        sent = replace(folder(duties=(NOT_APPROVED_BY_SUBMITTER,)), submitters=(seat,))
        assert may(self.REGISTER, SECOND_DEPUTY, VISA)
        facts = replace(ALL_FIT, barred=barred(sent, VISA))
        assert not may(self.REGISTER, SECOND_DEPUTY, VISA, facts)

    def test_what_a_body_gave_binds_no_member_of_it(self) -> None:
        register = with_grants(
            replace(self.GIVEN, office=COUNCIL, grantor=None),
            replace(self.PASSED_ON, office=COUNCIL),
            base=with_holders(DeskHolder(COUNCIL, MAYOR, TERM)),
        )
        assert self.may_sign(MAYOR, VISA, SECOND_DEPUTY, self.SIGNING_THERE, register)

    def test_who_has_it_from_somebody_else_signs(self) -> None:
        fellow = with_grants(
            a_grant(id=PowerId("grant-5"), grantor=STRANGER, grantee=OTHER_CLERK),
            base=with_holders(DeskHolder(TOWN_HALL, STRANGER, TERM)),
        )
        register = with_grants(self.GIVEN, self.PASSED_ON, base=fellow)
        assert self.may_sign(SECOND_DEPUTY, VISA, OTHER_CLERK, SIGNING, register)

    def test_an_act_stored_before_it_named_them_binds_the_two_that_it_names(self) -> None:
        behalf = act(ActKind.APPROVE, SECOND_DEPUTY, VISA, behalf=FIRST)
        assert kept_out(folder(behalf, duties=(APPROVER,)), SIGNING) == {SECOND_DEPUTY, FIRST}
