"""Installations of councils, and the folders that wait at the offices concerned."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import cast, delete, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.folders.places import OPINION
from app.models import (
    AuditEvent,
    CouncilInstallation,
    DeskHolder,
    ElectedMandate,
    Folder,
    FolderEvent,
    InboxEntry,
    InboxList,
)
from workflows.definition import StepId
from workflows.events import OpinionAsked, Transferred


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
