"""What names a desk, so that removing it breaks nothing: each use is a short French phrase."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Executable, Row, Text, cast, distinct, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import (
    UNDER_WAY,
    Absence,
    ApiToken,
    CouncilInstallation,
    Desk,
    DeskHolder,
    DeskStaff,
    ElectedMandate,
    Folder,
    FolderNote,
    FolderSubtype,
    Grant,
    InboxEntry,
    User,
    Workflow,
    WorkflowVersion,
    versions_in_force,
)

_PERSON = User.first_name + " " + User.last_name


class DeskUses:
    """Where a desk of the session's tenant is used."""

    def __init__(self, session: AsyncSession, desk_id: uuid.UUID) -> None:
        self._session = session
        self._desk_id = desk_id

    async def that_block(self) -> list[str]:
        """What would stop if the desk were out of use: folders under way, which wait at it, will,
        or may come back to it; circuits in force; lists and rules of subtypes."""
        desk = self._desk_id
        under_way = (
            select(func.count())
            .select_from(Folder)
            .where(
                UNDER_WAY,
                or_(
                    Folder.submitter_desk_id == desk,
                    Folder.waiting_desk_ids.contains([desk]),
                    Folder.participant_desk_ids.contains([desk]),
                ),
            )
        )
        return [
            *await self._count("dossier en cours", "dossiers en cours", under_way),
            *await self._workflows(in_force=True),
            *await self._subtypes(),
            *await self._subordinates(),
        ]

    async def every_one(self, now: datetime) -> list[str]:
        """Everything that names the desk, its former holders set apart."""
        return [
            *await self._folders(),
            *await self._workflows(in_force=False),
            *await self._subtypes(),
            *await self._subordinates(),
            *await self._people(now),
            *await self._powers(),
            *await self._tokens(),
        ]

    async def _folders(self) -> list[str]:
        desk = self._desk_id
        ids = (
            select(Folder.id)
            .where(
                or_(
                    Folder.submitter_desk_id == desk,
                    Folder.waiting_desk_ids.contains([desk]),
                    Folder.participant_desk_ids.contains([desk]),
                )
            )
            .union(
                select(InboxEntry.folder_id).where(InboxEntry.desk_id == desk),
                select(FolderNote.folder_id).where(FolderNote.desk_id == desk),
            )
            .subquery()
        )
        return await self._count("dossier", "dossiers", select(func.count(distinct(ids.c.id))))

    async def _workflows(self, *, in_force: bool) -> list[str]:
        version = (versions_in_force() if in_force else select(WorkflowVersion)).subquery()
        rows = await self._rows(
            select(Workflow.name, version.c.number)
            .join(version, version.c.workflow_id == Workflow.id)
            .where(self._written_in(version.c.definition))
            .order_by(Workflow.name, version.c.number)
        )
        return [f"circuit « {row.name} », version {row.number}" for row in rows]

    async def _subtypes(self) -> list[str]:
        rows = await self._rows(
            select(FolderSubtype.name)
            .where(
                or_(
                    FolderSubtype.deposit_desk_ids.contains([self._desk_id]),
                    FolderSubtype.visible_desk_ids.contains([self._desk_id]),
                    self._written_in(FolderSubtype.rule_table),
                )
            )
            .order_by(FolderSubtype.name)
        )
        return [f"sous-type « {row.name} »" for row in rows]

    async def _subordinates(self) -> list[str]:
        rows = await self._rows(
            select(Desk.name).where(Desk.superior_id == self._desk_id).order_by(Desk.name)
        )
        return [f"bureau subordonné « {row.name} »" for row in rows]

    async def _people(self, now: datetime) -> list[str]:
        desk = self._desk_id
        held = or_(DeskHolder.ends_at.is_(None), DeskHolder.ends_at > now)
        holders = select(_PERSON).join(DeskHolder, DeskHolder.user_id == User.id)
        staff = select(_PERSON).join(DeskStaff, DeskStaff.user_id == User.id)
        mandates = select(_PERSON).join(ElectedMandate, ElectedMandate.user_id == User.id)
        admins = select(_PERSON).where(User.administered_desk_ids.contains([desk]))
        return [
            *await self._named("titulaire", holders.where(DeskHolder.desk_id == desk, held)),
            *await self._named("assistant ou superviseur", staff.where(DeskStaff.desk_id == desk)),
            *await self._named("mandat électif", mandates.where(ElectedMandate.desk_id == desk)),
            *await self._named("administrateur du bureau", admins),
        ]

    async def _powers(self) -> list[str]:
        desk = self._desk_id
        granted = (
            select(_PERSON)
            .join(Grant, Grant.grantee_id == User.id)
            .where(or_(Grant.office_desk_id == desk, Grant.grantee_desk_id == desk))
        )
        absences = select(_PERSON).join(Absence, Absence.user_id == User.id)
        plans = select(CouncilInstallation.label).where(
            self._written_in(CouncilInstallation.offices), CouncilInstallation.state != "cancelled"
        )
        return [
            *await self._named("pouvoir donné à", granted),
            *await self._named("absence de", absences.where(Absence.desk_id == desk)),
            *await self._named("renouvellement", plans),
        ]

    async def _tokens(self) -> list[str]:
        rows = await self._rows(
            select(ApiToken.label)
            .where(ApiToken.desk_ids.contains([self._desk_id]), ApiToken.revoked_at.is_(None))
            .order_by(ApiToken.label)
        )
        return [f"jeton d'API « {row.label} »" for row in rows]

    async def _count(self, one: str, several: str, statement: Executable) -> list[str]:
        count: int = (await self._session.execute(statement)).scalar_one()
        return [f"{count} {one if count == 1 else several}"] if count else []

    async def _named(self, label: str, statement: Executable) -> list[str]:
        names = {str(row[0]) for row in await self._rows(statement)}
        return [f"{label} : {name}" for name in sorted(names)]

    async def _rows(self, statement: Executable) -> Sequence[Row[Any]]:
        return (await self._session.execute(statement)).all()

    def _written_in(self, column: Any) -> ColumnElement[bool]:
        return cast(column, Text).contains(str(self._desk_id))
