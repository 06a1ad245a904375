"""Signing devices and the requests to become one."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import LoginHandle, PairingRequest, SigningDevice


class DeviceRepository:
    """Devices of the session's tenant; pairing requests stand outside tenants."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, *rows: SigningDevice | PairingRequest | LoginHandle) -> None:
        self._session.add_all(rows)

    async def request(self, pairing_id: uuid.UUID) -> PairingRequest | None:
        return await self._session.get(PairingRequest, pairing_id)

    async def request_of_code(self, digest: str) -> PairingRequest | None:
        """Locked: two confirmations of one code never both succeed."""
        return await self._session.scalar(
            select(PairingRequest).where(PairingRequest.code_digest == digest).with_for_update()
        )

    async def drop_old_requests(self, before: datetime) -> None:
        await self._session.execute(
            delete(PairingRequest).where(PairingRequest.expires_at < before)
        )

    async def devices(self, user_id: uuid.UUID) -> list[SigningDevice]:
        rows = await self._session.scalars(
            select(SigningDevice)
            .where(SigningDevice.user_id == user_id)
            .order_by(SigningDevice.paired_at)
        )
        return list(rows)

    async def device(self, device_id: uuid.UUID) -> SigningDevice | None:
        return await self._session.get(SigningDevice, device_id)

    async def drop_handle(self, digest: str) -> None:
        await self._session.execute(delete(LoginHandle).where(LoginHandle.digest == digest))
