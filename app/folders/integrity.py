"""A folder whose stored bytes were found altered: nobody acts on it until they are sound."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.audit.chain import Occurrence
from app.audit.service import SYSTEM, record
from app.context import Context
from app.errors import Conflict
from app.models import Folder
from app.storage import BlobMissing, BlobStore, Corrupted

FROZEN: Final = "folders.frozen"
LOOKED_AT_EVERY: Final = timedelta(hours=1)


async def freeze(
    session: AsyncSession, context: Context, folder: Folder, *, document_id: uuid.UUID
) -> None:
    """Stops a locked folder, journals why, and owes the job that tells the administrators."""
    if folder.frozen_at is not None:
        return
    now = context.clock()
    folder.frozen_at = now
    await session.flush()
    _journal(session, context, folder, "folder.frozen", document=str(document_id))
    await jobs.enqueue(
        session,
        FROZEN,
        folder.tenant_id,
        {"folder_id": str(folder.id)},
        run_after=now,
        dedupe_key=f"{FROZEN}:{folder.id}:{now.isoformat()}",
    )


async def unfreeze(session: AsyncSession, context: Context, folder: Folder) -> None:
    """Gives a locked folder back to its circuit."""
    folder.frozen_at = None
    await session.flush()
    _journal(session, context, folder, "folder.unfrozen")


def refuse_frozen(folder: Folder) -> None:
    """Raises Conflict (`folder_frozen`)."""
    if folder.frozen_at is not None:
        raise Conflict(
            "Un document de ce dossier a été altéré dans le stockage, rien ne peut y être fait : "
            "attendez sa restauration. Les administrateurs sont prévenus.",
            code="folder_frozen",
        )


async def are_sound(store: BlobStore, digests: Iterable[str]) -> bool:
    """Whether all these bytes are there and hash to their names."""
    for sha256 in digests:
        try:
            await store.verify(sha256)
        except (BlobMissing, Corrupted):
            return False
    return True


def _journal(
    session: AsyncSession,
    context: Context,
    folder: Folder,
    kind: str,
    *,
    document: str | None = None,
) -> None:
    record(
        session,
        Occurrence(kind=kind, actor=SYSTEM, folder=str(folder.id), document=document, details={}),
        at=context.clock(),
    )
