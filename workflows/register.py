"""What gives power in a tenant: who holds what, in whose name, until when; frozen values only.

`workflows.powers` is the one place that draws consequences from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NewType

from workflows.definition import DeskId, FieldKey
from workflows.periods import Period

PersonId = NewType("PersonId", str)
PowerId = NewType("PowerId", str)
AbsenceId = NewType("AbsenceId", str)
TypeId = NewType("TypeId", str)
SubtypeId = NewType("SubtypeId", str)


@dataclass(frozen=True, slots=True)
class PersonAtDesk:
    """Who asks, and the desk through which. `person` may be the program behind an API token,
    which the register then lists as a `DeskProgram`."""

    person: PersonId
    desk: DeskId


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
class Administrator:
    """A person who may skip, force, transfer and migrate: at these desks, at all where None."""

    person: PersonId
    desks: frozenset[DeskId] | None = None


@dataclass(frozen=True, slots=True)
class Absence:
    """A person's time away from one of his desks, from all of them where `desk` is None.

    `replacements` are ranked; they serve at approval steps only (DESIGN D6). `repealed_at`: the
    absence was ended or withdrawn at that instant.
    """

    id: AbsenceId
    person: PersonId
    period: Period
    desk: DeskId | None = None
    replacements: tuple[PersonId, ...] = ()
    repealed_at: datetime | None = None


class PowerKind(StrEnum):
    """What a power is founded on."""

    HOLDER = "holder"
    PROGRAM = "program"
    ADMINISTRATOR = "administrator"
    REPLACEMENT = "replacement"
    SIGNATURE_DELEGATION = "signature_delegation"
    FUNCTION_DELEGATION = "function_delegation"
    POWER_DELEGATION = "power_delegation"
    SUBSTITUTION = "substitution"
    INTERIM = "interim"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a grant covers: these types and subtypes (all where both are empty), up to a ceiling
    in cents, compared amount by amount (no ceiling where None)."""

    types: frozenset[TypeId] = frozenset()
    subtypes: frozenset[SubtypeId] = frozenset()
    ceiling_cents: int | None = None


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class FoundingDocument:
    """The order, deliberation or decision that founds a grant."""

    number: str
    signed_on: date
    published_on: date | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A power given to a person by name, in an office.

    `office` is the desk whose function is exercised; `grantor` the person who gives (None for a
    substitution or an interim); `grantee_office` the desk that the grantee holds and without
    which the grant ends (None: with the last desk that he holds). `capacity` is the function of
    the grantee as the document names it. A grant founded by an order is usable from
    `executory_at`, never where that is None.
    `regrants`: the power delegation that this one re-delegates, which must say
    `may_be_regranted`.
    """

    id: PowerId
    kind: PowerKind
    office: DeskId
    grantee: PersonId
    period: Period
    capacity: str = ""
    grantor: PersonId | None = None
    grantee_office: DeskId | None = None
    scope: Scope = EVERYTHING
    document: FoundingDocument | None = None
    executory_at: datetime | None = None
    repealed_at: datetime | None = None
    may_be_regranted: bool = False
    regrants: PowerId | None = None


class Gender(StrEnum):
    """Of the title of an office, as its holder bears it."""

    MASCULINE = "masculine"
    FEMININE = "feminine"


@dataclass(frozen=True, slots=True)
class Office:
    """How an office is named in a mention: « Maire », « Présidente », « adjoint aux finances »."""

    desk: DeskId
    title: str
    gender: Gender = Gender.MASCULINE


@dataclass(frozen=True, slots=True)
class PowerRegister:
    """All that gives power in a tenant. `desks` are those that exist; `superiors` goes from a
    desk to the one above it; `mentions` are the tenant's own templates; `inactive` are the
    persons whose account is closed: none of them acts, and what they hold, gave and received is
    what it was."""

    desks: frozenset[DeskId]
    holders: tuple[DeskHolder, ...] = ()
    programs: tuple[DeskProgram, ...] = ()
    administrators: tuple[Administrator, ...] = ()
    absences: tuple[Absence, ...] = ()
    grants: tuple[Grant, ...] = ()
    superiors: Mapping[DeskId, DeskId] = field(default_factory=dict)
    offices: tuple[Office, ...] = ()
    mentions: Mapping[PowerKind, str] = field(default_factory=dict)
    inactive: frozenset[PersonId] = frozenset()


@dataclass(frozen=True, slots=True)
class Power:
    """What lets somebody act through a desk; `id` is its founding row where it has one,
    `on_behalf_of` the person in whose name, when it is not in one's own, `mention` the words
    that say so (« Pour le Maire et par délégation, le premier adjoint »). `sources`: where that
    person passes on what he was given, who gave it, the nearest first; the events stored before
    powers had them name nobody there."""

    kind: PowerKind
    desk: DeskId
    on_behalf_of: PersonId | None = None
    id: PowerId | None = None
    mention: str | None = None
    sources: tuple[PersonId, ...] = ()

    @property
    def principals(self) -> tuple[PersonId, ...]:
        """All those in whose name one acts by it, down to the first who gave it."""
        nearest = () if self.on_behalf_of is None else (self.on_behalf_of,)
        return (*nearest, *self.sources)


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who acted and by which power, as it was resolved at the instant of the act."""

    person: PersonId
    power: Power

    @property
    def names(self) -> tuple[PersonId, ...]:
        """The person, and those in whose name he acted where it was not his own."""
        return (self.person, *self.power.principals)

    @property
    def seat(self) -> PersonAtDesk:
        """The person at the desk through which he acted."""
        return PersonAtDesk(self.person, self.power.desk)


@dataclass(frozen=True, slots=True)
class NamedAmount:
    """One amount of a folder, in cents, under the name that a refusal gives it (« bordereau
    12 »)."""

    label: str
    cents: int


ANY_AMOUNT = (NamedAmount("montant", 0),)
"""What every ceiling covers: who is able up to some amount is then able."""


class BarredBy(StrEnum):
    """Why a person may not act on a folder whatever his powers."""

    RECUSAL = "recusal"
    DUTY = "duty"


@dataclass(frozen=True, slots=True)
class Barred:
    """A person who may not pass the step in question; `detail` is a French sentence. A duty bars
    also whoever would act on behalf of the person, at second hand included."""

    person: PersonId
    by: BarredBy
    detail: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a folder at the instant of the question.

    `fit_signers` are the persons who hold a certificate fit to sign it, judged outside; `amounts`
    are its slip totals including tax, or the one amount that its subtype names; `filled` are the
    metadata that hold a value (false and 0 are values), `labels` what people call them; `barred`
    comes from its own history; `follower_cancelled`: the folder that followed it was cancelled.
    """

    fit_signers: frozenset[PersonId] = frozenset()
    type: TypeId | None = None
    subtype: SubtypeId | None = None
    amounts: tuple[NamedAmount, ...] = ()
    filled: frozenset[FieldKey] = frozenset()
    barred: tuple[Barred, ...] = ()
    follower_cancelled: bool = False
    labels: Mapping[FieldKey, str] = field(default_factory=dict)


NO_FACTS = Facts()
