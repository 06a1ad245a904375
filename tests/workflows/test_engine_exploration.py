"""Every act of the catalogue in every kind of state that acts can reach, nobody coming nor going.

It shows what chance cannot: that every pair of action and state is reached, that the acts announced
to a person are those accepted, and that no refusal is without its sentence. How often each pair
holds while powers change is shown by `test_model.py`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import pytest

from tests.builders.workflows import FACTS, NOW, REGISTER, a_draft
from tests.workflows.action_table import EXPECTED
from tests.workflows.catalogue import SEATS, every_act
from workflows.actions import Action, ActionKind, MachineAction
from workflows.engine import AllowedAction, allowed_actions, decide
from workflows.errors import Refused
from workflows.evolution import evolve
from workflows.folder import FolderState, FolderStatus
from workflows.register import PersonAtDesk

ALIKE = 2
"""How many states that are alike in one way are explored."""

MOST_STEPS = 6
"""Acts that insert steps are tried, and not followed beyond this length."""


@dataclass
class Exploration:
    """What trying everything met."""

    pairs: set[tuple[ActionKind, FolderStatus]] = field(default_factory=set)
    states: list[FolderState] = field(default_factory=list)
    accepted: dict[int, list[Action]] = field(default_factory=dict)
    codes: Counter[tuple[str, str]] = field(default_factory=Counter)


def _likenesses(state: FolderState) -> Iterator[tuple[object, ...]]:
    """Each thing that weighs on the acts open in a state, apart from the others: two states that
    are equal in one of them are alike in it."""
    turn, last = state.current_step, state.standing_acts[-1:]
    if state.is_final:
        yield state.status, len(state.steps), state.chained_to, state.submitter
        return
    here = (state.status, None if turn is None else turn.id)
    yield *here, tuple(one.state for one in state.steps)
    yield *here, "last", tuple(act.kind for act in last), min(state.round, 2)
    yield *here, "awaited", None if turn is None else state.desks_awaited_at(turn.id)
    yield *here, "rules", state.rules
    yield *here, "read", bool(state.readings)
    yield *here, "recused", bool(state.recused)
    yield *here, "opinion", any(one.answer is None for one in state.opinions)
    yield *here, "remote", state.transmission and state.transmission.remote_id is None


@cache
def explore() -> Exploration:
    """Breadth first from the draft, a bounded number of states of each kind."""
    found, alike = Exploration(), Counter[tuple[object, ...]]()
    queue = deque([a_draft()])
    while queue:
        state = queue.popleft()
        likenesses = list(_likenesses(state))
        if all(alike[one] >= ALIKE for one in likenesses):
            continue
        alike.update(likenesses)
        found.accepted[len(found.states)] = list(_tried(state, found, queue))
        found.states.append(state)
    return found


def _tried(state: FolderState, found: Exploration, queue: deque[FolderState]) -> Iterator[Action]:
    """The acts of the catalogue that were accepted; what follows them joins the queue."""
    for action in every_act(state):
        try:
            events = decide(state, action, REGISTER, FACTS, NOW)
        except Refused as refusal:
            found.codes[refusal.code, refusal.detail] += 1
            continue
        found.pairs.add((action.kind, state.status))
        after = state
        for event in events:
            after = evolve(after, event)
        if len(after.steps) <= MOST_STEPS:
            queue.append(after)
        yield action


def test_each_action_is_accepted_in_the_states_written_by_hand_and_in_no_other() -> None:
    written = {(action, status) for action, where in EXPECTED.items() for status in where}
    assert explore().pairs == written


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


def test_the_final_states_are_those_that_nothing_leaves() -> None:
    found = explore()
    for number, state in enumerate(found.states):
        kinds = {action.kind for action in found.accepted[number]}
        assert state.is_final == (kinds <= {ActionKind.CHAIN})


def test_every_refusal_has_its_own_code_and_a_french_sentence() -> None:
    codes = {code for code, _ in explore().codes}
    assert {"refused", "not_entitled", "wrong_moment", "unacceptable"}.isdisjoint(codes)
    assert all(detail[0].isupper() and detail.endswith(".") for _, detail in explore().codes)


def _as_allowed(action: Action) -> tuple[PersonAtDesk, AllowedAction]:
    assert not isinstance(action, MachineAction)
    step = getattr(action, "step", None)
    return action.actor, AllowedAction(action.kind, action.actor.desk, step)


def test_the_acts_announced_to_a_person_are_those_that_are_accepted() -> None:
    found = explore()
    for number, state in enumerate(found.states):
        accepted = {
            _as_allowed(one) for one in found.accepted[number] if not isinstance(one, MachineAction)
        }
        announced = {
            (seat, one)
            for person in {seat.person for seat in SEATS}
            for one in allowed_actions(state, person, REGISTER, FACTS, NOW)
            if (seat := PersonAtDesk(person, one.desk)) in SEATS
        }
        assert announced == accepted


@pytest.mark.parametrize("status", sorted({*FolderStatus}))
def test_a_folder_out_of_the_hands_of_persons_announces_nothing_that_moves_it(
    status: FolderStatus,
) -> None:
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
        if one.kind not in {ActionKind.READ, ActionKind.RECUSE, ActionKind.CHAIN}
    ]
    assert bool(announced) == (status not in silent)
