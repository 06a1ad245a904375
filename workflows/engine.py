"""Decides what follows an act on a folder, and says which acts are open to a person.

`evolve` and `replay` (what events make of a folder) stand in `workflows.evolution`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, assert_never

from workflows.actions import (
    Action,
    ActionKind,
    AdministratorAction,
    Chain,
    ForceStep,
    GiveOpinion,
    Migrate,
    Read,
    RecordOutside,
    Recuse,
    Retract,
    SkipStep,
    StepAction,
    SubmitterAction,
    TransmissionAction,
)
from workflows.administration import OVERRIDES, decide_override, overriding
from workflows.circumstances import Circumstances, facts_now, with_history
from workflows.definition import DeskId, StepId, desks_of, entrusted
from workflows.encoding import in_utc
from workflows.errors import Refused
from workflows.events import Created, Event
from workflows.folder import FolderId, FolderState
from workflows.migration import decide_migration, migrating
from workflows.moments import FolderFinal, NotInWorkflow
from workflows.obstacles import WhoMayAct
from workflows.powers import desk_power, powers_of, who_may_act
from workflows.progress import with_closing_step
from workflows.register import Authorship, Facts, PersonAtDesk, PersonId, PowerRegister
from workflows.returns import RETRACTABLE, decide_retraction, retracting
from workflows.side_acts import (
    decide_opinion,
    decide_read,
    decide_recusal,
    giving_opinion,
    opinion_step,
    reading,
    recusing,
)
from workflows.submission import (
    SUBMITTER_MOMENTS,
    authorship_of_submitter,
    chaining,
    decide_chain,
    decide_submitter,
)
from workflows.transmission import decide_outside, decide_transmission
from workflows.turns import STEP_ACTIONS, authorship_at_step, decide_at_step

_OtherAction: TypeAlias = Retract | Read | GiveOpinion | Recuse


@dataclass(frozen=True, slots=True)
class AllowedAction:
    """An act open to a person now: through which desk, at which step. A retraction without step
    is that of the submission."""

    kind: ActionKind
    desk: DeskId
    step: StepId | None = None


def open_draft(
    folder: FolderId, actor: PersonAtDesk, register: PowerRegister, now: datetime
) -> Created:
    """The first event of a folder. Raises UnknownDesk or NoPower."""
    instant = in_utc(now)
    return Created(instant, Authorship(actor.person, desk_power(register, actor, instant)), folder)


def decide(
    state: FolderState, action: Action, register: PowerRegister, facts: Facts, now: datetime
) -> tuple[Event, ...]:
    """The events that follow the action, to be applied together by `evolve`.

    Raises a case of Refused, and then nothing follows; powers are those in force at `now`.
    There is at least one event, but for `Read` of what the person had read before. A step that
    nothing precedes any more starts in the same breath, and a circuit without transmission
    completes by itself.
    """
    given = Circumstances(register, facts, in_utc(now))
    if isinstance(action, Chain):
        return (decide_chain(state, action, given),)
    if state.is_final:
        raise FolderFinal
    if isinstance(action, RecordOutside):
        return decide_outside(state, action, given)
    if isinstance(action, TransmissionAction):
        event = decide_transmission(state, action, given.instant)
        return with_closing_step(state, event, given)
    return _decide_by_person(state, action, given)


def who_may_pass(
    state: FolderState, register: PowerRegister, facts: Facts, now: datetime
) -> WhoMayAct:
    """Everybody who may pass the current step for one of the desks awaited there, and what is
    missing where nobody can be counted upon; the folder's own life counts (recusals, segregation
    of duties). Nobody, and nothing missing, when no step has its turn."""
    current = state.current_step
    if current is None:
        return WhoMayAct(())
    awaited = entrusted(current.step, state.desks_awaited_at(current.id))
    return who_may_act(register, awaited, with_history(state, awaited, facts), in_utc(now))


def who_may_give_opinion(
    state: FolderState, desk: DeskId, register: PowerRegister, facts: Facts, now: datetime
) -> WhoMayAct:
    """Everybody who may answer for a desk whose opinion is awaited at the current step. Nobody,
    and nothing missing, when none is awaited of it."""
    current = state.current_step
    if current is None or desk not in state.desks_asked_at(current.id):
        return WhoMayAct(())
    asked = opinion_step(current.step, desk)
    history = with_history(state, current.step, facts)
    return who_may_act(register, asked, history, in_utc(now), passing=False)


def allowed_actions(
    state: FolderState,
    person: PersonId,
    register: PowerRegister,
    facts: Facts,
    now: datetime,
) -> tuple[AllowedAction, ...]:
    """Every act open to the person now, those of an administrator included. `decide` accepts
    each of them, with what comes along (reason, revisions, another desk) in order, and accepts
    no other act of that person."""
    given = Circumstances(register, facts, in_utc(now))
    return tuple(
        AllowedAction(kind, desk, step)
        for desk in _desks_of(state, person, given)
        for kind, step in _candidates(state)
        if _is_open(state, kind, step, PersonAtDesk(person, desk), given)
    )


def acting(
    state: FolderState,
    kind: ActionKind,
    actor: PersonAtDesk,
    register: PowerRegister,
    facts: Facts,
    now: datetime,
) -> Authorship:
    """Who acts and by which power, for an act of a person at the current step that is prepared
    before it is done. Raises as `decide` would for the act itself, NotInWorkflow without step."""
    if state.is_final:
        raise FolderFinal
    if state.current_step is None:
        raise NotInWorkflow
    given = Circumstances(register, facts, in_utc(now))
    return authorship_at_step(state, kind, state.current_step.id, actor, given)


def _decide_by_person(
    state: FolderState,
    action: SubmitterAction | StepAction | AdministratorAction | _OtherAction,
    given: Circumstances,
) -> tuple[Event, ...]:
    if isinstance(action, SubmitterAction):
        return decide_submitter(state, action, given)
    if isinstance(action, StepAction):
        return decide_at_step(state, action, given)
    if isinstance(action, SkipStep | ForceStep):
        return decide_override(state, action, given)
    match action:
        case Migrate():
            return decide_migration(state, action, given)
        case Retract():
            return decide_retraction(state, action, given)
        case Read():
            return decide_read(state, action, given)
        case GiveOpinion():
            return (decide_opinion(state, action, given),)
        case Recuse():
            return (decide_recusal(state, action, given),)
        case _:
            assert_never(action)


def _desks_of(state: FolderState, person: PersonId, given: Circumstances) -> tuple[DeskId, ...]:
    """The desks through which the person could act: his own, that of the act that he may take
    back, and those that he administers where the current step is."""
    facts = facts_now(state, given)
    desks = [power.desk for power in powers_of(given.register, person, given.instant, facts)]
    # Where he acted last he may have the power that he had there, and none at the current step.
    desks += [act.by.power.desk for act in state.standing_acts[-1:] if act.by.person == person]
    current = state.current_step
    if current is not None and any(one.person == person for one in given.register.administrators):
        desks += desks_of(current.step) or sorted(given.register.desks)
    return tuple(dict.fromkeys(desks))


def _candidates(state: FolderState) -> Iterator[tuple[ActionKind, StepId | None]]:
    if state.is_final:
        yield ActionKind.CHAIN, None
        return
    for kind in SUBMITTER_MOMENTS:
        yield kind, None
    if state.current_step is not None:
        for kind in (*STEP_ACTIONS, ActionKind.GIVE_OPINION, *OVERRIDES):
            yield kind, state.current_step.id
        yield ActionKind.MIGRATE, None
    for act in state.standing_acts[-1:]:
        if act.kind in RETRACTABLE:
            yield ActionKind.RETRACT, act.step
    yield ActionKind.READ, None
    yield ActionKind.RECUSE, None


def _is_open(
    state: FolderState,
    kind: ActionKind,
    step: StepId | None,
    actor: PersonAtDesk,
    given: Circumstances,
) -> bool:
    try:
        if step is not None and kind is not ActionKind.RETRACT:
            _check_at_step(state, kind, step, actor, given)
        else:
            _check_on_folder(state, kind, step, actor, given)
    except Refused:
        return False
    return True


def _check_at_step(
    state: FolderState, kind: ActionKind, step: StepId, actor: PersonAtDesk, given: Circumstances
) -> None:
    if kind in OVERRIDES:
        overriding(state, kind, step, actor, given)
    elif kind is ActionKind.GIVE_OPINION:
        giving_opinion(state, step, actor, given)
    else:
        authorship_at_step(state, kind, step, actor, given)


def _check_on_folder(
    state: FolderState,
    kind: ActionKind,
    step: StepId | None,
    actor: PersonAtDesk,
    given: Circumstances,
) -> None:
    match kind:
        case ActionKind.RETRACT:
            retracting(state, step, actor, given)
        case ActionKind.CHAIN:
            chaining(state, actor, given)
        case ActionKind.MIGRATE:
            migrating(state, actor, given)
        case ActionKind.READ:
            reading(state, actor, given)
        case ActionKind.RECUSE:
            recusing(state, actor, given)
        case _:
            authorship_of_submitter(state, kind, actor, given)
