"""`parapheur serve` on its embedded servers, and the commands used beside it."""

from __future__ import annotations

import re
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.demo.person import Person, Refusal
from tests.builders.command_line import run
from tests.builders.processes import (
    SocketState,
    await_fact,
    children_of,
    is_running,
    read_pid,
    sockets_of,
)
from tests.builders.served import a_place, serving

pytestmark = pytest.mark.slow_process

SIRET, LOGIN = "21990001600011", "registre@saint-exemple.test"
TENANT = (
    *("tenant", "create", "--siret", SIRET, "--name", "Commune fictive", "--city", "Ville"),
    *("--postal-code", "99000", "--admin-email", LOGIN, "--admin-first-name", "Noé"),
    *("--admin-last-name", "Registre"),
)
_CONNECTIONS = 32
_PASSWORD = re.compile(r"Mot de passe, affiché cette seule fois : (\S+)")


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    with a_place(tmp_path) as environment:
        yield environment


def signs_in(environment: dict[str, str], password: str) -> bool:
    with Person(environment["PARAPHEUR_SERVER_ORIGIN"]) as person:
        try:
            person.sign_in(LOGIN, password)
        except Refusal:
            return False
        return bool(person.get("/session")["full_name"] == "Noé Registre")


def test_a_first_authority_is_made_beside_the_service_and_outlives_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    said, data = tmp_path / "said", tmp_path / "data"
    with serving(environment, said):
        made = run(*TENANT, environment=environment)
        assert made.status == 0, made.errors
        password = _PASSWORD.findall(made.output)[0]
        assert signs_in(environment, password)
        assert not signs_in(environment, password + "x")
        again = run(*TENANT, environment=environment)
        assert (again.status, "[tenant_exists]" in again.errors) == (1, True)
        second = run("serve", environment=environment)
        assert (second.status, "[already_serving]" in second.errors) == (1, True)
        migrated = run("migrate", environment=environment)
        assert (migrated.status, "déjà à la révision" in migrated.output) == (0, True)
        pids = [read_pid(file) for file in (data / "logs").glob("*.pid")]
    assert (len(pids), any(is_running(pid) for pid in pids if pid)) == (4, False)
    assert stat.S_IMODE((data / "secret.key").stat().st_mode) == 0o600
    with serving(environment, said):
        assert signs_in(environment, password)


def test_connections_are_spread_over_the_processes_of_the_service(
    environment: dict[str, str], tmp_path: Path
) -> None:
    port = int(environment["PARAPHEUR_SERVER_PORT"])
    with serving(environment, tmp_path / "said", "--workers", "2"), ExitStack() as opened:
        parent = read_pid(tmp_path / "data/logs/api.pid")
        assert parent is not None

        def those(state: SocketState) -> list[int]:
            held = (sockets_of(one, port, state) for one in children_of(parent))
            return [number for number in held if number]

        assert await_fact(lambda: those(SocketState.LISTENING) == [1, 1])
        for _ in range(_CONNECTIONS):
            opened.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert await_fact(lambda: sum(those(SocketState.ESTABLISHED)) == _CONNECTIONS)
        # Each goes to one or the other by chance: all to the same once in two thousand million.
        assert len(those(SocketState.ESTABLISHED)) == 2


def test_a_port_already_taken_is_said_before_anything_starts(
    environment: dict[str, str], tmp_path: Path
) -> None:
    port = int(environment["PARAPHEUR_SERVER_PORT"])
    with socket.create_server(("127.0.0.1", port)):
        ended = run("serve", environment=environment)
    assert (ended.status, "[port_taken]" in ended.errors) == (1, True)
    assert not list((tmp_path / "data").glob("postgres*"))


def test_a_wrong_siret_is_refused_before_anything_starts(
    environment: dict[str, str], tmp_path: Path
) -> None:
    wrong = SIRET[:-1] + "2"
    ended = run(*[wrong if one == SIRET else one for one in TENANT], environment=environment)
    assert (ended.status, "[bad_siret]" in ended.errors) == (1, True)
    assert not (tmp_path / "data").exists()
