"""What a process lends to its requests and jobs: settings, keys, database, documents, clock."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.db.session import unit_of_work
from app.kit.clock import Clock
from app.kit.secrets import Keyring
from app.settings import Settings
from app.storage import BlobStore


async def no_wake() -> None:
    """Where no queue is at hand: the dispatcher's own rhythm suffices."""


@dataclass(frozen=True, slots=True)
class Context:
    """Made once by an entry point. `wake` asks the workers to look at the job rows now; losing
    the call costs a delay, never a job."""

    settings: Settings
    keyring: Keyring
    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    store: BlobStore
    clock: Clock
    wake: Callable[[], Awaitable[None]] = no_wake

    def unit(self, tenant_id: uuid.UUID | None = None) -> AbstractAsyncContextManager[AsyncSession]:
        """One transaction, seeing this tenant only (none: only what stands outside RLS)."""
        return unit_of_work(self.sessions, tenant_id)
