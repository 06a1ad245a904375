"""A worker that dies, or that wakes up too late, between any two steps of a submission."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from app.context import Context
from app.demo.s2low import S2lowDouble
from app.demo.town import Town
from app.jobs import LostClaim
from app.transmissions import outcomes, sending, tasks
from app.transmissions.remote import connected
from app.transmissions.schemas import AttemptOutcome
from app.transmissions.sending import Dispatch
from app.transmissions.service import SUBMIT
from connectors.base import Receipt
from tests.builders.towns import DrivenClock
from tests.builders.transmissions import (
    Waiting,
    attempts_of,
    claim_job,
    make_waiting,
    transmission_of,
    work,
)
from workflows.definition import Protocol


@dataclass
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
        async with self.context.unit(self.town.tenant_id) as session:
            await outcomes.record_taken(
                session,
                self.context,
                dispatch,
                outcome=AttemptOutcome.TAKEN,
                remote_id=receipt.remote_id,
            )


@pytest.fixture
def slow_worker(tdt_context: Context, town: Town) -> SlowWorker:
    return SlowWorker(tdt_context, town)


async def _another_worker_goes_on(context: Context, clock: DrivenClock, town: Town) -> None:
    """The lease runs out, then the send time-out."""
    clock.advance(seconds=context.settings.worker.lease_s)
    await work(context, town, SUBMIT)
    clock.advance(seconds=context.settings.tdt.send_s)
    await work(context, town, SUBMIT)


async def _ends_sent_once(context: Context, double: S2lowDouble, waiting: Waiting) -> bool:
    row = await transmission_of(context, waiting)
    sent = [str(one.id) for one in double.transactions()]
    return row.state == "sent" and sent == [row.remote_id]


class TestKilled:
    async def test_before_anything_was_recorded(
        self,
        tdt_context: Context,
        slow_worker: SlowWorker,
        double: S2lowDouble,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        waiting = await make_waiting(tdt_context, slow_worker.town, protocol)
        await slow_worker.prepare()
        await _another_worker_goes_on(tdt_context, clock, slow_worker.town)
        assert await _ends_sent_once(tdt_context, double, waiting)

    async def test_between_the_record_and_the_post(
        self,
        tdt_context: Context,
        slow_worker: SlowWorker,
        double: S2lowDouble,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        waiting = await make_waiting(tdt_context, slow_worker.town, protocol)
        await slow_worker.claim(await slow_worker.prepare())
        await _another_worker_goes_on(tdt_context, clock, slow_worker.town)
        assert await _ends_sent_once(tdt_context, double, waiting)

    async def test_between_the_post_and_its_outcome(
        self,
        tdt_context: Context,
        slow_worker: SlowWorker,
        double: S2lowDouble,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        waiting = await make_waiting(tdt_context, slow_worker.town, protocol)
        dispatch = await slow_worker.prepare()
        await slow_worker.claim(dispatch)
        await slow_worker.post(dispatch)
        await _another_worker_goes_on(tdt_context, clock, slow_worker.town)
        assert await _ends_sent_once(tdt_context, double, waiting)

    async def test_the_interrupted_attempt_is_kept_as_unknown(
        self, tdt_context: Context, slow_worker: SlowWorker, clock: DrivenClock
    ) -> None:
        waiting = await make_waiting(tdt_context, slow_worker.town, Protocol.ACTES)
        await slow_worker.claim(await slow_worker.prepare())
        await _another_worker_goes_on(tdt_context, clock, slow_worker.town)
        outcomes_ = [one.outcome for one in await attempts_of(tdt_context, waiting)]
        assert outcomes_ == ["ambiguous", "taken"]

    async def test_a_flow_found_again_is_not_posted_again(
        self,
        tdt_context: Context,
        slow_worker: SlowWorker,
        double: S2lowDouble,
        clock: DrivenClock,
    ) -> None:
        waiting = await make_waiting(tdt_context, slow_worker.town, Protocol.HELIOS)
        dispatch = await slow_worker.prepare()
        await slow_worker.claim(dispatch)
        await slow_worker.post(dispatch)
        await _another_worker_goes_on(tdt_context, clock, slow_worker.town)
        assert len(double.attempts(key=waiting.key)) == 1


class TestOvertaken:
    async def test_a_worker_that_lost_its_lease_sends_nothing(
        self,
        tdt_context: Context,
        slow_worker: SlowWorker,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        await make_waiting(tdt_context, slow_worker.town, protocol)
        dispatch = await slow_worker.prepare()
        clock.advance(seconds=tdt_context.settings.worker.lease_s)
        await work(tdt_context, slow_worker.town, SUBMIT)
        with pytest.raises(LostClaim):
            await slow_worker.claim(dispatch)

    async def test_nor_does_it_when_the_other_one_is_only_about_to_send(
        self, tdt_context: Context, slow_worker: SlowWorker, clock: DrivenClock
    ) -> None:
        await make_waiting(tdt_context, slow_worker.town, Protocol.ACTES)
        overtaken = await slow_worker.prepare()
        clock.advance(seconds=tdt_context.settings.worker.lease_s)
        await slow_worker.prepare()
        with pytest.raises(LostClaim):
            await slow_worker.claim(overtaken)

    async def test_its_receipt_counts_even_when_another_has_the_job(
        self,
        tdt_context: Context,
        slow_worker: SlowWorker,
        double: S2lowDouble,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        waiting = await make_waiting(tdt_context, slow_worker.town, protocol)
        dispatch = await slow_worker.prepare()
        await slow_worker.claim(dispatch)
        receipt = await slow_worker.post(dispatch)
        clock.advance(seconds=tdt_context.settings.worker.lease_s)
        await work(tdt_context, slow_worker.town, SUBMIT)
        await tasks._record_receipt(tdt_context, dispatch, receipt)
        clock.advance(seconds=tdt_context.settings.tdt.send_s)
        await work(tdt_context, slow_worker.town, SUBMIT)
        assert await _ends_sent_once(tdt_context, double, waiting)

    async def test_a_late_receipt_does_not_undo_what_another_recorded(
        self,
        tdt_context: Context,
        slow_worker: SlowWorker,
        double: S2lowDouble,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        waiting = await make_waiting(tdt_context, slow_worker.town, protocol)
        dispatch = await slow_worker.prepare()
        await slow_worker.claim(dispatch)
        receipt = await slow_worker.post(dispatch)
        await _another_worker_goes_on(tdt_context, clock, slow_worker.town)
        await tasks._record_receipt(tdt_context, dispatch, receipt)
        assert await _ends_sent_once(tdt_context, double, waiting)

    async def test_recording_twice_is_refused_by_the_fence(
        self, tdt_context: Context, slow_worker: SlowWorker, protocol: Protocol
    ) -> None:
        await make_waiting(tdt_context, slow_worker.town, protocol)
        dispatch = await slow_worker.prepare()
        await slow_worker.claim(dispatch)
        receipt = await slow_worker.post(dispatch)
        await slow_worker.record(dispatch, receipt)
        with pytest.raises(LostClaim):
            await slow_worker.record(dispatch, receipt)
