"""Days in French sentences."""

from __future__ import annotations

from datetime import date

import pytest

from app.kit.days import day_in_words


class TestDayInWords:
    @pytest.mark.parametrize(
        ("day", "words"),
        [
            (date(2026, 8, 15), "15 août 2026"),
            (date(2026, 9, 1), "1er septembre 2026"),
            (date(2027, 1, 31), "31 janvier 2027"),
        ],
    )
    def test_a_day_has_its_month_in_full(self, day: date, words: str) -> None:
        assert day_in_words(day) == words
