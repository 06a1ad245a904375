"""Row-level security without the application's filters, and what each database role may do."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from app.context import Context
from app.db.session import UnsafeRole, make_engine, refuse_unsafe_role
from app.demo.town import Town
from app.documents.repository import DocumentRepository
from app.models import SignatureItem, User
from tests.app.conftest import Database
from tests.builders.furnished import Row, furnish, scoped_tables

OUTSIDE = {
    "alembic_version",
    "folder_search",
    "jobs",
    "login_attempts",
    "login_handles",
    "pairing_requests",
    "spent_nonces",
}
# Keyed hashes, kinds and states of our own; a job's key is its kind and the ids that it is about.
# The text of folders, which no role of the service may read but through a function.
TEXTS_OUTSIDE = {
    ("alembic_version", "version_num"),
    ("folder_search", "folded"),
    ("jobs", "dedupe_key"),
    ("jobs", "kind"),
    ("jobs", "last_error"),
    ("jobs", "state"),
    ("login_attempts", "digest"),
    ("login_handles", "digest"),
    ("login_handles", "kind"),
    ("pairing_requests", "code_digest"),
    ("spent_nonces", "digest"),
}
SCOPED = [table.name for table in scoped_tables()]
EVERY_SCOPED = [*SCOPED, "tenants"]
READ_BY_AUDITOR = [one for one in EVERY_SCOPED if one != "idempotency_keys"]
APPEND_ONLY = ("folder_events", "audit_events")
# What may look past tenants, or into a table that the service may not read.
DEFINERS = {"folder_search_find", "folder_search_write", "member_tenants", "named_blobs"}
NAMING_POLICIES = {
    (table, "blob_naming")
    for table in (
        "revisions",
        "signature_items",
        "transmission_attempts",
        "transmission_receipts",
        "transmissions",
    )
}
PAST_TENANTS = NAMING_POLICIES | {("tenants", "members_of_host")}


@pytest.fixture
async def neighbour(context: Context, other_town: Town) -> dict[str, Row]:
    """Another tenant, with a row in every table."""
    return await furnish(context, other_town)


@pytest.fixture
async def own(context: Context, town: Town) -> dict[str, Row]:
    return await furnish(context, town)


def _tenant_column(table: str) -> str:
    return "id" if table == "tenants" else "tenant_id"


async def _counts(context: Context, seen_by: uuid.UUID | None, owner: uuid.UUID) -> dict[str, int]:
    """Rows of `owner` that a session bound to `seen_by` reads, by table; no filter but this."""
    found: dict[str, int] = {}
    async with context.unit(seen_by) as session:
        for table in EVERY_SCOPED:
            column = _tenant_column(table)
            query = text(f"SELECT count(*) FROM {table} WHERE {column} = :owner")
            found[table] = await session.scalar(query, {"owner": owner}) or 0
    return found


async def _refusal(
    context: Context, tenant: uuid.UUID | None, statement: str, **values: Any
) -> str:
    """What the database says when it refuses, or an empty text when it did something."""
    try:
        async with context.unit(tenant) as session:
            result = await session.execute(text(statement), values)
            return "" if getattr(result, "rowcount", 0) else "no row"
    except DBAPIError as error:
        return str(error.orig)


class TestReading:
    async def test_threat_33_a_tenant_reads_its_own_rows_of_every_table(
        self, context: Context, town: Town, own: dict[str, Row]
    ) -> None:
        counts = await _counts(context, town.tenant_id, town.tenant_id)
        assert [table for table, count in counts.items() if count == 0] == []

    @pytest.mark.usefixtures("neighbour")
    async def test_threat_33_a_tenant_reads_no_row_of_another(
        self, context: Context, town: Town, other_town: Town
    ) -> None:
        counts = await _counts(context, town.tenant_id, other_town.tenant_id)
        assert counts == dict.fromkeys(EVERY_SCOPED, 0)

    @pytest.mark.usefixtures("neighbour")
    async def test_threat_33_without_a_tenant_nothing_is_read(self, context: Context) -> None:
        async with context.unit() as session:
            counts = {
                table: await session.scalar(text(f"SELECT count(*) FROM {table}"))
                for table in EVERY_SCOPED
            }
        assert counts == dict.fromkeys(EVERY_SCOPED, 0)

    @pytest.mark.usefixtures("neighbour")
    async def test_threat_33_the_tenant_of_a_transaction_does_not_outlive_it(
        self, context: Context, town: Town
    ) -> None:
        async with context.engine.connect() as connection:
            async with connection.begin():
                await connection.execute(
                    text("SELECT set_config('parapheur.tenant', :tenant, true)"),
                    {"tenant": str(town.tenant_id)},
                )
                inside = await connection.scalar(text("SELECT count(*) FROM users"))
            async with connection.begin():
                after = await connection.scalar(text("SELECT count(*) FROM users"))
        assert (inside, after) == (len(town.users), 0)


class TestWriting:
    async def test_threat_33_a_row_cannot_be_written_for_another_tenant(
        self, context: Context, town: Town, other_town: Town, own: dict[str, Row]
    ) -> None:
        said = {}
        for table in scoped_tables():
            row = own[table.name] | {"tenant_id": other_town.tenant_id}
            with pytest.raises(DBAPIError) as refused:
                async with context.unit(town.tenant_id) as session:
                    await session.execute(table.insert().values(row))
            said[table.name] = str(refused.value.orig)
        assert [one for one in said.items() if "row-level security" not in one[1]] == []

    async def test_threat_33_a_row_cannot_be_given_to_another_tenant(
        self, context: Context, town: Town, other_town: Town, own: dict[str, Row]
    ) -> None:
        assert set(own) == set(EVERY_SCOPED)
        said = {
            table: await _refusal(
                context,
                town.tenant_id,
                f"UPDATE {table} SET tenant_id = :o",
                o=other_town.tenant_id,
            )
            for table in SCOPED
            if table not in APPEND_ONLY
        }
        assert [one for one in said.items() if "row-level security" not in one[1]] == []

    @pytest.mark.usefixtures("neighbour")
    async def test_threat_33_rows_of_another_tenant_are_not_changed(
        self, context: Context, town: Town, other_town: Town
    ) -> None:
        changed = {
            table: said
            for table in SCOPED
            if table not in APPEND_ONLY
            and (
                said := await _refusal(
                    context,
                    town.tenant_id,
                    f"UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = :other",
                    other=other_town.tenant_id,
                )
            )
            != "no row"
        }
        assert changed == {}

    async def test_threat_33_a_tenant_is_not_made_under_another(
        self, context: Context, town: Town
    ) -> None:
        said = await _refusal(
            context,
            town.tenant_id,
            "INSERT INTO tenants (id, siret, name, timezone, city, postal_code, country,"
            " default_role) VALUES (gen_random_uuid(), '00000000000000', 'x', 'x', 'x', 'x',"
            " 'x', 'x')",
        )
        assert "row-level security" in said


class TestAppendOnly:
    @pytest.mark.parametrize("table", APPEND_ONLY)
    @pytest.mark.parametrize(
        "statement", ["UPDATE {} SET kind = 'x'", "DELETE FROM {}", "TRUNCATE {}"]
    )
    async def test_threat_40_the_application_may_only_append(
        self, context: Context, town: Town, own: dict[str, Row], table: str, statement: str
    ) -> None:
        said = await _refusal(context, town.tenant_id, statement.format(table))
        assert f"permission denied for table {table}" in said

    @pytest.mark.parametrize("table", APPEND_ONLY)
    @pytest.mark.parametrize(
        "statement", ["UPDATE {} SET kind = 'x'", "DELETE FROM {}", "TRUNCATE {}"]
    )
    def test_threat_40_not_even_the_owner_changes_what_was_written(
        self, database: Database, table: str, statement: str
    ) -> None:
        with (
            psycopg.connect(_libpq(database.owner)) as connection,
            pytest.raises(psycopg.errors.RaiseException, match="append-only"),
        ):
            connection.execute(statement.format(table))

    @pytest.mark.parametrize("table", ["audit_values", "audit_heads", "tenants"])
    async def test_threat_40_what_the_journal_rests_on_is_never_deleted(
        self, context: Context, town: Town, own: dict[str, Row], table: str
    ) -> None:
        said = await _refusal(context, town.tenant_id, f"DELETE FROM {table}")
        assert f"permission denied for table {table}" in said


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(_libpq(url)) as connection:
        return connection.execute(query).fetchall()


class TestTables:
    def test_threat_33_the_tables_outside_isolation_are_those_of_the_list(
        self, database: Database
    ) -> None:
        rows = _rows(
            database.owner,
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
            " AND relnamespace = 'public'::regnamespace"
            " AND NOT (relrowsecurity AND relforcerowsecurity)",
        )
        assert {name for (name,) in rows} == OUTSIDE

    def test_threat_33_every_isolated_table_has_its_policy_and_no_other(
        self, database: Database
    ) -> None:
        rows = _rows(
            database.owner,
            "SELECT tablename, policyname, permissive, cmd, qual IS NOT NULL,"
            " with_check IS NOT NULL FROM pg_policies WHERE schemaname = 'public'",
        )
        wanted = ("tenant_isolation", "PERMISSIVE", "ALL", True, True)
        isolating = [row for row in rows if row[:2] not in PAST_TENANTS]
        assert {row[0]: row[1:] for row in isolating} == dict.fromkeys(EVERY_SCOPED, wanted)
        assert len(isolating) == len(EVERY_SCOPED)

    def test_threat_33_what_looks_past_tenants_is_for_the_owner_and_for_reading(
        self, database: Database
    ) -> None:
        rows = _rows(
            database.owner,
            "SELECT tablename, policyname, cmd, roles::text FROM pg_policies"
            " WHERE policyname <> 'tenant_isolation'",
        )
        assert {row[:2] for row in rows} == PAST_TENANTS
        assert {row[2:] for row in rows} == {("SELECT", "{parapheur_owner}")}

    def test_threat_33_no_table_outside_isolation_holds_a_text_of_people(
        self, database: Database
    ) -> None:
        rows = _rows(
            database.owner,
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type IN ('text', 'character varying')",
        )
        assert {row for row in rows if row[0] in OUTSIDE} == TEXTS_OUTSIDE

    def test_threat_33_the_text_of_folders_is_out_of_the_service_s_reach(
        self, database: Database
    ) -> None:
        for url in (database.app, database.read):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                _rows(url, "SELECT folded FROM folder_search")

    def test_no_view_and_no_other_definer_function_stands_beside_isolation(
        self, database: Database
    ) -> None:
        views = _rows(database.owner, "SELECT viewname FROM pg_views WHERE schemaname = 'public'")
        definers = _rows(
            database.owner,
            "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace",
        )
        assert (views, {name for (name,) in definers}) == ([], DEFINERS)

    def test_threat_33_a_definer_function_searches_no_schema_of_the_caller(
        self, database: Database
    ) -> None:
        rows = _rows(
            database.owner,
            "SELECT proname, pg_get_userbyid(proowner), proconfig::text, proacl::text"
            " FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace",
        )
        for _, owner, settings, grants in rows:
            assert owner == "parapheur_owner"
            assert re.search(r'"search_path=pg_catalog, (public, )?pg_temp"', settings)
            assert grants == ("{parapheur_owner=X/parapheur_owner,parapheur_app=X/parapheur_owner}")


# Columns that hold the digest of something else than a document's bytes in the store.
NO_BLOB = {
    ("certificates", "sha256"),
    ("idempotency_keys", "request_sha256"),
    ("orphan_blobs", "sha256"),
    ("trust_anchors", "sha256"),
}
NAMING = sorted(
    (table.name, column.name)
    for table in scoped_tables()
    for column in table.columns
    if column.name.endswith("sha256") and (table.name, column.name) not in NO_BLOB
)


async def _named(context: Context, digests: list[str]) -> set[str]:
    async with context.unit() as session:
        return await DocumentRepository(session).named_blobs(digests)


def _digest() -> str:
    return hashlib.sha256(uuid.uuid4().bytes).hexdigest()


class TestNamedBlobs:
    """The one question that looks past tenants: equal bytes are one blob for all of them."""

    async def test_every_column_that_names_bytes_counts_whoever_the_tenant(
        self, context: Context, town: Town, own: dict[str, Row]
    ) -> None:
        digests = {column: _digest() for column in NAMING}
        async with context.unit(town.tenant_id) as session:
            await session.execute(text("UPDATE signature_items SET prepared = '{}'"))
            for (table, column), digest in digests.items():
                await session.execute(
                    text(f"UPDATE {table} SET {column} = :digest WHERE id = :id"),
                    {"digest": digest, "id": own[table]["id"]},
                )
        asked = list(digests.values())
        assert await _named(context, [*asked, _digest()]) == set(asked)

    async def test_what_was_prepared_counts_while_its_preparation_stands(
        self, context: Context, town: Town, own: dict[str, Row]
    ) -> None:
        digest = _digest()
        async with context.unit(town.tenant_id) as session:
            item = await session.get_one(SignatureItem, own["signature_items"]["id"])
            item.prepared_sha256, item.prepared = digest, {"format": "pades"}
        assert await _named(context, [digest]) == {digest}
        async with context.unit(town.tenant_id) as session:
            item = await session.get_one(SignatureItem, own["signature_items"]["id"])
            item.prepared = None
        assert await _named(context, [digest]) == set()

    async def test_nothing_asked_nothing_named(self, context: Context) -> None:
        assert await _named(context, []) == set()

    @pytest.mark.usefixtures("neighbour")
    async def test_threat_33_its_setting_opens_nothing_to_the_application(
        self, context: Context, town: Town, other_town: Town
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            await session.execute(
                text("SELECT set_config('parapheur.asks_about_blobs', 'yes', true)")
            )
            seen = {
                table: await session.scalar(
                    text(f"SELECT count(*) FROM {table} WHERE tenant_id = :other"),
                    {"other": other_town.tenant_id},
                )
                for table, _ in NAMING_POLICIES
            }
        assert set(seen.values()) == {0}

    async def test_threat_33_its_setting_ends_with_it(self, context: Context) -> None:
        async with context.unit() as session:
            await DocumentRepository(session).named_blobs([_digest()])
            left = await session.scalar(
                text("SELECT current_setting('parapheur.asks_about_blobs', true)")
            )
        assert not left

    @pytest.mark.usefixtures("neighbour")
    async def test_threat_33_it_names_no_digest_that_it_was_not_given(
        self, context: Context
    ) -> None:
        for hostile in ("%", "_" * 64, "", "' OR true --", "{}"):
            assert await _named(context, [hostile]) == set()

    def test_threat_33_the_auditor_may_not_ask(self, database: Database) -> None:
        with (
            psycopg.connect(_libpq(database.read)) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute("SELECT named_blobs('{}')")


class TestAuditor:
    def test_reads_the_tenant_that_is_set(
        self, database: Database, town: Town, own: dict[str, Row]
    ) -> None:
        with psycopg.connect(_libpq(database.read)) as connection:
            connection.execute(
                "SELECT set_config('parapheur.tenant', %s, true)", [str(town.tenant_id)]
            )
            empty = [
                table
                for table in READ_BY_AUDITOR
                if connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
            ]
        assert empty == []

    @pytest.mark.usefixtures("neighbour")
    def test_threat_33_reads_nothing_of_another_tenant(
        self, database: Database, town: Town, other_town: Town
    ) -> None:
        with psycopg.connect(_libpq(database.read)) as connection:
            connection.execute(
                "SELECT set_config('parapheur.tenant', %s, true)", [str(town.tenant_id)]
            )
            seen = [
                table
                for table in READ_BY_AUDITOR
                if connection.execute(
                    f"SELECT count(*) FROM {table} WHERE {_tenant_column(table)} = %s",
                    [other_town.tenant_id],
                ).fetchone()
                != (0,)
            ]
        assert seen == []

    def test_has_no_right_but_reading(self, database: Database) -> None:
        rows = _rows(
            database.owner,
            "SELECT DISTINCT privilege_type FROM information_schema.role_table_grants"
            " WHERE grantee = 'parapheur_read'",
        )
        assert rows == [("SELECT",)]

    def test_reads_no_handle_and_no_job(self, database: Database) -> None:
        rows = _rows(
            database.owner,
            "SELECT table_name FROM information_schema.role_table_grants"
            " WHERE grantee = 'parapheur_read'",
        )
        assert {name for (name,) in rows} & OUTSIDE == {"alembic_version"}

    @pytest.mark.parametrize(
        "statement",
        [
            "SELECT password_hash FROM users",
            "SELECT * FROM users",
            "SELECT body FROM idempotency_keys",
        ],
        ids=["hash", "person", "kept_answer"],
    )
    def test_threat_41_reads_no_secret(self, database: Database, statement: str) -> None:
        with (
            psycopg.connect(_libpq(database.read)) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement)

    def test_reads_of_a_person_all_but_the_hash_of_his_password(self, database: Database) -> None:
        rows = _rows(
            database.owner,
            "SELECT column_name FROM information_schema.column_privileges"
            " WHERE grantee = 'parapheur_read' AND table_name = 'users'",
        )
        assert {name for (name,) in rows} == set(User.__table__.columns.keys()) - {"password_hash"}

    def test_writes_nothing(self, database: Database) -> None:
        with (
            psycopg.connect(_libpq(database.read)) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute("DELETE FROM users")


class TestRoleOfTheServer:
    @pytest.fixture
    async def heir(self, database: Database) -> AsyncIterator[str]:
        """A harmless-looking role that may become the owner."""
        name = f"heir_{uuid.uuid4().hex[:8]}"
        superuser = make_url(_libpq(database.superuser)).set(
            database=make_url(database.app).database
        )
        with psycopg.connect(superuser.render_as_string(hide_password=False), autocommit=True) as c:
            c.execute(f"CREATE ROLE {name} LOGIN IN ROLE parapheur_owner")
            c.execute(f'GRANT CONNECT ON DATABASE "{superuser.database}" TO {name}')
            yield make_url(database.app).set(username=name).render_as_string(hide_password=False)
            c.execute(f'REVOKE ALL ON DATABASE "{superuser.database}" FROM {name}')
            c.execute(f"DROP ROLE {name}")

    async def test_the_application_role_may_serve(self, context: Context) -> None:
        assert await _refused(context.engine.url.render_as_string(hide_password=False)) == ""

    async def test_threat_33_the_owner_may_not_serve(self, database: Database) -> None:
        assert "parapheur_owner" in await _refused(database.owner)

    async def test_threat_33_a_superuser_may_not_serve(self, database: Database) -> None:
        url = make_url(database.superuser).set(database=make_url(database.app).database)
        assert "contourner" in await _refused(url.render_as_string(hide_password=False))

    async def test_threat_33_a_role_that_may_become_the_owner_may_not_serve(
        self, heir: str
    ) -> None:
        assert "heir_" in await _refused(heir)


async def _refused(url: str) -> str:
    engine = make_engine(url)
    try:
        await refuse_unsafe_role(engine)
    except UnsafeRole as refusal:
        return str(refusal)
    finally:
        await engine.dispose()
    return ""
