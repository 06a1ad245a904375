"""Search finds its rows by the trigram index, however many folders there are.

PostgreSQL uses no index for LIKE ALL (array): the first word is compared on its own as well. A
plan made for the words at hand tells a rare one, which the index finds, from a common one, which
the newest folders soon give.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('parapheur.tenant', true), '')::uuid"
DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "CREATE OR REPLACE FUNCTION folder_search_find("
        "words text[], before uuid, at_most integer) "
        f"RETURNS SETOF uuid LANGUAGE sql STABLE {DEFINER} "
        "SET plan_cache_mode = force_custom_plan AS $$ "
        f"SELECT folder_id FROM folder_search WHERE tenant_id = {TENANT} "
        "AND folded LIKE words[1] AND folded LIKE ALL (words) "
        "AND (before IS NULL OR folder_id < before) "
        "ORDER BY folder_id DESC LIMIT at_most $$"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "CREATE OR REPLACE FUNCTION folder_search_find("
        "words text[], before uuid, at_most integer) "
        f"RETURNS SETOF uuid LANGUAGE sql STABLE {DEFINER} AS $$ "
        f"SELECT folder_id FROM folder_search WHERE tenant_id = {TENANT} "
        "AND folded LIKE ALL (words) AND (before IS NULL OR folder_id < before) "
        "ORDER BY folder_id DESC LIMIT at_most $$"
    )
