"""The service on a real database, built by migrations; each test has a town of its own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from app.context import Context
from app.db.migrate import upgrade
from app.db.roles import APP, OWNER, READ, provision
from app.db.session import make_engine, make_sessions
from app.demo.town import Town
from app.kit.logs import configure_logs
from app.kit.secrets import keyring_of, new_master_secret
from app.local.postgres import PostgresServer
from app.settings import DatabaseSettings, Settings
from app.storage import local_store
from tests.builders.applications import application
from tests.builders.people import ApiPerson
from tests.builders.signatories import Signatory
from tests.builders.signing_agents import SigningAgent, pair
from tests.builders.towns import DrivenClock, a_signer, a_town, cookie_of
from tests.builders.watch import Watch

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


@pytest.fixture(scope="session", autouse=True)
def _logs() -> None:
    configure_logs()


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


@pytest.fixture(scope="session")
def shared_engine(database: Database) -> AsyncEngine:
    """As parapheur_app. Kept for the statements that it has compiled, not for its connections,
    which belong to the loop of one test."""
    return make_engine(database.app, pool_size=20)


@pytest.fixture
async def engine(shared_engine: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    """The engine of one test: no connection outlives it."""
    yield shared_engine
    await shared_engine.dispose()


@pytest.fixture
async def context(
    settings: Settings, engine: AsyncEngine, clock: DrivenClock, master_secret: str, tmp_path: Path
) -> Context:
    """The process's context, as parapheur_app."""
    settings.server.origin = ORIGIN
    async with engine.begin() as connection:
        # What an earlier test owed or got wrong is not this one's: its documents are gone.
        await connection.execute(text("DELETE FROM jobs"))
        await connection.execute(text("DELETE FROM login_attempts"))
    return Context(
        settings=settings,
        keyring=keyring_of(master_secret),
        engine=engine,
        sessions=make_sessions(engine),
        store=local_store(tmp_path / "documents"),
        clock=clock,
    )


@pytest.fixture
async def town(context: Context) -> Town:
    return await a_town(context)


Client = httpx2.AsyncClient
AsPerson = Callable[[str], Awaitable[Client]]


@pytest.fixture
async def anonymous(context: Context) -> AsyncIterator[Client]:
    """A client that nobody stands behind."""
    transport = httpx2.ASGITransport(app=application(context))
    async with httpx2.AsyncClient(transport=transport, base_url=f"{ORIGIN}/api/v1") as client:
        yield client


PersonOf = Callable[[Town, str], Awaitable[ApiPerson]]


@pytest.fixture
async def person_of(context: Context) -> AsyncIterator[PersonOf]:
    """Signs somebody of any town in."""
    opened: list[Client] = []
    served = application(context)

    async def person(town: Town, key: str) -> ApiPerson:
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=served),
            base_url=f"{ORIGIN}/api/v1",
            cookies={"parapheur_session": await cookie_of(context, town, key)},
        )
        opened.append(client)
        return ApiPerson(context, client, town, key)

    yield person
    for client in opened:
        await client.aclose()


@pytest.fixture
def as_person(town: Town, person_of: PersonOf) -> AsPerson:
    """A client signed in as somebody of the town, by his key."""

    async def client_of(key: str) -> Client:
        return (await person_of(town, key)).client

    return client_of


@pytest.fixture
async def finances(town: Town, person_of: PersonOf) -> ApiPerson:
    """Who deposits."""
    return await person_of(town, "finances")


@pytest.fixture
async def direction(town: Town, person_of: PersonOf) -> ApiPerson:
    """Who gives the visa."""
    return await person_of(town, "direction")


@pytest.fixture
async def mayor(town: Town, person_of: PersonOf) -> ApiPerson:
    """Who signs."""
    return await person_of(town, "maire")


@pytest.fixture
async def administrator(town: Town, person_of: PersonOf) -> ApiPerson:
    """Who administers the town and reads its journal."""
    return await person_of(town, "administrateur")


@pytest.fixture
def watch(administrator: ApiPerson, clock: DrivenClock) -> Watch:
    """The time that goes by in the town."""
    return Watch(administrator, clock)


@pytest.fixture
async def other_town(context: Context) -> Town:
    """Another local authority on the same server."""
    return await a_town(context)


@pytest.fixture
async def agent(anonymous: Client, mayor: ApiPerson, clock: DrivenClock) -> SigningAgent:
    """The mayor's agent, paired through the API, with his key."""
    return await pair(anonymous, mayor, clock, a_signer().mayor)


@pytest.fixture
def signatory(
    mayor: ApiPerson, agent: SigningAgent, finances: ApiPerson, direction: ApiPerson
) -> Signatory:
    """The mayor with his agent, and those who send him folders to sign."""
    return Signatory(mayor, agent, finances, direction)


@pytest.fixture
def no_residue(tmp_path: Path) -> Path:
    """The directory of documents, to show that a refusal keeps nothing."""
    return tmp_path / "documents"
