"""Bodies about certificate orders."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, Field

from app.auth.schemas import Input
from app.models import CertificateOrderState, CertificateUsage
from app.users.schemas import PersonRead

RgsLevel: TypeAlias = Literal[2, 3]
"""RGS ** and RGS ***: RGS * is a software certificate, with which nobody signs here."""
EidasLevel: TypeAlias = Literal["qualified"]


class CertificateOrderCreate(Input):
    """A certificate asked for a person. One of the levels at least; with both, the certificate
    must reach both."""

    user_id: uuid.UUID
    usages: list[CertificateUsage] = Field(
        min_length=1, max_length=len(CertificateUsage), examples=[["sign_act", "sign_pes"]]
    )
    rgs_level: RgsLevel | None = None
    eidas_level: EidasLevel | None = None
    wanted_by: date | None = None


class CertificateOrdered(Input):
    """From whom it was ordered, under which reference of his."""

    supplier: str = Field(min_length=1, max_length=255, examples=["Autorité fictive"])
    supplier_reference: str | None = Field(default=None, min_length=1, max_length=255)


class CertificateDelivered(Input):
    """What came, once the register of that person has it: its SHA-256."""

    certificate_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class CertificateOrderCancelled(Input):
    """Why nothing is awaited any more."""

    reason: str = Field(min_length=1, max_length=2000)


class CertificateOrderRead(BaseModel):
    """An order, with the instant of each state that it reached."""

    id: uuid.UUID
    person: PersonRead
    usages: list[CertificateUsage]
    rgs_level: int | None
    eidas_level: str | None
    wanted_by: date | None
    supplier: str | None
    supplier_reference: str | None
    state: CertificateOrderState
    requested_by: uuid.UUID
    requested_at: datetime
    ordered_at: datetime | None
    delivered_at: datetime | None
    cancelled_at: datetime | None
    cancellation_reason: str | None
    certificate_sha256: str | None
