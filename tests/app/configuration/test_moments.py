"""Days and instants: what is written is read back, to the ends of the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.configuration.document import AbsencePart, Configuration
from app.configuration.moments import as_end, as_start, ending, starting
from app.configuration.text import read_text, written
from workflows.periods import FIRST_INSTANT, LAST_INSTANT, DayOutOfRange

ZONES = ["Europe/Paris", "Pacific/Auckland", "America/Martinique", "Africa/Monrovia"]
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(ZONES))
@example(FIRST, "Europe/Paris")
@example(LAST, "Pacific/Auckland")
@example(LAST_INSTANT, "Pacific/Auckland")
@example(datetime(9999, 12, 30, 23, tzinfo=UTC), "Europe/Paris")
@example(datetime(1905, 6, 1, 12, 30, tzinfo=UTC), "Europe/Paris")
def test_an_instant_that_is_written_is_read_back(instant: datetime, zone: str) -> None:
    where = ZoneInfo(zone)
    absence = AbsencePart(
        person="anne", starts=as_start(instant, where), until=as_end(instant, where)
    )

    text = written(Configuration(version=1, absences=[absence]))
    [read] = read_text(text.encode()).absences

    assert starting(read.starts, where) == min(max(instant, FIRST_INSTANT), LAST_INSTANT)
    if instant > LAST_INSTANT:
        assert read.until is None
    else:
        assert ending(read.until, where) == max(instant, FIRST_INSTANT)


@pytest.mark.parametrize("zone", ZONES)
def test_what_is_read_is_far_enough_from_the_ends_of_the_calendar(zone: str) -> None:
    where, day = ZoneInfo(zone), timedelta(days=1)
    for read, moment in (
        (starting, date.min),
        (starting, date.max),
        (ending, date.min),
        (ending, date.max - day),
        (starting, LAST),
        (ending, LAST),
    ):
        with pytest.raises(DayOutOfRange):
            read(moment, where)

    assert as_end(ending(date.max - 3 * day, where), where) == date.max - 3 * day
