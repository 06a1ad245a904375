"""Writes the journal in the transaction of the act, and exports it with a checkpoint."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Actor, Occurrence, next_entry
from app.audit.export import ExportWriter, sign_checkpoint
from app.audit.repository import AuditRepository
from app.db.session import tenant_of

SYSTEM = Actor("system", "parapheur")


async def record(
    session: AsyncSession,
    what: Occurrence,
    *,
    at: datetime,
    values: Mapping[str, str] | None = None,
) -> None:
    """Appends one entry. `values` are personal or free text, kept beside the chained entry."""
    tenant_id = tenant_of(session)
    repository = AuditRepository(session)
    head = await repository.lock_head(tenant_id)
    await repository.append(tenant_id, next_entry(head, what, at=at, values=values))


async def export(
    session: AsyncSession, *, at: datetime, key: Ed25519PrivateKey
) -> AsyncIterator[bytes]:
    """The lines of the journal, then the checkpoint that this server signs (DESIGN D12)."""
    writer = ExportWriter(str(tenant_of(session)))
    async for record_ in AuditRepository(session).records():
        yield writer.line(record_)
    yield sign_checkpoint(writer.checkpoint(at), key).line()
