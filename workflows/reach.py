"""Which folders a person's powers reach, as conditions that a list may be filtered by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from workflows.candidates import Candidate, candidates, desks_within_reach
from workflows.definition import DeskId, StepKind
from workflows.judgement import Question, displacing, scopes_of
from workflows.powers import RULES
from workflows.presence import absences_from, holders_of, is_available
from workflows.register import (
    Barred,
    BarredBy,
    Facts,
    PersonId,
    Power,
    PowerKind,
    PowerRegister,
    Scope,
)


@dataclass(frozen=True, slots=True)
class SetAside:
    """Folders that a power does not reach at steps of this kind, because another one took them:
    those that every scope covers."""

    kind: StepKind
    scopes: tuple[Scope, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What waits at `power.desk` for steps of these kinds, covered by every scope and not set
    aside, is open to the person, unless its own history bars him. `after` are the persons of a
    ranked list who come first: his turn is at the folders from which all of them are barred."""

    power: Power
    kinds: frozenset[StepKind]
    scopes: tuple[Scope, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    after: frozenset[PersonId] = frozenset()


def reaches(register: PowerRegister, person: PersonId, instant: datetime) -> tuple[Reach, ...]:
    """One reach per power of the person: together they say what `entitlement` says, folder by
    folder, but for the certificate at a signature."""
    return tuple(
        reach
        for desk in desks_within_reach(register, person, instant)
        for reach in _reaches_at(register, person, desk, instant)
    )


def _reaches_at(
    register: PowerRegister, person: PersonId, desk: DeskId, instant: datetime
) -> Iterator[Reach]:
    for one in candidates(register, RULES, desk, Facts(), instant):
        if one.person == person and one.power.kind is not PowerKind.REPLACEMENT:
            yield _reach(register, one, instant)
    for holder, ahead in _ranks(register, person, desk, instant):
        kept_out = tuple(Barred(one, BarredBy.RECUSAL, "") for one in ahead)
        for one in candidates(register, RULES, desk, Facts(barred=kept_out), instant):
            if (one.person, one.power.on_behalf_of) == (person, holder) and _replaces(one):
                yield _reach(register, one, instant, frozenset(ahead))


def _replaces(candidate: Candidate) -> bool:
    return candidate.power.kind is PowerKind.REPLACEMENT


def _ranks(
    register: PowerRegister, person: PersonId, desk: DeskId, instant: datetime
) -> Iterator[tuple[PersonId, tuple[PersonId, ...]]]:
    """The holders in whose lists of replacements the person is, and the available persons who
    come before him there."""
    for holder in holders_of(register, desk, instant):
        ranked = (
            one
            for absence in absences_from(register, holder, desk, instant)
            for one in absence.replacements
            if is_available(register, one, desk, instant)
        )
        available = tuple(dict.fromkeys(ranked))
        if person in available:
            yield holder, available[: available.index(person)]


def _reach(
    register: PowerRegister,
    candidate: Candidate,
    instant: datetime,
    after: frozenset[PersonId] = frozenset(),
) -> Reach:
    kinds = RULES[candidate.power.kind].steps
    aside = (
        SetAside(kind, scopes_of(register, grant))
        for kind in sorted(kinds)
        for grant in displacing(Question(register, RULES, kind, None, instant), candidate)
    )
    own = scopes_of(register, candidate.grant) if candidate.grant is not None else ()
    return Reach(candidate.power, kinds, own, tuple(dict.fromkeys(aside)), after)
