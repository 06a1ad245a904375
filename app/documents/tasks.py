"""The jobs that delete bytes: those of one folder, and each night whatever nobody names."""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta
from typing import Final

import structlog

from app import jobs
from app.context import Context
from app.documents.disposal import rules_of
from app.documents.repository import DocumentRepository

SWEEP: Final = "documents.sweep"
_AT: Final = time(hour=2)
_NOBODY: Final = uuid.UUID(int=0)
_log = structlog.get_logger()


async def reclaim(context: Context, job: jobs.ClaimedJob) -> None:
    """Deletes what a refused folder ceased to name, in two visits a grace apart."""
    folder_id = uuid.UUID(job.object_ids["folder_id"])
    async with context.unit(job.tenant_id) as session:
        digests = await DocumentRepository(session).orphans(folder_id)
    rules = rules_of(context)
    gone = await context.store.reclaim(digests, rules)
    async with context.unit(job.tenant_id) as session:
        if not gone:
            await jobs.retry(session, job, run_after=rules.now + rules.grace, error="put_aside")
            return
        await DocumentRepository(session).forget_orphans(folder_id)
        await jobs.finish(session, job)


async def sweep(context: Context, job: jobs.ClaimedJob) -> None:
    """Visits the whole storage."""
    swept = await context.store.sweep(rules_of(context))
    _log.info(
        "storage_swept",
        temporary=swept.temporary,
        put_aside=swept.put_aside,
        removed=swept.removed,
    )
    async with context.unit() as session:
        await jobs.finish(session, job)


async def owe_sweep(context: Context) -> datetime:
    """Owes the sweep of the coming night, once however many workers ask; when it is due."""
    now = context.clock()
    night = datetime.combine(now.date(), _AT, now.tzinfo)
    due = night if night > now else night + timedelta(days=1)
    async with context.unit() as session:
        await jobs.enqueue(
            session, SWEEP, _NOBODY, {}, run_after=due, dedupe_key=f"{SWEEP}:{due.date()}"
        )
    return due
