"""The ways back: a rejection, a return to an earlier step, a retraction, another round."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from workflows.actions import Reject, Retract
from workflows.circumstances import (
    Circumstances,
    check_not_recused,
    said,
    with_history,
    with_history_for,
)
from workflows.definition import OUTSIDE_STEPS, PERSON_STEPS, Phase, StepId, StepKind, desks_of
from workflows.encoding import in_utc
from workflows.errors import NotSubmitter, NotYourAct, ReturnRefused
from workflows.events import Corrected, Event, Rejected, Retracted, StepStarted
from workflows.evolution import evolve
from workflows.folder import (
    BACK_STATUSES,
    PASSING_ACTS,
    Act,
    ActKind,
    Document,
    DocumentRole,
    FolderState,
    FolderStatus,
    RevisionChange,
    StepInstance,
    StepState,
)
from workflows.moments import NothingToRetract, TooLateToRetract
from workflows.powers import desk_power, is_accepted, step_power
from workflows.progress import meets, started
from workflows.register import Authorship, PersonAtDesk, PowerKind

_SUBMISSIONS = frozenset({ActKind.SUBMIT, ActKind.RESUBMIT})
RETRACTABLE = _SUBMISSIONS | PASSING_ACTS | {ActKind.REJECT}
"""The acts that may be taken back; the others are undone by their contrary."""

_WHILE_UNDER_WAY = frozenset({FolderStatus.PENDING, FolderStatus.AWAITING_TRANSMISSION})


def reject(
    state: FolderState, action: Reject, by: Authorship, given: Circumstances
) -> tuple[Event, ...]:
    """What follows a refusal at the current step: the folder goes back to its submitter, or to
    an earlier step of this round. Raises ReasonMissing or ReturnRefused."""
    reason = said(
        action.reason, "Le motif est obligatoire : écrivez pourquoi vous rejetez ce dossier."
    )
    if action.return_to is None:
        return (Rejected(given.instant, by, action.step, reason),)
    target = _return_target(state, action.step, action.return_to)
    restored = _restored(state, target.id)
    rejected = Rejected(given.instant, by, action.step, reason, target.id, restored)
    return (
        rejected,
        _started_again(state, rejected, target, given),
    )


def may_return_to(state: FolderState, step: StepId) -> tuple[StepId, ...]:
    """The steps to which a refusal at this one may bring the folder back: those that persons
    passed before it in this round, where the circuit allows any."""
    here = state.step(step)
    if here is None or not here.step.may_return:
        return ()
    return tuple(
        one.id
        for one in takewhile(lambda one: one.id != step, state.steps)
        if one.state is StepState.DONE and one.kind in PERSON_STEPS
    )


def correction(state: FolderState, by: Authorship, now: datetime) -> tuple[Corrected, ...]:
    """What follows a change that a person makes to a draft, to what came back or to the documents
    that are prepared: he is one of those who deposited, or prepared, and so is the one in whose
    name he did. Of what came back, who rejected it does not take his rejection back from then on,
    for he rejected something else. Nothing where that is known, or where the documents are
    fixed."""
    deposited = set(by.names).issubset(state.submitters)
    if state.in_preparation:
        known = set(by.names).issubset((*state.submitters, *state.preparers))
    elif state.status in BACK_STATUSES:
        known = deposited and state.corrected
    else:
        known = deposited or state.status is not FolderStatus.DRAFT
    return () if known else (Corrected(in_utc(now), by=by),)


def decide_retraction(
    state: FolderState, action: Retract, given: Circumstances
) -> tuple[Event, ...]:
    """What follows when a person takes his act back. Raises as `retracting`."""
    act, by = retracting(state, action.step, action.actor, given)
    restored = tuple(change.reverse for change in act.changes)
    return (Retracted(given.instant, by, act.kind, act.step, restored),)


def retracting(
    state: FolderState, step: StepId | None, actor: PersonAtDesk, given: Circumstances
) -> tuple[Act, Authorship]:
    """The act that the person may take back at the step (the submission without step), and by
    which power.

    Raises NothingToRetract; TooLateToRetract once another person acted, the outside was asked,
    the transmission was claimed or a rejected folder was corrected; NotSubmitter, NotYourAct or
    another case of NotEntitled.
    """
    own = [act for act in state.standing_acts if act.step == step and _is_retractable(act)]
    if not own:
        raise NothingToRetract
    act = next((one for one in reversed(own) if one.by.seat == actor), own[-1])
    if not _still_open(state, act):
        raise _too_late(state)
    _check_own(state, act, actor)
    if act is not state.standing_acts[-1]:
        raise TooLateToRetract
    check_not_recused(state, actor)
    instance = None if step is None else state.step(step)
    if instance is None:
        return act, Authorship(
            actor.person, desk_power(given.register, actor, given.instant, given.facts)
        )
    facts = with_history_for(state, instance.step, given.facts, actor.person)
    power = step_power(given.register, actor, instance.step, given.instant, facts)
    return act, Authorship(actor.person, power)


def retractable_act(state: FolderState) -> Act | None:
    """The act that may still be taken back, by its author: the last one that stands, as long as
    nobody outside knows of it. None where there is none."""
    last = state.standing_acts[-1] if state.standing_acts else None
    if last is None or not _is_retractable(last) or not _still_open(state, last):
        return None
    return last


def kept_approvals(
    state: FolderState, documents: tuple[Document, ...], by: Authorship, given: Circumstances
) -> tuple[StepId, ...]:
    """The first steps of the circuit whose approvals stand in a new round of the folder, because
    the subtype says so and its main documents are byte for byte those that were approved.

    They are approvals passed by persons, one after the other from the start. A circuit that
    begins with a preparation keeps none: what it approved could still change. Nor does one stand
    that could not be given any more, `by` sending the folder again: by the duties, the recusals,
    the metadata that the step asks for, the desks that it has in the version followed now, or
    the powers of those who gave it, which cover what the folder amounts to now.
    """
    if not state.rules.approvals_stand or _contents(documents) != _contents(
        state.unsigned_documents
    ):
        return ()
    # A duty looks at the acts of a step itself in the round under way alone: not at those kept.
    again = replace(state, round=state.round + 1, submitters=(*state.submitters, *by.names))
    stand = takewhile(
        lambda one: _stands(state, one) and _holds_good(state, again, one, given), state.steps
    )
    return tuple(one.id for one in stand)


def _stands(state: FolderState, instance: StepInstance) -> bool:
    return (
        instance.state is StepState.DONE
        and instance.kind is StepKind.APPROVAL
        and instance.step.phase is Phase.VALIDATION
        and bool(_passings(state, instance.id))
    )


def _holds_good(
    state: FolderState, again: FolderState, instance: StepInstance, given: Circumstances
) -> bool:
    """Whether the folder sent `again` could pass the step as it did."""
    step, facts = instance.as_drawn, with_history(again, instance.step, given.facts)
    acts = _passings(state, step.id)
    return (
        facts.filled.issuperset(step.required_to_pass)
        and meets(_as_passed(state, instance), step, acts)
        and all(is_accepted(given.register, act.by, step.kind, facts, act.at) for act in acts)
    )


def _passings(state: FolderState, step: StepId) -> tuple[Act, ...]:
    return tuple(act for act in state.acts_at(step) if act.kind in PASSING_ACTS)


def _as_passed(state: FolderState, instance: StepInstance) -> StepInstance:
    """The step in the first of the versions of its circuit in which those who acted there had
    passed it."""
    before, step = state.migrated_from, instance.id
    earlier = before.step(step) if before is not None else None
    if before is None or earlier is None or earlier.state is not StepState.DONE:
        return instance
    # Those that were kept since belong to another round: they sufficed in this version then.
    same = _passings(before, step) == _passings(state, step)
    return _as_passed(before, earlier) if same else instance


def _contents(documents: tuple[Document, ...]) -> frozenset[tuple[str, str | None]]:
    return frozenset(
        one.revision.content for one in documents if one.role is DocumentRole.MAIN_DOCUMENT
    )


def _return_target(state: FolderState, step: StepId, target: StepId) -> StepInstance:
    instance = state.step(target)
    if instance is None or target not in may_return_to(state, step):
        raise ReturnRefused
    return instance


def _started_again(
    state: FolderState, rejected: Rejected, target: StepInstance, given: Circumstances
) -> StepStarted:
    """The step goes to the desk to which it was handed over, else to those that it has in the
    version that the folder follows now."""
    again = started(evolve(state, rejected), target, given)
    if any(act.kind is ActKind.TRANSFER for act in state.acts_at(target.id)):
        return replace(again, desks=desks_of(target.step))
    return again


def _restored(state: FolderState, target: StepId) -> tuple[RevisionChange, ...]:
    """The signatures made since the target had its turn, undone one by one, the newest first."""
    ids = [one.id for one in state.steps]
    since = ids[ids.index(target) :]
    made = [change for act in state.standing_acts if act.step in since for change in act.changes]
    return tuple(change.reverse for change in reversed(made))


def _still_open(state: FolderState, act: Act) -> bool:
    """Whether nothing outside knows of the act: the transmission was not claimed, and no step
    after it has asked or heard the outside. A rejection is not taken back once the submitter
    corrects, a return to an earlier step never: that step is passed again."""
    if act.kind is ActKind.REJECT:
        return state.status is FolderStatus.REJECTED and not state.corrected
    if state.status not in _WHILE_UNDER_WAY or state.transmission is not None:
        return False
    ids = [one.id for one in state.steps]
    after = state.steps if act.step is None else state.steps[ids.index(act.step) + 1 :]
    return all(one.state is StepState.WAITING for one in after if one.kind in OUTSIDE_STEPS)


def _is_retractable(act: Act) -> bool:
    """An administrator speaks at a step in nobody's place: he has no power to take it back."""
    return act.kind in RETRACTABLE and act.by.power.kind is not PowerKind.ADMINISTRATOR


def _too_late(state: FolderState) -> TooLateToRetract:
    if not state.corrected:
        return TooLateToRetract()
    return TooLateToRetract(
        "Il est trop tard pour reprendre ce rejet : le dossier a été corrigé depuis. "
        "Attendez qu'il revienne dans son circuit."
    )


def _check_own(state: FolderState, act: Act, actor: PersonAtDesk) -> None:
    """A submission belongs to the desk that deposits, an act at a step to its person there."""
    if act.kind in _SUBMISSIONS:
        if actor.desk != state.submitter.desk:
            raise NotSubmitter
    elif actor != act.by.seat:
        raise NotYourAct
