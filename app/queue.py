"""arq, behind one module: wake-ups of workers, never the truth (DESIGN D5).

Pinned to arq 0.28.0: `LeaseWorker` touches its internals `tasks`, `main`, `in_progress_timeout_s`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog
from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.constants import in_progress_key_prefix
from arq.worker import Worker, func
from redis.exceptions import RedisError

_DISPATCH = "dispatch"
_RUN = "run"
_CALL_S = 2.0
_log = structlog.get_logger()

Dispatch = Callable[[], Awaitable[None]]
Run = Callable[[str], Awaitable[object]]


def redis_settings(url: str) -> RedisSettings:
    """`redis://…`, `rediss://…` or `unix:///path`."""
    settings = RedisSettings.from_dsn(url)
    settings.conn_timeout = 2
    settings.conn_retries = 1
    return settings


def _dump(value: dict[str, Any]) -> bytes:
    return json.dumps(value, default=str).encode()


def _load(data: bytes) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(data))


class Queue:
    """The sending side. Every call may fail in silence: the sweeper repairs it."""

    def __init__(self, url: str) -> None:
        self._settings = redis_settings(url)
        self._pool: ArqRedis | None = None

    async def wake(self) -> None:
        """Asks a worker to look at the job rows now."""
        await self._send(_DISPATCH, job_id=_DISPATCH)

    async def announce(self, job_id: str) -> None:
        """Names a row to run; already announced, nothing is added."""
        await self._send(_RUN, job_id, job_id=f"job:{job_id}")

    async def _send(self, function: str, *arguments: str, job_id: str) -> None:
        try:
            async with asyncio.timeout(_CALL_S):
                pool = await self._connected()
                await pool.enqueue_job(function, *arguments, _job_id=job_id)
        except (OSError, RedisError, TimeoutError) as e:
            _log.warning("queue_unreachable", error=type(e).__name__)
            await self.aclose()

    async def _connected(self) -> ArqRedis:
        if self._pool is None:
            self._pool = await create_pool(
                self._settings, job_serializer=_dump, job_deserializer=_load
            )
        return self._pool

    async def aclose(self) -> None:
        """Drops the connection; the next call makes another."""
        pool, self._pool = self._pool, None
        if pool is not None:
            with contextlib.suppress(OSError, RedisError):
                await pool.aclose()


class LeaseWorker(Worker):
    """A worker whose hold on a job is a short lease: killed, its jobs come back in seconds."""

    def __init__(self, *, url: str, dispatch: Dispatch, run: Run, lease_s: float) -> None:
        async def _dispatch(_ctx: dict[str, Any]) -> None:
            await dispatch()

        async def _run(_ctx: dict[str, Any], job_id: str) -> None:
            await run(job_id)

        super().__init__(
            functions=[
                func(cast("Any", _dispatch), name=_DISPATCH, keep_result=0, max_tries=1000),
                func(cast("Any", _run), name=_RUN, keep_result=0, max_tries=1000),
            ],
            redis_settings=redis_settings(url),
            job_serializer=_dump,
            job_deserializer=_load,
            job_completion_wait=20,
            job_timeout=3600,
            max_jobs=8,
            # A result kept would refuse the next announcement of the same row for its whole life:
            # arq keeps that of a job whose content went away, whatever its function says.
            keep_result=0,
            poll_delay=0.1,
            log_results=False,
        )
        self.in_progress_timeout_s = lease_s

    async def main(self) -> None:
        """arq's loop, with the leases renewed beside it."""
        renewal = asyncio.create_task(self._renew())
        try:
            await super().main()
        finally:
            renewal.cancel()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self.in_progress_timeout_s / 3)
            for job_id in list(self.tasks):
                with contextlib.suppress(OSError, RedisError):
                    await self.pool.pexpire(
                        in_progress_key_prefix + job_id, int(self.in_progress_timeout_s * 1000)
                    )
