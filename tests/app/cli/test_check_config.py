"""`parapheur check-config`: values shown, secrets never, what keeps the service from starting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.kit.secrets import new_master_secret
from app.local.postgres import PostgresServer
from app.local.valkey import ValkeyServer
from tests.app.conftest import Database
from tests.builders.command_line import Ended, call

Check = Callable[..., Ended]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Nothing but the settings given is in the environment."""
    monkeypatch.delenv("PARAPHEUR_SHARED_DATA", raising=False)

    def run(*arguments: str, **settings: str) -> Ended:
        named = {f"PARAPHEUR_{name}": value for name, value in settings.items()}
        named.setdefault("PARAPHEUR_DATA_DIR", str(tmp_path))
        return call("check-config", *arguments, environment=named)

    return run


class TestValues:
    def test_no_secret_is_shown(self, check: Check) -> None:
        secret = new_master_secret()
        ended = check(
            "--offline",
            SECRET_KEY=secret,
            DATABASE_URL="postgresql+psycopg://app:motdepasse@base.invalid/parapheur?x=secret2",
            REDIS_URL="redis://:motdepasse@queue.invalid/0",
            SMTP_PASSWORD="motdepasse",
            STORAGE_S3_SECRET_KEY="motdepasse",
        )
        assert not any(one in ended.output for one in (secret, "motdepasse", "secret2"))

    def test_where_a_url_leads_is_shown(self, check: Check) -> None:
        url = "postgresql+psycopg://app:motdepasse@base.invalid/parapheur"
        shown = check("--offline", DATABASE_URL=url).output
        assert "postgresql+psycopg://app@base.invalid/parapheur" in shown

    def test_every_setting_is_named_as_its_variable(self, check: Check) -> None:
        shown = check("--offline").output
        assert all(f"PARAPHEUR_{one}" in shown for one in ("DATA_DIR", "TDT_POLL_S", "SERVER_PORT"))

    def test_the_public_address_follows_the_port_of_this_machine(self, check: Check) -> None:
        shown = check("--offline", SERVER_PORT="18555").output
        assert "http://127.0.0.1:18555" in shown

    @pytest.mark.parametrize(
        ("host", "origin"),
        [
            ("::1", "http://[::1]:18555"),
            ("localhost", "http://localhost:18555"),
            ("0.0.0.0", "http://127.0.0.1:18555"),
        ],
    )
    def test_the_public_address_follows_the_host_of_this_machine(
        self, check: Check, host: str, origin: str
    ) -> None:
        shown = check("--offline", SERVER_HOST=host, SERVER_PORT="18555").output
        assert origin in shown

    def test_the_public_address_given_is_kept(self, check: Check) -> None:
        origin = "https://parapheur.example"
        shown = check("--offline", SERVER_PORT="18555", SERVER_ORIGIN=origin).output
        assert (origin in shown, "http://127.0.0.1" in shown) == (True, False)

    def test_yes_and_no_are_told_in_french(self, check: Check) -> None:
        shown = check("--offline", SMTP_STARTTLS="true").output
        assert "PARAPHEUR_SMTP_STARTTLS            oui" in shown
        assert "PARAPHEUR_SMTP_STARTTLS            non" in check("--offline").output

    def test_a_value_of_another_type_is_named(self, check: Check) -> None:
        ended = check(SERVER_PORT="quatre")
        assert (ended.status, "PARAPHEUR_SERVER_PORT" in ended.errors) == (1, True)


class TestChecks:
    def test_nothing_given_is_the_embedded_mode(self, check: Check) -> None:
        assert check().status == 0

    def test_servers_that_answer_are_good(
        self, check: Check, database: Database, valkey_server: ValkeyServer
    ) -> None:
        ended = check(
            SECRET_KEY=new_master_secret(),
            DATABASE_URL=database.app,
            REDIS_URL=valkey_server.url,
        )
        assert (ended.status, "NON" in ended.output) == (0, False)

    def test_threat_33_a_role_that_could_bypass_is_refused(
        self, check: Check, postgres_server: PostgresServer
    ) -> None:
        ended = check(SECRET_KEY=new_master_secret(), DATABASE_URL=postgres_server.url())
        assert (ended.status, "contourner le cloisonnement" in ended.output) == (1, True)

    def test_an_old_schema_is_refused(
        self, check: Check, postgres_server: PostgresServer, database: Database
    ) -> None:
        elsewhere = postgres_server.url(user="parapheur_app")
        ended = check(SECRET_KEY=new_master_secret(), DATABASE_URL=elsewhere)
        assert "lancez « parapheur migrate »" in ended.output

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("DATABASE_URL", "postgresql+psycopg://app@127.0.0.1:1/parapheur"),
            ("DATABASE_URL", "n'importe quoi"),
            ("REDIS_URL", "redis://127.0.0.1:1/0"),
            ("REDIS_URL", "n'importe quoi"),
            ("SECRET_KEY", "trop court"),
            ("SERVER_ORIGIN", "http://parapheur.example"),
            ("SERVER_ORIGIN", "n'importe quoi"),
            ("SERVER_ORIGIN", "http://127.0.0.1:port"),
            ("SERVER_ORIGIN", "http://[::1"),
            ("SCHEMAS_DIR", "/nulle/part"),
            ("STORAGE_DIR", "/etc/passwd/documents"),
        ],
    )
    def test_what_does_not_answer_is_refused(self, check: Check, name: str, value: str) -> None:
        ended = check(**{name: value})
        assert (ended.failure, ended.status) == (None, 1)

    def test_a_public_address_of_this_machine_on_another_port_is_noted(self, check: Check) -> None:
        ended = check(SERVER_PORT="18555", SERVER_ORIGIN="http://127.0.0.1:8420")
        assert (ended.status, "note  Adresse publique" in ended.output) == (0, True)
        assert "PARAPHEUR_SERVER_ORIGIN" in ended.output.partition("Contrôles")[2]

    def test_a_public_address_behind_a_relay_is_not_noted(self, check: Check) -> None:
        ended = check(SERVER_PORT="18555", SERVER_ORIGIN="https://parapheur.example")
        assert "oui   Adresse publique" in ended.output

    def test_a_mail_server_that_does_not_answer_is_refused(self, check: Check) -> None:
        assert check(SMTP_HOST="127.0.0.1", SMTP_PORT="1").status == 1
