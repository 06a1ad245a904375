"""What a document without `prune` leaves alone: what stands in its sections and is not in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

from app.configuration.document import (
    Configuration,
    DeskPart,
    HolderPart,
    StaffPart,
    SubtypePart,
    TypePart,
    capitalised,
    subtype_reference,
)
from app.configuration.faults import about_absence
from app.configuration.merging import absence_key, holder_key, power_key, staff_key
from app.configuration.references import about_power

P = TypeVar("P")


def left_alone(
    standing: Configuration, wanted: Configuration, zone: ZoneInfo, now: datetime
) -> list[str]:
    """A sentence for each; of a desk or a type that is not in the document, none for its parts."""
    if wanted.prune:
        return []
    found = {
        "persons": _missing(
            lambda one: one.login,
            lambda one: f"la personne « {one.login} »",
            (one for one in standing.persons if one.active),
            wanted.persons,
        ),
        "desks": _desks(standing.desks, wanted.desks, zone, now),
        "workflows": _missing(
            lambda one: one.name,
            lambda one: f"le circuit « {one.name} »",
            standing.workflows,
            wanted.workflows,
        ),
        "types": _types(standing.types, wanted.types),
        "powers": _missing(
            lambda one: power_key(one, zone, now), about_power, standing.powers, wanted.powers
        ),
        "absences": _missing(
            lambda one: absence_key(one, zone, now),
            about_absence,
            standing.absences,
            wanted.absences,
        ),
    }
    return [
        f"{capitalised(about)} n'est pas dans le fichier : rien ne change pour {_pronoun(about)}."
        for section, abouts in found.items()
        if section in wanted.model_fields_set
        for about in abouts
    ]


def _pronoun(about: str) -> str:
    return "elle" if about.startswith(("la ", "l'absence ")) else "lui"


def _missing(
    key: Callable[[P], Hashable], about: Callable[[P], str], before: Iterable[P], after: Iterable[P]
) -> Iterator[str]:
    """Of two that stand under one key, each wants its own successor."""
    given = Counter(map(key, after))
    for one in before:
        if given[key(one)]:
            given[key(one)] -= 1
        else:
            yield about(one)


def _desks(
    before: list[DeskPart], after: list[DeskPart], zone: ZoneInfo, now: datetime
) -> Iterator[str]:
    yield from _missing(
        lambda one: one.name, lambda one: f"le bureau « {one.name} »", before, after
    )
    stood = {one.name: one for one in before}
    for desk in (one for one in after if one.name in stood):
        yield from _missing(
            lambda one: holder_key(one, zone, now),
            partial(_about_seat, f"titulaire du bureau « {desk.name} »"),
            stood[desk.name].holders,
            desk.holders,
        )
        yield from _missing(
            staff_key,
            partial(_about_seat, f"auprès du bureau « {desk.name} »"),
            stood[desk.name].staff,
            desk.staff,
        )


def _about_seat(seat: str, one: HolderPart | StaffPart) -> str:
    return f"la personne {one.login}, {seat},"


def _about_subtype(type_name: str, one: SubtypePart) -> str:
    return f"le sous-type « {subtype_reference(type_name, one.name)} »"


def _types(before: list[TypePart], after: list[TypePart]) -> Iterator[str]:
    yield from _missing(lambda one: one.name, lambda one: f"le type « {one.name} »", before, after)
    stood = {one.name: one for one in before}
    for kind in (one for one in after if one.name in stood):
        yield from _missing(
            lambda one: one.name,
            partial(_about_subtype, kind.name),
            stood[kind.name].subtypes,
            kind.subtypes,
        )
