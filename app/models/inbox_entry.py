"""Where each folder stands for each desk: what lists and counters read."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantScoped


class InboxList(StrEnum):
    """The list in which a desk finds a folder; a folder stands once for a desk."""

    DRAFT = "draft"
    TO_DO = "to_do"
    UNDER_WAY = "under_way"
    REJECTED = "rejected"
    FINISHED = "finished"


class InboxEntry(TenantScoped, Base):
    """One folder for one desk, rewritten at each transition in the same transaction. `kind`: what
    is awaited of the desk; `subtype_id` and `amount_cents` let a delegation be filtered without
    the folder. `barred_ids`: those whom a duty keeps apart, and whoever acts in their name;
    `recused_ids`: those who stood back, themselves only. `since`: when the folder came into the
    list, the same for all desks of a list, so that it is shown once to who reads several."""

    __tablename__ = "inbox_entries"
    __table_args__ = (
        Index("ix_inbox_entries_list", "desk_id", "place", "since", "folder_id"),
        Index(
            "ix_inbox_entries_due",
            "desk_id",
            "due_at",
            postgresql_where=text("place = 'to_do' AND due_at IS NOT NULL"),
        ),
    )

    folder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("folders.id"), primary_key=True)
    desk_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("desks.id"), primary_key=True)
    place: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str | None] = mapped_column(String(20))
    subtype_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("folder_subtypes.id"))
    amount_cents: Mapped[int | None] = mapped_column(BigInteger)
    due_at: Mapped[datetime | None]
    barred_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid()), server_default="{}")
    recused_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid()), server_default="{}")
    since: Mapped[datetime]
