"""What may be put in the register of powers, and what leaves it when a person leaves a desk."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from workflows.definition import DeskId
from workflows.grant_refusals import (
    AbsenceDeskUnknown,
    AbsencesContradictory,
    ContradictoryPowers,
    DelegationCycle,
    GrantCapacityRefused,
    GrantDatesReversed,
    GrantDeskUnknown,
    GranteeNotInOffice,
    GrantKindRefused,
    GrantLapsed,
    GrantorMissing,
    GrantorNotHolder,
    GrantorUnexpected,
    GrantToOneself,
    RegrantRefused,
    ReplacementRefused,
    SubDelegationRefused,
)
from workflows.mentions import TEMPLATE_MAX, is_one_line
from workflows.periods import Period, start_of_day
from workflows.powers import RULES
from workflows.register import (
    Absence,
    Grant,
    PersonId,
    PowerKind,
    PowerRegister,
    SubtypeId,
    TypeId,
)
from workflows.scopes import overlap
from workflows.standing import (
    Ends,
    GivenBy,
    awaits_its_document,
    ended_by,
    has_lapsed,
    lasts,
    may_regrant,
    parent_of,
    usable_from,
)

CAPACITY_MAX: Final = TEMPLATE_MAX

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
_NO_NAMES: Mapping[PersonId, str] = {}
_NO_TYPES: Mapping[SubtypeId, TypeId] = {}


_LAPSED: Mapping[Ends, str] = {
    Ends.DATE: "La fin de ce pouvoir est déjà passée : donnez une fin à venir.",
    Ends.REPEAL: "Ce pouvoir est déjà abrogé : donnez-en un autre, s'il en faut un.",
    Ends.GRANTOR_LEAVES: (
        "Le délégant a quitté ce bureau, et ce pouvoir a pris fin avec son départ : faites-le "
        "donner par le titulaire d'aujourd'hui."
    ),
    Ends.GRANTEE_LEAVES: (
        "Le bénéficiaire a quitté le bureau au titre duquel il reçoit ce pouvoir, qui a pris fin "
        "avec son départ : choisissez une autre personne ou un autre bureau."
    ),
    Ends.HOLDER_COMES: (
        "Un titulaire est arrivé depuis le début de cet intérim, qui a pris fin avec son arrivée : "
        "si le poste est de nouveau vacant, donnez l'intérim à partir de cette vacance."
    ),
}
_PARENT_ENDED = (
    "Ce pouvoir ne servirait jamais, car celui qu'il redonne a pris fin ou n'a pas cours à ces "
    "dates : corrigez les dates, ou faites d'abord renouveler celui que le délégant a reçu."
)


@dataclass(frozen=True, slots=True)
class Departure:
    """A person leaves a desk at that instant."""

    person: PersonId
    desk: DeskId
    at: datetime


def check_grant(
    register: PowerRegister,
    grant: Grant,
    zone: ZoneInfo,
    now: datetime,
    names: Mapping[PersonId, str] = _NO_NAMES,
    type_of: Mapping[SubtypeId, TypeId] = _NO_TYPES,
) -> None:
    """Raises a case of GrantRefused where the grant may not be put in the register at this
    instant, from which on it has to serve some time, or DayOutOfRange for a document of a day
    outside the calendar.

    A grant of the same id in the register is the one that this one replaces. The days of its
    document begin as clocks of `zone` show them. `names` serve in the
    details (ids otherwise); `type_of` gives the type of each subtype, and a subtype that it does
    not have may belong to any type.
    """
    others = tuple(one for one in register.grants if one.id != grant.id)
    register = replace(register, grants=others)
    _check_itself(register, grant, zone)
    _check_grantor(register, grant)
    _check_grantee(register, grant)
    _check_life(register, grant, now)
    _check_contradictions(register, grant, names, type_of)
    _check_cycle(register, grant, names)


def check_absence(register: PowerRegister, absence: Absence, zone: ZoneInfo) -> None:
    """Raises a case of AbsenceRefused where the absence may not be put in the register, which
    tells days as clocks of `zone` show them. One of the same id in the register is the one that
    this one replaces.

    Two absences of a person contradict each other when both are from all his desks or from the
    same one: nothing would say whose list comes first. One from all goes with one from a single
    desk, whose list comes first there.
    """
    if absence.desk is not None and absence.desk not in register.desks:
        raise AbsenceDeskUnknown
    named = (absence.person, *absence.replacements)
    if len(set(named)) < len(named):
        raise ReplacementRefused
    for other in register.absences:
        same = other.person == absence.person and other.desk == absence.desk
        if same and other.id != absence.id and _meet(_span(other), _span(absence)):
            raise AbsencesContradictory(
                f"Une autre absence de cette personne, {_when(other, zone)} : raccourcissez-la, "
                "supprimez-la ou séparez les dates."
            )


def _when(absence: Absence, zone: ZoneInfo) -> str:
    start, end = _span(absence)
    first = f"{start.astimezone(zone):%d/%m/%Y}"
    where = "de tous ses bureaux" if absence.desk is None else "au même bureau"
    if end == _END_OF_TIME:
        return f"{where}, court à partir du {first}, sans fin"
    return f"{where}, va du {first} au {(end - _INSTANT).astimezone(zone):%d/%m/%Y}"


def check_hierarchy(superiors: Mapping[DeskId, DeskId]) -> tuple[DeskId, ...] | None:
    """The first circle of desks each under the next, the last under the first; None without."""
    for start in sorted(superiors):
        line = [start]
        while line[-1] in superiors:
            above = superiors[line[-1]]
            if above in line:
                return tuple(line[line.index(above) :])
            line.append(above)
    return None


def lapsing(register: PowerRegister, *departures: Departure) -> tuple[Grant, ...]:
    """The grants that end, or will never serve, because these persons leave these desks: those
    given in the office that is left, those received for it or held with no other desk, and what
    was re-delegated of these."""
    leaving, staying = register, register
    for one in departures:
        leaving = _ending(leaving, one, one.at)
        staying = _ending(staying, one, None)
    instants = sorted({one.at for one in departures})
    return tuple(
        grant
        for grant in register.grants
        if any(
            has_lapsed(leaving, grant, RULES, at) and not has_lapsed(staying, grant, RULES, at)
            for at in instants
        )
    )


def _ending(register: PowerRegister, one: Departure, end: datetime | None) -> PowerRegister:
    """The register where the holding that is left has this end."""
    return replace(
        register,
        holders=tuple(
            replace(row, period=Period(row.period.start, end))
            if (row.person, row.desk) == (one.person, one.desk)
            and row.period.start < one.at
            and (row.period.end is None or row.period.end >= one.at)
            else row
            for row in register.holders
        ),
    )


def _check_itself(register: PowerRegister, grant: Grant, zone: ZoneInfo) -> None:
    given_by = RULES[grant.kind].given_by
    if given_by is GivenBy.NO_GRANT:
        raise GrantKindRefused
    if {grant.office, grant.grantee_office or grant.office} - register.desks:
        raise GrantDeskUnknown
    if len(grant.capacity) > CAPACITY_MAX or not is_one_line(grant.capacity):
        raise GrantCapacityRefused
    if grant.grantor == grant.grantee:
        raise GrantToOneself
    if grant.grantor is not None and given_by is GivenBy.NOBODY:
        raise GrantorUnexpected
    _check_dates(grant, zone)


def _check_dates(grant: Grant, zone: ZoneInfo) -> None:
    executory, document = grant.executory_at, grant.document
    if executory is not None and grant.period.end is not None and grant.period.end <= executory:
        raise GrantDatesReversed(
            "Ce pouvoir finirait avant d'être exécutoire : corrigez la fin ou la date à laquelle "
            "l'acte qui le fonde est exécutoire."
        )
    if document is None:
        return
    if document.published_on is not None and document.published_on < document.signed_on:
        raise GrantDatesReversed(
            f"L'acte {document.number} serait publié avant d'être signé : corrigez ses dates."
        )
    known_on, done = (
        (document.published_on, "publié")
        if document.published_on is not None
        else (document.signed_on, "signé")
    )
    if executory is not None and executory < start_of_day(known_on, zone):
        raise GrantDatesReversed(
            f"L'acte {document.number} serait exécutoire avant d'être {done} : corrigez ses dates."
        )


def _check_grantor(register: PowerRegister, grant: Grant) -> None:
    if grant.regrants is not None:
        parent = parent_of(register, grant)
        passes_on = Ends.GRANTOR_LEAVES in RULES[grant.kind].ends_with
        if parent is None or not passes_on or not may_regrant(parent, grant, RULES):
            raise RegrantRefused
        return
    if grant.grantor is None:
        if RULES[grant.kind].given_by is GivenBy.PERSON:
            raise GrantorMissing
        return
    if _holds_when_it_starts(register, grant.grantor, grant.office, grant):
        return
    delegated = (
        one.grantee == grant.grantor
        and one.office == grant.office
        and _meet(_span(one), _span(grant))
        for one in register.grants
    )
    raise SubDelegationRefused if any(delegated) else GrantorNotHolder


def _check_grantee(register: PowerRegister, grant: Grant) -> None:
    desk = grant.grantee_office
    if desk is not None and not _holds_when_it_starts(register, grant.grantee, desk, grant):
        raise GranteeNotInOffice


def _check_life(register: PowerRegister, grant: Grant, now: datetime) -> None:
    if not has_lapsed(register, grant, RULES, now):
        return
    soonest = max(now, usable_from(grant))
    first = next(iter(ended_by(register, grant, RULES, soonest)))
    of_parent = first is Ends.GRANTOR_LEAVES and grant.regrants is not None
    raise GrantLapsed(_PARENT_ENDED if of_parent else _LAPSED[first])


def _holds_when_it_starts(
    register: PowerRegister, person: PersonId, desk: DeskId, grant: Grant
) -> bool:
    """While the document is not executory nobody knows when the grant will start to serve:
    holding the desk for a part of its period is then enough."""
    own = (one.period for one in register.holders if (one.desk, one.person) == (desk, person))
    if awaits_its_document(grant):
        return any(_meet(_bounds(period), _span(grant)) for period in own)
    return any(period.covers(usable_from(grant)) for period in own)


def _check_contradictions(
    register: PowerRegister,
    grant: Grant,
    names: Mapping[PersonId, str],
    type_of: Mapping[SubtypeId, TypeId],
) -> None:
    for other in register.grants:
        if (
            other.office == grant.office
            and _contradict(grant, other)
            and _at_once(register, grant, other)
            and overlap(grant.scope, other.scope, type_of)
        ):
            raise ContradictoryPowers(
                f"Ce pouvoir en contredit un autre du même bureau, {_named(other, names)} : "
                "abrogez l'autre, ou séparez leurs dates ou leurs domaines."
            )


def _contradict(one: Grant, other: Grant) -> bool:
    """DESIGN D6. A power and the one that re-delegates it do not contradict each other."""
    kinds = {one.kind, other.kind}
    if one.regrants == other.id or other.regrants == one.id:
        return False
    if kinds in ({PowerKind.POWER_DELEGATION}, {PowerKind.INTERIM}):
        return one.grantee != other.grantee
    if kinds == {PowerKind.POWER_DELEGATION, PowerKind.SIGNATURE_DELEGATION}:
        return one.grantor == other.grantor
    return kinds == {PowerKind.INTERIM, PowerKind.SUBSTITUTION}


def _named(grant: Grant, names: Mapping[PersonId, str]) -> str:
    founding = f"l'acte {grant.document.number}" if grant.document else f"le pouvoir {grant.id}"
    return f"{founding} (donné à {names.get(grant.grantee, grant.grantee)})"


def _check_cycle(register: PowerRegister, grant: Grant, names: Mapping[PersonId, str]) -> None:
    """A circle stands at some instant if it stands when the last of its delegations, or of the
    holdings that they rest on, starts: that instant is enough to look at."""
    if grant.grantor is None:
        return
    for instant in _beginnings(register, grant):
        if lasts(register, grant, RULES, instant):
            path = _path(register, grant.grantee, grant.grantor, instant)
            if path:
                circle = " → ".join(names.get(one, one) for one in (grant.grantor, *path))
                raise DelegationCycle(
                    f"Ces délégations tourneraient en rond ({circle}) : retirez l'une d'elles."
                )


def _path(
    register: PowerRegister, start: PersonId, goal: PersonId, instant: datetime
) -> tuple[PersonId, ...]:
    """The shortest way from one person to another by the delegations of that instant."""
    seen = {start}
    ways: deque[tuple[PersonId, ...]] = deque([(start,)])
    while ways:
        way = ways.popleft()
        if way[-1] == goal:
            return way
        for one in register.grants:
            if (
                one.grantor == way[-1]
                and one.grantee not in seen
                and lasts(register, one, RULES, instant)
            ):
                seen.add(one.grantee)
                ways.append((*way, one.grantee))
    return ()


_Span = tuple[datetime, datetime]


def _span(one: Grant | Absence) -> _Span:
    start, end = _bounds(one.period)
    return start, min(end, one.repealed_at or end)


def _bounds(period: Period) -> _Span:
    return period.start, period.end or _END_OF_TIME


def _meet(one: _Span, other: _Span) -> bool:
    return max(one[0], other[0]) < min(one[1], other[1])


def _at_once(register: PowerRegister, one: Grant, other: Grant) -> bool:
    """Whether both live at some instant."""
    return any(
        lasts(register, one, RULES, instant) and lasts(register, other, RULES, instant)
        for instant in _beginnings(register, one)
    )


def _beginnings(register: PowerRegister, grant: Grant) -> list[datetime]:
    """The instants of its period at which a grant or a holding starts: what lives with the grant
    at some instant does so at one of them."""
    given = {one.period.start for one in (grant, *register.grants)}
    held = {one.period.start for one in register.holders}
    return sorted(one for one in given | held if grant.period.covers(one))
