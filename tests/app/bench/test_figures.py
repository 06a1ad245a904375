"""How measures are taken and told."""

from __future__ import annotations

import pytest

from app.bench.figures import Row, alternate, ratios, spread
from app.bench.run import told


class TestSpread:
    def test_tells_median_least_and_most(self) -> None:
        assert spread([3.0, 1.25, 10.0]).told(1) == "3,0 (1,2 à 10,0)"

    def test_without_a_value_there_is_no_figure(self) -> None:
        with pytest.raises(ValueError, match="nothing was measured"):
            spread([])


class TestRatios:
    def test_pair_the_arms_round_by_round(self) -> None:
        found = ratios([2.0, 40.0, 6.0], [1.0, 10.0, 2.0])
        assert (found.least, found.middle, found.most) == (2.0, 3.0, 4.0)

    def test_need_as_many_rounds_in_both_arms(self) -> None:
        with pytest.raises(ValueError, match="shorter"):
            ratios([1.0, 2.0], [1.0])


class TestAlternate:
    def test_the_order_changes_every_round_and_the_first_round_is_not_kept(self) -> None:
        calls: list[str] = []
        measured = alternate(
            {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2
        )
        assert "".join(calls) == "baabba"
        assert {name: len(values) for name, values in measured.items()} == {"a": 2, "b": 2}

    def test_an_arm_can_be_repeated_in_a_round(self) -> None:
        calls: list[str] = []
        alternate({"a": lambda: calls.append("a")}, rounds=1, repeats=3)
        assert len(calls) == 6


class TestTold:
    def test_a_row_names_what_was_promised(self) -> None:
        assert told(Row("Mesure", "× 2,0", "≤ 3", "détail")) == (
            "\nMesure\n    × 2,0   (promis : ≤ 3)\n    détail"
        )

    def test_a_row_without_promise_says_nothing_of_it(self) -> None:
        assert "promis" not in told(Row("Mesure", "× 2,0", "", "détail"))
