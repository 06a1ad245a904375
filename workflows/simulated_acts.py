"""The acts that a simulated folder meets: persons do their part, the outside answers well."""

from __future__ import annotations

from workflows.actions import (
    Action,
    Approve,
    Archive,
    ClaimTransmission,
    RecordAcknowledged,
    RecordOutside,
    RecordTransmitted,
    Seal,
    Sign,
)
from workflows.definition import OUTSIDE_STEPS, Step, StepKind
from workflows.folder import FolderState, Revision, RevisionChange, RevisionId, TransmissionId
from workflows.register import Authorship

_TRANSMISSION = TransmissionId("simulated")


def passing_act(state: FolderState, step: Step, by: Authorship) -> Action:
    """What passes a step of persons; a signature or a seal makes new revisions."""
    match step.kind:
        case StepKind.SIGNATURE:
            return Sign(by.seat, step.id, _changed(state))
        case StepKind.SEAL:
            return Seal(by.seat, step.id, _changed(state))
        case StepKind.ARCHIVE:
            return Archive(by.seat, step.id)
        case _:
            return Approve(by.seat, step.id, state.documents)


def answers(step: Step) -> tuple[Action, ...]:
    """What passes a step that waits for the outside or for a transmission, one after the other."""
    if step.kind in OUTSIDE_STEPS:
        return (RecordOutside(step.id, accepted=True),)
    return (
        ClaimTransmission(_TRANSMISSION),
        RecordTransmitted(_TRANSMISSION, None),
        RecordAcknowledged(_TRANSMISSION),
    )


def _changed(state: FolderState) -> tuple[RevisionChange, ...]:
    mark = str(state.version)
    return tuple(
        RevisionChange(one.id, one.revision, Revision(RevisionId(mark), mark.rjust(64, "0")))
        for one in state.signable_documents
    )
