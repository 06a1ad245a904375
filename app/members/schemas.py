"""What a host organisation sees of its members: settings and certificate orders, never a folder."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from pydantic import BaseModel

from app.models import CertificateOrderState, CertificateUsage


class MemberRead(BaseModel):
    """A local authority that this organisation hosts."""

    id: uuid.UUID
    siret: str
    name: str


class MemberSubtypeRead(BaseModel):
    """A subtype and the circuit that it names."""

    name: str
    workflow: str
    is_active: bool


class MemberTypeRead(BaseModel):
    """A type with its subtypes; `connector` is the label of the account, never its secrets."""

    name: str
    protocol: str
    signature_format: str
    connector: str | None
    subtypes: list[MemberSubtypeRead]


class MemberWorkflowRead(BaseModel):
    """A circuit and the number of its version in force."""

    name: str
    active_version: int | None


class MemberConnectorRead(BaseModel):
    """An account of a TdT: where it leads, under which name."""

    connector: str
    label: str


class MemberSettingsRead(BaseModel):
    """The settings of a member."""

    tenant: MemberRead
    timezone: str
    subdivision: str | None
    desk_count: int
    active_desk_count: int
    person_count: int
    types: list[MemberTypeRead]
    workflows: list[MemberWorkflowRead]
    connectors: list[MemberConnectorRead]


class MemberCertificateOrderRead(BaseModel):
    """A certificate order of a member: what placing it and following it needs. Its supplier, the
    reason why it was cancelled and the certificate stay with the member."""

    id: uuid.UUID
    tenant: MemberRead
    person_name: str
    usages: list[CertificateUsage]
    rgs_level: int | None
    eidas_level: str | None
    wanted_by: date | None
    state: CertificateOrderState
    requested_at: datetime
    ordered_at: datetime | None
    delivered_at: datetime | None
    cancelled_at: datetime | None
