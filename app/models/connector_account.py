"""An account of the tenant at a TdT."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary, String, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified, TenantScoped


class ConnectorAccount(Identified, TenantScoped, Base):
    """`sealed` holds client key, certificate and password, encrypted outside the database."""

    __tablename__ = "connector_accounts"
    __table_args__ = (UniqueConstraint("tenant_id", "label"),)

    connector: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(255))
    base_url: Mapped[str] = mapped_column(String(255))
    server_ca: Mapped[str] = mapped_column(Text)
    login: Mapped[str | None] = mapped_column(String(255))
    is_archivist: Mapped[bool] = mapped_column(server_default="false")
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
