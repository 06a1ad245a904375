"""Bodies of pairing, and of what an agent reports (docs/agent-protocol.md)."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from pydantic import Base64Bytes, BaseModel, Field

from app.auth.schemas import Input


class PairingCreate(Input):
    """An agent asks to be paired: its Ed25519 public key and the machine it runs on."""

    public_key: Base64Bytes
    machine_name: str = Field(min_length=1, max_length=255)
    agent_version: str = Field(min_length=1, max_length=40)


class PairingCreated(BaseModel):
    """The code that the person will type."""

    pairing_id: uuid.UUID
    code: str
    expires_at: datetime
    poll_interval_s: int


class PairingState(StrEnum):
    """Where a pairing stands."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"


class PairingRead(BaseModel):
    """What the agent keeps once its person confirmed. `server_job_key` is base64."""

    state: PairingState
    device_id: uuid.UUID | None
    server_job_key: str | None
    tenant_name: str | None
    user_name: str | None


class PairingShown(BaseModel):
    """What the person sees before confirming: which machine asks."""

    machine_name: str
    expires_at: datetime


class DeviceRead(BaseModel):
    """A paired agent."""

    id: uuid.UUID
    machine_name: str
    paired_at: datetime
    last_seen_at: datetime | None
    revoked_at: datetime | None


class CertificateSeen(Input):
    """A certificate on the token with its issuers, DER in base64."""

    certificate: Base64Bytes
    chain: list[Base64Bytes] = Field(default_factory=list, max_length=10)


class CertificatesSeen(Input):
    """All that the token holds."""

    certificates: list[CertificateSeen] = Field(max_length=20)


class CertificateJudged(BaseModel):
    """What the server thinks of one of them."""

    sha256: str
    subject: str
    fit: bool
    reasons: list[str]


class CertificatesJudged(BaseModel):
    """The answer to a report."""

    certificates: list[CertificateJudged]
