"""Writes the journal in the transaction of the act, and exports it with a checkpoint."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Actor, Drafted, Occurrence, next_entry
from app.audit.export import ExportWriter, sign_checkpoint
from app.audit.repository import AuditRepository
from app.db.session import tenant_of

SYSTEM = Actor("system", "parapheur")


@dataclass(frozen=True, slots=True)
class Told:
    """What an entry is to say. `values` are personal or free text, kept beside the chained one."""

    what: Occurrence
    at: datetime
    values: Mapping[str, str] = field(default_factory=dict)


async def record(
    session: AsyncSession,
    what: Occurrence,
    *,
    at: datetime,
    values: Mapping[str, str] | None = None,
) -> None:
    """Appends one entry."""
    await record_all(session, [Told(what, at, values or {})])


async def record_all(session: AsyncSession, told: Sequence[Told]) -> None:
    """Appends entries in this order, under one lock of the tenant's head, after the rows that they
    tell of."""
    if not told:
        return
    await session.flush()
    repository = AuditRepository(session)
    head = await repository.lock_head(tenant_of(session))
    drafted: list[Drafted] = []
    for one in told:
        drafted.append(next_entry(head, one.what, at=one.at, values=one.values))
        head = drafted[-1].head
    await repository.append(drafted)


async def export(
    session: AsyncSession, *, at: datetime, key: Ed25519PrivateKey
) -> AsyncIterator[bytes]:
    """The lines of the journal, then the checkpoint that this server signs (DESIGN D12)."""
    writer = ExportWriter(str(tenant_of(session)))
    async for record_ in AuditRepository(session).records():
        yield writer.line(record_)
    yield sign_checkpoint(writer.checkpoint(at), key).line()
