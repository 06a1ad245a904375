"""Documents of a folder and their immutable revisions."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class Document(Identified, TenantScoped, Base):
    """A main document or an annex; `name` is what the submitter called it, data only."""

    __tablename__ = "documents"

    folder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("folders.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Revision(Identified, TenantScoped, Base):
    """One state of a document, its bytes in the blob store under `sha256`. Signed apart, it has the
    bytes of the one before and a detached signature beside them, under `signature_sha256`. The
    engine's events say which is current; `retracted_at` marks a signed one that was taken back."""

    __tablename__ = "revisions"
    __table_args__ = (
        UniqueConstraint("document_id", "number"),
        CheckConstraint(
            "(signature_sha256 IS NULL) = (signature_size_bytes IS NULL)", name="signature_whole"
        ),
    )

    document_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("documents.id"), index=True)
    number: Mapped[int]
    origin: Mapped[str] = mapped_column(String(20))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    signature_sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    signature_size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    facts: Mapped[dict[str, Any] | None]
    report: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    retracted_at: Mapped[datetime | None]
