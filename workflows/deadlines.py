"""When a step is late, when its reminder leaves, until when an act is to be transmitted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from workflows.encoding import in_utc
from workflows.errors import WorkflowError
from workflows.periods import first_instant, next_day, start_of_day

SATURDAY_AND_SUNDAY = frozenset((5, 6))
_REMINDER_AT = time(8)


class DayNotCovered(WorkflowError):
    """The calendar says nothing of that year: whoever built it must cover more years."""


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """On which days people work in a place.

    `holidays` are complete for the `years` covered; `weekend` holds numbers of `date.weekday`.
    """

    timezone: ZoneInfo
    holidays: frozenset[date]
    years: range
    weekend: frozenset[int] = SATURDAY_AND_SUNDAY


def is_working_day(calendar: WorkingCalendar, day: date) -> bool:
    """Whether the day is neither of a weekend nor a holiday. DayNotCovered beyond the years."""
    if day.year not in calendar.years:
        raise DayNotCovered(f"{day.isoformat()} is not in the years of the calendar")
    return day.weekday() not in calendar.weekend and day not in calendar.holidays


def due_at(calendar: WorkingCalendar, started_at: datetime, working_days: int) -> datetime:
    """End of the last of so many working days after the day of `started_at`, in UTC.

    That is 00:00 of the day that follows, in the calendar's time zone: late from that instant
    on. ValueError for less than one day or an instant without time zone; DayNotCovered.
    """
    last = _nth_working_day(calendar, started_at, working_days)
    return start_of_day(next_day(last), calendar.timezone)


def remind_at(calendar: WorkingCalendar, started_at: datetime, working_days: int) -> datetime:
    """08:00 there on the last of so many working days after the day of `started_at`, in UTC.

    ValueError for less than one day or an instant without time zone; DayNotCovered.
    """
    last = _nth_working_day(calendar, started_at, working_days)
    return first_instant(last, _REMINDER_AT, calendar.timezone)


def transmit_by(decided_on: date, within_days: int) -> date:
    """The last day on which an act decided that day is transmitted in time.

    Calendar days, the day of the decision not counted. ValueError for less than one day or
    beyond the year 9999.
    """
    _check_positive(within_days)
    try:
        return decided_on + timedelta(days=within_days)
    except OverflowError as error:
        raise ValueError(f"{within_days} days end after the calendar of computers") from error


def _nth_working_day(calendar: WorkingCalendar, started_at: datetime, working_days: int) -> date:
    _check_positive(working_days)
    day = in_utc(started_at).astimezone(calendar.timezone).date()
    left = working_days
    while left:
        day = next_day(day)
        left -= is_working_day(calendar, day)
    return day


def _check_positive(days: int) -> None:
    if days < 1:
        raise ValueError("a time limit is one day at least")
