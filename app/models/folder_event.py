"""What happened to a folder: appended, never changed."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantScoped


class FolderEvent(TenantScoped, Base):
    """One event of the engine, replayable."""

    __tablename__ = "folder_events"

    folder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("folders.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    payload: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime]
