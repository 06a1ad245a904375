"""Documents that were deleted, their bytes not yet."""

from __future__ import annotations

import uuid

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class OrphanBlob(Identified, TenantScoped, Base):
    """A digest that a folder has just ceased to name. It names nothing itself: the row goes once
    the bytes are gone, or turn out to be named elsewhere."""

    __tablename__ = "orphan_blobs"

    folder_id: Mapped[uuid.UUID] = mapped_column(index=True)
    sha256: Mapped[str] = mapped_column(String(64))
