"""Certificate orders with the persons whom they are for."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TypeAlias

from sqlalchemy import Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.pagination import Cursor
from app.models import Certificate, CertificateOrder, CertificateOrderState, User

Found: TypeAlias = tuple[CertificateOrder, User, str | None]
"""An order, its person, and the SHA-256 of the certificate that answered it."""


class CertificateOrderRepository:
    """Orders of the session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: CertificateOrder) -> None:
        self._session.add(row)

    async def order(self, order_id: uuid.UUID) -> Found | None:
        found = await self._session.execute(_orders().where(CertificateOrder.id == order_id))
        return found.one_or_none()

    async def lock(self, order_id: uuid.UUID) -> CertificateOrder | None:
        """The order, fresh and locked: of two moves at once, the second sees what the first did."""
        return await self._session.scalar(
            select(CertificateOrder)
            .where(CertificateOrder.id == order_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    async def page(
        self, *, state: CertificateOrderState | None, after: Cursor | None, size: int
    ) -> Sequence[Found]:
        """Newest first; one more than `size` says that a page follows."""
        query = _orders()
        if state is not None:
            query = query.where(CertificateOrder.state == state.value)
        if after is not None:
            position = tuple_(CertificateOrder.requested_at, CertificateOrder.id)
            query = query.where(position < (after.created_at, after.id))
        query = query.order_by(CertificateOrder.requested_at.desc(), CertificateOrder.id.desc())
        return (await self._session.execute(query.limit(size + 1))).all()


def _orders() -> Select[CertificateOrder, User, str]:
    return (
        select(CertificateOrder, User, Certificate.sha256)
        .join(User, User.id == CertificateOrder.user_id)
        .outerjoin(Certificate, Certificate.id == CertificateOrder.certificate_id)
    )
