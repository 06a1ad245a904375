"""Mails owed to people: one per event and person, its Message-ID fixed beforehand."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class Notification(Identified, TenantScoped, Base):
    """Unique per folder event and person, so that an event never sends two mails, until `over_at`:
    what was told has ceased to be true then, and may be told again. `told` is the sentence to tell
    where no event holds it, `failure` why the mail did not leave."""

    __tablename__ = "notifications"
    __table_args__ = (
        Index(
            "uq_notifications_standing",
            "folder_id",
            "event_seq",
            "kind",
            "user_id",
            unique=True,
            postgresql_where=text("over_at IS NULL"),
        ),
    )

    folder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("folders.id"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    event_seq: Mapped[int]
    kind: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(20))
    told: Mapped[str | None] = mapped_column(Text)
    failure: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    over_at: Mapped[datetime | None]
