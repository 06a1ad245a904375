"""What the outside did to a folder: answers at a step, and the life of its transmission."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, TypeAlias

from workflows.actions import RefusedBy
from workflows.definition import StepId
from workflows.folder import TransmissionId


@dataclass(frozen=True, slots=True)
class OutsideAnswered:
    """The outside answered at a step: it is passed, or stopped with a reason."""

    type: ClassVar[str] = "outside_answered"
    version: ClassVar[int] = 1
    occurred_at: datetime
    step: StepId
    accepted: bool
    reference: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TransmissionClaimed:
    """The machine took the folder to send it."""

    type: ClassVar[str] = "transmission_claimed"
    version: ClassVar[int] = 1
    occurred_at: datetime
    transmission: TransmissionId


@dataclass(frozen=True, slots=True)
class Transmitted:
    """The remote took the folder, under `remote_id` where it is known."""

    type: ClassVar[str] = "transmitted"
    version: ClassVar[int] = 1
    occurred_at: datetime
    transmission: TransmissionId
    remote_id: str | None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The recipient accepted the folder."""

    type: ClassVar[str] = "acknowledged"
    version: ClassVar[int] = 1
    occurred_at: datetime
    transmission: TransmissionId
    reference: str | None = None
    received_on: date | None = None


@dataclass(frozen=True, slots=True)
class RemoteRefused:
    """The outside refused the folder."""

    type: ClassVar[str] = "remote_refused"
    version: ClassVar[int] = 1
    occurred_at: datetime
    transmission: TransmissionId
    refused_by: RefusedBy
    reason: str


@dataclass(frozen=True, slots=True)
class TransmissionFailed:
    """The machine gave up; nothing reached the remote."""

    type: ClassVar[str] = "transmission_failed"
    version: ClassVar[int] = 1
    occurred_at: datetime
    transmission: TransmissionId
    reason: str


TransmissionEvent: TypeAlias = (
    TransmissionClaimed | Transmitted | Acknowledged | RemoteRefused | TransmissionFailed
)
