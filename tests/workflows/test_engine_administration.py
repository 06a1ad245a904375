"""What an administrator may do to a folder under way, and with which right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders.workflows import (
    ACCOUNTS,
    ADA_AT_RECEPTION,
    BEN_AT_ACCOUNTS,
    FACTS,
    FILING,
    GIL,
    GIL_AT_ACCOUNTS,
    GIL_AT_MAYOR,
    GIL_AT_RECEPTION,
    HAL,
    HAL_AT_ACCOUNTS,
    HAL_AT_MAYOR,
    MAILING,
    MAILING_STEP,
    MAYOR,
    NOW,
    RECEPTION,
    REGISTER,
    SECOND_VISA,
    SENDING,
    SIGNATURE,
    VISA,
    VISAS_ONLY,
    a_step,
    a_workflow,
    ask,
    play,
    sent,
    states,
)
from workflows.actions import ActionKind, Approve, ForceStep, Recuse, Reject, Retract, SkipStep
from workflows.definition import StepKind
from workflows.engine import AllowedAction, allowed_actions, decide
from workflows.errors import (
    DeskNotConcerned,
    NotAdministrator,
    PersonRecused,
    ReasonMissing,
    StepNotSkippable,
)
from workflows.events import Completed, StepForced, StepSkipped, StepStarted
from workflows.folder import ActKind, FolderStatus, StepState
from workflows.moments import NotYourTurn, TooLateToRetract, WrongStepKind
from workflows.register import Administrator, PersonAtDesk, PowerKind

WHY = "Le bureau est vide depuis lundi."


class TestSkip:
    def test_passes_over_a_step_and_says_why(self) -> None:
        event, started = ask(sent(), SkipStep(HAL_AT_ACCOUNTS, VISA, f" {WHY} "))
        assert isinstance(event, StepSkipped)
        assert (event.reason, event.by.power.kind) == (WHY, PowerKind.ADMINISTRATOR)
        assert started == StepStarted(NOW, SIGNATURE, StepKind.SIGNATURE, (MAYOR,))

    def test_the_step_is_not_done_but_skipped(self) -> None:
        state = play(sent(), SkipStep(HAL_AT_ACCOUNTS, VISA, WHY))
        (act,) = state.acts_at(VISA)
        assert (states(state)[0], act.kind, act.reason) == (
            StepState.SKIPPED,
            ActKind.SKIP_STEP,
            WHY,
        )

    @pytest.mark.parametrize("seat", [GIL_AT_MAYOR, GIL_AT_RECEPTION], ids=["mayor", "reception"])
    def test_is_done_at_one_of_the_desks_of_the_step(self, seat: PersonAtDesk) -> None:
        with pytest.raises(DeskNotConcerned):
            ask(sent(), SkipStep(seat, VISA, WHY))

    @pytest.mark.parametrize("seat", [HAL_AT_MAYOR, BEN_AT_ACCOUNTS], ids=["other desk", "nobody"])
    def test_is_for_administrators_of_that_desk(self, seat: PersonAtDesk) -> None:
        with pytest.raises(NotAdministrator):
            ask(sent(), SkipStep(seat, VISA, WHY))

    def test_says_why(self) -> None:
        with pytest.raises(ReasonMissing, match="sautez"):
            ask(sent(), SkipStep(GIL_AT_ACCOUNTS, VISA, " "))

    def test_never_passes_over_a_signature(self) -> None:
        state = play(sent(), Approve(BEN_AT_ACCOUNTS, VISA))
        with pytest.raises(StepNotSkippable):
            ask(state, SkipStep(GIL_AT_MAYOR, SIGNATURE, WHY))

    def test_never_passes_over_a_transmission(self) -> None:
        state = sent(a_workflow(a_step(SENDING, StepKind.TRANSMISSION)))
        with pytest.raises(StepNotSkippable):
            ask(state, SkipStep(GIL_AT_MAYOR, SENDING, WHY))

    def test_a_step_of_the_outside_is_forced_instead(self) -> None:
        with pytest.raises(WrongStepKind, match="forcer"):
            ask(sent(a_workflow(MAILING_STEP)), SkipStep(GIL_AT_MAYOR, MAILING, WHY))

    def test_waits_for_the_turn_of_the_step(self) -> None:
        with pytest.raises(NotYourTurn):
            ask(sent(VISAS_ONLY), SkipStep(GIL_AT_MAYOR, SECOND_VISA, WHY))

    def test_is_not_taken_back_and_ends_earlier_retractions(self) -> None:
        state = play(sent(), SkipStep(GIL_AT_ACCOUNTS, VISA, WHY))
        with pytest.raises(TooLateToRetract):
            ask(state, Retract(ADA_AT_RECEPTION))

    def test_the_last_step_ends_the_circuit(self) -> None:
        archive = a_workflow(a_step(FILING, StepKind.ARCHIVE, RECEPTION))
        events = ask(sent(archive), SkipStep(GIL_AT_RECEPTION, FILING, WHY))
        assert isinstance(events[1], Completed)

    def test_is_not_for_an_administrator_who_stood_back(self) -> None:
        both = replace(
            REGISTER,
            administrators=(Administrator(BEN_AT_ACCOUNTS.person), *REGISTER.administrators),
        )
        state = play(sent(), Recuse(BEN_AT_ACCOUNTS, "Conflit."))
        with pytest.raises(PersonRecused):
            decide(state, SkipStep(BEN_AT_ACCOUNTS, VISA, WHY), both, FACTS, NOW)


class TestForce:
    def test_ends_a_step_that_waits_for_the_outside(self) -> None:
        event, _ = ask(sent(a_workflow(MAILING_STEP)), ForceStep(GIL_AT_RECEPTION, MAILING, WHY))
        assert isinstance(event, StepForced)
        state = play(sent(a_workflow(MAILING_STEP)), ForceStep(HAL_AT_ACCOUNTS, MAILING, WHY))
        assert (state.status, states(state)) == (FolderStatus.COMPLETED, [StepState.DONE])

    def test_says_why(self) -> None:
        with pytest.raises(ReasonMissing, match="forcez"):
            ask(sent(a_workflow(MAILING_STEP)), ForceStep(GIL_AT_MAYOR, MAILING, ""))

    def test_is_not_for_a_step_of_persons(self) -> None:
        with pytest.raises(WrongStepKind):
            ask(sent(), ForceStep(GIL_AT_ACCOUNTS, VISA, WHY))


class TestWhatIsAnnouncedToAdministrators:
    def test_the_acts_at_the_desks_of_the_step(self) -> None:
        assert allowed_actions(sent(), HAL, REGISTER, FACTS, NOW) == (
            AllowedAction(ActionKind.REJECT, ACCOUNTS, VISA),
            AllowedAction(ActionKind.TRANSFER, ACCOUNTS, VISA),
            AllowedAction(ActionKind.SKIP_STEP, ACCOUNTS, VISA),
            AllowedAction(ActionKind.MIGRATE, ACCOUNTS),
        )

    def test_a_folder_is_sent_back_and_the_power_says_so(self) -> None:
        state = play(sent(), Reject(HAL_AT_ACCOUNTS, VISA, "Plus personne à ce bureau."))
        assert (state.status, state.acts[-1].by.power.kind) == (
            FolderStatus.REJECTED,
            PowerKind.ADMINISTRATOR,
        )

    def test_none_at_the_desks_of_others(self) -> None:
        state = play(sent(), Approve(BEN_AT_ACCOUNTS, VISA))
        assert allowed_actions(state, HAL, REGISTER, FACTS, NOW) == ()

    def test_any_desk_of_theirs_where_the_step_has_none(self) -> None:
        state = sent(a_workflow(MAILING_STEP))
        assert allowed_actions(state, HAL, REGISTER, FACTS, NOW) == (
            AllowedAction(ActionKind.FORCE_STEP, ACCOUNTS, MAILING),
            AllowedAction(ActionKind.MIGRATE, ACCOUNTS),
        )

    def test_nothing_when_nobody_has_a_turn(self) -> None:
        state = play(sent(), Reject(BEN_AT_ACCOUNTS, VISA, "Faux."))
        assert allowed_actions(state, GIL, REGISTER, FACTS, NOW) == ()
