"""Segregation of duties and recusals: who may not pass a step because of what came before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from workflows.definition import Duty, DutyKind, Phase, Step, StepKind
from workflows.folder import PASSING_ACTS, ActKind, FolderState
from workflows.register import Barred, BarredBy, PersonId

_SIGNATURES = frozenset({ActKind.SIGN, ActKind.SIGN_ON_PAPER})
_APPROVALS = frozenset({ActKind.APPROVE})

_RECUSED = "Cette personne s'est déportée de ce dossier : laissez une autre personne agir."

_DETAILS: Mapping[DutyKind, str] = {
    DutyKind.APPROVER_DOES_NOT_SIGN: (
        "Dans ce circuit, la même personne ne vise pas et ne signe pas un dossier, en son nom ou "
        "par délégation : laissez une autre personne agir."
    ),
    DutyKind.SUBMITTER_DOES_NOT_APPROVE: (
        "Dans ce circuit, qui dépose un dossier ne le vise pas, en son nom ou par délégation : "
        "laissez une autre personne le viser."
    ),
    DutyKind.SUBMITTER_DOES_NOT_SIGN: (
        "Dans ce circuit, qui dépose un dossier ne le signe pas, en son nom ou par délégation : "
        "laissez une autre personne le signer."
    ),
    DutyKind.DISTINCT_PERSONS: (
        "Dans ce circuit, cette étape et une autre demandent deux personnes différentes, en leur "
        "nom ou par délégation : laissez une autre personne agir."
    ),
}


def barred(state: FolderState, step: Step) -> tuple[Barred, ...]:
    """Who may not pass the step: those who stood back, and those whom a duty keeps apart.

    The whole life of the folder counts, earlier rounds included, but for acts that were taken
    back or undone; a deposit counts even then. An act binds the person who did it and those in
    whose name he did it; `workflows.powers` bars in turn whoever would act in the name of
    somebody whom a duty bars.
    """
    recused = (Barred(one, BarredBy.RECUSAL, _RECUSED) for one in state.recused)
    by_duty = (
        Barred(person, BarredBy.DUTY, _DETAILS[duty.kind])
        for duty in state.duties
        for person in _KEPT_APART[duty.kind](state, duty, step)
    )
    return tuple(dict.fromkeys((*recused, *by_duty)))


def _approver_or_signer(state: FolderState, _: Duty, step: Step) -> Iterator[PersonId]:
    if step.kind is StepKind.SIGNATURE:
        yield from _authors(state, _APPROVALS)
    if step.kind is StepKind.APPROVAL:
        yield from _authors(state, _SIGNATURES)


def _submitter_at_approval(state: FolderState, _: Duty, step: Step) -> Iterator[PersonId]:
    if step.kind is StepKind.APPROVAL:
        yield from _submitters(state, step)


def _submitter_at_signature(state: FolderState, _: Duty, step: Step) -> Iterator[PersonId]:
    if step.kind is StepKind.SIGNATURE:
        yield from _submitters(state, step)


def _submitters(state: FolderState, step: Step) -> Iterator[PersonId]:
    """Whoever prepares the documents passes the preparation, and validates nothing of them."""
    yield from state.submitters
    if step.phase is Phase.VALIDATION:
        yield from state.preparers


def _at_other_steps(state: FolderState, duty: Duty, step: Step) -> Iterator[PersonId]:
    """At the step itself only this round counts: its desks act together, whoever passed it in an
    earlier round may pass it again."""
    if step.id not in duty.steps:
        return
    for act in state.acts:
        same = act.step == step.id and act.round == state.round
        other = act.step != step.id and act.step in duty.steps
        if act.kind in PASSING_ACTS and act.stands and (same or other):
            yield from act.by.names


_KEPT_APART: Mapping[DutyKind, Callable[[FolderState, Duty, Step], Iterator[PersonId]]] = {
    DutyKind.APPROVER_DOES_NOT_SIGN: _approver_or_signer,
    DutyKind.SUBMITTER_DOES_NOT_APPROVE: _submitter_at_approval,
    DutyKind.SUBMITTER_DOES_NOT_SIGN: _submitter_at_signature,
    DutyKind.DISTINCT_PERSONS: _at_other_steps,
}


def _authors(state: FolderState, kinds: frozenset[ActKind]) -> Iterator[PersonId]:
    for act in state.acts:
        if act.kind in kinds and act.stands:
            yield from act.by.names
