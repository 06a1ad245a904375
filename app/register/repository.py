"""The rows that give power in a tenant: six statements, columns only."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    DateTime,
    Executable,
    Row,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import tenant_of
from app.models import (
    Absence,
    ApiToken,
    Certificate,
    Desk,
    DeskHolder,
    DeskStaff,
    Grant,
    Tenant,
    User,
)

# Written once: their text does not depend on the question, and each is asked at every act.
_DESKS_AND_HOLDERS = (
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
    .outerjoin(DeskHolder, DeskHolder.desk_id == Desk.id)
    .order_by(Desk.name, Desk.id, DeskHolder.starts_at, DeskHolder.id)
)
_EXCEPTIONAL_USERS = (
    select(User.id, User.is_active, User.roles, User.administered_desk_ids)
    .where(
        or_(
            User.is_active.is_(False),
            cast(User.roles, ARRAY(Text)).overlap(bindparam("roles", type_=ARRAY(Text))),
        )
    )
    .order_by(User.id)
)
_TOKENS = select(
    ApiToken.id, ApiToken.desk_ids, ApiToken.created_at, ApiToken.expires_at, ApiToken.revoked_at
).order_by(ApiToken.id)
_ABSENCES = select(
    Absence.id,
    Absence.user_id,
    Absence.desk_id,
    Absence.starts_at,
    Absence.ends_at,
    Absence.replacement_ids,
    Absence.repealed_at,
).order_by(Absence.starts_at, Absence.id)
_GRANTS = select(*Grant.__table__.columns).order_by(Grant.starts_at, Grant.id)

_AT = bindparam("at", type_=DateTime(timezone=True))
_PERSON = bindparam("person", type_=Uuid())


def _stands(ends_at: Any, at: Any) -> ColumnElement[bool]:
    return or_(ends_at.is_(None), ends_at > at)


_PLACES: CompoundSelect[Any] = union_all(
    select(DeskHolder.desk_id, literal("holder").label("how")).where(
        DeskHolder.user_id == _PERSON,
        DeskHolder.starts_at <= _AT,
        _stands(DeskHolder.ends_at, _AT),
    ),
    select(DeskStaff.desk_id, DeskStaff.role).where(DeskStaff.user_id == _PERSON),
    select(Grant.office_desk_id, literal("named")).where(
        Grant.grantee_id == _PERSON,
        Grant.starts_at <= _AT,
        _stands(Grant.ends_at, _AT),
        _stands(Grant.repealed_at, _AT),
    ),
    select(Absence.desk_id, literal("named")).where(
        Absence.replacement_ids.contains(bindparam("persons", type_=ARRAY(Uuid()))),
        Absence.starts_at <= _AT,
        _stands(Absence.ends_at, _AT),
        _stands(Absence.repealed_at, _AT),
    ),
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
        """One row per holding, of persons whose account is closed too, and one for each desk that
        nobody ever held."""
        return await self._rows(_DESKS_AND_HOLDERS)

    async def exceptional_users(self, roles: Sequence[str]) -> Sequence[Row[Any]]:
        """The few persons who may not act at all, and those who administer."""
        return await self._rows(_EXCEPTIONAL_USERS, roles=list(roles))

    async def tokens(self, since: datetime | None) -> Sequence[Row[Any]]:
        if since is None:
            return await self._rows(_TOKENS)
        stands = _stands(ApiToken.revoked_at, since), ApiToken.expires_at > since
        return await self._rows(_TOKENS.where(*stands))

    async def absences(self, since: datetime | None) -> Sequence[Row[Any]]:
        if since is None:
            return await self._rows(_ABSENCES)
        stands = _stands(Absence.ends_at, since), _stands(Absence.repealed_at, since)
        return await self._rows(_ABSENCES.where(*stands))

    async def grants(self) -> Sequence[Row[Any]]:
        return await self._rows(_GRANTS)

    async def certificate_dates(self, persons: Sequence[uuid.UUID]) -> frozenset[datetime]:
        """When the certificates of these persons start and cease to be valid."""
        rows = await self._session.execute(
            select(Certificate.not_before, Certificate.not_after).where(
                Certificate.user_id.in_(persons)
            )
        )
        return frozenset(one for row in rows for one in row)

    async def certified(self) -> frozenset[uuid.UUID]:
        """The persons who have a certificate, fit or not."""
        return frozenset(await self._session.scalars(select(Certificate.user_id).distinct()))

    async def places_of(self, person: uuid.UUID, at: datetime) -> Sequence[Row[Any]]:
        """The desks that the person holds, assists or watches now, and one row without desk when
        a grant or an absence names him: `how` says which."""
        return await self._rows(_PLACES, person=person, persons=[person], at=at)

    async def _rows(self, statement: Executable, **given: object) -> Sequence[Row[Any]]:
        return (await self._session.execute(statement, given)).all()


def _key(tenant_id: uuid.UUID) -> ColumnElement[int]:
    return func.hashtextextended(f"powers:{tenant_id}", 0)
