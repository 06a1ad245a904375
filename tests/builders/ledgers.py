"""Job rows made for a test, and workers of this process that count what they do."""

from __future__ import annotations

import asyncio
import uuid
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from sqlalchemy import select

from app import jobs
from app.context import Context
from app.jobs import ClaimedJob
from app.kit.ids import new_id
from app.models import Job
from app.queue import LeaseWorker

LEASE = timedelta(seconds=20)
_PATIENCE_S = 20.0
_LAST_LOOK_S = 0.4
Condition = Callable[[], Awaitable[bool]]


async def owe(context: Context, *, kind: str = "essai", after_s: float = 0) -> uuid.UUID:
    """A row that is due in `after_s` seconds; its id."""
    key = str(new_id())
    async with context.unit() as session:
        await jobs.enqueue(
            session,
            kind,
            new_id(),
            {"object": key},
            run_after=context.clock() + timedelta(seconds=after_s),
            dedupe_key=key,
        )
        return (await session.execute(select(Job.id).where(Job.dedupe_key == key))).scalar_one()


async def row_of(context: Context, job_id: uuid.UUID) -> Job:
    async with context.unit() as session:
        return (await session.execute(select(Job).where(Job.id == job_id))).scalar_one()


async def due(context: Context, *, resend_after_s: float = 5) -> list[uuid.UUID]:
    async with context.unit() as session:
        after = timedelta(seconds=resend_after_s)
        return await jobs.due(session, context.clock(), resend_after=after)


async def claim(context: Context, job_id: uuid.UUID) -> ClaimedJob | None:
    async with context.unit() as session:
        return await jobs.claim(session, job_id, context.clock(), lease=LEASE)


async def claimed(context: Context, job_id: uuid.UUID) -> ClaimedJob:
    job = await claim(context, job_id)
    assert job is not None
    return job


async def finish(context: Context, job: ClaimedJob) -> None:
    async with context.unit() as session:
        await jobs.finish(session, job)


class Ledger:
    """Claims, counts and finishes rows as a handler would; `pause` holds each in its middle."""

    def __init__(
        self, context: Context, pause: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.context = context
        self.pause = pause
        self.done: Counter[str] = Counter()

    async def run(self, job_id: str) -> None:
        job = await claim(self.context, uuid.UUID(job_id))
        if job is None:
            return
        if self.pause is not None:
            await self.pause()
        await finish(self.context, job)
        self.done[job_id] += 1


async def nothing() -> None:
    """A dispatch that announces nothing."""


@asynccontextmanager
async def at_work(*workers: LeaseWorker) -> AsyncIterator[None]:
    """The workers run until the block ends; what they have begun is waited for."""
    running = [asyncio.create_task(one.async_run()) for one in workers]
    try:
        yield
    finally:
        for worker in workers:
            worker.allow_pick_jobs = False
        # A worker cancelled while it takes a job would leave a connection behind.
        await asyncio.sleep(_LAST_LOOK_S)
        for task, worker in zip(running, workers, strict=True):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            async with asyncio.timeout(_PATIENCE_S):
                await _closed(worker)


async def _closed(worker: LeaseWorker) -> None:
    with warnings.catch_warnings():
        # arq closes its pool by the name that redis-py 5 deprecates.
        warnings.filterwarnings("ignore", "Call to deprecated close", DeprecationWarning)
        await worker.close()


async def eventually(condition: Condition) -> bool:
    """Whether the condition became true in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE_S
    while not await condition():
        if loop.time() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True
