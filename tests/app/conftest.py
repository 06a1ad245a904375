"""The service on a real database, built by migrations; each test has a town of its own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from app.context import Context
from app.db.migrate import upgrade
from app.db.roles import APP, OWNER, READ, provision
from app.db.session import make_engine, make_sessions
from app.demo.town import Town
from app.kit.secrets import keyring_of, new_master_secret
from app.local.postgres import PostgresServer
from app.main import build
from app.settings import DatabaseSettings, Settings
from app.storage import local_store
from tests.builders.towns import DrivenClock, a_town, cookie_of

ORIGIN = "http://parapheur.test"


@dataclass(frozen=True, slots=True)
class Database:
    """One database, three roles."""

    superuser: str
    owner: str
    app: str
    read: str


@pytest.fixture(scope="session")
def database(postgres_server: PostgresServer) -> Database:
    """Migrated once for the run."""
    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    superuser = postgres_server.url()
    provision(superuser, database=name)
    as_role = {
        role: make_url(superuser)
        .set(username=role, database=name)
        .render_as_string(hide_password=False)
        for role in (OWNER, APP, READ)
    }
    upgrade(as_role[OWNER])
    return Database(superuser, as_role[OWNER], as_role[APP], as_role[READ])


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock()


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path, database=DatabaseSettings(url=SecretStr(database.app))
    ).model_copy(deep=True)


@pytest.fixture(scope="session")
def master_secret() -> str:
    return new_master_secret()


@pytest.fixture
async def context(
    settings: Settings, clock: DrivenClock, master_secret: str, tmp_path: Path
) -> AsyncIterator[Context]:
    """The process's context, as parapheur_app."""
    settings.server.origin = ORIGIN
    assert settings.database.url is not None
    engine = make_engine(settings.database.url.get_secret_value(), pool_size=20)
    yield Context(
        settings=settings,
        keyring=keyring_of(master_secret),
        engine=engine,
        sessions=make_sessions(engine),
        store=local_store(tmp_path / "documents"),
        clock=clock,
    )
    await engine.dispose()


@pytest.fixture
async def town(context: Context) -> Town:
    return await a_town(context)


Client = httpx2.AsyncClient
AsPerson = Callable[[str], Awaitable[Client]]


@pytest.fixture
async def anonymous(context: Context) -> AsyncIterator[Client]:
    """A client that nobody stands behind."""
    transport = httpx2.ASGITransport(app=build(context=context))
    async with httpx2.AsyncClient(transport=transport, base_url=f"{ORIGIN}/api/v1") as client:
        yield client


@pytest.fixture
async def as_person(context: Context, town: Town) -> AsyncIterator[AsPerson]:
    """A client signed in as somebody of the town, by his key."""
    opened: list[Client] = []
    application = build(context=context)

    async def client_of(key: str) -> Client:
        value = await cookie_of(context, town, key)
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=application),
            base_url=f"{ORIGIN}/api/v1",
            cookies={"parapheur_session": value},
        )
        opened.append(client)
        return client

    yield client_of
    for client in opened:
        await client.aclose()


@pytest.fixture
def no_residue(tmp_path: Path) -> Iterator[Path]:
    """The directory of documents, to show that a refusal keeps nothing."""
    yield tmp_path / "documents"
