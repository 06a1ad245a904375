"""What the submitter does: send the folder in its circuit, again, end it, let another follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from workflows.actions import ActionKind, Cancel, Chain, Resubmit, Submit, SubmitterAction
from workflows.choices import distinct_desks
from workflows.circumstances import Circumstances
from workflows.definition import (
    Actor,
    ActorKind,
    ChosenDesk,
    DeskId,
    Severity,
    Step,
    StepId,
    StepMode,
    Workflow,
    given_desk,
)
from workflows.errors import (
    NotSubmitter,
    Refused,
    UnusableWorkflow,
    VariableDeskMissing,
    VariableDeskRefused,
    VariableDeskRepeated,
)
from workflows.events import Cancelled, Chained, Event, Resubmitted, Submitted
from workflows.findings import structure_findings
from workflows.folder import BACK_STATUSES, FolderState, FolderStatus
from workflows.mentions import of_the, office_of
from workflows.moments import (
    AlreadyChained,
    FolderFinal,
    NotADraft,
    NotCancellable,
    NotEnded,
    NotResubmittable,
)
from workflows.powers import desk_power
from workflows.progress import with_what_follows
from workflows.register import Authorship, PersonAtDesk, PowerRegister
from workflows.returns import kept_approvals
from workflows.revisions import check_entering

SUBMITTER_MOMENTS: Mapping[ActionKind, tuple[frozenset[FolderStatus], type[Refused]]] = {
    ActionKind.SUBMIT: (frozenset({FolderStatus.DRAFT}), NotADraft),
    ActionKind.RESUBMIT: (BACK_STATUSES, NotResubmittable),
    ActionKind.CANCEL: (BACK_STATUSES | {FolderStatus.DRAFT}, NotCancellable),
}
"""When the submitter may do what, and the refusal at any other moment."""


def decide_submitter(
    state: FolderState, action: SubmitterAction, given: Circumstances
) -> tuple[Event, ...]:
    """What follows an act of the submitter. Raises as `authorship_of_submitter`, and a case of
    Unacceptable for the circuit, the desks chosen or the documents."""
    by = authorship_of_submitter(state, action.kind, action.actor, given)
    match action:
        case Submit():
            return _submit(state, action, by, given)
        case Resubmit():
            return _resubmit(state, action, by, given)
        case Cancel():
            return (Cancelled(given.instant, by),)
        case _:
            assert_never(action)


def authorship_of_submitter(
    state: FolderState, kind: ActionKind, actor: PersonAtDesk, given: Circumstances
) -> Authorship:
    """Who acts for the desk that deposited, and by which power. Raises NotADraft,
    NotResubmittable or NotCancellable; NotSubmitter, UnknownDesk or NoPower."""
    moments, refusal = SUBMITTER_MOMENTS[kind]
    if state.status not in moments:
        raise refusal
    if actor.desk != state.submitter.desk:
        raise NotSubmitter
    return Authorship(actor.person, desk_power(given.register, actor, given.instant, given.facts))


def decide_chain(state: FolderState, action: Chain, given: Circumstances) -> Chained:
    """The folder is followed by another one. Raises as `chaining`."""
    return Chained(given.instant, chaining(state, action.actor, given), action.folder)


def chaining(state: FolderState, actor: PersonAtDesk, given: Circumstances) -> Authorship:
    """Who may let another folder follow this one, which ended well: its final desk or the one
    that deposited. Raises NotEnded, FolderFinal (cancelled), AlreadyChained, NotSubmitter,
    UnknownDesk or NoPower."""
    if not state.is_final:
        raise NotEnded
    if state.status is FolderStatus.CANCELLED:
        raise FolderFinal
    if state.chained_to is not None and not given.facts.follower_cancelled:
        raise AlreadyChained
    if actor.desk not in {state.final_desk, state.submitter.desk}:
        raise NotSubmitter(
            "Seuls le bureau qui a déposé ce dossier et celui qui le reçoit à la fin peuvent "
            "l'enchaîner : adressez-vous à eux."
        )
    return Authorship(actor.person, desk_power(given.register, actor, given.instant, given.facts))


def check_usable(workflow: Workflow) -> None:
    """The circuit can be walked to its end. Raises UnusableWorkflow, which says why not."""
    errors = (one for one in structure_findings(workflow) if one.severity is Severity.ERROR)
    first = next(errors, None)
    if first is not None:
        raise UnusableWorkflow(first.detail)


def settled_steps(
    state: FolderState,
    workflow: Workflow,
    chosen: tuple[ChosenDesk, ...],
    given: Circumstances,
) -> tuple[Step, ...]:
    """The steps of the circuit for this folder: its submitter's desk and the desks chosen stand
    in place of the actors that mean them.

    Where nothing is chosen for a step, the desk that the folder has there already stands.
    Raises VariableDeskMissing, VariableDeskRefused or VariableDeskRepeated, which name the step.
    """
    left: dict[StepId, list[DeskId]] = {}
    for one in chosen:
        left.setdefault(one.step, []).append(one.desk)
    steps = tuple(
        replace(
            step,
            actors=tuple(_settled(state, step, left.get(step.id, []), given)),
            informed=tuple(_own_desk(state, actor) for actor in step.informed),
        )
        for step in workflow.steps
    )
    unused = next((step for step, desks in left.items() if desks), None)
    if unused is not None:
        raise VariableDeskRefused(
            f"L'étape « {unused} » ne laisse pas choisir ce bureau : retirez-le."
        )
    for drawn, step in zip(workflow.steps, steps, strict=True):
        _check_apart(drawn, step, given.register)
    return steps


def desks_for_trial(
    state: FolderState, workflow: Workflow, register: PowerRegister
) -> tuple[ChosenDesk, ...]:
    """A choice for every variable actor of the circuit that has one: the desk that the folder has
    there where it may stay, else one that may be chosen, of those that have not acted there.
    Where all desks must agree they are different ones, if there are enough."""
    return tuple(
        ChosenDesk(step.id, desk)
        for step in workflow.steps
        for desk in _trial(state, step, register)
    )


def _trial(state: FolderState, step: Step, register: PowerRegister) -> tuple[DeskId, ...]:
    places = [n for n, actor in enumerate(step.actors) if actor.kind is ActorKind.VARIABLE]
    options = [_candidates(state, step, place, register) for place in places]
    if step.mode is StepMode.ALL_OF:
        named = {_own_desk(state, actor).desk for actor in step.actors}
        options = [[desk for desk in one if desk not in named] for one in options]
        apart = distinct_desks(options)
        if apart is not None:
            return apart
    return tuple(desk for one in options for desk in one[:1])


def final_desk(state: FolderState, workflow: Workflow) -> DeskId | None:
    """The desk that receives the ended folder, where the circuit names one."""
    final = workflow.final_desk
    return None if final is None else _own_desk(state, final).desk


def informed_at_end(state: FolderState, workflow: Workflow) -> tuple[Actor, ...]:
    """Who is informed of the end, the submitter's desk by its name."""
    return tuple(_own_desk(state, actor) for actor in workflow.informed_at_end)


def _submit(
    state: FolderState, action: Submit, by: Authorship, given: Circumstances
) -> tuple[Event, ...]:
    workflow = action.workflow
    check_usable(workflow)
    check_entering(state, action.documents)
    submitted = Submitted(
        given.instant,
        by,
        state.round + 1,
        action.workflow_version,
        settled_steps(state, workflow, action.chosen_desks, given),
        action.documents,
        action.rules,
        workflow.duties,
        final_desk(state, workflow),
        informed_at_end(state, workflow),
    )
    return with_what_follows(state, submitted, given)


def _resubmit(
    state: FolderState, action: Resubmit, by: Authorship, given: Circumstances
) -> tuple[Event, ...]:
    """Another round of the same circuit, in which approvals may stand; else a submission."""
    if action.anew is not None and not _follows(state, action.anew, given):
        return _submit(state, action.anew, by, given)
    check_entering(state, action.documents)
    kept = kept_approvals(state, action.documents, by, given)
    again = Resubmitted(given.instant, by, state.round + 1, action.documents, kept)
    return with_what_follows(state, again, given)


def _follows(state: FolderState, submission: Submit, given: Circumstances) -> bool:
    """Whether the folder follows what this submission would pin it to. The steps that were added
    to it on the fly stay its own."""
    if (state.workflow_version, state.rules) != (submission.workflow_version, submission.rules):
        return False
    steps = settled_steps(state, submission.workflow, submission.chosen_desks, given)
    pinned = {one.id: one.as_drawn for one in state.steps}
    return all(pinned.get(step.id) == step for step in steps)


def _settled(
    state: FolderState, step: Step, chosen: list[DeskId], given: Circumstances
) -> Iterator[Actor]:
    """The actors of the step; the desks chosen are taken from the list in their order."""
    for place, actor in enumerate(step.actors):
        if actor.kind is not ActorKind.VARIABLE:
            yield _own_desk(state, actor)
            continue
        desk = chosen.pop(0) if chosen else _desk_before(state, step, place)
        if desk is None:
            raise VariableDeskMissing(
                f"Choisissez le bureau de l'étape « {step.name} » avant l'envoi."
            )
        if desk not in given.register.desks or (actor.choices and desk not in actor.choices):
            raise VariableDeskRefused(
                f"Ce bureau ne peut pas être choisi pour l'étape « {step.name} » : "
                "prenez-en un de la liste."
            )
        yield given_desk(desk)


def _check_apart(drawn: Step, step: Step, register: PowerRegister) -> None:
    """Where all desks must agree, none is chosen that is there already: it would agree for two."""
    if step.mode is not StepMode.ALL_OF:
        return
    times = Counter(actor.desk for actor in step.actors)
    for actor, settled in zip(drawn.actors, step.actors, strict=True):
        if actor.kind is ActorKind.VARIABLE and settled.desk and times[settled.desk] > 1:
            raise VariableDeskRepeated(
                f"L'étape « {step.name} » attend l'accord de plusieurs bureaux, et "
                f"{_named(settled.desk, register)} y serait deux fois : choisissez-en un autre."
            )


def _named(desk: DeskId, register: PowerRegister) -> str:
    """« le bureau du Maire », where its office has a title."""
    if all(one.desk != desk for one in register.offices):
        return "le même bureau"
    return f"le bureau {of_the(office_of(register, desk))}"


def _desk_before(state: FolderState, step: Step, place: int) -> DeskId | None:
    """The desk of the same actor in the version that the folder follows."""
    known = state.step(step.id)
    if known is None:
        return None
    actors = known.as_drawn.actors
    return actors[place].desk if len(actors) == len(step.actors) else None


def _candidates(
    state: FolderState, step: Step, place: int, register: PowerRegister
) -> list[DeskId]:
    """The desks that may be chosen for a variable actor, the likeliest first."""
    allowed = step.actors[place].choices or sorted(register.desks)
    before = _desk_before(state, step, place)
    acted = {act.by.power.desk for act in state.acts_at(step.id)}
    return sorted(
        (desk for desk in allowed if desk in register.desks),
        key=lambda desk: (desk != before, desk in acted),
    )


def _own_desk(state: FolderState, actor: Actor) -> Actor:
    return given_desk(state.submitter.desk) if actor.kind is ActorKind.SUBMITTER else actor
