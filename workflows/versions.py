"""Two versions of a circuit compared: what differs, and what it means for a folder under way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum

from workflows.actions import Migrate
from workflows.definition import Step, StepId, Workflow, desks_of
from workflows.engine import decide
from workflows.errors import Refused
from workflows.evolution import evolve
from workflows.folder import FolderState, StepInstance, WorkflowVersionId
from workflows.migration import returning_to
from workflows.register import Administrator, Facts, PersonAtDesk, PersonId, PowerRegister
from workflows.submission import desks_for_trial


class Change(StrEnum):
    """How a version differs from another."""

    STEP_ADDED = "step_added"
    STEP_REMOVED = "step_removed"
    STEP_MOVED = "step_moved"
    STEP_CHANGED = "step_changed"
    DUTIES_CHANGED = "duties_changed"
    FINAL_DESK_CHANGED = "final_desk_changed"
    INFORMED_CHANGED = "informed_changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference; `fields` are the names of those of the step that changed, `summary` is a
    French sentence."""

    change: Change
    summary: str
    step: StepId | None = None
    fields: tuple[str, ...] = ()


class Effect(StrEnum):
    """What bringing a folder to another version would change for it.

    `unaffected`: nothing of what remains. `upcoming_changes`: its current step is the same, what
    follows differs. `step_changes`: its current step differs. `cannot_follow`: it must finish in
    its own version.
    """

    UNAFFECTED = "unaffected"
    UPCOMING_CHANGES = "upcoming_changes"
    STEP_CHANGES = "step_changes"
    CANNOT_FOLLOW = "cannot_follow"


@dataclass(frozen=True, slots=True)
class Impact:
    """The effect, the step where the folder stands, and a French sentence that says why."""

    effect: Effect
    detail: str
    step: StepId | None = None


_SOMEBODY = PersonId("")
_FIELD_NAMES: Mapping[str, str] = {
    "kind": "nature",
    "name": "nom",
    "actors": "bureaux",
    "mode": "accord d'un seul ou de tous",
    "phase": "préparation ou validation",
    "due_in_days": "échéance",
    "remind_after_days": "relance",
    "informed": "bureaux informés",
    "required_to_pass": "informations à remplir pour valider",
    "required_to_reject": "informations à remplir pour rejeter",
    "may_return": "retour à une étape antérieure",
    "may_add_steps": "ajout d'étapes",
}


def differences(before: Workflow, after: Workflow) -> tuple[Difference, ...]:
    """What the second version changes to the first, the steps in the order of the second.

    Steps are the same when their ids are: of several that share one, only the first counts. The
    names of the circuits are not compared. As few steps as possible are said to have moved.
    """
    old, new = _by_id(before), _by_id(after)
    moved = _moved([one for one in old if one in new], [one for one in new if one in old])
    return (
        *(_removed(step) for step in old.values() if step.id not in new),
        *(
            one
            for step in new.values()
            for one in _step_differences(old.get(step.id), step, moved=step.id in moved)
        ),
        *_whole(before, after),
    )


def impact(
    state: FolderState,
    version: WorkflowVersionId,
    workflow: Workflow,
    register: PowerRegister,
    now: datetime,
) -> Impact:
    """What bringing the folder to this other version of its circuit would change for it.

    It cannot follow where the engine refuses `Migrate` to every administrator. One that waits for
    a desk to be chosen follows: the desk comes with the act.
    """
    current = state.current_step
    if current is None:
        return Impact(Effect.CANNOT_FOLLOW, "Ce dossier n'attend rien à une étape de son circuit.")
    try:
        after = _brought(state, current, version, workflow, register, now)
    except Refused as refusal:
        return Impact(Effect.CANNOT_FOLLOW, refusal.detail, current.id)
    name = f"« {current.step.name} »"
    here, *upcoming = _remainder(state, current.id)
    here_after, *upcoming_after = _remainder(after, current.id)
    if here != here_after:
        return Impact(Effect.STEP_CHANGES, f"L'étape {name}, où il est, change.", current.id)
    if upcoming != upcoming_after or _end(state) != _end(after):
        detail = f"L'étape {name}, où il est, ne change pas ; la suite change."
        return Impact(Effect.UPCOMING_CHANGES, detail, current.id)
    return Impact(Effect.UNAFFECTED, "Rien de ce qui lui reste à faire ne change.", current.id)


def _brought(
    state: FolderState,
    current: StepInstance,
    version: WorkflowVersionId,
    workflow: Workflow,
    register: PowerRegister,
    now: datetime,
) -> FolderState:
    """The folder in the version, brought there by an administrator of every desk whom nothing
    bars and who chooses the desks that are left to him. Raises as the engine."""
    desk = next(iter(desks_of(current.step)), state.submitter.desk)
    asking = replace(
        register,
        desks=register.desks | {desk},
        administrators=(*register.administrators, Administrator(_SOMEBODY)),
    )
    chosen = desks_for_trial(returning_to(state, version) or state, workflow, register)
    action = Migrate(PersonAtDesk(_SOMEBODY, desk), version, workflow, chosen)
    for event in decide(state, action, asking, Facts(), now):
        state = evolve(state, event)
    return state


def _remainder(state: FolderState, current: StepId) -> tuple[Step, ...]:
    """The step and those that follow it, as the folder's circuit draws them."""
    turn = [one.id for one in state.steps].index(current)
    return tuple(one.as_drawn for one in state.steps[turn:])


def _end(state: FolderState) -> tuple[object, ...]:
    return (frozenset(state.duties), state.final_desk, state.informed_at_end)


def _by_id(workflow: Workflow) -> dict[StepId, Step]:
    steps: dict[StepId, Step] = {}
    for step in workflow.steps:
        steps.setdefault(step.id, step)
    return steps


def _removed(step: Step) -> Difference:
    return Difference(Change.STEP_REMOVED, f"L'étape « {step.name} » est retirée.", step.id)


def _step_differences(before: Step | None, after: Step, *, moved: bool) -> Iterator[Difference]:
    if before is None:
        yield Difference(Change.STEP_ADDED, f"L'étape « {after.name} » est ajoutée.", after.id)
        return
    if moved:
        yield Difference(Change.STEP_MOVED, f"L'étape « {after.name} » est déplacée.", after.id)
    changed = tuple(
        one.name for one in fields(Step) if getattr(before, one.name) != getattr(after, one.name)
    )
    if changed:
        what = ", ".join(_FIELD_NAMES[name] for name in changed)
        summary = f"L'étape « {after.name} » change : {what}."
        yield Difference(Change.STEP_CHANGED, summary, after.id, changed)


def _whole(before: Workflow, after: Workflow) -> Iterator[Difference]:
    if frozenset(before.duties) != frozenset(after.duties):
        yield Difference(Change.DUTIES_CHANGED, "Les règles de séparation des tâches changent.")
    if before.final_desk != after.final_desk:
        yield Difference(Change.FINAL_DESK_CHANGED, "Le bureau final change.")
    if before.informed_at_end != after.informed_at_end:
        yield Difference(Change.INFORMED_CHANGED, "Les bureaux informés à la fin changent.")


def _moved(before: Sequence[StepId], after: Sequence[StepId]) -> frozenset[StepId]:
    """The steps outside the longest run that both orders share."""
    place = {step: turn for turn, step in enumerate(before)}
    longest: list[tuple[StepId, ...]] = []
    for step in after:
        followed = [run for run in longest if place[run[-1]] < place[step]]
        longest.append((*max(followed, key=len, default=()), step))
    kept = max(longest, key=len, default=())
    return frozenset(after) - frozenset(kept)
