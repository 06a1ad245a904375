"""Time goes by in a town, and what becomes of its folders is watched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.worker import drain
from tests.builders.people import ApiPerson
from tests.builders.towns import DrivenClock
from tests.builders.traces import journal_kinds, mailed


@dataclass(frozen=True, slots=True)
class Watch:
    """Time goes by: what the town owes is done, and what it told is read."""

    administrator: ApiPerson
    clock: DrivenClock

    async def settle(self) -> None:
        """What is owed now is done."""
        await drain(self.administrator.context)

    async def at(self, instant: datetime) -> None:
        """What is owed at that instant is done."""
        self.clock.now = instant
        await self.settle()

    async def mailed(self, folder_id: str, kind: str) -> list[str]:
        """Who is owed such a mail about the folder, once for each mail."""
        return await mailed(self.administrator, folder_id, kind)

    async def journal_kinds(self) -> list[str]:
        return await journal_kinds(self.administrator)
