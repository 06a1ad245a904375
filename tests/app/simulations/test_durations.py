from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from app.models import FolderEvent
from app.simulations.durations import TURNING, medians
from workflows import event_encoding
from workflows.actions import RefusedBy
from workflows.definition import DeskId, StepId, StepKind
from workflows.events import Completed, Event, Rejected, Resubmitted, StepStarted
from workflows.folder import TransmissionId
from workflows.outside_events import (
    Acknowledged,
    OutsideAnswered,
    RemoteRefused,
    TransmissionClaimed,
    TransmissionFailed,
)
from workflows.register import Authorship, PersonId, Power, PowerKind

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SOMEBODY = Authorship(PersonId("somebody"), Power(PowerKind.HOLDER, DeskId("desk")))
VISA, SIGNATURE = StepId("visa"), StepId("signature")
SENDING = TransmissionId("sending")


def after(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def started(step: StepId, minutes: int) -> Event:
    return StepStarted(after(minutes), step, StepKind.APPROVAL, ())


def rows(*happened: Event) -> list[FolderEvent]:
    """The events of one folder that the repository is asked for."""
    folder_id = uuid.uuid4()
    return [
        FolderEvent(
            folder_id=folder_id,
            seq=seq,
            kind=event.type,
            payload=dict(event_encoding.to_json(event)),
            occurred_at=event.occurred_at,
        )
        for seq, event in enumerate(happened, start=1)
        if event.type in TURNING
    ]


def a_folder(visa: int, signature: int) -> list[FolderEvent]:
    """A folder whose steps took so many minutes."""
    return rows(started(VISA, 0), started(SIGNATURE, visa), Completed(after(visa + signature)))


class TestMedians:
    def test_a_step_lasts_until_the_next_one_or_the_end(self) -> None:
        found = medians([*a_folder(10, 1), *a_folder(20, 2), *a_folder(90, 3)])
        assert found == {VISA: timedelta(minutes=20), SIGNATURE: timedelta(minutes=2)}

    def test_two_folders_say_nothing(self) -> None:
        assert medians([*a_folder(10, 1), *a_folder(20, 2)]) == {}

    def test_a_step_that_was_refused_says_nothing(self) -> None:
        refused = rows(started(VISA, 0), Rejected(after(500), SOMEBODY, VISA, "Non."))
        found = medians([*a_folder(10, 1), *refused, *a_folder(20, 2), *a_folder(30, 3)])
        assert found[VISA] == timedelta(minutes=20)

    @pytest.mark.parametrize(
        "refusal",
        [
            OutsideAnswered(after(60), VISA, accepted=False, reason="Non."),
            RemoteRefused(after(60), SENDING, RefusedBy.RECIPIENT, "Non."),
        ],
        ids=lambda refusal: refusal.type,
    )
    def test_a_step_that_the_outside_refused_says_nothing_once_the_folder_is_sent_again(
        self, refusal: Event
    ) -> None:
        again = Resubmitted(after(15_000), SOMEBODY, round=2, documents=())
        refused = rows(
            started(VISA, 0), refusal, again, started(VISA, 15_000), Completed(after(15_030))
        )
        found = medians([*refused, *refused, *refused])
        assert found[VISA] == timedelta(minutes=30)

    def test_a_transmission_that_failed_says_nothing_even_once_it_is_sent_without_its_folder(
        self,
    ) -> None:
        failed = rows(
            started(VISA, 0),
            TransmissionFailed(after(60), SENDING, "Panne."),
            TransmissionClaimed(after(15_000), SENDING),
            Acknowledged(after(15_010), SENDING),
        )
        assert medians([*failed, *failed, *failed]) == {}

    def test_what_the_outside_accepts_lasts_until_the_next_step(self) -> None:
        passed = rows(
            started(VISA, 0),
            OutsideAnswered(after(60), VISA, accepted=True),
            started(SIGNATURE, 60),
        )
        assert medians([*passed, *passed, *passed]) == {VISA: timedelta(minutes=60)}

    def test_a_folder_under_way_says_nothing_of_the_step_it_is_at(self) -> None:
        under_way = rows(started(VISA, 0))
        found = medians([*under_way, *a_folder(1, 1), *a_folder(2, 2), *a_folder(3, 3)])
        assert found[VISA] == timedelta(minutes=2)
