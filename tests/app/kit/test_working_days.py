"""Calendars of working days."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from holidays import country_holidays

from app.kit.working_days import (
    SUBDIVISIONS,
    UnknownSubdivision,
    working_calendar,
    years_covering,
)
from workflows.deadlines import DayNotCovered, due_at, is_working_day

NATIONAL_2026 = (
    date(2026, 1, 1),
    date(2026, 4, 6),
    date(2026, 5, 1),
    date(2026, 5, 8),
    date(2026, 5, 14),
    date(2026, 5, 25),
    date(2026, 7, 14),
    date(2026, 8, 15),
    date(2026, 11, 1),
    date(2026, 11, 11),
    date(2026, 12, 25),
)


def holidays_of_2026(subdivision: str | None) -> frozenset[date]:
    return working_calendar("Europe/Paris", subdivision, range(2026, 2027)).holidays


class TestWorkingCalendar:
    @pytest.mark.parametrize("subdivision", [None, *SUBDIVISIONS])
    def test_holds_the_eleven_national_holidays_everywhere(self, subdivision: str | None) -> None:
        assert holidays_of_2026(subdivision) >= set(NATIONAL_2026)

    # Code du travail, L. 3134-13 (Alsace, Moselle), L. 3422-2 and decree 83-1003 (overseas).
    @pytest.mark.parametrize(
        ("subdivision", "more"),
        [
            ("57", {date(2026, 4, 3), date(2026, 12, 26)}),
            ("6AE", {date(2026, 4, 3), date(2026, 12, 26)}),
            ("971", {date(2026, 5, 27)}),
            ("972", {date(2026, 5, 22)}),
            ("973", {date(2026, 6, 10)}),
            ("974", {date(2026, 12, 20)}),
            ("976", {date(2026, 4, 27)}),
            ("BL", {date(2026, 10, 9)}),
            ("MF", {date(2026, 5, 28)}),
            ("NC", {date(2026, 9, 24)}),
            ("PF", {date(2026, 3, 5), date(2026, 11, 20)}),
            ("WF", {date(2026, 4, 28), date(2026, 7, 29)}),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_holds_the_days_of_its_subdivision(self, subdivision: str, more: set[date]) -> None:
        assert holidays_of_2026(subdivision) >= more

    def test_holds_nothing_else_for_the_whole_of_france(self) -> None:
        assert holidays_of_2026(None) == set(NATIONAL_2026)

    def test_holds_every_year_asked_and_no_other(self) -> None:
        calendar = working_calendar("Europe/Paris", None, range(2026, 2029))
        assert {day.year for day in calendar.holidays} == {2026, 2027, 2028}

    def test_knows_nothing_of_other_years(self) -> None:
        calendar = working_calendar("Europe/Paris", None, range(2026, 2027))
        with pytest.raises(DayNotCovered):
            is_working_day(calendar, date(2027, 1, 4))

    def test_counts_in_the_time_zone_of_the_place(self) -> None:
        there = ZoneInfo("America/Martinique")
        calendar = working_calendar("America/Martinique", "972", range(2026, 2027))
        eve = datetime(2026, 5, 21, 23, 59, 59, tzinfo=there)
        # The 22nd is a holiday, then a weekend and the Monday of Pentecost.
        assert due_at(calendar, eve, 1) == datetime(2026, 5, 27, tzinfo=there)

    @pytest.mark.parametrize("subdivision", ["", "75", "Zone A", "Alsace-Moselle", "GP"])
    def test_refuses_a_subdivision_that_is_not_listed(self, subdivision: str) -> None:
        with pytest.raises(UnknownSubdivision):
            working_calendar("Europe/Paris", subdivision, range(2026, 2027))

    def test_refuses_a_time_zone_that_does_not_exist(self) -> None:
        with pytest.raises(ZoneInfoNotFoundError):
            working_calendar("Europe/Lutece", None, range(2026, 2027))


class TestYearsCovering:
    @pytest.mark.parametrize("subdivision", [None, *SUBDIVISIONS])
    @pytest.mark.parametrize("days", [1, 199, 200, 600, 1_000])
    def test_hold_so_many_working_days_from_any_day_of_the_year(
        self, subdivision: str | None, days: int
    ) -> None:
        calendar = working_calendar("Europe/Paris", subdivision, years_covering(2026, days))
        eve = datetime(2026, 12, 31, 12, tzinfo=ZoneInfo("Europe/Paris"))
        assert due_at(calendar, eve, days).year in calendar.years

    def test_are_few_for_few_days(self) -> None:
        assert years_covering(2026, 10) == range(2026, 2028)


def test_lists_every_subdivision_of_the_library_but_its_school_zones() -> None:
    known = country_holidays("FR").subdivisions
    assert set(SUBDIVISIONS) == {code for code in known if not code.startswith("Zone ")}
