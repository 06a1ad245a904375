"""What was told may be told again once it has ceased to be true: an outage that comes back.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLE = "notifications"
KEY = ["folder_id", "event_seq", "kind", "user_id"]
EVERY = "uq_notifications_folder_id_event_seq_kind_user_id"
STANDING = "uq_notifications_standing"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(TABLE, sa.Column("over_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint(EVERY, TABLE, type_="unique")
    op.create_index(STANDING, TABLE, KEY, unique=True, postgresql_where=sa.text("over_at IS NULL"))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The former key knows one mail of each news: the last one stays.
    op.execute(f"ALTER TABLE {TABLE} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        f"DELETE FROM {TABLE} former USING {TABLE} later WHERE former.id < later.id AND "
        + " AND ".join(f"former.{one} = later.{one}" for one in KEY)
    )
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.drop_index(STANDING, table_name=TABLE)
    op.create_unique_constraint(EVERY, TABLE, KEY)
    op.drop_column(TABLE, "over_at")
