"""Calendars of working days: those of the `holidays` library, for the part of France asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

# Cheap to import: the library reads its 250 countries at the first calendar only, once (ADR 0011).
from holidays import country_holidays

from workflows.deadlines import WorkingCalendar

# Where other days are holidays than in the rest of France: ISO 3166-2:FR codes as the library
# writes them, INSEE numbers for the overseas departments. Its school zones are left out.
SUBDIVISIONS: Mapping[str, str] = MappingProxyType(
    {
        "57": "Moselle",
        "6AE": "Alsace",
        "971": "Guadeloupe",
        "972": "Martinique",
        "973": "Guyane",
        "974": "La Réunion",
        "976": "Mayotte",
        "BL": "Saint-Barthélemy",
        "MF": "Saint-Martin",
        "NC": "Nouvelle-Calédonie",
        "PF": "Polynésie française",
        "PM": "Saint-Pierre-et-Miquelon",
        "TF": "Terres australes et antarctiques françaises",
        "WF": "Wallis-et-Futuna",
    }
)

_FEWEST_IN_A_YEAR = 200
"""Fewer working days than any year has anywhere: 261 at least from Monday to Friday, less its
holidays."""


class UnknownSubdivision(ValueError):
    """The code is not a key of SUBDIVISIONS."""


def working_calendar(timezone: str, subdivision: str | None, years: range) -> WorkingCalendar:
    """Monday to Friday except public holidays; the whole of France's where no subdivision is given.

    Raises UnknownSubdivision, and ZoneInfoNotFoundError for a time zone that does not exist.
    """
    if subdivision is not None and subdivision not in SUBDIVISIONS:
        raise UnknownSubdivision(subdivision)
    return WorkingCalendar(ZoneInfo(timezone), _holidays(subdivision, years), years)


def years_covering(first: int, working_days: int) -> range:
    """Years from the first one that hold so many working days after any day of it."""
    return range(first, first + 2 + working_days // _FEWEST_IN_A_YEAR)


@lru_cache(maxsize=64)
def _holidays(subdivision: str | None, years: range) -> frozenset[date]:
    return frozenset(country_holidays("FR", subdiv=subdivision, years=years, expand=False))
