"""Whether a power serves for one folder: what its history, its type and its amounts allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from workflows.candidates import Candidate
from workflows.definition import StepKind
from workflows.errors import (
    DutyConflict,
    HolderReplaced,
    NoFitCertificate,
    NotEntitled,
    OutOfScope,
    PersonRecused,
    PowerGivenAway,
)
from workflows.obstacles import NobodyAble, fragment, no_certificate, sentence
from workflows.presence import holders_of
from workflows.register import (
    EVERYTHING,
    BarredBy,
    Facts,
    Grant,
    PersonId,
    PowerKind,
    PowerRegister,
    Scope,
)
from workflows.scopes import Beyond, excess
from workflows.standing import Needs, Rules, WhoActs, parent_of, stands

_SET_ASIDE: Mapping[WhoActs, tuple[NobodyAble, str, type[NotEntitled]]] = {
    WhoActs.NOT_THE_HOLDER: (
        NobodyAble.HOLDER_REPLACED,
        "un suppléant exerce les fonctions du titulaire absent",
        HolderReplaced,
    ),
    WhoActs.GRANTEE_ONLY: (
        NobodyAble.GIVEN_AWAY,
        "la compétence a été déléguée au seul délégataire",
        PowerGivenAway,
    ),
}
_BEYOND: Mapping[Beyond, NobodyAble] = {
    Beyond.TYPE: NobodyAble.OUT_OF_SCOPE,
    Beyond.AMOUNT_UNKNOWN: NobodyAble.AMOUNT_UNKNOWN,
    Beyond.CEILING: NobodyAble.CEILING_EXCEEDED,
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of each power at a desk. Without `facts`, the scopes and the history of the
    folder are left aside; `passing` a step asks for more than speaking at it."""

    register: PowerRegister
    rules: Rules
    kind: StepKind
    facts: Facts | None
    instant: datetime
    passing: bool = True


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps somebody from acting, in the words for others (`detail`, a part of a sentence)
    and as the refusal that he gets himself."""

    what: NobodyAble
    detail: str
    refusal: NotEntitled


def obstacle(question: Question, candidate: Candidate) -> Obstacle | None:
    """The first thing that keeps the candidate from acting by this power, None where nothing
    does."""
    return (
        _bar(question, candidate)
        or _displacement(question, candidate)
        or _excess(question, candidate)
        or _certificate(question, candidate)
    )


def _bar(question: Question, candidate: Candidate) -> Obstacle | None:
    """A recusal keeps out the person; a duty, at the acts that pass, also whoever acts in his
    name."""
    for one in question.facts.barred if question.facts else ():
        if one.by is BarredBy.RECUSAL and one.person == candidate.person:
            return Obstacle(NobodyAble.BARRED, fragment(one.detail), PersonRecused(one.detail))
        names = (candidate.person, *candidate.power.principals)
        if one.by is BarredBy.DUTY and question.passing and one.person in names:
            return Obstacle(NobodyAble.BARRED, fragment(one.detail), DutyConflict(one.detail))
    return None


def _displacement(question: Question, candidate: Candidate) -> Obstacle | None:
    """A power that leaves this one aside, in force and covering the folder."""
    for grant in displacing(question, candidate):
        if _covers(question, grant):
            what, detail, refusal = _SET_ASIDE[question.rules[grant.kind].who_acts]
            return Obstacle(what, detail, refusal())
    return None


def displacing(question: Question, candidate: Candidate) -> tuple[Grant, ...]:
    """The grants in force that leave this power aside, for the folders that they cover."""
    return tuple(
        grant
        for grant in question.register.grants
        if grant.office == candidate.power.desk
        and question.kind in question.rules[grant.kind].steps
        and _sets_aside(question, grant, candidate)
        and stands(question.register, grant, question.rules, question.instant)
    )


def _sets_aside(question: Question, grant: Grant, candidate: Candidate) -> bool:
    power = candidate.power
    if (grant.kind, grant.grantee) == (power.kind, candidate.person):
        # His own, or another one of the same kind that overlaps it.
        return False
    if candidate.grant is not None and candidate.grant.regrants == grant.id:
        return False
    who_acts = question.rules[grant.kind].who_acts
    match who_acts:
        case WhoActs.EVERYBODY:
            return False
        case WhoActs.NOT_THE_HOLDER:
            return power.kind is PowerKind.HOLDER and candidate.person != grant.grantee
        case WhoActs.GRANTEE_ONLY:
            used = _competence(question, candidate)
            if grant.grantor is None:
                # What a body gave is no part of the office: who fills the vacancy has it no more
                # than a holder would.
                holders = holders_of(question.register, grant.office, question.instant)
                vacant = question.rules[power.kind].needs is Needs.VACANCY
                return vacant or used.person in holders
            return used == _Competence(grant.grantor, _origin(question.register, grant))
        case _:
            assert_never(who_acts)


@dataclass(frozen=True, slots=True)
class _Competence:
    """What a person may do at an office: as its holder, or because of a power delegation, by the
    body or the person that `origin` holds."""

    person: PersonId
    origin: tuple[PersonId | None, ...]


def _competence(question: Question, candidate: Candidate) -> _Competence:
    """The competence that the candidate would use, his own or that of somebody else."""
    power, grant = candidate.power, candidate.grant
    if grant is not None and question.rules[power.kind].who_acts is WhoActs.GRANTEE_ONLY:
        return _Competence(candidate.person, (grant.grantor,))
    origin = () if grant is None else _origin(question.register, grant)
    return _Competence(power.on_behalf_of or candidate.person, origin)


def _origin(register: PowerRegister, grant: Grant) -> tuple[PersonId | None, ...]:
    """Who gave what the grant passes on; nothing where its grantor gives of his own."""
    parent = parent_of(register, grant)
    return () if parent is None else (parent.grantor,)


def _covers(question: Question, grant: Grant) -> bool:
    facts = question.facts
    scopes = scopes_of(question.register, grant)
    if facts is None:
        return all(one == EVERYTHING for one in scopes)
    return all(excess(one, facts) is None for one in scopes)


def scopes_of(register: PowerRegister, grant: Grant) -> tuple[Scope, ...]:
    """What the grant covers: every one of these scopes, its own and that of what it re-grants."""
    parent = parent_of(register, grant)
    return (grant.scope,) if parent is None else (grant.scope, parent.scope)


def _excess(question: Question, candidate: Candidate) -> Obstacle | None:
    if candidate.grant is None or question.facts is None:
        return None
    for scope in scopes_of(question.register, candidate.grant):
        found = excess(scope, question.facts)
        if found is not None:
            refusal = f"{found.detail} : laissez le dossier au titulaire ou à un autre délégataire"
            return Obstacle(_BEYOND[found.beyond], found.detail, OutOfScope(sentence(refusal)))
    return None


def _certificate(question: Question, candidate: Candidate) -> Obstacle | None:
    signs = question.passing and question.kind is StepKind.SIGNATURE
    if not signs or question.facts is None or candidate.person in question.facts.fit_signers:
        return None
    detail = no_certificate(question.register, candidate.power)
    return Obstacle(NobodyAble.NO_FIT_CERTIFICATE, detail, NoFitCertificate())
