"""What each event makes of a folder: the state is nothing but its events, applied in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from workflows.definition import StepId, StepKind, given_desk
from workflows.errors import BrokenHistory
from workflows.events import (
    Acknowledged,
    Approved,
    Cancelled,
    Completed,
    Created,
    EndEvent,
    Event,
    Rejected,
    RemoteRefused,
    Resubmitted,
    Retracted,
    Signed,
    StartEvent,
    StepEvent,
    StepStarted,
    Submitted,
    TransmissionClaimed,
    TransmissionEvent,
    TransmissionFailed,
    Transmitted,
)
from workflows.folder import (
    Act,
    ActKind,
    Document,
    FolderState,
    FolderStatus,
    RevisionChange,
    StepInstance,
    StepState,
    Transmission,
)
from workflows.powers import Authorship, PersonAtDesk


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
        return FolderState(id=event.folder, submitter=_seat(event.by))
    if state is None:
        raise BrokenHistory(f"{event.type} before the creation of the folder")
    return replace(_apply(state, event), version=state.version + 1)


def _apply(
    state: FolderState, event: StartEvent | StepEvent | EndEvent | TransmissionEvent
) -> FolderState:
    match event:
        case Submitted() | Resubmitted():
            return _start(state, event)
        case StepStarted() | Approved() | Signed() | Rejected() | Retracted():
            return _at_step(state, event)
        case Completed():
            return replace(state, status=FolderStatus.COMPLETED)
        case Cancelled():
            act = Act(ActKind.CANCEL, state.round, event.by, event.occurred_at)
            return replace(state, status=FolderStatus.CANCELLED, acts=(*state.acts, act))
        case _:
            return _transmit(state, event)


def _start(state: FolderState, event: StartEvent) -> FolderState:
    if isinstance(event, Submitted):
        kind, steps, pinned = ActKind.SUBMIT, event.steps, event.workflow_version
    else:
        if state.workflow_version is None:
            raise BrokenHistory("a draft is submitted before it is resubmitted")
        kind, pinned = ActKind.RESUBMIT, state.workflow_version
        steps = tuple(instance.step for instance in state.steps)
    return replace(
        state,
        status=FolderStatus.PENDING,
        submitter=_seat(event.by),
        round=event.round,
        workflow_version=pinned,
        steps=tuple(StepInstance(step) for step in steps),
        documents=event.documents,
        acts=(*state.acts, Act(kind, event.round, event.by, event.occurred_at)),
        transmission=None,
    )


def _at_step(state: FolderState, event: StepEvent) -> FolderState:
    match event:
        case StepStarted():
            return _step_started(state, event)
        case Approved():
            act = Act(ActKind.APPROVE, state.round, event.by, event.occurred_at, event.step)
            return _outcome(state, event.step, StepState.DONE, act)
        case Signed():
            act = Act(
                ActKind.SIGN,
                state.round,
                event.by,
                event.occurred_at,
                event.step,
                changes=event.changes,
            )
            signed = replace(state, documents=_changed(state.documents, event.changes))
            return _outcome(signed, event.step, StepState.DONE, act)
        case Rejected():
            act = Act(
                ActKind.REJECT,
                state.round,
                event.by,
                event.occurred_at,
                event.step,
                reason=event.reason,
            )
            stopped = replace(state, status=FolderStatus.REJECTED)
            return _outcome(stopped, event.step, StepState.STOPPED, act)
        case Retracted():
            return _retracted(state, event)
        case _:
            assert_never(event)


def _step_started(state: FolderState, event: StepStarted) -> FolderState:
    instance = _instance(state, event.step)
    started = StepInstance(
        replace(instance.step, actors=tuple(given_desk(desk) for desk in event.desks)),
        StepState.CURRENT,
        event.occurred_at,
    )
    status = (
        FolderStatus.AWAITING_TRANSMISSION
        if event.kind is StepKind.TRANSMISSION
        else FolderStatus.PENDING
    )
    return replace(_with_step(state, started), status=status)


def _outcome(state: FolderState, step: StepId, outcome: StepState, act: Act) -> FolderState:
    passed = replace(_instance(state, step), state=outcome)
    return replace(_with_step(state, passed), acts=(*state.acts, act))


def _retracted(state: FolderState, event: Retracted) -> FolderState:
    acts = _marked(state, event.step, event.occurred_at)
    if event.step is None:
        return replace(
            state,
            status=FolderStatus.DRAFT,
            workflow_version=None,
            steps=(),
            documents=(),
            acts=acts,
        )
    current = state.current_step
    if current is not None:
        state = _with_step(state, StepInstance(current.step))
    again = replace(_instance(state, event.step), state=StepState.CURRENT)
    return replace(
        _with_step(state, again),
        status=FolderStatus.PENDING,
        documents=_changed(state.documents, event.restored),
        acts=acts,
    )


def _marked(state: FolderState, step: StepId | None, at: datetime) -> tuple[Act, ...]:
    """The acts, the last one that stands at the step marked as taken back."""
    standing = [act for act in state.standing_acts if act.step == step]
    if not standing:
        raise BrokenHistory("nothing stands that could be retracted")
    return tuple(
        replace(act, retracted_at=at) if act is standing[-1] else act for act in state.acts
    )


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
            done = _with_step(state, replace(step, state=StepState.DONE))
            return replace(done, status=FolderStatus.ACKNOWLEDGED, transmission=answered)
        case RemoteRefused():
            stopped = _with_step(state, replace(step, state=StepState.STOPPED))
            return replace(stopped, status=FolderStatus.REMOTE_REFUSED)
        case TransmissionFailed():
            return replace(state, status=FolderStatus.TRANSMISSION_FAILED)
        case _:
            assert_never(event)


def _seat(by: Authorship) -> PersonAtDesk:
    return PersonAtDesk(by.person, by.power.desk)


def _instance(state: FolderState, step: StepId) -> StepInstance:
    found = state.step(step)
    if found is None:
        raise BrokenHistory(f"the circuit has no step {step}")
    return found


def _with_step(state: FolderState, changed: StepInstance) -> FolderState:
    return replace(
        state,
        steps=tuple(changed if one.id == changed.id else one for one in state.steps),
    )


def _changed(
    documents: tuple[Document, ...], changes: tuple[RevisionChange, ...]
) -> tuple[Document, ...]:
    after = {change.document: change.after for change in changes}
    return tuple(replace(one, revision=after.get(one.id, one.revision)) for one in documents)
