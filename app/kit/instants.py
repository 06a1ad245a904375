"""Instants as a request gives them: in UTC, and far enough from the ends of the calendar."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, AwareDatetime

from workflows.periods import in_calendar

Instant: TypeAlias = Annotated[AwareDatetime, AfterValidator(in_calendar)]
"""Answers `day_out_of_range` where no clock of some place could show it."""
