"""The rule table: which circuit and which variable desks a folder gets, from its facts."""

from __future__ import annotations

import operator as compare
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum, auto
from typing import Any, NewType, TypeAlias

from workflows.definition import ChosenDesk, DeskId, StepId
from workflows.encoding import JsonObject, JsonValue
from workflows.errors import Unacceptable, Unreadable
from workflows.metadata import (
    MAX_DECIMALS,
    MAX_DIGITS,
)

WorkflowRef = NewType("WorkflowRef", str)
FactValue: TypeAlias = str | int | bool | Decimal
FactValues: TypeAlias = Mapping[str, FactValue | None]

SCHEMA_VERSION = 1

_DECIMAL = re.compile(rf"-?[0-9]{{1,{MAX_DIGITS}}}(?:\.[0-9]{{1,{MAX_DECIMALS}}})?")


class Operator(StrEnum):
    """How a fact is compared."""

    EQUALS = "equals"
    DIFFERS = "differs"
    LESS_THAN = "less_than"
    AT_MOST = "at_most"
    MORE_THAN = "more_than"
    AT_LEAST = "at_least"
    ONE_OF = "one_of"
    IS_SET = "is_set"
    IS_UNSET = "is_unset"


_COMPARISONS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUALS: compare.eq,
    Operator.DIFFERS: compare.ne,
    Operator.LESS_THAN: compare.lt,
    Operator.AT_MOST: compare.le,
    Operator.MORE_THAN: compare.gt,
    Operator.AT_LEAST: compare.ge,
}


_EQUALITIES = frozenset((Operator.EQUALS, Operator.DIFFERS))


class _Kind(Enum):
    """What a value can be compared with; what is no fact has none."""

    BOOLEAN = auto()
    NUMBER = auto()
    TEXT = auto()


class NoRowMatches(Unacceptable):
    """The table has no row for these facts, not even a last one for all the others."""

    code = "no_row_matches"
    sentence = (
        "Aucune règle ne donne de circuit à ce dossier : vérifiez ses informations, "
        "ou demandez à l'administrateur des circuits de compléter les règles."
    )


@dataclass(frozen=True, slots=True)
class Condition:
    """What a fact must be. `values` holds several constants for `one_of`, none for `is_set` and
    `is_unset`, one for the others. ValueError for a decimal larger or finer than metadata are.
    """

    fact: str
    operator: Operator
    values: tuple[FactValue, ...] = ()

    def __post_init__(self) -> None:
        """Refuses constants that have no stored form."""
        for value in self.values:
            if isinstance(value, Decimal) and not _is_storable(value):
                raise ValueError(f"{value} is no number that facts hold")


@dataclass(frozen=True, slots=True)
class RuleRow:
    """All the conditions must hold for the row to give its circuit and its variable desks.
    A row without conditions takes every folder."""

    conditions: tuple[Condition, ...]
    workflow: WorkflowRef
    desks: tuple[ChosenDesk, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleTable:
    """Rows in their order: the first that matches decides."""

    rows: tuple[RuleRow, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the table gives, and which row gave it; rows count from 1 as people do."""

    row_number: int
    workflow: WorkflowRef
    desks: tuple[ChosenDesk, ...] = ()


def choose(table: RuleTable, facts: FactValues) -> Chosen:
    """What the first matching row gives. NoRowMatches where none does.

    A fact that is absent or None is unset, and only `is_unset` holds of it: false, 0 and the
    empty text are values. A fact of another type than the constant never matches.
    """
    chosen = _first_match(table, facts)
    if chosen is None:
        raise NoRowMatches
    return chosen


def try_on(table: RuleTable, samples: Iterable[FactValues]) -> tuple[Chosen | None, ...]:
    """What the table gives to each sample, in their order; None where no row matches."""
    return tuple(_first_match(table, facts) for facts in samples)


def holds(condition: Condition, value: FactValue | None) -> bool:
    """Whether the condition holds of this value of its fact, None meaning unset. Never raises."""
    if condition.operator is Operator.IS_UNSET:
        return value is None
    if condition.operator is Operator.IS_SET:
        return value is not None
    kind = _kind(value)
    if kind is None:
        return False
    if condition.operator is Operator.ONE_OF:
        return any(one == value and _kind(one) is kind for one in condition.values)
    # A condition that lacks its constant, or has several, is reported and never holds.
    if len(condition.values) != 1 or _kind(condition.values[0]) is not kind:
        return False
    if kind is _Kind.BOOLEAN and condition.operator not in _EQUALITIES:
        return False
    return _COMPARISONS[condition.operator](value, condition.values[0])


def to_json(table: RuleTable) -> JsonObject:
    """The table as JSON data, with the version of its schema; decimals as {"decimal": "12.50"}."""
    return {"schema": SCHEMA_VERSION, "rows": [_row_json(row) for row in table.rows]}


def from_json(data: object) -> RuleTable:
    """The table that `to_json` wrote. Unreadable for another schema or a malformed object."""
    written = _members(data, ("schema", "rows"))
    if written["schema"] != SCHEMA_VERSION:
        raise Unreadable(f"rules: schema {SCHEMA_VERSION} expected")
    return RuleTable(tuple(_read_row(row) for row in _list(written["rows"])))


def _first_match(table: RuleTable, facts: FactValues) -> Chosen | None:
    for number, row in enumerate(table.rows, start=1):
        if all(holds(one, facts.get(one.fact)) for one in row.conditions):
            return Chosen(number, row.workflow, row.desks)
    return None


def _kind(value: object) -> _Kind | None:
    if isinstance(value, bool):
        return _Kind.BOOLEAN
    if isinstance(value, str):
        return _Kind.TEXT
    if isinstance(value, int) or (isinstance(value, Decimal) and value.is_finite()):
        return _Kind.NUMBER
    return None


def _is_storable(number: Decimal) -> bool:
    if not number.is_finite() or abs(number.adjusted()) > MAX_DIGITS:
        return False
    return _DECIMAL.fullmatch(format(number, "f")) is not None


def _row_json(row: RuleRow) -> JsonValue:
    return {
        "conditions": [
            {
                "fact": one.fact,
                "operator": one.operator.value,
                "values": [_constant_json(value) for value in one.values],
            }
            for one in row.conditions
        ],
        "workflow": row.workflow,
        "desks": [{"step": one.step, "desk": one.desk} for one in row.desks],
    }


def _constant_json(value: FactValue) -> JsonValue:
    return {"decimal": format(value, "f")} if isinstance(value, Decimal) else value


def _read_row(data: object) -> RuleRow:
    row = _members(data, ("conditions", "workflow", "desks"))
    return RuleRow(
        tuple(_read_condition(one) for one in _list(row["conditions"])),
        WorkflowRef(_text(row["workflow"])),
        tuple(_read_desk(one) for one in _list(row["desks"])),
    )


def _read_condition(data: object) -> Condition:
    one = _members(data, ("fact", "operator", "values"))
    values = tuple(_read_constant(value) for value in _list(one["values"]))
    try:
        return Condition(_text(one["fact"]), Operator(_text(one["operator"])), values)
    except ValueError as error:
        raise Unreadable(f"condition: {error}") from error


def _read_constant(data: object) -> FactValue:
    if isinstance(data, str | int):
        return data
    written = _text(_members(data, ("decimal",))["decimal"])
    if not _DECIMAL.fullmatch(written):
        raise Unreadable("a decimal is expected")
    return Decimal(written)


def _read_desk(data: object) -> ChosenDesk:
    one = _members(data, ("step", "desk"))
    return ChosenDesk(StepId(_text(one["step"])), DeskId(_text(one["desk"])))


def _members(data: object, keys: Collection[str]) -> Mapping[str, object]:
    if not isinstance(data, Mapping) or set(data) != set(keys):
        raise Unreadable(f"an object with {', '.join(keys)} is expected")
    return data


def _list(data: object) -> list[object]:
    if not isinstance(data, list):
        raise Unreadable("a list is expected")
    return data


def _text(data: object) -> str:
    if not isinstance(data, str):
        raise Unreadable("a text is expected")
    return data
