"""Who knocks: handles read before the tenant is known, sessions, failures, spent nonces."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class LoginHandle(Base):
    """Keyed hash -> tenant and principal. Outside row-level security: no text (DESIGN D13)."""

    __tablename__ = "login_handles"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    tenant_id: Mapped[uuid.UUID]
    principal_id: Mapped[uuid.UUID] = mapped_column(index=True)


class LoginAttempt(Base):
    """Failures per account and per address, refusals told per principal, by keyed hash (threats
    34 and 43)."""

    __tablename__ = "login_attempts"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    window_started_at: Mapped[datetime]


class SpentNonce(Base):
    """Nonces of device requests, by keyed hash: each is accepted once (threat 28)."""

    __tablename__ = "spent_nonces"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(index=True)


class LoginSession(Identified, TenantScoped, Base):
    """A person's session, revocable on the server."""

    __tablename__ = "login_sessions"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
