"""An administrator passes over the current step of a folder, or forces it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from workflows.actions import ActionKind, ForceStep, SkipStep
from workflows.circumstances import (
    Circumstances,
    administrator_power_at,
    check_kind,
    check_not_recused,
    said,
    turn_of,
)
from workflows.definition import OUTSIDE_STEPS, StepId, StepKind
from workflows.errors import StepNotSkippable
from workflows.events import Event, StepForced, StepSkipped
from workflows.folder import FolderState, StepInstance
from workflows.progress import with_what_follows
from workflows.register import Authorship, PersonAtDesk

_SKIPPABLE = frozenset({StepKind.APPROVAL, StepKind.SEAL, StepKind.ARCHIVE})

NEVER_SKIPPED = frozenset({StepKind.SIGNATURE, StepKind.TRANSMISSION})
"""The kinds of steps that nobody passes over."""

OVERRIDES: Mapping[ActionKind, frozenset[StepKind]] = {
    ActionKind.SKIP_STEP: _SKIPPABLE,
    ActionKind.FORCE_STEP: OUTSIDE_STEPS,
}
"""The kinds of steps that an administrator may pass over, and those that he may force."""


def decide_override(
    state: FolderState, action: SkipStep | ForceStep, given: Circumstances
) -> tuple[Event, ...]:
    """What follows when an administrator passes over the current step, or forces it. Raises as
    `overriding`, and a case of Unacceptable for what comes along."""
    match action:
        case SkipStep():
            by = overriding(state, action.kind, action.step, action.actor, given)
            reason = said(
                action.reason,
                "Le motif est obligatoire : écrivez pourquoi vous sautez cette étape.",
            )
            skipped = StepSkipped(given.instant, by, action.step, reason)
            return with_what_follows(state, skipped, given, action.documents)
        case ForceStep():
            by = overriding(state, action.kind, action.step, action.actor, given)
            reason = said(
                action.reason,
                "Le motif est obligatoire : écrivez pourquoi vous forcez cette étape.",
            )
            return with_what_follows(
                state, StepForced(given.instant, by, action.step, reason), given
            )
        case _:
            assert_never(action)


def overriding(
    state: FolderState, kind: ActionKind, step: StepId, actor: PersonAtDesk, given: Circumstances
) -> Authorship:
    """Who passes over the current step, or forces it, and by which power. Raises as `turn_of`;
    StepNotSkippable, WrongStepKind or a case of NotEntitled."""
    instance = turn_of(state, step)
    if kind is ActionKind.SKIP_STEP and instance.kind in NEVER_SKIPPED:
        raise StepNotSkippable
    check_kind(instance, OVERRIDES[kind])
    return authorship_of_administrator(state, instance, actor, given)


def authorship_of_administrator(
    state: FolderState, instance: StepInstance, actor: PersonAtDesk, given: Circumstances
) -> Authorship:
    """Who acts at the step as its administrator. Raises PersonRecused, or as
    `administrator_power_at`."""
    check_not_recused(state, actor)
    return Authorship(actor.person, administrator_power_at(instance, actor, given))
