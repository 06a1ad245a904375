"""Deleted documents: their rows at once, their bytes once nobody can need them (DESIGN D17)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.context import Context
from app.db.session import tenant_of
from app.documents.repository import DocumentRepository
from app.kit.disposal import Rules

RECLAIM: Final = "documents.reclaim"


async def discard_documents(session: AsyncSession, context: Context, folder_id: uuid.UUID) -> None:
    """Deletes the documents of a refused draft, and owes the job that deletes their bytes: after
    a grace, when no deposit of the same bytes can still be under way."""
    await DocumentRepository(session).remove_documents(folder_id)
    now = context.clock()
    await jobs.enqueue(
        session,
        RECLAIM,
        tenant_of(session),
        {"folder_id": str(folder_id)},
        run_after=now + _grace(context),
        dedupe_key=f"{RECLAIM}:{folder_id}:{now.isoformat()}",
    )


def rules_of(context: Context) -> Rules:
    """How bytes leave the storage of this service now."""

    async def named(digests: list[str]) -> set[str]:
        async with context.unit() as session:
            return await DocumentRepository(session).named_blobs(digests)

    return Rules(now=context.clock(), grace=_grace(context), named=named)


def _grace(context: Context) -> timedelta:
    return timedelta(seconds=context.settings.storage.grace_s)
