"""The powers of a small fictional town hall: offices, holders, grants and absences."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from workflows.definition import Actor, DeskId, Step, StepId, StepKind, StepMode, given_desk
from workflows.errors import Refused
from workflows.periods import Period
from workflows.powers import entitlement, who_may_act
from workflows.register import (
    Absence,
    AbsenceId,
    DeskHolder,
    Facts,
    FoundingDocument,
    Gender,
    Grant,
    NamedAmount,
    Office,
    PersonAtDesk,
    PersonId,
    Power,
    PowerId,
    PowerKind,
    PowerRegister,
)

PARIS = ZoneInfo("Europe/Paris")
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TERM = Period(datetime(2020, 7, 3, tzinfo=UTC))
MONTH = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))

TOWN_HALL, DEPUTY, FINANCES, COUNCIL = (
    DeskId(name) for name in ("town-hall", "deputy", "finances", "council")
)
GONE = DeskId("gone")

MAYOR, CO_MAYOR, FIRST, SECOND_DEPUTY, CLERK, OTHER_CLERK, STRANGER = (
    PersonId(name)
    for name in (
        "mayor",
        "co-mayor",
        "first-deputy",
        "second-deputy",
        "clerk",
        "other-clerk",
        "stranger",
    )
)
EVERYBODY = (MAYOR, CO_MAYOR, FIRST, SECOND_DEPUTY, CLERK, OTHER_CLERK, STRANGER)

REGISTER = PowerRegister(
    desks=frozenset({TOWN_HALL, DEPUTY, FINANCES, COUNCIL}),
    holders=(
        DeskHolder(TOWN_HALL, MAYOR, TERM),
        DeskHolder(DEPUTY, FIRST, TERM),
        DeskHolder(DEPUTY, SECOND_DEPUTY, TERM),
        DeskHolder(FINANCES, CLERK, TERM),
    ),
    offices=(
        Office(TOWN_HALL, "Maire"),
        Office(DEPUTY, "adjointe", Gender.FEMININE),
        Office(COUNCIL, "Conseil municipal"),
    ),
)
OWN = Power(PowerKind.HOLDER, TOWN_HALL)
"""The power of the mayor in his own name."""

ALL_FIT = Facts(fit_signers=frozenset(EVERYBODY))
ORDER = FoundingDocument("2026-12", date(2026, 2, 20), date(2026, 2, 21))


def a_step(kind: StepKind, *desks: DeskId, mode: StepMode = StepMode.ANY_OF) -> Step:
    """A step of this kind, entrusted to these desks."""
    actors: tuple[Actor, ...] = tuple(given_desk(desk) for desk in desks)
    return Step(StepId(f"{kind}"), kind, "Étape", actors, mode)


APPROVAL = a_step(StepKind.APPROVAL, TOWN_HALL)
SIGNATURE = a_step(StepKind.SIGNATURE, TOWN_HALL)
SEAL = a_step(StepKind.SEAL, TOWN_HALL)
ARCHIVE = a_step(StepKind.ARCHIVE, TOWN_HALL)
EXTERNAL = a_step(StepKind.EXTERNAL, TOWN_HALL)


def a_grant(kind: PowerKind = PowerKind.SIGNATURE_DELEGATION, **changes: Any) -> Grant:
    """A grant of the mayor's office to the first deputy, executory, for the month of March."""
    given = kind in {
        PowerKind.SIGNATURE_DELEGATION,
        PowerKind.FUNCTION_DELEGATION,
        PowerKind.POWER_DELEGATION,
    }
    grant = Grant(
        id=PowerId("grant-1"),
        kind=kind,
        office=TOWN_HALL,
        grantee=FIRST,
        period=MONTH,
        capacity="la première adjointe",
        grantor=MAYOR if given else None,
        document=ORDER,
        executory_at=datetime(2026, 2, 22, tzinfo=UTC),
    )
    return replace(grant, **changes)


def an_absence(person: PersonId = MAYOR, *replacements: PersonId, **changes: Any) -> Absence:
    """An absence of the person from all his desks, in March, with this ranked list."""
    absence = Absence(AbsenceId(f"absence-of-{person}"), person, MONTH, replacements=replacements)
    return replace(absence, **changes)


def with_grants(*grants: Grant, base: PowerRegister = REGISTER) -> PowerRegister:
    """The register and these grants."""
    return replace(base, grants=(*base.grants, *grants))


def with_absences(*absences: Absence, base: PowerRegister = REGISTER) -> PowerRegister:
    """The register and these absences."""
    return replace(base, absences=(*base.absences, *absences))


def with_holders(*holders: DeskHolder, base: PowerRegister = REGISTER) -> PowerRegister:
    """The register and these further holders."""
    return replace(base, holders=(*base.holders, *holders))


def without_holders(desk: DeskId, base: PowerRegister = REGISTER) -> PowerRegister:
    """The register, and nobody at the desk."""
    return replace(base, holders=tuple(one for one in base.holders if one.desk != desk))


def slips(*cents: int) -> tuple[NamedAmount, ...]:
    """The amounts of slips numbered from 1."""
    return tuple(NamedAmount(f"bordereau {n}", one) for n, one in enumerate(cents, start=1))


def ready_for(kind: PowerKind, base: PowerRegister = REGISTER) -> PowerRegister:
    """A register where a grant of this kind to the first deputy can serve."""
    if kind is PowerKind.SUBSTITUTION:
        return with_absences(an_absence(MAYOR, period=Period(TERM.start)), base=base)
    return without_holders(TOWN_HALL, base) if kind is PowerKind.INTERIM else base


def power(
    register: PowerRegister,
    person: PersonId,
    step: Step = SIGNATURE,
    facts: Facts = ALL_FIT,
    instant: datetime = NOW,
) -> Power:
    """The power by which the person passes the step through its first desk; raises otherwise."""
    desk = step.actors[0].desk
    assert desk is not None
    return entitlement(register, PersonAtDesk(person, desk), step, facts, instant)


def may(
    register: PowerRegister,
    person: PersonId,
    step: Step = SIGNATURE,
    facts: Facts = ALL_FIT,
    instant: datetime = NOW,
) -> bool:
    """Whether the person may pass the step through its first desk."""
    try:
        power(register, person, step, facts, instant)
    except Refused:
        return False
    return True


def able(
    register: PowerRegister, step: Step = SIGNATURE, facts: Facts = ALL_FIT, instant: datetime = NOW
) -> set[PersonId]:
    """All who may pass the step."""
    return {one.person for one in who_may_act(register, step, facts, instant).able}
