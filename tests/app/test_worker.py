"""What a worker does with a row: runs it once, gives it back with a longer and longer wait."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.context import Context
from app.demo.town import Town
from app.kit.clock import system_clock
from app.local.valkey import ValkeyServer
from app.queue import LeaseWorker, Queue
from app.tasks import HANDLERS, Handler
from app.worker import MAX_ATTEMPTS, dispatch, drain, run
from tests.builders.ledgers import at_work, claimed, eventually, owe, row_of
from tests.builders.people import ApiPerson, approve
from tests.builders.towns import DrivenClock


@pytest.fixture
async def server(valkey_server: ValkeyServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey_server.url) as client:
        await client.flushall()
        yield client


@pytest.fixture
async def queue(server: Redis, valkey_server: ValkeyServer) -> AsyncIterator[Queue]:
    queue = Queue(valkey_server.url)
    yield queue
    await queue.aclose()


class TestRun:
    """A kind that no handler knows stands for a handler that raises."""

    async def test_gives_a_failed_row_back_for_later(
        self, context: Context, clock: DrivenClock
    ) -> None:
        job_id = await owe(context, kind="inconnu")
        assert await run(context, job_id)
        row = await row_of(context, job_id)
        assert (row.state, row.attempts, row.last_error) == ("pending", 1, "KeyError")
        assert row.run_after > clock()

    async def test_waits_longer_after_each_failure_and_ten_minutes_at_most(
        self, context: Context, clock: DrivenClock
    ) -> None:
        job_id = await owe(context, kind="inconnu")
        waits = []
        for _ in range(MAX_ATTEMPTS - 1):
            assert await run(context, job_id)
            row = await row_of(context, job_id)
            waits.append((row.run_after - clock()).total_seconds())
            clock.now = row.run_after
        assert waits == sorted(waits)
        assert waits[:3] == [2, 4, 8]
        assert waits[-1] == 600

    async def test_buries_what_keeps_failing(self, context: Context, clock: DrivenClock) -> None:
        job_id = await owe(context, kind="inconnu")
        for _ in range(MAX_ATTEMPTS):
            await run(context, job_id)
            clock.advance(seconds=600)
        assert (await row_of(context, job_id)).state == "dead"
        assert not await run(context, job_id)

    async def test_says_in_the_journal_which_job_of_a_tenant_it_buried(
        self, context: Context, town: Town, clock: DrivenClock
    ) -> None:
        folder = {"folder_id": str(uuid.uuid4())}
        async with context.unit() as session:
            now = clock()
            await jobs.enqueue(session, "inconnu", town.tenant_id, folder, run_after=now)
        for _ in range(MAX_ATTEMPTS):
            await drain(context)
            clock.advance(seconds=600)
        async with context.unit(town.tenant_id) as session:
            query = text("SELECT entry FROM audit_events WHERE kind = 'job.buried'")
            entry = json.loads((await session.execute(query)).scalar_one())
        said = entry["details"]
        assert entry["folder"] == folder["folder_id"]
        assert (said["job_kind"], said["error"]) == ("inconnu", "KeyError")

    async def test_leaves_a_row_that_another_worker_holds(self, context: Context) -> None:
        job_id = await owe(context, kind="inconnu")
        await claimed(context, job_id)
        assert not await run(context, job_id)

    async def test_keeps_its_lease_although_a_renewal_failed(
        self, context: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        renewals: list[jobs.ClaimedJob] = []
        renew = jobs.renew

        async def fails_first(
            session: AsyncSession, job: jobs.ClaimedJob, now: datetime, *, lease: timedelta
        ) -> None:
            renewals.append(job)
            if len(renewals) == 1:
                raise ConnectionError
            await renew(session, job, now, lease=lease)

        async def renewed_twice() -> bool:
            return len(renewals) > 1

        async def lasting(context: Context, job: jobs.ClaimedJob) -> None:
            assert await eventually(renewed_twice)
            async with context.unit() as session:
                await jobs.finish(session, job)

        monkeypatch.setattr(jobs, "renew", fails_first)
        monkeypatch.setitem(cast("dict[str, Handler]", HANDLERS), "lasting", lasting)
        worker = context.settings.worker.model_copy(update={"lease_s": 0.3})
        settings = context.settings.model_copy(update={"worker": worker})
        job_id = await owe(context, kind="lasting")
        assert await run(replace(context, settings=settings), job_id)
        assert (await row_of(context, job_id)).state == "done"

    async def test_renews_its_lease_twice_before_the_first_one_ends(
        self, context: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        in_time: list[bool] = []

        async def lasting(context: Context, job: jobs.ClaimedJob) -> None:
            first = (await row_of(context, job.id)).lease_until
            assert first is not None
            leases = {first}

            async def renewed_twice() -> bool:
                leases.add((await row_of(context, job.id)).lease_until or first)
                return len(leases) > 2

            in_time.append(await eventually(renewed_twice) and context.clock() < first)
            async with context.unit() as session:
                await jobs.finish(session, job)

        monkeypatch.setitem(cast("dict[str, Handler]", HANDLERS), "lasting", lasting)
        worker = context.settings.worker.model_copy(update={"lease_s": 3})
        settings = context.settings.model_copy(update={"worker": worker})
        real = replace(context, clock=system_clock, settings=settings)
        assert await run(real, await owe(real, kind="lasting"))
        assert in_time == [True]

    async def test_of_a_row_that_does_not_exist_does_nothing(self, context: Context) -> None:
        assert not await run(context, uuid.uuid4())

    async def test_threat_41_keeps_the_error_s_name_and_never_its_text(
        self, context: Context
    ) -> None:
        job_id = await owe(context, kind="mot-de-passe")
        await run(context, job_id)
        assert (await row_of(context, job_id)).last_error == "KeyError"


class TestDrain:
    async def test_runs_what_the_rows_themselves_owe(
        self, context: Context, town: Town, finances: ApiPerson
    ) -> None:
        await finances.submitted()
        assert await drain(context) > 0
        assert await drain(context) == 0

    async def test_twice_tells_people_once(
        self, context: Context, town: Town, finances: ApiPerson
    ) -> None:
        await finances.submitted()
        await drain(context)
        async with context.unit(town.tenant_id) as session:
            await session.execute(text("UPDATE jobs SET state = 'pending', lease_until = NULL"))
        await drain(context)
        async with context.unit(town.tenant_id) as session:
            told = await session.scalar(text("SELECT count(*) FROM notifications"))
        assert told == 1


class TestTwoWorkers:
    """The real handlers, announced through the real queue."""

    async def test_do_everything_once_though_the_queue_is_emptied_in_the_middle(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        server: Redis,
        queue: Queue,
        valkey_server: ValkeyServer,
    ) -> None:
        real = replace(context, clock=system_clock)
        real.settings.worker.resend_s = 0.3
        folders = [await finances.submitted("letters") for _ in range(6)]
        workers = [worker_on(real, queue, valkey_server) for _ in range(2)]
        async with at_work(*workers):
            await dispatch(real, queue)
            for folder_id in folders:
                await approve(direction, folder_id)
            await server.flushall()

            async def all_done() -> bool:
                await dispatch(real, queue)
                async with context.unit() as session:
                    left = await session.scalar(
                        text("SELECT count(*) FROM jobs WHERE state <> 'done' AND kind LIKE 'f%'")
                    )
                return not left

            assert await eventually(all_done)
        async with context.unit(town.tenant_id) as session:
            told = await session.execute(
                text(
                    "SELECT folder_id, count(*) FROM notifications WHERE user_id = :mayor "
                    "GROUP BY folder_id"
                ),
                {"mayor": town.users["maire"]},
            )
            assert {str(folder): count for folder, count in told} == dict.fromkeys(folders, 1)

    async def test_a_request_wakes_them_without_waiting_for_the_sweeper(
        self, context: Context, finances: ApiPerson, queue: Queue, valkey_server: ValkeyServer
    ) -> None:
        real = replace(context, clock=system_clock)
        await finances.submitted("letters")
        async with at_work(worker_on(real, queue, valkey_server)):
            await queue.wake()

            async def done() -> bool:
                async with context.unit() as session:
                    query = "SELECT count(*) FROM jobs WHERE state = 'done'"
                    return bool(await session.scalar(text(query)))

            assert await eventually(done)


def worker_on(context: Context, queue: Queue, server: ValkeyServer) -> LeaseWorker:
    """A worker as `work` makes it, without its sweeper."""
    return LeaseWorker(
        url=server.url,
        dispatch=lambda: dispatch(context, queue),
        run=lambda job_id: run(context, uuid.UUID(job_id)),
        lease_s=5,
    )
