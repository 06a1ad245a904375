from __future__ import annotations

from tests.builders.workflows import (
    ACCOUNTS,
    ADA_AT_RECEPTION,
    BEN_AT_ACCOUNTS,
    CLEO_AT_ACCOUNTS,
    ELSEWHERE,
    FAY_ELSEWHERE,
    FULL,
    MAYOR,
    NO_STEP,
    OTHER_SIGNATURE,
    SIGNATURE,
    TWO_SIGNATURES,
    VERSION,
    VISA,
    a_draft,
    play,
    signed,
    some_documents,
)
from workflows.actions import Approve, AskOpinion, GiveOpinion, Sign, Submit
from workflows.definition import StepKind, Workflow
from workflows.folder import FolderState, FolderStatus, StepInstance, StepState


def submitted(workflow: Workflow = FULL) -> FolderState:
    return play(a_draft(), Submit(ADA_AT_RECEPTION, VERSION, workflow, some_documents()))


def test_a_draft_has_no_step_at_all() -> None:
    assert (a_draft().current_step, a_draft().next_step) == (None, None)


def test_one_step_is_current_and_the_others_wait() -> None:
    assert [one.state for one in submitted().steps] == [
        StepState.CURRENT,
        StepState.WAITING,
        StepState.WAITING,
    ]


def test_the_next_step_is_the_first_that_waits() -> None:
    upcoming = submitted().next_step
    assert upcoming is not None
    assert (upcoming.id, upcoming.kind) == (SIGNATURE, StepKind.SIGNATURE)


def test_an_instance_bears_the_id_of_its_step() -> None:
    assert submitted().step(VISA) == submitted().current_step


def test_a_circuit_has_no_other_steps_than_its_own() -> None:
    assert submitted().step(NO_STEP) is None


def test_annexes_are_not_signed() -> None:
    assert [one.id for one in submitted().signable_documents] == ["act", "table"]


def test_a_signature_takes_the_place_of_what_was_signed() -> None:
    before = submitted(TWO_SIGNATURES)
    changes = signed(before)
    after = play(before, Sign(CLEO_AT_ACCOUNTS, OTHER_SIGNATURE, changes))
    assert [one.revision for one in after.signable_documents] == [one.after for one in changes]
    assert after.signed_revisions == {one.after.id for one in changes}


def test_the_documents_before_any_signature_are_remembered() -> None:
    before = submitted(TWO_SIGNATURES)
    after = play(before, Sign(CLEO_AT_ACCOUNTS, OTHER_SIGNATURE, signed(before)))
    assert after.unsigned_documents == some_documents()


def test_a_change_reversed_twice_is_itself() -> None:
    (change, _) = signed(submitted())
    assert change.reverse.reverse == change
    assert change.reverse.after == change.before


def test_the_acts_at_a_step_are_those_that_stand() -> None:
    state = play(submitted(), Approve(BEN_AT_ACCOUNTS, VISA))
    assert [act.by.person for act in state.acts_at(VISA)] == [BEN_AT_ACCOUNTS.person]


def test_only_three_statuses_are_final() -> None:
    final = {
        status
        for status in FolderStatus
        if FolderState(a_draft().id, ADA_AT_RECEPTION, status).is_final
    }
    assert final == {FolderStatus.ACKNOWLEDGED, FolderStatus.COMPLETED, FolderStatus.CANCELLED}


def test_an_instance_waits_until_it_is_started() -> None:
    assert StepInstance(FULL.steps[0]).state is StepState.WAITING


def test_desks_are_awaited_only_at_the_step_that_has_its_turn() -> None:
    state = submitted()
    assert state.desks_awaited_at(VISA) == (ACCOUNTS,)
    assert (state.desks_awaited_at(SIGNATURE), state.desks_awaited_at(NO_STEP)) == ((), ())


def test_an_opinion_is_awaited_once_of_each_desk_and_only_at_the_step_that_has_its_turn() -> None:
    questions = (
        AskOpinion(BEN_AT_ACCOUNTS, VISA, MAYOR, "Êtes-vous d'accord ?"),
        AskOpinion(BEN_AT_ACCOUNTS, VISA, ELSEWHERE, "Et vous ?"),
    )
    asked = play(submitted(), *questions)
    assert asked.desks_asked_at(VISA) == (MAYOR, ELSEWHERE)
    assert play(asked, GiveOpinion(FAY_ELSEWHERE, VISA, "Oui.")).desks_asked_at(VISA) == (MAYOR,)
    passed = play(asked, Approve(BEN_AT_ACCOUNTS, VISA))
    assert [passed.desks_asked_at(one) for one in (VISA, SIGNATURE, NO_STEP)] == [(), (), ()]


def test_the_oldest_opinion_awaited_comes_first() -> None:
    question = AskOpinion(BEN_AT_ACCOUNTS, VISA, MAYOR, "Êtes-vous d'accord ?")
    asked = play(submitted(), question).opinion_awaited(VISA, MAYOR)
    assert asked is not None
    assert asked.question == "Êtes-vous d'accord ?"
    assert submitted().opinion_awaited(VISA, MAYOR) is None
