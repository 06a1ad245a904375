"""Bodies about the local authority itself."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from pydantic import Base64Bytes, BaseModel, Field

from app.auth.schemas import Input


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
