"""What is wrong or doubtful in a rule table: what it compares, what it forgets, what is dead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal
from functools import reduce
from math import floor
from operator import and_
from types import MappingProxyType
from typing import TypeAlias, assert_never

from workflows.definition import Finding
from workflows.metadata import (
    MAX_DECIMALS,
    MAX_DIGITS,
    FieldType,
    MetadataField,
    MetadataRefused,
    checked,
)
from workflows.rules import Condition, FactValue, Operator, RuleRow, RuleTable, holds

MAX_ROWS = 100
MAX_CONSTANTS = 500
MAX_CELLS = 20_000

_BARE = frozenset((Operator.IS_SET, Operator.IS_UNSET))
_ORDERS = frozenset((Operator.LESS_THAN, Operator.AT_MOST, Operator.MORE_THAN, Operator.AT_LEAST))
_ORDERED_TYPES = frozenset((FieldType.DATE, FieldType.INTEGER, FieldType.DECIMAL))
_NUMBERS = frozenset((FieldType.INTEGER, FieldType.DECIMAL))
_SOME_DAY = "2000-01-01"
_NEXT_DECIMAL = Decimal((0, (1,), -MAX_DECIMALS))
_MOST_VALUES_SAID = 10
_EXACT = Context(prec=2 * (MAX_DIGITS + MAX_DECIMALS))


@dataclass(frozen=True, slots=True)
class Domain:
    """What a fact may be, beside its type: one of `values`, where there are any; never unset, where
    it `is_always_set`. `names` are what people call values, others than those of `values` too."""

    values: frozenset[FactValue] = frozenset()
    is_always_set: bool = False
    names: Mapping[FactValue, str] = field(default_factory=dict)


Domains: TypeAlias = Mapping[str, Domain]
_ANYTHING = Domain()
_NO_DOMAINS: Domains = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DeadRows:
    """Numbers of the rows that no folder can reach; unless `is_complete` there may be others."""

    numbers: tuple[int, ...]
    is_complete: bool


def table_findings(
    table: RuleTable, known_facts: Mapping[str, FieldType], domains: Domains = _NO_DOMAINS
) -> tuple[Finding, ...]:
    """All that is wrong or doubtful in the table, for folders that have these facts; one without
    domain may be unset or anything of its type.

    Never raises: a table may be kept with findings; with an error it may not be used. Rows that
    nothing reaches are looked for once every condition makes sense.
    """
    if not table.rows:
        return (
            Finding.error("rules_empty", "Il n'y a aucune règle : ajoutez-en une, sans condition."),
        )
    size = tuple(_size(table))
    if size:
        return size
    conditions = tuple(_conditions(table, known_facts, domains))
    dead = () if conditions else tuple(_dead(table, known_facts, domains))
    return (*_catch_all(table), *_results(table), *conditions, *dead)


def unknown_fact(where: str, known_facts: Iterable[str]) -> Finding:
    """That what is read there is none of these facts, at least one."""
    named = sorted(f"« {one} »" for one in known_facts)
    return Finding.error(
        "rules_unknown_fact",
        f"{where} : cette information n'existe pas. Prenez {_either(named)}.",
    )


def dead_rows(
    table: RuleTable,
    known_facts: Mapping[str, FieldType],
    domains: Domains = _NO_DOMAINS,
    *,
    max_cells: int = MAX_CELLS,
) -> DeadRows:
    """The rows that no combination of facts reaches, in a table whose conditions make sense.

    Each fact is tried unset, at every constant, next to it on both sides, and as another text:
    between two neighbours nothing else can happen; one with a domain, at each of its values.
    Combinations that the rows do not tell apart
    count as one; up to `max_cells` of them the answer is exact. Beyond, only rows that
    contradict themselves or that one earlier row covers are found.
    """
    per_fact = [
        _patterns(table, fact, _within(domains.get(fact, _ANYTHING), table, fact, kind))
        for fact, kind in known_facts.items()
        if any(one.fact == fact for row in table.rows for one in row.conditions)
    ]
    patterns = _combinations(per_fact, _every_row(table), max_cells)
    if patterns is None:
        return DeadRows(tuple(_covered_rows(per_fact, len(table.rows))), is_complete=False)
    reached = {(pattern & -pattern).bit_length() for pattern in patterns}
    every = range(1, len(table.rows) + 1)
    return DeadRows(tuple(number for number in every if number not in reached), is_complete=True)


# A pattern is the set of the rows that accept a value, as bits: the first row is the lowest.


def _every_row(table: RuleTable) -> int:
    return (1 << len(table.rows)) - 1


def _patterns(table: RuleTable, fact: str, candidates: Iterable[FactValue | None]) -> set[int]:
    conditions = [
        (1 << index, one)
        for index, row in enumerate(table.rows)
        for one in row.conditions
        if one.fact == fact
    ]
    patterns = set()
    for value in candidates:
        pattern = _every_row(table)
        for bit, condition in conditions:
            if pattern & bit and not holds(condition, value):
                pattern ^= bit
        patterns.add(pattern)
    return patterns


def _combinations(per_fact: Sequence[set[int]], every_row: int, max_cells: int) -> set[int] | None:
    combined = {every_row}
    for patterns in sorted(per_fact, key=len):
        if len(combined) * len(patterns) > max_cells:
            return None
        combined = {one & other for one in combined for other in patterns}
    return combined


def _covered_rows(per_fact: Sequence[set[int]], row_count: int) -> Iterator[int]:
    for index in range(row_count):
        accepting = [[one for one in patterns if one >> index & 1] for patterns in per_fact]
        if not all(accepting):
            yield index + 1
            continue
        # What is left accepts every value of every fact that this row accepts.
        covering = reduce(and_, (one for patterns in accepting for one in patterns))
        if covering & ((1 << index) - 1):
            yield index + 1


def _within(domain: Domain, table: RuleTable, fact: str, kind: FieldType) -> set[FactValue | None]:
    found = {None, *domain.values} if domain.values else _candidates(kind, _constants(table, fact))
    return found - {None} if domain.is_always_set else found


def _constants(table: RuleTable, fact: str) -> list[FactValue]:
    return [
        value
        for row in table.rows
        for one in row.conditions
        if one.fact == fact
        for value in one.values
    ]


def _candidates(kind: FieldType, constants: Iterable[FactValue]) -> set[FactValue | None]:
    match kind:
        case FieldType.BOOLEAN:
            return {None, True, False}
        case FieldType.TEXT | FieldType.URL:
            texts = [one for one in constants if isinstance(one, str)]
            return {None, *texts, f"{max(texts, key=len, default='')}."}
        case FieldType.DATE:
            days = [date.fromisoformat(one) for one in constants if isinstance(one, str)]
            around = (day for one in days for day in _neighbouring_days(one))
            return {None, _SOME_DAY, *around}
        case FieldType.INTEGER:
            whole = [floor(one) for one in constants if isinstance(one, int | Decimal)]
            return {None, 0, *(one + step for one in whole for step in (-1, 0, 1))}
        case FieldType.DECIMAL:
            numbers = [Decimal(one) for one in constants if isinstance(one, int | Decimal)]
            steps = (-_NEXT_DECIMAL, Decimal(0), _NEXT_DECIMAL)
            return {None, 0, *(_EXACT.add(one, step) for one in numbers for step in steps)}
        case _:
            assert_never(kind)


def _neighbouring_days(day: date) -> Iterator[str]:
    first, last = max(day.toordinal() - 1, 1), min(day.toordinal() + 1, date.max.toordinal())
    for ordinal in range(first, last + 1):
        yield date.fromordinal(ordinal).isoformat()


def _size(table: RuleTable) -> Iterator[Finding]:
    constants = sum(len(one.values) for row in table.rows for one in row.conditions)
    if len(table.rows) > MAX_ROWS or constants > MAX_CONSTANTS:
        yield Finding.error(
            "rules_too_large",
            f"{len(table.rows)} règles et {constants} valeurs : gardez au plus {MAX_ROWS} règles "
            f"et {MAX_CONSTANTS} valeurs.",
        )


def _catch_all(table: RuleTable) -> Iterator[Finding]:
    if all(row.conditions for row in table.rows):
        yield Finding.error(
            "rules_without_catch_all",
            "Des dossiers pourraient ne recevoir aucun circuit : "
            "ajoutez une dernière règle, sans condition.",
        )
    for number, row in enumerate(table.rows[:-1], start=1):
        if not row.conditions:
            yield Finding.error(
                "rules_catch_all_not_last",
                f"La règle {number}, sans condition, prend tous les dossiers : "
                "déplacez-la à la fin.",
            )


def _results(table: RuleTable) -> Iterator[Finding]:
    for number, row in enumerate(table.rows, start=1):
        if not row.workflow.strip():
            yield Finding.error(
                "rules_row_without_workflow",
                f"La règle {number} ne donne pas de circuit : choisissez-en un.",
            )


def _conditions(
    table: RuleTable, known_facts: Mapping[str, FieldType], domains: Domains
) -> Iterator[Finding]:
    for number, row in enumerate(table.rows, start=1):
        yield from _row_conditions(number, row, known_facts, domains)


def _row_conditions(
    number: int, row: RuleRow, known_facts: Mapping[str, FieldType], domains: Domains
) -> Iterator[Finding]:
    for one in row.conditions:
        kind = known_facts.get(one.fact)
        where = f"Règle {number}, « {one.fact} »"
        if kind is None:
            yield unknown_fact(where, known_facts)
            continue
        if one.operator in _ORDERS and kind not in _ORDERED_TYPES:
            yield Finding.error(
                "rules_operator_unfit",
                f"{where} : cette information n'a pas d'ordre. Comparez-la par égal, différent "
                "ou parmi.",
            )
        yield from _condition_values(where, one, kind, domains.get(one.fact, _ANYTHING))


def _condition_values(
    where: str, one: Condition, kind: FieldType, domain: Domain
) -> Iterator[Finding]:
    if not _has_right_count(one):
        yield Finding.error(
            "rules_value_count",
            f"{where} : {len(one.values)} valeur(s) ne conviennent pas à cette comparaison. "
            "Donnez-en une, une liste pour « parmi », aucune pour « renseigné ».",
        )
    for value in one.values:
        if not _fits(kind, value):
            yield Finding.error(
                "rules_value_unfit",
                f"{where} : « {value} » n'est pas une valeur possible. Corrigez-la.",
            )
        elif domain.values and one.operator not in _ORDERS and value not in domain.values:
            yield Finding.error(
                "rules_value_unfit",
                f"{where} : « {domain.names.get(value, value)} » n'est pas une valeur possible. "
                f"Prenez {_possible(domain)}.",
            )


def _possible(domain: Domain) -> str:
    """« A » ou « B », the first ones where there are many."""
    named = sorted(f"« {domain.names.get(one, one)} »" for one in domain.values)
    if len(named) > _MOST_VALUES_SAID:
        return f"par exemple {', '.join(named[:_MOST_VALUES_SAID])}"
    return _either(named)


def _either(named: Sequence[str]) -> str:
    *first, last = named
    return f"{', '.join(first)} ou {last}" if first else last


def _has_right_count(one: Condition) -> bool:
    if one.operator in _BARE:
        return not one.values
    return bool(one.values) if one.operator is Operator.ONE_OF else len(one.values) == 1


def _fits(kind: FieldType, value: FactValue) -> bool:
    """Whether a folder can hold this very value."""
    if kind in _NUMBERS:
        is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        return is_number and abs(int(value)) < 10**MAX_DIGITS
    try:
        kept = checked(MetadataField("", "", kind), value)
    except MetadataRefused:
        return False
    return type(kept) is type(value) and kept == value


def _dead(
    table: RuleTable, known_facts: Mapping[str, FieldType], domains: Domains
) -> Iterator[Finding]:
    found = dead_rows(table, known_facts, domains)
    for number in found.numbers:
        if number == len(table.rows) and not table.rows[-1].conditions:
            continue  # compulsory, whatever the others take
        yield Finding.warning(
            "rules_row_never_matches",
            f"La règle {number} ne servira jamais : ses conditions se contredisent, ou les règles "
            "qui la précèdent prennent tous ses dossiers. Retirez-la ou déplacez-la plus haut.",
        )
    if not found.is_complete:
        yield Finding.warning(
            "rules_not_fully_checked",
            "Ces règles croisent trop d'informations pour savoir si chacune peut servir : "
            "essayez-les sur des exemples, ou simplifiez-les.",
        )
