"""Every act worth trying on a folder: entitled and not, well formed and not, in any state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from tests.builders.workflows import (
    ACCOUNTS,
    ADA,
    ADA_AT_RECEPTION,
    BEN_AT_ACCOUNTS,
    BEN_AT_RECEPTION,
    CLEO_AT_ACCOUNTS,
    DAN_AT_MAYOR,
    EVE_AT_MAYOR,
    FAY_ELSEWHERE,
    FULL,
    NO_DESK,
    NO_STEP,
    PROGRAM,
    PROGRAM_AT_RECEPTION,
    SENDING_ONLY,
    TRANSMISSION,
    TWO_SIGNATURES,
    VERSION,
    VISAS_ONLY,
    a_workflow,
    signed,
    some_documents,
)
from workflows.actions import (
    Action,
    Approve,
    Cancel,
    ClaimTransmission,
    MachineAction,
    RecordAcknowledged,
    RecordRemoteRefusal,
    RecordTransmissionError,
    RecordTransmitted,
    RefusedBy,
    Reject,
    Resubmit,
    Retract,
    Sign,
    StepAction,
    Submit,
    SubmitterAction,
)
from workflows.definition import StepId
from workflows.folder import Document, FolderState, RevisionChange, TransmissionId
from workflows.powers import PersonAtDesk

SEATS = (
    ADA_AT_RECEPTION,
    BEN_AT_RECEPTION,
    PROGRAM_AT_RECEPTION,
    BEN_AT_ACCOUNTS,
    CLEO_AT_ACCOUNTS,
    DAN_AT_MAYOR,
    EVE_AT_MAYOR,
    FAY_ELSEWHERE,
    PersonAtDesk(ADA, ACCOUNTS),
    PersonAtDesk(PROGRAM, ACCOUNTS),
    PersonAtDesk(ADA, NO_DESK),
)

WORKFLOWS = (FULL, VISAS_ONLY, TWO_SIGNATURES, SENDING_ONLY)


def every_act(state: FolderState) -> Iterator[Action]:
    """Every act of the catalogue on this folder, in a fixed order."""
    fresh, changes = some_documents(f"round-{state.round + 1}"), signed(state)
    steps = [*(one.id for one in state.steps), NO_STEP]
    for seat in SEATS:
        yield from _submitter_acts(state, seat, fresh)
        for step in steps:
            yield from _step_acts(seat, step, changes)
            yield Retract(seat, step)
        yield Retract(seat)
    yield from _machine_acts(state)


def _submitter_acts(
    state: FolderState, seat: PersonAtDesk, fresh: tuple[Document, ...]
) -> Iterator[SubmitterAction]:
    for workflow in WORKFLOWS if not state.steps else WORKFLOWS[:1]:
        yield Submit(seat, VERSION, workflow, fresh)
    yield Submit(seat, VERSION, a_workflow(), fresh)
    yield Submit(seat, VERSION, FULL, ())
    yield Resubmit(seat, fresh)
    yield Resubmit(seat, state.unsigned_documents)
    yield Resubmit(seat, state.documents)
    yield Cancel(seat)


def _step_acts(
    seat: PersonAtDesk, step: StepId, changes: tuple[RevisionChange, ...]
) -> Iterator[StepAction]:
    yield Approve(seat, step)
    yield Sign(seat, step, changes)
    yield Sign(seat, step, changes[:1])
    yield Reject(seat, step, "Le montant est faux.")
    yield Reject(seat, step, " \n")


def _machine_acts(state: FolderState) -> Iterator[MachineAction]:
    yield ClaimTransmission(TRANSMISSION)
    yield ClaimTransmission(TransmissionId(f"transmission-of-{state.version}"))
    known = TRANSMISSION if state.transmission is None else state.transmission.id
    for transmission in (known, TransmissionId("transmission-of-another-folder")):
        yield RecordTransmitted(transmission, "4217")
        yield RecordTransmitted(transmission, None)
        yield RecordAcknowledged(transmission, "038-213800000-20260302-D1-DE", date(2026, 3, 3))
        yield RecordAcknowledged(transmission)
        for refused_by in RefusedBy:
            yield RecordRemoteRefusal(transmission, refused_by, "Enveloppe invalide.")
        yield RecordTransmissionError(transmission, "Le serveur ne répond pas.")
        yield RecordTransmissionError(transmission, "Le certificat est expiré.")
