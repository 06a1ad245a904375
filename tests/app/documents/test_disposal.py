"""Bytes of refused documents are deleted, those that anybody names never (DESIGN D17)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app import jobs
from app.context import Context
from app.demo.flows import Flow, make_pes
from app.demo.town import Town
from app.documents.tasks import owe_sweep
from app.storage import BlobMissing
from app.worker import drain
from tests.app.conftest import PersonOf
from tests.builders.people import XML, ApiPerson
from tests.builders.pes import sign_flow
from tests.builders.towns import DrivenClock

REFUSED = sign_flow(make_pes(Flow(number=990_040))).replace(
    b"PAPETERIE EXEMPLE", b"PAPETERIE FORGEES"
)
DIGEST = hashlib.sha256(REFUSED).hexdigest()


@pytest.fixture(autouse=True)
def _every_flow_is_large(context: Context) -> None:
    context.settings.limits.inline_pes_bytes = 100


@pytest.fixture
async def refused(context: Context, finances: ApiPerson) -> str:
    """A folder whose flow a deferred inspection refused."""
    folder_id = await finances.create("signed_flows")
    assert (await finances.upload(folder_id, REFUSED, XML)).status_code == 202
    await drain(context)
    assert (await finances.read(folder_id))["status"] == "inspection_refused"
    return folder_id


async def _visit(context: Context, clock: DrivenClock) -> None:
    """The next visit of whoever owes one."""
    clock.advance(seconds=context.settings.storage.grace_s + 60)
    await drain(context)


async def _orphans(context: Context, town: Town) -> int:
    async with context.unit(town.tenant_id) as session:
        return int(await session.scalar(text("SELECT count(*) FROM orphan_blobs")) or 0)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _deposit_as_annex(person: ApiPerson) -> str:
    folder_id = await person.deposited("letters")
    answer = await person.upload(folder_id, REFUSED, XML, role="annex")
    assert answer.status_code == 201, answer.text
    return folder_id


async def _last_document(person: ApiPerson, folder_id: str) -> bytes:
    """As somebody reads it who has just signed in: the visits took days."""
    folder = await person.read(folder_id)
    return await person.content(folder_id, folder["documents"][-1]["revisions"][0])


class TestReclaim:
    @pytest.mark.usefixtures("refused")
    async def test_bytes_go_in_two_visits_a_grace_apart(
        self, context: Context, town: Town, clock: DrivenClock
    ) -> None:
        assert await _orphans(context, town) == 1
        await _visit(context, clock)
        await _visit(context, clock)
        with pytest.raises(BlobMissing):
            await context.store.size_of(DIGEST)
        assert await _orphans(context, town) == 0

    @pytest.mark.usefixtures("refused")
    async def test_bytes_stay_as_long_as_a_deposit_of_the_same_may_last(
        self, context: Context, clock: DrivenClock
    ) -> None:
        clock.advance(seconds=context.settings.storage.grace_s - 60)
        await drain(context)
        assert await context.store.size_of(DIGEST) == len(REFUSED)

    @pytest.mark.usefixtures("refused")
    async def test_equal_bytes_of_another_town_stay(
        self, context: Context, clock: DrivenClock, other_town: Town, person_of: PersonOf
    ) -> None:
        neighbour = await person_of(other_town, "finances")
        folder_id = await _deposit_as_annex(neighbour)
        for _ in range(3):
            await _visit(context, clock)
        neighbour = await person_of(other_town, "finances")
        assert await _last_document(neighbour, folder_id) == REFUSED

    @pytest.mark.usefixtures("refused")
    async def test_equal_bytes_deposited_between_the_visits_stay(
        self, context: Context, clock: DrivenClock, other_town: Town, person_of: PersonOf
    ) -> None:
        await _visit(context, clock)
        neighbour = await person_of(other_town, "finances")
        folder_id = await _deposit_as_annex(neighbour)
        await _visit(context, clock)
        neighbour = await person_of(other_town, "finances")
        assert await _last_document(neighbour, folder_id) == REFUSED

    @pytest.mark.usefixtures("refused")
    async def test_equal_bytes_whose_row_is_not_committed_yet_stay(
        self, context: Context, clock: DrivenClock
    ) -> None:
        clock.advance(seconds=context.settings.storage.grace_s + 60)
        await context.store.write(_once(REFUSED), limit_bytes=len(REFUSED))
        path = context.store.local_path(DIGEST)
        assert path is not None
        os.utime(path, (clock().timestamp(), clock().timestamp()))
        await drain(context)
        assert path.is_file()

    async def test_the_same_flow_corrected_leaves_no_trace_of_the_refused_one(
        self, context: Context, town: Town, clock: DrivenClock, person_of: PersonOf, refused: str
    ) -> None:
        good = sign_flow(make_pes(Flow(number=990_041)))
        finances = await person_of(town, "finances")
        assert (await finances.upload(refused, good, XML)).status_code == 202
        await drain(context)
        for _ in range(2):
            await _visit(context, clock)
        finances = await person_of(town, "finances")
        assert await _last_document(finances, refused) == good
        assert await _orphans(context, town) == 0


class TestSweep:
    async def test_bytes_that_no_row_ever_named_are_gone_after_some_nights(
        self, context: Context, town: Town, clock: DrivenClock, person_of: PersonOf
    ) -> None:
        folder_id = await (await person_of(town, "finances")).deposited("letters")
        orphan = await context.store.write(_once(b"left behind"), limit_bytes=100)
        for _ in range(3):
            clock.now = await owe_sweep(context) + timedelta(minutes=1)
            await drain(context)
        with pytest.raises(BlobMissing):
            await context.store.size_of(orphan.sha256)
        assert await _last_document(await person_of(town, "finances"), folder_id)

    @pytest.mark.parametrize(("hour", "minute", "day"), [(1, 59, 10), (2, 0, 11)])
    async def test_is_owed_for_the_coming_night_once(
        self, context: Context, clock: DrivenClock, hour: int, minute: int, day: int
    ) -> None:
        clock.now = datetime(2027, 3, 10, hour, minute, tzinfo=UTC)
        due = {await owe_sweep(context) for _ in range(3)}
        assert due == {datetime(2027, 3, day, 2, tzinfo=UTC)}
        clock.now = due.pop()
        async with context.unit() as session:
            assert len(await jobs.due(session, clock(), resend_after=timedelta(0))) == 1
