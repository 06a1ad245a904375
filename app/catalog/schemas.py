"""Bodies about circuits, types, subtypes and TdT accounts."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydantic import BaseModel, Field, SecretStr

from app.auth.schemas import Input
from signing.types import SignatureFormat
from workflows.definition import HeliosIntake, Protocol, StepKind


class StepInput(Input):
    """One turn. A transmission has no desk."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    kind: StepKind
    name: str = Field(min_length=1, max_length=255)
    desk_ids: list[uuid.UUID] = Field(default_factory=list)


class WorkflowCreate(Input):
    """A circuit and its first version."""

    name: str = Field(min_length=1, max_length=255)
    steps: list[StepInput]


class WorkflowVersionCreate(Input):
    """A new version: earlier ones stay as they were."""

    steps: list[StepInput]


class FindingRead(BaseModel):
    """Something to say about a circuit."""

    code: str
    detail: str
    severity: str
    step: str | None


class WorkflowVersionRead(BaseModel):
    """A version, its findings, and whether it is in force."""

    id: uuid.UUID
    number: int
    steps: list[StepInput]
    activated_at: datetime | None
    findings: list[FindingRead]


class WorkflowRead(BaseModel):
    """A circuit with its versions, newest first."""

    id: uuid.UUID
    name: str
    versions: list[WorkflowVersionRead]


class ConnectorAccountCreate(Input):
    """An account at a TdT: S²LOW today."""

    connector: str = Field(pattern=r"^[a-z0-9]{1,40}$", examples=["s2low"])
    label: str = Field(min_length=1, max_length=255)
    base_url: str = Field(pattern=r"^https://", max_length=255)
    server_ca: str = Field(description="PEM")
    client_certificate: str = Field(description="PEM")
    client_key: SecretStr = Field(description="PEM")
    login: str | None = Field(default=None, max_length=255)
    password: SecretStr | None = None
    is_archivist: bool = False


class ConnectorAccountRead(BaseModel):
    """An account without its secrets."""

    id: uuid.UUID
    connector: str
    label: str
    base_url: str
    login: str | None
    is_archivist: bool


class FolderTypeCreate(Input):
    """Protocol, signature format, and the account that carries the folders."""

    name: str = Field(min_length=1, max_length=255)
    protocol: Protocol
    signature_format: SignatureFormat
    connector_account_id: uuid.UUID | None = None


class FolderTypeRead(BaseModel):
    """A type."""

    id: uuid.UUID
    name: str
    protocol: Protocol
    signature_format: SignatureFormat
    connector_account_id: uuid.UUID | None


class FolderSubtypeCreate(Input):
    """A subtype bound to a circuit whose active version must suit the protocol."""

    type_id: uuid.UUID
    name: str = Field(min_length=1, max_length=255)
    workflow_id: uuid.UUID
    helios_intake: HeliosIntake | None = None
    deposit_desk_ids: list[uuid.UUID] | None = None


class FolderSubtypeRead(BaseModel):
    """A subtype."""

    id: uuid.UUID
    type_id: uuid.UUID
    name: str
    workflow_id: uuid.UUID
    helios_intake: HeliosIntake | None
    deposit_desk_ids: list[uuid.UUID] | None
