"""The journal's tables: one locked head per tenant, entries only ever appended."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, cast

from sqlalchemy import Table, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.audit.chain import Drafted, Head, SaltedValue, empty_head, mapping_of
from app.audit.export import Record
from app.kit.canonical import canonical_bytes
from app.models import AuditEvent, AuditHead, AuditValue

_BATCH = 500
_ADD_EVENT = insert(cast("Table", AuditEvent.__table__))
_ADD_VALUE = insert(cast("Table", AuditValue.__table__))


def lock_head(session: Session, tenant_id: uuid.UUID) -> Head:
    """The head, locked until the transaction ends: writers of a tenant take turns."""
    locked = _locked(session, tenant_id)
    if locked is not None:
        return locked
    start = empty_head(str(tenant_id))
    session.execute(
        insert(AuditHead)
        .values(tenant_id=tenant_id, count=start.count, head=start.hash)
        .on_conflict_do_nothing()
    )
    head = _locked(session, tenant_id)
    assert head is not None
    return head


def _locked(session: Session, tenant_id: uuid.UUID) -> Head | None:
    row = session.execute(
        select(AuditHead.count.label("entries"), AuditHead.head)
        .where(AuditHead.tenant_id == tenant_id)
        .with_for_update()
    ).one_or_none()
    return Head(str(tenant_id), row.entries, row.head) if row is not None else None


def append(session: Session, drafted: Sequence[Drafted]) -> None:
    """Stores entries that follow each other, the values beside them, and moves the head."""
    session.execute(_ADD_EVENT, [_event_row(one) for one in drafted])
    values = [row for one in drafted for row in _value_rows(one)]
    if values:
        session.execute(_ADD_VALUE, values)
    head = drafted[-1].head
    session.execute(
        update(AuditHead)
        .where(AuditHead.tenant_id == uuid.UUID(head.tenant))
        .values(count=head.count, head=head.hash)
    )


class AuditRepository:
    """Reads the journal of the session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

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


def _event_row(drafted: Drafted) -> dict[str, Any]:
    entry = drafted.entry
    folder = entry.what.folder
    return {
        "tenant_id": uuid.UUID(entry.tenant),
        "seq": entry.seq,
        "kind": entry.what.kind,
        "folder_id": uuid.UUID(folder) if folder else None,
        "entry": canonical_bytes(mapping_of(entry)).decode(),
        "hash": drafted.hash,
        "at": entry.at,
    }


def _value_rows(drafted: Drafted) -> Iterator[dict[str, Any]]:
    entry = drafted.entry
    for name, kept in drafted.values.items():
        yield {
            "tenant_id": uuid.UUID(entry.tenant),
            "seq": entry.seq,
            "field": name,
            "salt": kept.salt,
            "value": kept.value,
        }
