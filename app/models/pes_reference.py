"""NomFic already used: one living flow for a SIREN, CodCol and NomFic."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class PesReference(Identified, TenantScoped, Base):
    """Held by a folder until it is rejected, cancelled, deleted or ended in a TdT error."""

    __tablename__ = "pes_references"
    __table_args__ = (
        Index(
            "uq_pes_references_living",
            "tenant_id",
            "siren",
            "body_code",
            "file_name",
            unique=True,
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    folder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("folders.id"), index=True)
    siren: Mapped[str] = mapped_column(String(9))
    body_code: Mapped[str] = mapped_column(String(3))
    file_name: Mapped[str] = mapped_column(String(100))
    released_at: Mapped[datetime | None]
