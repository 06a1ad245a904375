"""What people write beside a folder."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class NoteKind(StrEnum):
    """A public note is seen by all, a private one by the next desk only, a page note stands on a
    page of a PDF."""

    PUBLIC = "public"
    PRIVATE = "private"
    PAGE = "page"


class FolderNote(Identified, TenantScoped, Base):
    """One note of one person. `step` and `desk_id`: where and through which desk it was written,
    `folder_version` the number of the folder's last event then; `x` and `y` are thousandths of the
    page from its lower left corner."""

    __tablename__ = "folder_notes"

    folder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("folders.id"), index=True)
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    desk_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("desks.id"))
    kind: Mapped[str] = mapped_column(String(10))
    step: Mapped[str | None] = mapped_column(String(60))
    folder_version: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    document_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("documents.id"))
    page: Mapped[int | None]
    x: Mapped[int | None]
    y: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
