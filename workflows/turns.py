"""The acts of persons at the current step: pass it, refuse, hand it over, ask for an opinion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from workflows.actions import (
    ActionKind,
    AddStep,
    Approve,
    Archive,
    AskOpinion,
    PassingAction,
    Reject,
    Seal,
    Sign,
    SignOnPaper,
    StepAction,
    Transfer,
)
from workflows.circumstances import (
    Circumstances,
    administrator_power_at,
    check_kind,
    check_not_own,
    check_not_recused,
    said,
    turn_of,
    with_history,
)
from workflows.definition import PERSON_STEPS, FieldKey, Phase, Step, StepId, StepKind, desks_of
from workflows.errors import (
    DeskNotConcerned,
    MetadataMissing,
    NotAdministrator,
    NotEntitled,
    PaperRefused,
    ReadingMissing,
    StepNotAddable,
    UnknownDesk,
)
from workflows.events import (
    Approved,
    Archived,
    Event,
    OpinionAsked,
    PassingEvent,
    Sealed,
    Signed,
    SignedOnPaper,
    StepAdded,
    Transferred,
)
from workflows.folder import PASSING_ACTS, FolderState, RevisionId, StepInstance
from workflows.moments import OpinionAlreadyAsked, StepAlreadyPassed
from workflows.powers import entitlement, step_power
from workflows.progress import with_what_follows
from workflows.register import (
    Authorship,
    Facts,
    PersonAtDesk,
    PersonId,
    Power,
    PowerKind,
    PowerRegister,
)
from workflows.returns import reject
from workflows.revisions import check_signed

_PASSES: Mapping[ActionKind, StepKind] = {
    ActionKind.APPROVE: StepKind.APPROVAL,
    ActionKind.SIGN: StepKind.SIGNATURE,
    ActionKind.SIGN_ON_PAPER: StepKind.SIGNATURE,
    ActionKind.SEAL: StepKind.SEAL,
    ActionKind.ARCHIVE: StepKind.ARCHIVE,
}

_WORKFLOW_STEPS = PERSON_STEPS - {StepKind.ARCHIVE}
"""The kinds at which a person may still refuse, or lengthen the circuit: the others come when
it is over."""

STEP_ACTIONS: Mapping[ActionKind, frozenset[StepKind]] = {
    **{action: frozenset({kind}) for action, kind in _PASSES.items()},
    ActionKind.REJECT: _WORKFLOW_STEPS,
    ActionKind.TRANSFER: PERSON_STEPS,
    ActionKind.ASK_OPINION: _WORKFLOW_STEPS,
    ActionKind.ADD_STEP: _WORKFLOW_STEPS,
}
"""The acts of persons at the current step, and the kinds of steps that each is for."""

_MOVES = frozenset({ActionKind.TRANSFER, ActionKind.REJECT})
_ADDABLE = frozenset({StepKind.APPROVAL, StepKind.SIGNATURE})


def decide_at_step(
    state: FolderState, action: StepAction, given: Circumstances
) -> tuple[Event, ...]:
    """What follows the act of a person at the current step. Raises as `authorship_at_step`, and
    a case of Unacceptable for what comes along."""
    by = authorship_at_step(state, action.kind, action.step, action.actor, given)
    match action:
        case Approve() | Sign() | SignOnPaper() | Seal() | Archive():
            documents = action.documents if isinstance(action, Approve) else None
            return with_what_follows(state, _passing(state, action, by, given), given, documents)
        case Reject():
            return reject(state, action, by, given)
        case Transfer():
            return (_transfer(state, action, by, given),)
        case AskOpinion():
            return (_ask(state, action, by, given),)
        case AddStep():
            _check_addable(state, action, given.register)
            return (StepAdded(given.instant, by, action.step, action.added),)
        case _:
            assert_never(action)


def authorship_at_step(
    state: FolderState, kind: ActionKind, step: StepId, actor: PersonAtDesk, given: Circumstances
) -> Authorship:
    """Who acts and by which power, for an act of this kind at the current step.

    Raises as `turn_of`; WrongStepKind or StepAlreadyPassed (by this desk); a case of
    NotEntitled; PaperRefused, StepNotAddable, ReadingMissing or MetadataMissing.
    """
    instance = turn_of(state, step)
    check_kind(instance, STEP_ACTIONS[kind])
    check_not_recused(state, actor)
    _check_open(state, kind, instance)
    if kind in _MOVES:
        power = _moving_power(state, instance, actor, given)
    elif kind in _PASSES:
        power = _passing_power(state, kind, instance, actor, given)
    else:
        power = _speaking_power(state, instance, actor, given)
    _check_awaited(state, instance, actor)
    if power.kind is not PowerKind.ADMINISTRATOR and kind is not ActionKind.REJECT:
        check_read(state, actor.person)
    _check_filled(kind, instance.step, given.facts)
    return Authorship(actor.person, power)


def check_read(state: FolderState, person: PersonId) -> None:
    """Nothing is `unread` by the person. Raises ReadingMissing."""
    if unread(state, person):
        raise ReadingMissing


def unread(state: FolderState, person: PersonId) -> tuple[RevisionId, ...]:
    """The main documents as they are now that the person has yet to open before an act at the
    current step, where reading is mandatory. The documents of a preparation still change: it
    demands no reading."""
    is_demanded = state.rules.mandatory_reading and state.current_step is not None
    if not is_demanded or state.in_preparation:
        return ()
    read = {one.revision for one in state.readings if one.person == person}
    main = (one.revision.id for one in state.signable_documents)
    return tuple(one for one in main if one not in read)


def _check_open(state: FolderState, kind: ActionKind, instance: StepInstance) -> None:
    paper = state.rules.paper_signature and not state.rules.single_signature
    if kind is ActionKind.SIGN_ON_PAPER and not paper:
        raise PaperRefused
    if kind is ActionKind.ADD_STEP and not instance.step.may_add_steps:
        raise StepNotAddable


def _passing_power(
    state: FolderState,
    kind: ActionKind,
    instance: StepInstance,
    actor: PersonAtDesk,
    given: Circumstances,
) -> Power:
    facts = with_history(state, instance.step, given.facts)
    if kind is ActionKind.SIGN_ON_PAPER:
        # Signed with a pen: the power to sign is needed, the certificate is not.
        facts = replace(facts, fit_signers=facts.fit_signers | {actor.person})
    return entitlement(given.register, actor, instance.step, facts, given.instant)


def _speaking_power(
    state: FolderState, instance: StepInstance, actor: PersonAtDesk, given: Circumstances
) -> Power:
    facts = with_history(state, instance.step, given.facts)
    return step_power(given.register, actor, instance.step, given.instant, facts)


def _moving_power(
    state: FolderState, instance: StepInstance, actor: PersonAtDesk, given: Circumstances
) -> Power:
    """That of a person of the desk, else that of an administrator of it: a folder that nobody can
    pass is handed over or sent back, never passed in his place."""
    try:
        return _speaking_power(state, instance, actor, given)
    except NotEntitled as refusal:
        try:
            return administrator_power_at(instance, actor, given)
        except NotAdministrator:
            raise refusal from None


def _check_awaited(state: FolderState, instance: StepInstance, actor: PersonAtDesk) -> None:
    if desks_of(instance.step) and actor.desk not in state.desks_awaited_at(instance.id):
        raise StepAlreadyPassed("Votre bureau a déjà agi à cette étape : attendez les autres.")


def _check_filled(kind: ActionKind, step: Step, facts: Facts) -> None:
    required: tuple[FieldKey, ...] = ()
    if kind in _PASSES:
        required = step.required_to_pass
    elif kind is ActionKind.REJECT:
        required = step.required_to_reject
    missing = [key for key in required if key not in facts.filled]
    if missing:
        names = ", ".join(f"« {facts.labels.get(key, key)} »" for key in missing)
        raise MetadataMissing(f"Remplissez d'abord les informations obligatoires : {names}.")


def _passing(
    state: FolderState, action: PassingAction, by: Authorship, given: Circumstances
) -> PassingEvent:
    match action:
        case Approve():
            return Approved(given.instant, by, action.step)
        case Sign():
            check_signed(state, action.signed)
            return Signed(given.instant, by, action.step, action.signed)
        case SignOnPaper():
            return SignedOnPaper(given.instant, by, action.step, action.signed_on)
        case Seal():
            check_signed(state, action.sealed)
            return Sealed(given.instant, by, action.step, action.sealed)
        case Archive():
            return Archived(given.instant, by, action.step)
        case _:
            assert_never(action)


def _transfer(
    state: FolderState, action: Transfer, by: Authorship, given: Circumstances
) -> Transferred:
    if action.to not in given.register.desks:
        raise UnknownDesk
    if action.to in desks_of(turn_of(state, action.step).step):
        raise DeskNotConcerned("Ce bureau a déjà cette étape : choisissez-en un autre.")
    acts = (one for one in state.acts_at(action.step) if one.kind in PASSING_ACTS)
    if any(one.by.power.desk == action.to for one in acts):
        # It acted before a migration took the step from it: nobody would be awaited any more.
        raise DeskNotConcerned("Ce bureau a déjà agi à cette étape : choisissez-en un autre.")
    if by.power.kind is PowerKind.ADMINISTRATOR:
        check_not_own(state, action.to, action.actor, given)
    return Transferred(
        given.instant, by, action.step, action.actor.desk, action.to, action.reason.strip()
    )


def _ask(
    state: FolderState, action: AskOpinion, by: Authorship, given: Circumstances
) -> OpinionAsked:
    question = said(action.question, "Écrivez la question que vous posez à l'autre bureau.")
    if action.desk not in given.register.desks:
        raise UnknownDesk
    if action.desk == action.actor.desk:
        raise DeskNotConcerned("Demandez l'avis d'un autre bureau que le vôtre.")
    if state.opinion_awaited(action.step, action.desk) is not None:
        raise OpinionAlreadyAsked
    return OpinionAsked(given.instant, by, action.step, action.desk, question)


def _check_addable(state: FolderState, action: AddStep, register: PowerRegister) -> None:
    added, here = action.added, turn_of(state, action.step).step
    signs = added.kind is StepKind.SIGNATURE
    if added.kind not in _ADDABLE or (signs and state.rules.single_signature):
        raise StepNotAddable
    if added.phase is not here.phase or (signs and here.phase is Phase.PREPARATION):
        raise StepNotAddable("Ajoutez une étape de la même partie du circuit que celle-ci.")
    if not added.name.strip() or state.step(added.id) is not None:
        raise StepNotAddable("Donnez à l'étape ajoutée un nom, et un identifiant à elle.")
    desks = desks_of(added)
    if not desks or len(set(desks)) != len(added.actors):
        raise StepNotAddable("Confiez l'étape ajoutée à des bureaux, chacun une fois.")
    if not register.desks.issuperset(desks):
        raise UnknownDesk
