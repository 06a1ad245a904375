"""Members of a host organisation, by the one function that sees beyond the tenant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Executable, Row, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import (
    ConnectorAccount,
    Desk,
    FolderSubtype,
    FolderType,
    User,
    Workflow,
    versions_in_force,
)


class MemberRepository:
    """`members` reads as the host; the rest as the member whose tenant the session is bound to."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def forbid_writing(self) -> None:
        """Nothing more is written in this transaction."""
        await self._session.execute(text("SET TRANSACTION READ ONLY"))

    async def members(self) -> Sequence[Row[Any]]:
        return await self._rows(text("SELECT id, siret, name FROM member_tenants()"))

    async def types(self) -> Sequence[Row[Any]]:
        return await self._rows(
            select(
                FolderType.id,
                FolderType.name,
                FolderType.protocol,
                FolderType.signature_format,
                ConnectorAccount.label.label("connector"),
            )
            .outerjoin(ConnectorAccount, ConnectorAccount.id == FolderType.connector_account_id)
            .order_by(FolderType.name, FolderType.id)
        )

    async def subtypes(self) -> Sequence[Row[Any]]:
        return await self._rows(
            select(
                FolderSubtype.type_id,
                FolderSubtype.name,
                FolderSubtype.is_active,
                Workflow.name.label("workflow"),
            )
            .join(Workflow, Workflow.id == FolderSubtype.workflow_id)
            .order_by(FolderSubtype.name, FolderSubtype.id)
        )

    async def workflows(self) -> Sequence[Row[Any]]:
        active = versions_in_force().subquery()
        return await self._rows(
            select(Workflow.name, active.c.number)
            .outerjoin(active, active.c.workflow_id == Workflow.id)
            .order_by(Workflow.name)
        )

    async def connectors(self) -> Sequence[Row[Any]]:
        return await self._rows(
            select(ConnectorAccount.connector, ConnectorAccount.label).order_by(
                ConnectorAccount.label, ConnectorAccount.id
            )
        )

    async def counts(self) -> Row[Any]:
        desks = select(func.count()).select_from(Desk)
        people = select(func.count()).select_from(User).where(User.is_active)
        rows = await self._rows(
            select(
                desks.scalar_subquery().label("desks"),
                desks.where(Desk.is_active).scalar_subquery().label("active_desks"),
                people.scalar_subquery().label("people"),
            )
        )
        return rows[0]

    async def _rows(self, statement: Executable) -> Sequence[Row[Any]]:
        return (await self._session.execute(statement)).all()
