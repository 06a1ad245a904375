"""Circuits whole: powers, absences, mandates, inboxes, notes, and what subtypes demand.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "absences",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("desk_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "replacement_ids", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False
        ),
        sa.Column("declared_by", sa.Uuid(), nullable=False),
        sa.Column("repealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "ends_at IS NULL OR ends_at > starts_at", name=op.f("ck_absences_period_ordered")
        ),
        sa.ForeignKeyConstraint(
            ["declared_by"], ["users.id"], name=op.f("fk_absences_declared_by_users")
        ),
        sa.ForeignKeyConstraint(["desk_id"], ["desks.id"], name=op.f("fk_absences_desk_id_desks")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_absences_tenant_id_tenants")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_absences_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    op.create_index(op.f("ix_absences_tenant_id"), "absences", ["tenant_id"], unique=False)
    op.create_index(op.f("ix_absences_user_id"), "absences", ["user_id"], unique=False)
    op.create_table(
        "council_installations",
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("installed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offices", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_council_installations_created_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_council_installations_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_council_installations")),
    )
    op.create_index(
        op.f("ix_council_installations_tenant_id"),
        "council_installations",
        ["tenant_id"],
        unique=False,
    )
    op.create_table(
        "desk_staff",
        sa.Column("desk_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("may_declare_absence", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["desk_id"], ["desks.id"], name=op.f("fk_desk_staff_desk_id_desks")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_desk_staff_tenant_id_tenants")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_desk_staff_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_staff")),
        sa.UniqueConstraint(
            "desk_id", "user_id", "role", name=op.f("uq_desk_staff_desk_id_user_id_role")
        ),
    )
    op.create_index(op.f("ix_desk_staff_desk_id"), "desk_staff", ["desk_id"], unique=False)
    op.create_index(op.f("ix_desk_staff_tenant_id"), "desk_staff", ["tenant_id"], unique=False)
    op.create_index(op.f("ix_desk_staff_user_id"), "desk_staff", ["user_id"], unique=False)
    op.create_table(
        "elected_mandates",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.String(length=255), nullable=False),
        sa.Column("function", sa.String(length=255), nullable=False),
        sa.Column("desk_id", sa.Uuid(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "ends_on IS NULL OR ends_on >= starts_on",
            name=op.f("ck_elected_mandates_period_ordered"),
        ),
        sa.ForeignKeyConstraint(
            ["desk_id"], ["desks.id"], name=op.f("fk_elected_mandates_desk_id_desks")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_elected_mandates_tenant_id_tenants")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_elected_mandates_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_elected_mandates")),
    )
    op.create_index(
        op.f("ix_elected_mandates_tenant_id"), "elected_mandates", ["tenant_id"], unique=False
    )
    op.create_index(
        op.f("ix_elected_mandates_user_id"), "elected_mandates", ["user_id"], unique=False
    )
    op.create_table(
        "grants",
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("office_desk_id", sa.Uuid(), nullable=False),
        sa.Column("grantor_id", sa.Uuid(), nullable=True),
        sa.Column("grantee_id", sa.Uuid(), nullable=False),
        sa.Column("grantee_desk_id", sa.Uuid(), nullable=True),
        sa.Column("capacity", sa.String(length=255), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("type_ids", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("subtype_ids", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("ceiling_cents", sa.BigInteger(), nullable=True),
        sa.Column("document_number", sa.String(length=100), nullable=True),
        sa.Column("document_signed_on", sa.Date(), nullable=True),
        sa.Column("document_published_on", sa.Date(), nullable=True),
        sa.Column("executory_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("repealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("may_be_regranted", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("regrants_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "ends_at IS NULL OR ends_at > starts_at", name=op.f("ck_grants_period_ordered")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_grants_created_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["grantee_desk_id"], ["desks.id"], name=op.f("fk_grants_grantee_desk_id_desks")
        ),
        sa.ForeignKeyConstraint(
            ["grantee_id"], ["users.id"], name=op.f("fk_grants_grantee_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["grantor_id"], ["users.id"], name=op.f("fk_grants_grantor_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["office_desk_id"], ["desks.id"], name=op.f("fk_grants_office_desk_id_desks")
        ),
        sa.ForeignKeyConstraint(
            ["regrants_id"], ["grants.id"], name=op.f("fk_grants_regrants_id_grants")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_grants_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )
    op.create_index(op.f("ix_grants_grantee_id"), "grants", ["grantee_id"], unique=False)
    op.create_index(op.f("ix_grants_office_desk_id"), "grants", ["office_desk_id"], unique=False)
    op.create_index(op.f("ix_grants_tenant_id"), "grants", ["tenant_id"], unique=False)
    op.create_table(
        "inbox_entries",
        sa.Column("folder_id", sa.Uuid(), nullable=False),
        sa.Column("desk_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=True),
        sa.Column("subtype_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("barred_ids", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("recused_ids", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["desk_id"], ["desks.id"], name=op.f("fk_inbox_entries_desk_id_desks")
        ),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["folders.id"], name=op.f("fk_inbox_entries_folder_id_folders")
        ),
        sa.ForeignKeyConstraint(
            ["subtype_id"],
            ["folder_subtypes.id"],
            name=op.f("fk_inbox_entries_subtype_id_folder_subtypes"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_inbox_entries_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("folder_id", "desk_id", name=op.f("pk_inbox_entries")),
    )
    op.create_index(
        "ix_inbox_entries_due",
        "inbox_entries",
        ["desk_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("place = 'to_do' AND due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_inbox_entries_list",
        "inbox_entries",
        ["desk_id", "place", "since", "folder_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_inbox_entries_tenant_id"), "inbox_entries", ["tenant_id"], unique=False
    )
    op.create_table(
        "folder_notes",
        sa.Column("folder_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("desk_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("step", sa.String(length=60), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("x", sa.Integer(), nullable=True),
        sa.Column("y", sa.Integer(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=op.f("fk_folder_notes_author_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["desk_id"], ["desks.id"], name=op.f("fk_folder_notes_desk_id_desks")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_folder_notes_document_id_documents")
        ),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["folders.id"], name=op.f("fk_folder_notes_folder_id_folders")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_folder_notes_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_folder_notes")),
    )
    op.create_index(op.f("ix_folder_notes_folder_id"), "folder_notes", ["folder_id"], unique=False)
    op.create_index(op.f("ix_folder_notes_tenant_id"), "folder_notes", ["tenant_id"], unique=False)
    op.add_column(
        "desks",
        sa.Column("gender", sa.String(length=10), server_default="masculine", nullable=False),
    )
    op.add_column("desks", sa.Column("superior_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_desks_superior_id_desks"), "desks", "desks", ["superior_id"], ["id"]
    )
    op.add_column(
        "folder_subtypes",
        sa.Column(
            "visible_desk_ids", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False
        ),
    )
    op.add_column(
        "folder_subtypes",
        sa.Column("rule_table", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    )
    op.add_column(
        "folder_subtypes",
        sa.Column(
            "metadata_fields",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
    )
    op.add_column("folder_subtypes", sa.Column("amount_field", sa.String(length=40), nullable=True))
    op.add_column(
        "folder_subtypes",
        sa.Column("several_documents", sa.Boolean(), server_default="false", nullable=False),
    )
    op.add_column(
        "folder_subtypes",
        sa.Column("mandatory_reading", sa.Boolean(), server_default="false", nullable=False),
    )
    op.add_column(
        "folder_subtypes",
        sa.Column("approvals_stand", sa.Boolean(), server_default="false", nullable=False),
    )
    op.add_column(
        "folder_subtypes",
        sa.Column("paper_signature", sa.Boolean(), server_default="false", nullable=False),
    )
    op.add_column("folder_types", sa.Column("transmit_within_days", sa.Integer(), nullable=True))
    op.add_column("folders", sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("folders", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("folders", sa.Column("transmit_by", sa.Date(), nullable=True))
    op.add_column("folders", sa.Column("amount_cents", sa.BigInteger(), nullable=True))
    op.add_column("folders", sa.Column("retrievable_by", sa.Uuid(), nullable=True))
    op.add_column("folders", sa.Column("retrievable_desk_id", sa.Uuid(), nullable=True))
    op.add_column("folders", sa.Column("retrievable_kind", sa.String(length=20), nullable=True))
    op.add_column("folders", sa.Column("chained_from_id", sa.Uuid(), nullable=True))
    op.add_column("folders", sa.Column("published_on", sa.Date(), nullable=True))
    op.add_column(
        "folders",
        sa.Column("in_preparation", sa.Boolean(), server_default="false", nullable=False),
    )
    op.create_index(
        "ix_folders_retrievable",
        "folders",
        ["retrievable_by", "created_at", "id"],
        unique=False,
        postgresql_where=sa.text("retrievable_by IS NOT NULL"),
    )
    op.create_foreign_key(
        op.f("fk_folders_chained_from_id_folders"),
        "folders",
        "folders",
        ["chained_from_id"],
        ["id"],
    )
    op.add_column("tenants", sa.Column("subdivision", sa.String(length=10), nullable=True))
    op.add_column(
        "tenants",
        sa.Column(
            "mentions", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
    )
    op.add_column("tenants", sa.Column("host_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_tenants_host_id_tenants"), "tenants", "tenants", ["host_id"], ["id"]
    )
    op.add_column(
        "users",
        sa.Column(
            "administered_desk_ids",
            postgresql.ARRAY(sa.Uuid()),
            server_default="{}",
            nullable=False,
        ),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("users", "administered_desk_ids")
    op.drop_constraint(op.f("fk_tenants_host_id_tenants"), "tenants", type_="foreignkey")
    op.drop_column("tenants", "host_id")
    op.drop_column("tenants", "mentions")
    op.drop_column("tenants", "subdivision")
    op.drop_constraint(op.f("fk_folders_chained_from_id_folders"), "folders", type_="foreignkey")
    op.drop_index(
        "ix_folders_retrievable",
        table_name="folders",
        postgresql_where=sa.text("retrievable_by IS NOT NULL"),
    )
    op.drop_column("folders", "in_preparation")
    op.drop_column("folders", "published_on")
    op.drop_column("folders", "chained_from_id")
    op.drop_column("folders", "retrievable_kind")
    op.drop_column("folders", "retrievable_desk_id")
    op.drop_column("folders", "retrievable_by")
    op.drop_column("folders", "amount_cents")
    op.drop_column("folders", "transmit_by")
    op.drop_column("folders", "due_at")
    op.drop_column("folders", "waiting_since")
    op.drop_column("folder_types", "transmit_within_days")
    op.drop_column("folder_subtypes", "paper_signature")
    op.drop_column("folder_subtypes", "approvals_stand")
    op.drop_column("folder_subtypes", "mandatory_reading")
    op.drop_column("folder_subtypes", "several_documents")
    op.drop_column("folder_subtypes", "amount_field")
    op.drop_column("folder_subtypes", "metadata_fields")
    op.drop_column("folder_subtypes", "rule_table")
    op.drop_column("folder_subtypes", "visible_desk_ids")
    op.drop_constraint(op.f("fk_desks_superior_id_desks"), "desks", type_="foreignkey")
    op.drop_column("desks", "superior_id")
    op.drop_column("desks", "gender")
    op.drop_index(op.f("ix_folder_notes_tenant_id"), table_name="folder_notes")
    op.drop_index(op.f("ix_folder_notes_folder_id"), table_name="folder_notes")
    op.drop_table("folder_notes")
    op.drop_index(op.f("ix_inbox_entries_tenant_id"), table_name="inbox_entries")
    op.drop_index("ix_inbox_entries_list", table_name="inbox_entries")
    op.drop_index(
        "ix_inbox_entries_due",
        table_name="inbox_entries",
        postgresql_where=sa.text("place = 'to_do' AND due_at IS NOT NULL"),
    )
    op.drop_table("inbox_entries")
    op.drop_index(op.f("ix_grants_tenant_id"), table_name="grants")
    op.drop_index(op.f("ix_grants_office_desk_id"), table_name="grants")
    op.drop_index(op.f("ix_grants_grantee_id"), table_name="grants")
    op.drop_table("grants")
    op.drop_index(op.f("ix_elected_mandates_user_id"), table_name="elected_mandates")
    op.drop_index(op.f("ix_elected_mandates_tenant_id"), table_name="elected_mandates")
    op.drop_table("elected_mandates")
    op.drop_index(op.f("ix_desk_staff_user_id"), table_name="desk_staff")
    op.drop_index(op.f("ix_desk_staff_tenant_id"), table_name="desk_staff")
    op.drop_index(op.f("ix_desk_staff_desk_id"), table_name="desk_staff")
    op.drop_table("desk_staff")
    op.drop_index(op.f("ix_council_installations_tenant_id"), table_name="council_installations")
    op.drop_table("council_installations")
    op.drop_index(op.f("ix_absences_user_id"), table_name="absences")
    op.drop_index(op.f("ix_absences_tenant_id"), table_name="absences")
    op.drop_table("absences")
