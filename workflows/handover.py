"""Council installation: who leaves which office, who comes, and what follows at those instants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from workflows.definition import DeskId, Step
from workflows.errors import Unacceptable
from workflows.folder import FolderId
from workflows.grants import Departure, lapsing
from workflows.obstacles import NobodyAble
from workflows.periods import Period
from workflows.powers import who_may_act
from workflows.presence import holders_of
from workflows.register import DeskHolder, Facts, Grant, PersonId, PowerRegister


class PendingFolders(StrEnum):
    """What becomes of the folders that wait at an office when its holder leaves: they stay for
    whoever may act there, go back to their submitters, or go to another desk."""

    KEEP = "keep"
    RETURN = "return"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class Bridging:
    """A person who holds the office for a time between two holders."""

    person: PersonId
    period: Period


@dataclass(frozen=True, slots=True)
class OfficeHandover:
    """One office changes hands.

    `starts_at`: election of the new holder, None with `incoming` when the post stays vacant.
    `ends_at`: end of the outgoing mandate, the election of the new holder where it is None.
    `transfer_to` goes with `PendingFolders.TRANSFER`.
    """

    office: DeskId
    outgoing: PersonId
    incoming: PersonId | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    bridging: Bridging | None = None
    pending: PendingFolders = PendingFolders.KEEP
    transfer_to: DeskId | None = None


@dataclass(frozen=True, slots=True)
class Handover:
    """The plan of a council installation, office by office."""

    offices: tuple[OfficeHandover, ...]


@dataclass(frozen=True, slots=True)
class Vacancy:
    """An office that nobody holds from `since` to `until` (open where it is None)."""

    office: DeskId
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class HandoverEffects:
    """What a plan does: the holdings that end, as they were; those that start; the grants that
    lapse with the former; the offices left without anybody."""

    ending: tuple[DeskHolder, ...]
    starting: tuple[DeskHolder, ...]
    lapsing: tuple[Grant, ...]
    vacancies: tuple[Vacancy, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A folder that waits, the part of its step that is still to be done, and its facts."""

    folder: FolderId
    step: Step
    facts: Facts


@dataclass(frozen=True, slots=True)
class Stranded:
    """A folder that nobody could be counted upon to pass from that instant of the plan on."""

    folder: FolderId
    since: datetime
    nobody: NobodyAble
    detail: str


class HandoverRefused(Unacceptable):
    """The plan could not be carried out."""

    code = "handover_refused"
    sentence = "Ce plan d'installation ne peut pas être appliqué : corrigez-le."


class HandoverDeskUnknown(HandoverRefused):
    """An office of the plan, or the desk that takes its folders, is not one of the tenant."""

    code = "handover_desk_unknown"
    sentence = "Un bureau du plan n'existe pas : choisissez un bureau de la collectivité."


class HandoverRepeated(HandoverRefused):
    """The same person leaves the same office twice in the plan."""

    code = "handover_repeated"
    sentence = "La même personne quitte deux fois le même bureau : gardez une seule ligne."


class HandoverDatesMissing(HandoverRefused):
    """The plan does not say when the outgoing person leaves, or when the new one starts."""

    code = "handover_dates_missing"
    sentence = (
        "Une date manque : indiquez l'élection du nouveau titulaire ou, si le poste reste vacant, "
        "la fin du mandat sortant."
    )


class OutgoingNotHolder(HandoverRefused):
    """The person said to leave does not hold the office until then."""

    code = "handover_outgoing_not_holder"
    sentence = (
        "La personne sortante n'est pas titulaire de ce bureau à cette date : corrigez la "
        "personne ou la date."
    )


class HandoverOverlap(HandoverRefused):
    """Two persons would hold the office at once."""

    code = "handover_overlap"
    sentence = (
        "Deux titulaires se chevaucheraient : le remplaçant provisoire commence après le départ, "
        "et finit avant l'arrivée du nouveau titulaire."
    )


class HandoverAlreadyHolder(HandoverRefused):
    """Somebody would come to an office that he holds at the same time."""

    code = "handover_already_holder"
    sentence = (
        "La personne qui arrive tient déjà ce bureau à ces dates : choisissez une autre personne, "
        "ou laissez le poste sans nouveau titulaire."
    )


class HandoverTransferUnclear(HandoverRefused):
    """Folders are transferred to another desk, which the plan names; otherwise it names none."""

    code = "handover_transfer_unclear"
    sentence = (
        "Indiquez à quel autre bureau transférer les dossiers en attente, ou choisissez de les "
        "garder ou de les renvoyer."
    )


def check_handover(register: PowerRegister, handover: Handover) -> None:
    """Raises a case of HandoverRefused for a plan that could not be carried out. An office left
    vacant for a while is allowed: `effects` reports it."""
    departures = [(one.office, one.outgoing) for one in handover.offices]
    if len(set(departures)) < len(departures):
        raise HandoverRepeated
    for one in handover.offices:
        _check_office(register, one)
    _check_arrivals(register, handover)


def effects(register: PowerRegister, handover: Handover) -> HandoverEffects:
    """What the plan does to the register, nothing of which is done yet. Raises as
    `check_handover`."""
    check_handover(register, handover)
    after = _moved(register, handover)
    departures = (Departure(one.outgoing, one.office, leaves_at(one)) for one in handover.offices)
    return HandoverEffects(
        tuple(row for row in register.holders if any(ends(row, one) for one in handover.offices)),
        tuple(row for one in handover.offices for row in arrivals(one)),
        lapsing(after, *departures),
        tuple(found for one in handover.offices for found in _vacancies(after, one)),
    )


def applied(register: PowerRegister, handover: Handover) -> PowerRegister:
    """The register once the plan is carried out, right before its instants as after them. Grants
    stay in it: those that lapse stand no more from that instant. Raises as `check_handover`."""
    check_handover(register, handover)
    return _moved(register, handover)


def stranded(
    register: PowerRegister, handover: Handover, waiting: Iterable[Waiting]
) -> tuple[Stranded, ...]:
    """The waiting folders that the plan would leave without anybody to count upon, each from the
    first instant of the plan at which it is so. Raises as `check_handover`."""
    after = applied(register, handover)
    instants = sorted({instant for one in handover.offices for instant in instants_of(one)})
    found: dict[FolderId, Stranded] = {}
    for one in waiting:
        for instant in instants:
            answer = who_may_act(after, one.step, one.facts, instant)
            if answer.nobody is not None:
                found.setdefault(
                    one.folder, Stranded(one.folder, instant, answer.nobody, answer.detail)
                )
    return tuple(found.values())


def leaves_at(one: OfficeHandover) -> datetime:
    """When the outgoing person leaves: by default at the election of the new holder. Raises
    HandoverDatesMissing where the plan says neither."""
    end = one.ends_at or one.starts_at
    if end is None:
        raise HandoverDatesMissing
    return end


def ends(row: DeskHolder, one: OfficeHandover) -> bool:
    """Whether the plan puts an end to this holding, or confirms the one that it has."""
    end = leaves_at(one)
    last = row.period.end is None or end <= row.period.end
    return (row.desk, row.person) == (one.office, one.outgoing) and row.period.start < end and last


def arrivals(one: OfficeHandover) -> tuple[DeskHolder, ...]:
    """The holdings that the plan starts at the office: bridging, then the new holder."""
    rows = []
    if one.bridging is not None:
        rows.append(DeskHolder(one.office, one.bridging.person, one.bridging.period))
    if one.incoming is not None and one.starts_at is not None:
        rows.append(DeskHolder(one.office, one.incoming, Period(one.starts_at)))
    return tuple(rows)


def instants_of(one: OfficeHandover) -> tuple[datetime, ...]:
    """When the holders of the office change, in order."""
    found = {leaves_at(one)}
    for row in arrivals(one):
        found |= {row.period.start} | ({row.period.end} if row.period.end else set())
    return tuple(sorted(found))


def _check_office(register: PowerRegister, one: OfficeHandover) -> None:
    if one.office not in register.desks:
        raise HandoverDeskUnknown
    if (one.incoming is None) != (one.starts_at is None):
        raise HandoverDatesMissing
    end = leaves_at(one)
    if not any(ends(row, one) for row in register.holders):
        raise OutgoingNotHolder
    if one.starts_at is not None and one.starts_at < end:
        raise HandoverOverlap
    if one.bridging is not None:
        _check_bridging(one.bridging.period, end, one.starts_at)
    _check_pending(register, one)


def _check_bridging(period: Period, leaves: datetime, starts: datetime | None) -> None:
    if period.start < leaves:
        raise HandoverOverlap
    if starts is not None and (period.end is None or starts < period.end):
        raise HandoverOverlap


def _check_pending(register: PowerRegister, one: OfficeHandover) -> None:
    transfer = one.pending is PendingFolders.TRANSFER
    if transfer != (one.transfer_to is not None) or one.transfer_to == one.office:
        raise HandoverTransferUnclear
    if one.transfer_to is not None and one.transfer_to not in register.desks:
        raise HandoverDeskUnknown


def _check_arrivals(register: PowerRegister, handover: Handover) -> None:
    holding = _staying(register, handover)
    for row in (row for one in handover.offices for row in arrivals(one)):
        own = (one.period for one in holding if (one.desk, one.person) == (row.desk, row.person))
        if any(row.period.meets(one) for one in own):
            raise HandoverAlreadyHolder
        holding.append(row)


def _moved(register: PowerRegister, handover: Handover) -> PowerRegister:
    starting = (row for one in handover.offices for row in arrivals(one))
    return replace(register, holders=(*_staying(register, handover), *starting))


def _staying(register: PowerRegister, handover: Handover) -> list[DeskHolder]:
    """The holdings of before, those that end cut short."""
    return [
        next((_ended(row, one) for one in handover.offices if ends(row, one)), row)
        for row in register.holders
    ]


def _ended(row: DeskHolder, one: OfficeHandover) -> DeskHolder:
    return replace(row, period=Period(row.period.start, leaves_at(one)))


def _vacancies(after: PowerRegister, one: OfficeHandover) -> tuple[Vacancy, ...]:
    instants = instants_of(one)
    return tuple(
        Vacancy(one.office, since, until)
        for since, until in zip(instants, (*instants[1:], None), strict=True)
        if not holders_of(after, one.office, since)
    )
