"""Persons and their certificates."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Certificate, Desk, LoginHandle, User


class UserRepository:
    """Persons of the session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, *rows: User | LoginHandle | Certificate) -> None:
        self._session.add_all(rows)

    async def user(self, user_id: uuid.UUID) -> User | None:
        return await self._session.get(User, user_id)

    async def users(self) -> list[User]:
        return list(await self._session.scalars(select(User).order_by(User.created_at, User.id)))

    async def active_users(self) -> list[User]:
        return list(
            await self._session.scalars(
                select(User)
                .where(User.is_active)
                .order_by(User.last_name, User.first_name, User.id)
            )
        )

    async def unknown_desks(self, desk_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        known = await self._session.scalars(select(Desk.id).where(Desk.id.in_(desk_ids)))
        return set(desk_ids) - set(known)

    async def login_is_taken(self, digest: str) -> bool:
        return await self._session.get(LoginHandle, digest) is not None

    async def certificates(self, *, among: frozenset[uuid.UUID] | None = None) -> list[Certificate]:
        """Seen last first, of everybody or of these persons."""
        query = select(Certificate).order_by(Certificate.seen_at.desc(), Certificate.id)
        if among is not None:
            query = query.where(Certificate.user_id.in_(among))
        return list(await self._session.scalars(query))

    async def certificate(self, user_id: uuid.UUID, sha256: str) -> Certificate | None:
        return await self._session.scalar(
            select(Certificate).where(Certificate.user_id == user_id, Certificate.sha256 == sha256)
        )
