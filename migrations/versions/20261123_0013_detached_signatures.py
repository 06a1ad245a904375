"""Detached signatures stand beside the bytes that they sign, and are kept as long as a row names
them.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = ("revisions", "signature_items")
ASKING = "parapheur.asks_about_blobs"
# As in 0005: what was prepared is read until its value comes or it lapses.
NAMES_BEFORE = (
    ("revisions", "sha256", "true"),
    ("signature_items", "source_sha256", "true"),
    ("signature_items", "prepared_sha256", "jsonb_typeof(prepared) = 'object'"),
    ("signature_items", "signed_sha256", "true"),
    ("transmissions", "document_sha256", "true"),
    ("transmission_attempts", "document_sha256", "true"),
    ("transmission_receipts", "sha256", "true"),
)
NAMES = (
    *NAMES_BEFORE,
    ("revisions", "signature_sha256", "true"),
    ("signature_items", "signature_sha256", "true"),
    ("signature_items", "source_signature_sha256", "true"),
)
SOURCE = "ix_signature_items_source_signature_sha256"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TABLES:
        op.add_column(table, sa.Column("signature_sha256", sa.String(length=64), nullable=True))
        op.add_column(table, sa.Column("signature_size_bytes", sa.BigInteger(), nullable=True))
        op.create_check_constraint(
            op.f(f"ck_{table}_signature_whole"),
            table,
            "(signature_sha256 IS NULL) = (signature_size_bytes IS NULL)",
        )
        op.create_index(
            op.f(f"ix_{table}_signature_sha256"), table, ["signature_sha256"], unique=False
        )
    # What stood beside the bytes that were prepared: those alone do not tell two states apart.
    op.add_column(
        "signature_items",
        sa.Column("source_signature_sha256", sa.String(length=64), nullable=True),
    )
    op.create_index(op.f(SOURCE), "signature_items", ["source_signature_sha256"], unique=False)
    _name_blobs(NAMES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _name_blobs(NAMES_BEFORE)
    op.drop_index(op.f(SOURCE), table_name="signature_items")
    op.drop_column("signature_items", "source_signature_sha256")
    for table in TABLES:
        op.drop_index(op.f(f"ix_{table}_signature_sha256"), table_name=table)
        op.drop_constraint(op.f(f"ck_{table}_signature_whole"), table, type_="check")
        op.drop_column(table, "signature_size_bytes")
        op.drop_column(table, "signature_sha256")


def _name_blobs(names: Sequence[tuple[str, str, str]]) -> None:
    """The function of 0005 over these columns; its owner and its grants stay."""
    named = " UNION ".join(
        f"SELECT {column} FROM public.{table} WHERE {column} = ANY (digests) AND {condition}"
        for table, column, condition in names
    )
    op.execute(
        "CREATE OR REPLACE FUNCTION named_blobs(digests text[]) RETURNS text[] LANGUAGE plpgsql "
        "SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ "
        "DECLARE found text[]; BEGIN "
        f"PERFORM set_config('{ASKING}', 'yes', true); "
        f"SELECT coalesce(array_agg(one), '{{}}') INTO found FROM ({named}) AS named (one); "
        f"PERFORM set_config('{ASKING}', '', true); "
        "RETURN found; END $$"
    )
