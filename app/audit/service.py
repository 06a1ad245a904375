"""Writes the journal in the transaction of the act, and exports it with a checkpoint."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, UOWTransaction

from app.audit.chain import Actor, Drafted, Occurrence, next_entry
from app.audit.export import ExportWriter, sign_checkpoint
from app.audit.repository import AuditRepository, append, lock_head
from app.audit.rows import RowChange, about_to_go, as_value, flushed
from app.db.session import bound_tenant, tenant_of
from app.kit.clock import system_clock

SYSTEM = Actor("system", "parapheur")
LONGEST = 150_000
"""Characters that the values of an entry have together: whatever they are, its line is shorter
than those that verifiers refuse (`verification.MAX_LINE_BYTES`)."""
CONTINUED = "entry.continued"
_TOLD, _MARKS = "told", "told_before"


@dataclass(frozen=True, slots=True)
class Told:
    """What an entry is to say. `values` are personal or free text, kept beside the chained one."""

    what: Occurrence
    at: datetime
    values: Mapping[str, str] = field(default_factory=dict)


_Pending: TypeAlias = Told | RowChange


def record(
    session: AsyncSession,
    what: Occurrence,
    *,
    at: datetime,
    values: Mapping[str, str] | None = None,
) -> None:
    """One entry, as `record_all`."""
    record_all(session, [Told(what, at, values or {})])


def listed(name: str, ids: Collection[uuid.UUID]) -> dict[str, str]:
    """A list of identifiers as a value of an entry: details hold no list, and few identifiers.
    Nothing where it is empty."""
    return {name: " ".join(str(one) for one in ids)} if ids else {}


def record_all(session: AsyncSession, told: Sequence[Told]) -> None:
    """Entries that this transaction appends in this order as it commits: the head of the tenant's
    journal is held for these few statements only (ADR 0018)."""
    _told(session.sync_session).extend(told)


def _told(session: Session) -> list[_Pending]:
    told: list[_Pending] = session.info.setdefault(_TOLD, [])
    return told


@event.listens_for(Session, "after_flush")
def _keep_flushed(session: Session, _context: UOWTransaction) -> None:
    _told(session).extend(list(flushed(session)))


@event.listens_for(Session, "do_orm_execute")
def _keep_removed(state: ORMExecuteState) -> None:
    _told(state.session).extend(list(about_to_go(state)))


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    told = _with_rows(_told(session))
    if not told:
        return
    head = lock_head(session, bound_tenant(session))
    drafted: list[Drafted] = []
    for one in (part for whole in told for part in _parts(whole)):
        drafted.append(next_entry(head, one.what, at=one.at, values=one.values))
        head = drafted[-1].head
    append(session, drafted)
    _told(session).clear()


def _parts(whole: Told) -> Iterator[Told]:
    """Values too long for one entry go on, under the same names, in those that follow it."""
    what, values = whole.what, dict(whole.values)
    while sum(map(len, values.values())) > LONGEST:
        room, own = LONGEST, {}
        for name, text in list(values.items()):
            own[name], values[name] = text[:room], text[room:]
            room -= len(own[name])
        values = {name: text for name, text in values.items() if text}
        yield Told(what, whole.at, {name: text for name, text in own.items() if text})
        what = Occurrence(kind=CONTINUED, actor=what.actor, folder=what.folder)
    yield Told(what, whole.at, values)


def _with_rows(pending: Sequence[_Pending]) -> list[Told]:
    """The entries, the first with the rows that the transaction changed (ADR 0022). Where nobody
    told anything of them, they make an entry by themselves."""
    told = [one for one in pending if isinstance(one, Told)]
    rows = [one for one in pending if isinstance(one, RowChange)]
    if not rows:
        return told
    if not told:
        told = [Told(Occurrence(kind="rows.changed", actor=SYSTEM), system_clock())]
    return [replace(told[0], values={**told[0].values, "rows": as_value(rows)}), *told[1:]]


@event.listens_for(Session, "after_transaction_create")
def _mark(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        _marks(session)[transaction] = len(_told(session))


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, transaction: SessionTransaction) -> None:
    """What a transaction or a savepoint was to tell did not happen. A flush that fails takes the
    savepoint around it along."""
    undone = transaction
    while undone.parent is not None and not undone.nested:
        undone = undone.parent
    del _told(session)[_marks(session).get(undone, 0) :]


def _marks(session: Session) -> dict[SessionTransaction, int]:
    """How much was told before each savepoint."""
    marks: dict[SessionTransaction, int] = session.info.setdefault(_MARKS, {})
    return marks


async def export(
    session: AsyncSession, *, at: datetime, key: Ed25519PrivateKey
) -> AsyncIterator[bytes]:
    """The lines of the journal, then the checkpoint that this server signs (DESIGN D12)."""
    writer = ExportWriter(str(tenant_of(session)))
    async for record_ in AuditRepository(session).records():
        yield writer.line(record_)
    yield sign_checkpoint(writer.checkpoint(at), key).line()
