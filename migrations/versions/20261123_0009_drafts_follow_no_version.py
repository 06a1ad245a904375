"""A draft follows no version: one taken back before its circuit ceases to be pinned to it.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE folders NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE folders SET workflow_version_id = NULL "
        "WHERE workflow_version_id IS NOT NULL AND status IN ('draft', 'inspection_refused')"
    )
    op.execute("ALTER TABLE folders FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Nothing read the version of a draft: there is none to give back.
