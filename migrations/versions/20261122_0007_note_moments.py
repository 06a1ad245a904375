"""Notes remember how far the folder was: who received it next is found from there.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

READ = ("folder_notes", "folder_events")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("folder_notes", sa.Column("folder_version", sa.Integer(), nullable=True))
    for table in READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE folder_notes SET folder_version = (SELECT coalesce(max(e.seq), 1) "
        "FROM folder_events e WHERE e.folder_id = folder_notes.folder_id "
        "AND e.occurred_at <= folder_notes.created_at)"
    )
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.alter_column("folder_notes", "folder_version", nullable=False)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("folder_notes", "folder_version")
