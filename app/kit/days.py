"""Days as French sentences write them."""

from __future__ import annotations

from datetime import date
from typing import Final

MONTHS: Final = (
    *("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre"),
    *("octobre", "novembre", "décembre"),
)


def day_in_words(day: date) -> str:
    """« 1er septembre 2026 »."""
    number = "1er" if day.day == 1 else str(day.day)
    return f"{number} {MONTHS[day.month - 1]} {day.year}"
