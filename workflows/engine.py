"""Decides what follows an act on a folder, and says which acts are open to a person.

`evolve` and `replay` (what events make of a folder) stand in `workflows.evolution`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from workflows.actions import (
    Action,
    ActionKind,
    Approve,
    Cancel,
    Reject,
    Resubmit,
    Retract,
    Sign,
    StepAction,
    Submit,
    SubmitterAction,
)
from workflows.definition import (
    DeskId,
    Severity,
    StepId,
    StepKind,
    Workflow,
    structure_findings,
)
from workflows.encoding import in_utc
from workflows.errors import (
    FolderFinal,
    NotADraft,
    NotCancellable,
    NothingToRetract,
    NotInCircuit,
    NotResubmittable,
    NotSubmitter,
    NotYourAct,
    NotYourTurn,
    ReasonMissing,
    Refused,
    StepAlreadyPassed,
    TooLateToRetract,
    UnknownStep,
    UnusableWorkflow,
    WrongStepKind,
)
from workflows.events import (
    Approved,
    Cancelled,
    Completed,
    Created,
    Event,
    Rejected,
    Resubmitted,
    Retracted,
    Signed,
    StepStarted,
    Submitted,
)
from workflows.evolution import evolve
from workflows.folder import (
    Act,
    ActKind,
    FolderId,
    FolderState,
    FolderStatus,
    StepInstance,
    StepState,
)
from workflows.powers import (
    Authorship,
    Facts,
    PersonAtDesk,
    PersonId,
    PowerRegister,
    desk_power,
    desks_of,
    entitlement,
    powers_of,
    step_power,
)
from workflows.revisions import check_entering, check_signed
from workflows.transmission import decide_transmission


@dataclass(frozen=True, slots=True)
class AllowedAction:
    """An act open to a person now: through which desk, at which step. A retraction without step
    is that of the submission."""

    kind: ActionKind
    desk: DeskId
    step: StepId | None = None


@dataclass(frozen=True, slots=True)
class _Given:
    """What an act is judged upon, beside the folder."""

    register: PowerRegister
    facts: Facts
    instant: datetime


_SUBMITTER_MOMENTS: Mapping[ActionKind, tuple[frozenset[FolderStatus], type[Refused]]] = {
    ActionKind.SUBMIT: (frozenset({FolderStatus.DRAFT}), NotADraft),
    ActionKind.RESUBMIT: (
        frozenset(
            {
                FolderStatus.REJECTED,
                FolderStatus.REMOTE_REFUSED,
                FolderStatus.TRANSMISSION_FAILED,
            }
        ),
        NotResubmittable,
    ),
    ActionKind.CANCEL: (
        frozenset(
            {
                FolderStatus.DRAFT,
                FolderStatus.REJECTED,
                FolderStatus.REMOTE_REFUSED,
                FolderStatus.TRANSMISSION_FAILED,
            }
        ),
        NotCancellable,
    ),
}

_RETRACTABLE = frozenset(
    {FolderStatus.PENDING, FolderStatus.AWAITING_TRANSMISSION, FolderStatus.REJECTED}
)

_PASSES: Mapping[ActionKind, StepKind] = {
    ActionKind.APPROVE: StepKind.APPROVAL,
    ActionKind.SIGN: StepKind.SIGNATURE,
}

_AWAITED: Mapping[StepKind, str] = {
    StepKind.APPROVAL: "Cette étape attend un visa : approuvez ou rejetez.",
    StepKind.SIGNATURE: "Cette étape attend une signature : signez avec votre clé ou rejetez.",
    StepKind.TRANSMISSION: "Cette étape est faite par le système : attendez la réponse.",
}


def open_draft(
    folder: FolderId, actor: PersonAtDesk, register: PowerRegister, now: datetime
) -> Created:
    """The first event of a folder. Raises UnknownDesk or NoPower."""
    instant = in_utc(now)
    return Created(instant, Authorship(actor.person, desk_power(register, actor, instant)), folder)


def decide(
    state: FolderState, action: Action, register: PowerRegister, facts: Facts, now: datetime
) -> tuple[Event, ...]:
    """The events that follow the action, at least one, to be applied together by `evolve`.

    Raises a case of Refused, and then nothing follows; powers are those in force at `now`.
    A step that nothing precedes any more starts in the same breath, and a circuit without
    transmission completes by itself.
    """
    if state.is_final:
        raise FolderFinal
    given = _Given(register, facts, in_utc(now))
    match action:
        case Submit() | Resubmit() | Cancel():
            return _decide_submitter(state, action, given)
        case Approve() | Sign() | Reject():
            return _decide_step(state, action, given)
        case Retract():
            return _decide_retraction(state, action, given)
        case _:
            return (decide_transmission(state, action, given.instant),)


def allowed_actions(
    state: FolderState,
    person: PersonId,
    register: PowerRegister,
    facts: Facts,
    now: datetime,
) -> tuple[AllowedAction, ...]:
    """Every act open to the person now. `decide` accepts each of them, with what comes along
    (reason, revisions) in order, and accepts no other act of that person."""
    if state.is_final:
        return ()
    given = _Given(register, facts, in_utc(now))
    desks = dict.fromkeys(power.desk for power in powers_of(register, person, given.instant))
    return tuple(
        AllowedAction(kind, desk, step)
        for desk in desks
        for kind, step in _candidates(state)
        if _is_open(state, kind, step, PersonAtDesk(person, desk), given)
    )


def _candidates(state: FolderState) -> Iterator[tuple[ActionKind, StepId | None]]:
    for kind in _SUBMITTER_MOMENTS:
        yield kind, None
    if state.current_step is not None:
        for kind in (ActionKind.APPROVE, ActionKind.SIGN, ActionKind.REJECT):
            yield kind, state.current_step.id
    for act in state.standing_acts[-1:]:
        yield ActionKind.RETRACT, act.step


def _is_open(
    state: FolderState,
    kind: ActionKind,
    step: StepId | None,
    actor: PersonAtDesk,
    given: _Given,
) -> bool:
    try:
        if kind is ActionKind.RETRACT:
            _retracting(state, step, actor, given)
        elif step is None:
            _as_submitter(state, kind, actor, given)
        else:
            _at_step(state, kind, step, actor, given)
    except Refused:
        return False
    return True


def _decide_submitter(
    state: FolderState, action: SubmitterAction, given: _Given
) -> tuple[Event, ...]:
    by = _as_submitter(state, action.kind, action.actor, given)
    match action:
        case Submit():
            _check_usable(action.workflow)
            check_entering(state, action.documents)
            return _then_next(
                state,
                Submitted(
                    given.instant,
                    by,
                    state.round + 1,
                    action.workflow_version,
                    action.workflow.steps,
                    action.documents,
                ),
            )
        case Resubmit():
            check_entering(state, action.documents)
            return _then_next(
                state, Resubmitted(given.instant, by, state.round + 1, action.documents)
            )
        case Cancel():
            return (Cancelled(given.instant, by),)
        case _:
            assert_never(action)


def _decide_step(state: FolderState, action: StepAction, given: _Given) -> tuple[Event, ...]:
    by = _at_step(state, action.kind, action.step, action.actor, given)
    match action:
        case Approve():
            return _then_next(state, Approved(given.instant, by, action.step))
        case Sign():
            check_signed(state, action.signed)
            return _then_next(state, Signed(given.instant, by, action.step, action.signed))
        case Reject():
            if not action.reason.strip():
                raise ReasonMissing
            return (Rejected(given.instant, by, action.step, action.reason.strip()),)
        case _:
            assert_never(action)


def _decide_retraction(state: FolderState, action: Retract, given: _Given) -> tuple[Event, ...]:
    act, by = _retracting(state, action.step, action.actor, given)
    restored = tuple(change.reverse for change in act.changes)
    return (Retracted(given.instant, by, act.kind, act.step, restored),)


def _then_next(
    state: FolderState, event: Submitted | Resubmitted | Approved | Signed
) -> tuple[Event, ...]:
    upcoming = evolve(state, event).next_step
    if upcoming is None:
        return event, Completed(event.occurred_at)
    desks = desks_of(upcoming.step)
    return event, StepStarted(event.occurred_at, upcoming.id, upcoming.kind, desks)


def _as_submitter(
    state: FolderState, kind: ActionKind, actor: PersonAtDesk, given: _Given
) -> Authorship:
    moments, refusal = _SUBMITTER_MOMENTS[kind]
    if state.status not in moments:
        raise refusal
    if actor.desk != state.submitter.desk:
        raise NotSubmitter
    return Authorship(actor.person, desk_power(given.register, actor, given.instant))


def _at_step(
    state: FolderState, kind: ActionKind, step: StepId, actor: PersonAtDesk, given: _Given
) -> Authorship:
    instance = _turn(state, step)
    if instance.kind is StepKind.TRANSMISSION or instance.kind is not _PASSES.get(
        kind, instance.kind
    ):
        raise WrongStepKind(_AWAITED[instance.kind])
    if kind is ActionKind.REJECT:
        power = step_power(given.register, actor, instance.step, given.instant)
    else:
        power = entitlement(given.register, actor, instance.step, given.facts, given.instant)
    return Authorship(actor.person, power)


def _turn(state: FolderState, step: StepId) -> StepInstance:
    if not state.steps:
        raise NotInCircuit
    instance = state.step(step)
    if instance is None:
        raise UnknownStep
    if instance.state in {StepState.DONE, StepState.STOPPED}:
        raise StepAlreadyPassed
    if instance.state is StepState.WAITING:
        raise NotYourTurn if state.status is FolderStatus.PENDING else NotInCircuit
    return instance


def _retracting(
    state: FolderState, step: StepId | None, actor: PersonAtDesk, given: _Given
) -> tuple[Act, Authorship]:
    at_step = [act for act in state.standing_acts if act.step == step]
    if not at_step:
        raise NothingToRetract
    if state.status not in _RETRACTABLE:
        raise TooLateToRetract
    act = at_step[-1]
    _check_own(state, act, actor)
    if act is not state.standing_acts[-1]:
        raise TooLateToRetract
    instance = None if step is None else state.step(step)
    if instance is None:
        power = desk_power(given.register, actor, given.instant)
    else:
        power = step_power(given.register, actor, instance.step, given.instant)
    return act, Authorship(actor.person, power)


def _check_own(state: FolderState, act: Act, actor: PersonAtDesk) -> None:
    """A submission belongs to the desk that deposits, an act at a step to its person there."""
    if act.kind in {ActKind.SUBMIT, ActKind.RESUBMIT}:
        if actor.desk != state.submitter.desk:
            raise NotSubmitter
    elif actor != PersonAtDesk(act.by.person, act.by.power.desk):
        raise NotYourAct


def _check_usable(workflow: Workflow) -> None:
    errors = (one for one in structure_findings(workflow) if one.severity is Severity.ERROR)
    first = next(errors, None)
    if first is not None:
        raise UnusableWorkflow(first.detail)
