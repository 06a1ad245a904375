"""Desks and their holders."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import ApiToken, Desk, DeskHolder


class DeskRepository:
    """Desks of the session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: Desk | DeskHolder) -> None:
        self._session.add(row)

    async def desk(self, desk_id: uuid.UUID) -> Desk | None:
        return await self._session.get(Desk, desk_id)

    async def desk_named(self, name: str) -> Desk | None:
        return await self._session.scalar(select(Desk).where(Desk.name == name))

    async def desks(self) -> list[Desk]:
        return list(await self._session.scalars(select(Desk).order_by(Desk.name, Desk.id)))

    async def holders(self, desk_id: uuid.UUID | None = None) -> list[DeskHolder]:
        query = select(DeskHolder).order_by(DeskHolder.starts_at, DeskHolder.id)
        if desk_id is not None:
            query = query.where(DeskHolder.desk_id == desk_id)
        return list(await self._session.scalars(query))

    async def tokens(self) -> list[ApiToken]:
        return list(await self._session.scalars(select(ApiToken)))
