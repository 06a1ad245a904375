"""A folder under way goes over to another version of its circuit, and back."""

from __future__ import annotations

from dataclasses import replace

from workflows.actions import Migrate
from workflows.administration import NEVER_SKIPPED, authorship_of_administrator
from workflows.circumstances import Circumstances, check_not_own
from workflows.definition import (
    OUTSIDE_STEPS,
    Severity,
    Step,
    StepId,
    StepKind,
    Workflow,
    desks_of,
)
from workflows.events import Event, Migrated, ValidationStarted
from workflows.evolution import evolve
from workflows.findings import structure_findings
from workflows.folder import (
    ActKind,
    FolderState,
    FolderStatus,
    StepInstance,
    StepState,
    WorkflowVersionId,
)
from workflows.moments import NotMigratable
from workflows.progress import meets, started, what_follows
from workflows.register import Authorship, PersonAtDesk
from workflows.submission import check_usable, final_desk, informed_at_end, settled_steps

_PASSED = frozenset({StepState.DONE, StepState.SKIPPED})
_MIGRATABLE = frozenset(
    {FolderStatus.PENDING, FolderStatus.AWAITING_OUTSIDE, FolderStatus.AWAITING_TRANSMISSION}
)


def decide_migration(
    state: FolderState, action: Migrate, given: Circumstances
) -> tuple[Event, ...]:
    """What follows when an administrator brings the folder to another version of its circuit.
    Raises as `migrating`; NotMigratable where the folder has no place in the other version, or a
    case of Unacceptable for what comes along."""
    by = migrating(state, action.actor, given)
    check_usable(action.workflow)
    before = returning_to(state, action.workflow_version)
    _check_chosen(before or state, action, given)
    # On the way back the desks chosen at the time stand again.
    drawn = settled_steps(before or state, action.workflow, action.chosen_desks, given)
    migrated = Migrated(
        given.instant,
        by,
        action.workflow_version,
        _with_added(state, action.workflow, drawn, before),
        action.workflow.duties,
        final_desk(state, action.workflow),
        informed_at_end(state, action.workflow),
    )
    _check_turn(state, migrated)
    after = evolve(state, migrated)
    _check_signatures(state, after)
    if before is not None:
        _check_nothing_left_out(state, before, after, migrated)
    events = (migrated, *_restarted(state, after, before, given))
    if any(isinstance(event, ValidationStarted) for event in events):
        raise NotMigratable
    return events


def migrating(state: FolderState, actor: PersonAtDesk, given: Circumstances) -> Authorship:
    """Who brings the folder to another version of its circuit, and by which power. Raises
    NotMigratable where it is not under way, or a case of NotEntitled."""
    current = state.current_step
    if current is None or state.status not in _MIGRATABLE:
        raise NotMigratable
    return authorship_of_administrator(state, current, actor, given)


def returning_to(state: FolderState, version: WorkflowVersionId) -> FolderState | None:
    """The folder as it was in this version, where its last migration took it from there."""
    before = state.migrated_from
    return before if before is not None and before.workflow_version == version else None


def _check_chosen(known: FolderState, action: Migrate, given: Circumstances) -> None:
    """The administrator chooses none of his own desks, but one that the folder has there."""
    for one in action.chosen_desks:
        step = known.step(one.step)
        if step is None or one.desk not in desks_of(step.as_drawn):
            check_not_own(known, one.desk, action.actor, given)


def _with_added(
    state: FolderState,
    workflow: Workflow,
    steps: tuple[Step, ...],
    before: FolderState | None,
) -> tuple[Step, ...]:
    """The steps of the version, and those that were added to this folder, where they were in it
    `before` or else are. Raises NotMigratable where that makes no circuit."""
    placed, newer = list(steps), set[StepId]()
    for added in (one for one in state.steps if one.is_added):
        known = before if before is not None and before.step(added.id) else state
        place = _place(state, added, [one.id for one in known.steps], placed)
        # Those added since stay ahead of the ones that they were put ahead of.
        while place < len(placed) and placed[place].id in newer:
            place += 1
        placed.insert(place, added.as_drawn)
        if known is state:
            newer.add(added.id)
    if any(
        one.severity is Severity.ERROR
        for one in structure_findings(replace(workflow, steps=tuple(placed)))
    ):
        raise NotMigratable(
            "Une étape ajoutée à ce dossier n'a pas sa place dans l'autre version du circuit : "
            "laissez-le finir dans la sienne."
        )
    return tuple(placed)


def _place(state: FolderState, added: StepInstance, order: list[StepId], placed: list[Step]) -> int:
    """After the nearest step before it that is left; one that waits, after the current step."""
    ids = [step.id for step in placed]
    left = [ids.index(one) for one in order[: order.index(added.id)] if one in ids]
    place = left[-1] + 1 if left else 0
    current = state.current_step
    if added.state is StepState.WAITING and current is not None and current.id in ids:
        return max(place, ids.index(current.id) + 1)
    return place


def _check_turn(state: FolderState, migrated: Migrated) -> None:
    """The other version is another one, and the current step is in it, of the same kind."""
    if migrated.workflow_version == state.workflow_version:
        raise NotMigratable("Ce dossier suit déjà cette version du circuit : rien à changer.")
    current = state.current_step
    here = next((one for one in migrated.steps if current and one.id == current.id), None)
    if current is None or here is None:
        raise NotMigratable
    if (here.kind, here.phase) != (current.kind, current.step.phase):
        raise NotMigratable


def _check_signatures(state: FolderState, after: FolderState) -> None:
    """No signature nor transmission is left behind, and none that was made is asked again."""
    for instance in after.steps:
        if instance.kind in NEVER_SKIPPED and instance.state is StepState.SKIPPED:
            raise NotMigratable
    made = [act for act in state.standing_acts if act.kind is ActKind.SIGN]
    steps = {act.step for act in made}
    for instance in after.steps:
        waits = instance.kind is StepKind.SIGNATURE and instance.state is StepState.WAITING
        if waits and (instance.id in steps or (made and state.rules.single_signature)):
            raise NotMigratable


def _check_nothing_left_out(
    state: FolderState, before: FolderState, after: FolderState, migrated: Migrated
) -> None:
    """Of the version that the folder comes back to, no step that it passed meanwhile is left out:
    those who did it suffice there too, or an administrator passed over it."""
    for step in migrated.steps:
        earlier, instance = before.step(step.id), after.step(step.id)
        if earlier is None or instance is None or instance.state not in _PASSED:
            continue
        acts = after.acts_at(step.id)
        is_as_it_was = (earlier.state, before.acts_at(step.id)) == (instance.state, acts)
        known = state.step(step.id)
        passed = known if known is not None and known.state in _PASSED else instance
        if not is_as_it_was and not meets(passed, step, acts):
            raise NotMigratable(
                f"Depuis, ce dossier a dépassé l'étape « {step.name} » sans tout ce que l'autre "
                "version y demande : laissez-le finir dans la sienne."
            )


def _restarted(
    state: FolderState, after: FolderState, before: FolderState | None, given: Circumstances
) -> tuple[Event, ...]:
    """What a migration brings about: the current step starts again where its desks are others,
    those that it had on a way back to where it was, and the next one starts where those who acted
    suffice in the other version."""
    here, current = state.current_step, after.current_step
    if here is None or current is None:
        return what_follows(state, after, given)
    restarted = started(after, current, given)
    earlier = before.step(current.id) if before is not None else None
    if earlier is not None and earlier.drawn == current.drawn:
        restarted = replace(restarted, desks=desks_of(earlier.step))
    if (
        current.kind in OUTSIDE_STEPS
        or current.drawn == here.drawn
        or restarted.desks == desks_of(current.step)
    ):
        return ()
    return (restarted, *what_follows(after, evolve(after, restarted), given))
