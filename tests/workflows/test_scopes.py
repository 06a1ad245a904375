from __future__ import annotations

import pytest

from tests.builders.registers import slips
from workflows.register import Facts, Scope, SubtypeId, TypeId
from workflows.scopes import Beyond, excess, in_euros, overlap

ORDERS, PAYMENTS = TypeId("orders"), TypeId("payments")
LEAVE, ROADS = SubtypeId("leave"), SubtypeId("roads")
TYPE_OF = {LEAVE: ORDERS, ROADS: ORDERS}


def scope(
    *types: TypeId, subtypes: tuple[SubtypeId, ...] = (), ceiling: int | None = None
) -> Scope:
    return Scope(frozenset(types), frozenset(subtypes), ceiling)


class TestExcess:
    @pytest.mark.parametrize(
        ("given", "facts", "beyond"),
        [
            (scope(), Facts(), None),
            (scope(ORDERS), Facts(type=ORDERS), None),
            (scope(ORDERS), Facts(), Beyond.TYPE),
            (scope(subtypes=(LEAVE,)), Facts(type=ORDERS, subtype=ROADS), Beyond.TYPE),
            (scope(ceiling=100), Facts(amounts=slips(100, 1)), None),
            (scope(ceiling=100), Facts(), Beyond.AMOUNT_UNKNOWN),
            (scope(ceiling=0), Facts(amounts=slips(0)), None),
            (scope(ceiling=0), Facts(amounts=slips(0, 1)), Beyond.CEILING),
            (scope(PAYMENTS, ceiling=0), Facts(type=ORDERS, amounts=slips(1)), Beyond.TYPE),
        ],
        ids=[
            "whole",
            "type",
            "type unknown",
            "other subtype",
            "at the ceiling",
            "amount unknown",
            "zero",
            "above zero",
            "type first",
        ],
    )
    def test_is_what_the_scope_leaves_out(
        self, given: Scope, facts: Facts, beyond: Beyond | None
    ) -> None:
        found = excess(given, facts)
        assert (found and found.beyond) == beyond

    def test_names_the_largest_amount(self) -> None:
        found = excess(scope(ceiling=1), Facts(amounts=slips(2, 300, 40)))
        assert found is not None
        assert "« bordereau 2 » (3,00\u00a0€)" in found.detail


class TestOverlap:
    @pytest.mark.parametrize(
        ("one", "other", "meet"),
        [
            (scope(), scope(PAYMENTS), True),
            (scope(ORDERS), scope(ORDERS, PAYMENTS), True),
            (scope(ORDERS), scope(PAYMENTS), False),
            (scope(subtypes=(LEAVE,)), scope(subtypes=(ROADS,)), False),
            (scope(subtypes=(LEAVE,)), scope(subtypes=(LEAVE, ROADS)), True),
            (scope(subtypes=(LEAVE,)), scope(ORDERS), True),
            (scope(subtypes=(LEAVE,)), scope(PAYMENTS), False),
            (scope(subtypes=(SubtypeId("new"),)), scope(PAYMENTS), True),
            (scope(ORDERS, ceiling=1), scope(ORDERS, ceiling=100), True),
        ],
        ids=[
            "whole",
            "same type",
            "other type",
            "other subtype",
            "same subtype",
            "subtype of the type",
            "subtype of another",
            "subtype of a type not told",
            "ceilings",
        ],
    )
    def test_is_whether_one_folder_could_be_covered_by_both(
        self, one: Scope, other: Scope, meet: bool
    ) -> None:
        assert overlap(one, other, TYPE_OF) is meet
        assert overlap(other, one, TYPE_OF) is meet


@pytest.mark.parametrize(
    ("cents", "text"),
    [
        (0, "0,00\u00a0€"),
        (5, "0,05\u00a0€"),
        (123_456_789, "1\u202f234\u202f567,89\u00a0€"),
        (-150, "-1,50\u00a0€"),
    ],
)
def test_amounts_read_as_in_french(cents: int, text: str) -> None:
    assert in_euros(cents) == text
