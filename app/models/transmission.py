"""What was sent to a TdT, each attempt recorded before the call, each answer kept."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class Transmission(Identified, TenantScoped, Base):
    """One emission of a folder's signed document; unique per folder and round.

    `folder_version` is the folder's when it was scheduled, `job_id` the job in charge of sending,
    `posts_allowed` how many times a body may reach the remote while outcomes stay unknown;
    `setbacks` and `polls` pace the next try and the next question."""

    __tablename__ = "transmissions"
    __table_args__ = (UniqueConstraint("folder_id", "round"),)

    folder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("folders.id"), index=True)
    round: Mapped[int]
    folder_version: Mapped[int]
    protocol: Mapped[str] = mapped_column(String(20))
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("connector_accounts.id"))
    state: Mapped[str] = mapped_column(String(20), index=True)
    job_id: Mapped[uuid.UUID | None]
    posts_allowed: Mapped[int] = mapped_column(server_default="2")
    document_sha256: Mapped[str] = mapped_column(String(64), index=True)
    file_name: Mapped[str | None] = mapped_column(String(100))
    body_code: Mapped[str | None] = mapped_column(String(3))
    remote_id: Mapped[str | None] = mapped_column(String(60), index=True)
    remote_code: Mapped[int | None]
    highest_known_id: Mapped[int | None] = mapped_column(BigInteger)
    reference: Mapped[str | None] = mapped_column(String(100))
    received_on: Mapped[date | None]
    detail: Mapped[str | None] = mapped_column(Text)
    setbacks: Mapped[int] = mapped_column(server_default="0")
    polls: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TransmissionAttempt(Identified, TenantScoped, Base):
    """One call that may have an effect outside, written and committed before it is made."""

    __tablename__ = "transmission_attempts"
    __table_args__ = (UniqueConstraint("transmission_id", "number"),)

    transmission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("transmissions.id"), index=True)
    number: Mapped[int]
    document_sha256: Mapped[str] = mapped_column(String(64), index=True)
    outcome: Mapped[str | None] = mapped_column(String(20))
    detail: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class TransmissionReceipt(Identified, TenantScoped, Base):
    """An answer of the TdT, byte for byte, in the blob store."""

    __tablename__ = "transmission_receipts"
    __table_args__ = (UniqueConstraint("transmission_id", "kind", "sha256"),)

    transmission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("transmissions.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    media_type: Mapped[str] = mapped_column(String(100))
    received_at: Mapped[datetime]
