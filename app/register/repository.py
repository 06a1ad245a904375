"""The rows that give power in a tenant: six statements, columns only."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Executable, Row, Text, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import tenant_of
from app.models import (
    Absence,
    ApiToken,
    Desk,
    DeskHolder,
    DeskStaff,
    Grant,
    Tenant,
    User,
)


class RegisterRepository:
    """Reads for the session's tenant. What ended before `since` is left out where it may be."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def hold_still(self) -> dict[str, Any]:
        """The tenant's mention templates; no power changes from here to the end of the
        transaction. Read first, so that what follows sees what was committed before."""
        tenant_id = tenant_of(self._session)
        key = _key(tenant_id)
        row = (
            await self._session.execute(
                select(Tenant.mentions, func.pg_advisory_xact_lock_shared(key)).where(
                    Tenant.id == tenant_id
                )
            )
        ).one_or_none()
        return dict(row.mentions) if row is not None else {}

    async def wait_for_acts(self) -> None:
        """Waits until the acts under way are done, and holds back those that come."""
        key = _key(tenant_of(self._session))
        await self._session.execute(select(func.pg_advisory_xact_lock(key)))

    async def desks_and_holders(self) -> Sequence[Row[Any]]:
        """One row per holding of an active person, and one for each desk that nobody holds."""
        statement = (
            select(
                Desk.id.label("desk_id"),
                Desk.name,
                Desk.is_active,
                Desk.superior_id,
                Desk.capacity,
                Desk.gender,
                DeskHolder.user_id,
                DeskHolder.starts_at,
                DeskHolder.ends_at,
            )
            .outerjoin(
                DeskHolder,
                (DeskHolder.desk_id == Desk.id)
                & DeskHolder.user_id.in_(select(User.id).where(User.is_active)),
            )
            .order_by(Desk.name, Desk.id, DeskHolder.starts_at, DeskHolder.id)
        )
        return await self._rows(statement)

    async def exceptional_users(self, roles: Sequence[str]) -> Sequence[Row[Any]]:
        """The few persons who may not act at all, and those who administer."""
        wanted = cast(array(roles), ARRAY(Text))
        statement = (
            select(User.id, User.is_active, User.roles, User.administered_desk_ids)
            .where(or_(User.is_active.is_(False), cast(User.roles, ARRAY(Text)).overlap(wanted)))
            .order_by(User.id)
        )
        return await self._rows(statement)

    async def tokens(self, since: datetime | None) -> Sequence[Row[Any]]:
        statement = select(
            ApiToken.id,
            ApiToken.desk_ids,
            ApiToken.created_at,
            ApiToken.expires_at,
            ApiToken.revoked_at,
        ).order_by(ApiToken.id)
        if since is not None:
            statement = statement.where(
                _stands(ApiToken.revoked_at, since), ApiToken.expires_at > since
            )
        return await self._rows(statement)

    async def absences(self, since: datetime | None) -> Sequence[Row[Any]]:
        statement = select(
            Absence.id,
            Absence.user_id,
            Absence.desk_id,
            Absence.starts_at,
            Absence.ends_at,
            Absence.replacement_ids,
            Absence.repealed_at,
        ).order_by(Absence.starts_at, Absence.id)
        if since is not None:
            statement = statement.where(
                _stands(Absence.ends_at, since), _stands(Absence.repealed_at, since)
            )
        return await self._rows(statement)

    async def grants(self) -> Sequence[Row[Any]]:
        statement = (
            select(*Grant.__table__.columns)
            .where(Grant.grantee_id.in_(select(User.id).where(User.is_active)))
            .order_by(Grant.starts_at, Grant.id)
        )
        return await self._rows(statement)

    async def places_of(self, person: uuid.UUID, at: datetime) -> Sequence[Row[Any]]:
        """The desks that the person holds, assists or watches now, and one row without desk when
        a grant or an absence names him: `how` says which."""
        held = select(DeskHolder.desk_id, literal("holder").label("how")).where(
            DeskHolder.user_id == person,
            DeskHolder.starts_at <= at,
            _stands(DeskHolder.ends_at, at),
        )
        staff = select(DeskStaff.desk_id, DeskStaff.role).where(DeskStaff.user_id == person)
        granted = select(Grant.office_desk_id, literal("named")).where(
            Grant.grantee_id == person,
            Grant.starts_at <= at,
            _stands(Grant.ends_at, at),
            _stands(Grant.repealed_at, at),
        )
        replacing = select(Absence.desk_id, literal("named")).where(
            Absence.replacement_ids.contains([person]),
            Absence.starts_at <= at,
            _stands(Absence.ends_at, at),
            _stands(Absence.repealed_at, at),
        )
        return await self._rows(held.union_all(staff, granted, replacing))

    async def _rows(self, statement: Executable) -> Sequence[Row[Any]]:
        return (await self._session.execute(statement)).all()


def _stands(ends_at: Any, at: datetime) -> ColumnElement[bool]:
    return or_(ends_at.is_(None), ends_at > at)


def _key(tenant_id: uuid.UUID) -> ColumnElement[int]:
    return func.hashtextextended(f"powers:{tenant_id}", 0)
