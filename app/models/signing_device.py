"""The signing agents of a person, and those that ask to be."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class SigningDevice(Identified, TenantScoped, Base):
    """A paired agent: the public half of its device key (Ed25519, 32 bytes)."""

    __tablename__ = "signing_devices"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    machine_name: Mapped[str] = mapped_column(String(255))
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    paired_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class PairingRequest(Identified, Base):
    """An agent before its person is known: no tenant yet, so nothing readable here. The machine's
    name is sealed, the code is a keyed hash."""

    __tablename__ = "pairing_requests"

    code_digest: Mapped[str] = mapped_column(String(64), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_machine_name: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]
    tenant_id: Mapped[uuid.UUID | None]
    device_id: Mapped[uuid.UUID | None]
