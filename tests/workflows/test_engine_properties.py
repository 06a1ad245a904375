"""Any sequence of acts, while holders and certificates come and go, against a simple model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.builders.workflows import (
    ADA_AT_RECEPTION,
    BEN,
    CLEO,
    DAN,
    EVE,
    NOW,
    REGISTER,
)
from tests.workflows.action_table import EXPECTED, MET
from tests.workflows.catalogue import every_act
from workflows.actions import Action, ActionKind
from workflows.engine import decide, open_draft
from workflows.errors import Refused
from workflows.events import (
    Approved,
    Event,
    Resubmitted,
    Retracted,
    Signed,
    Submitted,
    TransmissionClaimed,
    from_json,
    to_json,
)
from workflows.evolution import evolve, replay
from workflows.folder import ActKind, Document, FolderId, FolderState, StepState
from workflows.powers import DeskHolder, Facts, Period, PersonId, who_may_act

FAMILIES = frozenset({Refused, *Refused.__subclasses__()})
"""The classes that only group refusals: none of them is ever the reason."""


BACKWARDS = frozenset({ActionKind.RETRACT, ActionKind.REJECT})


class AnyWalk(RuleBasedStateMachine):
    """The model keeps three things only: the steps passed in this round, the documents before
    each signature that stands, and the revisions that were taken back."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.register = REGISTER
        self.facts = Facts()
        self.stored: list[str] = []
        self.passed: list[str] = []
        self.before_signatures: list[tuple[Document, ...]] = []
        self.taken_back: set[str] = set()
        self.reasons: set[type[Refused]] = set()
        self.state = self._created()

    def _created(self) -> FolderState:
        created = open_draft(FolderId("folder-1"), ADA_AT_RECEPTION, REGISTER, NOW)
        self.stored.append(json.dumps(to_json(created)))
        return evolve(None, created)

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
    def ten_accepted_acts(self, seed: int) -> None:
        chance = Random(seed)
        for _ in range(10):
            accepted = [one for one in every_act(self.state) if self._is_accepted(one)]
            kinds = sorted({one.kind for one in accepted} - {ActionKind.CANCEL})
            if not kinds:
                return
            kind = chance.choices(kinds, [1 if one in BACKWARDS else 4 for one in kinds])[0]
            self._try(chance.choice([one for one in accepted if one.kind is kind]))

    @rule(seed=st.integers(min_value=0, max_value=2**32))
    def ten_acts_of_any_kind(self, seed: int) -> None:
        chance = Random(seed)
        for _ in range(10):
            self._try(chance.choice(list(every_act(self.state))))

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
            MET.count(action.kind, status, accepted=False)
            self.reasons.add(type(refusal))
            return
        assert status in EXPECTED[action.kind]
        MET.count(action.kind, status, accepted=True)
        for event in events:
            self._follow(event)
            self.state = evolve(self.state, event)
            self.stored.append(json.dumps(to_json(event)))

    def _follow(self, event: Event) -> None:
        match event:
            case Submitted() | Resubmitted():
                self.passed, self.before_signatures = [], []
                assert self.taken_back.isdisjoint(one.revision.id for one in event.documents)
            case Approved() | Signed():
                self._follow_passage(event)
            case Retracted():
                self._follow_retraction(event)
            case TransmissionClaimed():
                sent = {one.revision.id for one in self.state.documents}
                assert self.taken_back.isdisjoint(sent)
            case _:
                pass

    def _follow_passage(self, event: Approved | Signed) -> None:
        assert event.step not in self.passed
        assert event.step == self.state.steps[len(self.passed)].id
        self.passed.append(event.step)
        if isinstance(event, Signed):
            self.before_signatures.append(self.state.documents)

    def _follow_retraction(self, event: Retracted) -> None:
        if event.act in {ActKind.APPROVE, ActKind.SIGN}:
            assert self.passed.pop() == event.step
        if event.act is not ActKind.SIGN:
            assert event.restored == ()
            return
        self.taken_back |= {change.before.id for change in event.restored}
        assert evolve(self.state, event).documents == self.before_signatures.pop()

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
    def the_steps_passed_are_those_of_the_model(self) -> None:
        people = (one for one in self.state.steps if one.state is StepState.DONE)
        done = [one.id for one in people if one.step.actors]
        assert done == (self.passed if self.state.steps else [])

    @precondition(lambda self: not self.state.is_final)
    @invariant()
    def there_is_an_exit_or_a_named_reason(self) -> None:
        if any(self._is_accepted(action) for action in every_act(self.state)):
            return
        step = self.state.current_step
        desk_is_empty = not any(
            one.desk == self.state.submitter.desk and one.period.covers(self.now)
            for one in self.register.holders
        )
        nobody = step and who_may_act(self.register, step.step, self.facts, self.now).nobody
        assert nobody or desk_is_empty


AnyWalk.TestCase.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)
TestAnyWalk = AnyWalk.TestCase
