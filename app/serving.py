"""One installation on one machine: its folder, its servers, the two programs that it runs."""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from pydantic import SecretStr

from app.db.migrate import upgrade
from app.db.roles import APP, OWNER, provision
from app.errors import Conflict
from app.kit.secrets import keyring_of, new_master_secret
from app.local.postgres import PostgresServer, start_postgres
from app.local.runtime import CHECKOUT, Premises, find_runtime
from app.local.supervisor import Program, Supervisor
from app.local.valkey import start_valkey
from app.settings import DatabaseSettings, RedisSettings, SecretSettings, Settings

DATABASE = "parapheur"
API, WORKER = "api", "worker"
_SECRET_FILE, _SERVERS_FILE = "secret.key", "servers.json"
_GRACE_S = 30.0
_DATABASE_KEYS = (("url", "database"), ("owner_url", "owner"))


@dataclass(frozen=True, slots=True)
class Installation:
    """Where everything of one installation stands. `search_path`: programs found on PATH may
    stand for the embedded ones; `postgres_options` are settings of the embedded server."""

    directory: Path
    premises: Premises
    search_path: bool = True
    postgres_options: Mapping[str, str] = field(default_factory=dict)

    @property
    def logs(self) -> Path:
        return self.premises.logs


def installation_of(settings: Settings) -> Installation:
    """The installation of `serve`: PARAPHEUR_DATA_DIR, else the account's own folder, 0700."""
    directory = (settings.data_dir or Path.home() / ".local/share/parapheur").absolute()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    premises = Premises(directory, directory / "logs", find_runtime())
    return Installation(directory, premises)


def needs_embedded(settings: Settings) -> bool:
    """Whether a server must be started here, its URL not being given."""
    return settings.database.url is None or settings.redis.url is None


def equip(supervisor: Supervisor, settings: Settings, place: Installation) -> Settings:
    """Starts the servers whose URL is not given and brings their database to the last revision.

    The settings come back complete: URLs, data folder, master secret."""
    complete = settings.model_copy(deep=True)
    complete.data_dir = place.directory
    complete.secret = _secret(settings, place)
    if settings.redis.url is None:
        valkey = start_valkey(supervisor, place.premises, search_path=place.search_path)
        complete.redis = RedisSettings(url=SecretStr(valkey.url))
    if settings.database.url is None:
        server = start_postgres(
            supervisor,
            place.premises,
            search_path=place.search_path,
            options=place.postgres_options,
        )
        complete.database = _own_database(server)
    return complete


def _own_database(server: PostgresServer) -> DatabaseSettings:
    provision(server.url(), database=DATABASE)
    owner_url = server.url(user=OWNER, database=DATABASE)
    upgrade(owner_url)
    url = server.url(user=APP, database=DATABASE)
    return DatabaseSettings(url=SecretStr(url), owner_url=SecretStr(owner_url))


def _secret(settings: Settings, place: Installation) -> SecretSettings:
    """Made and kept beside the embedded database only: a real one has its secret elsewhere."""
    if settings.secret.key is not None or settings.database.url is not None:
        return settings.secret
    file = place.directory / _SECRET_FILE
    with suppress(FileExistsError):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as target:
            target.write(new_master_secret() + "\n")
    key = file.read_text(encoding="ascii").strip()
    keyring_of(key)
    return SecretSettings(key=SecretStr(key))


def environment_of(settings: Settings) -> dict[str, str]:
    """What the API and the worker are started with. The owner's URL never reaches them."""
    given = dict(os.environ)
    given.pop("PARAPHEUR_DATABASE_OWNER_URL", None)
    named = {
        "PARAPHEUR_DATABASE_URL": settings.database.url,
        "PARAPHEUR_REDIS_URL": settings.redis.url,
        "PARAPHEUR_SECRET_KEY": settings.secret.key,
    }
    given |= {name: value.get_secret_value() for name, value in named.items() if value is not None}
    return given | {
        "PARAPHEUR_DATA_DIR": str(settings.data_dir),
        "PARAPHEUR_SERVER_HOST": settings.server.host,
        "PARAPHEUR_SERVER_PORT": str(settings.server.port),
        "PARAPHEUR_SERVER_ORIGIN": settings.server.origin,
        "PYTHONPATH": str(CHECKOUT),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
    }


def api_program(environment: Mapping[str, str], logs: Path, *, workers: int = 1) -> Program:
    """The HTTP service; it is given time to finish the answers under way."""
    return Program(
        name=API,
        argv=(sys.executable, "-m", "app.cli", "api", "--workers", str(workers)),
        log=logs / "api.log",
        environment=environment,
        grace_s=_GRACE_S,
        keep_alive=True,
    )


def worker_program(environment: Mapping[str, str], logs: Path, *, name: str = WORKER) -> Program:
    """A worker; killed, it is started again, and its jobs come back with it."""
    return Program(
        name=name,
        argv=(sys.executable, "-m", "app.cli", "worker"),
        log=logs / f"{name}.log",
        environment=environment,
        grace_s=_GRACE_S,
        keep_alive=True,
    )


def answers(settings: Settings) -> bool:
    """Whether the service says that it is well."""
    host = "127.0.0.1" if settings.server.host in {"", "0.0.0.0"} else settings.server.host  # noqa: S104
    connection = http.client.HTTPConnection(host, settings.server.port, timeout=5)
    try:
        connection.request("GET", "/api/v1/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextmanager
def announced(settings: Settings, place: Installation) -> Iterator[None]:
    """Tells the other commands of this machine where the embedded servers of `serve` listen."""
    file = place.directory / _SERVERS_FILE
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        json.dump(_urls(settings), target)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _urls(settings: Settings) -> dict[str, str | None]:
    named = {
        "database": settings.database.url,
        "owner": settings.database.owner_url,
        "redis": settings.redis.url,
    }
    return {name: value.get_secret_value() if value else None for name, value in named.items()}


def running(settings: Settings, place: Installation) -> Settings | None:
    """The settings of the `serve` that runs on this folder now, or None."""
    try:
        told = json.loads((place.directory / _SERVERS_FILE).read_text(encoding="utf-8"))
        database = {name: SecretStr(told[key]) for name, key in _DATABASE_KEYS if told[key]}
        redis = SecretStr(told["redis"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    complete = settings.model_copy(deep=True)
    complete.data_dir = place.directory
    complete.database = DatabaseSettings(**database)
    complete.redis = RedisSettings(url=redis)
    complete.secret = _secret(settings, place)
    return complete if _connects(complete) else None


def _connects(settings: Settings) -> bool:
    assert settings.database.url is not None
    url = settings.database.url.get_secret_value().replace("+psycopg", "", 1)
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.Error:
        return False
    return True


@contextmanager
def equipped(settings: Settings) -> Iterator[Settings]:
    """Settings for a command that needs the database for a moment: the one given, that of the
    `serve` that runs here, else the embedded one, started and stopped around the block."""
    if settings.database.url is not None or settings.database.owner_url is not None:
        yield settings
        return
    place = installation_of(settings)
    found = running(settings, place)
    if found is not None:
        yield found
        return
    with Supervisor() as supervisor:
        yield equip(supervisor, settings, place)


def refuse_second(settings: Settings, place: Installation) -> None:
    """Raises Conflict (`already_serving`) when the embedded servers of this folder already run."""
    if needs_embedded(settings) and running(settings, place) is not None:
        raise Conflict(
            f"Un parapheur tourne déjà sur {place.directory} : arrêtez-le, ou donnez un autre "
            "dossier par PARAPHEUR_DATA_DIR.",
            code="already_serving",
        )


def refuse_taken_port(host: str, port: int) -> None:
    """Raises Conflict (`port_taken`) before anything is started."""
    try:
        socket.create_server((host, port)).close()
    except OSError as e:
        raise Conflict(
            f"Le port {port} de {host} ne peut pas être pris ({e.strerror}) : donnez-en un autre "
            "(PARAPHEUR_SERVER_PORT ou --port).",
            code="port_taken",
        ) from e
