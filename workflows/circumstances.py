"""What an act is judged upon beside the folder, and the checks that every act at a step shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from workflows.definition import DeskId, Step, StepId, StepKind, desks_of
from workflows.duties import barred
from workflows.errors import (
    DeskNotConcerned,
    PersonRecused,
    ReasonMissing,
    SelfGranted,
    UnknownStep,
)
from workflows.folder import FolderState, FolderStatus, StepInstance, StepState
from workflows.moments import NotInWorkflow, NotYourTurn, StepAlreadyPassed, WrongStepKind
from workflows.powers import administrator_power, powers_of
from workflows.register import BarredBy, Facts, PersonAtDesk, PersonId, Power, PowerRegister

_AWAITED: Mapping[StepKind, str] = {
    StepKind.APPROVAL: "Cette étape attend un visa : approuvez ou rejetez.",
    StepKind.SIGNATURE: "Cette étape attend une signature : signez avec votre clé ou rejetez.",
    StepKind.SEAL: "Cette étape attend le cachet de la collectivité : apposez-le ou rejetez.",
    StepKind.EXTERNAL: (
        "Cette étape attend une réponse de l'extérieur : attendez-la, ou demandez à un "
        "administrateur de forcer l'étape."
    ),
    StepKind.SECURE_MAIL: (
        "Cette étape attend la réponse à un courriel sécurisé : attendez-la, ou demandez à un "
        "administrateur de forcer l'étape."
    ),
    StepKind.TRANSMISSION: "Cette étape est faite par le système : attendez la réponse.",
    StepKind.ARCHIVE: "Cette étape attend le classement du dossier : archivez-le.",
}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an act is judged upon, beside the folder; the instant is in UTC."""

    register: PowerRegister
    facts: Facts
    instant: datetime


def turn_of(state: FolderState, step: StepId) -> StepInstance:
    """The step, which has its turn now. Raises NotInWorkflow, UnknownStep, StepAlreadyPassed or
    NotYourTurn."""
    if not state.steps:
        raise NotInWorkflow
    instance = state.step(step)
    if instance is None:
        raise UnknownStep
    if instance.state is StepState.WAITING:
        raise NotYourTurn if state.current_step is not None else NotInWorkflow
    if instance.state is not StepState.CURRENT:
        raise StepAlreadyPassed
    return instance


def check_kind(instance: StepInstance, kinds: frozenset[StepKind]) -> None:
    """The step is of one of these kinds. Raises WrongStepKind, which says what it waits for."""
    if instance.kind not in kinds:
        raise WrongStepKind(_AWAITED[instance.kind])


def check_in_workflow(state: FolderState) -> None:
    """The folder has been sent once: it is no draft. Raises NotInWorkflow."""
    if state.status is FolderStatus.DRAFT:
        raise NotInWorkflow


def check_not_recused(state: FolderState, actor: PersonAtDesk) -> None:
    """The person did not stand back from this folder. Raises PersonRecused."""
    if actor.person in state.recused:
        raise PersonRecused


def administrator_power_at(
    instance: StepInstance, actor: PersonAtDesk, given: Circumstances
) -> Power:
    """The power to administer the step: at one of its desks, at any desk where it has none.
    Raises UnknownDesk, NotAdministrator or DeskNotConcerned."""
    power = administrator_power(given.register, actor, given.instant)
    desks = desks_of(instance.step)
    if desks and actor.desk not in desks:
        raise DeskNotConcerned
    return power


def check_not_own(
    state: FolderState, desk: DeskId, actor: PersonAtDesk, given: Circumstances
) -> None:
    """The desk to which an administrator brings a step is none through which he may act himself:
    he would give himself what he is only to unblock. Raises SelfGranted."""
    powers = powers_of(given.register, actor.person, given.instant, facts_now(state, given))
    if any(one.desk == desk for one in powers):
        raise SelfGranted


def said(text: str, refusal: str) -> str:
    """The text without the blanks around it. Raises ReasonMissing, with this French sentence,
    when nothing is left."""
    if not text.strip():
        raise ReasonMissing(refusal)
    return text.strip()


def with_history(state: FolderState, step: Step, facts: Facts) -> Facts:
    """The facts, and the persons whom the folder's own life bars from this step."""
    return replace(facts, barred=(*facts.barred, *barred(state, step)))


def with_history_for(state: FolderState, step: Step, facts: Facts, author: PersonId) -> Facts:
    """The facts, and the persons barred from this step, but for the duties of the author of an
    act there: what he did is not a duty broken."""
    history = with_history(state, step, facts)
    others = (one for one in history.barred if one.by is BarredBy.RECUSAL or one.person != author)
    return replace(facts, barred=tuple(others))


def facts_now(state: FolderState, given: Circumstances) -> Facts:
    """The facts, and the persons barred from the current step where there is one."""
    current = state.current_step
    return given.facts if current is None else with_history(state, current.step, given.facts)
