"""What the API says of documents."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from workflows.folder import DocumentRole

__all__ = [
    "CONDEMNED",
    "REPORT",
    "DocumentRead",
    "DocumentRole",
    "Origin",
    "RevisionRead",
    "SignatureRead",
    "report_key",
]

REPORT = "signatures.report"
CONDEMNED = "signatures.condemned"


def report_key(revision_id: str) -> str:
    """What tells the job that verifies a revision from the others."""
    return f"{REPORT}:{revision_id}"


class Origin(StrEnum):
    """How a revision came to be."""

    DEPOSITED = "deposited"
    DEMATERIALISED = "dematerialised"
    SIGNED = "signed"


class SignatureRead(BaseModel):
    """A detached signature (CMS, DER): its digest, its size, the name of its file."""

    sha256: str
    size_bytes: int
    name: str


class RevisionRead(BaseModel):
    """One state of a document. `signature` stands beside bytes that were signed apart. `facts` is
    what inspection read, `report` what verification said."""

    id: uuid.UUID
    number: int
    origin: Origin
    sha256: str
    size_bytes: int
    signature: SignatureRead | None
    facts: dict[str, Any] | None
    report: dict[str, Any] | None
    created_at: datetime
    retracted_at: datetime | None


class DocumentRead(BaseModel):
    """A document with its revisions, oldest first."""

    id: uuid.UUID
    kind: DocumentRole
    position: int
    name: str
    media_type: str
    revisions: list[RevisionRead]
