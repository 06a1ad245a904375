"""What a folder would meet in its circuit: the same engine and powers, walked in advance."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from workflows.actions import Action, Read, Submit
from workflows.definition import (
    OUTSIDE_STEPS,
    ActorKind,
    ChosenDesk,
    DeskId,
    Step,
    StepId,
    StepKind,
    StepMode,
    Workflow,
    desks_of,
)
from workflows.encoding import in_utc
from workflows.engine import decide, open_draft, who_may_pass
from workflows.errors import Refused
from workflows.evolution import evolve
from workflows.folder import (
    NO_RULES,
    Document,
    DocumentId,
    DocumentRole,
    FolderId,
    FolderRules,
    FolderState,
    Revision,
    RevisionId,
    StepInstance,
    StepState,
    WorkflowVersionId,
)
from workflows.obstacles import WhoMayAct
from workflows.periods import Period
from workflows.presence import is_away
from workflows.register import (
    NO_FACTS,
    Authorship,
    Facts,
    PersonAtDesk,
    PersonId,
    PowerRegister,
)
from workflows.simulated_acts import answers, passing_act
from workflows.turning_points import turning_points

_FOLDER = FolderId("simulated")
_VERSION = WorkflowVersionId("simulated")
_MOST_ACTS = 200
"""How many acts are tried, other choices of persons included, once a first walk is known."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the simulation takes for granted.

    `facts` are those of the folder, the same at every step; `certified` when persons hold a
    certificate fit to sign it, beside those whom `facts` say fit at any time; `durations` how long
    a step is known to take, by its id (none: it is passed as soon as it may be). Without
    `has_account` nothing could be sent yet: the walk goes on as if an account were chosen in time.
    """

    submitter: PersonAtDesk
    deposited_at: datetime
    workflow: Workflow
    register: PowerRegister
    facts: Facts = NO_FACTS
    rules: FolderRules = NO_RULES
    chosen_desks: tuple[ChosenDesk, ...] = ()
    durations: Mapping[StepId, timedelta] = field(default_factory=dict)
    certified: Mapping[PersonId, tuple[Period, ...]] = field(default_factory=dict)
    has_account: bool = True

    def facts_at(self, instant: datetime) -> Facts:
        """The facts, with whoever may sign at the instant."""
        fit = (
            person
            for person, periods in self.certified.items()
            if any(one.covers(instant) for one in periods)
        )
        return replace(self.facts, fit_signers=self.facts.fit_signers.union(fit))

    @property
    def turning_points(self) -> tuple[datetime, ...]:
        """When powers or certificates change by themselves, each instant once, in their order."""
        periods = [one for those in self.certified.values() for one in those]
        known = {*(one.start for one in periods), *(one.end for one in periods if one.end)}
        return tuple(sorted(known.union(turning_points(self.register))))


class Outcome(StrEnum):
    """How the walk goes: `blocked` when the folder waits for nobody at a step, for a time or for
    good; `refused` when an act that is due is not accepted."""

    COMPLETED = "completed"
    BLOCKED = "blocked"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Wait:
    """Nobody can be counted upon from `since` on, `why` says what is missing. `until` is the
    first instant at which somebody may act as the register stands, `then` says who; both are
    None where nobody ever may."""

    since: datetime
    why: WhoMayAct
    until: datetime | None = None
    then: WhoMayAct | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody is taken to act, at that instant."""

    by: Authorship
    at: datetime


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the walk: who may act there at `starts_at` and by which power, who is taken to
    do so and when it is passed. A stage at which the walk stops has no `ends_at`."""

    step: StepId
    name: str
    kind: StepKind
    mode: StepMode
    desks: tuple[DeskId, ...]
    starts_at: datetime
    able: WhoMayAct
    turns: tuple[Turn, ...] = ()
    waits: tuple[Wait, ...] = ()
    ends_at: datetime | None = None

    @property
    def actors(self) -> tuple[Authorship, ...]:
        """Those who are taken to act, in their order."""
        return tuple(one.by for one in self.turns)


@dataclass(frozen=True, slots=True)
class EngineRefusal:
    """The code and the French sentence by which the engine refused an act."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Simulation:
    """The path, on past the waits that end by themselves, and where it stops.

    `refusal` is what the engine refused at the last stage (at the submission where there is none).
    `otherwise` is the walk that other persons, just as able, would bring to a stop, where only
    some choices lead to the end.
    """

    outcome: Outcome
    stages: tuple[Stage, ...]
    refusal: EngineRefusal | None = None
    otherwise: Simulation | None = None

    @property
    def reaches_the_end(self) -> bool:
        """Whether the folder comes to the end of its circuit, be it after a wait."""
        is_refused = self.outcome is Outcome.REFUSED
        return not is_refused and all(one.ends_at is not None for one in self.stages)


@dataclass(frozen=True, slots=True)
class _Walk:
    """A folder on its way: the stages behind it, the one that has begun, and who then acts."""

    state: FolderState
    instant: datetime
    stages: tuple[Stage, ...] = ()
    here: Stage | None = None
    by: Authorship | None = None


def simulate(given: Assumptions) -> Simulation:
    """Walks a folder through its circuit as production would, somebody present acting each time.

    Never raises for a refusal of the engine: it is the outcome. Persons who are away are never
    counted upon. The outside and the transmission are taken to answer well. The first person
    able acts; where it matters who it is, others are tried in his place, and a walk that reaches
    the end is told before one that stops.
    """
    try:
        pending = deque([_submitted(given)])
    except Refused as refused:
        return Simulation(Outcome.REFUSED, (), EngineRefusal(refused.code, refused.detail))
    told: list[Simulation] = []
    acts = 0
    while pending and not (told and acts > _MOST_ACTS) and not _is_settled(told):
        acts += 1
        after = _next(pending.popleft(), given)
        if isinstance(after, Simulation):
            told.append(after)
            continue
        # Those who differ from the first walk in one person come before those who do in two.
        pending.appendleft(after[0])
        pending.extend(after[1:])
    return _conclusion(told)


def _is_settled(told: list[Simulation]) -> bool:
    """Whether more walks would add nothing: one goes through, and one stops for good."""
    return any(one.outcome is Outcome.COMPLETED for one in told) and any(
        not one.reaches_the_end for one in told
    )


def _conclusion(told: list[Simulation]) -> Simulation:
    """The first walk that goes through, else the first that reaches the end after a wait, else
    the first."""
    ended = [one for one in told if one.reaches_the_end]
    if not ended:
        return told[0]
    best = next((one for one in ended if one.outcome is Outcome.COMPLETED), ended[0])
    return replace(best, otherwise=next((one for one in told if not one.reaches_the_end), None))


def _submitted(given: Assumptions) -> _Walk:
    now = in_utc(given.deposited_at)
    state = evolve(None, open_draft(_FOLDER, given.submitter, given.register, now))
    document = Document(
        DocumentId("document"), DocumentRole.MAIN_DOCUMENT, Revision(RevisionId("0"), "0" * 64)
    )
    submission = Submit(
        given.submitter, _VERSION, given.workflow, (document,), given.chosen_desks, given.rules
    )
    return _Walk(_after(state, submission, given, now), now)


def _next(walk: _Walk, given: Assumptions) -> Simulation | tuple[_Walk, ...]:
    """The walks that one act more may lead to, or how this one ends."""
    current = walk.state.current_step
    if current is None or walk.state.is_final:
        blocked = any(one.waits for one in walk.stages)
        return Simulation(Outcome.BLOCKED if blocked else Outcome.COMPLETED, walk.stages)
    if walk.here is None:
        walk = _begun(walk, current, given)
    assert walk.here is not None
    try:
        if current.kind in OUTSIDE_STEPS or current.kind is StepKind.TRANSMISSION:
            state = walk.state
            for act in answers(current.step):
                state = _after(state, act, given, walk.instant)
            return (_moved(walk, walk.here, state),)
        return _acted(walk, walk.here, current.step, given)
    except Refused as refused:
        stages = (*walk.stages, walk.here)
        return Simulation(Outcome.REFUSED, stages, EngineRefusal(refused.code, refused.detail))


def _begun(walk: _Walk, current: StepInstance, given: Assumptions) -> _Walk:
    """The stage begins; its acts come once the usual time of the step has passed."""
    able = _who_may_pass(walk.state, given, walk.instant)
    step = current.step
    here = Stage(step.id, step.name, step.kind, step.mode, desks_of(step), walk.instant, able)
    usual = given.durations.get(step.id, timedelta())
    return replace(walk, here=here, instant=walk.instant + usual)


def _acted(
    walk: _Walk, here: Stage, step: Step, given: Assumptions
) -> Simulation | tuple[_Walk, ...]:
    """The walk after the act of the first of those who matter, and those that the others begin."""
    first, *others = (walk.by,) if walk.by is not None else _choices(walk, given) or (None,)
    if first is None:
        return _waited(walk, here, given)
    after = _passed(walk.state, step, first, given, walk.instant)
    acted = replace(here, turns=(*here.turns, Turn(first, walk.instant)))
    return (_moved(walk, acted, after), *(replace(walk, by=one) for one in others))


def _choices(walk: _Walk, given: Assumptions) -> tuple[Authorship, ...]:
    """Those who may be counted upon, where a duty lets it matter who acts; one of each desk where
    a boss comes later; else the first."""
    able = _counted_upon(walk.state, given, walk.instant)
    if walk.state.duties:
        return able
    return _one_of_each_desk(able) if _awaits_a_boss(walk.state) else able[:1]


def _one_of_each_desk(choices: tuple[Authorship, ...]) -> tuple[Authorship, ...]:
    first: dict[DeskId, Authorship] = {}
    for one in choices:
        first.setdefault(one.power.desk, one)
    return tuple(first.values())


def _awaits_a_boss(state: FolderState) -> bool:
    waiting = (one.step for one in state.steps if one.state is StepState.WAITING)
    return any(actor.kind is ActorKind.BOSS_OF for step in waiting for actor in step.actors)


def _waited(walk: _Walk, here: Stage, given: Assumptions) -> Simulation | tuple[_Walk, ...]:
    """The walk once somebody may act, or its end where nobody ever may."""
    later = (one for one in given.turning_points if one > walk.instant)
    until = next((one for one in later if _counted_upon(walk.state, given, one)), None)
    why = _who_may_pass(walk.state, given, walk.instant)
    wait = Wait(_since(walk, here, given), why, until)
    if until is None:
        stopped = replace(here, waits=(*here.waits, wait))
        return Simulation(Outcome.BLOCKED, (*walk.stages, stopped))
    wait = replace(wait, then=_who_may_pass(walk.state, given, until))
    here = replace(here, waits=(*here.waits, wait))
    return (replace(walk, here=here, instant=until),)


def _since(walk: _Walk, here: Stage, given: Assumptions) -> datetime:
    """From when on nobody could be counted upon, up to now, once the stage had begun."""
    since = walk.instant
    points = [one for one in given.turning_points if here.starts_at < one < since]
    for instant in (*reversed(points), here.starts_at):
        if _counted_upon(walk.state, given, instant):
            break
        since = instant
    return since


def _who_may_pass(state: FolderState, given: Assumptions, instant: datetime) -> WhoMayAct:
    return who_may_pass(state, given.register, given.facts_at(instant), instant)


def _counted_upon(
    state: FolderState, given: Assumptions, instant: datetime
) -> tuple[Authorship, ...]:
    """Those present who may do the part of a desk that is still awaited, in their order."""
    return tuple(
        one
        for one in _who_may_pass(state, given, instant).able
        if not is_away(given.register, one.person, one.power.desk, instant)
    )


def _moved(walk: _Walk, here: Stage, state: FolderState) -> _Walk:
    """The walk with that state: the stage goes on, or it is behind."""
    current = state.current_step
    if current is not None and current.id == here.step:
        return replace(walk, state=state, here=here, by=None)
    stages = (*walk.stages, replace(here, ends_at=walk.instant))
    return _Walk(state, walk.instant, stages)


def _passed(
    state: FolderState, step: Step, by: Authorship, given: Assumptions, instant: datetime
) -> FolderState:
    if state.rules.mandatory_reading:
        revisions = tuple(one.revision.id for one in state.signable_documents)
        state = _after(state, Read(by.seat, revisions), given, instant)
    return _after(state, passing_act(state, step, by), given, instant)


def _after(
    state: FolderState, action: Action, given: Assumptions, instant: datetime
) -> FolderState:
    for event in decide(state, action, given.register, given.facts_at(instant), instant):
        state = evolve(state, event)
    return state
