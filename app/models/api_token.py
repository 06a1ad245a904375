"""What a program may do: desks, verbs, until when."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class ApiToken(Identified, TenantScoped, Base):
    """The secret itself is shown once and kept only as a keyed hash in login_handles."""

    __tablename__ = "api_tokens"

    label: Mapped[str] = mapped_column(String(255))
    desk_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid()))
    verbs: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
