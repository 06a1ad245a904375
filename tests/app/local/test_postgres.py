"""The embedded PostgreSQL, really started."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.errors import Unavailable
from app.local.postgres import (
    NOT_DURABLE,
    PostgresServer,
    choose_programs,
    start_postgres,
    wheel_programs,
)
from app.local.runtime import Premises, Runtime, give, make_private_folder
from app.local.supervisor import Supervisor


@pytest.fixture
def premises(server_runtime: Runtime) -> Iterator[Premises]:
    base = make_private_folder(server_runtime)
    yield Premises(base / "data", base / "logs", server_runtime)
    shutil.rmtree(base)


def dsn(server: PostgresServer) -> str:
    return server.url().replace("+psycopg", "")


class TestUrl:
    server = PostgresServer("postgresql+psycopg://postgres@/postgres?host=/tmp/ppr-a")

    def test_names_user_database_and_socket(self) -> None:
        url = self.server.url(user="parapheur_app", database="demo")
        assert url == "postgresql+psycopg://parapheur_app@/demo?host=/tmp/ppr-a"

    def test_escapes_what_a_name_may_hold(self) -> None:
        assert "://a%40b@/postgres?" in self.server.url(user="a@b")

    def test_gives_a_password_to_its_own_user_only(self) -> None:
        server = PostgresServer("postgresql+psycopg://postgres:secret@db.invalid:5432/postgres")
        assert server.url() == "postgresql+psycopg://postgres:secret@db.invalid:5432/postgres"
        assert "secret" not in server.url(user="parapheur_app")


class TestStart:
    def test_keeps_data_from_one_start_to_the_next(self, premises: Premises) -> None:
        with Supervisor() as supervisor:
            server = start_postgres(supervisor, premises, options=NOT_DURABLE)
            with psycopg.connect(dsn(server)) as connection:
                connection.execute("CREATE TABLE kept AS SELECT 'é' AS value")
        with Supervisor() as supervisor:
            server = start_postgres(supervisor, premises, options=NOT_DURABLE)
            with psycopg.connect(dsn(server)) as connection:
                assert connection.execute("SELECT value FROM kept").fetchone() == ("é",)

    def test_begins_again_after_an_interrupted_initialisation(self, premises: Premises) -> None:
        left = premises.data / "postgres" / ".initdb-left"
        left.mkdir(parents=True)
        give(left.parent, premises.runtime)
        with Supervisor() as supervisor:
            start_postgres(supervisor, premises, options=NOT_DURABLE)
        assert (premises.data / "postgres" / "cluster" / "PG_VERSION").is_file()

    def test_refuses_data_that_another_server_uses(self, premises: Premises) -> None:
        with Supervisor() as first, Supervisor() as second:
            start_postgres(first, premises, options=NOT_DURABLE)
            with pytest.raises(Unavailable, match=r"postmaster\.pid") as refusal:
                start_postgres(second, premises, options=NOT_DURABLE)
        assert refusal.value.code == "program_not_ready"

    def test_listens_on_no_address(self, postgres_server: PostgresServer) -> None:
        with psycopg.connect(dsn(postgres_server)) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)

    def test_speaks_utf8_without_a_locale(self, postgres_server: PostgresServer) -> None:
        with psycopg.connect(dsn(postgres_server)) as connection:
            row = connection.execute(
                "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database "
                "WHERE datname = current_database()"
            ).fetchone()
        assert row == ("UTF8", "C")

    def test_never_runs_as_root(self, postgres_server: PostgresServer) -> None:
        with psycopg.connect(dsn(postgres_server)) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        assert Path(row[0]).stat().st_uid != 0


class TestPrograms:
    def test_the_wheel_is_in_range(self, server_runtime: Runtime) -> None:
        assert wheel_programs(server_runtime).major >= 15

    def test_a_recent_program_on_path_comes_first(
        self, server_runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        binaries = pretend_postgres(server_runtime, "16.4")
        monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")
        programs = choose_programs(tmp_path / "data", server_runtime, search_path=True)
        assert programs.postgres == binaries / "postgres"
        assert programs.major == 16
        shutil.rmtree(binaries)

    def test_an_old_program_on_path_is_left_alone(
        self, server_runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        binaries = pretend_postgres(server_runtime, "14.9")
        monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")
        chosen = choose_programs(tmp_path / "data", server_runtime, search_path=True)
        assert chosen == wheel_programs(server_runtime)
        shutil.rmtree(binaries)

    def test_data_are_opened_by_the_version_that_made_them(
        self, premises: Premises, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        binaries = pretend_postgres(premises.runtime, "16.4")
        monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")
        pretend_data(premises, major=wheel_programs(premises.runtime).major)
        data = premises.data / "postgres"
        chosen = choose_programs(data, premises.runtime, search_path=True)
        assert chosen == wheel_programs(premises.runtime)
        shutil.rmtree(binaries)

    def test_data_of_a_version_that_is_not_here_are_refused(self, premises: Premises) -> None:
        pretend_data(premises, major=99)
        with pytest.raises(Unavailable) as refusal:
            choose_programs(premises.data / "postgres", premises.runtime, search_path=False)
        assert refusal.value.code == "database_version_mismatch"


def pretend_postgres(runtime: Runtime, version: str) -> Path:
    """Two programs that only know their version, where the servers' account can reach them."""
    binaries = make_private_folder(runtime)
    for name in ("initdb", "postgres"):
        program = binaries / name
        program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        program.chmod(0o755)
    return binaries


def pretend_data(premises: Premises, *, major: int) -> None:
    cluster = premises.data / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text(f"{major}\n")
    give(cluster.parent, premises.runtime)
