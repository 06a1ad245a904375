"""A gesture to sign: the session, its items, the jobs that agents receive."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Integer

from app.db.base import Base, Identified, TenantScoped


class ItemState(StrEnum):
    """Where one document stands between prepare and finish."""

    PREPARED = "prepared"
    ACCEPTED = "accepted"
    SIGNED = "signed"
    FAILED = "failed"
    LAPSED = "lapsed"


class JobState(StrEnum):
    """Where an agent's job stands."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    ENDED = "ended"


class SignatureSession(Identified, TenantScoped, Base):
    """1 to 500 (folder, document) pairs, one person, one certificate, one agent."""

    __tablename__ = "signature_sessions"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    certificate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("certificates.id"))
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("signing_devices.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]


class SignatureItem(Identified, TenantScoped, Base):
    """One document between prepare and finish: plain data that survives a restart (D8). What was
    signed is `signed_sha256`, with `signature_sha256` beside it where the signature is detached;
    `source_signature_sha256` stood beside the source already."""

    __tablename__ = "signature_items"
    __table_args__ = (
        UniqueConstraint("session_id", "n"),
        CheckConstraint(
            "(signature_sha256 IS NULL) = (signature_size_bytes IS NULL)", name="signature_whole"
        ),
        Index(
            "uq_signature_items_pending",
            "document_id",
            unique=True,
            postgresql_where=text("state IN ('prepared', 'accepted')"),
        ),
    )

    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("signature_sessions.id"), index=True)
    n: Mapped[int]
    folder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("folders.id"), index=True)
    document_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("documents.id"))
    desk_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("desks.id"))
    state: Mapped[str] = mapped_column(String(20))
    source_sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    source_signature_sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    prepared_sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    prepared: Mapped[dict[str, Any] | None]
    signing_time: Mapped[datetime | None]
    failure: Mapped[dict[str, Any] | None]
    signed_sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    signed_size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    signature_sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    signature_size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SigningJob(Identified, TenantScoped, Base):
    """A signed, single-use order for one agent. `payload` is kept exactly as it was signed."""

    __tablename__ = "signing_jobs"

    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("signature_sessions.id"), index=True)
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("signing_devices.id"), index=True)
    state: Mapped[str] = mapped_column(String(20))
    item_ns: Mapped[list[int]] = mapped_column(ARRAY(Integer()))
    nonce: Mapped[str] = mapped_column(String(64))
    payload: Mapped[str] = mapped_column(Text)
    signature: Mapped[str] = mapped_column(String(120))
    issued_at: Mapped[datetime]
    accept_before: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[dict[str, Any] | None]
