"""A worker that dies, or that wakes up too late, between any two steps of a submission."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from app.context import Context
from app.demo.town import Town
from app.jobs import LostClaim
from app.transmissions import outcomes, sending
from app.transmissions.remote import connected
from app.transmissions.schemas import AttemptOutcome
from app.transmissions.sending import Dispatch
from app.transmissions.service import SUBMIT
from connectors.base import Receipt
from tests.builders.transmissions import Waiting, claim_job
from tests.builders.wires import Wire
from workflows.definition import Protocol


@dataclass(frozen=True, slots=True)
class SlowWorker:
    """A worker played line by line, that may stop for good after any of them."""

    context: Context
    town: Town

    async def prepare(self) -> Dispatch:
        job = await claim_job(self.context, self.town, SUBMIT)
        async with self.context.unit(self.town.tenant_id) as session:
            dispatch = await sending.prepare(session, self.context, job)
        assert dispatch is not None
        return dispatch

    async def claim(self, dispatch: Dispatch) -> None:
        async with connected(self.context, dispatch.account) as connector:
            highest = await connector.highest_known_id(dispatch.submission)
        async with self.context.unit(self.town.tenant_id) as session:
            assert await sending.claim(session, self.context, dispatch, highest)

    async def post(self, dispatch: Dispatch) -> Receipt:
        async with connected(self.context, dispatch.account) as connector:
            return await connector.submit(dispatch.submission)

    async def record(self, dispatch: Dispatch, receipt: Receipt) -> None:
        await outcomes.record_receipt(self.context, dispatch, receipt)


@pytest.fixture
def slow_worker(wire: Wire) -> SlowWorker:
    return SlowWorker(wire.context, wire.town)


async def _another_worker_goes_on(wire: Wire) -> None:
    """The lease runs out, then the send time-out."""
    wire.clock.advance(seconds=wire.context.settings.worker.lease_s)
    await wire.work(SUBMIT)
    wire.outlast_post()
    await wire.work(SUBMIT)


async def _ends_sent_once(wire: Wire, waiting: Waiting) -> bool:
    row = await wire.row(waiting)
    sent = [str(one.id) for one in wire.double.transactions()]
    return row.state == "sent" and sent == [row.remote_id]


class TestKilled:
    async def test_before_anything_was_recorded(
        self, wire: Wire, slow_worker: SlowWorker, protocol: Protocol
    ) -> None:
        waiting = await wire.waiting(protocol)
        await slow_worker.prepare()
        await _another_worker_goes_on(wire)
        assert await _ends_sent_once(wire, waiting)

    async def test_between_the_record_and_the_post(
        self, wire: Wire, slow_worker: SlowWorker, protocol: Protocol
    ) -> None:
        waiting = await wire.waiting(protocol)
        await slow_worker.claim(await slow_worker.prepare())
        await _another_worker_goes_on(wire)
        assert await _ends_sent_once(wire, waiting)

    async def test_between_the_post_and_its_outcome(
        self, wire: Wire, slow_worker: SlowWorker, protocol: Protocol
    ) -> None:
        waiting = await wire.waiting(protocol)
        dispatch = await slow_worker.prepare()
        await slow_worker.claim(dispatch)
        await slow_worker.post(dispatch)
        await _another_worker_goes_on(wire)
        assert await _ends_sent_once(wire, waiting)

    async def test_the_interrupted_attempt_is_kept_as_unknown(
        self, wire: Wire, slow_worker: SlowWorker
    ) -> None:
        waiting = await wire.waiting(Protocol.ACTES)
        await slow_worker.claim(await slow_worker.prepare())
        await _another_worker_goes_on(wire)
        outcomes_ = [one.outcome for one in await wire.attempts(waiting)]
        assert outcomes_ == ["ambiguous", "taken"]

    async def test_a_flow_found_again_is_not_posted_again(
        self, wire: Wire, slow_worker: SlowWorker
    ) -> None:
        waiting = await wire.waiting(Protocol.HELIOS)
        dispatch = await slow_worker.prepare()
        await slow_worker.claim(dispatch)
        await slow_worker.post(dispatch)
        await _another_worker_goes_on(wire)
        assert len(wire.double.attempts(key=waiting.key)) == 1


class TestOvertaken:
    async def test_a_worker_that_lost_its_lease_sends_nothing(
        self, wire: Wire, slow_worker: SlowWorker, protocol: Protocol
    ) -> None:
        await wire.waiting(protocol)
        dispatch = await slow_worker.prepare()
        wire.clock.advance(seconds=wire.context.settings.worker.lease_s)
        await wire.work(SUBMIT)
        with pytest.raises(LostClaim):
            await slow_worker.claim(dispatch)

    async def test_nor_does_it_when_the_other_one_is_only_about_to_send(
        self, wire: Wire, slow_worker: SlowWorker
    ) -> None:
        await wire.waiting(Protocol.ACTES)
        overtaken = await slow_worker.prepare()
        wire.clock.advance(seconds=wire.context.settings.worker.lease_s)
        await slow_worker.prepare()
        with pytest.raises(LostClaim):
            await slow_worker.claim(overtaken)

    async def test_its_receipt_counts_even_when_another_has_the_job(
        self, wire: Wire, slow_worker: SlowWorker, protocol: Protocol
    ) -> None:
        waiting = await wire.waiting(protocol)
        dispatch = await slow_worker.prepare()
        await slow_worker.claim(dispatch)
        receipt = await slow_worker.post(dispatch)
        wire.clock.advance(seconds=wire.context.settings.worker.lease_s)
        await wire.work(SUBMIT)
        await slow_worker.record(dispatch, receipt)
        wire.outlast_post()
        await wire.work(SUBMIT)
        assert await _ends_sent_once(wire, waiting)

    async def test_a_late_receipt_does_not_undo_what_another_recorded(
        self, wire: Wire, slow_worker: SlowWorker, protocol: Protocol
    ) -> None:
        waiting = await wire.waiting(protocol)
        dispatch = await slow_worker.prepare()
        await slow_worker.claim(dispatch)
        receipt = await slow_worker.post(dispatch)
        await _another_worker_goes_on(wire)
        await slow_worker.record(dispatch, receipt)
        assert await _ends_sent_once(wire, waiting)

    async def test_recording_twice_is_refused_by_the_fence(
        self, wire: Wire, slow_worker: SlowWorker, protocol: Protocol
    ) -> None:
        await wire.waiting(protocol)
        dispatch = await slow_worker.prepare()
        await slow_worker.claim(dispatch)
        receipt = await slow_worker.post(dispatch)
        await slow_worker.record(dispatch, receipt)
        taken, remote_id = AttemptOutcome.TAKEN, receipt.remote_id
        async with wire.context.unit(wire.town.tenant_id) as session:
            with pytest.raises(LostClaim):
                await outcomes.record_taken(
                    session, wire.context, dispatch, outcome=taken, remote_id=remote_id
                )
