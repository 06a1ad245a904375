"""Deposits to simulate in the town that a configuration file describes; no database."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.catalog.choice import typed_facts
from app.cli.simulation_flows import Slip, Taken, slips_of
from app.configuration.document import Configuration
from app.configuration.drawing import DrawnSubtype, DrawnTenant, drawn, zone_of
from app.configuration.faults import Judged, faults_in
from app.errors import Unprocessable
from app.folders.facts import named_amounts
from app.folders.submission import merged_desks, rule_facts
from app.simulations.assumptions import PROGRAM, assumed, refuse_two_submitters, with_program
from app.simulations.texts import Names
from signing.facts import SlipKind
from workflows import rules
from workflows.definition import ChosenDesk, DeskId, FieldKey, StepId, Workflow
from workflows.metadata import MetadataValue, complete, filled, labels
from workflows.periods import in_calendar, whole_days
from workflows.presence import active_holders
from workflows.register import Absence, AbsenceId, Facts, PersonAtDesk, PersonId
from workflows.simulation import Assumptions

# Roles that a file starts « now » have started by then.
_BEFORE = timedelta(days=1)
_FAULTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Away:
    """Somebody is assumed to be away, the last day included."""

    login: str
    first_day: date
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A deposit in words, everything named; `at` is read on the clocks of the town where it has no
    offset. In a subtype of flows, its slips are those of `flow`, else one of `kind` by amount; in
    another the first amount is that of the folder; euros. In a file, everybody is taken to hold a
    certificate but those `without_certificate`."""

    subtype: str
    at: datetime
    desk: str | None = None
    submitter: str | None = None
    by_program: bool = False
    amounts: tuple[Decimal, ...] = ()
    kind: SlipKind = SlipKind.EXPENSE
    flow: Path | None = None
    information: tuple[tuple[str, str], ...] = ()
    chosen: tuple[tuple[str, str], ...] = ()
    away: tuple[Away, ...] = ()
    without_certificate: tuple[str, ...] = ()

    def instant(self, zone: tzinfo) -> datetime:
        """The instant of the deposit, in UTC. Raises DayOutOfRange."""
        return in_calendar(self.at if self.at.tzinfo else self.at.replace(tzinfo=zone))

    def slips(self, taken: Taken) -> tuple[Slip, ...]:
        """Those of a deposit in a subtype that takes this. Raises as `slips_of`."""
        return slips_of(taken, self.flow, self.amounts, self.kind)


def assumptions_of(document: Configuration, case: Case) -> tuple[Assumptions, Names]:
    """What the simulator is given for this case. Raises Unprocessable for a file with faults and a
    name that it does not have, a case of Unacceptable for what would stop the deposit."""
    _refuse_faults(document, case)
    zone = zone_of(document)
    at = case.instant(zone)
    tenant = drawn(document, now=at - _BEFORE, fit=_certified(document, case))
    subtype = _subtype(tenant, case.subtype)
    desk = _deposit_desk(tenant, subtype, case.desk)
    metadata = _metadata(subtype, case)
    slips = _slips(document, subtype, case)
    workflow, by_rule = _workflow(tenant, subtype, rule_facts(metadata, uuid.UUID(desk), slips))
    by_hand = [ChosenDesk(StepId(step), _desk(tenant, name)) for step, name in case.chosen]
    names = Names(tenant.persons, tenant.desks, zone)
    absences = (_absence(tenant, n, one, zone) for n, one in enumerate(case.away, start=1))
    submitter = _submitter(tenant, desk, case, at)
    register = assumed(tenant.register, absences, names)
    given = Assumptions(
        submitter=submitter,
        deposited_at=at,
        workflow=workflow,
        register=with_program(register, submitter, at) if case.by_program else register,
        facts=Facts(
            fit_signers=tenant.fit,
            type=subtype.type,
            subtype=subtype.id,
            amounts=named_amounts(subtype.protocol, subtype.amount_field, metadata, slips),
            filled=frozenset(FieldKey(key) for key in filled(metadata)),
            labels=labels(subtype.fields),
        ),
        rules=subtype.rules,
        chosen_desks=merged_desks(workflow, by_rule, by_hand),
        has_account=subtype.account is not None,
    )
    return given, names


def _refuse_faults(document: Configuration, case: Case) -> None:
    """Raises Unprocessable with what is to be corrected first."""
    accounts = frozenset(one.account for one in document.types if one.account)
    judged = Judged(document, accounts=accounts)
    faults = faults_in(judged, case.instant(UTC) - _BEFORE)
    if faults:
        shown = " ".join(one.detail for one in faults[:_FAULTS_SHOWN])
        raise Unprocessable(
            f"Ce fichier ne permet pas de simuler : corrigez-le d'abord. {shown}",
            code="configuration_refused",
        )


def _certified(document: Configuration, case: Case) -> frozenset[str]:
    """Everybody but those named, by their log-in name or its part before the @. Raises
    Unprocessable (`name_unknown`)."""
    logins = [one.login for one in document.persons]
    for asked in case.without_certificate:
        if not any(_names(asked, login) for login in logins):
            raise unknown("L'identifiant", asked, logins)
    return frozenset(
        login
        for login in logins
        if not any(_names(asked, login) for asked in case.without_certificate)
    )


def _names(asked: str, login: str) -> bool:
    return asked in (login, login.partition("@")[0])


def _subtype(tenant: DrawnTenant, asked: str) -> DrawnSubtype:
    """By « type / sous-type », or by its own name where one alone bears it."""
    in_use = {reference: one for reference, one in tenant.subtypes.items() if one.is_active}
    found = [one for reference, one in in_use.items() if asked in (reference, one.name)]
    if len(found) != 1:
        raise unknown("Le sous-type", asked, in_use)
    return found[0]


def _desk(tenant: DrawnTenant, name: str) -> DeskId:
    if name not in tenant.desks.values():
        raise unknown("Le bureau", name, tenant.desks.values())
    return tenant.desk_named(name)


def _person(tenant: DrawnTenant, login: str) -> PersonId:
    """By his log-in name, or by its part before the @ where one alone has it."""
    found = [one for known, one in tenant.logins.items() if _names(login, known)]
    if len(found) != 1:
        raise unknown("L'identifiant", login, tenant.logins)
    return found[0]


def unknown(what: str, asked: str, known: Iterable[str]) -> Unprocessable:
    """The refusal of a name that nothing bears, or several things, with those that there are."""
    names = ", ".join(f"« {one} »" for one in known)
    return Unprocessable(
        f"{what} « {asked} » n'est pas connu, ou pas seul de ce nom : choisissez parmi {names}.",
        code="name_unknown",
    )


def _deposit_desk(tenant: DrawnTenant, subtype: DrawnSubtype, asked: str | None) -> DeskId:
    by_name = sorted(tenant.desks, key=lambda one: tenant.desks[one])
    named = by_name if subtype.deposit_desks is None else subtype.deposit_desks
    allowed = [one for one in named if one in tenant.desks]
    if not allowed:
        raise Unprocessable(
            f"Aucun bureau en service ne peut déposer dans « {subtype.reference} » : complétez "
            "ses bureaux de dépôt.",
            code="desk_may_not_deposit",
        )
    desk = allowed[0] if asked is None else _desk(tenant, asked)
    if desk not in allowed:
        raise Unprocessable(
            f"Le bureau « {asked} » ne peut pas déposer dans « {subtype.reference} » : "
            "choisissez un autre bureau.",
            code="desk_may_not_deposit",
        )
    return desk


def _submitter(tenant: DrawnTenant, desk: DeskId, case: Case, at: datetime) -> PersonAtDesk:
    if case.by_program:
        refuse_two_submitters(case.submitter)
        return PersonAtDesk(PROGRAM, desk)
    if case.submitter is not None:
        return PersonAtDesk(_person(tenant, case.submitter), desk)
    holders = active_holders(tenant.register, desk, at)
    if not holders:
        raise Unprocessable(
            f"Le bureau « {tenant.desks[desk]} » n'a pas de titulaire à cette date : choisissez-en "
            "un autre.",
            code="desk_without_holder",
        )
    return PersonAtDesk(holders[0], desk)


def _metadata(subtype: DrawnSubtype, case: Case) -> Mapping[str, MetadataValue]:
    given = dict(case.information)
    if subtype.amount_field is not None and case.amounts:
        given.setdefault(subtype.amount_field, str(case.amounts[0]))
    return complete(subtype.fields, given)


def _slips(document: Configuration, subtype: DrawnSubtype, case: Case) -> list[Mapping[str, Any]]:
    """As the inspection of a flow keeps them."""
    requires = document.tenant.requires_latin1_pes if document.tenant else None
    taken = Taken(subtype.reference, subtype.protocol, subtype.intake, requires is not False)
    return [
        {"number": one.number, "kind": one.kind.value, "amount_incl_tax": str(one.amount_incl_tax)}
        for one in case.slips(taken)
    ]


def _workflow(
    tenant: DrawnTenant, subtype: DrawnSubtype, facts: Mapping[str, MetadataValue]
) -> tuple[Workflow, tuple[ChosenDesk, ...]]:
    if subtype.table is None:
        return tenant.workflow(subtype.workflow), ()
    chosen = rules.choose(subtype.table, typed_facts(subtype.facts, facts))
    return tenant.workflow(chosen.workflow), chosen.desks


def _absence(tenant: DrawnTenant, number: int, away: Away, zone: ZoneInfo) -> Absence:
    return Absence(
        id=AbsenceId(f"assumed-{number}"),
        person=_person(tenant, away.login),
        period=whole_days(away.first_day, away.last_day, zone),
    )
