"""A local authority, and the certificates it trusts."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class Tenant(Identified, Base):
    """The public body, unit of isolation. Place and role feed the signatures (DESIGN D9).

    `subdivision` chooses its public holidays, `mentions` are its own templates by power kind,
    `host_id` the host organisation that runs the platform for it."""

    __tablename__ = "tenants"
    __table_args__ = (CheckConstraint("siret ~ '^[0-9]{14}$'", name="siret_digits"),)

    siret: Mapped[str] = mapped_column(String(14), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    timezone: Mapped[str] = mapped_column(String(64))
    city: Mapped[str] = mapped_column(String(100))
    postal_code: Mapped[str] = mapped_column(String(10))
    country: Mapped[str] = mapped_column(String(60))
    default_role: Mapped[str] = mapped_column(String(255))
    subdivision: Mapped[str | None] = mapped_column(String(10))
    mentions: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    host_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tenants.id"))
    requires_latin1_pes: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def siren(self) -> str:
        return self.siret[:9]


class TrustAnchor(Identified, TenantScoped, Base):
    """An anchor, intermediate or revocation list that this tenant accepts, in DER."""

    __tablename__ = "trust_anchors"
    __table_args__ = (UniqueConstraint("tenant_id", "sha256"),)

    kind: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
