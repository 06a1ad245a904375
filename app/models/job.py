"""The outbox: what a worker still owes. Outside row-level security: ids and clocks only."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified


class Job(Identified, Base):
    """A job row is the truth; the queue carries only its id (DESIGN D5)."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_due", "run_after", postgresql_where=text("state IN ('pending', 'running')")),
    )

    kind: Mapped[str] = mapped_column(String(60))
    tenant_id: Mapped[uuid.UUID]
    object_ids: Mapped[dict[str, Any]]
    dedupe_key: Mapped[str | None] = mapped_column(String(160), unique=True)
    state: Mapped[str] = mapped_column(String(20), server_default="pending")
    run_after: Mapped[datetime]
    dispatched_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    lease_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
