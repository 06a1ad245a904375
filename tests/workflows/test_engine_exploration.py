"""Every act of the catalogue in every kind of state that acts can reach."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

import pytest

from tests.builders.workflows import FACTS, NOW, REGISTER, a_draft
from tests.workflows.action_table import EXPECTED, MET, TABLE_PROPERTY, ActionTable
from tests.workflows.catalogue import SEATS, every_act
from workflows.actions import (
    Action,
    ActionKind,
    Approve,
    ClaimTransmission,
    RecordAcknowledged,
    RecordRemoteRefusal,
    RecordTransmissionError,
    RecordTransmitted,
    Reject,
    Retract,
    Sign,
)
from workflows.engine import AllowedAction, allowed_actions, decide
from workflows.errors import Refused
from workflows.evolution import evolve
from workflows.folder import FolderState, FolderStatus
from workflows.powers import PersonAtDesk

ALIKE = 3
"""How many states that differ only by their past are explored."""


@dataclass
class Exploration:
    """What trying everything met."""

    table: ActionTable = field(default_factory=ActionTable)
    states: list[FolderState] = field(default_factory=list)
    accepted: dict[int, list[Action]] = field(default_factory=dict)
    codes: Counter[tuple[str, str]] = field(default_factory=Counter)


def _likeness(state: FolderState) -> tuple[object, ...]:
    """Equal for states in which the same acts have the same outcome, or nearly."""
    last = state.standing_acts[-1:]
    return (
        state.status,
        min(state.round, 2),
        tuple((one.id, one.state) for one in state.steps),
        tuple((act.kind, act.by.person, act.by.power.desk) for act in last),
        state.transmission is not None and state.transmission.remote_id is None,
    )


@cache
def explore() -> Exploration:
    """Breadth first from the draft, a bounded number of states of each kind."""
    found, alike = Exploration(), Counter[tuple[object, ...]]()
    queue = deque([a_draft()])
    while queue:
        state = queue.popleft()
        alike[_likeness(state)] += 1
        if alike[_likeness(state)] > ALIKE:
            continue
        found.accepted[len(found.states)] = list(_tried(state, found, queue))
        found.states.append(state)
    MET.add(found.table)
    return found


def _tried(state: FolderState, found: Exploration, queue: deque[FolderState]) -> Iterator[Action]:
    """The acts of the catalogue that were accepted; what follows them joins the queue."""
    for action in every_act(state):
        try:
            events = decide(state, action, REGISTER, FACTS, NOW)
        except Refused as refusal:
            found.codes[refusal.code, refusal.detail] += 1
            found.table.count(action.kind, state.status, accepted=False)
            continue
        found.table.count(action.kind, state.status, accepted=True)
        after = state
        for event in events:
            after = evolve(after, event)
        queue.append(after)
        yield action


def test_every_pair_of_action_and_state_is_as_written_and_met_often_enough(
    record_property: Callable[[str, object], None],
) -> None:
    table = explore().table
    record_property(TABLE_PROPERTY, "\n".join(table.lines()))
    assert list(table.faults()) == []


def test_the_table_written_by_hand_speaks_of_every_action() -> None:
    assert EXPECTED.keys() == set(ActionKind)


def test_every_status_is_reached() -> None:
    assert {state.status for state in explore().states} == set(FolderStatus)


def test_no_state_is_without_exit_but_the_final_ones() -> None:
    found = explore()
    without = [s.status for n, s in enumerate(found.states) if not found.accepted[n]]
    assert set(without) == {
        FolderStatus.ACKNOWLEDGED,
        FolderStatus.COMPLETED,
        FolderStatus.CANCELLED,
    }


def test_the_final_states_are_those_without_exit() -> None:
    found = explore()
    assert all(bool(found.accepted[n]) != s.is_final for n, s in enumerate(found.states))


def test_every_refusal_has_its_own_code_and_a_french_sentence() -> None:
    codes = {code for code, _ in explore().codes}
    assert {"refused", "not_entitled", "wrong_moment", "unacceptable"}.isdisjoint(codes)
    assert all(detail[0].isupper() and detail.endswith(".") for _, detail in explore().codes)


MACHINE = (
    ClaimTransmission,
    RecordTransmitted,
    RecordAcknowledged,
    RecordRemoteRefusal,
    RecordTransmissionError,
)


def _as_allowed(action: Action) -> tuple[PersonAtDesk, AllowedAction]:
    assert not isinstance(action, MACHINE)
    step = action.step if isinstance(action, Approve | Sign | Reject | Retract) else None
    return action.actor, AllowedAction(action.kind, action.actor.desk, step)


def test_the_acts_announced_to_a_person_are_those_that_are_accepted() -> None:
    found = explore()
    for number, state in enumerate(found.states):
        accepted = {_as_allowed(a) for a in found.accepted[number] if not isinstance(a, MACHINE)}
        announced = {
            (PersonAtDesk(person, one.desk), one)
            for person in {seat.person for seat in SEATS}
            for one in allowed_actions(state, person, REGISTER, FACTS, NOW)
        }
        assert announced == accepted


@pytest.mark.parametrize("status", sorted({*FolderStatus}))
def test_a_folder_out_of_the_hands_of_persons_announces_nothing(status: FolderStatus) -> None:
    silent = {
        FolderStatus.TRANSMITTING,
        FolderStatus.TRANSMITTED,
        FolderStatus.ACKNOWLEDGED,
        FolderStatus.COMPLETED,
        FolderStatus.CANCELLED,
    }
    announced = [
        one
        for state in explore().states
        if state.status is status
        for person in {seat.person for seat in SEATS}
        for one in allowed_actions(state, person, REGISTER, FACTS, NOW)
    ]
    assert bool(announced) == (status not in silent)
