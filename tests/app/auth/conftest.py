"""Doors of identification: clients at an address of their own, passwords checked without cost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx2
import pytest

from app.auth.passwords import PasswordChecker
from app.context import Context
from tests.app.conftest import ORIGIN, Client
from tests.builders.applications import application
from tests.builders.towns import PASSWORD

ClientAt = Callable[[str], Client]


class QuickChecker(PasswordChecker):
    """The one password of the tests, compared without argon2."""

    async def matches(self, password: str, password_hash: str | None) -> bool:
        return password == PASSWORD and password_hash is not None

    async def hash(self, password: str) -> str:
        return "$not-argon2$"


@pytest.fixture
async def client_at(context: Context) -> AsyncIterator[ClientAt]:
    """A browser at an address; cookies are not shared."""
    served = application(context)
    served.state.password_checker = QuickChecker()
    opened: list[Client] = []

    def make(address: str) -> Client:
        transport = httpx2.ASGITransport(app=served, client=(address, 40_000))
        client = httpx2.AsyncClient(transport=transport, base_url=f"{ORIGIN}/api/v1")
        opened.append(client)
        return client

    yield make
    for client in opened:
        await client.aclose()


@pytest.fixture
def browser(client_at: ClientAt) -> Client:
    return client_at("192.0.2.1")
