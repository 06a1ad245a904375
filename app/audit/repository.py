"""The journal's tables: one locked head per tenant, entries only ever appended."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Drafted, Head, SaltedValue, empty_head, mapping_of
from app.audit.export import Record
from app.kit.canonical import canonical_bytes
from app.models import AuditEvent, AuditHead, AuditValue

_BATCH = 500


class AuditRepository:
    """Reads and appends the journal of the session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_head(self, tenant_id: uuid.UUID) -> Head:
        """The head, locked until the transaction ends: writers of a tenant take turns."""
        start = empty_head(str(tenant_id))
        await self._session.execute(
            insert(AuditHead)
            .values(tenant_id=tenant_id, count=start.count, head=start.hash)
            .on_conflict_do_nothing()
        )
        row = (
            await self._session.execute(
                select(AuditHead)
                .where(AuditHead.tenant_id == tenant_id)
                .with_for_update()
                .execution_options(populate_existing=True)
            )
        ).scalar_one()
        return Head(str(tenant_id), row.count, row.head)

    async def append(self, tenant_id: uuid.UUID, drafted: Drafted) -> None:
        """Stores the entry, the values beside it, and moves the head."""
        entry = drafted.entry
        folder = entry.what.folder
        self._session.add(
            AuditEvent(
                tenant_id=tenant_id,
                seq=entry.seq,
                kind=entry.what.kind,
                folder_id=uuid.UUID(folder) if folder else None,
                entry=canonical_bytes(mapping_of(entry)).decode(),
                hash=drafted.hash,
                at=entry.at,
            )
        )
        for name, kept in drafted.values.items():
            self._session.add(
                AuditValue(
                    tenant_id=tenant_id,
                    seq=entry.seq,
                    field=name,
                    salt=kept.salt,
                    value=kept.value,
                )
            )
        head = await self._session.get_one(AuditHead, tenant_id)
        head.count = entry.seq
        head.head = drafted.hash
        await self._session.flush()

    async def records(self) -> AsyncIterator[Record]:
        """Every entry in order, a few hundred at a time."""
        last = 0
        while True:
            rows = list(
                await self._session.scalars(
                    select(AuditEvent)
                    .where(AuditEvent.seq > last)
                    .order_by(AuditEvent.seq)
                    .limit(_BATCH)
                )
            )
            if not rows:
                return
            values = await self._values(rows[0].seq, rows[-1].seq)
            for row in rows:
                yield Record(row.entry.encode(), row.hash, values.get(row.seq, {}))
            last = rows[-1].seq
            self._session.expunge_all()

    async def _values(self, first: int, last: int) -> dict[int, dict[str, SaltedValue | None]]:
        rows = await self._session.scalars(
            select(AuditValue)
            .where(AuditValue.seq.between(first, last))
            .order_by(tuple_(AuditValue.seq, AuditValue.field))
        )
        found: dict[int, dict[str, SaltedValue | None]] = {}
        for row in rows:
            kept = (
                SaltedValue(row.salt, row.value)
                if row.salt is not None and row.value is not None
                else None
            )
            found.setdefault(row.seq, {})[row.field] = kept
        return found

    async def entries_of(self, folder_id: uuid.UUID) -> list[AuditEvent]:
        """What the journal says of a folder, oldest first."""
        rows = await self._session.scalars(
            select(AuditEvent).where(AuditEvent.folder_id == folder_id).order_by(AuditEvent.seq)
        )
        return list(rows)
