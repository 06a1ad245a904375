"""Any sequence of acts on any circuit, while people come and go, judged by a model on paper.

The model knows nothing of the engine: it says of each act whether the rules allow it, and what
the folder looks like after. Engine and model agree after every act, or the test fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.builders.workflows import (
    ACCOUNTS,
    ADA,
    ADA_AT_RECEPTION,
    BEN,
    BEN_AT_ACCOUNTS,
    BEN_AT_RECEPTION,
    CLEO,
    CLEO_AT_ACCOUNTS,
    DAN,
    DAN_AT_MAYOR,
    ELSEWHERE,
    EVE,
    EVE_AT_MAYOR,
    FAY,
    FAY_ELSEWHERE,
    GIL_AT_ACCOUNTS,
    GIL_AT_MAYOR,
    GIL_AT_RECEPTION,
    HAL_AT_ACCOUNTS,
    HAL_AT_MAYOR,
    MAYOR,
    NO_STEP,
    NOW,
    OTHER_VERSION,
    REGISTER,
    TRANSMISSION,
    VERSION,
    a_step,
    signed,
    some_documents,
    to_read,
)
from tests.workflows.action_table import EXPECTED, MET
from tests.workflows.catalogue import redrawn
from tests.workflows.circuit_model import PaperFolder
from tests.workflows.town_model import Town
from workflows.actions import (
    Action,
    AddStep,
    Approve,
    Archive,
    AskOpinion,
    Cancel,
    Chain,
    ClaimTransmission,
    ForceStep,
    GiveOpinion,
    Migrate,
    Read,
    RecordAcknowledged,
    RecordOutside,
    RecordRemoteRefusal,
    RecordTransmissionError,
    RecordTransmitted,
    Recuse,
    RefusedBy,
    Reject,
    Resubmit,
    Retract,
    Seal,
    Sign,
    SignOnPaper,
    SkipStep,
    Submit,
    Transfer,
)
from workflows.definition import (
    PERSON_STEPS,
    DeskId,
    Duty,
    DutyKind,
    Phase,
    Step,
    StepId,
    StepKind,
    StepMode,
    Workflow,
    given_desk,
)
from workflows.engine import decide, open_draft, who_may_pass
from workflows.errors import Refused
from workflows.events import Event
from workflows.evolution import evolve
from workflows.folder import FolderId, FolderRules, FolderState, StepState
from workflows.register import Authorship, PersonAtDesk, PersonId

SEATS = (
    ADA_AT_RECEPTION,
    BEN_AT_RECEPTION,
    BEN_AT_ACCOUNTS,
    CLEO_AT_ACCOUNTS,
    DAN_AT_MAYOR,
    EVE_AT_MAYOR,
    FAY_ELSEWHERE,
    PersonAtDesk(CLEO, MAYOR),
    PersonAtDesk(FAY, ACCOUNTS),
    PersonAtDesk(FAY, MAYOR),
    PersonAtDesk(ADA, ACCOUNTS),
    PersonAtDesk(BEN, ELSEWHERE),
    GIL_AT_RECEPTION,
    GIL_AT_ACCOUNTS,
    GIL_AT_MAYOR,
    HAL_AT_ACCOUNTS,
    HAL_AT_MAYOR,
)
DESKS = sorted(REGISTER.desks)
KINDS = (
    StepKind.APPROVAL,
    StepKind.APPROVAL,
    StepKind.SIGNATURE,
    StepKind.SIGNATURE,
    StepKind.SEAL,
    StepKind.EXTERNAL,
)
REASON = "Le montant est faux."
SIGNERS = (BEN, CLEO, DAN, EVE, FAY)
PEOPLE = (ADA, *SIGNERS)
PLACES = tuple((one.desk, one.person) for one in REGISTER.holders)
BACKWARDS = Retract | Reject | Cancel
TOGETHER = 7
"""How many of the seats try something at a time."""

SEEDS = st.integers(min_value=0, max_value=2**32)


def any_workflow(chance: Random) -> Workflow:
    """A circuit that can be walked: a preparation or none, one to three steps, an end."""
    steps: list[Step] = []
    if chance.random() < 0.3:
        steps.append(replace(any_step(chance, StepKind.APPROVAL, 0), phase=Phase.PREPARATION))
    for _ in range(chance.randint(1, 3)):
        steps.append(any_step(chance, chance.choice(KINDS), len(steps)))
    if chance.random() < 0.4:
        steps.append(a_step(StepId(f"step-{len(steps)}"), StepKind.TRANSMISSION))
    if chance.random() < 0.3:
        steps.append(a_step(StepId(f"step-{len(steps)}"), StepKind.ARCHIVE))
    apart = (Duty(DutyKind.APPROVER_DOES_NOT_SIGN),) if chance.random() < 0.3 else ()
    return Workflow("Circuit", tuple(steps), apart, given_desk(chance.choice(DESKS)))


def any_step(chance: Random, kind: StepKind, number: int) -> Step:
    """A step of this kind, for one desk or two."""
    step_id = StepId(f"step-{number}")
    if kind is StepKind.EXTERNAL:
        return a_step(step_id, kind)
    desks = chance.sample(DESKS, chance.choice((1, 1, 2)))
    every = len(desks) == 2 and chance.random() < 0.6
    return replace(
        a_step(step_id, kind, *desks),
        mode=StepMode.ALL_OF if every else StepMode.ANY_OF,
        may_return=chance.random() < 0.5,
        may_add_steps=chance.random() < 0.3,
    )


def any_rules(chance: Random) -> FolderRules:
    """What a subtype might demand."""
    return FolderRules(
        mandatory_reading=chance.random() < 0.3,
        approvals_stand=chance.random() < 0.5,
        paper_signature=chance.random() < 0.5,
    )


def any_acts(state: FolderState, chance: Random) -> Iterator[Action]:
    """Acts of everybody at the step that has its turn, or another one."""
    turn = state.current_step.id if state.current_step is not None else NO_STEP
    other = chance.choice([*(one.id for one in state.steps), NO_STEP])
    workflow, rules = any_workflow(chance), any_rules(chance)
    documents = some_documents(f"round-{state.round + chance.choice((0, 1))}")
    for seat in chance.sample(SEATS, TOGETHER):
        step = turn if chance.random() < 0.9 else other
        yield Submit(seat, VERSION, workflow, documents, rules=rules)
        yield Resubmit(seat, documents)
        yield Approve(seat, step, documents if chance.random() < 0.9 else ())
        yield SkipStep(seat, step, REASON, documents)
        yield from acts_of(state, seat, step, chance)
        yield Retract(seat, chance.choice([None, turn, *(act.step for act in state.acts)]))
    yield from acts_of_the_outside(turn)


def acts_of(
    state: FolderState, seat: PersonAtDesk, step: StepId, chance: Random
) -> Iterator[Action]:
    """One of each other act, well formed or nearly."""
    changes = signed(state)
    earlier = [one.id for one in state.steps if one.state is StepState.DONE]
    if state.documents:
        yield Resubmit(seat, state.unsigned_documents)
    yield Cancel(seat)
    yield Read(seat, to_read(state))
    yield Recuse(seat, chance.choice((REASON, " ")))
    yield Chain(seat, FolderId("folder-2"))
    yield Sign(seat, step, changes)
    yield SignOnPaper(seat, step, date(2026, 3, 2))
    yield Seal(seat, step, changes)
    yield Archive(seat, step)
    yield Reject(seat, step, chance.choice((REASON, REASON, "")), chance.choice([None, *earlier]))
    yield Transfer(seat, step, chance.choice(DESKS))
    yield AskOpinion(seat, step, chance.choice(DESKS), "Qu'en pensez-vous ?")
    yield GiveOpinion(seat, step, "Favorable.")
    yield AddStep(seat, step, any_step(chance, StepKind.APPROVAL, 90 + chance.randint(0, 3)))
    yield ForceStep(seat, step, chance.choice((REASON, "")))
    yield Migrate(seat, chance.choice((VERSION, OTHER_VERSION)), redrawn(state))


def acts_of_the_outside(step: StepId) -> Iterator[Action]:
    """What the machine may record."""
    yield RecordOutside(step, accepted=True)
    yield RecordOutside(step, accepted=False, reason="Refusé.")
    yield ClaimTransmission(TRANSMISSION)
    yield RecordTransmitted(TRANSMISSION, "4217")
    yield RecordTransmitted(TRANSMISSION, None)
    yield RecordAcknowledged(TRANSMISSION)
    yield RecordRemoteRefusal(TRANSMISSION, RefusedBy.RECIPIENT, "CodCol inconnu.")
    yield RecordTransmissionError(TRANSMISSION, "Le certificat est expiré.")


class AnyLife(RuleBasedStateMachine):
    """A folder, its twin on paper, and a town that changes around them."""

    def __init__(self) -> None:
        super().__init__()
        self.town = Town()
        created = open_draft(FolderId("folder-1"), ADA_AT_RECEPTION, REGISTER, NOW)
        self.state = evolve(None, created)
        self.paper = PaperFolder(self.town, ADA_AT_RECEPTION)

    @initialize(fit=st.frozensets(st.sampled_from(SIGNERS), min_size=1))
    def certificates(self, fit: frozenset[PersonId]) -> None:
        self.town.fit = set(fit)

    @rule(place=st.sampled_from(PLACES))
    def somebody_leaves_a_desk_or_comes_back(self, place: tuple[DeskId, PersonId]) -> None:
        self.town.holders ^= {place}

    @rule(person=st.sampled_from(PEOPLE), other=st.sampled_from(PEOPLE))
    def somebody_goes_away_or_comes_back(self, person: PersonId, other: PersonId) -> None:
        if self.town.away.pop(person, None) is None:
            self.town.away[person] = other

    @rule(place=st.sampled_from(PLACES), other=st.sampled_from(PEOPLE))
    def a_delegation_begins_or_ends(self, place: tuple[DeskId, PersonId], other: PersonId) -> None:
        desk, person = place
        if self.town.delegates.pop(desk, None) is None and other != person:
            self.town.delegates[desk] = (person, other)

    @rule(seed=SEEDS)
    def ten_acts(self, seed: int) -> None:
        chance = Random(seed)
        for _ in range(10):
            self._try(self._drawn(chance))

    def _drawn(self, chance: Random) -> Action:
        """Mostly an act that the rules allow, each kind as often as another."""
        acts = list(any_acts(self.state, chance))
        chance.shuffle(acts)
        if chance.random() < 0.3:
            return acts[0]
        allowed = {type(one): one for one in acts if self.paper.may(one)}
        onwards = [one for one in allowed.values() if not isinstance(one, BACKWARDS)]
        return chance.choice([*onwards * 3, *allowed.values()] or acts)

    def _try(self, action: Action) -> None:
        status, expected = self.state.status, self.paper.may(action)
        events: tuple[Event, ...] = ()
        try:
            events = decide(self.state, action, self.town.register(), self.town.facts(), NOW)
        except Refused as refusal:
            MET.count(action.kind, status, accepted=False)
            code = refusal.code
        else:
            code = ""
        assert expected == (code == ""), (code, action)
        if code:
            return
        assert status in EXPECTED[action.kind]
        MET.count(action.kind, status, accepted=True)
        for event in events:
            self.state = evolve(self.state, event)
        self.paper.follow(action, _for_whom(events))
        self._compare()

    def _compare(self) -> None:
        now, turn, current = self.paper.now, self.paper.turn, self.state.current_step
        assert self.state.status is now.status
        assert (current and current.id) == (turn and turn.step.id)
        if current is not None and turn is not None:
            assert set(self.state.desks_awaited_at(current.id)) == turn.awaited
        assert [one.id for one in self.state.steps] == [one.step.id for one in now.turns]
        assert to_read(self.state) == now.documents
        assert set(self.state.recused) == self.paper.recused

    @invariant()
    def those_who_may_pass_are_those_of_the_model(self) -> None:
        current = self.state.current_step
        if current is None or current.kind not in PERSON_STEPS:
            return
        who = who_may_pass(self.state, self.town.register(), self.town.facts(), NOW)
        assert {(one.person, one.power.desk) for one in who.able} == self.paper.able()

    @invariant()
    def a_dead_end_is_reported(self) -> None:
        current = self.state.current_step
        if current is None or current.kind not in PERSON_STEPS:
            return
        who = who_may_pass(self.state, self.town.register(), self.town.facts(), NOW)
        assert bool(who.nobody) == self.paper.is_stuck()
        assert bool(who.detail) == self.paper.is_stuck()


def _for_whom(events: tuple[Event, ...]) -> PersonId | None:
    """In whose name the act was done, as its first event says."""
    by: Authorship | None = getattr(events[0], "by", None) if events else None
    return None if by is None else by.power.on_behalf_of


def test_engine_and_model_agree_on_any_life_of_a_folder(scaled: Callable[[int, int], int]) -> None:
    run_state_machine_as_test(
        AnyLife,
        settings=settings(
            max_examples=scaled(2000, 60),
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
