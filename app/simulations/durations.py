"""How long the steps of a circuit usually take, from what happened to its past folders."""

from __future__ import annotations

import statistics
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import FolderEvent
from app.simulations.repository import SimulationRepository
from workflows import event_encoding, events, outside_events
from workflows.definition import StepId

_PASSING = (events.StepStarted.type, events.Completed.type, outside_events.Acknowledged.type)
# A step that was refused, by a person or by the outside, taken back or passed over says nothing of
# how long it takes. What the outside refuses is sent again, or ends there.
_BREAKING = (
    events.Rejected.type,
    events.Resubmitted.type,
    events.Retracted.type,
    events.StepSkipped.type,
    events.StepForced.type,
    events.Migrated.type,
    outside_events.TransmissionFailed.type,
)
TURNING = (*_PASSING, *_BREAKING)
_LEAST = 3


async def usual_durations(
    session: AsyncSession, workflow_id: uuid.UUID
) -> Mapping[StepId, timedelta]:
    """The median by step, of three folders at least; steps without as many are left out."""
    rows = await SimulationRepository(session).turning_events(workflow_id, TURNING)
    return medians(rows)


def medians(rows: Iterable[FolderEvent]) -> Mapping[StepId, timedelta]:
    """The same of these events, folder by folder and in their order."""
    lasted: dict[StepId, list[timedelta]] = {}
    began: tuple[uuid.UUID, StepId, datetime] | None = None
    for row in rows:
        if began is not None and began[0] == row.folder_id and row.kind in _PASSING:
            lasted.setdefault(began[1], []).append(row.occurred_at - began[2])
        event = event_encoding.from_json(row.payload)
        began = None
        if isinstance(event, events.StepStarted):
            began = (row.folder_id, event.step, row.occurred_at)
    return {step: _median(found) for step, found in lasted.items() if len(found) >= _LEAST}


def _median(found: Iterable[timedelta]) -> timedelta:
    return timedelta(seconds=statistics.median(one.total_seconds() for one in found))
