"""Mails owed, and the events that they tell."""

from __future__ import annotations

import uuid

from sqlalchemy import select
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

    async def lock(self, notification_id: uuid.UUID) -> Notification | None:
        return await self._session.get(Notification, notification_id, with_for_update=True)

    async def event(self, folder_id: uuid.UUID, seq: int) -> FolderEvent | None:
        return await self._session.scalar(
            select(FolderEvent).where(FolderEvent.folder_id == folder_id, FolderEvent.seq == seq)
        )
