"""What every test may ask for: real servers, outside data, outside programs, the size of a run."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import NoReturn

import pytest

from app.local.postgres import NOT_DURABLE, PostgresServer, start_postgres
from app.local.runtime import Premises, Runtime, find_runtime, make_private_folder
from app.local.supervisor import Supervisor
from app.local.valkey import ValkeyServer, start_valkey

ROOT = Path(__file__).resolve().parents[1]
EXTERNAL_DATA = "external data"
_LONG_VALUE = 60
_SOFTHSM_PATHS = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Official schemas and samples of others: never part of the project (DESIGN D19)."""
    folder = Path(os.environ.get("PARAPHEUR_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(EXTERNAL_DATA)
    return folder.resolve()


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], str]:
    """The path of an outside program: without it the test is skipped, or fails in CI."""

    def find(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            _lacking(f"missing tool: {name}")
        return str(found)

    return find


@pytest.fixture(scope="session")
def softhsm_module() -> Path:
    """The PKCS#11 library of the tests, PARAPHEUR_PKCS11_MODULE first."""
    given = os.environ.get("PARAPHEUR_PKCS11_MODULE")
    known = [Path(candidate) for candidate in ([given] if given else _SOFTHSM_PATHS)]
    found = next((module for module in known if module.is_file()), None)
    if found is None:
        _lacking("missing tool: softhsm2")
    return found


@pytest.fixture(scope="session")
def full_run() -> bool:
    """Whether this run does the counts of the requirements (`.ci/run --full`)."""
    return os.environ.get("PARAPHEUR_FULL") == "1"


@pytest.fixture(scope="session")
def scaled(*, full_run: bool) -> Callable[[int, int], int]:
    """scaled(count_full, count_normal): how many times to repeat in this run."""

    def choose(count_full: int, count_normal: int) -> int:
        return count_full if full_run else count_normal

    return choose


@pytest.fixture(scope="session")
def server_runtime() -> Runtime:
    return find_runtime()


@pytest.fixture(scope="session")
def _premises(server_runtime: Runtime) -> Iterator[Premises]:
    base = make_private_folder(server_runtime)
    yield Premises(base / "data", base / "logs", server_runtime, is_temporary=True)
    shutil.rmtree(base)


@pytest.fixture(scope="session")
def _servers(_premises: Premises) -> Iterator[Supervisor]:
    with Supervisor() as supervisor:
        yield supervisor


@pytest.fixture(scope="session")
def postgres_server(_servers: Supervisor, _premises: Premises) -> PostgresServer:
    """The embedded PostgreSQL, one for the whole run of this process, started when asked.

    PARAPHEUR_TEST_DATABASE_URL names another server instead: the URL of a superuser.
    """
    given = os.environ.get("PARAPHEUR_TEST_DATABASE_URL")
    return (
        PostgresServer(given) if given else start_postgres(_servers, _premises, options=NOT_DURABLE)
    )


@pytest.fixture(scope="session")
def valkey_server(_servers: Supervisor, _premises: Premises) -> ValkeyServer:
    """The embedded Valkey; PARAPHEUR_TEST_REDIS_URL names another server, which is emptied."""
    given = os.environ.get("PARAPHEUR_TEST_REDIS_URL")
    return ValkeyServer(given) if given else start_valkey(_servers, _premises)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """The same names in every process: parallel runs compare them. Values made at random and
    objects are called after their parameter, functions after themselves."""
    if isinstance(val, bytes | bytearray):
        return argname if len(val) > _LONG_VALUE else None
    if val is None or isinstance(val, str | int | float | bool | Enum):
        return None
    if isinstance(val, dict | list | tuple | set | frozenset):
        text = repr(val)
        return text if len(text) <= _LONG_VALUE and " at 0x" not in text else argname
    return getattr(val, "__name__", argname)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Skipped tests, counted by reason and listed: what did not run is never out of sight."""
    skipped: list[pytest.TestReport] = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section(f"{len(skipped)} skipped")
    for reason, count in sorted(Counter(map(_reason, skipped)).items()):
        terminalreporter.write_line(f"{count} x {reason}")
        for report in skipped:
            if _reason(report) == reason:
                terminalreporter.write_line(f"    {report.nodeid}")


def _reason(report: pytest.TestReport) -> str:
    told = report.longrepr
    text = told[2] if isinstance(told, tuple) else str(told)
    return text.removeprefix("Skipped: ")


def _lacking(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
