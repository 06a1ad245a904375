"""What happened to a folder: stored for good, versioned, read back whatever its age."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, TypeAlias

from workflows.actions import RefusedBy
from workflows.definition import DeskId, Step, StepId, StepKind
from workflows.encoding import JsonObject, decode_object, encode_object
from workflows.errors import Unreadable
from workflows.folder import (
    ActKind,
    Document,
    FolderId,
    RevisionChange,
    TransmissionId,
    WorkflowVersionId,
)
from workflows.powers import Authorship


@dataclass(frozen=True, slots=True)
class Created:
    """A draft was opened by a desk."""

    type: ClassVar[str] = "created"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    folder: FolderId


@dataclass(frozen=True, slots=True)
class Submitted:
    """The folder entered a circuit, whose steps are copied here: it is pinned to them."""

    type: ClassVar[str] = "submitted"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    round: int
    workflow_version: WorkflowVersionId
    steps: tuple[Step, ...]
    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class StepStarted:
    """The turn of a step came; `desks` are those it is entrusted to, as resolved then."""

    type: ClassVar[str] = "step_started"
    version: ClassVar[int] = 1
    occurred_at: datetime
    step: StepId
    kind: StepKind
    desks: tuple[DeskId, ...]


@dataclass(frozen=True, slots=True)
class Approved:
    """A person agreed; the step is passed."""

    type: ClassVar[str] = "approved"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    step: StepId


@dataclass(frozen=True, slots=True)
class Signed:
    """A person signed every signable document; the step is passed."""

    type: ClassVar[str] = "signed"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    step: StepId
    changes: tuple[RevisionChange, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A person refused; the folder went back to its submitter."""

    type: ClassVar[str] = "rejected"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    step: StepId
    reason: str


@dataclass(frozen=True, slots=True)
class Retracted:
    """A person took back an act (`act`, at `step`; no step for the submission). `restored` goes
    from each signed revision, kept as retracted and never sent, to the one put back."""

    type: ClassVar[str] = "retracted"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    act: ActKind
    step: StepId | None = None
    restored: tuple[RevisionChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Resubmitted:
    """The corrected folder started its circuit again."""

    type: ClassVar[str] = "resubmitted"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship
    round: int
    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Completed:
    """Every step is passed and nothing has to be transmitted."""

    type: ClassVar[str] = "completed"
    version: ClassVar[int] = 1
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The submitter ended the folder."""

    type: ClassVar[str] = "cancelled"
    version: ClassVar[int] = 1
    occurred_at: datetime
    by: Authorship


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


StartEvent: TypeAlias = Submitted | Resubmitted
StepEvent: TypeAlias = StepStarted | Approved | Signed | Rejected | Retracted
EndEvent: TypeAlias = Completed | Cancelled
TransmissionEvent: TypeAlias = (
    TransmissionClaimed | Transmitted | Acknowledged | RemoteRefused | TransmissionFailed
)
Event: TypeAlias = Created | StartEvent | StepEvent | EndEvent | TransmissionEvent

EVENT_TYPES: Mapping[str, type[Event]] = {
    kind.type: kind
    for kind in (
        Created,
        Submitted,
        StepStarted,
        Approved,
        Signed,
        Rejected,
        Retracted,
        Resubmitted,
        Completed,
        Cancelled,
        TransmissionClaimed,
        Transmitted,
        Acknowledged,
        RemoteRefused,
        TransmissionFailed,
    )
}

Upcaster: TypeAlias = Callable[[Mapping[str, object]], Mapping[str, object]]
"""Turns the payload of a version into that of the next one."""

UPCASTERS: Mapping[tuple[str, int], Upcaster] = {}
"""By type and the version that the upcaster reads."""


def to_json(event: Event) -> JsonObject:
    """The event as JSON data: `type`, `version` of that type, `payload`."""
    return {"type": event.type, "version": event.version, "payload": encode_object(event)}


def from_json(
    record: Mapping[str, object], upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS
) -> Event:
    """The event that `to_json` wrote, now or in an earlier version of its type.

    Unreadable for an unknown type, a version that no upcaster brings to the present one (a
    newer one included), or a malformed payload.
    """
    name, version, payload = record.get("type"), record.get("version"), record.get("payload")
    kind = EVENT_TYPES.get(name) if isinstance(name, str) else None
    if kind is None or not isinstance(version, int) or not isinstance(payload, Mapping):
        raise Unreadable("event: type, version and payload expected")
    while version != kind.version:
        upcast = upcasters.get((kind.type, version))
        if upcast is None:
            raise Unreadable(f"event {kind.type}: version {version} cannot be read")
        payload, version = upcast(payload), version + 1
    return decode_object(kind, payload)
