"""`parapheur migrate`: forward, back, and what is not a revision."""

from __future__ import annotations

import pytest

from app.db.migrate import current_revision, last_revision
from app.db.roles import OWNER, provision
from app.local.postgres import PostgresServer
from tests.builders.command_line import Ended, call

DATABASE = "migrated_by_command"


@pytest.fixture(scope="module")
def owner_url(postgres_server: PostgresServer) -> str:
    provision(postgres_server.url(), database=DATABASE)
    return postgres_server.url(user=OWNER, database=DATABASE)


def migrate(owner_url: str, *arguments: str) -> Ended:
    return call("migrate", *arguments, environment={"PARAPHEUR_DATABASE_OWNER_URL": owner_url})


def test_goes_to_the_last_revision(owner_url: str) -> None:
    assert migrate(owner_url).status == 0
    assert current_revision(owner_url) == last_revision()


def test_says_that_nothing_is_to_be_done(owner_url: str) -> None:
    migrate(owner_url)
    assert "déjà à la révision" in migrate(owner_url).output


def test_goes_back_and_forward_again(owner_url: str) -> None:
    assert migrate(owner_url, "--to", "base").status == 0
    assert current_revision(owner_url) is None
    assert migrate(owner_url, "--to", str(last_revision())).status == 0
    assert current_revision(owner_url) == last_revision()


def test_refuses_an_unknown_revision(owner_url: str) -> None:
    ended = migrate(owner_url, "--to", "nothing")
    assert (ended.status, "[unknown_revision]" in ended.errors) == (1, True)


def test_a_step_back_of_one_revision_is_undone(owner_url: str) -> None:
    migrate(owner_url)
    assert migrate(owner_url, "--to", "0001").status == 0
    assert current_revision(owner_url) == "0001"
    assert migrate(owner_url).status == 0
