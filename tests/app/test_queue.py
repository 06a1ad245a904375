"""arq behind one module, on the real server: wake-ups that may be lost, forged or repeated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import structlog
from arq.constants import default_queue_name, in_progress_key_prefix, job_key_prefix
from redis.asyncio import Redis

from app.context import Context
from app.local.valkey import ValkeyServer
from app.queue import LeaseWorker, Queue
from tests.builders.ledgers import Ledger, at_work, due, eventually, nothing, owe, row_of
from tests.builders.towns import random_id

ANNOUNCED = "job:{}"


@pytest.fixture
async def server(valkey_server: ValkeyServer) -> AsyncIterator[Redis]:
    """The server, emptied."""
    async with Redis.from_url(valkey_server.url) as client:
        await client.flushall()
        yield client


@pytest.fixture
async def queue(server: Redis, valkey_server: ValkeyServer) -> AsyncIterator[Queue]:
    queue = Queue(valkey_server.url)
    yield queue
    await queue.aclose()


@pytest.fixture
def worker_of(valkey_server: ValkeyServer) -> Callable[..., LeaseWorker]:
    def make(ledger: Ledger, *, lease_s: float = 5) -> LeaseWorker:
        return LeaseWorker(url=valkey_server.url, dispatch=nothing, run=ledger.run, lease_s=lease_s)

    return make


WorkerOf = Callable[..., LeaseWorker]


class Gate:
    """Holds jobs in their middle until it is opened."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self) -> None:
        self.entered.set()
        await self.open.wait()


async def entered(gate: Gate) -> None:
    async with asyncio.timeout(20):
        await gate.entered.wait()


class TestQueue:
    async def test_carries_the_id_of_a_row_and_nothing_else(
        self, server: Redis, queue: Queue
    ) -> None:
        job_id = str(random_id())
        await queue.announce(job_id)
        message = await server.get(job_key_prefix + ANNOUNCED.format(job_id))
        assert message is not None
        assert message.startswith(b"{")
        assert message.count(job_id.encode()) == 1

    async def test_announced_twice_waits_once(self, server: Redis, queue: Queue) -> None:
        job_id = str(random_id())
        for _ in range(2):
            await queue.announce(job_id)
        assert await server.zcard(default_queue_name) == 1

    async def test_away_is_said_in_the_log_and_hurts_nobody(self, tmp_path: Path) -> None:
        queue = Queue(f"unix://{tmp_path}/absent.sock")
        with structlog.testing.capture_logs() as said:
            await queue.wake()
            await queue.announce(str(random_id()))
        assert [one["event"] for one in said] == ["queue_unreachable"] * 2

    async def test_comes_back_after_an_absence(self, server: Redis, queue: Queue) -> None:
        await queue.wake()
        await queue.aclose()
        await server.flushall()
        await queue.wake()
        assert await server.zcard(default_queue_name) == 1


class TestOutbox:
    async def test_two_workers_do_each_row_exactly_once(
        self,
        context: Context,
        queue: Queue,
        worker_of: WorkerOf,
        scaled: Callable[[int, int], int],
    ) -> None:
        ledger = Ledger(context)
        owed = [str(await owe(context)) for _ in range(scaled(500, 60))]
        async with at_work(worker_of(ledger), worker_of(ledger)):
            for _ in range(3):
                for job_id in owed:
                    await queue.announce(job_id)
            assert await eventually(lambda: _count(ledger, len(owed)))
        assert set(ledger.done.values()) == {1}
        assert set(ledger.done) == set(owed)

    async def test_an_emptied_server_costs_a_delay_never_a_row(
        self, context: Context, server: Redis, queue: Queue, worker_of: WorkerOf
    ) -> None:
        ledger = Ledger(context)
        owed = {str(await owe(context)) for _ in range(10)}
        for job_id in await due(context):
            await queue.announce(str(job_id))
        await server.flushall()
        async with at_work(worker_of(ledger)):
            for job_id in await due(context, resend_after_s=0):
                await queue.announce(str(job_id))
            assert await eventually(lambda: _count(ledger, len(owed)))
        assert set(ledger.done) == owed

    async def test_a_server_emptied_between_the_list_and_the_job_costs_a_delay_never_a_row(
        self, context: Context, server: Redis, queue: Queue, worker_of: WorkerOf
    ) -> None:
        ledger = Ledger(context)
        job_id = str(await owe(context))
        # What a worker sees that had read the list just before: an announcement without content.
        await server.zadd(default_queue_name, {ANNOUNCED.format(job_id): 1})
        async with at_work(worker_of(ledger)):
            assert await eventually(lambda: _empty(server))
            await queue.announce(job_id)
            assert await eventually(lambda: _count(ledger, 1))

    async def test_a_server_emptied_under_a_running_job_does_not_run_it_twice(
        self, context: Context, server: Redis, queue: Queue, worker_of: WorkerOf
    ) -> None:
        gate = Gate()
        ledger = Ledger(context, gate)
        job_id = str(await owe(context))
        async with at_work(worker_of(ledger), worker_of(ledger)):
            await queue.announce(job_id)
            await entered(gate)
            await server.flushall()
            await queue.announce(job_id)
            assert await eventually(lambda: _empty(server))
            gate.open.set()
            assert await eventually(lambda: _count(ledger, 1))
        assert ledger.done == {job_id: 1}


async def _count(ledger: Ledger, count: int) -> bool:
    return sum(ledger.done.values()) >= count


async def _empty(server: Redis) -> bool:
    return int(await server.zcard(default_queue_name)) == 0


class TestForged:
    """Threat 30: who can write to the server can wake workers, and nothing more."""

    async def test_threat_30_an_id_that_no_row_has_does_nothing(
        self, context: Context, server: Redis, queue: Queue, worker_of: WorkerOf
    ) -> None:
        ledger = Ledger(context)
        genuine = str(await owe(context))
        async with at_work(worker_of(ledger)):
            await queue.announce(str(random_id()))
            await queue.announce(genuine)
            assert await eventually(lambda: _count(ledger, 1))
            assert await eventually(lambda: _empty(server))
        assert ledger.done == {genuine: 1}

    async def test_threat_30_a_row_not_yet_due_is_not_hastened(
        self, context: Context, server: Redis, queue: Queue, worker_of: WorkerOf
    ) -> None:
        ledger = Ledger(context)
        later = await owe(context, after_s=3600)
        async with at_work(worker_of(ledger)):
            await queue.announce(str(later))
            assert await eventually(lambda: _empty(server))
        assert (await row_of(context, later)).state == "pending"

    @pytest.mark.parametrize(
        "payload",
        [
            pytest.param(b"cposix\nsystem\n(S'touch %s'\ntR.", id="pickle"),
            pytest.param(b"\xff\xfe", id="noise"),
            pytest.param(b"{}", id="nothing"),
            pytest.param(b'{"t":1,"f":"os.system","a":["x"],"k":{},"et":1}', id="function"),
            pytest.param(b'{"t":1,"f":"run","a":["x"],"k":{},"et":1}', id="id"),
            pytest.param(b'{"t":1,"f":"run","a":[],"k":{"job_id":{}},"et":1}', id="types"),
        ],
    )
    async def test_threat_30_a_poisoned_message_is_dropped_and_the_worker_goes_on(
        self,
        context: Context,
        server: Redis,
        queue: Queue,
        worker_of: WorkerOf,
        tmp_path: Path,
        payload: bytes,
    ) -> None:
        canary = tmp_path / "canari"
        forged = payload.replace(b"%s", str(canary).encode())
        await server.set(job_key_prefix + "forged", forged)
        await server.zadd(default_queue_name, {"forged": 1})
        ledger = Ledger(context)
        genuine = str(await owe(context))
        async with at_work(worker_of(ledger)):
            await queue.announce(genuine)
            assert await eventually(lambda: _count(ledger, 1))
            assert await eventually(lambda: _empty(server))
        assert not canary.exists()
        assert ledger.done == {genuine: 1}


class TestLeaseWorker:
    """One test for each internal of arq that `LeaseWorker` leans on."""

    async def test_in_progress_timeout_s_is_how_long_a_dead_worker_holds_a_job(
        self, context: Context, server: Redis, queue: Queue, worker_of: WorkerOf
    ) -> None:
        gate = Gate()
        job_id = str(await owe(context))
        async with at_work(worker_of(Ledger(context, gate), lease_s=7)):
            await queue.announce(job_id)
            await entered(gate)
            key = in_progress_key_prefix + ANNOUNCED.format(job_id)
            assert 0 < int(await server.pttl(key)) <= 7000
            gate.open.set()

    async def test_tasks_names_the_jobs_that_run(
        self, context: Context, queue: Queue, worker_of: WorkerOf
    ) -> None:
        gate = Gate()
        worker = worker_of(Ledger(context, gate))
        job_id = str(await owe(context))
        async with at_work(worker):
            await queue.announce(job_id)
            await entered(gate)
            assert list(worker.tasks) == [ANNOUNCED.format(job_id)]
            gate.open.set()
            assert await eventually(lambda: _idle(worker))

    async def test_main_keeps_the_hold_longer_than_a_lease(
        self, context: Context, server: Redis, queue: Queue, worker_of: WorkerOf
    ) -> None:
        gate = Gate()
        job_id = str(await owe(context))
        key = in_progress_key_prefix + ANNOUNCED.format(job_id)
        async with at_work(worker_of(Ledger(context, gate), lease_s=0.6)):
            await queue.announce(job_id)
            await entered(gate)
            started = asyncio.get_running_loop().time()

            async def long_after() -> bool:
                assert await server.exists(key)
                return asyncio.get_running_loop().time() - started > 1.5

            assert await eventually(long_after)
            gate.open.set()

    async def test_a_worker_that_stops_finishes_what_it_began(
        self, context: Context, queue: Queue, worker_of: WorkerOf
    ) -> None:
        gate = Gate()
        ledger = Ledger(context, gate)
        worker = worker_of(ledger)
        job_id = str(await owe(context))
        async with at_work(worker):
            await queue.announce(job_id)
            await entered(gate)
            asyncio.get_running_loop().call_later(0.2, gate.open.set)
        assert ledger.done == {job_id: 1}


async def _idle(worker: LeaseWorker) -> bool:
    return not worker.tasks
