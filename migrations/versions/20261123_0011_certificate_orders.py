"""Orders of certificates, a register of each tenant: never deleted by the service.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLE = "certificate_orders"
TENANT = "nullif(current_setting('parapheur.tenant', true), '')::uuid"
STATE_TOLD = (
    "state IN ('requested', 'ordered', 'delivered', 'cancelled')"
    " AND (delivered_at IS NOT NULL) = (state = 'delivered')"
    " AND (cancelled_at IS NOT NULL) = (state = 'cancelled')"
    " AND (cancellation_reason IS NOT NULL) = (state = 'cancelled')"
    " AND (ordered_at IS NOT NULL) = (supplier IS NOT NULL)"
    " AND (ordered_at IS NULL OR state <> 'requested')"
    " AND (ordered_at IS NOT NULL OR state IN ('requested', 'cancelled'))"
    " AND (certificate_id IS NULL OR state = 'delivered')"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("usages", postgresql.ARRAY(sa.String(length=20)), nullable=False),
        sa.Column("rgs_level", sa.Integer(), nullable=True),
        sa.Column("eidas_level", sa.String(length=10), nullable=True),
        sa.Column("wanted_by", sa.Date(), nullable=True),
        sa.Column("supplier", sa.String(length=255), nullable=True),
        sa.Column("supplier_reference", sa.String(length=255), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancellation_reason", sa.Text(), nullable=True),
        sa.Column("certificate_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "cardinality(usages) > 0", name=op.f("ck_certificate_orders_usage_named")
        ),
        sa.CheckConstraint(
            "rgs_level IS NOT NULL OR eidas_level IS NOT NULL",
            name=op.f("ck_certificate_orders_level_named"),
        ),
        sa.CheckConstraint(STATE_TOLD, name=op.f("ck_certificate_orders_state_told")),
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"{target}.id"],
                name=op.f(f"fk_certificate_orders_{column}_{target}"),
            )
            for column, target in (
                ("tenant_id", "tenants"),
                ("user_id", "users"),
                ("requested_by", "users"),
                ("certificate_id", "certificates"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_orders")),
    )
    for column in ("tenant_id", "user_id"):
        op.create_index(op.f(f"ix_certificate_orders_{column}"), TABLE, [column], unique=False)
    op.create_index(
        "ix_certificate_orders_recent", TABLE, ["tenant_id", "requested_at", "id"], unique=False
    )
    _isolate()


def _isolate() -> None:
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant_isolation ON {TABLE} "
        f"USING (tenant_id = {TENANT}) WITH CHECK (tenant_id = {TENANT})"
    )
    op.execute(f"GRANT SELECT ON {TABLE} TO parapheur_read")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {TABLE} TO parapheur_app")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table(TABLE)
