"""The outbox: rows in PostgreSQL are the truth, claims carry a lease and a fence."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app import jobs
from app.context import Context
from app.jobs import LostClaim
from app.kit.ids import new_id
from app.models import Job
from tests.builders.ledgers import LEASE, claim, claimed, due, finish, owe, row_of
from tests.builders.towns import DrivenClock


class TestEnqueue:
    async def test_twice_under_the_same_key_owes_once(self, context: Context) -> None:
        async with context.unit() as session:
            for _ in range(2):
                await jobs.enqueue(
                    session, "x", new_id(), {}, run_after=context.clock(), dedupe_key="une fois"
                )
            count = await session.scalar(select(func.count()).select_from(Job))
        assert count == 1

    async def test_is_undone_with_the_transaction_of_its_cause(self, context: Context) -> None:
        async def cause() -> None:
            async with context.unit() as session:
                await jobs.enqueue(session, "x", new_id(), {}, run_after=context.clock())
                raise ArithmeticError

        with pytest.raises(ArithmeticError):
            await cause()
        assert await due(context) == []


class TestDue:
    async def test_names_a_row_once_until_the_announcement_is_old(
        self, context: Context, clock: DrivenClock
    ) -> None:
        job_id = await owe(context)
        assert await due(context) == [job_id]
        assert await due(context) == []
        clock.advance(seconds=5)
        assert await due(context) == [job_id]

    async def test_waits_for_the_row_s_time(self, context: Context, clock: DrivenClock) -> None:
        job_id = await owe(context, after_s=10)
        assert await due(context) == []
        clock.advance(seconds=10)
        assert await due(context) == [job_id]

    async def test_leaves_a_living_lease_alone(self, context: Context) -> None:
        await claimed(context, await owe(context))
        assert await due(context, resend_after_s=0) == []

    async def test_names_what_a_dead_worker_held(
        self, context: Context, clock: DrivenClock
    ) -> None:
        job_id = await owe(context)
        await claimed(context, job_id)
        clock.advance(seconds=LEASE.total_seconds())
        assert await due(context) == [job_id]

    async def test_forgets_what_is_done(self, context: Context) -> None:
        await finish(context, await claimed(context, await owe(context)))
        assert await due(context, resend_after_s=0) == []


class TestClaim:
    async def test_is_won_by_one_of_many(self, context: Context) -> None:
        job_id = await owe(context)
        won = await asyncio.gather(*(claim(context, job_id) for _ in range(15)))
        assert len([one for one in won if one is not None]) == 1

    async def test_of_a_done_row_is_refused(self, context: Context) -> None:
        job_id = await owe(context)
        await finish(context, await claimed(context, job_id))
        assert await claim(context, job_id) is None

    async def test_of_a_row_not_yet_due_is_refused(self, context: Context) -> None:
        assert await claim(context, await owe(context, after_s=1)) is None

    async def test_of_a_row_that_nobody_wrote_is_refused(self, context: Context) -> None:
        assert await claim(context, new_id()) is None

    async def test_takes_over_once_the_lease_has_expired(
        self, context: Context, clock: DrivenClock
    ) -> None:
        job_id = await owe(context)
        first = await claimed(context, job_id)
        clock.advance(seconds=LEASE.total_seconds())
        second = await claimed(context, job_id)
        assert (second.fence, second.attempts) == (first.fence + 1, 2)

    async def test_lasts_as_long_as_it_is_renewed(
        self, context: Context, clock: DrivenClock
    ) -> None:
        job_id = await owe(context)
        job = await claimed(context, job_id)
        clock.advance(seconds=LEASE.total_seconds() - 1)
        async with context.unit() as session:
            await jobs.renew(session, job, context.clock(), lease=LEASE)
        clock.advance(seconds=LEASE.total_seconds() - 1)
        assert await claim(context, job_id) is None


class TestFence:
    """Who was taken over may not end, renew, give back or bury the job."""

    async def test_throws_the_late_worker_s_effect_away(
        self, context: Context, clock: DrivenClock
    ) -> None:
        job_id = await owe(context)
        late = await claimed(context, job_id)
        clock.advance(seconds=LEASE.total_seconds())
        await claimed(context, job_id)

        async def effect() -> None:
            async with context.unit() as session:
                await jobs.enqueue(session, "effet", new_id(), {}, run_after=context.clock())
                await jobs.finish(session, late)

        with pytest.raises(LostClaim):
            await effect()
        async with context.unit() as session:
            kinds = list(await session.scalars(select(Job.kind)))
        assert kinds == ["essai"]

    @pytest.mark.parametrize("verb", ["renew", "retry", "bury"])
    async def test_refuses_every_other_change(
        self, context: Context, clock: DrivenClock, verb: str
    ) -> None:
        job_id = await owe(context)
        late = await claimed(context, job_id)
        clock.advance(seconds=LEASE.total_seconds())
        await claimed(context, job_id)
        now = context.clock()
        async with context.unit() as session:
            changes = {
                "renew": lambda: jobs.renew(session, late, now, lease=LEASE),
                "retry": lambda: jobs.retry(session, late, run_after=now, error="x"),
                "bury": lambda: jobs.bury(session, late, error="x"),
            }
            with pytest.raises(LostClaim):
                await changes[verb]()

    async def test_lets_the_new_worker_finish(self, context: Context, clock: DrivenClock) -> None:
        job_id = await owe(context)
        await claimed(context, job_id)
        clock.advance(seconds=LEASE.total_seconds())
        await finish(context, await claimed(context, job_id))
        assert (await row_of(context, job_id)).state == "done"


class TestRetry:
    async def test_comes_back_at_its_time_with_its_error(
        self, context: Context, clock: DrivenClock
    ) -> None:
        job_id = await owe(context)
        job = await claimed(context, job_id)
        later = context.clock() + timedelta(seconds=30)
        async with context.unit() as session:
            await jobs.retry(session, job, run_after=later, error="Unreachable")
        assert await due(context) == []
        clock.advance(seconds=30)
        assert await due(context) == [job_id]
        assert (await row_of(context, job_id)).last_error == "Unreachable"

    async def test_buried_never_comes_back_and_stays_to_be_seen(
        self, context: Context, clock: DrivenClock
    ) -> None:
        job_id = await owe(context)
        async with context.unit() as session:
            await jobs.bury(session, await claimed(context, job_id), error="KeyError")
        clock.advance(days=30)
        assert await due(context) == []
        assert (await row_of(context, job_id)).state == "dead"


async def test_a_row_holds_no_text_of_a_folder(context: Context) -> None:
    columns = {one.name for one in Job.__table__.columns}
    assert columns == {
        "id",
        "kind",
        "tenant_id",
        "object_ids",
        "dedupe_key",
        "state",
        "run_after",
        "dispatched_at",
        "attempts",
        "fence",
        "lease_until",
        "last_error",
        "created_at",
    }
