"""What the events of a circuit make of the steps of a folder, of its acts and its documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias, assert_never

from workflows.definition import Step, StepId, StepKind, StepMode, desks_of, entrusted
from workflows.errors import BrokenHistory
from workflows.events import (
    Approved,
    Archived,
    Cancelled,
    Migrated,
    PassingEvent,
    Rejected,
    Resubmitted,
    Retracted,
    Sealed,
    Signed,
    SignedOnPaper,
    StartEvent,
    StepAdded,
    StepEvent,
    StepForced,
    StepSkipped,
    StepStarted,
    Submitted,
    Transferred,
)
from workflows.folder import (
    NO_RULES,
    PASSING_ACTS,
    Act,
    ActKind,
    Document,
    FolderState,
    FolderStatus,
    RevisionChange,
    StepInstance,
    StepState,
)
from workflows.outside_events import OutsideAnswered

_WAITS_AS: Mapping[StepKind, FolderStatus] = {
    StepKind.TRANSMISSION: FolderStatus.AWAITING_TRANSMISSION,
    StepKind.EXTERNAL: FolderStatus.AWAITING_OUTSIDE,
    StepKind.SECURE_MAIL: FolderStatus.AWAITING_OUTSIDE,
}
"""The status while a step of this kind has its turn; `pending` for the kinds of persons."""

ActEvent: TypeAlias = (
    StartEvent
    | PassingEvent
    | Rejected
    | Transferred
    | StepAdded
    | StepSkipped
    | StepForced
    | Migrated
    | Cancelled
)
"""The events that are acts of persons, told in the life of the folder."""

_ACTS: Mapping[type[ActEvent], ActKind] = {
    Submitted: ActKind.SUBMIT,
    Resubmitted: ActKind.RESUBMIT,
    Approved: ActKind.APPROVE,
    Signed: ActKind.SIGN,
    SignedOnPaper: ActKind.SIGN_ON_PAPER,
    Sealed: ActKind.SEAL,
    Archived: ActKind.ARCHIVE,
    Rejected: ActKind.REJECT,
    Transferred: ActKind.TRANSFER,
    StepAdded: ActKind.ADD_STEP,
    StepSkipped: ActKind.SKIP_STEP,
    StepForced: ActKind.FORCE_STEP,
    Migrated: ActKind.MIGRATE,
    Cancelled: ActKind.CANCEL,
}

_RETURNED = PASSING_ACTS | {ActKind.REJECT, ActKind.SKIP_STEP, ActKind.FORCE_STEP}


def at_step(state: FolderState, event: StepEvent) -> FolderState:
    """The state after an event at a step. BrokenHistory when the circuit has no such step."""
    if isinstance(event, PassingEvent):
        return _passed(state, event)
    match event:
        case StepStarted():
            return _started(state, event)
        case Rejected():
            return _rejected(state, event)
        case Retracted():
            return _retracted(state, event)
        case Transferred():
            return _transferred(state, event)
        case StepAdded():
            return _added(state, event)
        case StepSkipped() | StepForced():
            return _overridden(state, event)
        case OutsideAnswered():
            return _answered(state, event)
        case _:
            assert_never(event)


def act_of(
    state: FolderState,
    event: ActEvent,
    *,
    reason: str | None = None,
    changes: tuple[RevisionChange, ...] = (),
) -> Act:
    """The act that the event is, in the round of the state."""
    step = None if isinstance(event, StartEvent | Migrated | Cancelled) else event.step
    return Act(
        _ACTS[type(event)],
        state.round,
        event.by,
        event.occurred_at,
        step,
        reason=reason,
        changes=changes,
    )


def resubmitted(state: FolderState, event: Resubmitted) -> FolderState:
    """The steps at the start of another round: those whose approvals stand keep them, and these
    become acts of the new round."""
    return replace(
        state,
        steps=tuple(one if one.id in event.kept else _fresh(one) for one in state.steps),
        acts=tuple(
            replace(act, round=event.round)
            if act.step in event.kept and act in state.standing_acts
            else act
            for act in state.acts
        ),
    )


def migrated(state: FolderState, event: Migrated) -> FolderState:
    """The steps of the other version around the current one: those before it are done where
    they were, else skipped; those after it wait."""
    ids = [step.id for step in event.steps]
    current = state.current_step
    if current is None or current.id not in ids:
        raise BrokenHistory("a migration needs the current step in both versions")
    turn = ids.index(current.id)
    here = event.steps[turn]
    pinned = replace(
        state,
        workflow_version=event.workflow_version,
        migrated_from=state,
        steps=(
            *(_behind(state, _brought(state, step)) for step in event.steps[:turn]),
            replace(current, step=entrusted(here, desks_of(current.step)), drawn=here.actors),
            *(_brought(state, step) for step in event.steps[turn + 1 :]),
        ),
        duties=event.duties,
        final_desk=event.final_desk,
        informed_at_end=event.informed_at_end,
        acts=(*state.acts, act_of(state, event)),
    )
    return _settled(pinned, current.id)


def with_step(state: FolderState, changed: StepInstance) -> FolderState:
    """The state with this step in place of the one of the same id."""
    return replace(
        state,
        steps=tuple(changed if one.id == changed.id else one for one in state.steps),
    )


def _passed(state: FolderState, event: PassingEvent) -> FolderState:
    changes = event.changes if isinstance(event, Signed | Sealed) else ()
    act = act_of(state, event, changes=changes)
    instance = _instance(state, event.step)
    acted = replace(state, documents=_changed(state.documents, changes), acts=(*state.acts, act))
    if instance.step.mode is StepMode.ALL_OF:
        return _settled(acted, event.step)
    return with_step(acted, replace(instance, state=StepState.DONE))


def _settled(state: FolderState, step: StepId) -> FolderState:
    """The step is done where enough of its desks have acted."""
    instance = _instance(state, step)
    desks = frozenset(desks_of(instance.step))
    awaited = desks.intersection(state.desks_awaited_at(step))
    enough = not awaited if instance.step.mode is StepMode.ALL_OF else awaited != desks
    if not desks or not enough:
        return state
    return with_step(state, replace(instance, state=StepState.DONE))


def _started(state: FolderState, event: StepStarted) -> FolderState:
    instance = _instance(state, event.step)
    started = replace(
        instance,
        step=entrusted(instance.step, event.desks),
        state=StepState.CURRENT,
        started_at=event.occurred_at,
        drawn=instance.as_drawn.actors,
    )
    status = _WAITS_AS.get(event.kind, FolderStatus.PENDING)
    # An opinion that did not come in an earlier turn of the step is awaited no more.
    opinions = tuple(
        one for one in state.opinions if one.step != event.step or one.answered_by is not None
    )
    begun = replace(with_step(state, started), status=status, opinions=opinions)
    return _settled(begun, event.step)


def _rejected(state: FolderState, event: Rejected) -> FolderState:
    act = act_of(state, event, reason=event.reason)
    if event.returned_to is not None:
        return _returned(state, event, event.returned_to, act)
    stopped = replace(_instance(state, event.step), state=StepState.STOPPED)
    return replace(with_step(state, stopped), status=FolderStatus.REJECTED, acts=(*state.acts, act))


def _returned(state: FolderState, event: Rejected, target: StepId, act: Act) -> FolderState:
    """The target and what follows wait as if they never had their turn."""
    ids = [one.id for one in state.steps]
    turn = ids.index(_instance(state, target).id)
    undone = {
        past
        for past in state.standing_acts
        if past.step in ids[turn:]
        and (past.kind in _RETURNED or (past.kind is ActKind.TRANSFER and past.step != target))
    }
    acts = tuple(
        replace(past, returned_at=event.occurred_at) if past in undone else past
        for past in state.acts
    )
    return replace(
        state,
        steps=(*state.steps[:turn], *(_fresh(one) for one in state.steps[turn:])),
        documents=_changed(state.documents, event.restored),
        acts=(*acts, act),
    )


def _retracted(state: FolderState, event: Retracted) -> FolderState:
    acts = _marked(state, event)
    if event.step is None:
        return replace(
            state,
            status=FolderStatus.DRAFT,
            workflow_version=None,
            steps=(),
            documents=(),
            acts=acts,
            rules=NO_RULES,
            duties=(),
            final_desk=None,
            informed_at_end=(),
            migrated_from=None,
        )
    current = state.current_step
    if current is not None and current.id != event.step:
        state = with_step(state, _fresh(current))
    again = replace(_instance(state, event.step), state=StepState.CURRENT)
    return replace(
        with_step(state, again),
        status=FolderStatus.PENDING,
        documents=_changed(state.documents, event.restored),
        acts=acts,
    )


def _marked(state: FolderState, event: Retracted) -> tuple[Act, ...]:
    """The acts, the last one of this kind that stands at the step marked as taken back."""
    standing = [
        act for act in state.standing_acts if (act.step, act.kind) == (event.step, event.act)
    ]
    if not standing:
        raise BrokenHistory("nothing stands that could be retracted")
    return tuple(
        replace(act, retracted_at=event.occurred_at) if act is standing[-1] else act
        for act in state.acts
    )


def _transferred(state: FolderState, event: Transferred) -> FolderState:
    """The new desk takes the place of the other, the only one where the step had none."""
    instance = _instance(state, event.step)
    desks = tuple(
        event.to_desk if desk == event.from_desk else desk for desk in desks_of(instance.step)
    )
    act = act_of(state, event, reason=event.reason or None)
    handed = replace(instance, step=entrusted(instance.step, desks or (event.to_desk,)))
    return replace(with_step(state, handed), acts=(*state.acts, act))


def _added(state: FolderState, event: StepAdded) -> FolderState:
    turn = [one.id for one in state.steps].index(_instance(state, event.step).id) + 1
    return replace(
        state,
        steps=(
            *state.steps[:turn],
            StepInstance(event.added, is_added=True),
            *state.steps[turn:],
        ),
        acts=(*state.acts, act_of(state, event)),
    )


def _overridden(state: FolderState, event: StepSkipped | StepForced) -> FolderState:
    outcome = StepState.SKIPPED if isinstance(event, StepSkipped) else StepState.DONE
    act = act_of(state, event, reason=event.reason)
    passed = replace(_instance(state, event.step), state=outcome)
    return replace(with_step(state, passed), acts=(*state.acts, act))


def _answered(state: FolderState, event: OutsideAnswered) -> FolderState:
    outcome = StepState.DONE if event.accepted else StepState.STOPPED
    answered = with_step(state, replace(_instance(state, event.step), state=outcome))
    if event.accepted:
        return answered
    return replace(answered, status=FolderStatus.REMOTE_REFUSED)


def _brought(state: FolderState, step: Step) -> StepInstance:
    """A step of another version, or one added to the folder, as it waits for its turn."""
    known = state.step(step.id)
    return StepInstance(step, is_added=known is not None and known.is_added)


def _behind(state: FolderState, brought: StepInstance) -> StepInstance:
    """A step of another version that stands before the current one: as it was passed by those who
    had it, and as this version draws it for the day when the folder comes back to it."""
    known = _as_passed(state, brought.id)
    if known is not None and known.kind is not brought.kind:
        return known
    if known is not None and known.drawn is None:
        return replace(brought, state=known.state)
    if known is not None:
        step = entrusted(brought.step, desks_of(known.step))
        return replace(known, step=step, drawn=brought.step.actors)
    kinds = {act.kind for act in state.acts_at(brought.id)}
    passed = bool(kinds & (PASSING_ACTS | {ActKind.FORCE_STEP})) and ActKind.SKIP_STEP not in kinds
    return replace(brought, state=StepState.DONE if passed else StepState.SKIPPED)


def _as_passed(state: FolderState, step: StepId) -> StepInstance | None:
    """The step as the folder passed it, in the version that it follows or in one that it followed
    before, as long as no return nor another round undid what was done there."""
    known, before = state.step(step), state.migrated_from
    if known is not None and known.state in {StepState.DONE, StepState.SKIPPED}:
        return known
    if before is None or not set(before.standing_acts).issubset(state.standing_acts):
        return None
    return _as_passed(before, step)


def _fresh(instance: StepInstance) -> StepInstance:
    """The step as the circuit draws it, before its turn."""
    return StepInstance(instance.as_drawn, is_added=instance.is_added)


def _instance(state: FolderState, step: StepId) -> StepInstance:
    found = state.step(step)
    if found is None:
        raise BrokenHistory(f"the circuit has no step {step}")
    return found


def _changed(
    documents: tuple[Document, ...], changes: tuple[RevisionChange, ...]
) -> tuple[Document, ...]:
    """The documents after these changes; the last one counts where a document has several."""
    after = {change.document: change.after for change in changes}
    return tuple(replace(one, revision=after.get(one.id, one.revision)) for one in documents)
