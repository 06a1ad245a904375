"""Bodies about the local authority itself."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from pydantic import Base64Bytes, BaseModel, Field

from app.auth.schemas import Input
from workflows.register import PowerKind


class TenantRead(BaseModel):
    """The local authority of the caller."""

    id: uuid.UUID
    siret: str
    name: str
    timezone: str
    city: str
    postal_code: str
    country: str
    default_role: str
    requires_latin1_pes: bool
    subdivision: str | None
    mentions: dict[str, str]
    host_id: uuid.UUID | None


class TenantUpdate(Input):
    """What an administrator may change; what is absent stays. `default_role` is claimed where a
    desk names no capacity; `requires_latin1_pes` refuses flows in another encoding.

    `subdivision` adds the public holidays of a part of France; `mentions` replaces the tenant's
    own templates, by kind of power; `host_id` lets that host organisation see the settings, never
    a folder. A null subdivision or host is removed."""

    name: str | None = Field(default=None, min_length=1, max_length=255)
    timezone: str | None = Field(default=None, max_length=64)
    city: str | None = Field(default=None, min_length=1, max_length=100)
    postal_code: str | None = Field(default=None, min_length=1, max_length=10)
    country: str | None = Field(default=None, min_length=1, max_length=60)
    default_role: str | None = Field(default=None, min_length=1, max_length=255)
    requires_latin1_pes: bool | None = None
    subdivision: str | None = Field(default=None, max_length=10)
    mentions: dict[PowerKind, str] | None = None
    host_id: uuid.UUID | None = None


class TrustKind(StrEnum):
    """What a piece of trust material is."""

    ANCHOR = "anchor"
    INTERMEDIATE = "intermediate"
    CRL = "crl"


class TrustAnchorCreate(Input):
    """A certificate or revocation list in DER, base64."""

    kind: TrustKind
    label: str = Field(min_length=1, max_length=255)
    content: Base64Bytes


class TrustAnchorRead(BaseModel):
    """What the tenant trusts."""

    id: uuid.UUID
    kind: TrustKind
    label: str
    sha256: str
    created_at: datetime
