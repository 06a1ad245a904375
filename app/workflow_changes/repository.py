"""Folders under way in a circuit, with the version that each follows."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import UNDER_WAY, Folder, FolderEvent, WorkflowVersion


class WorkflowChangeRepository:
    """What the session's tenant has under way."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def under_way(self, workflow_id: uuid.UUID) -> list[tuple[Folder, WorkflowVersion]]:
        """Those that were sent and have not ended, oldest first."""
        rows = await self._session.execute(
            select(Folder, WorkflowVersion)
            .join(WorkflowVersion, WorkflowVersion.id == Folder.workflow_version_id)
            .where(WorkflowVersion.workflow_id == workflow_id, UNDER_WAY)
            .order_by(Folder.created_at, Folder.id)
        )
        return [(folder, version) for folder, version in rows]

    async def events_of(
        self, folder_ids: Collection[uuid.UUID]
    ) -> dict[uuid.UUID, list[FolderEvent]]:
        """The events of several folders, each in their order."""
        rows = await self._session.scalars(
            select(FolderEvent)
            .where(FolderEvent.folder_id.in_(folder_ids))
            .order_by(FolderEvent.folder_id, FolderEvent.seq)
        )
        events: dict[uuid.UUID, list[FolderEvent]] = {one: [] for one in folder_ids}
        for row in rows:
            events[row.folder_id].append(row)
        return events
