"""Desks and their holders."""

from __future__ import annotations

import uuid

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.folding import fold
from app.models import Desk, DeskHolder, DeskStaff


class DeskRepository:
    """Desks of the session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: Desk | DeskHolder | DeskStaff) -> None:
        self._session.add(row)

    async def desk(self, desk_id: uuid.UUID) -> Desk | None:
        return await self._session.get(Desk, desk_id)

    async def desk_named(self, name: str) -> Desk | None:
        """The one whose name reads alike, without case nor accents."""
        wanted = fold(name)
        return next((one for one in await self.desks() if fold(one.name) == wanted), None)

    async def desks(self) -> list[Desk]:
        return list(await self._session.scalars(select(Desk).order_by(Desk.name, Desk.id)))

    async def holders(self, desk_id: uuid.UUID | None = None) -> list[DeskHolder]:
        query = select(DeskHolder).order_by(DeskHolder.starts_at, DeskHolder.id)
        if desk_id is not None:
            query = query.where(DeskHolder.desk_id == desk_id)
        return list(await self._session.scalars(query))

    async def holder(self, desk_id: uuid.UUID, holder_id: uuid.UUID) -> DeskHolder | None:
        return await self._session.scalar(
            select(DeskHolder).where(DeskHolder.id == holder_id, DeskHolder.desk_id == desk_id)
        )

    async def remove_holder(self, row: DeskHolder) -> None:
        await self._session.execute(delete(DeskHolder).where(DeskHolder.id == row.id))

    async def staff(self, desk_id: uuid.UUID | None = None) -> list[DeskStaff]:
        query = select(DeskStaff).order_by(DeskStaff.role, DeskStaff.id)
        if desk_id is not None:
            query = query.where(DeskStaff.desk_id == desk_id)
        return list(await self._session.scalars(query))

    async def staff_member(self, desk_id: uuid.UUID, staff_id: uuid.UUID) -> DeskStaff | None:
        return await self._session.scalar(
            select(DeskStaff).where(DeskStaff.id == staff_id, DeskStaff.desk_id == desk_id)
        )

    async def remove_staff(self, row: DeskStaff) -> None:
        await self._session.execute(delete(DeskStaff).where(DeskStaff.id == row.id))

    async def remove(self, desk: Desk) -> None:
        """With the periods of those who held it: nothing else may name it any more."""
        await self._session.execute(delete(DeskHolder).where(DeskHolder.desk_id == desk.id))
        await self._session.execute(delete(Desk).where(Desk.id == desk.id))
