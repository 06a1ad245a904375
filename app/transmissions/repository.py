"""Transmissions, their attempts and receipts."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from sqlalchemy import String, and_, cast, exists, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.kit.pagination import Cursor
from app.models import (
    Folder,
    Job,
    Transmission,
    TransmissionAttempt,
    TransmissionReceipt,
)

_IS_OWED = exists().where(
    Job.state.in_((jobs.PENDING, jobs.RUNNING)),
    Job.tenant_id == Transmission.tenant_id,
    Job.object_ids["transmission_id"].astext == cast(Transmission.id, String),
)
"""Whether a job sends the transmission, or asks about it."""


class TransmissionRepository:
    """Transmissions of the session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, *rows: Transmission | TransmissionAttempt) -> None:
        self._session.add_all(rows)

    async def transmission(self, transmission_id: uuid.UUID) -> Transmission | None:
        return await self._session.get(Transmission, transmission_id)

    async def lock(self, transmission_id: uuid.UUID) -> Transmission:
        """The row, fresh and locked; its folder is locked first, always in this order."""
        rows = await self._session.scalars(
            select(Transmission)
            .where(Transmission.id == transmission_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return rows.one()

    async def of_round(self, folder_id: uuid.UUID, round_number: int) -> Transmission | None:
        return await self._session.scalar(
            select(Transmission)
            .where(Transmission.folder_id == folder_id, Transmission.round == round_number)
            .with_for_update()
        )

    async def of_folder(self, folder_id: uuid.UUID) -> list[Transmission]:
        """Newest round first."""
        rows = await self._session.scalars(
            select(Transmission)
            .where(Transmission.folder_id == folder_id)
            .order_by(Transmission.round.desc())
        )
        return list(rows)

    async def waiting(
        self,
        states: Iterable[str],
        folder_statuses: Iterable[str],
        after: Cursor | None,
        size: int,
        *,
        unless_owed: Iterable[str] = (),
    ) -> list[Transmission]:
        """Newest first, of folders that still wait for their transmission; one more than `size`
        says that a page follows. `unless_owed`: states that count once no job goes on."""
        is_stuck = and_(Transmission.state.in_(list(unless_owed)), ~_IS_OWED)
        query = (
            select(Transmission)
            .join(Folder, Folder.id == Transmission.folder_id)
            .where(
                or_(Transmission.state.in_(list(states)), is_stuck),
                Folder.status.in_(list(folder_statuses)),
            )
        )
        if after is not None:
            position = tuple_(Transmission.created_at, Transmission.id)
            query = query.where(position < (after.created_at, after.id))
        query = query.order_by(Transmission.created_at.desc(), Transmission.id.desc())
        return list(await self._session.scalars(query.limit(size + 1)))

    async def attempts(self, transmission_ids: Iterable[uuid.UUID]) -> list[TransmissionAttempt]:
        """Oldest first."""
        rows = await self._session.scalars(
            select(TransmissionAttempt)
            .where(TransmissionAttempt.transmission_id.in_(list(transmission_ids)))
            .order_by(TransmissionAttempt.transmission_id, TransmissionAttempt.number)
        )
        return list(rows)

    async def receipts(self, transmission_ids: Iterable[uuid.UUID]) -> list[TransmissionReceipt]:
        """Oldest first."""
        rows = await self._session.scalars(
            select(TransmissionReceipt)
            .where(TransmissionReceipt.transmission_id.in_(list(transmission_ids)))
            .order_by(TransmissionReceipt.received_at, TransmissionReceipt.id)
        )
        return list(rows)

    async def receipt(self, receipt_id: uuid.UUID) -> TransmissionReceipt | None:
        return await self._session.get(TransmissionReceipt, receipt_id)

    async def keep(self, receipt: TransmissionReceipt) -> None:
        """The same bytes under the same kind are kept once."""
        await self._session.execute(
            insert(TransmissionReceipt)
            .values(
                id=receipt.id,
                tenant_id=receipt.tenant_id,
                transmission_id=receipt.transmission_id,
                kind=receipt.kind,
                sha256=receipt.sha256,
                media_type=receipt.media_type,
                received_at=receipt.received_at,
            )
            .on_conflict_do_nothing()
        )

    async def holds_remote_id(self, row: Transmission, remote_id: str) -> bool:
        """Whether another emission over the same account already has this id."""
        found = await self._session.scalar(
            select(Transmission.id).where(
                Transmission.account_id == row.account_id,
                Transmission.protocol == row.protocol,
                Transmission.remote_id == remote_id,
                Transmission.id != row.id,
            )
        )
        return found is not None

    async def is_owed(self, row: Transmission) -> bool:
        """Whether a job sends it, or asks about it: none does once it was buried."""
        found = await self._session.scalar(
            select(Transmission.id).where(Transmission.id == row.id, _IS_OWED)
        )
        return found is not None

    async def is_in_hand(self, job_id: uuid.UUID | None) -> bool:
        """Whether this job still owes its work."""
        if job_id is None:
            return False
        state = await self._session.scalar(select(Job.state).where(Job.id == job_id))
        return state in (jobs.PENDING, jobs.RUNNING)
