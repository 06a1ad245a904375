"""Who has a power at a desk, and in whose name, before any folder is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from workflows.definition import DeskId
from workflows.mentions import capacity_mention
from workflows.presence import absences_from, all_absent, holders_of, is_available
from workflows.register import Facts, Grant, PersonId, Power, PowerId, PowerKind, PowerRegister
from workflows.standing import Needs, Rules, parent_of, stands


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person with a power at a desk, and the grant that gives it where one does."""

    person: PersonId
    power: Power
    grant: Grant | None = None


def desks_within_reach(
    register: PowerRegister, person: PersonId, instant: datetime
) -> tuple[DeskId, ...]:
    """The desks at which the person may have a power; at no other has he one."""
    replaced = {one.person for one in register.absences if person in one.replacements}
    held = (one.desk for one in register.holders if one.person == person)
    granted = (one.office for one in register.grants if one.grantee == person)
    left = (
        one.desk
        for one in register.holders
        if one.person in replaced and one.period.covers(instant)
    )
    return tuple(dict.fromkeys((*held, *granted, *left)))


def persons_within_reach(register: PowerRegister, desks: frozenset[DeskId]) -> frozenset[PersonId]:
    """Those who have a power to sign at one of the desks at some instant; nobody else ever has."""
    holders = {one.person for one in register.holders if one.desk in desks}
    grantees = {one.grantee for one in register.grants if one.office in desks}
    return frozenset(holders | grantees) - register.inactive


def candidates(
    register: PowerRegister, rules: Rules, desk: DeskId, facts: Facts, instant: datetime
) -> tuple[Candidate, ...]:
    """Whoever may use a power at the desk, with it, each once, in the order of the rules, then by
    id: nobody whose account is closed.

    Of a folder only those whom its history keeps out are read: a ranked list goes on to the next.
    """
    found = entitled(register, rules, desk, facts, instant)
    return tuple(one for one in found if one.person not in register.inactive)


def entitled(
    register: PowerRegister, rules: Rules, desk: DeskId, facts: Facts, instant: datetime
) -> tuple[Candidate, ...]:
    """The same, and those who could use their power if their account were not closed."""
    found = (
        *_holding(register, desk, instant),
        *_granted(register, rules, desk, instant),
        *_replacing(register, desk, facts, instant),
    )
    ranks = {kind: rank for rank, kind in enumerate(rules)}

    def rank(one: Candidate) -> tuple[int, str]:
        return ranks[one.power.kind], one.power.id or ""

    return tuple(sorted(dict.fromkeys(found), key=rank))


def _holding(register: PowerRegister, desk: DeskId, instant: datetime) -> Iterator[Candidate]:
    for person in holders_of(register, desk, instant):
        yield Candidate(person, Power(PowerKind.HOLDER, desk))


def _granted(
    register: PowerRegister, rules: Rules, desk: DeskId, instant: datetime
) -> Iterator[Candidate]:
    for grant in register.grants:
        if grant.office == desk and stands(register, grant, rules, instant):
            mention = capacity_mention(register, grant.kind, desk, grant.capacity)
            sources = _sources(register, grant)
            for principal in _principals(register, grant, rules, instant):
                power = Power(grant.kind, desk, principal, grant.id, mention, sources)
                yield Candidate(grant.grantee, power, grant)


def _principals(
    register: PowerRegister, grant: Grant, rules: Rules, instant: datetime
) -> tuple[PersonId | None, ...]:
    """In whose name the grantee acts; None for a body or an office that nobody holds."""
    needs = rules[grant.kind].needs
    if needs is Needs.ABSENCE:
        holders = holders_of(register, grant.office, instant)
        return tuple(one for one in holders if one != grant.grantee)
    return (None,) if needs is Needs.VACANCY else (grant.grantor,)


def _sources(register: PowerRegister, grant: Grant) -> tuple[PersonId, ...]:
    """Who gave what the grant passes on: nobody by name where a body did."""
    parent = parent_of(register, grant)
    return () if parent is None or parent.grantor is None else (parent.grantor,)


def _replacing(
    register: PowerRegister, desk: DeskId, facts: Facts, instant: datetime
) -> Iterator[Candidate]:
    """The first available person of the list of each absent holder, once all are absent."""
    if not all_absent(register, desk, instant):
        return
    kept_out = {one.person for one in facts.barred}
    mention = capacity_mention(register, PowerKind.REPLACEMENT, desk, "")
    for holder in holders_of(register, desk, instant):
        ranked = (
            (absence, person)
            for absence in absences_from(register, holder, desk, instant)
            for person in absence.replacements
        )
        for absence, person in ranked:
            if person not in kept_out and is_available(register, person, desk, instant):
                founding = PowerId(absence.id)
                power = Power(PowerKind.REPLACEMENT, desk, holder, founding, mention)
                yield Candidate(person, power)
                break
