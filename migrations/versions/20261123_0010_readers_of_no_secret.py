"""Whoever only reads the database reads no secret: neither the hashes of passwords nor the answers
kept for repeated requests.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

USER_COLUMNS = (
    "id",
    "tenant_id",
    "login",
    "email",
    "first_name",
    "last_name",
    "roles",
    "administered_desk_ids",
    "is_active",
    "created_at",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("REVOKE SELECT ON users, idempotency_keys FROM parapheur_read")
    op.execute(f"GRANT SELECT ({', '.join(USER_COLUMNS)}) ON users TO parapheur_read")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(f"REVOKE SELECT ({', '.join(USER_COLUMNS)}) ON users FROM parapheur_read")
    op.execute("GRANT SELECT ON users, idempotency_keys TO parapheur_read")
