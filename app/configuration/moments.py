"""Days and instants of the document: what people write, and the instants that count."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.configuration.document import Dated
from workflows.periods import (
    FIRST_INSTANT,
    LAST_INSTANT,
    Period,
    in_calendar,
    next_day,
    start_of_day,
)

_ONE_DAY = timedelta(days=1)
_ONE_MINUTE = timedelta(minutes=1)


def starting(moment: date | None, zone: ZoneInfo) -> datetime | None:
    """The instant at which a day begins, or the instant itself. DayOutOfRange."""
    if moment is None:
        return None
    return in_calendar(moment if isinstance(moment, datetime) else start_of_day(moment, zone))


def ending(moment: date | None, zone: ZoneInfo) -> datetime | None:
    """The instant at which the day after begins, or the instant itself. DayOutOfRange."""
    if moment is None:
        return None
    if isinstance(moment, datetime):
        return in_calendar(moment)
    return in_calendar(start_of_day(next_day(moment), zone))


def as_start(instant: datetime | None, zone: ZoneInfo) -> date | None:
    """A day where one begins then, else the instant as clocks there show it, in UTC where they
    were not set to the minute; the nearest that `starting` takes at an end of the calendar."""
    if instant is None:
        return None
    local = min(max(instant, FIRST_INSTANT), LAST_INSTANT).astimezone(zone)
    if local.timetz().replace(tzinfo=None) == time():
        return local.date()
    offset = local.utcoffset() or timedelta()
    return local if offset % _ONE_MINUTE == timedelta() else local.astimezone(UTC)


def as_end(instant: datetime | None, zone: ZoneInfo) -> date | None:
    """The last day where one ends then, else the instant as clocks there show it; none where the
    calendar ends before, which nobody sees."""
    if instant is None or instant > LAST_INSTANT:
        return None
    moment = as_start(instant, zone)
    if moment is None or isinstance(moment, datetime):
        return moment
    return moment - _ONE_DAY


def period_of(dated: Dated, zone: ZoneInfo, now: datetime) -> Period:
    """From its start (`now` without one, before its end where that is past) until its end.
    PeriodReversed, DayOutOfRange."""
    end = ending(dated.until, zone)
    start = starting(dated.starts, zone)
    if start is None:
        start = now if end is None or end > now else end - _ONE_DAY
    return Period(start, end)


def is_over(dated: Dated, zone: ZoneInfo, now: datetime) -> bool:
    """Whether it has ended: what is over is history, and nothing to set up."""
    end = ending(dated.until, zone)
    return end is not None and end <= now


Span = tuple[datetime | None, datetime | None]


def span_of(dated: Dated, zone: ZoneInfo, now: datetime) -> Span:
    """Start and end as two documents are compared: what has begun has begun, whenever it was."""
    start = starting(dated.starts, zone)
    return (None if start is None or start <= now else start, ending(dated.until, zone))
