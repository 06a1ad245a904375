"""The schema goes up, down and up again, is what the models say, and names its constraints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url

from app.db.migrate import configuration, current_revision, downgrade, last_revision, upgrade
from app.db.roles import OWNER, provision
from app.local.postgres import PostgresServer

DATABASE = "test_migrations"
VERSIONS = Path(__file__).resolve().parents[2] / "migrations" / "versions"


def _drop(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


@pytest.fixture
def owner_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty database, provisioned as an operator would."""
    superuser = make_url(postgres_server.url())
    libpq = superuser.set(drivername="postgresql").render_as_string(hide_password=False)
    _drop(libpq)
    provision(postgres_server.url(), database=DATABASE)
    yield superuser.set(username=OWNER, database=DATABASE).render_as_string(hide_password=False)
    _drop(libpq)


def _rows(url: str, query: str) -> list[tuple[str, ...]]:
    libpq = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(libpq) as connection:
        return connection.execute(query).fetchall()


TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
SHAPE = (
    "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
    " WHERE table_schema = 'public' ORDER BY 1, 2"
)


def test_an_empty_database_reaches_the_last_revision(owner_url: str) -> None:
    upgrade(owner_url)
    assert current_revision(owner_url) == last_revision()


def test_the_way_back_leaves_nothing(owner_url: str) -> None:
    upgrade(owner_url)
    downgrade(owner_url, "base")
    functions = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    assert (_rows(owner_url, TABLES), _rows(owner_url, functions)) == ([("alembic_version",)], [])


def test_up_down_and_up_gives_the_same_schema(owner_url: str) -> None:
    upgrade(owner_url)
    first = _rows(owner_url, SHAPE)
    downgrade(owner_url, "base")
    upgrade(owner_url)
    assert _rows(owner_url, SHAPE) == first


def test_each_revision_goes_back_one_by_one(owner_url: str) -> None:
    upgrade(owner_url)
    passed = []
    while (revision := current_revision(owner_url)) is not None:
        passed.append(revision)
        downgrade(owner_url, "-1")
    script = ScriptDirectory.from_config(configuration(owner_url))
    assert passed == [one.revision for one in script.walk_revisions()]


def test_the_schema_is_what_the_models_say(owner_url: str) -> None:
    upgrade(owner_url)
    command.check(configuration(owner_url))


def test_every_constraint_and_index_is_named_by_the_convention(owner_url: str) -> None:
    upgrade(owner_url)
    constraints = _rows(
        owner_url,
        "SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        " AND contype <> 'n' AND conrelid <> 'alembic_version'::regclass",
    )
    indexes = _rows(
        owner_url,
        "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'"
        " AND tablename <> 'alembic_version'",
    )
    names = [name for (name,) in [*constraints, *indexes]]
    assert [name for name in names if not re.match(r"(pk|fk|uq|ck|ix)_", name)] == []


def test_there_is_one_head() -> None:
    script = ScriptDirectory.from_config(configuration("postgresql://"))
    assert len(script.get_heads()) == 1


@pytest.mark.parametrize("file", sorted(VERSIONS.glob("*.py")), ids=lambda file: file.name)
def test_a_revision_does_not_import_the_models(file: Path) -> None:
    assert "app.models" not in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", sorted(VERSIONS.glob("*.py")), ids=lambda file: file.name)
def test_a_revision_does_not_wait_for_locks(file: Path) -> None:
    ways = re.split(r"^def ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    both = [way for way in ways if way.startswith(("upgrade", "downgrade"))]
    assert [way.count("SET LOCAL lock_timeout") for way in both] == [1, 1]
