"""Signature sessions, their items and the jobs of agents."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import (
    Certificate,
    ItemState,
    JobState,
    SignatureItem,
    SignatureSession,
    SigningDevice,
    SigningJob,
)

PENDING = (ItemState.PREPARED.value, ItemState.ACCEPTED.value)


class PreparationRepository:
    """Sessions of the database session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, *rows: SignatureSession | SignatureItem) -> None:
        self._session.add_all(rows)

    async def signature_session(self, session_id: uuid.UUID) -> SignatureSession | None:
        return await self._session.get(SignatureSession, session_id)

    async def lock_session(self, session_id: uuid.UUID) -> None:
        """One request at a time offers its documents."""
        await self._session.get(SignatureSession, session_id, with_for_update=True)

    async def certificate(self, certificate_id: uuid.UUID) -> Certificate | None:
        return await self._session.get(Certificate, certificate_id)

    async def device(self, device_id: uuid.UUID) -> SigningDevice | None:
        return await self._session.get(SigningDevice, device_id)

    async def last_device(self, user_id: uuid.UUID) -> SigningDevice | None:
        """The person's living agent that was seen last."""
        return await self._session.scalar(
            select(SigningDevice)
            .where(SigningDevice.user_id == user_id, SigningDevice.revoked_at.is_(None))
            .order_by(SigningDevice.last_seen_at.desc().nulls_last(), SigningDevice.id.desc())
            .limit(1)
        )

    async def items(self, session_id: uuid.UUID) -> list[SignatureItem]:
        rows = await self._session.scalars(
            select(SignatureItem)
            .where(SignatureItem.session_id == session_id)
            .order_by(SignatureItem.n)
        )
        return list(rows)

    async def item(self, session_id: uuid.UUID, n: int) -> SignatureItem | None:
        return await self._session.scalar(
            select(SignatureItem).where(
                SignatureItem.session_id == session_id, SignatureItem.n == n
            )
        )

    async def lock_item(self, session_id: uuid.UUID, n: int) -> SignatureItem | None:
        return await self._session.scalar(
            select(SignatureItem)
            .where(SignatureItem.session_id == session_id, SignatureItem.n == n)
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    async def pending_item(self, document_id: uuid.UUID) -> SignatureItem | None:
        """The one preparation under way for a document, locked."""
        return await self._session.scalar(
            select(SignatureItem)
            .where(SignatureItem.document_id == document_id, SignatureItem.state.in_(PENDING))
            .with_for_update()
        )

    async def signed_items(
        self, session_id: uuid.UUID, folder_id: uuid.UUID
    ) -> list[SignatureItem]:
        rows = await self._session.scalars(
            select(SignatureItem).where(
                SignatureItem.session_id == session_id,
                SignatureItem.folder_id == folder_id,
                SignatureItem.state == ItemState.SIGNED.value,
            )
        )
        return list(rows)

    async def leased_job_of(
        self, session_id: uuid.UUID, n: int, now: datetime
    ) -> SigningJob | None:
        """The job of an agent that accepted this item and still holds its lease."""
        return await self._session.scalar(
            select(SigningJob).where(
                SigningJob.session_id == session_id,
                SigningJob.item_ns.contains([n]),
                SigningJob.state == JobState.ACCEPTED.value,
                SigningJob.lease_until > now,
            )
        )

    async def withdraw_offers(self, session_id: uuid.UUID, now: datetime) -> None:
        """Ends the jobs of a session that no agent accepted: their preparations are made anew."""
        await self._session.execute(
            update(SigningJob)
            .where(SigningJob.session_id == session_id, SigningJob.state == JobState.OFFERED.value)
            .values(
                state=JobState.ENDED.value,
                ended_at=now,
                outcome={"outcome": "withdrawn", "code": None, "detail": None},
            )
        )
