"""Installations of councils, and the folders that they concern."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import cast, delete, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import (
    AuditEvent,
    CouncilInstallation,
    DeskHolder,
    ElectedMandate,
    Folder,
    FolderEvent,
)
from workflows.events import Transferred


class HandoverRepository:
    """Plans of the session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: CouncilInstallation | DeskHolder) -> None:
        self._session.add(row)

    async def installation(self, installation_id: uuid.UUID) -> CouncilInstallation | None:
        return await self._session.get(CouncilInstallation, installation_id)

    async def lock(self, installation_id: uuid.UUID) -> CouncilInstallation | None:
        """The plan, fresh and locked: it is applied once."""
        return await self._session.scalar(
            select(CouncilInstallation)
            .where(CouncilInstallation.id == installation_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    async def installations(self) -> list[CouncilInstallation]:
        rows = await self._session.scalars(
            select(CouncilInstallation).order_by(
                CouncilInstallation.installed_at.desc(), CouncilInstallation.id
            )
        )
        return list(rows)

    async def holders(self, desk_id: uuid.UUID, user_id: uuid.UUID) -> list[DeskHolder]:
        rows = await self._session.scalars(
            select(DeskHolder)
            .where(DeskHolder.desk_id == desk_id, DeskHolder.user_id == user_id)
            .order_by(DeskHolder.starts_at, DeskHolder.id)
        )
        return list(rows)

    async def holder(self, holder_id: uuid.UUID) -> DeskHolder | None:
        return await self._session.get(DeskHolder, holder_id)

    async def remove_holders(self, holder_ids: Sequence[uuid.UUID]) -> None:
        await self._session.execute(delete(DeskHolder).where(DeskHolder.id.in_(holder_ids)))

    async def mandates(self, desk_id: uuid.UUID, user_id: uuid.UUID) -> list[ElectedMandate]:
        """Those of the person for this office."""
        rows = await self._session.scalars(
            select(ElectedMandate)
            .where(ElectedMandate.desk_id == desk_id, ElectedMandate.user_id == user_id)
            .order_by(ElectedMandate.starts_on, ElectedMandate.id)
        )
        return list(rows)

    async def mandate(self, mandate_id: uuid.UUID) -> ElectedMandate | None:
        return await self._session.get(ElectedMandate, mandate_id)

    async def came_later(self, folder_id: uuid.UUID, desk_id: uuid.UUID, after: datetime) -> bool:
        """Whether the folder was transferred to the desk after that instant."""
        found = await self._session.scalar(
            select(FolderEvent.seq)
            .where(
                FolderEvent.folder_id == folder_id,
                FolderEvent.kind == Transferred.type,
                FolderEvent.payload["payload", "to_desk"].astext == str(desk_id),
                FolderEvent.occurred_at > after,
            )
            .limit(1)
        )
        return found is not None

    async def is_recorded(
        self, kind: str, folder_id: uuid.UUID, details: Mapping[str, str]
    ) -> bool:
        """Whether the journal says so of the folder, with these details."""
        told = cast(AuditEvent.entry, JSONB)["details"]
        found = await self._session.scalar(
            select(AuditEvent.seq)
            .where(AuditEvent.folder_id == folder_id, AuditEvent.kind == kind)
            .where(told.contains(dict(details)))
            .limit(1)
        )
        return found is not None

    async def folders(self, folder_ids: Sequence[uuid.UUID]) -> list[Folder]:
        return list(
            await self._session.scalars(
                select(Folder).where(Folder.id.in_(folder_ids)).order_by(Folder.created_at)
            )
        )
