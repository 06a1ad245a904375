"""A tenant as it would stand once a document was applied: the document over what stands.

Pure. What the document does not list stays, unless it says `prune` and has the section.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from app.configuration.document import (
    AbsencePart,
    Configuration,
    Dated,
    DeskPart,
    HolderPart,
    MandatePart,
    PersonPart,
    PowerPart,
    StaffPart,
    TenantPart,
    TypePart,
)
from app.configuration.moments import ending, is_over, span_of, starting

Part = TypeVar("Part")
InTime = TypeVar("InTime", bound=Dated)
Key = Callable[[Part], Hashable]


def holder_key(holder: HolderPart, zone: ZoneInfo, now: datetime) -> Hashable:
    """What makes two periods at one desk the same."""
    return holder.login, span_of(holder, zone, now)[0]


def staff_key(staff: StaffPart) -> Hashable:
    """What makes two persons beside one desk the same."""
    return staff.login, staff.role


def power_key(power: PowerPart, zone: ZoneInfo, now: datetime) -> Hashable:
    """What makes two powers the same one, whose end, ceiling or capacity changed: one order may
    give the same power for two periods."""
    return (
        power.kind,
        power.office,
        power.grantor,
        power.grantee,
        power.grantee_office,
        power.document.number if power.document else None,
        frozenset(power.types),
        frozenset(power.subtypes),
        power.regrants,
        span_of(power, zone, now)[0],
    )


def power_terms(power: PowerPart, zone: ZoneInfo, now: datetime) -> Mapping[str, object]:
    """What may change of a power."""
    founding = power.document
    return {
        "dates": span_of(power, zone, now),
        "qualité": power.capacity,
        "plafond": power.ceiling_cents,
        "acte": (founding.signed_on, founding.published_on) if founding else None,
        "caractère exécutoire": starting(power.executory_from, zone),
        "faculté de redonner": power.may_be_regranted,
    }


def absence_key(absence: AbsencePart, zone: ZoneInfo, now: datetime) -> Hashable:
    """What makes two absences the same one."""
    return absence.person, absence.desk, span_of(absence, zone, now)[0]


def mandate_key(mandate: MandatePart) -> Hashable:
    """What makes two mandates the same one."""
    return mandate.person, mandate.body, mandate.function, mandate.starts_on


def merged(
    standing: Configuration, wanted: Configuration, zone: ZoneInfo, now: datetime
) -> Configuration:
    """What would stand. Parts that do not change are those of `standing`, the same objects."""
    prunes = {one for one in wanted.model_fields_set if wanted.prune}

    def over(section: str, key: Key[Part], before: list[Part], after: list[Part]) -> list[Part]:
        return _over(key, before, after, kept=section not in prunes)

    persons = _persons(standing.persons, wanted.persons)
    desks = _desks(standing.desks, wanted, zone, now)
    stood_powers, powers = _powers(standing, wanted, zone, now)
    stood_absences, absences = _absences(standing, wanted, zone, now)
    mandates = _unchanged(mandate_key, MandatePart.model_dump, standing.mandates, wanted.mandates)
    return Configuration(
        version=1,
        tenant=_tenant(standing.tenant, wanted.tenant),
        persons=over("persons", lambda one: one.login, standing.persons, persons),
        desks=over("desks", lambda one: one.name, standing.desks, desks),
        workflows=over("workflows", lambda one: one.name, standing.workflows, wanted.workflows),
        types=over("types", lambda one: one.name, standing.types, _types(standing.types, wanted)),
        powers=over("powers", lambda one: power_key(one, zone, now), stood_powers, powers),
        absences=over(
            "absences", lambda one: absence_key(one, zone, now), stood_absences, absences
        ),
        # What somebody was elected to is never undone by a file.
        mandates=_over(mandate_key, standing.mandates, mandates, kept=True),
    )


def _powers(
    standing: Configuration, wanted: Configuration, zone: ZoneInfo, now: datetime
) -> tuple[list[PowerPart], list[PowerPart]]:
    def key(power: PowerPart) -> Hashable:
        return power_key(power, zone, now)

    stood, current = _in_time(key, standing.powers, wanted.powers, zone, now)
    return stood, _unchanged(key, lambda one: power_terms(one, zone, now), stood, current)


def _absences(
    standing: Configuration, wanted: Configuration, zone: ZoneInfo, now: datetime
) -> tuple[list[AbsencePart], list[AbsencePart]]:
    def key(absence: AbsencePart) -> Hashable:
        return absence_key(absence, zone, now)

    stood, current = _in_time(key, standing.absences, wanted.absences, zone, now)
    return stood, _unchanged(
        key, lambda one: (span_of(one, zone, now), one.replacements), stood, current
    )


def _over(key: Key[Part], before: list[Part], after: list[Part], *, kept: bool) -> list[Part]:
    """In the order of what stands, then of the document; a key given twice stays twice, for the
    judgement to say, and each of two that stand under one key has its own successor."""
    stood, same = {id(one) for one in before}, {id(one) for one in after}
    given: dict[Hashable, deque[Part]] = defaultdict(deque)
    for one in after:
        if id(one) not in stood:
            given[key(one)].append(one)
    result: list[Part] = []
    for one in before:
        if id(one) in same:
            result.append(one)
        elif given[key(one)]:
            result.append(given[key(one)].popleft())
        elif kept:
            result.append(one)
    return [*result, *(one for several in given.values() for one in several)]


def _in_time(
    key: Key[InTime],
    before: list[InTime],
    given: list[InTime],
    zone: ZoneInfo,
    now: datetime,
) -> tuple[list[InTime], list[InTime]]:
    """What stands and what is given, without what the document says is over: history where nothing
    of it stands, an end that has come where something does."""
    current = [one for one in given if not is_over(one, zone, now)]
    past = [one for one in given if is_over(one, zone, now)]
    kept = {key(one) for one in current}

    def ends(stood: InTime, over: InTime) -> bool:
        start, end = starting(stood.starts, zone), ending(over.until, zone)
        return key(stood) == key(over) and (start is None or end is None or start < end)

    still = [one for one in before if key(one) in kept or not any(ends(one, over) for over in past)]
    return still, current


def _unchanged(
    key: Key[Part], terms: Callable[[Part], object], before: Iterable[Part], after: Iterable[Part]
) -> list[Part]:
    """What is given; where one stands under its key with its very terms, the one that stands."""
    stood: dict[Hashable, list[Part]] = defaultdict(list)
    for one in before:
        stood[key(one)].append(one)
    result = []
    for one in after:
        others = stood[key(one)]
        number = next((n for n, each in enumerate(others) if terms(each) == terms(one)), None)
        result.append(one if number is None else others.pop(number))
    return result


def _tenant(standing: TenantPart | None, wanted: TenantPart | None) -> TenantPart | None:
    if standing is None or wanted is None:
        return wanted or standing
    return standing.model_copy(
        update={
            name: getattr(wanted, name)
            for name in wanted.model_fields_set
            if getattr(wanted, name) is not None or name == "subdivision"
        }
    )


def _persons(standing: list[PersonPart], wanted: list[PersonPart]) -> list[PersonPart]:
    """E-mail, roles and desks that the document does not give stay."""
    stood = {one.login: one for one in standing}
    result = []
    for one in wanted:
        before = stood.get(one.login)
        kept = (
            {
                name: getattr(before, name)
                for name in ("email", "roles", "administered_desks")
                if getattr(one, name) is None
            }
            if before
            else {}
        )
        result.append(one.model_copy(update=kept))
    return result


def _desks(
    standing: list[DeskPart], wanted: Configuration, zone: ZoneInfo, now: datetime
) -> list[DeskPart]:
    stood = {one.name: one for one in standing}
    result = []
    for one in wanted.desks:
        before = stood.get(one.name)
        stood_holders, holders = _in_time(
            lambda each: holder_key(each, zone, now),
            before.holders if before else [],
            one.holders,
            zone,
            now,
        )
        result.append(
            one.model_copy(
                update={
                    "holders": _over(
                        lambda each: holder_key(each, zone, now),
                        stood_holders,
                        _begun(stood_holders, holders, zone, now),
                        kept=not wanted.prune,
                    ),
                    "staff": _over(
                        staff_key,
                        before.staff if before else [],
                        one.staff,
                        kept=not wanted.prune,
                    ),
                }
            )
        )
    return result


def _begun(
    before: list[HolderPart], given: list[HolderPart], zone: ZoneInfo, now: datetime
) -> list[HolderPart]:
    """What has begun has begun, whenever the file says: powers rest on the holding that stands."""
    since = {holder_key(one, zone, now): one.starts for one in before}
    result = []
    for one in given:
        key = holder_key(one, zone, now)
        starts = since.get(key, one.starts)
        result.append(one.model_copy(update={"starts": starts}))
    return result


def _types(standing: list[TypePart], wanted: Configuration) -> list[TypePart]:
    stood = {one.name: one for one in standing}
    result = []
    for one in wanted.types:
        before = stood.get(one.name)
        subtypes = _over(
            lambda each: each.name,
            before.subtypes if before else [],
            one.subtypes,
            kept=not wanted.prune,
        )
        result.append(one.model_copy(update={"subtypes": subtypes}))
    return result
