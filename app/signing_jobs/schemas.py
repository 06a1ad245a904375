"""Bodies of the jobs that agents work on (docs/agent-protocol.md)."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Base64Bytes, BaseModel, Field, model_validator

from app.auth.schemas import Input
from app.models import ItemState, JobState
from app.preparations.schemas import SessionItemRead


class JobRead(BaseModel):
    """A job of a session."""

    id: uuid.UUID
    state: JobState
    accept_before: datetime
    lease_until: datetime | None
    outcome: str | None


class SignatureSessionRead(BaseModel):
    """A session with the state of each document and the jobs offered for it."""

    id: uuid.UUID
    certificate_sha256: str
    device_id: uuid.UUID
    items: list[SessionItemRead]
    jobs: list[JobRead]


class SignedJob(BaseModel):
    """A job as an agent receives it: payload and Ed25519 signature, base64."""

    payload: str
    signature: str


class JobAccept(Input):
    """The nonce of the payload proves that the agent read this very job."""

    nonce: str = Field(max_length=64)


class Lease(BaseModel):
    """Until when the agent keeps the job."""

    lease_until: datetime


class AgentOutcome(StrEnum):
    """How an agent ends a job."""

    DONE = "done"
    DECLINED = "declined"
    FAILED = "failed"


class JobEnd(Input):
    """Nothing more will come."""

    outcome: AgentOutcome
    code: str | None = Field(default=None, max_length=60)
    detail: str | None = Field(default=None, max_length=1000)


class ValueGiven(Input):
    """A value that the token made."""

    id: str = Field(max_length=255)
    value: Base64Bytes


class FailureGiven(Input):
    """Why the agent could not or would not sign this document."""

    code: str = Field(max_length=60)
    detail: str = Field(max_length=1000)


class ItemFinish(Input):
    """Values of one document, or the reason why there are none."""

    job_id: uuid.UUID
    values: list[ValueGiven] | None = None
    failure: FailureGiven | None = None

    @model_validator(mode="after")
    def _one_of(self) -> ItemFinish:
        if (self.values is None) == (self.failure is None):
            raise ValueError("il faut des valeurs de signature ou un échec, l'un des deux")
        return self


class ItemFinished(BaseModel):
    """What became of the document."""

    state: Literal[ItemState.SIGNED, ItemState.FAILED]
