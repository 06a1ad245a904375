"""What identification reads and writes."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import case, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import (
    ApiToken,
    Desk,
    Folder,
    LoginAttempt,
    LoginHandle,
    LoginSession,
    SigningDevice,
    SpentNonce,
    User,
)


class AuthRepository:
    """Handles stand outside row-level security; the rest needs the tenant to be set."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def handle(self, digest: str) -> LoginHandle | None:
        return await self._session.get(LoginHandle, digest)

    def add(self, *rows: LoginHandle | LoginSession | ApiToken) -> None:
        self._session.add_all(rows)

    async def drop_handles_of(self, principal_id: uuid.UUID) -> None:
        await self._session.execute(
            delete(LoginHandle).where(LoginHandle.principal_id == principal_id)
        )

    async def user(self, user_id: uuid.UUID) -> User | None:
        return await self._session.get(User, user_id)

    async def lock_user(self, user_id: uuid.UUID) -> User:
        """An account that is known, fresh and locked until the transaction ends."""
        return await self._session.get_one(User, user_id, with_for_update={"key_share": True})

    async def login_session(self, session_id: uuid.UUID) -> LoginSession | None:
        return await self._session.get(LoginSession, session_id)

    async def open_sessions(self, user_id: uuid.UUID) -> list[LoginSession]:
        """Those not revoked, whether or not their time is over."""
        rows = select(LoginSession).where(
            LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None)
        )
        return list(await self._session.scalars(rows))

    async def token(self, token_id: uuid.UUID) -> ApiToken | None:
        return await self._session.get(ApiToken, token_id)

    async def tokens(self) -> list[ApiToken]:
        return list(await self._session.scalars(select(ApiToken).order_by(ApiToken.created_at)))

    async def device(self, device_id: uuid.UUID) -> SigningDevice | None:
        return await self._session.get(SigningDevice, device_id)

    async def desk_ids(self) -> frozenset[uuid.UUID]:
        return frozenset(await self._session.scalars(select(Desk.id)))

    async def folder_id(self, tenant_id: uuid.UUID, folder_id: uuid.UUID) -> uuid.UUID | None:
        """The same identifier where the tenant has such a folder, whoever reads it."""
        found: uuid.UUID | None = await self._session.scalar(
            select(Folder.id).where(Folder.id == folder_id, Folder.tenant_id == tenant_id)
        )
        return found

    async def failures(self, digest: str, since: datetime) -> int:
        row = await self._session.get(LoginAttempt, digest)
        if row is None or row.window_started_at < since:
            return 0
        return row.failures

    async def note_failure(self, digest: str, now: datetime, window: timedelta) -> int:
        """How many there are in the window, this one included. One statement, so that parallel
        failures are all counted."""
        stale = LoginAttempt.window_started_at < now - window
        noted = await self._session.execute(
            insert(LoginAttempt)
            .values(digest=digest, failures=1, window_started_at=now)
            .on_conflict_do_update(
                index_elements=[LoginAttempt.digest],
                set_={
                    "failures": case((stale, 1), else_=LoginAttempt.failures + 1),
                    "window_started_at": case((stale, now), else_=LoginAttempt.window_started_at),
                },
            )
            .returning(LoginAttempt.failures)
        )
        return noted.scalar_one()

    async def forget_failures(self, digest: str) -> None:
        await self._session.execute(delete(LoginAttempt).where(LoginAttempt.digest == digest))

    async def spend_nonce(self, digest: str, now: datetime) -> bool:
        """True the first time only; nonces older than the accepted clock offset are dropped."""
        await self._session.execute(
            delete(SpentNonce).where(SpentNonce.seen_at < now - timedelta(minutes=15))
        )
        result = await self._session.execute(
            insert(SpentNonce)
            .values(digest=digest, seen_at=now)
            .on_conflict_do_nothing()
            .returning(SpentNonce.digest)
        )
        return result.scalar_one_or_none() is not None
