"""What follows an act by itself: the next step starts, the preparation or the circuit ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workflows.circumstances import Circumstances
from workflows.definition import (
    Actor,
    ActorKind,
    DeskId,
    Phase,
    Step,
    StepKind,
    StepMode,
    given_desk,
)
from workflows.events import (
    Completed,
    Event,
    PassingEvent,
    StartEvent,
    StepForced,
    StepSkipped,
    StepStarted,
    ValidationStarted,
)
from workflows.evolution import evolve
from workflows.folder import (
    PASSING_ACTS,
    Act,
    ActKind,
    Document,
    FolderState,
    StepInstance,
    StepState,
)
from workflows.outside_events import Acknowledged, OutsideAnswered, TransmissionEvent
from workflows.powers import superior_of
from workflows.register import PowerRegister
from workflows.revisions import check_entering
from workflows.step_evolution import with_step


def with_what_follows(
    state: FolderState,
    event: StartEvent | PassingEvent | StepSkipped | StepForced | OutsideAnswered,
    given: Circumstances,
    documents: tuple[Document, ...] | None = None,
) -> tuple[Event, ...]:
    """The event, and what it brings about in the same breath. Raises as `what_follows`."""
    return event, *what_follows(state, evolve(state, event), given, documents)


def what_follows(
    before: FolderState,
    after: FolderState,
    given: Circumstances,
    documents: tuple[Document, ...] | None = None,
) -> tuple[Event, ...]:
    """What comes by itself when a folder went from one state to the other: the next step starts,
    or the circuit is completed; nothing while the current step waits for one of its desks. A step
    that a migration put after the others is done as it starts where those who acted suffice.

    `documents` are those that enter the validation circuit where the preparation ends: the
    folder's own where None. Raises NoMainDocument or DocumentsMismatch for them.
    """
    if after.current_step is not None:
        return ()
    upcoming = after.next_step
    events: list[Event] = []
    if before.in_preparation and (upcoming is None or upcoming.step.phase is Phase.VALIDATION):
        if documents is not None:
            check_entering(after, documents)
        entering = after.documents if documents is None else documents
        events.append(ValidationStarted(given.instant, entering))
    if upcoming is None:
        return (*events, Completed(given.instant))
    start = started(after, upcoming, given)
    turn = with_step(after, replace(upcoming, state=StepState.CURRENT))
    return (*events, start, *what_follows(turn, evolve(after, start), given, documents))


def with_closing_step(
    state: FolderState, event: TransmissionEvent, given: Circumstances
) -> tuple[Event, ...]:
    """The event; an acknowledgement also starts the step that puts the folder away, if any."""
    after = evolve(state, event)
    if not isinstance(event, Acknowledged) or after.next_step is None:
        return (event,)
    return event, started(after, after.next_step, given)


def started(state: FolderState, instance: StepInstance, given: Circumstances) -> StepStarted:
    """The start of a step, entrusted to the desks that its actors are now; the archive step of
    nobody falls to the desk that receives the folder at the end."""
    actors = instance.as_drawn.actors
    if not actors and instance.kind is StepKind.ARCHIVE:
        actors = (given_desk(state.final_desk or state.submitter.desk),)
    desks = desks_for(state, actors, given.register)
    return StepStarted(given.instant, instance.id, instance.kind, desks)


def meets(instance: StepInstance, asked: Step, acts: tuple[Act, ...]) -> bool:
    """Whether a step that the folder passed would be passed as the other version asks it."""
    if any(act.kind is ActKind.SKIP_STEP for act in acts):
        return True
    if instance.state is StepState.SKIPPED:
        return False
    done = instance.as_drawn
    if (done.actors, done.mode) == (asked.actors, asked.mode):
        return True
    acted = [act.by.power.desk for act in acts if act.kind in PASSING_ACTS]
    enough = all if asked.mode is StepMode.ALL_OF else any
    return bool(acted) and enough(actor.desk in acted for actor in asked.actors)


def desks_for(
    state: FolderState, actors: tuple[Actor, ...], register: PowerRegister
) -> tuple[DeskId, ...]:
    """The desks that these actors are now, each once.

    The boss is the desk above the one that acted last in this round, above the submitter's
    where none did. An actor that leads to no desk is left out: an administrator may then
    transfer the step or pass over it.
    """
    return tuple(dict.fromkeys(_desks_for(state, actors, register)))


def _desks_for(
    state: FolderState, actors: tuple[Actor, ...], register: PowerRegister
) -> Iterator[DeskId]:
    for actor in actors:
        desk = actor.desk
        if actor.kind is ActorKind.SUBMITTER:
            desk = state.submitter.desk
        elif actor.kind is ActorKind.BOSS_OF:
            desk = superior_of(register, _last_desk(state))
        if desk is not None:
            yield desk


def _last_desk(state: FolderState) -> DeskId:
    acted = [act.by.power.desk for act in state.standing_acts if act.kind in PASSING_ACTS]
    return acted[-1] if acted else state.submitter.desk
