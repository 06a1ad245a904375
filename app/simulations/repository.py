"""Past folders of a circuit, to know how long its steps take."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import tenant_of
from app.models import Folder, FolderEvent, WorkflowVersion

_RECENT, _FOLDERS = 2_000, 100


class SimulationRepository:
    """Reads for the session's tenant, bounded whatever the number of folders."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def turning_events(
        self, workflow_id: uuid.UUID, kinds: Sequence[str]
    ) -> list[FolderEvent]:
        """Events of these kinds of the newest folders in any version of the circuit, folder by
        folder and in their order; the tenant's newest folders alone are looked at."""
        recent = (
            select(Folder.id, Folder.workflow_version_id)
            .where(Folder.tenant_id == tenant_of(self._session))
            .order_by(Folder.created_at.desc(), Folder.id.desc())
            .limit(_RECENT)
            .subquery()
        )
        versions = select(WorkflowVersion.id).where(WorkflowVersion.workflow_id == workflow_id)
        folders = (
            select(recent.c.id).where(recent.c.workflow_version_id.in_(versions)).limit(_FOLDERS)
        )
        rows = await self._session.scalars(
            select(FolderEvent)
            .where(FolderEvent.folder_id.in_(folders), FolderEvent.kind.in_(kinds))
            .order_by(FolderEvent.folder_id, FolderEvent.seq)
        )
        return list(rows)
