"""Small values of the scenario files: what is deposited, instants, duties, fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from workflows.definition import Duty, DutyKind, HeliosIntake, Protocol, StepId
from workflows.metadata import FieldType, MetadataField
from workflows.periods import start_of_day
from workflows.register import NamedAmount
from workflows.rules import Condition, FactValue, Operator


@dataclass(frozen=True, slots=True)
class Folder:
    """What is deposited, and under which subtype."""

    protocol: Protocol
    type_name: str
    subtype_name: str
    fields: tuple[MetadataField, ...]
    metadata: Mapping[str, FactValue]
    slips: tuple[str, ...] = ()
    intake: HeliosIntake | None = None


def instant_of(written: object, zone: ZoneInfo) -> datetime:
    """A day is its first instant there; a time without offset is read on the clocks there."""
    if isinstance(written, date) and not isinstance(written, datetime):
        return start_of_day(written, zone)
    read = written if isinstance(written, datetime) else datetime.fromisoformat(str(written))
    return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)


def duty_of(written: str | Mapping[str, Sequence[str]]) -> Duty:
    if isinstance(written, str):
        return Duty(DutyKind(written))
    return Duty(
        DutyKind.DISTINCT_PERSONS, tuple(StepId(one) for one in written["distinct_persons"])
    )


def condition_of(fact: str, operator: str, *values: Any) -> Condition:
    return Condition(
        fact,
        Operator(operator),
        tuple(value_of(one) for one in values),
    )


def value_of(written: Any) -> Any:
    """Numbers are decimals, as amounts are; false and true stay."""
    is_number = isinstance(written, int | float) and not isinstance(written, bool)
    return Decimal(str(written)) if is_number else written


def field_of(key: str, value: object) -> MetadataField:
    kinds = {Decimal: FieldType.DECIMAL, str: FieldType.TEXT}
    return MetadataField(key, key.capitalize(), kinds.get(type(value), FieldType.BOOLEAN))


def amounts_of(folder: Folder) -> tuple[NamedAmount, ...]:
    if folder.slips:
        return tuple(
            NamedAmount(f"bordereau {n}", int(Decimal(one) * 100))
            for n, one in enumerate(folder.slips, start=1)
        )
    amount = folder.metadata.get("montant")
    if not isinstance(amount, Decimal):
        return ()
    return (NamedAmount("montant du dossier", int(amount * 100)),)
