"""A circuit and its immutable versions."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Select, String, UniqueConstraint, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class Workflow(Identified, TenantScoped, Base):
    """The name under which versions succeed each other."""

    __tablename__ = "workflows"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    name: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WorkflowVersion(Identified, TenantScoped, Base):
    """One definition, never edited; `activated_at` is null for a draft."""

    __tablename__ = "workflow_versions"
    __table_args__ = (UniqueConstraint("workflow_id", "number"),)

    workflow_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflows.id"), index=True)
    number: Mapped[int]
    definition: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    activated_at: Mapped[datetime | None]


def versions_in_force() -> Select[WorkflowVersion]:
    """Of each circuit that has one, the version that folders enter now: the one activated last."""
    return (
        select(WorkflowVersion)
        .where(WorkflowVersion.activated_at.is_not(None))
        .ext(distinct_on(WorkflowVersion.workflow_id))
        .order_by(
            WorkflowVersion.workflow_id,
            WorkflowVersion.activated_at.desc(),
            WorkflowVersion.number.desc(),
        )
    )
