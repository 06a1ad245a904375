"""Circuits, types, subtypes and TdT accounts."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.folding import fold
from app.models import (
    UNDER_WAY,
    ConnectorAccount,
    Folder,
    FolderSubtype,
    FolderType,
    Grant,
    Workflow,
    WorkflowVersion,
    versions_in_force,
)
from workflows.folder import FINAL_STATUSES

_ENDED = [status.value for status in FINAL_STATUSES]


class CatalogRepository:
    """The catalog of the session's tenant. Names are compared folded, here: not as the database's
    locale would."""

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
        wanted = fold(name)
        return next((one for one in await self.workflows() if fold(one.name) == wanted), None)

    async def workflows(self) -> list[Workflow]:
        rows = await self._session.scalars(select(Workflow).order_by(Workflow.name, Workflow.id))
        return list(rows)

    async def versions(self, workflow_id: uuid.UUID) -> list[WorkflowVersion]:
        """Newest first."""
        return await self.versions_of([workflow_id])

    async def versions_of(self, workflow_ids: Collection[uuid.UUID]) -> list[WorkflowVersion]:
        """Those of several circuits, newest first."""
        rows = await self._session.scalars(
            select(WorkflowVersion)
            .where(WorkflowVersion.workflow_id.in_(workflow_ids))
            .order_by(WorkflowVersion.number.desc())
        )
        return list(rows)

    async def version(self, version_id: uuid.UUID) -> WorkflowVersion | None:
        return await self._session.get(WorkflowVersion, version_id)

    async def version_numbered(self, workflow_id: uuid.UUID, number: int) -> WorkflowVersion | None:
        return await self._session.scalar(
            select(WorkflowVersion).where(
                WorkflowVersion.workflow_id == workflow_id, WorkflowVersion.number == number
            )
        )

    async def active_version(self, workflow_id: uuid.UUID) -> WorkflowVersion | None:
        """The one in force."""
        return await self._session.scalar(
            versions_in_force().where(WorkflowVersion.workflow_id == workflow_id)
        )

    async def active_versions(self) -> dict[uuid.UUID, WorkflowVersion]:
        """Those in force, by circuit."""
        rows = await self._session.scalars(versions_in_force())
        return {row.workflow_id: row for row in rows}

    async def remove_workflow(self, workflow: Workflow) -> None:
        """With its versions: no folder may be pinned to one of them."""
        await self._session.execute(
            delete(WorkflowVersion).where(WorkflowVersion.workflow_id == workflow.id)
        )
        await self._session.delete(workflow)
        await self._session.flush()

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

    async def lock_folder_type(self, type_id: uuid.UUID) -> FolderType | None:
        return await self._session.get(FolderType, type_id, with_for_update=True)

    async def folder_type_named(self, name: str) -> FolderType | None:
        wanted = fold(name)
        return next((one for one in await self.folder_types() if fold(one.name) == wanted), None)

    async def folder_types(self) -> list[FolderType]:
        return list(await self._session.scalars(select(FolderType).order_by(FolderType.name)))

    async def subtype(self, subtype_id: uuid.UUID) -> FolderSubtype | None:
        return await self._session.get(FolderSubtype, subtype_id)

    async def lock_subtype(self, subtype_id: uuid.UUID) -> FolderSubtype | None:
        return await self._session.get(FolderSubtype, subtype_id, with_for_update=True)

    async def subtype_named(self, type_id: uuid.UUID, name: str) -> FolderSubtype | None:
        wanted = fold(name)
        among = (one for one in await self.subtypes() if one.type_id == type_id)
        return next((one for one in among if fold(one.name) == wanted), None)

    async def subtypes(self) -> list[FolderSubtype]:
        rows = await self._session.scalars(select(FolderSubtype).order_by(FolderSubtype.name))
        return list(rows)

    async def subtypes_with_types(self) -> list[tuple[FolderSubtype, FolderType]]:
        rows = await self._session.execute(
            select(FolderSubtype, FolderType)
            .join(FolderType, FolderType.id == FolderSubtype.type_id)
            .order_by(FolderType.name, FolderSubtype.name)
        )
        return [(subtype, kind) for subtype, kind in rows]

    async def subtypes_under_way(self) -> frozenset[uuid.UUID]:
        """The subtypes that have folders in a circuit."""
        rows = await self._session.scalars(select(Folder.subtype_id).where(UNDER_WAY).distinct())
        return frozenset(rows)

    async def remove(self, row: FolderType | FolderSubtype) -> None:
        await self._session.delete(row)
        await self._session.flush()

    async def folders_of_workflow(self, workflow_id: uuid.UUID) -> int:
        """How many folders, ended or not, are pinned to one of its versions."""
        return await self._count(
            select(func.count())
            .select_from(Folder)
            .join(WorkflowVersion, WorkflowVersion.id == Folder.workflow_version_id)
            .where(WorkflowVersion.workflow_id == workflow_id)
        )

    async def folders_of_subtype(self, subtype_id: uuid.UUID) -> int:
        """How many folders, ended or not."""
        return await self._count(
            select(func.count()).select_from(Folder).where(Folder.subtype_id == subtype_id)
        )

    async def folders_holding(self, subtype_id: uuid.UUID, key: str) -> int:
        """How many folders that have not ended hold a value in this field; false, 0 and the empty
        text are values of the row, null is none."""
        return await self._count(
            select(func.count())
            .select_from(Folder)
            .where(
                Folder.subtype_id == subtype_id,
                Folder.status.not_in(_ENDED),
                Folder.folder_metadata[key].astext.is_not(None),
            )
        )

    async def folders_sent(self, subtype_id: uuid.UUID) -> int:
        """How many folders of the subtype have entered a circuit and have not ended."""
        return await self._count(
            select(func.count())
            .select_from(Folder)
            .where(Folder.subtype_id == subtype_id, UNDER_WAY)
        )

    async def folders_of_type_not_ended(self, type_id: uuid.UUID) -> int:
        """How many folders of the type have not ended."""
        return await self._count(
            select(func.count())
            .select_from(Folder)
            .join(FolderSubtype, FolderSubtype.id == Folder.subtype_id)
            .where(FolderSubtype.type_id == type_id, Folder.status.not_in(_ENDED))
        )

    async def grants_scoped_to(
        self, *, type_id: uuid.UUID | None = None, subtype_id: uuid.UUID | None = None
    ) -> list[Grant]:
        """The powers whose scope names this type or this subtype, ended ones included."""
        query = select(Grant).order_by(Grant.created_at, Grant.id)
        if type_id is not None:
            query = query.where(Grant.type_ids.contains([type_id]))
        if subtype_id is not None:
            query = query.where(Grant.subtype_ids.contains([subtype_id]))
        return list(await self._session.scalars(query))

    async def _count(self, query: Select[int]) -> int:
        return await self._session.scalar(query) or 0
