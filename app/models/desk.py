"""A post, and the persons who hold it."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class Desk(Identified, TenantScoped, Base):
    """The actor of steps. `capacity` is the function in which its holder signs."""

    __tablename__ = "desks"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    name: Mapped[str] = mapped_column(String(255))
    capacity: Mapped[str | None] = mapped_column(String(255))
    is_active: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DeskHolder(Identified, TenantScoped, Base):
    """A person holds a desk from an instant, until another or for now."""

    __tablename__ = "desk_holders"
    __table_args__ = (
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="period_ordered"),
    )

    desk_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("desks.id"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
