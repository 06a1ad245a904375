"""The tenant's row and its trust material."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import tenant_of
from app.models import Tenant, TrustAnchor


class TenantRepository:
    """Reads the tenant of the session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def current(self) -> Tenant:
        return await self._session.get_one(Tenant, tenant_of(self._session))

    def add(self, row: Tenant | TrustAnchor) -> None:
        self._session.add(row)

    async def trust_anchors(self) -> list[TrustAnchor]:
        rows = await self._session.scalars(select(TrustAnchor).order_by(TrustAnchor.created_at))
        return list(rows)

    async def trust_anchor(self, sha256: str) -> TrustAnchor | None:
        return await self._session.scalar(select(TrustAnchor).where(TrustAnchor.sha256 == sha256))
