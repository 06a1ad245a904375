"""Isolation of the tables of circuits, search beside them, entries for folders that stand.

Search text is outside row-level security and out of the service's reach but by two functions
(DESIGN D13): under it, LIKE never uses a trigram index.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('parapheur.tenant', true), '')::uuid"
SCOPED = (
    "absences",
    "council_installations",
    "desk_staff",
    "elected_mandates",
    "folder_notes",
    "grants",
    "inbox_entries",
)
DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in SCOPED:
        _isolate(table)
    _open_search()
    _open_members()
    _fill_inboxes()


def _isolate(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant_isolation ON {table} "
        f"USING (tenant_id = {TENANT}) WITH CHECK (tenant_id = {TENANT})"
    )
    op.execute(f"GRANT SELECT ON {table} TO parapheur_read")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO parapheur_app")


def _open_search() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public")
    op.execute(
        "CREATE TABLE folder_search ("
        "tenant_id uuid NOT NULL, folder_id uuid NOT NULL, folded text NOT NULL, "
        "CONSTRAINT pk_folder_search PRIMARY KEY (tenant_id, folder_id))"
    )
    op.execute(
        "CREATE INDEX ix_folder_search_folded ON folder_search USING gin (folded gin_trgm_ops)"
    )
    op.execute("REVOKE ALL ON folder_search FROM PUBLIC, parapheur_app, parapheur_read")
    op.execute(
        "CREATE FUNCTION folder_search_write(folder uuid, content text) RETURNS void "
        f"LANGUAGE sql {DEFINER} AS $$ "
        f"INSERT INTO folder_search VALUES ({TENANT}, folder, content) "
        "ON CONFLICT (tenant_id, folder_id) DO UPDATE SET folded = excluded.folded $$"
    )
    op.execute(
        "CREATE FUNCTION folder_search_find(words text[], before uuid, at_most integer) "
        f"RETURNS SETOF uuid LANGUAGE sql STABLE {DEFINER} AS $$ "
        f"SELECT folder_id FROM folder_search WHERE tenant_id = {TENANT} "
        "AND folded LIKE ALL (words) AND (before IS NULL OR folder_id < before) "
        "ORDER BY folder_id DESC LIMIT at_most $$"
    )
    for function in (
        "folder_search_write(uuid, text)",
        "folder_search_find(text[], uuid, integer)",
    ):
        _only_the_service(function)


def _open_members() -> None:
    """A host organisation lists its members: names only, by a function."""
    op.execute(
        "CREATE POLICY members_of_host ON tenants FOR SELECT TO parapheur_owner "
        f"USING (host_id = {TENANT})"
    )
    op.execute(
        "CREATE FUNCTION member_tenants() RETURNS TABLE (id uuid, siret text, name text) "
        f"LANGUAGE sql STABLE {DEFINER} AS $$ "
        f"SELECT id, siret, name FROM tenants WHERE host_id = {TENANT} ORDER BY name, id $$"
    )
    _only_the_service("member_tenants()")


def _only_the_service(function: str) -> None:
    op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO parapheur_app")


def _fill_inboxes() -> None:
    """Folders deposited before there were lists find their place in them."""
    op.execute("ALTER TABLE folders NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE inbox_entries NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "INSERT INTO inbox_entries "
        "(tenant_id, folder_id, desk_id, place, kind, subtype_id, amount_cents, since) "
        "SELECT f.tenant_id, f.id, d.desk_id, "
        "CASE WHEN d.desk_id = ANY (f.waiting_desk_ids) THEN 'to_do' "
        "WHEN f.status IN ('rejected', 'remote_refused', 'transmission_failed') THEN 'rejected' "
        "WHEN f.status IN ('draft', 'inspecting', 'inspection_refused') THEN 'draft' "
        "WHEN f.status IN ('completed', 'acknowledged', 'cancelled') THEN 'finished' "
        "ELSE 'under_way' END, "
        "CASE WHEN d.desk_id = ANY (f.waiting_desk_ids) THEN f.waiting_kind END, "
        "f.subtype_id, f.amount_cents, f.updated_at "
        "FROM folders f CROSS JOIN LATERAL (SELECT f.submitter_desk_id AS desk_id "
        "UNION SELECT unnest(f.participant_desk_ids)) d"
    )
    op.execute("ALTER TABLE inbox_entries FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE folders FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION member_tenants()")
    op.execute("DROP POLICY members_of_host ON tenants")
    op.execute("DROP FUNCTION folder_search_find(text[], uuid, integer)")
    op.execute("DROP FUNCTION folder_search_write(uuid, text)")
    op.execute("DROP TABLE folder_search")
    op.execute("DROP EXTENSION pg_trgm")
    for table in SCOPED:
        op.execute(f"DROP POLICY tenant_isolation ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM parapheur_app, parapheur_read")
