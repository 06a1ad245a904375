"""Who may act: the one place that says which person may do what, through which desk, when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from workflows.definition import DeskId, Step, StepKind
from workflows.encoding import in_utc
from workflows.errors import (
    DeskNotConcerned,
    NoFitCertificate,
    NoPower,
    PeriodReversed,
    UnknownDesk,
)

PersonId = NewType("PersonId", str)
PowerId = NewType("PowerId", str)


@dataclass(frozen=True, slots=True)
class PersonAtDesk:
    """Who asks, and the desk through which. `person` may be the program behind an API token,
    which the register then lists as a `DeskProgram`."""

    person: PersonId
    desk: DeskId


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` included to `end` excluded; without `end` it stays open.

    ValueError for a datetime without time zone, PeriodReversed unless `end` follows `start`.
    """

    start: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        """Refuses a period that could never be in force."""
        start = in_utc(self.start)
        if self.end is not None and in_utc(self.end) <= start:
            raise PeriodReversed

    def covers(self, instant: datetime) -> bool:
        """Whether the instant is inside the period."""
        return self.start <= instant and (self.end is None or instant < self.end)


@dataclass(frozen=True, slots=True)
class DeskHolder:
    """A person occupies a desk for a time."""

    desk: DeskId
    person: PersonId
    period: Period


@dataclass(frozen=True, slots=True)
class DeskProgram:
    """A program deposits in the name of a desk for a time; it never acts at a step."""

    desk: DeskId
    program: PersonId
    period: Period


@dataclass(frozen=True, slots=True)
class PowerRegister:
    """All that gives power in a tenant. `desks` are those that exist."""

    desks: frozenset[DeskId]
    holders: tuple[DeskHolder, ...] = ()
    programs: tuple[DeskProgram, ...] = ()


class PowerKind(StrEnum):
    """What a power is founded on."""

    HOLDER = "holder"
    PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class Power:
    """What lets somebody act through a desk; `id` is its founding row where it has one,
    `on_behalf_of` the person in whose name, when it is not in one's own."""

    kind: PowerKind
    desk: DeskId
    on_behalf_of: PersonId | None = None
    id: PowerId | None = None


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who acted and by which power, as it was resolved at the instant of the act."""

    person: PersonId
    power: Power


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a folder at the instant of the question.

    `fit_signers` are the persons who hold a certificate fit to sign it: judged outside.
    """

    fit_signers: frozenset[PersonId] = frozenset()


class NobodyAble(StrEnum):
    """Why nobody may pass a step."""

    SYSTEM_STEP = "system_step"
    NO_HOLDER = "no_holder"
    NO_FIT_CERTIFICATE = "no_fit_certificate"


_NOBODY_SENTENCES = {
    NobodyAble.SYSTEM_STEP: "Cette étape est faite par le système.",
    NobodyAble.NO_HOLDER: (
        "Aucune personne habilitée : le bureau de cette étape n'a pas de titulaire. "
        "Affectez-lui une personne."
    ),
    NobodyAble.NO_FIT_CERTIFICATE: (
        "Aucun signataire habilité : aucun titulaire de cette étape n'a de certificat apte. "
        "Enregistrez un certificat ou affectez une autre personne."
    ),
}


@dataclass(frozen=True, slots=True)
class WhoMayAct:
    """Those who may pass a step, or the reason why nobody may."""

    able: tuple[Authorship, ...]
    nobody: NobodyAble | None = None

    @property
    def detail(self) -> str:
        """The reason as a French sentence, empty when somebody may."""
        return "" if self.nobody is None else _NOBODY_SENTENCES[self.nobody]


def powers_of(register: PowerRegister, person: PersonId, instant: datetime) -> tuple[Power, ...]:
    """Every power that the person has at the instant, each once."""
    held = (power for owner, power in _powers_in_force(register, instant) if owner == person)
    return tuple(dict.fromkeys(held))


def who_may_act(register: PowerRegister, step: Step, facts: Facts, instant: datetime) -> WhoMayAct:
    """Inverse of `entitlement`: everybody who may pass the step at the instant."""
    if step.kind is StepKind.TRANSMISSION:
        return WhoMayAct((), NobodyAble.SYSTEM_STEP)
    desks = frozenset(desks_of(step))
    present = tuple(
        dict.fromkeys(
            Authorship(person, power)
            for person, power in _powers_in_force(register, instant)
            if power.desk in desks and _acts_at_steps(power)
        )
    )
    if not present:
        return WhoMayAct((), NobodyAble.NO_HOLDER)
    able = tuple(one for one in present if _is_fit(one.person, step, facts))
    return WhoMayAct(able, None if able else NobodyAble.NO_FIT_CERTIFICATE)


def entitlement(
    register: PowerRegister, actor: PersonAtDesk, step: Step, facts: Facts, instant: datetime
) -> Power:
    """The power by which the actor may pass (approve, sign) the step at the instant.

    Raises UnknownDesk, DeskNotConcerned, NoPower, or NoFitCertificate at a signature step.
    """
    power = step_power(register, actor, step, instant)
    if not _is_fit(actor.person, step, facts):
        raise NoFitCertificate
    return power


def step_power(
    register: PowerRegister, actor: PersonAtDesk, step: Step, instant: datetime
) -> Power:
    """The power by which the actor speaks at the step: enough to reject, and to take back what
    he did there. Raises UnknownDesk, DeskNotConcerned or NoPower."""
    if actor.desk not in register.desks:
        raise UnknownDesk
    if actor.desk not in desks_of(step):
        raise DeskNotConcerned
    for power in powers_of(register, actor.person, instant):
        if power.desk == actor.desk and _acts_at_steps(power):
            return power
    raise NoPower


def desk_power(register: PowerRegister, actor: PersonAtDesk, instant: datetime) -> Power:
    """The power by which the actor deposits for the desk. Raises UnknownDesk or NoPower."""
    if actor.desk not in register.desks:
        raise UnknownDesk
    for power in powers_of(register, actor.person, instant):
        if power.desk == actor.desk:
            return power
    raise NoPower


def desks_of(step: Step) -> tuple[DeskId, ...]:
    """The desks that a step is entrusted to."""
    return tuple(actor.desk for actor in step.actors)


def _powers_in_force(
    register: PowerRegister, instant: datetime
) -> Iterator[tuple[PersonId, Power]]:
    for holder in register.holders:
        if holder.desk in register.desks and holder.period.covers(instant):
            yield holder.person, Power(PowerKind.HOLDER, holder.desk)
    for grant in register.programs:
        if grant.desk in register.desks and grant.period.covers(instant):
            yield grant.program, Power(PowerKind.PROGRAM, grant.desk)


def _acts_at_steps(power: Power) -> bool:
    return power.kind is not PowerKind.PROGRAM


def _is_fit(person: PersonId, step: Step, facts: Facts) -> bool:
    return step.kind is not StepKind.SIGNATURE or person in facts.fit_signers
