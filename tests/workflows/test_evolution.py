from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.builders.workflows import (
    ADA,
    ADA_AT_RECEPTION,
    BEN_AT_ACCOUNTS,
    FACTS,
    FILING,
    FULL,
    NO_STEP,
    NOW,
    RECEPTION,
    REGISTER,
    TRANSMISSION,
    VERSION,
    VISA,
    VISA_STEP,
    a_draft,
    a_step,
    a_workflow,
    play,
    some_documents,
)
from workflows.actions import Approve, Reject, Resubmit, Retract, Submit
from workflows.definition import StepKind
from workflows.engine import decide, open_draft
from workflows.errors import BrokenHistory
from workflows.event_encoding import from_json
from workflows.events import (
    Approved,
    Completed,
    Created,
    Event,
    Migrated,
    OpinionGiven,
    Resubmitted,
    Retracted,
)
from workflows.evolution import evolve, replay
from workflows.folder import ActKind, FolderId, FolderRules, FolderState, FolderStatus, StepState
from workflows.outside_events import Acknowledged
from workflows.register import Authorship, Power, PowerKind

BY = Authorship(ADA, Power(PowerKind.HOLDER, RECEPTION))
CREATED = open_draft(FolderId("folder-1"), ADA_AT_RECEPTION, REGISTER, NOW)
SUBMIT = Submit(ADA_AT_RECEPTION, VERSION, FULL, some_documents())


def test_a_folder_begins_as_the_draft_of_its_desk() -> None:
    draft = FolderState(FolderId("folder-1"), ADA_AT_RECEPTION, submitters=(ADA,))
    assert evolve(None, CREATED) == draft


def test_each_event_adds_one_to_the_version() -> None:
    events = decide(a_draft(), SUBMIT, REGISTER, FACTS, NOW)
    assert replay((CREATED, *events)).version == 1 + len(events)


def test_replay_gives_the_state_that_the_events_made() -> None:
    events = decide(a_draft(), SUBMIT, REGISTER, FACTS, NOW)
    assert replay((CREATED, *events)) == play(a_draft(), SUBMIT)


def test_a_passed_step_keeps_who_did_it_and_by_which_power() -> None:
    state = play(a_draft(), SUBMIT, Approve(BEN_AT_ACCOUNTS, VISA))
    (act,) = state.acts_at(VISA)
    assert act.by == Authorship(
        BEN_AT_ACCOUNTS.person, Power(PowerKind.HOLDER, BEN_AT_ACCOUNTS.desk)
    )


def test_a_rejected_step_is_stopped_and_keeps_the_reason() -> None:
    state = play(a_draft(), SUBMIT, Reject(BEN_AT_ACCOUNTS, VISA, "Trop cher."))
    step = state.step(VISA)
    assert step is not None
    assert (step.state, state.acts_at(VISA)[0].reason) == (StepState.STOPPED, "Trop cher.")


def test_a_retracted_act_stays_in_the_history_of_the_folder() -> None:
    state = play(a_draft(), SUBMIT, Approve(BEN_AT_ACCOUNTS, VISA), Retract(BEN_AT_ACCOUNTS, VISA))
    kept = [(act.kind, act.retracted_at is not None) for act in state.acts]
    assert kept == [(ActKind.SUBMIT, False), (ActKind.APPROVE, True)]


def test_the_step_that_loses_its_turn_has_not_started() -> None:
    state = play(a_draft(), SUBMIT, Approve(BEN_AT_ACCOUNTS, VISA), Retract(BEN_AT_ACCOUNTS, VISA))
    assert [one.started_at is None for one in state.steps] == [False, True, True]


def test_an_archive_step_that_names_nobody_names_nobody_again_once_it_lost_its_turn() -> None:
    filing = a_step(FILING, StepKind.ARCHIVE)
    state = play(
        a_draft(),
        Submit(ADA_AT_RECEPTION, VERSION, a_workflow(VISA_STEP, filing), some_documents()),
        Approve(BEN_AT_ACCOUNTS, VISA),
    )
    assert state.desks_awaited_at(FILING) == (RECEPTION,)
    back = play(state, Retract(BEN_AT_ACCOUNTS, VISA))
    assert [one.as_drawn for one in state.steps] == [VISA_STEP, filing]
    assert [one.step for one in back.steps] == [VISA_STEP, filing]


def test_an_earlier_round_stays_in_the_history_and_counts_no_more() -> None:
    state = play(
        a_draft(),
        SUBMIT,
        Reject(BEN_AT_ACCOUNTS, VISA, "Trop cher."),
        Resubmit(ADA_AT_RECEPTION, some_documents("corrected")),
    )
    assert len(state.acts) == 3
    assert [act.kind for act in state.standing_acts] == [ActKind.RESUBMIT]


SUBMITTED = play(a_draft(), SUBMIT)


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (None, Completed(NOW)),
        (a_draft(), Created(NOW, BY, FolderId("folder-1"))),
        (a_draft(), Resubmitted(NOW, BY, 2, some_documents())),
        (SUBMITTED, Approved(NOW, BY, NO_STEP)),
        (SUBMITTED, Retracted(NOW, BY, ActKind.APPROVE, VISA)),
        (SUBMITTED, Acknowledged(NOW, TRANSMISSION)),
    ],
)
def test_events_that_do_not_follow_are_a_broken_history(
    state: FolderState | None, event: Event
) -> None:
    with pytest.raises(BrokenHistory):
        evolve(state, event)


def test_a_folder_without_event_is_a_broken_history() -> None:
    with pytest.raises(BrokenHistory):
        replay(())


OLD_BY = {
    "person": "ada",
    "power": {"kind": "holder", "desk": "reception", "on_behalf_of": None, "id": None},
}
OLD_STEP = {
    "id": "visa",
    "kind": "approval",
    "name": "Visa",
    "actors": [{"kind": "desk", "desk": "accounts"}],
}
OLD_DOCUMENT = {
    "id": "act",
    "role": "main_document",
    "revision": {"id": "act-1", "sha256": "aa"},
}
OLD_RECORDS: tuple[Mapping[str, object], ...] = (
    {
        "type": "created",
        "version": 1,
        "payload": {"occurred_at": "2026-01-05T08:00:00+00:00", "by": OLD_BY, "folder": "folder-1"},
    },
    {
        "type": "submitted",
        "version": 1,
        "payload": {
            "occurred_at": "2026-01-05T08:01:00+00:00",
            "by": OLD_BY,
            "round": 1,
            "workflow_version": "workflow-version-1",
            "steps": [OLD_STEP],
            "documents": [OLD_DOCUMENT],
        },
    },
    {
        "type": "step_started",
        "version": 1,
        "payload": {
            "occurred_at": "2026-01-05T08:01:00+00:00",
            "step": "visa",
            "kind": "approval",
            "desks": ["accounts"],
        },
    },
    {
        "type": "rejected",
        "version": 1,
        "payload": {
            "occurred_at": "2026-01-05T08:02:00+00:00",
            "by": OLD_BY,
            "step": "visa",
            "reason": "Trop cher.",
        },
    },
    {
        "type": "retracted",
        "version": 1,
        "payload": {
            "occurred_at": "2026-01-05T08:03:00+00:00",
            "by": OLD_BY,
            "act": "reject",
            "step": "visa",
            "restored": [],
        },
    },
    {
        "type": "approved",
        "version": 1,
        "payload": {"occurred_at": "2026-01-05T08:04:00+00:00", "by": OLD_BY, "step": "visa"},
    },
    {"type": "completed", "version": 1, "payload": {"occurred_at": "2026-01-05T08:04:00+00:00"}},
)
"""As the first version of the product stored them."""


def test_a_folder_of_the_first_version_is_still_read() -> None:
    state = replay(from_json(record) for record in OLD_RECORDS)
    assert (state.status, state.version, state.rules) == (FolderStatus.COMPLETED, 7, FolderRules())
    assert [act.kind for act in state.standing_acts] == [ActKind.SUBMIT, ActKind.APPROVE]


def test_a_migration_without_the_current_step_is_a_broken_history() -> None:
    with pytest.raises(BrokenHistory):
        evolve(SUBMITTED, Migrated(NOW, BY, VERSION, (FULL.steps[1],)))


def test_a_migration_of_a_folder_that_has_no_turn_is_a_broken_history() -> None:
    with pytest.raises(BrokenHistory):
        evolve(a_draft(), Migrated(NOW, BY, VERSION, FULL.steps))


def test_an_opinion_that_nobody_asked_is_a_broken_history() -> None:
    with pytest.raises(BrokenHistory):
        evolve(SUBMITTED, OpinionGiven(NOW, BY, VISA, "Oui."))
