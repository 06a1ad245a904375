from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.rules import FACTS, facts, rows, tables
from workflows.definition import ChosenDesk, DeskId, StepId
from workflows.errors import Unreadable
from workflows.metadata import FieldType
from workflows.rules import (
    Chosen,
    Condition,
    FactValue,
    FactValues,
    NoRowMatches,
    Operator,
    RuleRow,
    RuleTable,
    WorkflowRef,
    choose,
    from_json,
    holds,
    to_json,
    try_on,
)

SMALL, LARGE, OTHER = WorkflowRef("petits-achats"), WorkflowRef("marches"), WorkflowRef("commun")
TO_FINANCE = (ChosenDesk(StepId("visa"), DeskId("finances")),)
TABLE = RuleTable(
    (
        RuleRow((Condition("montant", Operator.LESS_THAN, (Decimal("5000"),)),), SMALL, TO_FINANCE),
        RuleRow(
            (
                Condition("montant", Operator.AT_LEAST, (Decimal("5000"),)),
                Condition("urgent", Operator.EQUALS, (False,)),
            ),
            LARGE,
        ),
        RuleRow((), OTHER),
    )
)


def one(operator: Operator, *values: FactValue) -> Condition:
    return Condition("fait", operator, values)


class TestHolds:
    @pytest.mark.parametrize(
        ("operator", "holding"),
        [
            (Operator.EQUALS, [5]),
            (Operator.DIFFERS, [4, 6]),
            (Operator.LESS_THAN, [4]),
            (Operator.AT_MOST, [4, 5]),
            (Operator.MORE_THAN, [6]),
            (Operator.AT_LEAST, [5, 6]),
            (Operator.ONE_OF, [5]),
        ],
    )
    @pytest.mark.parametrize("kind", [int, Decimal])
    def test_compares_numbers_around_the_constant(
        self, operator: Operator, holding: list[int], kind: type[int] | type[Decimal]
    ) -> None:
        found = [value for value in (4, 5, 6) if holds(one(operator, 5), kind(value))]
        assert found == holding

    def test_one_decimal_more_is_beyond_the_ceiling(self) -> None:
        at_most = one(Operator.AT_MOST, Decimal("5000.00"))
        amounts = (Decimal("5000"), Decimal("5000.000001"))
        assert [holds(at_most, amount) for amount in amounts] == [True, False]

    def test_dates_compare_as_days(self) -> None:
        before = one(Operator.LESS_THAN, "2026-03-01")
        days = ("2025-12-31", "2026-02-28", "2026-03-01")
        assert [holds(before, day) for day in days] == [True, True, False]

    def test_one_of_takes_any_of_its_constants(self) -> None:
        among = one(Operator.ONE_OF, "Écoles", 3, False)
        values = ("Écoles", 3, False, "écoles", True)
        assert [holds(among, value) for value in values] == [True, True, True, False, False]

    @pytest.mark.parametrize("value", [False, 0, Decimal(0), ""], ids=repr)
    def test_false_and_zero_are_values(self, value: FactValue) -> None:
        assert (holds(one(Operator.IS_SET), value), holds(one(Operator.IS_UNSET), value)) == (
            True,
            False,
        )

    @pytest.mark.parametrize("operator", list(Operator))
    def test_of_a_fact_that_is_unset_only_is_unset_holds(self, operator: Operator) -> None:
        constants = () if operator in (Operator.IS_SET, Operator.IS_UNSET) else (5,)
        assert holds(one(operator, *constants), None) is (operator is Operator.IS_UNSET)

    @pytest.mark.parametrize(
        "operator", [Operator.EQUALS, Operator.DIFFERS, Operator.LESS_THAN, Operator.ONE_OF]
    )
    @pytest.mark.parametrize(
        ("value", "constant"),
        [
            ("5", 5),
            (5, "5"),
            (True, 1),
            (0, False),
            (Decimal("NaN"), 5),
            (Decimal("sNaN"), 5),
            (Decimal("Infinity"), 5),
            (5.0, 5),
            (["5"], "5"),
        ],
        ids=repr,
    )
    def test_another_type_never_holds_and_never_raises(
        self, operator: Operator, value: Any, constant: FactValue
    ) -> None:
        assert holds(one(operator, constant), value) is False

    @pytest.mark.parametrize("operator", [Operator.AT_MOST, Operator.AT_LEAST])
    def test_true_and_false_have_no_order(self, operator: Operator) -> None:
        assert holds(one(operator, True), True) is False

    @pytest.mark.parametrize("constants", [(), (5, 6)], ids=["none", "two"])
    def test_a_comparison_without_its_one_constant_never_holds(
        self, constants: tuple[int, ...]
    ) -> None:
        assert holds(one(Operator.AT_LEAST, *constants), 7) is False


class TestCondition:
    @pytest.mark.parametrize(
        "number", ["NaN", "Infinity", "1E+15", "1E+999999", "1E-7", "1234567890123456"]
    )
    def test_refuses_a_decimal_that_no_metadata_hold(self, number: str) -> None:
        with pytest.raises(ValueError, match="no number"):
            one(Operator.EQUALS, Decimal(number))


class TestChoose:
    @pytest.mark.parametrize(
        ("given_facts", "row_number", "workflow"),
        [
            ({"montant": Decimal("4999.99")}, 1, SMALL),
            ({"montant": Decimal(5000), "urgent": False}, 2, LARGE),
            ({"montant": Decimal(5000), "urgent": True}, 3, OTHER),
            ({"montant": Decimal(5000)}, 3, OTHER),
            ({"montant": None, "urgent": False}, 3, OTHER),
            ({"montant": 0}, 1, SMALL),
            ({}, 3, OTHER),
        ],
        ids=["below", "at", "urgent", "urgent unset", "no amount", "zero", "nothing"],
    )
    def test_takes_the_first_row_whose_conditions_all_hold(
        self, given_facts: FactValues, row_number: int, workflow: WorkflowRef
    ) -> None:
        chosen = choose(TABLE, given_facts)
        assert (chosen.row_number, chosen.workflow) == (row_number, workflow)

    def test_gives_the_variable_desks_of_the_row(self) -> None:
        assert choose(TABLE, {"montant": 1}) == Chosen(1, SMALL, TO_FINANCE)

    def test_without_a_row_it_is_a_refusal(self) -> None:
        with pytest.raises(NoRowMatches):
            choose(RuleTable(TABLE.rows[:2]), {})

    @settings(max_examples=40, deadline=None)
    @given(tables(), facts())
    def test_gives_the_same_answer_to_the_same_facts(
        self, table: RuleTable, given_facts: FactValues
    ) -> None:
        first = try_on(table, (given_facts,))
        try_on(table, ({}, {"montant": 2}))
        assert try_on(table, (dict(reversed(list(given_facts.items()))),)) == first

    @settings(max_examples=40, deadline=None)
    @given(tables(), st.lists(rows(), max_size=3), facts())
    def test_rows_after_the_one_without_condition_change_nothing(
        self, table: RuleTable, more: list[RuleRow], given_facts: FactValues
    ) -> None:
        closed = RuleTable((*table.rows, RuleRow((), OTHER)))
        longer = RuleTable((*closed.rows, *more))
        assert choose(longer, given_facts) == choose(closed, given_facts)

    @settings(max_examples=40, deadline=None)
    @given(tables(), facts())
    def test_no_earlier_row_would_have_matched_alone(
        self, table: RuleTable, given_facts: FactValues
    ) -> None:
        alone = [try_on(RuleTable((row,)), (given_facts,))[0] is not None for row in table.rows]
        (chosen,) = try_on(table, (given_facts,))
        assert (0 if chosen is None else chosen.row_number) == (
            alone.index(True) + 1 if any(alone) else 0
        )


class TestTryOn:
    def test_says_which_row_each_sample_meets(self) -> None:
        found = try_on(RuleTable(TABLE.rows[:2]), ({"montant": 1}, {}, {"montant": 1}))
        assert [None if chosen is None else chosen.row_number for chosen in found] == [1, None, 1]


class TestJson:
    @settings(max_examples=40, deadline=None)
    @given(tables())
    def test_what_is_written_is_read_back(self, table: RuleTable) -> None:
        back = from_json(json.loads(json.dumps(to_json(table))))
        constants = [
            [type(value) for row in one.rows for part in row.conditions for value in part.values]
            for one in (table, back)
        ]
        assert (back, constants[0]) == (table, constants[1])

    def test_decimals_keep_their_figures(self) -> None:
        table = RuleTable((RuleRow((one(Operator.EQUALS, Decimal("12.50")),), OTHER, TO_FINANCE),))
        assert to_json(table) == {
            "schema": 1,
            "rows": [
                {
                    "conditions": [
                        {"fact": "fait", "operator": "equals", "values": [{"decimal": "12.50"}]}
                    ],
                    "workflow": "commun",
                    "desks": [{"step": "visa", "desk": "finances"}],
                }
            ],
        }

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ((), []),
            (("schema",), 2),
            (("rows",), {}),
            (("rows", 0), {"conditions": [], "workflow": "a"}),
            (("rows", 0, "workflow"), 3),
            (("rows", 0, "more"), 3),
            (("rows", 0, "desks"), [["visa", "finances"]]),
            (("rows", 0, "desks"), [{"step": "visa", "desk": None}]),
            (("rows", 0, "conditions", 0, "fact"), None),
            (("rows", 0, "conditions", 0, "operator"), "matches"),
            (("rows", 0, "conditions", 0, "values"), 5),
            (("rows", 0, "conditions", 0, "values"), [None]),
            (("rows", 0, "conditions", 0, "values"), [1.5]),
            (("rows", 0, "conditions", 0, "values"), [{"decimal": 5}]),
            (("rows", 0, "conditions", 0, "values"), [{"decimal": "1_000"}]),
            (("rows", 0, "conditions", 0, "values"), [{"decimal": "NaN"}]),
            (("rows", 0, "conditions", 0, "values"), [{"number": "5"}]),
        ],
        ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
    )
    def test_refuses_to_read_anything_else(self, path: tuple[str | int, ...], value: Any) -> None:
        data: Any = {"written": json.loads(json.dumps(to_json(TABLE)))}
        *way, last = ("written", *path)
        place = data
        for key in way:
            place = place[key]
        place[last] = value
        with pytest.raises(Unreadable):
            from_json(data["written"])


def test_the_facts_of_these_tests_are_of_every_type_that_rules_compare() -> None:
    assert set(FACTS.values()) == set(FieldType) - {FieldType.URL}
