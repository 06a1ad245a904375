"""What travels."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped
from workflows.folder import FINAL_STATUSES


class Folder(Identified, TenantScoped, Base):
    """A folder. Its events are the truth; `status`, `version` and `waiting_desk_ids` repeat what
    they say so that lists need no replay. `act` holds what legality control needs.

    `due_at`: when the current step is late. `amount_cents`: the largest amount, compared with the
    ceilings of powers. `retrievable_by`: the person whose last act may still be taken back, through
    `retrievable_desk_id`, at a step of `retrievable_kind` (None: he submitted it)."""

    __tablename__ = "folders"
    __table_args__ = (
        Index("ix_folders_tenant_recent", "tenant_id", "created_at", "id"),
        Index("ix_folders_participants", "participant_desk_ids", postgresql_using="gin"),
        Index("ix_folders_waiting", "waiting_desk_ids", postgresql_using="gin"),
        Index(
            "ix_folders_retrievable",
            "retrievable_by",
            "created_at",
            "id",
            postgresql_where=text("retrievable_by IS NOT NULL"),
        ),
    )

    subtype_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("folder_subtypes.id"), index=True)
    workflow_version_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("workflow_versions.id")
    )
    title: Mapped[str] = mapped_column(String(500))
    status: Mapped[str] = mapped_column(String(30))
    version: Mapped[int] = mapped_column(server_default="0")
    submitter_kind: Mapped[str] = mapped_column(String(10))
    submitter_id: Mapped[uuid.UUID]
    submitter_desk_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("desks.id"))
    waiting_desk_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid()), server_default="{}")
    participant_desk_ids: Mapped[list[uuid.UUID]] = mapped_column(
        ARRAY(Uuid()), server_default="{}"
    )
    waiting_kind: Mapped[str | None] = mapped_column(String(20))
    waiting_since: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    transmit_by: Mapped[date | None]
    amount_cents: Mapped[int | None] = mapped_column(BigInteger)
    retrievable_by: Mapped[uuid.UUID | None]
    retrievable_desk_id: Mapped[uuid.UUID | None]
    retrievable_kind: Mapped[str | None] = mapped_column(String(20))
    chained_from_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("folders.id"))
    published_on: Mapped[date | None]
    in_preparation: Mapped[bool] = mapped_column(server_default="false")
    folder_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", server_default="{}")
    act: Mapped[dict[str, Any] | None]
    refusal: Mapped[dict[str, Any] | None]
    frozen_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


# Neither a draft nor what is inspected, refused or cancelled before its sending entered a circuit.
IN_WORKFLOW = Folder.workflow_version_id.is_not(None)
UNDER_WAY = IN_WORKFLOW & Folder.status.not_in([one.value for one in FINAL_STATUSES])
"""Sent in a circuit and not ended."""
