from __future__ import annotations

from datetime import date

import pytest

from tests.builders.workflows import (
    ADA_AT_RECEPTION,
    FACTS,
    NOW,
    REGISTER,
    SENDING,
    SENDING_ONLY,
    TRANSMISSION,
    VERSION,
    a_draft,
    play,
    some_documents,
)
from workflows.actions import (
    Cancel,
    ClaimTransmission,
    MachineAction,
    RecordAcknowledged,
    RecordRemoteRefusal,
    RecordTransmissionError,
    RecordTransmitted,
    RefusedBy,
    Resubmit,
    Submit,
)
from workflows.engine import decide
from workflows.folder import FolderState, FolderStatus, StepState, Transmission, TransmissionId
from workflows.moments import (
    AlreadyTransmitted,
    FolderFinal,
    NotReadyToTransmit,
    NotThisTransmission,
    NotTransmitted,
    TransmissionAlreadyClaimed,
    TransmissionNotClaimed,
)
from workflows.outside_events import RemoteRefused

OTHER = TransmissionId("transmission-of-another-folder")
CLAIM = ClaimTransmission(TRANSMISSION)
SENT = RecordTransmitted(TRANSMISSION, "4217")
SENT_ID_UNKNOWN = RecordTransmitted(TRANSMISSION, None)
ACKNOWLEDGED = RecordAcknowledged(TRANSMISSION, "038-2026-DE", date(2026, 3, 3))
REFUSED = RecordRemoteRefusal(TRANSMISSION, RefusedBy.TRANSMISSION_OPERATOR, "Doublon.")
FAILED = RecordTransmissionError(TRANSMISSION, "Le certificat est expiré.")


def ready() -> FolderState:
    return play(a_draft(), Submit(ADA_AT_RECEPTION, VERSION, SENDING_ONLY, some_documents()))


def after(*actions: MachineAction) -> FolderState:
    return play(ready(), *actions)


class TestClaim:
    def test_the_machine_takes_the_folder(self) -> None:
        state = after(CLAIM)
        assert (state.status, state.transmission) == (
            FolderStatus.TRANSMITTING,
            Transmission(TRANSMISSION),
        )

    @pytest.mark.parametrize("state", [after(CLAIM), after(CLAIM, SENT)])
    def test_it_takes_it_once(self, state: FolderState) -> None:
        with pytest.raises(TransmissionAlreadyClaimed):
            play(state, ClaimTransmission(OTHER))

    @pytest.mark.parametrize("state", [a_draft(), after(CLAIM, REFUSED)])
    def test_it_takes_nothing_that_does_not_wait_for_it(self, state: FolderState) -> None:
        with pytest.raises(NotReadyToTransmit):
            play(state, CLAIM)

    def test_it_tries_again_after_a_failure_that_sent_nothing(self) -> None:
        state = after(CLAIM, FAILED, ClaimTransmission(OTHER))
        assert state.transmission == Transmission(OTHER)


class TestRecordTransmitted:
    def test_keeps_the_remote_id(self) -> None:
        state = after(CLAIM, SENT)
        assert state.transmission == Transmission(TRANSMISSION, remote_id="4217")

    def test_an_unknown_id_is_filled_in_later(self) -> None:
        state = after(CLAIM, SENT_ID_UNKNOWN, SENT)
        assert (state.status, state.transmission) == (
            FolderStatus.TRANSMITTED,
            Transmission(TRANSMISSION, remote_id="4217"),
        )

    @pytest.mark.parametrize(
        ("first", "second"),
        [(SENT, SENT), (SENT, SENT_ID_UNKNOWN), (SENT_ID_UNKNOWN, SENT_ID_UNKNOWN)],
    )
    def test_nothing_else_is_recorded_twice(
        self, first: RecordTransmitted, second: RecordTransmitted
    ) -> None:
        with pytest.raises(AlreadyTransmitted):
            after(CLAIM, first, second)


class TestRecordAcknowledged:
    def test_ends_the_folder_with_its_reference(self) -> None:
        state = after(CLAIM, SENT, ACKNOWLEDGED)
        assert state.status is FolderStatus.ACKNOWLEDGED
        assert state.transmission == Transmission(
            TRANSMISSION, "4217", "038-2026-DE", date(2026, 3, 3)
        )

    def test_passes_the_last_step(self) -> None:
        sending = after(CLAIM, SENT, ACKNOWLEDGED).step(SENDING)
        assert sending is not None
        assert sending.state is StepState.DONE

    def test_closes_a_folder_whose_remote_id_stayed_unknown(self) -> None:
        state = after(CLAIM, SENT_ID_UNKNOWN, ACKNOWLEDGED)
        assert state.status is FolderStatus.ACKNOWLEDGED

    @pytest.mark.parametrize("state", [ready(), after(CLAIM), after(CLAIM, FAILED)])
    def test_threat_29_a_thing_never_sent_is_not_acknowledged(self, state: FolderState) -> None:
        with pytest.raises(NotTransmitted):
            play(state, ACKNOWLEDGED)

    def test_threat_29_the_answer_to_another_emission_is_refused(self) -> None:
        with pytest.raises(NotThisTransmission):
            after(CLAIM, SENT, RecordAcknowledged(OTHER))

    def test_threat_29_a_second_answer_changes_nothing(self) -> None:
        with pytest.raises(FolderFinal):
            after(CLAIM, SENT, ACKNOWLEDGED, REFUSED)


class TestRecordRemoteRefusal:
    @pytest.mark.parametrize("state", [after(CLAIM), after(CLAIM, SENT)])
    def test_stops_the_folder_at_the_door_or_by_the_answer(self, state: FolderState) -> None:
        stopped = play(state, REFUSED)
        sending = stopped.step(SENDING)
        assert sending is not None
        assert (stopped.status, sending.state) == (FolderStatus.REMOTE_REFUSED, StepState.STOPPED)

    def test_says_who_refused(self) -> None:
        (event,) = decide(after(CLAIM), REFUSED, REGISTER, FACTS, NOW)
        assert event == RemoteRefused(
            NOW, TRANSMISSION, RefusedBy.TRANSMISSION_OPERATOR, "Doublon."
        )

    def test_the_submitter_may_start_again_or_end_it(self) -> None:
        state = after(CLAIM, REFUSED)
        again = play(state, Resubmit(ADA_AT_RECEPTION, some_documents("corrected")))
        assert again.status is FolderStatus.AWAITING_TRANSMISSION
        assert play(state, Cancel(ADA_AT_RECEPTION)).is_final

    def test_threat_29_what_was_not_claimed_is_not_refused_from_outside(self) -> None:
        with pytest.raises(TransmissionNotClaimed):
            play(ready(), REFUSED)

    def test_threat_29_the_refusal_of_another_emission_is_refused(self) -> None:
        with pytest.raises(NotThisTransmission):
            after(CLAIM, RecordRemoteRefusal(OTHER, RefusedBy.RECIPIENT, "Inconnu."))


class TestRecordTransmissionError:
    def test_keeps_the_folder_ready_for_another_try(self) -> None:
        state = after(CLAIM, FAILED)
        assert state.current_step is not None
        assert (state.status, state.current_step.id) == (FolderStatus.TRANSMISSION_FAILED, SENDING)

    def test_cannot_deny_what_the_remote_has(self) -> None:
        with pytest.raises(AlreadyTransmitted):
            after(CLAIM, SENT, FAILED)

    def test_needs_a_claim(self) -> None:
        with pytest.raises(TransmissionNotClaimed):
            play(ready(), FAILED)

    def test_the_submitter_may_start_again_from_a_failure(self) -> None:
        state = play(after(CLAIM, FAILED), Resubmit(ADA_AT_RECEPTION, some_documents("corrected")))
        assert (state.round, state.transmission) == (2, None)

    def test_the_submitter_may_end_it_and_then_nothing_has_its_turn(self) -> None:
        state = play(after(CLAIM, FAILED), Cancel(ADA_AT_RECEPTION))
        assert (state.status, state.current_step) == (FolderStatus.CANCELLED, None)
