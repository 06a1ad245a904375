"""Notes of a folder."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import FolderNote


class NoteRepository:
    """Notes of the session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, note: FolderNote) -> None:
        self._session.add(note)

    async def notes(self, folder_id: uuid.UUID) -> list[FolderNote]:
        """Oldest first."""
        rows = await self._session.scalars(
            select(FolderNote)
            .where(FolderNote.folder_id == folder_id)
            .order_by(FolderNote.created_at, FolderNote.id)
        )
        return list(rows)
