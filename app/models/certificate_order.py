"""Orders of certificates: for whom, for which uses, where each stands."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class CertificateUsage(StrEnum):
    """What a certificate is ordered for."""

    AUTH_ACTES = "auth_actes"
    SIGN_ACT = "sign_act"
    SIGN_PES = "sign_pes"
    SIGN_PROCUREMENT = "sign_procurement"
    BID_DECRYPTION = "bid_decryption"


class CertificateOrderState(StrEnum):
    """Where an order stands: `ordered` from a supplier, who has yet to deliver it."""

    REQUESTED = "requested"
    ORDERED = "ordered"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class CertificateOrder(Identified, TenantScoped, Base):
    """A certificate asked for a person, whom it is to identify. `rgs_level` and `eidas_level`: what
    it must reach, both where both are given. `certificate_id`: the certificate of his register that
    answered it. Each state that was reached has its instant."""

    __tablename__ = "certificate_orders"
    __table_args__ = (
        CheckConstraint("cardinality(usages) > 0", name="usage_named"),
        CheckConstraint("rgs_level IS NOT NULL OR eidas_level IS NOT NULL", name="level_named"),
        CheckConstraint(
            "state IN ('requested', 'ordered', 'delivered', 'cancelled')"
            " AND (delivered_at IS NOT NULL) = (state = 'delivered')"
            " AND (cancelled_at IS NOT NULL) = (state = 'cancelled')"
            " AND (cancellation_reason IS NOT NULL) = (state = 'cancelled')"
            " AND (ordered_at IS NOT NULL) = (supplier IS NOT NULL)"
            " AND (ordered_at IS NULL OR state <> 'requested')"
            " AND (ordered_at IS NOT NULL OR state IN ('requested', 'cancelled'))"
            " AND (certificate_id IS NULL OR state = 'delivered')",
            name="state_told",
        ),
        Index("ix_certificate_orders_recent", "tenant_id", "requested_at", "id"),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    usages: Mapped[list[str]] = mapped_column(ARRAY(String(20)))
    rgs_level: Mapped[int | None]
    eidas_level: Mapped[str | None] = mapped_column(String(10))
    wanted_by: Mapped[date | None]
    supplier: Mapped[str | None] = mapped_column(String(255))
    supplier_reference: Mapped[str | None] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(20))
    requested_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    requested_at: Mapped[datetime]
    ordered_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancellation_reason: Mapped[str | None] = mapped_column(Text)
    certificate_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("certificates.id"))
