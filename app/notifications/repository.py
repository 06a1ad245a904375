"""Mails owed, and the events that they tell."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import FolderEvent, Notification


class NotificationRepository:
    """Notifications of the session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def owe(self, row: Notification) -> bool:
        """Adds the row unless this person is already told of this event; whether it was added."""
        added = await self._session.scalar(
            insert(Notification)
            .values(
                id=row.id,
                tenant_id=row.tenant_id,
                folder_id=row.folder_id,
                user_id=row.user_id,
                event_seq=row.event_seq,
                kind=row.kind,
                state=row.state,
                told=row.told,
                created_at=row.created_at,
            )
            .on_conflict_do_nothing()
            .returning(Notification.id)
        )
        return added is not None

    async def still_told(self, folder_id: uuid.UUID, kind: str) -> frozenset[uuid.UUID]:
        """Who was told so of the folder, where it has not ceased to be true."""
        rows = await self._session.scalars(
            select(Notification.user_id).where(
                Notification.folder_id == folder_id,
                Notification.kind == kind,
                Notification.over_at.is_(None),
            )
        )
        return frozenset(rows)

    async def end(
        self, folder_id: uuid.UUID, kinds: Sequence[str], *, but: Iterable[uuid.UUID], now: datetime
    ) -> None:
        """What was told of the folder has ceased to be true, but for these persons."""
        await self._session.execute(
            update(Notification)
            .where(
                Notification.folder_id == folder_id,
                Notification.kind.in_(kinds),
                Notification.over_at.is_(None),
                Notification.user_id.not_in(list(but)),
            )
            .values(over_at=now)
        )

    async def lock(self, notification_id: uuid.UUID) -> Notification | None:
        return await self._session.get(Notification, notification_id, with_for_update=True)

    async def event(self, folder_id: uuid.UUID, seq: int) -> FolderEvent | None:
        return await self._session.scalar(
            select(FolderEvent).where(FolderEvent.folder_id == folder_id, FolderEvent.seq == seq)
        )
