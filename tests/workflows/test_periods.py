from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.errors import PeriodReversed
from workflows.periods import (
    DayOutOfRange,
    Period,
    first_instant,
    in_calendar,
    start_of_day,
    whole_days,
)

PARIS = ZoneInfo("Europe/Paris")
ONE_SECOND = timedelta(seconds=1)
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
FRENCH_PLACES = (
    "Europe/Paris",
    "America/Guadeloupe",
    "America/Martinique",
    "America/Cayenne",
    "America/Miquelon",
    "Indian/Reunion",
    "Indian/Mayotte",
    "Pacific/Noumea",
    "Pacific/Tahiti",
    "Pacific/Marquesas",
    "Pacific/Wallis",
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class TestPeriod:
    def test_holds_its_start_and_not_its_end(self) -> None:
        end = START + timedelta(hours=1)
        period = Period(START, end)
        instants = (START - ONE_SECOND, START, end - ONE_SECOND, end)
        assert [period.covers(at) for at in instants] == [False, True, True, False]

    def test_without_end_it_stays_open(self) -> None:
        assert Period(START).covers(datetime.max.replace(tzinfo=UTC))

    @pytest.mark.parametrize("length", [timedelta(0), -ONE_SECOND], ids=["empty", "reversed"])
    def test_refuses_an_end_that_does_not_follow_the_start(self, length: timedelta) -> None:
        with pytest.raises(PeriodReversed):
            Period(START, START + length)

    @pytest.mark.parametrize(
        ("start", "end", "meets"),
        [
            (-2, -1, False),
            (-2, 0, False),
            (-2, 1, True),
            (1, 2, True),
            (5, None, False),
            (4, None, True),
        ],
    )
    def test_meets_another_where_an_instant_is_in_both(
        self, start: int, end: int | None, *, meets: bool
    ) -> None:
        hour = timedelta(hours=1)
        period = Period(START, START + 5 * hour)
        other = Period(START + start * hour, None if end is None else START + end * hour)
        assert (period.meets(other), other.meets(period)) == (meets, meets)

    @pytest.mark.parametrize(
        "text", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+02:00"], ids=["after", "before"]
    )
    def test_refuses_an_instant_that_utc_cannot_show(self, text: str) -> None:
        with pytest.raises(DayOutOfRange):
            Period(datetime.fromisoformat(text))

    def test_refuses_an_instant_without_time_zone(self) -> None:
        with pytest.raises(ValueError, match="time zone"):
            Period(START.replace(tzinfo=None))


class TestInCalendar:
    @pytest.mark.parametrize(
        "text",
        [
            "9999-12-31T23:59:59-12:00",
            "9999-12-31T23:59:59+00:00",
            "9999-12-30T00:00:00+00:00",
            "0001-01-02T23:59:59+00:00",
            "0001-01-01T00:00:00+02:00",
        ],
    )
    def test_refuses_what_clocks_of_some_place_could_not_show(self, text: str) -> None:
        with pytest.raises(DayOutOfRange):
            in_calendar(datetime.fromisoformat(text))

    @pytest.mark.parametrize("text", ["9999-12-29T23:59:59+00:00", "0001-01-03T00:00:00+00:00"])
    def test_gives_the_others_in_utc(self, text: str) -> None:
        instant = datetime.fromisoformat(text)
        assert in_calendar(instant.astimezone(PARIS)) == instant
        assert in_calendar(instant.astimezone(PARIS)).tzinfo is UTC

    def test_refuses_an_instant_without_time_zone(self) -> None:
        with pytest.raises(ValueError, match="time zone"):
            in_calendar(START.replace(tzinfo=None))


class TestWholeDays:
    @pytest.mark.parametrize(
        ("place", "day", "start", "end"),
        [
            ("Europe/Paris", "2026-06-15", "2026-06-14T22:00", "2026-06-15T22:00"),
            ("Europe/Paris", "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),
            ("Europe/Paris", "2026-10-25", "2026-10-24T22:00", "2026-10-25T23:00"),
            ("America/Martinique", "2026-03-29", "2026-03-29T04:00", "2026-03-30T04:00"),
            ("Indian/Reunion", "2026-03-29", "2026-03-28T20:00", "2026-03-29T20:00"),
            ("Pacific/Noumea", "2026-03-29", "2026-03-28T13:00", "2026-03-29T13:00"),
            ("Pacific/Marquesas", "2026-03-29", "2026-03-29T09:30", "2026-03-30T09:30"),
            ("America/Miquelon", "2026-03-08", "2026-03-08T03:00", "2026-03-09T02:00"),
            ("America/Miquelon", "2026-11-01", "2026-11-01T02:00", "2026-11-02T03:00"),
        ],
    )
    def test_one_day_counts_from_midnight_to_midnight_there(
        self, place: str, day: str, start: str, end: str
    ) -> None:
        only = date.fromisoformat(day)
        period = whole_days(only, only, ZoneInfo(place))
        assert period == Period(utc(start), utc(end))

    @pytest.mark.parametrize("place", FRENCH_PLACES)
    def test_a_second_before_is_outside_and_a_second_before_the_end_inside(
        self, place: str
    ) -> None:
        there = ZoneInfo(place)
        period = whole_days(date(2026, 3, 28), date(2026, 10, 26), there)
        first = datetime(2026, 3, 28, tzinfo=there).astimezone(UTC)
        end = datetime(2026, 10, 27, tzinfo=there).astimezone(UTC)
        instants = (first - ONE_SECOND, first, end - ONE_SECOND, end)
        assert [period.covers(at) for at in instants] == [False, True, True, False]

    def test_without_last_day_it_stays_open(self) -> None:
        assert whole_days(date(2026, 3, 29), None, PARIS).end is None

    def test_its_ends_are_in_utc(self) -> None:
        period = whole_days(date(2026, 3, 29), date(2026, 3, 30), PARIS)
        assert period.end is not None
        assert (period.start.tzinfo, period.end.tzinfo) == (UTC, UTC)

    def test_refuses_days_that_are_reversed(self) -> None:
        with pytest.raises(PeriodReversed):
            whole_days(date(2026, 3, 29), date(2026, 3, 28), PARIS)

    @pytest.mark.parametrize(
        ("first", "last"),
        [(date(2026, 1, 1), date.max), (date.min, date(2026, 1, 1))],
        ids=["no day after", "before the first instant"],
    )
    def test_refuses_days_beyond_the_calendar(self, first: date, last: date) -> None:
        with pytest.raises(DayOutOfRange):
            whole_days(first, last, PARIS)

    def test_reaches_the_last_day_but_one_of_the_calendar(self) -> None:
        period = whole_days(date(2026, 1, 1), date(9999, 12, 30), PARIS)
        assert period.end == utc("9999-12-30T23:00")

    @settings(deadline=None)
    @given(
        day=st.dates(date(2000, 1, 1), date(2040, 1, 1)),
        length=st.integers(0, 400),
        place=st.sampled_from(FRENCH_PLACES),
    )
    def test_periods_that_follow_each_other_leave_no_gap(
        self, day: date, length: int, place: str
    ) -> None:
        there = ZoneInfo(place)
        last = day + timedelta(days=length)
        following = last + timedelta(days=1)
        period = whole_days(day, last, there)
        assert period.end == whole_days(following, following, there).start


class TestStartOfDay:
    @pytest.mark.parametrize(
        ("place", "day", "start"),
        [
            ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00"),
            ("America/Toronto", "1919-03-31", "1919-03-31T04:30"),
            ("America/Havana", "2025-11-02", "2025-11-02T04:00"),
            ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00"),
        ],
        ids=["midnight skipped", "skipped from 23:30", "midnight twice", "day skipped"],
    )
    def test_is_the_first_instant_that_exists(self, place: str, day: str, start: str) -> None:
        assert start_of_day(date.fromisoformat(day), ZoneInfo(place)) == utc(start)

    @pytest.mark.parametrize("place", ["America/Sao_Paulo", "America/Toronto"])
    def test_a_second_earlier_it_was_still_the_day_before(self, place: str) -> None:
        day = {"America/Sao_Paulo": date(2018, 11, 4), "America/Toronto": date(1919, 3, 31)}[place]
        start = start_of_day(day, ZoneInfo(place))
        before = (start - ONE_SECOND).astimezone(ZoneInfo(place)).date()
        assert (before, start.astimezone(ZoneInfo(place)).date()) == (day - timedelta(days=1), day)


class TestFirstInstant:
    def test_an_hour_that_is_skipped_begins_at_the_change(self) -> None:
        assert first_instant(date(2026, 3, 29), time(2, 30), PARIS) == utc("2026-03-29T01:00")

    def test_an_hour_that_happens_twice_is_the_first_one(self) -> None:
        assert first_instant(date(2026, 10, 25), time(2, 30), PARIS) == utc("2026-10-25T00:30")
