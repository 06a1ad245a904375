"""Certificates of a person, as seen on a token or uploaded."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class Certificate(Identified, TenantScoped, Base):
    """`content` and `chain` are DER (chain in base64); `subject` is its common name."""

    __tablename__ = "certificates"
    __table_args__ = (UniqueConstraint("user_id", "sha256"),)

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    chain: Mapped[list[Any]]
    subject: Mapped[str] = mapped_column(String(255))
    not_before: Mapped[datetime]
    not_after: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(20))
    seen_at: Mapped[datetime]
