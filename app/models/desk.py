"""A post, the persons who hold it, and those who assist or watch it."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class Desk(Identified, TenantScoped, Base):
    """The actor of steps. `capacity` is the function in which its holder signs, `gender` that of
    its title, `superior_id` the desk above."""

    __tablename__ = "desks"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    name: Mapped[str] = mapped_column(String(255))
    capacity: Mapped[str | None] = mapped_column(String(255))
    gender: Mapped[str] = mapped_column(String(10), server_default="masculine")
    superior_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("desks.id"))
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


class StaffRole(StrEnum):
    """What a person does for a desk without holding it."""

    ASSISTANT = "assistant"
    SUPERVISOR = "supervisor"


class DeskStaff(Identified, TenantScoped, Base):
    """An assistant prepares for a desk, a supervisor watches it; neither ever signs."""

    __tablename__ = "desk_staff"
    __table_args__ = (UniqueConstraint("desk_id", "user_id", "role"),)

    desk_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("desks.id"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    may_declare_absence: Mapped[bool] = mapped_column(server_default="false")
