"""The journal is written as a transaction commits: all that happened, and nothing else."""

from __future__ import annotations

import json
from contextlib import suppress
from io import BytesIO

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Occurrence
from app.audit.service import SYSTEM, export, record
from app.audit.verification import verify_journal
from app.context import Context
from app.demo.town import Town
from app.models import AuditEvent, Desk
from tests.builders.towns import DrivenClock, random_id

KINDS = ("trial.first", "trial.second", "trial.third")


class _Undone(Exception):
    """Ends a transaction or a savepoint of these tests."""


async def _told(context: Context, town: Town) -> list[str]:
    async with context.unit(town.tenant_id) as session:
        rows = await session.scalars(
            select(AuditEvent.kind).where(AuditEvent.kind.in_(KINDS)).order_by(AuditEvent.seq)
        )
        return list(rows)


def _tell(session: AsyncSession, context: Context, kind: str) -> None:
    record(session, Occurrence(kind=kind, actor=SYSTEM), at=context.clock(), values={"name": "é"})


async def test_entries_follow_each_other_in_the_order_they_were_told(
    context: Context, town: Town
) -> None:
    async with context.unit(town.tenant_id) as session:
        for kind in KINDS:
            _tell(session, context, kind)
    assert await _told(context, town) == list(KINDS)


async def test_a_transaction_that_fails_tells_nothing(context: Context, town: Town) -> None:
    with suppress(_Undone):
        async with context.unit(town.tenant_id) as session:
            _tell(session, context, KINDS[0])
            raise _Undone
    assert await _told(context, town) == []


async def test_a_savepoint_that_is_undone_takes_back_what_it_told(
    context: Context, town: Town
) -> None:
    async with context.unit(town.tenant_id) as session:
        _tell(session, context, KINDS[0])
        with suppress(_Undone):
            async with session.begin_nested():
                _tell(session, context, KINDS[1])
                raise _Undone
        async with session.begin_nested():
            _tell(session, context, KINDS[2])
    assert await _told(context, town) == [KINDS[0], KINDS[2]]


async def test_a_savepoint_that_ended_well_is_undone_with_the_one_around_it(
    context: Context, town: Town
) -> None:
    async with context.unit(town.tenant_id) as session:
        _tell(session, context, KINDS[0])
        with suppress(_Undone):
            async with session.begin_nested():
                async with session.begin_nested():
                    _tell(session, context, KINDS[1])
                raise _Undone
    assert await _told(context, town) == [KINDS[0]]


async def test_so_does_one_whose_rows_the_database_refuses(context: Context, town: Town) -> None:
    async with context.unit(town.tenant_id) as session:
        desk = await session.get_one(Desk, town.desks["maire"])
        _tell(session, context, KINDS[0])
        with suppress(IntegrityError):
            async with session.begin_nested():
                _tell(session, context, KINDS[1])
                session.add(Desk(id=random_id(), tenant_id=town.tenant_id, name=desk.name))
                await session.flush()
    assert await _told(context, town) == [KINDS[0]]


async def test_what_is_too_long_for_a_line_goes_on_in_the_next_ones(
    context: Context, town: Town
) -> None:
    told = {"changes": 'é"' * 300_000, "rows": "𝄞" * 150_000}
    async with context.unit(town.tenant_id) as session:
        what = Occurrence(kind=KINDS[0], actor=SYSTEM)
        record(session, what, at=context.clock(), values=told)
    async with context.unit(town.tenant_id) as session:
        key = context.keyring.journal_key
        lines = [one async for one in export(session, at=context.clock(), key=key)]
    assert verify_journal(BytesIO(b"".join(lines))).ok
    parts = [json.loads(one) for one in lines[:-1]]
    assert {one["entry"]["kind"] for one in parts[1:]} == {"entry.continued"}
    found = dict.fromkeys(told, "")
    for one in parts:
        for name, kept in one["values"].items():
            found[name] += kept["value"]
    assert found == told


async def test_nothing_is_held_before_the_commit(
    context: Context, town: Town, clock: DrivenClock
) -> None:
    async with context.unit(town.tenant_id) as slow:
        _tell(slow, context, KINDS[0])
        # Would wait for the first one, were the head locked since it told.
        async with context.unit(town.tenant_id) as quick:
            _tell(quick, context, KINDS[1])
    assert await _told(context, town) == [KINDS[1], KINDS[0]]
