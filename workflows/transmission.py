"""The machine's acts: what the outside answers at a step, and one transmission per round, claimed
once, its outcome recorded once."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from workflows.actions import (
    ClaimTransmission,
    RecordAcknowledged,
    RecordOutside,
    RecordRemoteRefusal,
    RecordTransmissionError,
    RecordTransmitted,
    TransmissionAction,
)
from workflows.circumstances import Circumstances, check_kind, turn_of
from workflows.definition import OUTSIDE_STEPS
from workflows.events import Event
from workflows.folder import FolderState, FolderStatus, TransmissionId
from workflows.moments import (
    AlreadyTransmitted,
    NotReadyToTransmit,
    NotThisTransmission,
    NotTransmitted,
    TransmissionAlreadyClaimed,
    TransmissionNotClaimed,
)
from workflows.outside_events import (
    Acknowledged,
    OutsideAnswered,
    RemoteRefused,
    TransmissionClaimed,
    TransmissionEvent,
    TransmissionFailed,
    Transmitted,
)
from workflows.progress import with_what_follows

_UNDER_WAY = frozenset({FolderStatus.TRANSMITTING, FolderStatus.TRANSMITTED})
_CLAIMABLE = frozenset({FolderStatus.AWAITING_TRANSMISSION, FolderStatus.TRANSMISSION_FAILED})


def decide_transmission(
    state: FolderState, action: TransmissionAction, instant: datetime
) -> TransmissionEvent:
    """What follows a machine's act on a folder that is not final.

    Raises NotReadyToTransmit or TransmissionAlreadyClaimed for a claim; TransmissionNotClaimed,
    NotThisTransmission, AlreadyTransmitted or NotTransmitted for an outcome out of place.
    """
    match action:
        case ClaimTransmission():
            _check_claimable(state)
            return TransmissionClaimed(instant, action.transmission)
        case RecordTransmitted():
            _check_under_way(state, action.transmission)
            _check_adds_remote_id(state, action)
            return Transmitted(instant, action.transmission, action.remote_id)
        case RecordAcknowledged():
            if state.status is not FolderStatus.TRANSMITTED:
                raise NotTransmitted
            _check_under_way(state, action.transmission)
            return Acknowledged(instant, action.transmission, action.reference, action.received_on)
        case RecordRemoteRefusal():
            _check_under_way(state, action.transmission)
            return RemoteRefused(instant, action.transmission, action.refused_by, action.reason)
        case RecordTransmissionError():
            _check_under_way(state, action.transmission)
            if state.status is FolderStatus.TRANSMITTED:
                raise AlreadyTransmitted
            return TransmissionFailed(instant, action.transmission, action.reason)
        case _:
            assert_never(action)


def decide_outside(
    state: FolderState, action: RecordOutside, given: Circumstances
) -> tuple[Event, ...]:
    """What follows an answer of the outside at the step that waits for it. Raises as `turn_of`,
    or WrongStepKind."""
    check_kind(turn_of(state, action.step), OUTSIDE_STEPS)
    answered = OutsideAnswered(
        given.instant, action.step, action.accepted, action.reference, action.reason
    )
    if not action.accepted:
        return (answered,)
    return with_what_follows(state, answered, given)


def _check_claimable(state: FolderState) -> None:
    if state.status in _UNDER_WAY:
        raise TransmissionAlreadyClaimed
    if state.status not in _CLAIMABLE:
        raise NotReadyToTransmit


def _check_under_way(state: FolderState, transmission: TransmissionId) -> None:
    if state.status not in _UNDER_WAY or state.transmission is None:
        raise TransmissionNotClaimed
    if state.transmission.id != transmission:
        raise NotThisTransmission


def _check_adds_remote_id(state: FolderState, action: RecordTransmitted) -> None:
    """A second record only fills in the id that the first one lacked."""
    if state.status is not FolderStatus.TRANSMITTED:
        return
    known = state.transmission is not None and state.transmission.remote_id is not None
    if known or action.remote_id is None:
        raise AlreadyTransmitted
