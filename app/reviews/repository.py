"""The folders that wait at a desk, or for its opinion."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.folders.places import OPINION
from app.models import Folder, FolderEvent, InboxEntry, InboxList
from workflows.definition import StepId
from workflows.events import OpinionAsked


class ReviewRepository:
    """Folders of the session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def waiting_at(
        self, desk_id: uuid.UUID, *, by: datetime | None = None
    ) -> list[uuid.UUID]:
        """The folders whose current step waits for the desk, since `by` at the latest where it is
        given; the oldest first. Those of which it is only asked an opinion wait for another."""
        query = (
            select(Folder.id)
            .join(InboxEntry, InboxEntry.folder_id == Folder.id)
            .where(
                InboxEntry.desk_id == desk_id,
                InboxEntry.place == InboxList.TO_DO.value,
                InboxEntry.kind != OPINION,
            )
        )
        if by is not None:
            query = query.where(func.coalesce(Folder.waiting_since, Folder.updated_at) <= by)
        return list(await self._session.scalars(query.order_by(Folder.created_at, Folder.id)))

    async def asked_at(self, desk_id: uuid.UUID) -> list[uuid.UUID]:
        """The folders whose current step waits for the opinion of the desk; the oldest first."""
        query = (
            select(Folder.id)
            .join(InboxEntry, InboxEntry.folder_id == Folder.id)
            .where(InboxEntry.desk_id == desk_id, InboxEntry.kind == OPINION)
            .order_by(Folder.created_at, Folder.id)
        )
        return list(await self._session.scalars(query))

    async def question_to(self, folder_id: uuid.UUID, step: StepId, desk_id: uuid.UUID) -> int:
        """The number of the event by which the opinion of the desk was last asked at the step."""
        found = await self._session.scalar(
            select(func.max(FolderEvent.seq)).where(
                FolderEvent.folder_id == folder_id,
                FolderEvent.kind == OpinionAsked.type,
                FolderEvent.payload["payload", "step"].astext == step,
                FolderEvent.payload["payload", "desk"].astext == str(desk_id),
            )
        )
        return found or 0
