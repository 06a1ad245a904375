"""Acts beside the turns of a circuit: reading, giving an opinion, standing back."""

from __future__ import annotations

from collections.abc import Iterator

from workflows.actions import GiveOpinion, Read, Recuse
from workflows.circumstances import (
    Circumstances,
    check_in_workflow,
    check_not_recused,
    facts_now,
    said,
    turn_of,
    with_history,
)
from workflows.definition import DeskId, Step, StepId, StepKind, desks_of, given_desk
from workflows.errors import DeskNotConcerned, DocumentsMismatch, NoPower, NotEntitled
from workflows.events import DocumentsRead, OpinionGiven, Recused
from workflows.folder import FolderState
from workflows.moments import AlreadyRecused, NoOpinionAsked
from workflows.powers import powers_of, step_power
from workflows.register import Authorship, PersonAtDesk
from workflows.turns import check_read


def decide_read(
    state: FolderState, action: Read, given: Circumstances
) -> tuple[DocumentsRead, ...]:
    """The reading, recorded once for each person and revision: nothing follows when all was
    read before. Raises as `reading`, and DocumentsMismatch for what is not in the folder."""
    by = reading(state, action.actor, given)
    known = {one.revision.id for one in state.documents}
    if not state.in_preparation and not known.issuperset(action.revisions):
        raise DocumentsMismatch
    read = {one.revision for one in state.readings if one.person == action.actor.person}
    new = tuple(one for one in dict.fromkeys(action.revisions) if one not in read)
    return (DocumentsRead(given.instant, by, new),) if new else ()


def reading(state: FolderState, actor: PersonAtDesk, given: Circumstances) -> Authorship:
    """Who reads a folder in its circuit: anybody of a desk that takes part in it. Raises
    NotInWorkflow, DeskNotConcerned or NoPower."""
    check_in_workflow(state)
    if actor.desk not in set(desks_taking_part(state)):
        raise DeskNotConcerned("Ce dossier ne passe pas par ce bureau : choisissez le bon bureau.")
    facts = facts_now(state, given)
    for power in powers_of(given.register, actor.person, given.instant, facts):
        if power.desk == actor.desk:
            return Authorship(actor.person, power)
    raise NoPower


def decide_opinion(state: FolderState, action: GiveOpinion, given: Circumstances) -> OpinionGiven:
    """The answer to an opinion that was asked. Raises as `giving_opinion`, and ReasonMissing."""
    by = giving_opinion(state, action.step, action.actor, given)
    answer = said(action.answer, "Écrivez votre avis avant de l'envoyer.")
    return OpinionGiven(given.instant, by, action.step, answer)


def giving_opinion(
    state: FolderState, step: StepId, actor: PersonAtDesk, given: Circumstances
) -> Authorship:
    """Who answers for the desk whose opinion is awaited at the current step: whoever could
    approve there. Raises as `turn_of`; NoOpinionAsked, ReadingMissing or a case of
    NotEntitled."""
    instance = turn_of(state, step)
    check_not_recused(state, actor)
    if state.opinion_awaited(step, actor.desk) is None:
        raise NoOpinionAsked
    facts = facts_now(state, given)
    asked = opinion_step(instance.step, actor.desk)
    power = step_power(given.register, actor, asked, given.instant, facts)
    check_read(state, actor.person)
    return Authorship(actor.person, power)


def opinion_step(step: Step, desk: DeskId) -> Step:
    """An opinion at the step as a question to the powers: who could approve there for the desk."""
    return Step(step.id, StepKind.APPROVAL, step.name, (given_desk(desk),))


def decide_recusal(state: FolderState, action: Recuse, given: Circumstances) -> Recused:
    """The person stands back. Raises as `recusing`, and ReasonMissing."""
    by = recusing(state, action.actor, given)
    reason = said(action.reason, "Écrivez pourquoi vous vous déportez de ce dossier.")
    return Recused(given.instant, by, reason)


def recusing(state: FolderState, actor: PersonAtDesk, given: Circumstances) -> Authorship:
    """Who may stand back: whoever could act at one of the steps, whatever its turn. Raises
    NotInWorkflow, AlreadyRecused or a case of NotEntitled."""
    check_in_workflow(state)
    if actor.person in state.recused:
        raise AlreadyRecused
    refusal: NotEntitled = DeskNotConcerned()
    for step in _steps_of(state, actor.desk):
        facts = with_history(state, step, given.facts)
        try:
            power = step_power(given.register, actor, step, given.instant, facts)
            return Authorship(actor.person, power)
        except NotEntitled as lacking:
            refusal = lacking
    raise refusal


def _steps_of(state: FolderState, desk: DeskId) -> Iterator[Step]:
    return (one.step for one in state.steps if desk in desks_of(one.step))


def desks_taking_part(state: FolderState) -> Iterator[DeskId]:
    """The desks of the folder: those that sent, have, had or will have it, are asked about it, or
    keep it at the end."""
    yield state.submitter.desk
    if state.final_desk is not None:
        yield state.final_desk
    for instance in state.steps:
        yield from desks_of(instance.step)
    for opinion in state.opinions:
        yield opinion.desk
    for act in state.acts:
        yield act.by.power.desk
