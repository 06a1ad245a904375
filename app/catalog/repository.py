"""Circuits, types, subtypes and TdT accounts."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import ConnectorAccount, FolderSubtype, FolderType, Workflow, WorkflowVersion


class CatalogRepository:
    """The catalog of the session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(
        self,
        *rows: Workflow | WorkflowVersion | FolderType | FolderSubtype | ConnectorAccount,
    ) -> None:
        self._session.add_all(rows)

    async def workflow(self, workflow_id: uuid.UUID) -> Workflow | None:
        return await self._session.get(Workflow, workflow_id)

    async def lock_workflow(self, workflow_id: uuid.UUID) -> Workflow | None:
        return await self._session.get(Workflow, workflow_id, with_for_update=True)

    async def workflow_named(self, name: str) -> Workflow | None:
        """Without case, compared here: not as the database's locale would."""
        wanted = name.casefold()
        return next((one for one in await self.workflows() if one.name.casefold() == wanted), None)

    async def workflows(self) -> list[Workflow]:
        rows = await self._session.scalars(select(Workflow).order_by(Workflow.name, Workflow.id))
        return list(rows)

    async def versions(self, workflow_id: uuid.UUID) -> list[WorkflowVersion]:
        """Newest first."""
        rows = await self._session.scalars(
            select(WorkflowVersion)
            .where(WorkflowVersion.workflow_id == workflow_id)
            .order_by(WorkflowVersion.number.desc())
        )
        return list(rows)

    async def version(self, version_id: uuid.UUID) -> WorkflowVersion | None:
        return await self._session.get(WorkflowVersion, version_id)

    async def active_version(self, workflow_id: uuid.UUID) -> WorkflowVersion | None:
        """The one activated last."""
        return await self._session.scalar(
            select(WorkflowVersion)
            .where(
                WorkflowVersion.workflow_id == workflow_id,
                WorkflowVersion.activated_at.is_not(None),
            )
            .order_by(WorkflowVersion.activated_at.desc(), WorkflowVersion.number.desc())
            .limit(1)
        )

    async def account(self, account_id: uuid.UUID) -> ConnectorAccount | None:
        return await self._session.get(ConnectorAccount, account_id)

    async def account_labelled(self, label: str) -> ConnectorAccount | None:
        return await self._session.scalar(
            select(ConnectorAccount).where(ConnectorAccount.label == label)
        )

    async def accounts(self) -> list[ConnectorAccount]:
        rows = await self._session.scalars(
            select(ConnectorAccount).order_by(ConnectorAccount.label)
        )
        return list(rows)

    async def folder_type(self, type_id: uuid.UUID) -> FolderType | None:
        return await self._session.get(FolderType, type_id)

    async def folder_type_named(self, name: str) -> FolderType | None:
        return await self._session.scalar(select(FolderType).where(FolderType.name == name))

    async def folder_types(self) -> list[FolderType]:
        return list(await self._session.scalars(select(FolderType).order_by(FolderType.name)))

    async def subtype(self, subtype_id: uuid.UUID) -> FolderSubtype | None:
        return await self._session.get(FolderSubtype, subtype_id)

    async def subtype_named(self, type_id: uuid.UUID, name: str) -> FolderSubtype | None:
        return await self._session.scalar(
            select(FolderSubtype).where(
                FolderSubtype.type_id == type_id, FolderSubtype.name == name
            )
        )

    async def subtypes(self) -> list[FolderSubtype]:
        rows = await self._session.scalars(select(FolderSubtype).order_by(FolderSubtype.name))
        return list(rows)

    async def subtypes_of_workflow(
        self, workflow_id: uuid.UUID
    ) -> list[tuple[FolderSubtype, FolderType]]:
        """Who uses this circuit: an activation is judged for each of them."""
        rows = await self._session.execute(
            select(FolderSubtype, FolderType)
            .join(FolderType, FolderType.id == FolderSubtype.type_id)
            .where(FolderSubtype.workflow_id == workflow_id)
        )
        return [(subtype, kind) for subtype, kind in rows]
