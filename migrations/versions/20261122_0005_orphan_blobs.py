"""Which documents' bytes nobody names any more: what may be deleted from the store (DESIGN D17).

`named_blobs` looks past the tenants, because equal bytes are one blob for all of them; it answers
which of the digests it is given are named, and nothing else. Its owner reads across tenants inside
this function only: the policies ask for the setting that the function sets for itself.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('parapheur.tenant', true), '')::uuid"
ASKING = "parapheur.asks_about_blobs"
# What was prepared is read until its value comes or it lapses; its digest alone names nothing.
NAMES = (
    ("revisions", "sha256", "true"),
    ("signature_items", "source_sha256", "true"),
    ("signature_items", "prepared_sha256", "jsonb_typeof(prepared) = 'object'"),
    ("signature_items", "signed_sha256", "true"),
    ("transmissions", "document_sha256", "true"),
    ("transmission_attempts", "document_sha256", "true"),
    ("transmission_receipts", "sha256", "true"),
)
TABLES = tuple(dict.fromkeys(table for table, _, _ in NAMES))
# revisions.sha256 has its index since 0001.
INDEXED = tuple((table, column) for table, column, _ in NAMES if table != "revisions")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _keep_orphans()
    # Since when bytes of the folder are known to be altered (threat 6).
    op.add_column("folders", sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True))
    for table, column in INDEXED:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)
    for table in TABLES:
        op.execute(
            f"CREATE POLICY blob_naming ON {table} FOR SELECT TO parapheur_owner "
            f"USING (current_setting('{ASKING}', true) = 'yes')"
        )
    named = " UNION ".join(
        f"SELECT {column} FROM public.{table} WHERE {column} = ANY (digests) AND {condition}"
        for table, column, condition in NAMES
    )
    op.execute(
        "CREATE FUNCTION named_blobs(digests text[]) RETURNS text[] LANGUAGE plpgsql "
        "SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ "
        "DECLARE found text[]; BEGIN "
        f"PERFORM set_config('{ASKING}', 'yes', true); "
        f"SELECT coalesce(array_agg(one), '{{}}') INTO found FROM ({named}) AS named (one); "
        f"PERFORM set_config('{ASKING}', '', true); "
        "RETURN found; END $$"
    )
    op.execute("REVOKE ALL ON FUNCTION named_blobs(text[]) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION named_blobs(text[]) TO parapheur_app")


def _keep_orphans() -> None:
    op.create_table(
        "orphan_blobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("folder_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_orphan_blobs_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orphan_blobs")),
    )
    for column in ("folder_id", "tenant_id"):
        op.create_index(op.f(f"ix_orphan_blobs_{column}"), "orphan_blobs", [column], unique=False)
    op.execute("ALTER TABLE orphan_blobs ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE orphan_blobs FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenant_isolation ON orphan_blobs "
        f"USING (tenant_id = {TENANT}) WITH CHECK (tenant_id = {TENANT})"
    )
    op.execute("GRANT SELECT ON orphan_blobs TO parapheur_read")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON orphan_blobs TO parapheur_app")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION named_blobs(text[])")
    for table in TABLES:
        op.execute(f"DROP POLICY blob_naming ON {table}")
    for table, column in INDEXED:
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)
    op.drop_column("folders", "frozen_at")
    op.drop_table("orphan_blobs")
