"""Absences, grants and mandates of the session's tenant."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import (
    Absence,
    DeskHolder,
    DeskStaff,
    ElectedMandate,
    FolderSubtype,
    FolderType,
    Grant,
    StaffRole,
)


class PowerRepository:
    """Rows that give power, and those that they name."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: Absence | Grant | ElectedMandate) -> None:
        self._session.add(row)

    async def absence(self, absence_id: uuid.UUID) -> Absence | None:
        return await self._session.get(Absence, absence_id)

    async def absences(self, since: datetime) -> list[Absence]:
        """Those that had not ended at `since`."""
        rows = await self._session.scalars(
            select(Absence)
            .where(
                or_(Absence.ends_at.is_(None), Absence.ends_at > since),
                or_(Absence.repealed_at.is_(None), Absence.repealed_at > since),
            )
            .order_by(Absence.starts_at, Absence.id)
        )
        return list(rows)

    async def remove_absence(self, row: Absence) -> None:
        await self._session.execute(delete(Absence).where(Absence.id == row.id))

    async def desks_held(self, user_id: uuid.UUID, now: datetime) -> frozenset[uuid.UUID]:
        """The desks that a person holds now or will hold."""
        rows = await self._session.scalars(
            select(DeskHolder.desk_id).where(
                DeskHolder.user_id == user_id,
                or_(DeskHolder.ends_at.is_(None), DeskHolder.ends_at > now),
            )
        )
        return frozenset(rows)

    async def desks_spoken_for(self, user_id: uuid.UUID) -> frozenset[uuid.UUID]:
        """The desks whose assistant may declare absences."""
        rows = await self._session.scalars(
            select(DeskStaff.desk_id).where(
                DeskStaff.user_id == user_id,
                DeskStaff.role == StaffRole.ASSISTANT.value,
                DeskStaff.may_declare_absence,
            )
        )
        return frozenset(rows)

    async def grant(self, grant_id: uuid.UUID) -> Grant | None:
        return await self._session.get(Grant, grant_id)

    async def grants(self) -> list[Grant]:
        return list(await self._session.scalars(select(Grant).order_by(Grant.starts_at, Grant.id)))

    async def types(self) -> list[FolderType]:
        return list(await self._session.scalars(select(FolderType).order_by(FolderType.name)))

    async def subtypes(self) -> list[FolderSubtype]:
        return list(await self._session.scalars(select(FolderSubtype).order_by(FolderSubtype.name)))

    async def mandate(self, mandate_id: uuid.UUID) -> ElectedMandate | None:
        return await self._session.get(ElectedMandate, mandate_id)

    async def same_mandate(self, row: ElectedMandate) -> ElectedMandate | None:
        """Another one of the same person, body, function and first day."""
        with self._session.no_autoflush:
            rows = await self._session.scalars(
                select(ElectedMandate)
                .where(
                    ElectedMandate.user_id == row.user_id,
                    ElectedMandate.body == row.body,
                    ElectedMandate.function == row.function,
                    ElectedMandate.starts_on == row.starts_on,
                    ElectedMandate.id != row.id,
                )
                .limit(1)
            )
        return rows.first()

    async def remove_mandate(self, row: ElectedMandate) -> None:
        await self._session.execute(delete(ElectedMandate).where(ElectedMandate.id == row.id))

    async def mandates(self) -> list[ElectedMandate]:
        rows = await self._session.scalars(
            select(ElectedMandate).order_by(
                ElectedMandate.body, ElectedMandate.starts_on, ElectedMandate.id
            )
        )
        return list(rows)
