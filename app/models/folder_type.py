"""Types and subtypes: what a folder is, how it is signed, where it goes."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class FolderType(Identified, TenantScoped, Base):
    """Protocol and signature format; the account that carries its folders.
    `transmit_within_days` counts calendar days from the decision. `stamp` says where signatures
    show on a PDF (`page`, `x`, `y`); null: they are invisible."""

    __tablename__ = "folder_types"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    name: Mapped[str] = mapped_column(String(255))
    protocol: Mapped[str] = mapped_column(String(20))
    signature_format: Mapped[str] = mapped_column(String(20))
    connector_account_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("connector_accounts.id")
    )
    transmit_within_days: Mapped[int | None]
    stamp: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class FolderSubtype(Identified, TenantScoped, Base):
    """Circuit and rules. `helios_intake` (D21) stands only under HELIOS; `deposit_desk_ids`
    null means that every desk may deposit, an empty list that none may; `visible_desk_ids` see its
    folders beside those who take part. `rule_table` chooses the circuit where there is one,
    `workflow_id` otherwise. `amount_field` names the metadata compared with ceilings."""

    __tablename__ = "folder_subtypes"
    __table_args__ = (UniqueConstraint("type_id", "name"),)

    type_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("folder_types.id"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    workflow_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflows.id"))
    helios_intake: Mapped[str | None] = mapped_column(String(20))
    deposit_desk_ids: Mapped[list[uuid.UUID] | None] = mapped_column(ARRAY(Uuid()))
    visible_desk_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid()), server_default="{}")
    rule_table: Mapped[dict[str, Any] | None]
    metadata_fields: Mapped[list[Any]] = mapped_column(server_default="[]")
    amount_field: Mapped[str | None] = mapped_column(String(40))
    several_documents: Mapped[bool] = mapped_column(server_default="false")
    mandatory_reading: Mapped[bool] = mapped_column(server_default="false")
    approvals_stand: Mapped[bool] = mapped_column(server_default="false")
    paper_signature: Mapped[bool] = mapped_column(server_default="false")
    is_active: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
