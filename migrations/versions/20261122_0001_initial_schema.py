"""The first tables.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "jobs",
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("object_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("dedupe_key", sa.String(length=160), nullable=True),
        sa.Column("state", sa.String(length=20), server_default="pending", nullable=False),
        sa.Column("run_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=60), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_jobs_dedupe_key")),
    )
    op.create_index(
        "ix_jobs_due",
        "jobs",
        ["run_after"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'running')"),
    )
    op.create_table(
        "login_attempts",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("window_started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_login_attempts")),
    )
    op.create_table(
        "login_handles",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_login_handles")),
    )
    op.create_index(
        op.f("ix_login_handles_principal_id"), "login_handles", ["principal_id"], unique=False
    )
    op.create_table(
        "pairing_requests",
        sa.Column("code_digest", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_machine_name", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairing_requests")),
        sa.UniqueConstraint("code_digest", name=op.f("uq_pairing_requests_code_digest")),
    )
    op.create_table(
        "spent_nonces",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_nonces")),
    )
    op.create_index(op.f("ix_spent_nonces_seen_at"), "spent_nonces", ["seen_at"], unique=False)
    op.create_table(
        "tenants",
        sa.Column("siret", sa.String(length=14), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("postal_code", sa.String(length=10), nullable=False),
        sa.Column("country", sa.String(length=60), nullable=False),
        sa.Column("default_role", sa.String(length=255), nullable=False),
        sa.Column("requires_latin1_pes", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("siret ~ '^[0-9]{14}$'", name=op.f("ck_tenants_siret_digits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("siret", name=op.f("uq_tenants_siret")),
    )
    op.create_table(
        "audit_events",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("folder_id", sa.Uuid(), nullable=True),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_audit_events_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "seq", name=op.f("pk_audit_events")),
    )
    op.create_index(op.f("ix_audit_events_folder_id"), "audit_events", ["folder_id"], unique=False)
    op.create_table(
        "audit_heads",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_audit_heads_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "audit_values",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_audit_values_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "seq", "field", name=op.f("pk_audit_values")),
    )
    op.create_table(
        "connector_accounts",
        sa.Column("connector", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=255), nullable=False),
        sa.Column("base_url", sa.String(length=255), nullable=False),
        sa.Column("server_ca", sa.Text(), nullable=False),
        sa.Column("login", sa.String(length=255), nullable=True),
        sa.Column("is_archivist", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_connector_accounts_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connector_accounts")),
        sa.UniqueConstraint(
            "tenant_id", "label", name=op.f("uq_connector_accounts_tenant_id_label")
        ),
    )
    op.create_index(
        op.f("ix_connector_accounts_tenant_id"), "connector_accounts", ["tenant_id"], unique=False
    )
    op.create_table(
        "desks",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("capacity", sa.String(length=255), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_desks_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desks")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_desks_tenant_id_name")),
    )
    op.create_index(op.f("ix_desks_tenant_id"), "desks", ["tenant_id"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("media_type", sa.String(length=100), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_idempotency_keys_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("principal_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(
        op.f("ix_idempotency_keys_tenant_id"), "idempotency_keys", ["tenant_id"], unique=False
    )
    op.create_table(
        "trust_anchors",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_trust_anchors_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trust_anchors")),
        sa.UniqueConstraint("tenant_id", "sha256", name=op.f("uq_trust_anchors_tenant_id_sha256")),
    )
    op.create_index(
        op.f("ix_trust_anchors_tenant_id"), "trust_anchors", ["tenant_id"], unique=False
    )
    op.create_table(
        "users",
        sa.Column("login", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("first_name", sa.String(length=255), nullable=False),
        sa.Column("last_name", sa.String(length=255), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column(
            "roles", postgresql.ARRAY(sa.String(length=40)), server_default="{}", nullable=False
        ),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_users_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("tenant_id", "login", name=op.f("uq_users_tenant_id_login")),
    )
    op.create_index(op.f("ix_users_tenant_id"), "users", ["tenant_id"], unique=False)
    op.create_table(
        "workflows",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_workflows_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflows")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_workflows_tenant_id_name")),
    )
    op.create_index(op.f("ix_workflows_tenant_id"), "workflows", ["tenant_id"], unique=False)
    op.create_table(
        "api_tokens",
        sa.Column("label", sa.String(length=255), nullable=False),
        sa.Column("desk_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("verbs", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_api_tokens_created_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_api_tokens_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
    )
    op.create_index(op.f("ix_api_tokens_tenant_id"), "api_tokens", ["tenant_id"], unique=False)
    op.create_table(
        "certificates",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("chain", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_certificates_tenant_id_tenants")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_certificates_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("user_id", "sha256", name=op.f("uq_certificates_user_id_sha256")),
    )
    op.create_index(op.f("ix_certificates_tenant_id"), "certificates", ["tenant_id"], unique=False)
    op.create_index(op.f("ix_certificates_user_id"), "certificates", ["user_id"], unique=False)
    op.create_table(
        "desk_holders",
        sa.Column("desk_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "ends_at IS NULL OR ends_at > starts_at", name=op.f("ck_desk_holders_period_ordered")
        ),
        sa.ForeignKeyConstraint(
            ["desk_id"], ["desks.id"], name=op.f("fk_desk_holders_desk_id_desks")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_desk_holders_tenant_id_tenants")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_desk_holders_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_holders")),
    )
    op.create_index(op.f("ix_desk_holders_desk_id"), "desk_holders", ["desk_id"], unique=False)
    op.create_index(op.f("ix_desk_holders_tenant_id"), "desk_holders", ["tenant_id"], unique=False)
    op.create_index(op.f("ix_desk_holders_user_id"), "desk_holders", ["user_id"], unique=False)
    op.create_table(
        "folder_types",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("protocol", sa.String(length=20), nullable=False),
        sa.Column("signature_format", sa.String(length=20), nullable=False),
        sa.Column("connector_account_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connector_account_id"],
            ["connector_accounts.id"],
            name=op.f("fk_folder_types_connector_account_id_connector_accounts"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_folder_types_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_folder_types")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_folder_types_tenant_id_name")),
    )
    op.create_index(op.f("ix_folder_types_tenant_id"), "folder_types", ["tenant_id"], unique=False)
    op.create_table(
        "login_sessions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_login_sessions_tenant_id_tenants")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_login_sessions_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_sessions")),
    )
    op.create_index(
        op.f("ix_login_sessions_tenant_id"), "login_sessions", ["tenant_id"], unique=False
    )
    op.create_index(op.f("ix_login_sessions_user_id"), "login_sessions", ["user_id"], unique=False)
    op.create_table(
        "signing_devices",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("machine_name", sa.String(length=255), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("paired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_signing_devices_tenant_id_tenants")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_signing_devices_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_devices")),
    )
    op.create_index(
        op.f("ix_signing_devices_tenant_id"), "signing_devices", ["tenant_id"], unique=False
    )
    op.create_index(
        op.f("ix_signing_devices_user_id"), "signing_devices", ["user_id"], unique=False
    )
    op.create_table(
        "workflow_versions",
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_workflow_versions_tenant_id_tenants")
        ),
        sa.ForeignKeyConstraint(
            ["workflow_id"],
            ["workflows.id"],
            name=op.f("fk_workflow_versions_workflow_id_workflows"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_versions")),
        sa.UniqueConstraint(
            "workflow_id", "number", name=op.f("uq_workflow_versions_workflow_id_number")
        ),
    )
    op.create_index(
        op.f("ix_workflow_versions_tenant_id"), "workflow_versions", ["tenant_id"], unique=False
    )
    op.create_index(
        op.f("ix_workflow_versions_workflow_id"), "workflow_versions", ["workflow_id"], unique=False
    )
    op.create_table(
        "folder_subtypes",
        sa.Column("type_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("helios_intake", sa.String(length=20), nullable=True),
        sa.Column("deposit_desk_ids", postgresql.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_folder_subtypes_tenant_id_tenants")
        ),
        sa.ForeignKeyConstraint(
            ["type_id"], ["folder_types.id"], name=op.f("fk_folder_subtypes_type_id_folder_types")
        ),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name=op.f("fk_folder_subtypes_workflow_id_workflows")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_folder_subtypes")),
        sa.UniqueConstraint("type_id", "name", name=op.f("uq_folder_subtypes_type_id_name")),
    )
    op.create_index(
        op.f("ix_folder_subtypes_tenant_id"), "folder_subtypes", ["tenant_id"], unique=False
    )
    op.create_index(
        op.f("ix_folder_subtypes_type_id"), "folder_subtypes", ["type_id"], unique=False
    )
    op.create_table(
        "signature_sessions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificates.id"],
            name=op.f("fk_signature_sessions_certificate_id_certificates"),
        ),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["signing_devices.id"],
            name=op.f("fk_signature_sessions_device_id_signing_devices"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_signature_sessions_tenant_id_tenants")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_signature_sessions_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature_sessions")),
    )
    op.create_index(
        op.f("ix_signature_sessions_device_id"), "signature_sessions", ["device_id"], unique=False
    )
    op.create_index(
        op.f("ix_signature_sessions_tenant_id"), "signature_sessions", ["tenant_id"], unique=False
    )
    op.create_index(
        op.f("ix_signature_sessions_user_id"), "signature_sessions", ["user_id"], unique=False
    )
    op.create_table(
        "folders",
        sa.Column("subtype_id", sa.Uuid(), nullable=False),
        sa.Column("workflow_version_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("status", sa.String(length=30), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("submitter_kind", sa.String(length=10), nullable=False),
        sa.Column("submitter_id", sa.Uuid(), nullable=False),
        sa.Column("submitter_desk_id", sa.Uuid(), nullable=False),
        sa.Column(
            "waiting_desk_ids", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False
        ),
        sa.Column(
            "participant_desk_ids", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False
        ),
        sa.Column("waiting_kind", sa.String(length=20), nullable=True),
        sa.Column(
            "metadata", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("act", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("refusal", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submitter_desk_id"], ["desks.id"], name=op.f("fk_folders_submitter_desk_id_desks")
        ),
        sa.ForeignKeyConstraint(
            ["subtype_id"],
            ["folder_subtypes.id"],
            name=op.f("fk_folders_subtype_id_folder_subtypes"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_folders_tenant_id_tenants")
        ),
        sa.ForeignKeyConstraint(
            ["workflow_version_id"],
            ["workflow_versions.id"],
            name=op.f("fk_folders_workflow_version_id_workflow_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_folders")),
    )
    op.create_index(
        "ix_folders_participants",
        "folders",
        ["participant_desk_ids"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(op.f("ix_folders_subtype_id"), "folders", ["subtype_id"], unique=False)
    op.create_index(op.f("ix_folders_tenant_id"), "folders", ["tenant_id"], unique=False)
    op.create_index(
        "ix_folders_tenant_recent", "folders", ["tenant_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_folders_waiting", "folders", ["waiting_desk_ids"], unique=False, postgresql_using="gin"
    )
    op.create_table(
        "signing_jobs",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("item_ns", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("signature", sa.String(length=120), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accept_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["signing_devices.id"],
            name=op.f("fk_signing_jobs_device_id_signing_devices"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["signature_sessions.id"],
            name=op.f("fk_signing_jobs_session_id_signature_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_signing_jobs_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_jobs")),
    )
    op.create_index(op.f("ix_signing_jobs_device_id"), "signing_jobs", ["device_id"], unique=False)
    op.create_index(
        op.f("ix_signing_jobs_session_id"), "signing_jobs", ["session_id"], unique=False
    )
    op.create_index(op.f("ix_signing_jobs_tenant_id"), "signing_jobs", ["tenant_id"], unique=False)
    op.create_table(
        "documents",
        sa.Column("folder_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["folders.id"], name=op.f("fk_documents_folder_id_folders")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_documents_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
    )
    op.create_index(op.f("ix_documents_folder_id"), "documents", ["folder_id"], unique=False)
    op.create_index(op.f("ix_documents_tenant_id"), "documents", ["tenant_id"], unique=False)
    op.create_table(
        "folder_events",
        sa.Column("folder_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["folders.id"], name=op.f("fk_folder_events_folder_id_folders")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_folder_events_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("folder_id", "seq", name=op.f("pk_folder_events")),
    )
    op.create_index(
        op.f("ix_folder_events_tenant_id"), "folder_events", ["tenant_id"], unique=False
    )
    op.create_table(
        "notifications",
        sa.Column("folder_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("told", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["folders.id"], name=op.f("fk_notifications_folder_id_folders")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_notifications_tenant_id_tenants")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notifications_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint(
            "folder_id",
            "event_seq",
            "kind",
            "user_id",
            name=op.f("uq_notifications_folder_id_event_seq_kind_user_id"),
        ),
    )
    op.create_index(
        op.f("ix_notifications_folder_id"), "notifications", ["folder_id"], unique=False
    )
    op.create_index(
        op.f("ix_notifications_tenant_id"), "notifications", ["tenant_id"], unique=False
    )
    op.create_table(
        "pes_references",
        sa.Column("folder_id", sa.Uuid(), nullable=False),
        sa.Column("siren", sa.String(length=9), nullable=False),
        sa.Column("body_code", sa.String(length=3), nullable=False),
        sa.Column("file_name", sa.String(length=100), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["folders.id"], name=op.f("fk_pes_references_folder_id_folders")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_pes_references_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pes_references")),
    )
    op.create_index(
        op.f("ix_pes_references_folder_id"), "pes_references", ["folder_id"], unique=False
    )
    op.create_index(
        op.f("ix_pes_references_tenant_id"), "pes_references", ["tenant_id"], unique=False
    )
    op.create_index(
        "uq_pes_references_living",
        "pes_references",
        ["tenant_id", "siren", "body_code", "file_name"],
        unique=True,
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "transmissions",
        sa.Column("folder_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("folder_version", sa.Integer(), nullable=False),
        sa.Column("protocol", sa.String(length=20), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("posts_allowed", sa.Integer(), server_default="2", nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("file_name", sa.String(length=100), nullable=True),
        sa.Column("body_code", sa.String(length=3), nullable=True),
        sa.Column("remote_id", sa.String(length=60), nullable=True),
        sa.Column("remote_code", sa.Integer(), nullable=True),
        sa.Column("highest_known_id", sa.BigInteger(), nullable=True),
        sa.Column("reference", sa.String(length=100), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("setbacks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("polls", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["connector_accounts.id"],
            name=op.f("fk_transmissions_account_id_connector_accounts"),
        ),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["folders.id"], name=op.f("fk_transmissions_folder_id_folders")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_transmissions_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transmissions")),
        sa.UniqueConstraint("folder_id", "round", name=op.f("uq_transmissions_folder_id_round")),
    )
    op.create_index(
        op.f("ix_transmissions_folder_id"), "transmissions", ["folder_id"], unique=False
    )
    op.create_index(
        op.f("ix_transmissions_remote_id"), "transmissions", ["remote_id"], unique=False
    )
    op.create_index(op.f("ix_transmissions_state"), "transmissions", ["state"], unique=False)
    op.create_index(
        op.f("ix_transmissions_tenant_id"), "transmissions", ["tenant_id"], unique=False
    )
    op.create_table(
        "revisions",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("retracted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_revisions_document_id_documents")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_revisions_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
        sa.UniqueConstraint("document_id", "number", name=op.f("uq_revisions_document_id_number")),
    )
    op.create_index(op.f("ix_revisions_document_id"), "revisions", ["document_id"], unique=False)
    op.create_index(op.f("ix_revisions_sha256"), "revisions", ["sha256"], unique=False)
    op.create_index(op.f("ix_revisions_tenant_id"), "revisions", ["tenant_id"], unique=False)
    op.create_table(
        "signature_items",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("desk_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("source_sha256", sa.String(length=64), nullable=True),
        sa.Column("prepared_sha256", sa.String(length=64), nullable=True),
        sa.Column("prepared", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("signing_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("signed_sha256", sa.String(length=64), nullable=True),
        sa.Column("signed_size_bytes", sa.BigInteger(), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["desk_id"], ["desks.id"], name=op.f("fk_signature_items_desk_id_desks")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_signature_items_document_id_documents")
        ),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["folders.id"], name=op.f("fk_signature_items_folder_id_folders")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["signature_sessions.id"],
            name=op.f("fk_signature_items_session_id_signature_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_signature_items_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature_items")),
        sa.UniqueConstraint("session_id", "n", name=op.f("uq_signature_items_session_id_n")),
    )
    op.create_index(
        op.f("ix_signature_items_folder_id"), "signature_items", ["folder_id"], unique=False
    )
    op.create_index(
        op.f("ix_signature_items_session_id"), "signature_items", ["session_id"], unique=False
    )
    op.create_index(
        op.f("ix_signature_items_tenant_id"), "signature_items", ["tenant_id"], unique=False
    )
    op.create_index(
        "uq_signature_items_pending",
        "signature_items",
        ["document_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('prepared', 'accepted')"),
    )
    op.create_table(
        "transmission_attempts",
        sa.Column("transmission_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_transmission_attempts_tenant_id_tenants")
        ),
        sa.ForeignKeyConstraint(
            ["transmission_id"],
            ["transmissions.id"],
            name=op.f("fk_transmission_attempts_transmission_id_transmissions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transmission_attempts")),
        sa.UniqueConstraint(
            "transmission_id",
            "number",
            name=op.f("uq_transmission_attempts_transmission_id_number"),
        ),
    )
    op.create_index(
        op.f("ix_transmission_attempts_tenant_id"),
        "transmission_attempts",
        ["tenant_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_transmission_attempts_transmission_id"),
        "transmission_attempts",
        ["transmission_id"],
        unique=False,
    )
    op.create_table(
        "transmission_receipts",
        sa.Column("transmission_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_transmission_receipts_tenant_id_tenants")
        ),
        sa.ForeignKeyConstraint(
            ["transmission_id"],
            ["transmissions.id"],
            name=op.f("fk_transmission_receipts_transmission_id_transmissions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transmission_receipts")),
        sa.UniqueConstraint(
            "transmission_id",
            "kind",
            "sha256",
            name=op.f("uq_transmission_receipts_transmission_id_kind_sha256"),
        ),
    )
    op.create_index(
        op.f("ix_transmission_receipts_tenant_id"),
        "transmission_receipts",
        ["tenant_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_transmission_receipts_transmission_id"),
        "transmission_receipts",
        ["transmission_id"],
        unique=False,
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(
        op.f("ix_transmission_receipts_transmission_id"), table_name="transmission_receipts"
    )
    op.drop_index(op.f("ix_transmission_receipts_tenant_id"), table_name="transmission_receipts")
    op.drop_table("transmission_receipts")
    op.drop_index(
        op.f("ix_transmission_attempts_transmission_id"), table_name="transmission_attempts"
    )
    op.drop_index(op.f("ix_transmission_attempts_tenant_id"), table_name="transmission_attempts")
    op.drop_table("transmission_attempts")
    op.drop_index(
        "uq_signature_items_pending",
        table_name="signature_items",
        postgresql_where=sa.text("state IN ('prepared', 'accepted')"),
    )
    op.drop_index(op.f("ix_signature_items_tenant_id"), table_name="signature_items")
    op.drop_index(op.f("ix_signature_items_session_id"), table_name="signature_items")
    op.drop_index(op.f("ix_signature_items_folder_id"), table_name="signature_items")
    op.drop_table("signature_items")
    op.drop_index(op.f("ix_revisions_tenant_id"), table_name="revisions")
    op.drop_index(op.f("ix_revisions_sha256"), table_name="revisions")
    op.drop_index(op.f("ix_revisions_document_id"), table_name="revisions")
    op.drop_table("revisions")
    op.drop_index(op.f("ix_transmissions_tenant_id"), table_name="transmissions")
    op.drop_index(op.f("ix_transmissions_state"), table_name="transmissions")
    op.drop_index(op.f("ix_transmissions_remote_id"), table_name="transmissions")
    op.drop_index(op.f("ix_transmissions_folder_id"), table_name="transmissions")
    op.drop_table("transmissions")
    op.drop_index(
        "uq_pes_references_living",
        table_name="pes_references",
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.drop_index(op.f("ix_pes_references_tenant_id"), table_name="pes_references")
    op.drop_index(op.f("ix_pes_references_folder_id"), table_name="pes_references")
    op.drop_table("pes_references")
    op.drop_index(op.f("ix_notifications_tenant_id"), table_name="notifications")
    op.drop_index(op.f("ix_notifications_folder_id"), table_name="notifications")
    op.drop_table("notifications")
    op.drop_index(op.f("ix_folder_events_tenant_id"), table_name="folder_events")
    op.drop_table("folder_events")
    op.drop_index(op.f("ix_documents_tenant_id"), table_name="documents")
    op.drop_index(op.f("ix_documents_folder_id"), table_name="documents")
    op.drop_table("documents")
    op.drop_index(op.f("ix_signing_jobs_tenant_id"), table_name="signing_jobs")
    op.drop_index(op.f("ix_signing_jobs_session_id"), table_name="signing_jobs")
    op.drop_index(op.f("ix_signing_jobs_device_id"), table_name="signing_jobs")
    op.drop_table("signing_jobs")
    op.drop_index("ix_folders_waiting", table_name="folders", postgresql_using="gin")
    op.drop_index("ix_folders_tenant_recent", table_name="folders")
    op.drop_index(op.f("ix_folders_tenant_id"), table_name="folders")
    op.drop_index(op.f("ix_folders_subtype_id"), table_name="folders")
    op.drop_index("ix_folders_participants", table_name="folders", postgresql_using="gin")
    op.drop_table("folders")
    op.drop_index(op.f("ix_signature_sessions_user_id"), table_name="signature_sessions")
    op.drop_index(op.f("ix_signature_sessions_tenant_id"), table_name="signature_sessions")
    op.drop_index(op.f("ix_signature_sessions_device_id"), table_name="signature_sessions")
    op.drop_table("signature_sessions")
    op.drop_index(op.f("ix_folder_subtypes_type_id"), table_name="folder_subtypes")
    op.drop_index(op.f("ix_folder_subtypes_tenant_id"), table_name="folder_subtypes")
    op.drop_table("folder_subtypes")
    op.drop_index(op.f("ix_workflow_versions_workflow_id"), table_name="workflow_versions")
    op.drop_index(op.f("ix_workflow_versions_tenant_id"), table_name="workflow_versions")
    op.drop_table("workflow_versions")
    op.drop_index(op.f("ix_signing_devices_user_id"), table_name="signing_devices")
    op.drop_index(op.f("ix_signing_devices_tenant_id"), table_name="signing_devices")
    op.drop_table("signing_devices")
    op.drop_index(op.f("ix_login_sessions_user_id"), table_name="login_sessions")
    op.drop_index(op.f("ix_login_sessions_tenant_id"), table_name="login_sessions")
    op.drop_table("login_sessions")
    op.drop_index(op.f("ix_folder_types_tenant_id"), table_name="folder_types")
    op.drop_table("folder_types")
    op.drop_index(op.f("ix_desk_holders_user_id"), table_name="desk_holders")
    op.drop_index(op.f("ix_desk_holders_tenant_id"), table_name="desk_holders")
    op.drop_index(op.f("ix_desk_holders_desk_id"), table_name="desk_holders")
    op.drop_table("desk_holders")
    op.drop_index(op.f("ix_certificates_user_id"), table_name="certificates")
    op.drop_index(op.f("ix_certificates_tenant_id"), table_name="certificates")
    op.drop_table("certificates")
    op.drop_index(op.f("ix_api_tokens_tenant_id"), table_name="api_tokens")
    op.drop_table("api_tokens")
    op.drop_index(op.f("ix_workflows_tenant_id"), table_name="workflows")
    op.drop_table("workflows")
    op.drop_index(op.f("ix_users_tenant_id"), table_name="users")
    op.drop_table("users")
    op.drop_index(op.f("ix_trust_anchors_tenant_id"), table_name="trust_anchors")
    op.drop_table("trust_anchors")
    op.drop_index(op.f("ix_idempotency_keys_tenant_id"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_index(op.f("ix_desks_tenant_id"), table_name="desks")
    op.drop_table("desks")
    op.drop_index(op.f("ix_connector_accounts_tenant_id"), table_name="connector_accounts")
    op.drop_table("connector_accounts")
    op.drop_table("audit_values")
    op.drop_table("audit_heads")
    op.drop_index(op.f("ix_audit_events_folder_id"), table_name="audit_events")
    op.drop_table("audit_events")
    op.drop_table("tenants")
    op.drop_index(op.f("ix_spent_nonces_seen_at"), table_name="spent_nonces")
    op.drop_table("spent_nonces")
    op.drop_table("pairing_requests")
    op.drop_index(op.f("ix_login_handles_principal_id"), table_name="login_handles")
    op.drop_table("login_handles")
    op.drop_table("login_attempts")
    op.drop_index(
        "ix_jobs_due",
        table_name="jobs",
        postgresql_where=sa.text("state IN ('pending', 'running')"),
    )
    op.drop_table("jobs")
