"""What every TdT connector offers, and the values that cross the seam."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol, TypeAlias

ByteSource: TypeAlias = Callable[[], AsyncIterator[bytes]]
"""Opens the stored bytes again at each call, so that a second post sends identical bytes."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a submission: name as the remote shows it, size in bytes, SHA-256 in hex."""

    name: str
    size_bytes: int
    sha256: str
    media_type: str
    open: ByteSource
    type_code: str | None = None


@dataclass(frozen=True, slots=True)
class ActSubmission:
    """An act for legality control (actes.md §3.3 and §5). `classification` is 2 to 5 levels;
    `signature` a detached CMS over the document, in DER, where it bears none itself."""

    number: str
    subject: str
    decided_on: date
    nature_code: int
    classification: tuple[int, ...]
    type_code: str
    document: Attachment
    annexes: tuple[Attachment, ...] = ()
    signature: Attachment | None = None


@dataclass(frozen=True, slots=True)
class PesSubmission:
    """A signed PES_Aller. `file_name` and `body_code` (NomFic, CodCol) correlate the ACQUIT."""

    file_name: str
    body_code: str
    document: Attachment


Submission: TypeAlias = ActSubmission | PesSubmission


class RemoteState(StrEnum):
    """Our reading of a remote status; UNKNOWN means: keep polling, warn, never success."""

    WAITING_AT_REMOTE = "waiting_at_remote"
    SENT = "sent"
    TRANSMITTED = "transmitted"
    ANSWER_AVAILABLE = "answer_available"
    ERROR = "error"
    CANCELLED = "cancelled"
    DONE_WITHOUT_ANSWER = "done_without_answer"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The remote took the submission under `remote_id`; `raw` is its answer, kept byte for byte."""

    remote_id: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class RemoteStatus:
    """`code` is the remote's own number, `message` its text, `raw` its bytes."""

    code: int
    state: RemoteState
    message: str
    raw: bytes


class Outcome(StrEnum):
    """What an answer says of the whole submission."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AnswerError:
    """One error of an answer: remote's code, text, and where (slip, item, line, attachment)."""

    code: str | None
    label: str
    where: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An AR or an ACQUIT, read. `reference` is the IDActe of an act; `received_on` its
    DateReception; `file_name` and `body_code` correlate a PES. `raw` as received."""

    outcome: Outcome
    raw: bytes
    media_type: str
    reference: str | None = None
    received_on: date | None = None
    file_name: str | None = None
    body_code: str | None = None
    errors: tuple[AnswerError, ...] = ()


class LookupResult(StrEnum):
    """After an unknown outcome: what the remote says it holds."""

    FOUND = "found"
    ABSENT = "absent"
    SEVERAL = "several"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Lookup:
    """`remote_id` only when FOUND."""

    result: LookupResult
    remote_id: str | None = None


class Connector(Protocol):
    """One account at one TdT. Calls raise ConnectorError's cases and nothing else."""

    async def probe(self) -> None:
        """One harmless call: raises Unreachable or RefusedByRemote when the account is unusable."""

    async def highest_known_id(self, submission: Submission) -> int | None:
        """The largest remote id visible now, recorded before an attempt for a later look-up."""

    async def submit(self, submission: Submission) -> Receipt:
        """Sends once. Ambiguous when the outcome is unknown; RefusedByRemote(duplicate=True) when
        the remote already holds these bytes or this number."""

    async def look_up(self, submission: Submission, *, above_id: int | None) -> Lookup:
        """After an unknown outcome, whether the remote holds the submission."""

    async def status(self, submission: Submission, remote_id: str) -> RemoteStatus:
        """The remote's present status."""

    async def answer(self, submission: Submission, remote_id: str) -> Answer | None:
        """The AR or ACQUIT, None while it cannot be fetched."""

    async def aclose(self) -> None:
        """Releases the connections."""
