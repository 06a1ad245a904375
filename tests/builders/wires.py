"""A town and the scripted TdT behind its account, with a worker that moves when it is told."""

from __future__ import annotations

from dataclasses import dataclass

from app.context import Context
from app.demo.s2low import S2lowDouble
from app.demo.town import Town
from app.models import Folder, FolderEvent, Job, Transmission, TransmissionAttempt
from app.transmissions.repository import TransmissionRepository
from app.transmissions.service import POLL, SUBMIT
from signing.report import Verdict
from tests.builders.towns import DrivenClock
from tests.builders.transmissions import (
    Waiting,
    attempts_of,
    events_of,
    folder_of,
    jobs_of,
    make_waiting,
    transmission_of,
    work,
)
from workflows.definition import Protocol


@dataclass(frozen=True, slots=True)
class Wire:
    """What a folder goes through, from this town to the double, and how far it has come."""

    context: Context
    town: Town
    double: S2lowDouble
    clock: DrivenClock

    async def waiting(
        self, protocol: Protocol, *, verdict: Verdict | None = Verdict.VALID, annexes: int = 0
    ) -> Waiting:
        """A signed folder whose transmission is scheduled. `verdict` None: not verified yet."""
        return await make_waiting(
            self.context, self.town, protocol, verdict=verdict, annexes=annexes
        )

    async def posted(self, protocol: Protocol) -> Waiting:
        """A folder that the worker has posted, however the post ended."""
        waiting = await self.waiting(protocol)
        await self.work(SUBMIT)
        return waiting

    async def work(self, *kinds: str) -> int:
        """Runs the due jobs of these kinds until none is due; how many ran."""
        return await work(self.context, self.town, *kinds)

    async def poll(self, times: int = 6) -> None:
        """Asks so many times what became of what was sent."""
        for _ in range(times):
            self.clock.advance(seconds=self.context.settings.tdt.poll_s)
            await self.work(POLL)

    def outlast_post(self) -> None:
        """The time that a post may take is over."""
        self.clock.advance(seconds=self.context.settings.tdt.send_s)

    async def row(self, waiting: Waiting) -> Transmission:
        return await transmission_of(self.context, waiting)

    async def attempts(self, waiting: Waiting) -> list[TransmissionAttempt]:
        return await attempts_of(self.context, waiting)

    async def folder(self, waiting: Waiting) -> Folder:
        return await folder_of(self.context, waiting)

    async def events(self, waiting: Waiting) -> list[FolderEvent]:
        return await events_of(self.context, waiting)

    async def jobs(self, kind: str) -> list[Job]:
        return await jobs_of(self.context, self.town, kind)

    async def receipts(self, waiting: Waiting) -> dict[str, bytes]:
        """What the remote gave, by kind."""
        row = await self.row(waiting)
        async with self.context.unit(self.town.tenant_id) as session:
            kept = await TransmissionRepository(session).receipts([row.id])
        store = self.context.store
        return {one.kind: await store.read_verified(one.sha256, limit_bytes=10**6) for one in kept}
