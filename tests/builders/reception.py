"""The outside's part of a folder's life, told to the engine without any connector."""

from __future__ import annotations

import uuid
from datetime import date

from app.context import Context
from app.demo.town import Town
from app.folders.repository import FolderRepository
from app.folders.service import apply
from workflows.actions import ClaimTransmission, RecordAcknowledged, RecordTransmitted
from workflows.folder import TransmissionId


async def acknowledge(context: Context, town: Town, folder_id: str, day: date) -> None:
    """The folder that awaits its transmission was sent, and received that day."""
    one = TransmissionId(str(uuid.uuid4()))
    for action in (
        ClaimTransmission(one),
        RecordTransmitted(one, "42"),
        RecordAcknowledged(one, "034-1", day),
    ):
        async with context.unit(town.tenant_id) as session:
            folder = await FolderRepository(session).lock(uuid.UUID(folder_id))
            assert folder is not None
            await apply(session, context, folder, action)
