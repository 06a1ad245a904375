"""Row-level security, grants and append-only tables (DESIGN D13, threats 33 and 40).

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('parapheur.tenant', true), '')::uuid"
SCOPED = [
    "api_tokens",
    "audit_events",
    "audit_heads",
    "audit_values",
    "certificates",
    "connector_accounts",
    "desk_holders",
    "desks",
    "documents",
    "folder_events",
    "folder_subtypes",
    "folder_types",
    "folders",
    "idempotency_keys",
    "login_sessions",
    "notifications",
    "pes_references",
    "revisions",
    "signature_items",
    "signature_sessions",
    "signing_devices",
    "signing_jobs",
    "transmission_attempts",
    "transmission_receipts",
    "transmissions",
    "trust_anchors",
    "users",
    "workflow_versions",
    "workflows",
]
OUTSIDE = ("jobs", "login_attempts", "login_handles", "pairing_requests", "spent_nonces")
APPEND_ONLY = ("folder_events", "audit_events")
KEPT = ("audit_values", "audit_heads", "tenants")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    op.execute("GRANT USAGE ON SCHEMA public TO parapheur_app, parapheur_read")
    op.execute("GRANT SELECT ON alembic_version TO parapheur_app, parapheur_read")
    _isolate("tenants", "id")
    for table in SCOPED:
        _isolate(table, "tenant_id")
    for table in (*SCOPED, "tenants"):
        op.execute(f"GRANT SELECT ON {table} TO parapheur_read")
        _grant(table)
    for table in OUTSIDE:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO parapheur_app")
    _forbid_changes()


def _isolate(table: str, column: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant_isolation ON {table} "
        f"USING ({column} = {TENANT}) WITH CHECK ({column} = {TENANT})"
    )


def _grant(table: str) -> None:
    verbs = "SELECT, INSERT"
    if table not in APPEND_ONLY:
        verbs += ", UPDATE"
    if table not in (*APPEND_ONLY, *KEPT):
        verbs += ", DELETE"
    op.execute(f"GRANT {verbs} ON {table} TO parapheur_app")


def _forbid_changes() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    op.execute("DROP FUNCTION refuse_change()")
    for table in (*SCOPED, "tenants"):
        op.execute(f"DROP POLICY tenant_isolation ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM parapheur_app, parapheur_read")
    for table in OUTSIDE:
        op.execute(f"REVOKE ALL ON {table} FROM parapheur_app")
    op.execute("REVOKE ALL ON alembic_version FROM parapheur_app, parapheur_read")
    op.execute("REVOKE USAGE ON SCHEMA public FROM parapheur_app, parapheur_read")
