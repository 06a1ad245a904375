"""The dates that a plan sets at an office: set, still as they were set, given back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import tenant_of
from app.handovers.preview import last_day_at, mandates_ending
from app.handovers.repository import HandoverRepository
from app.kit.ids import new_id
from app.models import DeskHolder
from workflows import register as domain
from workflows.handover import OfficeHandover, arrivals, ends, leaves_at
from workflows.periods import Period


@dataclass(frozen=True, slots=True)
class Undo:
    """What giving an office back needs: the ends of the holdings and of the mandates that the plan
    ended, as they were, and the holdings that it started, in the order of `arrivals`."""

    ended: Mapping[uuid.UUID, datetime | None]
    started: Sequence[uuid.UUID]
    # The first plans applied ended no mandate, and say nothing of them.
    mandates: Mapping[uuid.UUID, date | None] = field(default_factory=dict)


_undo = TypeAdapter(Undo)


def undo_written(undo: Undo) -> dict[str, Any]:
    """As JSON for the table."""
    written: dict[str, Any] = _undo.dump_python(undo, mode="json")
    return written


def undo_in(stored: Any) -> Undo:
    """What `undo_written` wrote."""
    return _undo.validate_python(stored)


async def set_dates(session: AsyncSession, one: OfficeHandover) -> Undo:
    """Ends and starts the holdings of the office; tells what giving them back needs."""
    repository, desk_id = HandoverRepository(session), uuid.UUID(one.office)
    ended: dict[uuid.UUID, datetime | None] = {}
    for row in await repository.holders(desk_id, uuid.UUID(one.outgoing)):
        held = domain.DeskHolder(one.office, one.outgoing, Period(row.starts_at, row.ends_at))
        if ends(held, one):
            ended[row.id] = row.ends_at
            row.ends_at = leaves_at(one)
    mandates: dict[uuid.UUID, date | None] = {}
    for mandate, last_day in await mandates_ending(session, one):
        mandates[mandate.id] = mandate.ends_on
        mandate.ends_on = last_day
    started = []
    for coming in arrivals(one):
        holder = DeskHolder(
            id=new_id(),
            tenant_id=tenant_of(session),
            desk_id=desk_id,
            user_id=uuid.UUID(coming.person),
            starts_at=coming.period.start,
            ends_at=coming.period.end,
        )
        repository.add(holder)
        started.append(holder.id)
    return Undo(ended, started, mandates)


async def still_leaves(session: AsyncSession, undo: Undo, one: OfficeHandover) -> bool:
    """Whether the outgoing person leaves the office when the plan says, not sooner nor later."""
    repository = HandoverRepository(session)
    rows = [await repository.holder(holder_id) for holder_id in undo.ended]
    return all(row is not None and row.ends_at == leaves_at(one) for row in rows)


async def awaited(session: AsyncSession, undo: Undo, one: OfficeHandover, now: datetime) -> bool:
    """Whether somebody is still to leave or to come at the office as the plan says."""
    if now < leaves_at(one) and await still_leaves(session, undo, one):
        return True
    repository = HandoverRepository(session)
    rows = [await repository.holder(holder_id) for holder_id in undo.started]
    return any(row is not None and now < row.starts_at for row in rows)


async def changed_since(
    session: AsyncSession, undo: Undo, one: OfficeHandover, names: Mapping[str, str]
) -> str | None:
    """What of the office no longer has the dates that the plan set, in French; None where all
    has. A mandate that was removed since is no change: there is nothing to give back."""
    if not await still_leaves(session, undo, one):
        return f"L'affectation de {names[one.outgoing]}"
    repository = HandoverRepository(session)
    for holder_id, coming in zip(undo.started, arrivals(one), strict=True):
        row = await repository.holder(holder_id)
        if row is None or Period(row.starts_at, row.ends_at) != coming.period:
            return f"L'affectation de {names[coming.person]}"
    last_day = await last_day_at(session, one)
    for mandate_id in undo.mandates:
        mandate = await repository.mandate(mandate_id)
        if mandate is not None and mandate.ends_on != last_day:
            return f"Le mandat de {names[one.outgoing]}"
    return None


async def give_back(session: AsyncSession, undo: Undo) -> None:
    """As if the plan had never been, where nothing of it changed since."""
    repository = HandoverRepository(session)
    await repository.remove_holders(undo.started)
    for holder_id, ends_at in undo.ended.items():
        holder = await repository.holder(holder_id)
        if holder is not None:
            holder.ends_at = ends_at
    for mandate_id, ends_on in undo.mandates.items():
        mandate = await repository.mandate(mandate_id)
        if mandate is not None:
            mandate.ends_on = ends_on
