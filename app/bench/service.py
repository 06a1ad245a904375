"""The product as it runs, on this machine and for one measure: servers, API, worker, a town."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from arq.constants import default_queue_name, health_check_key_suffix
from redis import Redis

from app.auth.principal import Permission, Principal, PrincipalKind
from app.auth.service import TokenRequest, issue_token
from app.context import Context
from app.demo.people import Town
from app.demo.signer import make_chain
from app.demo.town import TownPlan, found_town
from app.local.runtime import Premises, find_runtime, make_private_folder
from app.local.supervisor import Supervisor
from app.process import open_context
from app.serving import (
    API,
    WORKER,
    Installation,
    answers,
    api_program,
    environment_of,
    equip,
    worker_program,
)
from app.settings import SchemasSettings, ServerSettings, Settings

_HOST = "127.0.0.1"
_SUBMITTER = "finances"
_SIRET = "21990001600011"
_START_LIMIT_S = 60.0
_OWN = frozenset(
    f"PARAPHEUR_{name}"
    for name in (
        *("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DATA_DIR"),
        *("SERVER_HOST", "SERVER_PORT", "SERVER_ORIGIN"),
    )
)


@dataclass(frozen=True, slots=True)
class Submitter:
    """A program that may deposit flows: its token, its desk, the subtype of flows to sign."""

    token: str
    desk_id: str
    subtype_id: str


@dataclass(frozen=True, slots=True)
class Service:
    """A running product. `process_ids`: API and worker, whose children are theirs."""

    origin: str
    process_ids: tuple[int, ...]
    submitter: Submitter
    directory: Path

    def forget_documents(self) -> None:
        """Removes the stored bytes: a run of large deposits would fill the disk."""
        shutil.rmtree(self.directory / "documents" / "sha256")


@dataclass(frozen=True, slots=True)
class Installed:
    """Embedded servers with an up-to-date database; nothing of the product runs yet."""

    supervisor: Supervisor
    place: Installation
    settings: Settings

    def start_api(self, settings: Settings, *, name: str = API, workers: int = 1) -> None:
        """Starts an API of that many processes and returns once it answers."""
        program = api_program(_environment(settings), self.place.logs, workers=workers)
        named = replace(program, name=name, log=self.place.logs / f"{name}.log")
        self.supervisor.start(named)
        self.supervisor.await_ready(name, lambda: answers(settings), timeout_s=_START_LIMIT_S)


@contextmanager
def installed(
    schemas: Path | None = None, *, postgres_options: Mapping[str, str] | None = None
) -> Iterator[Installed]:
    """Starts the servers on fresh data, and leaves nothing behind.

    `schemas`: the directory of the official schemas; without it the XSD pass does not run."""
    runtime = find_runtime()
    folder = make_private_folder(runtime)
    try:
        with Supervisor() as supervisor:
            premises = Premises(folder / "data", folder / "logs", runtime, is_temporary=True)
            place = Installation(
                folder, premises, search_path=False, postgres_options=postgres_options or {}
            )
            yield Installed(supervisor, place, equip(supervisor, _settings(schemas), place))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_service(schemas: Path | None) -> Iterator[Service]:
    """The product whole, on fresh data."""
    with installed(schemas) as base:
        submitter = asyncio.run(_found(base.settings))
        yield _start(base, submitter)


def _settings(schemas: Path | None) -> Settings:
    """Nothing of the caller's own installation: its URLs and secrets are not used here."""
    return Settings.model_construct(
        server=free_address(),
        schemas=SchemasSettings(dir=schemas),
    )


def free_address() -> ServerSettings:
    """A port of this machine that nobody listens on."""
    port = _free_port()
    return ServerSettings(host=_HOST, port=port, origin=f"http://{_HOST}:{port}")


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _start(base: Installed, submitter: Submitter) -> Service:
    settings, supervisor = base.settings, base.supervisor
    environment = _environment(settings)
    api = supervisor.start(api_program(environment, base.place.logs))
    worker = supervisor.start(worker_program(environment, base.place.logs))
    supervisor.await_ready(API, lambda: answers(settings), timeout_s=_START_LIMIT_S)
    supervisor.await_ready(WORKER, lambda: _has_worker(settings), timeout_s=_START_LIMIT_S)
    return Service(settings.server.origin, (api.pid, worker.pid), submitter, base.place.directory)


def _has_worker(settings: Settings) -> bool:
    """A worker leaves its mark in the queue when it first looks for work; measured earlier, its
    own start would count as the cost of a deposit."""
    assert settings.redis.url is not None
    with Redis.from_url(settings.redis.url.get_secret_value()) as queue:
        return bool(queue.exists(default_queue_name + health_check_key_suffix))


def _environment(settings: Settings) -> dict[str, str]:
    """Other settings of the caller's environment would change what is measured."""
    inherited = environment_of(settings)
    own = {k: v for k, v in inherited.items() if k in _OWN or not k.startswith("PARAPHEUR_")}
    schemas = settings.schemas.dir
    return own | ({"PARAPHEUR_SCHEMAS_DIR": str(schemas)} if schemas else {})


async def found(context: Context, password_hashes: Mapping[str, str]) -> Town:
    """The fictional town of the measures."""
    chain = make_chain(_SIRET[:9])
    plan = TownPlan(
        siret=_SIRET,
        domain="mesure.invalid",
        password_hashes=password_hashes,
        mayor=(chain.mayor.der, chain.issuer.der),
        trust=chain.trust,
    )
    return await found_town(context, plan)


async def _found(settings: Settings) -> Submitter:
    async with open_context(settings) as context:
        town = await found(context, {})
        desk_id = town.desks[_SUBMITTER]
        owner = Principal(
            kind=PrincipalKind.PERSON,
            tenant_id=town.tenant_id,
            id=town.users[_SUBMITTER],
            user_id=town.users[_SUBMITTER],
            permissions=frozenset(),
            desk_ids=frozenset({desk_id}),
        )
        request = TokenRequest(
            label=f"Mesure {secrets.token_hex(4)}",
            desk_ids=(desk_id,),
            verbs=(Permission.FOLDER_DEPOSIT.value, Permission.FOLDER_READ.value),
            expires_at=context.clock() + timedelta(hours=6),
        )
        token = await _token(context, owner, request)
    return Submitter(token, str(desk_id), str(town.subtypes["flows"]))


async def _token(context: Context, owner: Principal, request: TokenRequest) -> str:
    async with context.unit(owner.tenant_id) as session:
        _, value = await issue_token(context, session, owner, request)
    return value
