"""Periods of time, and the instants at which the days of a place begin."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from workflows.encoding import in_utc
from workflows.errors import PeriodReversed, Unacceptable

_ONE_DAY = timedelta(days=1)
_MARGIN = timedelta(days=2)
"""Clocks of any place show such an instant, and have a day before it and a day after."""
FIRST_INSTANT = datetime.min.replace(tzinfo=UTC) + _MARGIN
LAST_INSTANT = datetime.max.replace(tzinfo=UTC) - _MARGIN


class DayOutOfRange(Unacceptable):
    """The calendar of computers ends with the year 9999."""

    code = "day_out_of_range"
    sentence = (
        "Cette date est trop lointaine pour être calculée : corrigez l'année, "
        "ou laissez la fin ouverte."
    )


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` included to `end` excluded; without `end` it stays open.

    ValueError for a datetime without time zone, DayOutOfRange for one that UTC cannot show,
    PeriodReversed unless `end` follows `start`.
    """

    start: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        """Refuses a period that could never be in force."""
        start = _utc(self.start)
        if self.end is not None and _utc(self.end) <= start:
            raise PeriodReversed

    def covers(self, instant: datetime) -> bool:
        """Whether the instant is inside the period."""
        return self.start <= instant and (self.end is None or instant < self.end)

    def meets(self, other: Period) -> bool:
        """Whether some instant is inside both."""
        return self.covers(other.start) or other.covers(self.start)


def in_calendar(instant: datetime) -> datetime:
    """The same instant in UTC. DayOutOfRange so near to an end of the calendar that clocks of
    some place could not show it; ValueError for a datetime without time zone."""
    shown = _utc(instant)
    if not FIRST_INSTANT <= shown <= LAST_INSTANT:
        raise DayOutOfRange
    return shown


def _utc(instant: datetime) -> datetime:
    try:
        return in_utc(instant)
    except OverflowError as error:
        raise DayOutOfRange from error


def whole_days(first: date, last: date | None, timezone: ZoneInfo) -> Period:
    """From 00:00 of the first day to 00:00 of the day after the last, excluded, in UTC.

    Without `last` the period stays open. PeriodReversed when `last` precedes `first`,
    DayOutOfRange when an end of the period has no instant in the calendar.
    """
    if last is not None and last < first:
        raise PeriodReversed
    return Period(
        start_of_day(first, timezone),
        None if last is None else start_of_day(next_day(last), timezone),
    )


def next_day(day: date) -> date:
    """The day after. DayOutOfRange after the last one of the calendar."""
    if day == date.max:
        raise DayOutOfRange
    return day + _ONE_DAY


def start_of_day(day: date, timezone: ZoneInfo) -> datetime:
    """The first instant of the day there, in UTC: midnight, or what follows where clocks skip it.

    DayOutOfRange when it lies outside the calendar.
    """
    return first_instant(day, time(), timezone)


def first_instant(day: date, at: time, timezone: ZoneInfo) -> datetime:
    """The first instant, in UTC, at which clocks there show this time of this day or a later one.

    An hour that happens twice is meant the first time; in an hour that is skipped, the instant
    of the change is meant. DayOutOfRange when it lies outside the calendar.
    """
    shown = datetime.combine(day, at)
    try:
        before_change = shown.replace(tzinfo=timezone).astimezone(UTC)
        after_change = shown.replace(tzinfo=timezone, fold=1).astimezone(UTC)
    except OverflowError as error:
        raise DayOutOfRange from error
    if _shown_at(before_change, timezone) == shown:
        return before_change
    # Skipped: PEP 495 reads it with the offset before the change, then with the one after it;
    # the change lies between the two readings.
    seconds = range(int((before_change - after_change).total_seconds()))
    elapsed = bisect_left(
        seconds,
        shown,
        key=lambda n: _shown_at(after_change + timedelta(seconds=n), timezone),
    )
    return after_change + timedelta(seconds=elapsed)


def _shown_at(instant: datetime, timezone: ZoneInfo) -> datetime:
    return instant.astimezone(timezone).replace(tzinfo=None, fold=0)
