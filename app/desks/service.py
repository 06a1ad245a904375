"""Desks: made by administrators, held by persons."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import tenant_of
from app.desks.repository import DeskRepository
from app.desks.schemas import DeskCreate, DeskRead, HolderCreate, HolderRead
from app.errors import Conflict, NotFound
from app.kit.ids import new_id
from app.models import Desk, DeskHolder
from app.users.repository import UserRepository
from workflows.powers import Period


async def create_desk(session: AsyncSession, new: DeskCreate) -> DeskRead:
    """Raises Conflict (`desk_name_taken`)."""
    repository = DeskRepository(session)
    if await repository.desk_named(new.name) is not None:
        raise Conflict(
            f"Un bureau s'appelle déjà « {new.name} » : choisissez un autre nom.",
            code="desk_name_taken",
        )
    desk = Desk(id=new_id(), tenant_id=tenant_of(session), name=new.name, capacity=new.capacity)
    repository.add(desk)
    await session.flush()
    return _read(desk, [])


async def add_holder(
    session: AsyncSession, desk_id: uuid.UUID, new: HolderCreate, *, now: datetime
) -> DeskRead:
    """Raises NotFound, or PeriodReversed when the end does not follow the start."""
    repository = DeskRepository(session)
    desk = await repository.desk(desk_id)
    if desk is None or await UserRepository(session).user(new.user_id) is None:
        raise NotFound
    period = Period(new.starts_at or now, new.ends_at)
    repository.add(
        DeskHolder(
            id=new_id(),
            tenant_id=tenant_of(session),
            desk_id=desk_id,
            user_id=new.user_id,
            starts_at=period.start,
            ends_at=period.end,
        )
    )
    await session.flush()
    return _read(desk, await repository.holders(desk_id))


async def list_desks(session: AsyncSession) -> list[DeskRead]:
    """Every desk with its holders."""
    repository = DeskRepository(session)
    holders = await repository.holders()
    return [
        _read(desk, [one for one in holders if one.desk_id == desk.id])
        for desk in await repository.desks()
    ]


def _read(desk: Desk, holders: list[DeskHolder]) -> DeskRead:
    return DeskRead(
        id=desk.id,
        name=desk.name,
        capacity=desk.capacity,
        holders=[
            HolderRead(id=one.id, user_id=one.user_id, starts_at=one.starts_at, ends_at=one.ends_at)
            for one in holders
        ],
    )
