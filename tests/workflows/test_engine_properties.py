"""What holds of any sequence of acts, whatever the rules: nothing is lost, nothing hides."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.builders.workflows import ADA_AT_RECEPTION, BEN, CLEO, DAN, EVE, NOW, REGISTER
from tests.workflows.action_table import EXPECTED
from tests.workflows.catalogue import every_act
from workflows.actions import Action, Cancel, Reject, Resubmit, Retract
from workflows.engine import decide, open_draft, who_may_pass
from workflows.errors import Refused
from workflows.event_encoding import from_json, to_json
from workflows.events import Event, Resubmitted, Retracted, Submitted
from workflows.evolution import evolve, replay
from workflows.folder import FolderId, FolderState, StepState
from workflows.outside_events import TransmissionClaimed
from workflows.periods import Period
from workflows.register import DeskHolder, Facts, PersonId

FAMILIES = frozenset({Refused, *Refused.__subclasses__()})
"""The classes that only group refusals: none of them is ever the reason."""

BACKWARDS = Retract | Reject | Cancel | Resubmit


class AnyWalk(RuleBasedStateMachine):
    """Keeps beside the folder its stored events, and the signed revisions that were undone."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.register = REGISTER
        self.facts = Facts()
        self.stored: list[str] = []
        self.undone: set[str] = set()
        self.reasons: set[type[Refused]] = set()
        created = open_draft(FolderId("folder-1"), ADA_AT_RECEPTION, REGISTER, NOW)
        self.state = self._stored(None, created)

    @initialize(fit=st.frozensets(st.sampled_from([BEN, CLEO, DAN, EVE]), min_size=1))
    def certificates(self, fit: frozenset[PersonId]) -> None:
        self.facts = Facts(fit_signers=fit)

    @rule(seconds=st.integers(min_value=0, max_value=7200))
    def everybody_is_there_and_time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.register = REGISTER

    @rule(last=st.sampled_from(REGISTER.holders))
    def a_desk_becomes_vacant(self, last: DeskHolder) -> None:
        others = tuple(one for one in REGISTER.holders if one.desk != last.desk)
        gone = replace(last, period=Period(last.period.start, self.now))
        self.register = replace(REGISTER, holders=(*others, gone))

    @rule(seed=st.integers(min_value=0, max_value=2**32))
    def five_accepted_acts(self, seed: int) -> None:
        chance = Random(seed)
        for _ in range(5):
            acts = [*self._shuffled(chance)]
            acts.sort(key=lambda one: isinstance(one, BACKWARDS) and chance.random() < 0.7)
            self._try(next((one for one in acts if self._is_accepted(one)), acts[0]))

    @rule(seed=st.integers(min_value=0, max_value=2**32))
    def ten_acts_of_any_kind(self, seed: int) -> None:
        chance = Random(seed)
        for _ in range(10):
            self._try(next(self._shuffled(chance)))

    def _shuffled(self, chance: Random) -> Iterator[Action]:
        acts = list(every_act(self.state))
        chance.shuffle(acts)
        yield from acts

    def _is_accepted(self, action: Action) -> bool:
        try:
            decide(self.state, action, self.register, self.facts, self.now)
        except Refused:
            return False
        return True

    def _try(self, action: Action) -> None:
        status = self.state.status
        try:
            events = decide(self.state, action, self.register, self.facts, self.now)
        except Refused as refusal:
            self.reasons.add(type(refusal))
            return
        assert status in EXPECTED[action.kind]
        for event in events:
            self._follow(event)
            self.state = self._stored(self.state, event)

    def _stored(self, state: FolderState | None, event: Event) -> FolderState:
        self.stored.append(json.dumps(to_json(event)))
        return evolve(state, event)

    def _follow(self, event: Event) -> None:
        """What was undone is never brought in again, nor sent."""
        match event:
            case Submitted() | Resubmitted():
                assert self.undone.isdisjoint(one.revision.id for one in event.documents)
            case Retracted():
                self.undone |= {change.before.id for change in event.restored}
            case TransmissionClaimed():
                sent = {one.revision.id for one in self.state.documents}
                assert self.undone.isdisjoint(sent)
            case _:
                pass

    @invariant()
    def the_stored_events_give_the_state(self) -> None:
        records = [cast("Mapping[str, object]", json.loads(line)) for line in self.stored]
        assert replay(from_json(record) for record in records) == self.state

    @invariant()
    def every_refusal_is_a_named_case(self) -> None:
        assert self.reasons.isdisjoint(FAMILIES)

    @invariant()
    def the_version_counts_the_events(self) -> None:
        assert self.state.version == len(self.stored)

    @invariant()
    def one_step_at_most_has_its_turn_and_none_waits_before_it(self) -> None:
        states = [one.state for one in self.state.steps]
        assert states.count(StepState.CURRENT) <= 1
        if StepState.CURRENT in states:
            assert StepState.WAITING not in states[: states.index(StepState.CURRENT)]

    @precondition(lambda self: not self.state.is_final)
    @invariant()
    def there_is_an_exit_or_a_named_reason(self) -> None:
        if any(self._is_accepted(action) for action in every_act(self.state)):
            return
        desk_is_empty = not any(
            one.desk == self.state.submitter.desk and one.period.covers(self.now)
            for one in self.register.holders
        )
        who = who_may_pass(self.state, self.register, self.facts, self.now)
        assert who.nobody or desk_is_empty


AnyWalk.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAnyWalk = AnyWalk.TestCase
