"""The jobs of agents."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import any_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import ItemState, JobState, SignatureItem, SigningJob


class SigningJobRepository:
    """Jobs of the database session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: SigningJob) -> None:
        self._session.add(row)

    async def jobs(self, session_id: uuid.UUID) -> list[SigningJob]:
        rows = await self._session.scalars(
            select(SigningJob)
            .where(SigningJob.session_id == session_id)
            .order_by(SigningJob.issued_at, SigningJob.id)
        )
        return list(rows)

    async def lock_job(self, job_id: uuid.UUID) -> SigningJob | None:
        return await self._session.scalar(
            select(SigningJob)
            .where(SigningJob.id == job_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    async def offered_job(self, device_id: uuid.UUID, now: datetime) -> SigningJob | None:
        """The oldest job this agent may still accept: one of its documents waits to be signed."""
        waits = (
            select(SignatureItem.id)
            .where(
                SignatureItem.session_id == SigningJob.session_id,
                SignatureItem.n == any_(SigningJob.item_ns),
                SignatureItem.state == ItemState.PREPARED.value,
            )
            .exists()
        )
        return await self._session.scalar(
            select(SigningJob)
            .where(
                SigningJob.device_id == device_id,
                SigningJob.state == JobState.OFFERED.value,
                SigningJob.accept_before > now,
                waits,
            )
            .order_by(SigningJob.issued_at)
            .limit(1)
        )
