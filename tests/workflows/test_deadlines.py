from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.deadlines import (
    DayNotCovered,
    WorkingCalendar,
    due_at,
    is_working_day,
    remind_at,
    transmit_by,
)

PARIS = ZoneInfo("Europe/Paris")
ONE_SECOND = timedelta(seconds=1)
GOOD_FRIDAY, EASTER_MONDAY = date(2026, 4, 3), date(2026, 4, 6)
CHRISTMAS, ST_STEPHEN = date(2025, 12, 25), date(2025, 12, 26)
NATIONAL = frozenset((EASTER_MONDAY, date(2026, 5, 1), date(2026, 5, 8), CHRISTMAS))
ALSACE = NATIONAL | {GOOD_FRIDAY, ST_STEPHEN}


def a_calendar(
    place: str = "Europe/Paris",
    holidays: frozenset[date] = NATIONAL,
    years: range = range(2025, 2028),
) -> WorkingCalendar:
    return WorkingCalendar(ZoneInfo(place), holidays, years)


def in_paris(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


class TestIsWorkingDay:
    @pytest.mark.parametrize(
        ("day", "works"),
        [
            (date(2026, 4, 2), True),
            (date(2026, 4, 4), False),
            (date(2026, 4, 5), False),
            (EASTER_MONDAY, False),
            (date(2026, 4, 7), True),
        ],
        ids=["Thursday", "Saturday", "Sunday", "Easter Monday", "Tuesday"],
    )
    def test_neither_weekend_nor_holiday(self, day: date, works: bool) -> None:
        assert is_working_day(a_calendar(), day) is works

    def test_a_place_may_have_another_weekend(self) -> None:
        friday_off = WorkingCalendar(PARIS, frozenset(), range(2026, 2027), frozenset((4,)))
        answers = [is_working_day(friday_off, date(2026, 4, day)) for day in (3, 4)]
        assert answers == [False, True]

    @pytest.mark.parametrize("day", [date(2024, 12, 31), date(2028, 1, 1)])
    def test_a_year_that_is_not_covered_is_an_error(self, day: date) -> None:
        with pytest.raises(DayNotCovered, match=str(day)):
            is_working_day(a_calendar(), day)


class TestDueAt:
    @pytest.mark.parametrize(
        ("started", "working_days", "late_from"),
        [
            ("2026-03-02T09:00", 1, "2026-03-04T00:00"),
            ("2026-03-02T00:00:00", 1, "2026-03-04T00:00"),
            ("2026-03-01T23:59:59", 1, "2026-03-03T00:00"),
            ("2026-03-06T18:00", 1, "2026-03-10T00:00"),
            ("2026-03-07T12:00", 1, "2026-03-10T00:00"),
            ("2026-04-02T09:00", 1, "2026-04-04T00:00"),
            ("2026-04-03T09:00", 1, "2026-04-08T00:00"),
            ("2026-04-30T09:00", 5, "2026-05-12T00:00"),
            ("2026-03-27T09:00", 1, "2026-03-31T00:00"),
            ("2026-10-23T09:00", 1, "2026-10-27T00:00"),
        ],
        ids=[
            "Monday",
            "at midnight",
            "a second before midnight",
            "Friday",
            "Saturday",
            "to Good Friday",
            "over Easter Monday",
            "over two holidays of May",
            "over the change to summer time",
            "over the change to winter time",
        ],
    )
    def test_ends_with_the_last_working_day(
        self, started: str, working_days: int, late_from: str
    ) -> None:
        due = due_at(a_calendar(), in_paris(started), working_days)
        assert due == in_paris(late_from)

    def test_a_second_before_it_is_still_the_last_day_there(self) -> None:
        due = due_at(a_calendar(), in_paris("2026-03-27T09:00"), 1)
        days = [at.astimezone(PARIS).date() for at in (due - ONE_SECOND, due, due + ONE_SECOND)]
        assert days == [date(2026, 3, 30), date(2026, 3, 31), date(2026, 3, 31)]

    def test_is_in_utc(self) -> None:
        due = due_at(a_calendar(), in_paris("2026-03-27T09:00"), 1)
        assert due.isoformat() == "2026-03-30T22:00:00+00:00"

    @pytest.mark.parametrize(
        ("started", "late_from"),
        [("2026-04-02T09:00", "2026-04-08T00:00"), ("2025-12-24T09:00", "2025-12-30T00:00")],
        ids=["Good Friday", "26 December"],
    )
    def test_alsace_and_moselle_have_two_days_more(self, started: str, late_from: str) -> None:
        due = due_at(a_calendar(holidays=ALSACE), in_paris(started), 1)
        assert due == in_paris(late_from)

    @pytest.mark.parametrize(
        ("place", "abolition"),
        [
            ("America/Guadeloupe", date(2026, 5, 27)),
            ("America/Martinique", date(2026, 5, 22)),
            ("America/Cayenne", date(2026, 6, 10)),
            ("Indian/Reunion", date(2027, 12, 20)),
            ("Indian/Mayotte", date(2026, 4, 27)),
            ("America/St_Barthelemy", date(2026, 10, 9)),
            ("America/Marigot", date(2026, 5, 28)),
        ],
    )
    def test_the_abolition_of_slavery_is_a_holiday_overseas(
        self, place: str, abolition: date
    ) -> None:
        there = ZoneInfo(place)
        calendar = a_calendar(place, frozenset((abolition,)))
        eve = datetime(abolition.year, abolition.month, abolition.day, tzinfo=there) - ONE_SECOND
        following = abolition + timedelta(days=1)
        while following.weekday() in (5, 6):
            following += timedelta(days=1)
        late_from = datetime(following.year, following.month, following.day, tzinfo=there)
        assert due_at(calendar, eve, 1) == late_from + timedelta(days=1)

    @pytest.mark.parametrize(
        ("place", "late_from"),
        [
            ("America/Martinique", "2026-03-04T04:00:00+00:00"),
            ("Indian/Reunion", "2026-03-03T20:00:00+00:00"),
            ("Pacific/Noumea", "2026-03-03T13:00:00+00:00"),
            ("Pacific/Marquesas", "2026-03-04T09:30:00+00:00"),
        ],
    )
    def test_the_day_of_the_start_is_that_of_the_place(self, place: str, late_from: str) -> None:
        noon_there = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo(place)).astimezone(UTC)
        assert due_at(a_calendar(place), noon_there, 1).isoformat() == late_from

    @pytest.mark.parametrize("working_days", [0, -1])
    def test_refuses_less_than_one_day(self, working_days: int) -> None:
        with pytest.raises(ValueError, match="one day"):
            due_at(a_calendar(), in_paris("2026-03-02T09:00"), working_days)

    def test_refuses_an_instant_without_time_zone(self) -> None:
        with pytest.raises(ValueError, match="time zone"):
            due_at(a_calendar(), datetime(2026, 3, 2), 1)  # noqa: DTZ001

    def test_beyond_the_years_covered_is_an_error(self) -> None:
        with pytest.raises(DayNotCovered, match="2028-01-01"):
            due_at(a_calendar(), in_paris("2027-12-31T09:00"), 1)

    def test_a_calendar_without_any_working_day_is_an_error(self) -> None:
        never = WorkingCalendar(PARIS, frozenset(), range(2026, 2027), frozenset(range(7)))
        with pytest.raises(DayNotCovered, match="2027-01-01"):
            due_at(never, in_paris("2026-03-02T09:00"), 1)

    @settings(deadline=None)
    @given(
        started=st.datetimes(
            datetime.fromisoformat("2025-01-01"),
            datetime.fromisoformat("2026-12-31"),
            timezones=st.just(PARIS),
        ),
        working_days=st.integers(1, 60),
    )
    def test_so_many_working_days_lie_between_the_start_and_the_end(
        self, started: datetime, working_days: int
    ) -> None:
        calendar = a_calendar(holidays=ALSACE)
        due = due_at(calendar, started, working_days)
        first, end = started.astimezone(PARIS).date(), due.astimezone(PARIS).date()
        between = [
            first + timedelta(days=n)
            for n in range(1, (end - first).days)
            if is_working_day(calendar, first + timedelta(days=n))
        ]
        assert (len(between), between[-1]) == (working_days, end - timedelta(days=1))


class TestRemindAt:
    @pytest.mark.parametrize(
        ("started", "reminder"),
        [
            ("2026-03-27T18:00", "2026-03-30T06:00:00+00:00"),
            ("2026-10-23T18:00", "2026-10-26T07:00:00+00:00"),
            ("2026-04-03T18:00", "2026-04-07T06:00:00+00:00"),
        ],
        ids=["summer time begins", "winter time begins", "Easter Monday"],
    )
    def test_leaves_at_eight_there_on_the_last_day(self, started: str, reminder: str) -> None:
        assert remind_at(a_calendar(), in_paris(started), 1).isoformat() == reminder

    def test_precedes_the_end_by_sixteen_hours(self) -> None:
        started = in_paris("2026-06-01T09:00")
        due, reminder = due_at(a_calendar(), started, 3), remind_at(a_calendar(), started, 3)
        assert due - reminder == timedelta(hours=16)

    def test_refuses_less_than_one_day(self) -> None:
        with pytest.raises(ValueError, match="one day"):
            remind_at(a_calendar(), in_paris("2026-03-02T09:00"), 0)


class TestTransmitBy:
    def test_counts_calendar_days_after_the_decision(self) -> None:
        assert transmit_by(date(2026, 3, 20), 15) == date(2026, 4, 4)

    @pytest.mark.parametrize("within_days", [0, -3])
    def test_refuses_less_than_one_day(self, within_days: int) -> None:
        with pytest.raises(ValueError, match="one day"):
            transmit_by(date(2026, 3, 20), within_days)

    def test_refuses_what_no_calendar_holds(self) -> None:
        with pytest.raises(ValueError, match="after the calendar"):
            transmit_by(date(2026, 3, 20), 4_000_000)
