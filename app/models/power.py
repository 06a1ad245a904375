"""Absences, powers granted by name, elected mandates, and the installation of a council."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class Absence(Identified, TenantScoped, Base):
    """A person's time away from a desk, from all of his where it is null; replacements ranked."""

    __tablename__ = "absences"
    __table_args__ = (
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="period_ordered"),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    desk_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("desks.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    replacement_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid()), server_default="{}")
    declared_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    repealed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Grant(Identified, TenantScoped, Base):
    """A power given to a person by name in an office (`workflows.register.Grant`)."""

    __tablename__ = "grants"
    __table_args__ = (
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="period_ordered"),
    )

    kind: Mapped[str] = mapped_column(String(30))
    office_desk_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("desks.id"), index=True)
    grantor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    grantee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    grantee_desk_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("desks.id"))
    capacity: Mapped[str] = mapped_column(String(255))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    type_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid()), server_default="{}")
    subtype_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid()), server_default="{}")
    ceiling_cents: Mapped[int | None] = mapped_column(BigInteger)
    document_number: Mapped[str | None] = mapped_column(String(100))
    document_signed_on: Mapped[date | None]
    document_published_on: Mapped[date | None]
    executory_at: Mapped[datetime | None]
    repealed_at: Mapped[datetime | None]
    may_be_regranted: Mapped[bool] = mapped_column(server_default="false")
    regrants_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("grants.id"))
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ElectedMandate(Identified, TenantScoped, Base):
    """A person's function in a body, with its dates; `desk_id` where it holds an office here."""

    __tablename__ = "elected_mandates"
    __table_args__ = (
        CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="period_ordered"),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    body: Mapped[str] = mapped_column(String(255))
    function: Mapped[str] = mapped_column(String(255))
    desk_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("desks.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CouncilInstallation(Identified, TenantScoped, Base):
    """A hand-over plan: office by office, who leaves, who bridges, who comes, and when. `state`:
    planned, applied or cancelled."""

    __tablename__ = "council_installations"

    label: Mapped[str] = mapped_column(Text)
    installed_at: Mapped[datetime]
    offices: Mapped[list[Any]]
    state: Mapped[str] = mapped_column(String(20))
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    applied_at: Mapped[datetime | None]
