"""The outbox: job rows are the truth, the queue only wakes workers (DESIGN D5)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.ids import new_id
from app.models import Job

_ENQUEUE = insert(Job).on_conflict_do_nothing(index_elements=[Job.dedupe_key])
PENDING, RUNNING, DONE, DEAD = "pending", "running", "done", "dead"


class LostClaim(Exception):
    """Another worker took the job over: this one's work is thrown away."""


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job this worker may finish as long as nobody claims it with a higher fence."""

    id: uuid.UUID
    kind: str
    tenant_id: uuid.UUID
    object_ids: Mapping[str, str]
    attempts: int
    fence: int


async def enqueue(
    session: AsyncSession,
    kind: str,
    tenant_id: uuid.UUID,
    object_ids: Mapping[str, str],
    *,
    run_after: datetime,
    dedupe_key: str | None = None,
) -> None:
    """Adds a row in the transaction of its cause; a known `dedupe_key` adds nothing."""
    row = {
        "id": new_id(),
        "kind": kind,
        "tenant_id": tenant_id,
        "object_ids": dict(object_ids),
        "dedupe_key": dedupe_key,
        "run_after": run_after,
    }
    await session.execute(_ENQUEUE, row)


async def due(
    session: AsyncSession, now: datetime, *, resend_after: timedelta, limit: int = 100
) -> list[uuid.UUID]:
    """Rows to announce: due, unfinished, never announced or announced long ago. Dispatcher and
    sweeper are this one query, so a lost queue only costs a delay."""
    waiting = and_(Job.state == PENDING, Job.run_after <= now)
    abandoned = and_(Job.state == RUNNING, Job.lease_until <= now)
    silent = or_(Job.dispatched_at.is_(None), Job.dispatched_at <= now - resend_after)
    rows = await session.scalars(
        select(Job)
        .where(or_(waiting, abandoned), silent)
        .order_by(Job.run_after)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = list(rows)
    for row in found:
        row.dispatched_at = now
    return [row.id for row in found]


async def claim(
    session: AsyncSession, job_id: uuid.UUID, now: datetime, *, lease: timedelta
) -> ClaimedJob | None:
    """Takes the job, or None when it is done, not due, or another worker's lease is alive."""
    free = or_(
        and_(Job.state == PENDING, Job.run_after <= now),
        and_(Job.state == RUNNING, Job.lease_until <= now),
    )
    row = (
        await session.execute(
            update(Job)
            .where(Job.id == job_id, free)
            .values(
                state=RUNNING,
                fence=Job.fence + 1,
                attempts=Job.attempts + 1,
                lease_until=now + lease,
            )
            .returning(Job.id, Job.kind, Job.tenant_id, Job.object_ids, Job.attempts, Job.fence)
        )
    ).one_or_none()
    if row is None:
        return None
    return ClaimedJob(*row)


async def renew(session: AsyncSession, job: ClaimedJob, now: datetime, *, lease: timedelta) -> None:
    """Keeps the lease while the work lasts."""
    await _change(session, job, lease_until=now + lease)


async def finish(session: AsyncSession, job: ClaimedJob) -> None:
    """Ends the job in the transaction of its effect. Raises LostClaim."""
    await _change(session, job, state=DONE, lease_until=None, last_error=None)


async def retry(session: AsyncSession, job: ClaimedJob, *, run_after: datetime, error: str) -> None:
    """Puts a job off, as its handler planned: it did not fail, so its attempts start again."""
    await _put_off(session, job, run_after=run_after, error=error, attempts=0)


async def give_back(
    session: AsyncSession, job: ClaimedJob, *, run_after: datetime, error: str
) -> None:
    """Gives back a job that failed; the retry policy lives in these columns, not in the queue."""
    await _put_off(session, job, run_after=run_after, error=error, attempts=job.attempts)


async def _put_off(
    session: AsyncSession, job: ClaimedJob, *, run_after: datetime, error: str, attempts: int
) -> None:
    await _change(
        session,
        job,
        state=PENDING,
        lease_until=None,
        dispatched_at=None,
        run_after=run_after,
        last_error=error,
        attempts=attempts,
    )


async def bury(session: AsyncSession, job: ClaimedJob, *, error: str) -> None:
    """No further try: a person must look (the row stays)."""
    await _change(session, job, state=DEAD, lease_until=None, last_error=error)


async def is_known(session: AsyncSession, dedupe_key: str) -> bool:
    """Whether the job of this key was ever owed."""
    found = await session.scalar(select(Job.id).where(Job.dedupe_key == dedupe_key))
    return found is not None


async def is_dead(session: AsyncSession, dedupe_key: str) -> bool:
    """Whether the job of this key was buried."""
    state = await session.scalar(select(Job.state).where(Job.dedupe_key == dedupe_key))
    return state == DEAD


async def revive(session: AsyncSession, dedupe_key: str, *, run_after: datetime) -> None:
    """A person had a look: the job of this key, if it was buried, is tried as a new one."""
    await session.execute(
        update(Job)
        .where(Job.dedupe_key == dedupe_key, Job.state == DEAD)
        .values(state=PENDING, attempts=0, dispatched_at=None, run_after=run_after)
    )


async def _change(session: AsyncSession, job: ClaimedJob, **values: object) -> None:
    result = await session.execute(
        update(Job)
        .where(Job.id == job.id, Job.fence == job.fence, Job.state == RUNNING)
        .values(**values)
        .returning(Job.id)
    )
    if result.scalar_one_or_none() is None:
        raise LostClaim(str(job.id))
