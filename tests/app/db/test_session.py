"""Connections that rested in the pool while their server went away."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from app.context import Context
from app.db import session as sessions


async def _backend(context: Context, both: asyncio.Barrier) -> int:
    """The process that serves this transaction, another than that of the other party."""
    async with context.unit() as session:
        found = await session.scalar(text("SELECT pg_backend_pid()"))
        await both.wait()
    assert isinstance(found, int)
    return found


async def _two_backends(context: Context) -> set[int]:
    both = asyncio.Barrier(2)
    return set(await asyncio.gather(_backend(context, both), _backend(context, both)))


async def test_a_connection_closed_while_it_rested_is_replaced(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    rested = await _two_backends(context)
    monkeypatch.setattr(sessions, "_TRUSTED_S", 0.0)
    async with context.unit() as session:
        mine = await session.scalar(text("SELECT pg_backend_pid()"))
        (other,) = rested - {mine}
        await session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": other})
    again = await _two_backends(context)
    assert other not in again
    assert mine in again
