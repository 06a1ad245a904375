"""The worker process: announces due rows, claims them, runs their handlers."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from datetime import timedelta

import structlog

from app import jobs
from app.audit.chain import Occurrence
from app.audit.service import SYSTEM, record
from app.context import Context
from app.documents.tasks import owe_sweep
from app.kit.logs import configure_logs
from app.models import Tenant
from app.process import open_context
from app.queue import LeaseWorker, Queue
from app.settings import Settings
from app.tasks import HANDLERS

MAX_ATTEMPTS = 12
_MAX_BACK_OFF_S = 600
_log = structlog.get_logger()


async def work(settings: Settings) -> None:
    """Runs until a signal; jobs under way are finished first, then the process ends."""
    configure_logs()
    assert settings.redis.url is not None
    url = settings.redis.url.get_secret_value()
    async with open_context(settings) as context:
        queue = Queue(url)
        sweeper = asyncio.create_task(_sweep(context, queue))
        worker = LeaseWorker(
            url=url,
            dispatch=lambda: dispatch(context, queue),
            run=lambda job_id: run(context, uuid.UUID(job_id)),
            lease_s=settings.worker.lease_s,
        )
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await worker.async_run()
        finally:
            sweeper.cancel()
            await worker.close()
            await queue.aclose()


async def _sweep(context: Context, queue: Queue) -> None:
    night = context.clock()
    while True:
        try:
            if context.clock() >= night:
                night = await owe_sweep(context)
            await dispatch(context, queue)
        except Exception as e:  # noqa: BLE001  the sweeper outlives a database that restarts
            _log.warning("dispatch_failed", error=type(e).__name__)
        await asyncio.sleep(context.settings.worker.dispatch_s)


async def dispatch(context: Context, queue: Queue) -> None:
    """Announces every row that is due and silent: new ones and those a lost queue forgot."""
    resend_after = timedelta(seconds=context.settings.worker.resend_s)
    async with context.unit() as session:
        found = await jobs.due(session, context.clock(), resend_after=resend_after)
    for job_id in found:
        await queue.announce(str(job_id))


async def run(context: Context, job_id: uuid.UUID) -> bool:
    """Claims and runs one row; false when somebody else has it or it is done."""
    lease = timedelta(seconds=context.settings.worker.lease_s)
    async with context.unit() as session:
        job = await jobs.claim(session, job_id, context.clock(), lease=lease)
    if job is None:
        return False
    renewal = asyncio.create_task(_renew(context, job, lease))
    try:
        await HANDLERS[job.kind](context, job)
    except jobs.LostClaim:
        _log.warning("job_taken_over", job=str(job.id), kind=job.kind)
    except Exception as e:  # noqa: BLE001  the edge of a job
        _log.exception("job_failed", job=str(job.id), kind=job.kind, attempt=job.attempts)
        await _give_back(context, job, type(e).__name__)
    finally:
        renewal.cancel()
    return True


async def _renew(context: Context, job: jobs.ClaimedJob, lease: timedelta) -> None:
    while True:
        await asyncio.sleep(lease.total_seconds() / 3)
        try:
            async with context.unit() as session:
                await jobs.renew(session, job, context.clock(), lease=lease)
        except jobs.LostClaim:
            return
        except Exception as e:  # noqa: BLE001  the next one comes before the lease ends
            _log.warning("renewal_failed", job=str(job.id), error=type(e).__name__)


async def _give_back(context: Context, job: jobs.ClaimedJob, error: str) -> None:
    with contextlib.suppress(jobs.LostClaim):
        if job.attempts >= MAX_ATTEMPTS:
            await _bury(context, job, error)
            return
        async with context.unit() as session:
            wait_s = min(2**job.attempts, _MAX_BACK_OFF_S)
            run_after = context.clock() + timedelta(seconds=wait_s)
            await jobs.give_back(session, job, run_after=run_after, error=error)


async def _bury(context: Context, job: jobs.ClaimedJob, error: str) -> None:
    """A person must look: the trace names what the job was about, and the journal of its tenant
    says so."""
    about = {"job": str(job.id), "job_kind": job.kind, "error": error, **job.object_ids}
    async with context.unit(job.tenant_id) as session:
        await jobs.bury(session, job, error=error)
        if await session.get(Tenant, job.tenant_id) is not None:
            folder = job.object_ids.get("folder_id")
            what = Occurrence(kind="job.buried", actor=SYSTEM, folder=folder, details=about)
            record(session, what, at=context.clock())
    _log.error("job_buried", **about)


async def drain(context: Context) -> int:
    """Runs every row that is due, here and now, until none is; how many ran. For tests and for
    commands that need no queue."""
    ran = 0
    while True:
        async with context.unit() as session:
            found = await jobs.due(session, context.clock(), resend_after=timedelta(0))
        progressed = [await run(context, job_id) for job_id in found]
        if not any(progressed):
            return ran
        ran += sum(progressed)
