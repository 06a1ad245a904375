"""What a folder would meet in its circuit: the same engine and powers, walked in advance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from workflows.actions import (
    Action,
    Approve,
    Archive,
    ChosenDesk,
    ClaimTransmission,
    Read,
    RecordAcknowledged,
    RecordOutside,
    RecordTransmitted,
    Seal,
    Sign,
    Submit,
)
from workflows.definition import (
    OUTSIDE_STEPS,
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
    RevisionChange,
    RevisionId,
    StepInstance,
    TransmissionId,
    WorkflowVersionId,
)
from workflows.obstacles import WhoMayAct
from workflows.presence import is_away
from workflows.register import NO_FACTS, Authorship, Facts, PersonAtDesk, PowerRegister
from workflows.turning_points import turning_points

_FOLDER = FolderId("simulated")
_VERSION = WorkflowVersionId("simulated")
_TRANSMISSION = TransmissionId("simulated")
_MOST_ACTS = 200
"""How many acts are tried, other choices of persons included, before the first walk stands."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the simulation takes for granted.

    `facts` are those of the folder, the same at every step; `durations` how long a step is known
    to take, by its id (none: it is passed as soon as it may be).
    """

    submitter: PersonAtDesk
    deposited_at: datetime
    workflow: Workflow
    register: PowerRegister
    facts: Facts = NO_FACTS
    rules: FolderRules = NO_RULES
    chosen_desks: tuple[ChosenDesk, ...] = ()
    durations: Mapping[StepId, timedelta] = field(default_factory=dict)


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
class Simulation:
    """The path, on past the waits that end by themselves, and where it stops.

    `refusal` is the code and the sentence of what the engine refused at the last stage (at the
    submission where there is none). `otherwise` is the walk that other persons, just as able,
    would bring to a stop, where only some choices lead to the end.
    """

    outcome: Outcome
    stages: tuple[Stage, ...]
    refusal: tuple[str, str] | None = None
    otherwise: Simulation | None = None

    @property
    def blocked_at(self) -> Stage | None:
        """The first stage at which the folder would wait for nobody."""
        return next((one for one in self.stages if one.waits), None)


@dataclass(frozen=True, slots=True)
class _Walk:
    """A folder on its way: the stages behind it, and the one that has begun."""

    state: FolderState
    instant: datetime
    stages: tuple[Stage, ...] = ()
    here: Stage | None = None


def simulate(given: Assumptions) -> Simulation:
    """Walks a folder through its circuit as production would, somebody present acting each time.

    Never raises for a refusal of the engine: it is the outcome. Persons who are away are never
    counted upon. The outside and the transmission are taken to answer well. The first person
    able acts; where a duty then stops the folder, others are tried in his place.
    """
    try:
        pending = [_submitted(given)]
    except Refused as refused:
        return Simulation(Outcome.REFUSED, (), (refused.code, refused.detail))
    stopped: list[Simulation] = []
    acts = 0
    while pending and not (stopped and acts > _MOST_ACTS):
        acts += 1
        after = _next(pending.pop(), given)
        if not isinstance(after, Simulation):
            pending.extend(reversed(after))
        elif after.outcome is Outcome.COMPLETED:
            return replace(after, otherwise=stopped[0] if stopped else None)
        else:
            stopped.append(after)
    return stopped[0]


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
            return (_moved(walk, walk.here, _answered(walk, current.step, given)),)
        return _acted(walk, walk.here, current.step, given)
    except Refused as refused:
        stages = (*walk.stages, walk.here)
        return Simulation(Outcome.REFUSED, stages, (refused.code, refused.detail))


def _begun(walk: _Walk, current: StepInstance, given: Assumptions) -> _Walk:
    """The stage begins; its acts come once the usual time of the step has passed."""
    able = who_may_pass(walk.state, given.register, given.facts, walk.instant)
    step = current.step
    here = Stage(step.id, step.name, step.kind, step.mode, desks_of(step), walk.instant, able)
    usual = given.durations.get(step.id, timedelta())
    return replace(walk, here=here, instant=walk.instant + usual)


def _acted(
    walk: _Walk, here: Stage, step: Step, given: Assumptions
) -> Simulation | tuple[_Walk, ...]:
    """The walk after the act of each of those who may be counted upon; after that of the first,
    where no duty lets it matter who it is."""
    choices = _counted_upon(walk.state, given, walk.instant)
    if not choices:
        return _waited(walk, here, given)
    if not walk.state.duties:
        choices = choices[:1]
    return tuple(
        _moved(
            walk,
            replace(here, turns=(*here.turns, Turn(by, walk.instant))),
            _passed(walk.state, step, by, given, walk.instant),
        )
        for by in choices
    )


def _waited(walk: _Walk, here: Stage, given: Assumptions) -> Simulation | tuple[_Walk, ...]:
    """The walk once somebody may act, or its end where nobody ever may."""
    later = (one for one in turning_points(given.register) if one > walk.instant)
    until = next((one for one in later if _counted_upon(walk.state, given, one)), None)
    why = who_may_pass(walk.state, given.register, given.facts, walk.instant)
    wait = Wait(_since(walk, here, given), why, until)
    if until is None:
        stopped = replace(here, waits=(*here.waits, wait))
        return Simulation(Outcome.BLOCKED, (*walk.stages, stopped))
    wait = replace(wait, then=who_may_pass(walk.state, given.register, given.facts, until))
    here = replace(here, waits=(*here.waits, wait))
    return (replace(walk, here=here, instant=until),)


def _since(walk: _Walk, here: Stage, given: Assumptions) -> datetime:
    """From when on nobody could be counted upon, up to now, once the stage had begun."""
    since = walk.instant
    points = [one for one in turning_points(given.register) if here.starts_at < one < since]
    for instant in (*reversed(points), here.starts_at):
        if _counted_upon(walk.state, given, instant):
            break
        since = instant
    return since


def _counted_upon(
    state: FolderState, given: Assumptions, instant: datetime
) -> tuple[Authorship, ...]:
    """Those present who may do the part of a desk that is still awaited, in their order."""
    return tuple(
        one
        for one in who_may_pass(state, given.register, given.facts, instant).able
        if not is_away(given.register, one.person, one.power.desk, instant)
    )


def _moved(walk: _Walk, here: Stage, state: FolderState) -> _Walk:
    """The walk with that state: the stage goes on, or it is behind."""
    current = state.current_step
    if current is not None and current.id == here.step:
        return replace(walk, state=state, here=here)
    stages = (*walk.stages, replace(here, ends_at=walk.instant))
    return _Walk(state, walk.instant, stages)


def _passed(
    state: FolderState, step: Step, by: Authorship, given: Assumptions, instant: datetime
) -> FolderState:
    if state.rules.mandatory_reading:
        revisions = tuple(one.revision.id for one in state.signable_documents)
        state = _after(state, Read(by.seat, revisions), given, instant)
    return _after(state, _passing_act(state, step, by), given, instant)


def _passing_act(state: FolderState, step: Step, by: Authorship) -> Action:
    match step.kind:
        case StepKind.SIGNATURE:
            return Sign(by.seat, step.id, _changed(state))
        case StepKind.SEAL:
            return Seal(by.seat, step.id, _changed(state))
        case StepKind.ARCHIVE:
            return Archive(by.seat, step.id)
        case _:
            return Approve(by.seat, step.id, state.documents)


def _changed(state: FolderState) -> tuple[RevisionChange, ...]:
    mark = str(state.version)
    return tuple(
        RevisionChange(one.id, one.revision, Revision(RevisionId(mark), mark.rjust(64, "0")))
        for one in state.signable_documents
    )


def _answered(walk: _Walk, step: Step, given: Assumptions) -> FolderState:
    """The outside answered well, or the transmission went through."""
    if step.kind in OUTSIDE_STEPS:
        return _after(walk.state, RecordOutside(step.id, accepted=True), given, walk.instant)
    state = walk.state
    for act in (
        ClaimTransmission(_TRANSMISSION),
        RecordTransmitted(_TRANSMISSION, None),
        RecordAcknowledged(_TRANSMISSION),
    ):
        state = _after(state, act, given, walk.instant)
    return state


def _after(
    state: FolderState, action: Action, given: Assumptions, instant: datetime
) -> FolderState:
    for event in decide(state, action, given.register, given.facts, instant):
        state = evolve(state, event)
    return state
