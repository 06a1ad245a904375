"""What each event makes of a folder: the state is nothing but its events, applied in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from workflows.errors import BrokenHistory
from workflows.events import (
    Cancelled,
    Chained,
    Completed,
    Corrected,
    Created,
    DocumentsRead,
    EndEvent,
    Event,
    Migrated,
    OpinionAsked,
    OpinionGiven,
    Recused,
    Resubmitted,
    SideEvent,
    StartEvent,
    StepEvent,
    ValidationStarted,
    WorkflowEvent,
)
from workflows.folder import (
    BACK_STATUSES,
    FolderState,
    FolderStatus,
    Opinion,
    Reading,
    StepInstance,
    StepState,
    Transmission,
)
from workflows.outside_events import (
    Acknowledged,
    RemoteRefused,
    TransmissionClaimed,
    TransmissionEvent,
    TransmissionFailed,
    Transmitted,
)
from workflows.register import PersonId
from workflows.step_evolution import act_of, at_step, migrated, resubmitted, with_step


def replay(events: Iterable[Event]) -> FolderState:
    """The state after these events, oldest first. BrokenHistory when they do not follow."""
    state: FolderState | None = None
    for event in events:
        state = evolve(state, event)
    if state is None:
        raise BrokenHistory("a folder has at least the event of its creation")
    return state


def evolve(state: FolderState | None, event: Event) -> FolderState:
    """The state after one more event; no state stands before `Created`.

    It decides nothing: an event that `decide` produced always applies. BrokenHistory when the
    event cannot follow.
    """
    if isinstance(event, Created):
        if state is not None:
            raise BrokenHistory("a folder is created once")
        return FolderState(id=event.folder, submitter=event.by.seat, submitters=event.by.names)
    if state is None:
        raise BrokenHistory(f"{event.type} before the creation of the folder")
    return replace(_apply(state, event), version=state.version + 1)


def _apply(
    state: FolderState,
    event: StartEvent | StepEvent | SideEvent | WorkflowEvent | EndEvent | TransmissionEvent,
) -> FolderState:
    if isinstance(event, StartEvent):
        return _start(state, event)
    if isinstance(event, StepEvent):
        return at_step(state, event)
    if isinstance(event, SideEvent):
        return _beside(state, event)
    if isinstance(event, EndEvent):
        return _end(state, event)
    if isinstance(event, TransmissionEvent):
        return _transmit(state, event)
    match event:
        case ValidationStarted():
            return replace(state, documents=event.documents)
        case Migrated():
            return migrated(state, event)
        case _:
            assert_never(event)


def _start(state: FolderState, event: StartEvent) -> FolderState:
    if isinstance(event, Resubmitted):
        if state.workflow_version is None:
            raise BrokenHistory("a draft is submitted before it is resubmitted")
        started = resubmitted(state, event)
    else:
        started = replace(
            state,
            workflow_version=event.workflow_version,
            steps=tuple(StepInstance(step) for step in event.steps),
            rules=event.rules,
            duties=event.duties,
            final_desk=event.final_desk,
            informed_at_end=event.informed_at_end,
            migrated_from=None,
        )
    entered = replace(
        started,
        status=FolderStatus.PENDING,
        submitter=event.by.seat,
        submitters=_with(state.submitters, event.by.names),
        round=event.round,
        documents=event.documents,
        transmission=None,
        opinions=tuple(one for one in started.opinions if one.answered_by is not None),
        corrected=False,
    )
    return replace(entered, acts=(*entered.acts, act_of(entered, event)))


def _with(known: tuple[PersonId, ...], new: tuple[PersonId, ...]) -> tuple[PersonId, ...]:
    return tuple(dict.fromkeys((*known, *new)))


def _beside(state: FolderState, event: SideEvent) -> FolderState:
    match event:
        case DocumentsRead():
            read = tuple(Reading(event.by.person, one) for one in event.revisions)
            return replace(state, readings=(*state.readings, *read))
        case OpinionAsked():
            asked = Opinion(event.step, event.desk, event.by, event.question)
            return replace(state, opinions=(*state.opinions, asked))
        case OpinionGiven():
            return _opinion_given(state, event)
        case Recused():
            return replace(state, recused=(*state.recused, event.by.person))
        case Corrected():
            return _corrected(state, event)
        case _:
            assert_never(event)


def _corrected(state: FolderState, event: Corrected) -> FolderState:
    if state.in_preparation:
        return replace(state, preparers=_with(state.preparers, event.names))
    is_back = state.status in BACK_STATUSES
    return replace(state, corrected=is_back, submitters=_with(state.submitters, event.names))


def _opinion_given(state: FolderState, event: OpinionGiven) -> FolderState:
    awaited = state.opinion_awaited(event.step, event.by.power.desk)
    if awaited is None:
        raise BrokenHistory("an opinion that nobody asked")
    given = replace(awaited, answered_by=event.by, answer=event.answer)
    return replace(
        state, opinions=tuple(given if one is awaited else one for one in state.opinions)
    )


def _end(state: FolderState, event: EndEvent) -> FolderState:
    match event:
        case Completed():
            return replace(state, status=FolderStatus.COMPLETED)
        case Cancelled():
            return _cancelled(state, event)
        case Chained():
            return replace(state, chained_to=event.folder)
        case _:
            assert_never(event)


def _cancelled(state: FolderState, event: Cancelled) -> FolderState:
    """A transmission that failed still had its turn."""
    current = state.current_step
    if current is not None:
        state = with_step(state, replace(current, state=StepState.STOPPED))
    acts = (*state.acts, act_of(state, event))
    return replace(state, status=FolderStatus.CANCELLED, acts=acts)


def _transmit(state: FolderState, event: TransmissionEvent) -> FolderState:
    if isinstance(event, TransmissionClaimed):
        return replace(
            state,
            status=FolderStatus.TRANSMITTING,
            transmission=Transmission(event.transmission),
        )
    step = state.current_step
    if state.transmission is None or step is None:
        raise BrokenHistory(f"{event.type} without a transmission")
    match event:
        case Transmitted():
            sent = replace(state.transmission, remote_id=event.remote_id)
            return replace(state, status=FolderStatus.TRANSMITTED, transmission=sent)
        case Acknowledged():
            answered = replace(
                state.transmission, reference=event.reference, received_on=event.received_on
            )
            done = with_step(state, replace(step, state=StepState.DONE))
            return replace(done, status=FolderStatus.ACKNOWLEDGED, transmission=answered)
        case RemoteRefused():
            stopped = with_step(state, replace(step, state=StepState.STOPPED))
            return replace(stopped, status=FolderStatus.REMOTE_REFUSED)
        case TransmissionFailed():
            return replace(state, status=FolderStatus.TRANSMISSION_FAILED)
        case _:
            assert_never(event)
