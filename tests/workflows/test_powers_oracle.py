"""Who may act by `workflows.powers` against a second reading of the texts, over drawn registers,
at a second around every date that they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

from tests.builders.registers import DAY, ORDER, SECOND, a_step, slips
from tests.workflows.powers_oracle import BEST_FIRST, DELEGATIONS, WHOLE_OFFICE, Clerk, Title, rank
from workflows.definition import DeskId, Step, StepKind, StepMode, desks_of
from workflows.errors import Refused
from workflows.grants import check_absence, check_grant
from workflows.periods import Period, whole_days
from workflows.powers import desk_power, powers_of, who_may_act
from workflows.register import (
    Absence,
    AbsenceId,
    Barred,
    BarredBy,
    DeskHolder,
    Facts,
    Grant,
    PersonAtDesk,
    PersonId,
    Power,
    PowerId,
    PowerKind,
    PowerRegister,
    Scope,
    SubtypeId,
    TypeId,
)
from workflows.turning_points import turning_points

T = TypeVar("T")

PLACES = ("Europe/Paris", "Indian/Reunion", "America/Cayenne", "America/Miquelon", "Pacific/Noumea")
DESKS = tuple(DeskId(f"desk-{n}") for n in range(4))
PERSONS = tuple(PersonId(f"person-{n}") for n in range(6))
TYPES = {
    SubtypeId("a"): TypeId("one"),
    SubtypeId("b"): TypeId("one"),
    SubtypeId("c"): TypeId("two"),
}
BEFORE, FIRST_DAY, DAYS = date(2026, 3, 1), date(2026, 3, 26), 8
"""The days are those around the change of clocks in Paris."""

EXECUTORY = datetime(2026, 2, 25, tzinfo=UTC)
KINDS = {
    "council": (PowerKind.POWER_DELEGATION, *DELEGATIONS, PowerKind.INTERIM),
    "passed on": (PowerKind.POWER_DELEGATION, *DELEGATIONS),
    "absences": (PowerKind.SUBSTITUTION, PowerKind.SUBSTITUTION, *DELEGATIONS),
    "vacancies": (PowerKind.INTERIM, PowerKind.INTERIM, PowerKind.FUNCTION_DELEGATION),
    "anything": (*DELEGATIONS, PowerKind.SUBSTITUTION, PowerKind.INTERIM),
}
STEPS = (StepKind.APPROVAL, StepKind.SIGNATURE, StepKind.SEAL, StepKind.ARCHIVE)


@dataclass
class Registrar:
    """Draws a register that administrators could have made: what is refused is left out."""

    chance: Random

    def __post_init__(self) -> None:
        self.zone = ZoneInfo(self.chance.choice(PLACES))
        self.persons = PERSONS[: self.chance.randrange(3, 7)]
        self.desks = DESKS[: self.chance.randrange(2, 5)]
        self.theme = self.chance.choice(tuple(KINDS))

    def register(self) -> PowerRegister:
        """Holders, then absences, then grants."""
        found = PowerRegister(desks=frozenset(self.desks))
        for _ in range(self.chance.randrange(1, 8)):
            anew = [one for one in found.holders if self.rarely()]
            seat = (self.desk(), self.chance.choice(self.persons))
            if anew:
                seat = (anew[0].desk, anew[0].person)
            holder = DeskHolder(*seat, self.period(0.5))
            found = replace(found, holders=(*found.holders, holder))
        for number, person in enumerate(self.absent(found)):
            absence = self.absence(number, person)
            if is_accepted(partial(check_absence, found, absence, self.zone)):
                found = replace(found, absences=(*found.absences, absence))
        for number in range(self.chance.randrange(7) + 4 * (self.theme == "passed on")):
            grant = self.grant(number, found)
            if is_accepted(partial(check_grant, found, grant, self.zone, EXECUTORY, type_of=TYPES)):
                found = replace(found, grants=(*found.grants, grant))
        closed = frozenset(one for one in self.persons if self.rarely())
        return replace(found, inactive=closed if self.rarely() else frozenset())

    def rarely(self) -> bool:
        return self.chance.random() < 0.2

    def often(self) -> bool:
        return self.chance.random() < 0.8

    def maybe(self, value: T) -> T | None:
        return value if self.rarely() else None

    def desk(self) -> DeskId:
        return self.desks[0] if self.chance.random() < 0.5 else self.chance.choice(self.desks)

    def period(self, since_long: float) -> Period:
        """Whole days there, from long ago or from a day of the week, at times from an hour on."""
        if self.chance.random() < since_long:
            return whole_days(BEFORE, None, self.zone)
        first = FIRST_DAY + DAY * self.chance.randrange(DAYS)
        last = None if self.rarely() else first + DAY * self.chance.randrange(6)
        days = whole_days(first, last, self.zone)
        return replace(days, start=days.start + timedelta(hours=9)) if self.rarely() else days

    def instant(self) -> datetime:
        day = FIRST_DAY + DAY * self.chance.randrange(DAYS)
        return whole_days(day, None, self.zone).start + timedelta(hours=self.chance.choice((0, 10)))

    def absent(self, register: PowerRegister) -> list[PersonId]:
        """Anybody; the holders of the first desk most often, all of them where it is the theme."""
        deserted = [one.person for one in register.holders if one.desk == self.desks[0]]
        once = deserted if self.theme == "absences" else []
        return once + self.chance.choices((*self.persons, *deserted), k=self.chance.randrange(4))

    def absence(self, number: int, person: PersonId) -> Absence:
        others = [one for one in self.persons if one != person]
        return Absence(
            AbsenceId(f"absence-{20 - number}"),
            person,
            self.period(0.6),
            self.chance.choice((None, self.desks[0], self.desk())),
            tuple(self.chance.sample(others, self.chance.randrange(3))),
            self.maybe(self.instant()),
        )

    def grant(self, number: int, register: PowerRegister) -> Grant:
        kind, office = self.chance.choice(KINDS[self.theme]), self.desk()
        grantor, regrants = self.grantor(kind, office, register), None
        whole = [one for one in register.grants if one.kind is PowerKind.POWER_DELEGATION]
        if whole and kind in DELEGATIONS and self.often():
            parent = self.chance.choice(whole)
            grantor, office, regrants = parent.grantee, parent.office, parent.id
        grantee = self.chance.choice(self.persons)
        if self.theme == "passed on" and self.rarely():
            grantee = self.chance.choice([grantee, *_held_by(register, office)])
        seats = [one.desk for one in register.holders if one.person == grantee]
        by_law = kind not in DELEGATIONS and self.often()
        dates = (*[EXECUTORY] * 5, self.instant(), self.instant(), None)
        return Grant(
            id=PowerId(f"grant-{number}"),
            kind=kind,
            office=office,
            grantee=grantee,
            period=self.period(0.6),
            grantor=grantor,
            grantee_office=self.maybe(self.chance.choice(seats)) if seats else None,
            scope=self.scope(),
            document=None if by_law else ORDER,
            executory_at=None if by_law else self.chance.choice(dates),
            repealed_at=self.maybe(self.instant()),
            may_be_regranted=self.often(),
            regrants=regrants,
        )

    def grantor(self, kind: PowerKind, office: DeskId, register: PowerRegister) -> PersonId | None:
        holders = _held_by(register, office)
        named = 1.0 if self.theme == "passed on" else 0.6
        by_body = kind is PowerKind.POWER_DELEGATION and self.chance.random() >= named
        return (
            self.chance.choice(holders) if kind in DELEGATIONS and holders and not by_body else None
        )

    def scope(self) -> Scope:
        types, subtypes = list(TYPES.values()), list(TYPES)
        return Scope(
            frozenset(self.chance.sample(types, self.chance.choice((0, 0, 0, 1)))),
            frozenset(self.chance.sample(subtypes, self.chance.choice((0, 0, 0, 1)))),
            self.chance.choice((None, None, 100, 500)),
        )

    def facts(self, register: PowerRegister) -> Facts:
        """Those who gave what others passed on are barred more often than others."""
        passed_on = {one.regrants for one in register.grants}
        givers = [one.grantor for one in register.grants if one.id in passed_on]
        persons = (*self.persons, *(one for one in givers * 3 if one is not None))
        subtype = self.maybe_not(self.chance.choice(list(TYPES)))
        return Facts(
            fit_signers=frozenset(one for one in self.persons if self.often()),
            type=None if subtype is None else TYPES[subtype],
            subtype=subtype,
            amounts=slips(*self.chance.choice(((), (50,), (100,), (101,), (50, 600)))),
            barred=tuple(
                Barred(self.chance.choice(persons), self.chance.choice(list(BarredBy)), "Non.")
                for _ in range(self.chance.choice((0, 0, 0, 1, 2)))
            ),
        )

    def maybe_not(self, value: T) -> T | None:
        return value if self.chance.random() < 0.9 else None

    def step(self, register: PowerRegister) -> Step:
        """Where something was passed on more often than elsewhere."""
        passed_on = [one.office for one in register.grants if one.regrants and self.often()]
        desks = dict.fromkeys((*passed_on[:1], self.desk(), self.desk()))
        mode = self.chance.choice(list(StepMode))
        return a_step(self.chance.choice(STEPS), *desks, mode=mode)


def _held_by(register: PowerRegister, desk: DeskId) -> list[PersonId]:
    return [one.person for one in register.holders if one.desk == desk]


def is_accepted(check: Callable[[], None]) -> bool:
    try:
        check()
    except Refused:
        return False
    return True


def told(person: PersonId, power: Power) -> Title:
    source = next(iter(power.sources), None)
    return Title(person, power.desk, power.kind, power.id, power.on_behalf_of, source)


def best(titles: Sequence[Title]) -> set[tuple[PersonId, DeskId, tuple[int, str]]]:
    """The first power of each person at each desk."""
    first: dict[tuple[PersonId, DeskId], Title] = {}
    for one in sorted(titles, key=rank):
        first.setdefault((one.person, one.desk), one)
    return {(one.person, one.desk, rank(one)) for one in first.values()}


def check_able(clerk: Clerk, step: Step, facts: Facts, counts: Counter[PowerKind]) -> None:
    able = {desk: clerk.able(step.kind, desk, facts) for desk in desks_of(step)}
    answer = who_may_act(clerk.register, step, facts, clerk.now)
    expected = [one for those in able.values() for one in those]
    found = [told(one.person, one.power) for one in answer.able]
    assert best(found) == best(expected)
    assert set(found) <= set(expected)
    deserted = [all(clerk.is_away(one.person, desk) for one in able[desk]) for desk in able]
    stuck = all(deserted) if step.mode is StepMode.ANY_OF else any(deserted)
    assert (answer.nobody is not None) == stuck
    counts.update({one.kind for one in expected})


def check_person(clerk: Clerk, person: PersonId, desks: Sequence[DeskId], facts: Facts) -> None:
    register, now = clerk.register, clerk.now
    kept_out = {one.person for one in facts.barred}
    titles = [one for desk in desks for one in clerk.titles(desk, kept_out) if one.person == person]
    powers = powers_of(register, person, now, facts)
    assert {told(person, one) for one in powers} == set(titles)
    for desk in desks:
        deposits = any(
            one.desk == desk
            and one.kind in WHOLE_OFFICE
            and all(clerk.covers(row, facts) for row in register.grants if row.id == one.row)
            for one in titles
        )
        try:
            desk_power(register, PersonAtDesk(person, desk), now, facts)
        except Refused:
            assert not deposits
        else:
            assert deposits


def test_threat_36_who_may_act_is_what_the_texts_say(scaled: Callable[[int, int], int]) -> None:
    counts: Counter[PowerKind] = Counter()
    for seed in range(scaled(10_000, 1_000)):
        registrar = Registrar(Random(seed))
        register = registrar.register()
        for at in registrar.chance.choices(turning_points(register), k=5):
            now = at + SECOND * registrar.chance.choice((-1, 0, 1))
            clerk, facts = Clerk(register, now), registrar.facts(register)
            check_able(clerk, registrar.step(register), facts, counts)
            check_person(clerk, registrar.chance.choice(registrar.persons), registrar.desks, facts)
    assert set(counts) == set(BEST_FIRST)
    assert min(counts.values()) >= scaled(400, 40), counts
