"""Where a transmission stands, and the bodies about it."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from app.auth.schemas import Input
from workflows.definition import Protocol


class TransmissionState(StrEnum):
    """Where a transmission stands. `needs_person` and `ambiguous` at rest wait for an
    administrator, `sent_id_unknown` for the remote's id or its answer."""

    SCHEDULED = "scheduled"
    SENDING = "sending"
    AMBIGUOUS = "ambiguous"
    NEEDS_PERSON = "needs_person"
    SENT = "sent"
    SENT_ID_UNKNOWN = "sent_id_unknown"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    ERROR = "error"
    WITHDRAWN = "withdrawn"


class AttemptOutcome(StrEnum):
    """How a post ended; nothing while it runs, or when its worker died before the answer."""

    TAKEN = "taken"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    AMBIGUOUS = "ambiguous"


class ReceiptKind(StrEnum):
    """What bytes of the remote are: the answer to a post, a final status, the AR or ACQUIT (fetched
    or handed in), or an answer that could not be attached to this emission."""

    SUBMISSION = "submission"
    STATUS = "status"
    ANSWER = "answer"
    HANDED_IN = "handed_in"
    UNREADABLE = "unreadable"


class AttemptRead(BaseModel):
    """One post, recorded before it was made."""

    number: int
    document_sha256: str
    outcome: AttemptOutcome | None
    detail: str | None
    started_at: datetime
    ended_at: datetime | None


class ReceiptRead(BaseModel):
    """Bytes of the remote, kept as received."""

    id: uuid.UUID
    kind: ReceiptKind
    sha256: str
    media_type: str
    received_at: datetime


class TransmissionRead(BaseModel):
    """An emission with its posts and receipts. `detail` says in French what is awaited or went
    wrong; `reception` is what the answer allows to say."""

    id: uuid.UUID
    folder_id: uuid.UUID
    round: int
    protocol: Protocol
    state: TransmissionState
    document_sha256: str
    file_name: str | None
    body_code: str | None
    remote_id: str | None
    remote_code: int | None
    reference: str | None
    received_on: date | None
    reception: str | None
    detail: str | None
    created_at: datetime
    updated_at: datetime
    attempts: list[AttemptRead]
    receipts: list[ReceiptRead]


class RemoteIdInput(Input):
    """The id read by a person on the remote's own pages."""

    remote_id: str = Field(pattern=r"^[1-9][0-9]{0,18}$", examples=["1077"])


class RetryInput(Input):
    """Send again although the remote perhaps holds the folder: say why."""

    reason: str = Field(min_length=1, max_length=2000)


class AccountCheckRead(BaseModel):
    """Whether an account can transmit now; `detail` says in French what to correct."""

    usable: bool
    detail: str | None
