from __future__ import annotations

import itertools
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.rules import FACTS, VALUES, rows, tables
from workflows.definition import ChosenDesk, DeskId, Severity, StepId
from workflows.metadata import FieldType
from workflows.rule_findings import (
    MAX_CONSTANTS,
    MAX_ROWS,
    DeadRows,
    Domain,
    dead_rows,
    table_findings,
)
from workflows.rules import (
    Condition,
    FactValue,
    Operator,
    RuleRow,
    RuleTable,
    WorkflowRef,
    choose,
)

WORKFLOW = WorkflowRef("commun")
CATCH_ALL = RuleRow((), WORKFLOW)
KNOWN: Mapping[str, FieldType] = {**FACTS, "lien": FieldType.URL}


def a_row(fact: str, operator: Operator, *values: FactValue) -> RuleRow:
    return RuleRow((Condition(fact, operator, values),), WORKFLOW)


def both(*conditions: Condition) -> RuleRow:
    return RuleRow(conditions, WORKFLOW)


def codes(*table_rows: RuleRow) -> list[str]:
    return [finding.code for finding in table_findings(RuleTable(table_rows), KNOWN)]


def dead(*table_rows: RuleRow) -> tuple[int, ...]:
    return dead_rows(RuleTable(table_rows), KNOWN).numbers


class TestTableFindings:
    def test_says_nothing_of_a_good_table(self) -> None:
        amount = a_row("montant", Operator.LESS_THAN, Decimal("5000"))
        school = a_row("service", Operator.ONE_OF, "Écoles", "Cantines")
        link = a_row("lien", Operator.EQUALS, "https://exemple.fr/")
        others = RuleRow((), WORKFLOW, (ChosenDesk(StepId("visa"), DeskId("accueil")),))
        assert codes(amount, school, link, a_row("urgent", Operator.IS_SET), others) == []

    def test_an_empty_table_gives_no_circuit(self) -> None:
        assert codes() == ["rules_empty"]

    def test_a_row_for_all_other_folders_is_compulsory(self) -> None:
        row = a_row("urgent", Operator.IS_SET)
        assert codes(row) == ["rules_without_catch_all"]

    def test_the_row_for_all_other_folders_is_the_last(self) -> None:
        row = a_row("urgent", Operator.IS_SET)
        assert codes(CATCH_ALL, row) == ["rules_catch_all_not_last", "rules_row_never_matches"]

    def test_two_rows_that_together_take_everything_are_not_enough(self) -> None:
        unset, present = a_row("urgent", Operator.IS_UNSET), a_row("urgent", Operator.IS_SET)
        assert codes(unset, present) == ["rules_without_catch_all"]

    @pytest.mark.parametrize(
        ("row", "code"),
        [
            (a_row("couleur", Operator.EQUALS, "bleu"), "rules_unknown_fact"),
            (a_row("service", Operator.LESS_THAN, "M"), "rules_operator_unfit"),
            (a_row("urgent", Operator.AT_LEAST, True), "rules_operator_unfit"),
            (a_row("lien", Operator.AT_LEAST, "https://exemple.fr/"), "rules_operator_unfit"),
            (a_row("montant", Operator.EQUALS), "rules_value_count"),
            (a_row("montant", Operator.EQUALS, 1, 2), "rules_value_count"),
            (a_row("montant", Operator.ONE_OF), "rules_value_count"),
            (a_row("montant", Operator.IS_SET, 1), "rules_value_count"),
            (a_row("montant", Operator.EQUALS, "5000"), "rules_value_unfit"),
            (a_row("montant", Operator.EQUALS, True), "rules_value_unfit"),
            (a_row("lots", Operator.EQUALS, 10**15), "rules_value_unfit"),
            (a_row("service", Operator.EQUALS, 3), "rules_value_unfit"),
            (a_row("service", Operator.EQUALS, " Écoles"), "rules_value_unfit"),
            (a_row("service", Operator.EQUALS, ""), "rules_value_unfit"),
            (a_row("date", Operator.EQUALS, "31/03/2026"), "rules_value_unfit"),
            (a_row("urgent", Operator.EQUALS, "oui"), "rules_value_unfit"),
            (a_row("urgent", Operator.EQUALS, 1), "rules_value_unfit"),
            (a_row("lien", Operator.EQUALS, "exemple"), "rules_value_unfit"),
            (RuleRow((), WorkflowRef(" ")), "rules_row_without_workflow"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_names_the_row_where_something_is_wrong(self, row: RuleRow, code: str) -> None:
        table = RuleTable((a_row("lots", Operator.EQUALS, 3), row, CATCH_ALL))
        found = [one for one in table_findings(table, KNOWN) if one.code == code]
        assert [one.severity for one in found] == [Severity.ERROR]
        assert "ègle 2" in found[0].detail

    def test_a_fact_that_no_folder_has_is_told_with_all_that_folders_have(self) -> None:
        table = RuleTable((a_row("couleur", Operator.IS_SET), CATCH_ALL))
        (finding,) = table_findings(table, {"service": FieldType.TEXT, "lots": FieldType.INTEGER})
        assert finding.detail == (
            "Règle 1, « couleur » : cette information n'existe pas. Prenez « lots » ou « service »."
        )

    @pytest.mark.parametrize(
        ("row", "named"),
        [
            (a_row("service", Operator.EQUALS, "Voirie"), "« Voirie »"),
            (a_row("service", Operator.DIFFERS, "voirie"), "« voirie »"),
            (a_row("service", Operator.ONE_OF, "C", "Fermé"), "« Service fermé »"),
        ],
    )
    def test_a_value_outside_the_domain_is_named_with_the_possible_ones(
        self, row: RuleRow, named: str
    ) -> None:
        names: Mapping[FactValue, str] = {"C": "Cantines", "Fermé": "Service fermé"}
        domain = Domain(frozenset({"Écoles", "C", "Parcs"}), names=names)
        table = RuleTable((a_row("service", Operator.EQUALS, "Écoles"), row, CATCH_ALL))
        (finding,) = table_findings(table, KNOWN, {"service": domain})
        assert (finding.code, finding.severity) == ("rules_value_unfit", Severity.ERROR)
        assert "Règle 2, « service »" in finding.detail
        assert named in finding.detail
        assert finding.detail.endswith("Prenez « Cantines », « Parcs » ou « Écoles ».")

    @pytest.mark.parametrize(
        ("count", "ending"),
        [
            (1, "Prenez « v00 »."),
            (
                11,
                "Prenez par exemple « v00 », « v01 », « v02 », « v03 », "
                "« v04 », « v05 », « v06 », « v07 », « v08 », « v09 ».",
            ),
        ],
        ids=["one", "many"],
    )
    def test_possible_values_are_said_shortly(self, count: int, ending: str) -> None:
        domain = Domain(frozenset(f"v{number:02}" for number in range(count)))
        table = RuleTable((a_row("service", Operator.EQUALS, "x"), CATCH_ALL))
        (finding,) = table_findings(table, KNOWN, {"service": domain})
        assert finding.detail.endswith(ending)

    def test_a_threshold_may_lie_between_the_values_of_the_domain(self) -> None:
        domains = {"lots": Domain(frozenset({1, 5}))}
        some, none = a_row("lots", Operator.AT_LEAST, 3), a_row("lots", Operator.MORE_THAN, 5)
        found = table_findings(RuleTable((some, none, CATCH_ALL)), KNOWN, domains)
        assert [one.code for one in found] == ["rules_row_never_matches"]
        assert found[0].detail.startswith("La règle 2 ")

    def test_a_row_that_its_domain_never_reaches_is_told(self) -> None:
        domains = {"service": Domain(frozenset({"Écoles"}), is_always_set=True)}
        row = a_row("service", Operator.IS_UNSET)
        (finding,) = table_findings(RuleTable((row, CATCH_ALL)), KNOWN, domains)
        assert (finding.code, finding.severity) == ("rules_row_never_matches", Severity.WARNING)

    def test_dead_rows_are_looked_for_once_every_condition_makes_sense(self) -> None:
        unknown = a_row("couleur", Operator.IS_SET)
        twice = a_row("urgent", Operator.IS_SET)
        assert codes(twice, twice, unknown, CATCH_ALL) == ["rules_unknown_fact"]

    def test_a_row_that_never_matches_is_a_warning_with_its_number(self) -> None:
        row = a_row("montant", Operator.LESS_THAN, 10)
        (finding,) = table_findings(RuleTable((row, row, CATCH_ALL)), KNOWN)
        assert (finding.code, finding.severity) == ("rules_row_never_matches", Severity.WARNING)
        assert finding.detail.startswith("La règle 2 ")

    def test_the_compulsory_row_is_not_told_dead(self) -> None:
        unset, present = a_row("urgent", Operator.IS_UNSET), a_row("urgent", Operator.IS_SET)
        assert codes(unset, present, CATCH_ALL) == []

    @pytest.mark.parametrize(
        "table_rows",
        [
            (CATCH_ALL,) * (MAX_ROWS + 1),
            (a_row("lots", Operator.ONE_OF, *range(MAX_CONSTANTS + 1)), CATCH_ALL),
        ],
        ids=["rows", "constants"],
    )
    def test_a_table_that_is_too_large_is_not_examined(
        self, table_rows: tuple[RuleRow, ...]
    ) -> None:
        assert codes(*table_rows) == ["rules_too_large"]

    def test_says_when_it_could_not_try_everything(self) -> None:
        known = {f"f{n}": FieldType.BOOLEAN for n in range(12)}
        by_fact = [a_row(fact, Operator.EQUALS, value) for fact in known for value in (True, False)]
        table = RuleTable((*by_fact, by_fact[0], CATCH_ALL))
        found = [finding.code for finding in table_findings(table, known)]
        assert found == ["rules_row_never_matches", "rules_not_fully_checked"]


class TestDeadRowsWithinDomains:
    EVERY = a_row("lots", Operator.ONE_OF, 1, 2)

    @pytest.mark.parametrize(
        ("domain", "numbers"),
        [
            (Domain(frozenset({1, 2}), is_always_set=True), (2, 3)),
            (Domain(frozenset({1, 2})), (2,)),
            (Domain(is_always_set=True), (3,)),
            (Domain(), ()),
        ],
        ids=["closed and set", "closed", "set", "open"],
    )
    def test_are_those_that_no_value_of_the_domain_reaches(
        self, domain: Domain, numbers: tuple[int, ...]
    ) -> None:
        other = a_row("lots", Operator.DIFFERS, 1)
        unset = a_row("lots", Operator.IS_UNSET)
        table = RuleTable((self.EVERY, other, unset, CATCH_ALL))
        found = dead_rows(table, KNOWN, {"lots": domain})
        assert (set(found.numbers) - {4}, found.is_complete) == (set(numbers), True)


class TestDeadRows:
    @pytest.mark.parametrize(
        ("table_rows", "numbers"),
        [
            ((a_row("lots", Operator.LESS_THAN, 3), a_row("lots", Operator.AT_MOST, 2)), (2,)),
            ((a_row("lots", Operator.AT_MOST, 2), a_row("lots", Operator.LESS_THAN, 3)), (2,)),
            (
                (
                    both(
                        Condition("lots", Operator.MORE_THAN, (1,)),
                        Condition("lots", Operator.LESS_THAN, (2,)),
                    ),
                ),
                (1,),
            ),
            (
                (
                    both(
                        Condition("montant", Operator.MORE_THAN, (1,)),
                        Condition("montant", Operator.LESS_THAN, (2,)),
                    ),
                ),
                (),
            ),
            (
                (
                    both(
                        Condition("lots", Operator.MORE_THAN, (Decimal("1.5"),)),
                        Condition("lots", Operator.LESS_THAN, (Decimal("2.5"),)),
                    ),
                ),
                (),
            ),
            (
                (
                    both(
                        Condition("date", Operator.MORE_THAN, ("2024-02-28",)),
                        Condition("date", Operator.LESS_THAN, ("2024-03-01",)),
                    ),
                ),
                (),
            ),
            (
                (
                    both(
                        Condition("date", Operator.MORE_THAN, ("2026-02-28",)),
                        Condition("date", Operator.LESS_THAN, ("2026-03-01",)),
                    ),
                ),
                (1,),
            ),
            ((a_row("lots", Operator.LESS_THAN, -4),), ()),
            ((a_row("montant", Operator.LESS_THAN, Decimal("-4.00")),), ()),
            ((a_row("date", Operator.MORE_THAN, "9999-12-31"),), (1,)),
            ((a_row("date", Operator.LESS_THAN, "0001-01-01"),), (1,)),
            (
                (
                    a_row("urgent", Operator.EQUALS, True),
                    a_row("urgent", Operator.EQUALS, False),
                    a_row("urgent", Operator.IS_UNSET),
                    a_row("urgent", Operator.IS_SET),
                ),
                (4, 5),
            ),
            (
                (
                    a_row("service", Operator.ONE_OF, "Écoles", "Voirie"),
                    a_row("service", Operator.EQUALS, "Voirie"),
                    a_row("service", Operator.DIFFERS, "Écoles"),
                ),
                (2,),
            ),
        ],
        ids=[
            "whole numbers, below",
            "whole numbers, at most",
            "no whole number between",
            "a decimal between",
            "a whole number between decimals",
            "29 February between",
            "no day between",
            "whole numbers below the lowest",
            "decimals below the lowest",
            "no day after the last",
            "no day before the first",
            "yes, no, unset",
            "texts",
        ],
    )
    def test_knows_the_values_of_each_type(
        self, table_rows: tuple[RuleRow, ...], numbers: tuple[int, ...]
    ) -> None:
        assert dead(*table_rows, CATCH_ALL) == numbers

    def test_finds_a_row_that_several_rows_cover_together(self) -> None:
        below, above = (
            a_row("montant", Operator.LESS_THAN, 10),
            a_row("montant", Operator.AT_LEAST, 10),
        )
        assert dead(below, above, a_row("montant", Operator.IS_SET), CATCH_ALL) == (3,)

    @settings(max_examples=60, deadline=None)
    @given(tables())
    def test_agrees_with_trying_every_combination_of_values(self, table: RuleTable) -> None:
        reached = rows_reached(table)
        every = set(range(1, len(table.rows) + 1))
        assert dead_rows(table, FACTS) == DeadRows(tuple(sorted(every - reached)), True)

    @settings(max_examples=30, deadline=None)
    @given(tables())
    def test_without_trying_all_it_still_tells_no_living_row_dead(self, table: RuleTable) -> None:
        found = dead_rows(table, FACTS, max_cells=0)
        used = any(row.conditions for row in table.rows)
        assert (found.is_complete, rows_reached(table) & set(found.numbers)) == (not used, set())

    @settings(max_examples=30, deadline=None)
    @given(st.lists(rows(), min_size=1, max_size=4), st.data())
    def test_without_trying_all_it_finds_a_row_that_stands_twice(
        self, table_rows: list[RuleRow], data: st.DataObject
    ) -> None:
        again = data.draw(st.sampled_from(table_rows))
        limited = RuleTable((*table_rows, again, a_row("urgent", Operator.IS_SET)))
        found = dead_rows(limited, FACTS, max_cells=0)
        assert len(table_rows) + 1 in found.numbers


def rows_reached(table: RuleTable) -> set[int]:
    """The rows that some combination of values meets, each condition read anew and naively."""
    facts = sorted({one.fact for row in table.rows for one in row.conditions})
    reached = set()
    for values in itertools.product(*(VALUES[fact] for fact in facts)):
        folder = dict(zip(facts, values, strict=True))
        for number, row in enumerate(table.rows, start=1):
            if all(plainly(one, folder[one.fact]) for one in row.conditions):
                reached.add(number)
                break
    return reached


def plainly(condition: Condition, value: FactValue | None) -> bool:
    if condition.operator is Operator.IS_UNSET or value is None:
        return condition.operator is Operator.IS_UNSET and value is None
    asked: Any = value
    constants: tuple[Any, ...] = condition.values
    signs = {(one < asked) - (one > asked) for one in constants}
    accepted = {
        Operator.EQUALS: 0 in signs,
        Operator.ONE_OF: 0 in signs,
        Operator.DIFFERS: 0 not in signs,
        Operator.LESS_THAN: signs == {-1},
        Operator.AT_MOST: 1 not in signs,
        Operator.MORE_THAN: signs == {1},
        Operator.AT_LEAST: -1 not in signs,
        Operator.IS_SET: True,
    }
    return accepted[condition.operator]


@settings(max_examples=20, deadline=None)
@given(tables())
def test_a_row_told_dead_may_be_taken_away(table: RuleTable) -> None:
    closed = RuleTable((*table.rows, CATCH_ALL))
    gone = dead_rows(closed, FACTS).numbers
    kept = [row for number, row in enumerate(closed.rows, start=1) if number not in gone]
    for values in itertools.islice(itertools.product(*VALUES.values()), 0, None, 37):
        folder = dict(zip(VALUES, values, strict=True))
        was, now = choose(closed, folder), choose(RuleTable(tuple(kept)), folder)
        assert (was.workflow, was.desks) == (now.workflow, now.desks)
