"""What is made to wait for what another transaction has changed and not committed yet."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import httpx2
from sqlalchemy import text

from app.context import Context
from tests.builders.ledgers import eventually

Request = tuple[str, str, dict[str, Any] | str | None]
Done = TypeVar("Done")
_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def made_to_wait(
    context: Context, client: httpx2.AsyncClient, request: Request
) -> asyncio.Future[httpx2.Response]:
    """What is asked and not answered: the lock is another's."""
    method, path, body = request
    sent = {"content": body} if isinstance(body, str) else {"json": body}
    asked = asyncio.ensure_future(client.request(method, path, **sent))
    await until_it_waits(context, asked)
    assert not asked.done(), asked.result().text
    return asked


async def until_it_waits(context: Context, begun: asyncio.Future[Done]) -> None:
    """Until what was begun waits for a lock, or is done without."""

    async def waits_or_is_done() -> bool:
        async with context.unit() as session:
            return begun.done() or bool(await session.scalar(_WAITING))

    assert await eventually(waits_or_is_done)
