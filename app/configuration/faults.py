"""What is wrong in a document, and what is doubtful in its circuits: judged by `workflows`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from app.catalog.choice import domains, own_name_findings
from app.catalog.folder_types import deadline_findings, format_findings, stamp_findings
from app.catalog.judgement import Staffing, Use, judge, row_findings
from app.catalog.suitability import intake_findings, settings_findings
from app.configuration.bodies import ids_of
from app.configuration.document import (
    AbsencePart,
    Configuration,
    MandatePart,
    PowerPart,
    TenantPart,
    capitalised,
    subtype_reference,
)
from app.configuration.drawing import DrawnSubtype, DrawnTenant, drawn, grant_of, zone_of
from app.configuration.merging import mandate_key, power_key
from app.configuration.moments import is_over, period_of, starting
from app.configuration.references import Fault, about_power, name_faults, reference_faults
from app.errors import AppError, Unprocessable
from app.tenants.service import check_mentions, check_subdivision
from workflows.definition import DeskId, FieldKey, Finding, Severity
from workflows.errors import Refused
from workflows.grants import check_absence, check_grant, check_hierarchy
from workflows.metadata_findings import field_findings
from workflows.periods import Period
from workflows.register import ANY_AMOUNT, Facts, Grant, PersonId
from workflows.rule_findings import table_findings

MAX_NEW_POWERS: Final = 200
"""Each is judged against all the others: a larger file is applied in several times."""

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Judged:
    """A document and what it is compared with: what stands, the accounts that exist."""

    document: Configuration
    standing: Configuration = field(default_factory=lambda: Configuration(version=1))
    accounts: frozenset[str] = frozenset()


def faults_in(judged: Judged, now: datetime) -> tuple[Fault, ...]:
    """All that refuses the document, as it would stand once applied. Names and dates first: what
    follows from them is judged only when they are right. Powers and absences that stand already
    are not judged again."""
    document = judged.document
    first = (
        *reference_faults(document, judged.standing, judged.accounts),
        *name_faults(document, judged.standing),
        *_zone_faults(document),
    )
    if first:
        return first
    dates = tuple(date_faults(document, zone_of(document), now))
    if dates:
        return dates
    too_many = tuple(_too_many(judged))
    if too_many:
        return too_many
    tenant = drawn(_with_open_accounts(document), now=now)
    cycle = tuple(_cycle(tenant))
    return cycle or (
        *_powers_twice(judged, now),
        *_mandates_twice(judged),
        *_power_faults(judged, tenant, now),
        *_absence_faults(judged, tenant),
        *_tenant_faults(judged),
        *_type_faults(judged),
        *_settings_faults(judged, tenant),
        *_subtype_faults(tenant),
    )


def _with_open_accounts(document: Configuration) -> Configuration:
    """Accounts are closed last: whatever they have is given before."""
    persons = [one.model_copy(update={"active": True}) for one in document.persons]
    return document.model_copy(update={"persons": persons})


def workflow_findings(
    tenant: DrawnTenant, now: datetime, fit_for_flows: frozenset[PersonId]
) -> Mapping[str, tuple[Finding, ...]]:
    """What is wrong or doubtful in each circuit, for the subtypes that use it and the persons of
    the document."""
    staffing = Staffing(tenant.register, dict(tenant.desks), now, tenant.fit, fit_for_flows)
    found = {}
    for reference, name in tenant.workflow_names.items():
        uses = [
            _use(one)
            for one in tenant.subtypes.values()
            if one.is_active and reference in _workflows_of(one)
        ]
        found[name] = judge(staffing, reference, tenant.workflows[name], uses)
    return found


def _workflows_of(subtype: DrawnSubtype) -> frozenset[str]:
    rows = subtype.table.rows if subtype.table else ()
    return frozenset({subtype.workflow, *(row.workflow for row in rows)})


def _use(subtype: DrawnSubtype) -> Use:
    return Use(
        subtype.protocol,
        subtype.intake,
        subtype.format,
        frozenset(FieldKey(one.key) for one in subtype.fields),
        Facts(type=subtype.type, subtype=subtype.id, amounts=ANY_AMOUNT),
        subtype.table,
        subtype.type_name if subtype.account is None else None,
    )


def _zone_faults(document: Configuration) -> Iterator[Fault]:
    try:
        zone_of(document)
    except Unprocessable as e:
        yield Fault(e.code, e.detail)


def date_faults(document: Configuration, zone: ZoneInfo, now: datetime) -> Iterator[Fault]:
    """The dates that are reversed or lie outside the calendar."""
    dated = [
        *(
            (f"la tenue du bureau « {desk.name} » par {one.login}", one)
            for desk in document.desks
            for one in desk.holders
        ),
        *((about_power(one), one) for one in document.powers),
        *((about_absence(one), one) for one in document.absences),
    ]
    for about, one in dated:
        yield from _refusal(about, partial(period_of, one, zone, now))
    for power in document.powers:
        executory = power.executory_from
        yield from _refusal(about_power(power), partial(starting, executory, zone))
    for mandate in document.mandates:
        if mandate.ends_on is not None and mandate.ends_on < mandate.starts_on:
            yield Fault(
                "period_reversed",
                f"Le mandat de {mandate.person} ({mandate.body}) finirait avant de commencer : "
                "corrigez ses dates.",
            )


def about_absence(absence: AbsencePart) -> str:
    """How sentences name an absence."""
    where = f" au bureau « {absence.desk} »" if absence.desk else ""
    return f"l'absence de {absence.person}{where}"


def about_mandate(mandate: MandatePart) -> str:
    """How sentences name an elected mandate."""
    return f"le mandat de {mandate.person}, {mandate.function} ({mandate.body})"


def _cycle(tenant: DrawnTenant) -> Iterator[Fault]:
    names = tenant.desks
    cycle = check_hierarchy(
        {
            DeskId(names[below]): DeskId(names[above])
            for below, above in tenant.register.superiors.items()
        }
    )
    if cycle is not None:
        circle = " → ".join((*cycle, cycle[0]))
        yield Fault(
            "desk_cycle",
            f"La hiérarchie des bureaux tournerait en rond ({circle}) : corrigez un supérieur.",
        )


def _too_many(judged: Judged) -> Iterator[Fault]:
    count = sum(1 for one in judged.document.powers if not _is_among(one, judged.standing.powers))
    if count > MAX_NEW_POWERS:
        yield Fault(
            "too_many_powers",
            f"Ce fichier donne {count} pouvoirs nouveaux, plus de {MAX_NEW_POWERS} : appliquez-le "
            "en plusieurs fois.",
        )


def _powers_twice(judged: Judged, now: datetime) -> Iterator[Fault]:
    """Two lines for one power: nobody could say which of them counts."""
    zone = zone_of(judged.document)
    given, stood = judged.document.powers, judged.standing.powers
    for power in _twice_given(lambda one: power_key(one, zone, now), given, stood):
        yield Fault(
            "name_conflict",
            f"{capitalised(about_power(power))} est écrit deux fois pour le même domaine : gardez "
            "une seule de ces lignes.",
        )


def _mandates_twice(judged: Judged) -> Iterator[Fault]:
    given, stood = judged.document.mandates, judged.standing.mandates
    for mandate in _twice_given(mandate_key, given, stood):
        yield Fault(
            "name_conflict",
            f"{capitalised(about_mandate(mandate))} est écrit deux fois : gardez une seule de ces "
            "lignes.",
        )


def _twice_given(key: Callable[[P], Hashable], given: Iterable[P], stood: Iterable[P]) -> list[P]:
    """Those of a file whose key another one has; those that stand already are not its doing."""
    standing = {id(one) for one in stood}
    seen = {key(one) for one in given if id(one) in standing}
    found = []
    for one in given:
        if id(one) not in standing:
            if key(one) in seen:
                found.append(one)
            seen.add(key(one))
    return found


def _power_faults(judged: Judged, tenant: DrawnTenant, now: datetime) -> Iterator[Fault]:
    """One that contradicts another is said once: each new one is judged with what stands and the
    new ones before it, those that are re-delegated first. What is over is given to nobody."""
    document, zone = judged.document, zone_of(judged.document)
    ids, types = ids_of(document), {one.id: one.type for one in tenant.subtypes.values()}
    drawn_powers = [
        (one, grant_of(document, one, ids, zone, now))
        for one in sorted(document.powers, key=lambda one: one.regrants is not None)
    ]
    stood = judged.standing.powers
    kept = [_is_among(one, stood) or is_over(one, zone, now) for one, _ in drawn_powers]
    before = tuple(one[1] for one, stays in zip(drawn_powers, kept, strict=True) if stays)
    for (power, drawn_power), stays in zip(drawn_powers, kept, strict=True):
        if not stays:
            grant = _as_given(drawn_power, now)
            register = dataclasses.replace(tenant.register, grants=(*before, grant))
            check = partial(check_grant, register, grant, zone, now, tenant.persons, types)
            yield from _refusal(about_power(power), check)
            before = register.grants


def _as_given(grant: Grant, now: datetime) -> Grant:
    """As the application gives it, which starts no power in the past."""
    period = Period(max(grant.period.start, now), grant.period.end)
    return dataclasses.replace(grant, period=period)


def _absence_faults(judged: Judged, tenant: DrawnTenant) -> Iterator[Fault]:
    drawn_absences = list(zip(judged.document.absences, tenant.register.absences, strict=True))
    stood = judged.standing.absences
    before = tuple(absence for one, absence in drawn_absences if _is_among(one, stood))
    for part, absence in drawn_absences:
        if not _is_among(part, stood):
            register = dataclasses.replace(tenant.register, absences=(*before, absence))
            check = partial(check_absence, register, absence, zone_of(judged.document))
            yield from _refusal(about_absence(part), check)
            before = register.absences


def _is_among(
    part: PowerPart | AbsencePart, stood: Collection[PowerPart] | Collection[AbsencePart]
) -> bool:
    return any(part is one for one in stood)


def _refusal(about: str, check: Callable[[], object]) -> Iterator[Fault]:
    try:
        check()
    except (AppError, Refused) as refusal:
        yield Fault(refusal.code, f"{capitalised(about)} : {refusal.detail}")


def _tenant_faults(judged: Judged) -> Iterator[Fault]:
    given, stood = judged.document.tenant, judged.standing.tenant or TenantPart()
    if given is None:
        return
    about = "la collectivité"
    if given.subdivision != stood.subdivision:
        yield from _refusal(about, partial(check_subdivision, given.subdivision))
    if given.mentions and given.mentions != stood.mentions:
        yield from _refusal(about, partial(check_mentions, given.mentions))


def _type_faults(judged: Judged) -> Iterator[Fault]:
    stood = {one.name: one for one in judged.standing.types}
    for one in judged.document.types:
        before = stood.get(one.name)
        about = f"le type « {one.name} »"
        if before is None or before.signature_format is not one.signature_format:
            yield from _as_faults(about, format_findings(one.protocol, one.signature_format))
        if before is None or before.transmit_within_days != one.transmit_within_days:
            yield from _as_faults(about, deadline_findings(one.protocol, one.transmit_within_days))
        stamped = one.stamp is not None
        yield from _as_faults(about, stamp_findings(one.signature_format, stamped=stamped))


def _settings_faults(judged: Judged, tenant: DrawnTenant) -> Iterator[Fault]:
    """Of the subtypes that the file brings or changes."""
    stood = {
        subtype_reference(kind.name, one.name): one
        for kind in judged.standing.types
        for one in kind.subtypes
    }
    for kind in judged.document.types:
        for one in kind.subtypes:
            reference = subtype_reference(kind.name, one.name)
            if one != stood.get(reference):
                found = _settings_findings(tenant.subtypes[reference])
                yield from _as_faults(f"le sous-type « {reference} »", found)


def _settings_findings(subtype: DrawnSubtype) -> Iterator[Finding]:
    yield from intake_findings(subtype.protocol, subtype.intake)
    yield from settings_findings(
        subtype.protocol,
        subtype.fields,
        amount_field=subtype.amount_field,
        several_documents=subtype.several_documents,
        paper_signature=subtype.rules.paper_signature,
    )


def _subtype_faults(tenant: DrawnTenant) -> Iterator[Fault]:
    for subtype in tenant.subtypes.values():
        found = _subtype_findings(subtype, tenant)
        yield from _as_faults(f"le sous-type « {subtype.reference} »", found)


def _as_faults(about: str, found: Iterable[Finding]) -> Iterator[Fault]:
    for one in found:
        if one.severity is Severity.ERROR:
            yield Fault(one.code, f"{capitalised(about)} : {one.detail}")


def _subtype_findings(subtype: DrawnSubtype, tenant: DrawnTenant) -> Iterator[Finding]:
    yield from field_findings(subtype.fields)
    yield from own_name_findings(subtype.fields)
    if subtype.table is None:
        return
    desks = tenant.desks
    depositing = [
        one for one in desks if subtype.deposit_desks is None or one in subtype.deposit_desks
    ]
    within = domains(subtype.protocol, subtype.fields, depositing, desks)
    yield from table_findings(subtype.table, subtype.facts, within)
    for number, row in enumerate(subtype.table.rows, start=1):
        yield from row_findings(number, row, tenant.workflow(row.workflow), desks)
