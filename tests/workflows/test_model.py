"""Any sequence of acts on any circuit, while people come and go, judged by a model on paper.

The model knows nothing of the engine: it says of each act whether the rules allow it, in whose
name it is done, and what the folder looks like after. Engine and model agree after every act, or
the test fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import ClassVar

from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.builders.workflows import (
    ADA,
    ADA_AT_RECEPTION,
    BEN,
    CLEO,
    DAN,
    EVE,
    FAY,
    NOW,
    REGISTER,
    at_reception,
    to_read,
)
from tests.workflows.action_table import EXPECTED, PAIRS, TABLE_PROPERTY, ActionTable
from tests.workflows.circuit_model import PaperFolder
from tests.workflows.drawn_acts import ONWARDS, SEATS, any_act
from tests.workflows.town_model import Town
from workflows.actions import Action, ActionKind, PassingAction
from workflows.definition import PERSON_STEPS, DeskId
from workflows.engine import decide, open_draft, who_may_pass
from workflows.errors import Refused
from workflows.events import Event, PassingEvent
from workflows.evolution import evolve
from workflows.folder import FolderId
from workflows.obstacles import WhoMayAct
from workflows.register import PersonId
from workflows.returns import correction

SIGNERS = (BEN, CLEO, DAN, EVE, FAY)
PEOPLE = (ADA, *SIGNERS)
PLACES = tuple((one.desk, one.person) for one in REGISTER.holders)
STRAIGHT = 0.8
"""How often acts that bring a folder further come first, where they are looked for."""

SMALL, LARGE = 10_000, 9_000_000
AMOUNTS = ((), (SMALL,), (SMALL, LARGE))

SEEDS = st.integers(min_value=0, max_value=2**32)
ACTS = 12
"""How many acts follow one another in a row."""


class AnyLife(RuleBasedStateMachine):
    """A folder, its twin on paper, and a town that changes around them."""

    met: ClassVar[ActionTable]

    def __init__(self) -> None:
        super().__init__()
        self.met.sequences += 1
        self.rows = 0
        self.town = Town()
        self._open()

    def _open(self) -> None:
        created = open_draft(FolderId("folder-1"), ADA_AT_RECEPTION, REGISTER, NOW)
        self.state = evolve(None, created)
        self.paper = PaperFolder(self.town, ADA_AT_RECEPTION)

    @initialize(
        fit=st.frozensets(st.sampled_from(SIGNERS), min_size=1), amounts=st.sampled_from(AMOUNTS)
    )
    def certificates_and_amounts(self, fit: frozenset[PersonId], amounts: tuple[int, ...]) -> None:
        self.town.fit, self.town.amounts = set(fit), amounts

    @rule(place=st.sampled_from(PLACES))
    def somebody_leaves_a_desk_or_comes_back(self, place: tuple[DeskId, PersonId]) -> None:
        self.town.holders ^= {place}

    @rule(person=st.sampled_from(PEOPLE), other=st.sampled_from(PEOPLE))
    def somebody_goes_away_or_comes_back(self, person: PersonId, other: PersonId) -> None:
        if self.town.away.pop(person, None) is None:
            self.town.away[person] = other

    @rule(
        place=st.sampled_from(PLACES),
        other=st.sampled_from(PEOPLE),
        ceiling=st.sampled_from((None, SMALL, LARGE)),
    )
    def a_delegation_begins_or_ends(
        self, place: tuple[DeskId, PersonId], other: PersonId, ceiling: int | None
    ) -> None:
        desk, person = place
        if not self.town.end_delegation(desk) and other != person:
            self.town.delegate(desk, person, other, ceiling)

    @rule(person=st.sampled_from(PEOPLE))
    def an_account_is_closed_or_all_are_open(self, person: PersonId) -> None:
        self.town.closed = set() if self.town.closed else {person}

    @rule(amounts=st.sampled_from(AMOUNTS))
    def the_amount_changes(self, amounts: tuple[int, ...]) -> None:
        self.town.amounts = amounts

    @precondition(lambda self: self.paper.may_change)
    @rule(person=st.sampled_from((ADA, BEN, CLEO)))
    def somebody_puts_new_revisions(self, person: PersonId) -> None:
        self._follow(correction(self.state, at_reception(person), NOW))
        assert correction(self.state, at_reception(person), NOW) == ()
        self.paper.correct(person)

    @rule(seed=SEEDS)
    def acts_that_bring_it_further(self, seed: int) -> None:
        chance = self._chance(seed)
        for _ in range(ACTS):
            kinds = _shuffled(ActionKind, chance)
            if chance.random() < STRAIGHT:
                kinds.sort(key=lambda one: (one not in ONWARDS, one is not ActionKind.READ))
            self._act(kinds, chance)

    @rule(seed=SEEDS)
    def acts_that_the_rules_allow(self, seed: int) -> None:
        chance = self._chance(seed)
        for _ in range(ACTS):
            self._act(_shuffled(ActionKind, chance), chance)

    def _chance(self, seed: int) -> Random:
        """What draws some acts in a row: other ones where the seed comes again."""
        self.rows += 1
        return Random(f"{seed} {self.rows}")

    def _act(self, kinds: list[ActionKind], chance: Random) -> None:
        """One act of the first kind that is open to anybody, after others that mostly are not;
        soon on a new folder where this one had its end."""
        if self.paper.has_ended and chance.random() < 0.3:
            self._open()
        status = self.state.status
        untimely = [one for one in kinds if status not in EXPECTED[one]]
        for kind in (*untimely[:2], *chance.choices(kinds, k=1)):
            self._try(any_act(kind, self.state, chance.choice(SEATS), chance))
        self._try_one_allowed(kinds, chance)

    def _try_one_allowed(self, kinds: list[ActionKind], chance: Random) -> None:
        timely = [one for one in kinds if self.state.status in EXPECTED[one]]
        for kind in timely:
            for seat in chance.sample(SEATS, len(SEATS)):
                action = any_act(kind, self.state, seat, chance)
                if self.paper.may(action):
                    self._try(action)
                    return

    def _try(self, action: Action) -> None:
        status, expected = self.state.status, self.paper.may(action)
        events: tuple[Event, ...] = ()
        code = ""
        try:
            events = decide(self.state, action, self.town.register(), self.town.facts(), NOW)
        except Refused as refusal:
            code = refusal.code
        self.met.count(action.kind, status, accepted=not code)
        assert expected == (not code), (code, action)
        if code:
            return
        note(action)
        assert status in EXPECTED[action.kind]
        if isinstance(action, PassingAction):
            assert _in_whose_name(events[0]) == self.paper.in_whose_name(action)
        self._follow(events)
        self.paper.follow(action)
        self._compare()

    def _follow(self, events: Sequence[Event]) -> None:
        for event in events:
            self.state = evolve(self.state, event)

    def _compare(self) -> None:
        now, turn, current = self.paper.now, self.paper.turn, self.state.current_step
        assert self.state.status is now.status
        assert (current and current.id) == (turn and turn.step.id)
        if current is not None and turn is not None:
            assert set(self.state.desks_awaited_at(current.id)) == turn.awaited
        assert [one.id for one in self.state.steps] == [one.step.id for one in now.turns]
        assert to_read(self.state) == now.documents
        assert set(self.state.recused) == self.paper.recused
        named = {*self.state.submitters, *self.state.preparers}
        assert named == self.paper.hands | self.paper.writers

    @invariant()
    def those_who_may_pass_are_those_of_the_model(self) -> None:
        who = self._who_may_pass()
        if who is not None:
            assert {(one.person, one.power.desk) for one in who.able} == self.paper.able()

    @invariant()
    def a_dead_end_is_reported(self) -> None:
        who = self._who_may_pass()
        if who is not None:
            assert bool(who.nobody) == bool(who.detail) == self.paper.is_stuck()

    def _who_may_pass(self) -> WhoMayAct | None:
        current = self.state.current_step
        if current is None or current.kind not in PERSON_STEPS:
            return None
        return who_may_pass(self.state, self.town.register(), self.town.facts(), NOW)


def _in_whose_name(event: Event) -> PersonId | None:
    assert isinstance(event, PassingEvent)
    return event.by.power.on_behalf_of


def _shuffled(kinds: Iterable[ActionKind], chance: Random) -> list[ActionKind]:
    drawn = list(kinds)
    chance.shuffle(drawn)
    return drawn


def test_engine_and_model_agree_on_any_life_of_a_folder(
    scaled: Callable[[int, int], int], record_property: Callable[[str, object], None]
) -> None:
    """The full run meets every pair of action and state, 20 times where the rules allow, 5 times
    where they refuse. A normal run is a small part of it, and meets 19 pairs out of 20."""

    class CountedLife(AnyLife):
        met = ActionTable()

    sequences = scaled(2000, 150)
    run_state_machine_as_test(
        CountedLife,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    met = CountedLife.met
    record_property(TABLE_PROPERTY, "\n".join(met.lines()))
    assert met.sequences >= sequences
    assert list(met.rare(scaled(20, 1), scaled(5, 1)))[scaled(0, len(PAIRS) // 20) :] == []
