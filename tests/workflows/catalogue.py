"""Every act worth trying on a folder: entitled and not, well formed and not, in any state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from tests.builders.workflows import (
    ACCOUNTS,
    ADA,
    ADA_AT_RECEPTION,
    BEN_AT_ACCOUNTS,
    BEN_AT_RECEPTION,
    CLEO_AT_ACCOUNTS,
    DAN_AT_MAYOR,
    DEMANDING,
    EVE_AT_MAYOR,
    EVERY_KIND,
    FAY_ELSEWHERE,
    FILED,
    FULL,
    GIL_AT_ACCOUNTS,
    GIL_AT_MAYOR,
    GIL_AT_RECEPTION,
    HAL_AT_ACCOUNTS,
    HAL_AT_MAYOR,
    NO_DESK,
    NO_STEP,
    ON_PAPER,
    OTHER_VERSION,
    PROGRAM,
    PROGRAM_AT_RECEPTION,
    REGISTER,
    SENDING_ONLY,
    TRANSMISSION,
    TWO_SIGNATURES,
    VERSION,
    VISAS_ONLY,
    a_step,
    a_workflow,
    signed,
    some_documents,
    to_read,
)
from workflows.actions import (
    Action,
    AddStep,
    AdministratorAction,
    Approve,
    Archive,
    AskOpinion,
    Cancel,
    Chain,
    ClaimTransmission,
    ForceStep,
    GiveOpinion,
    MachineAction,
    Migrate,
    PersonAction,
    Read,
    RecordAcknowledged,
    RecordOutside,
    RecordRemoteRefusal,
    RecordTransmissionError,
    RecordTransmitted,
    Recuse,
    RefusedBy,
    Reject,
    Resubmit,
    Retract,
    Seal,
    Sign,
    SignOnPaper,
    SkipStep,
    StepAction,
    Submit,
    SubmitterAction,
    Transfer,
)
from workflows.definition import DeskId, StepId, StepKind, Workflow, desks_of, given_desk
from workflows.folder import NO_RULES, Document, FolderId, FolderState, StepState, TransmissionId
from workflows.register import PersonAtDesk

SEATS = (
    ADA_AT_RECEPTION,
    BEN_AT_RECEPTION,
    PROGRAM_AT_RECEPTION,
    BEN_AT_ACCOUNTS,
    CLEO_AT_ACCOUNTS,
    DAN_AT_MAYOR,
    EVE_AT_MAYOR,
    FAY_ELSEWHERE,
    GIL_AT_RECEPTION,
    GIL_AT_ACCOUNTS,
    GIL_AT_MAYOR,
    HAL_AT_ACCOUNTS,
    HAL_AT_MAYOR,
    PersonAtDesk(ADA, ACCOUNTS),
    PersonAtDesk(PROGRAM, ACCOUNTS),
    PersonAtDesk(ADA, NO_DESK),
)

WORKFLOWS = (
    (FULL, NO_RULES),
    (VISAS_ONLY, NO_RULES),
    (TWO_SIGNATURES, DEMANDING),
    (SENDING_ONLY, NO_RULES),
    (FILED, ON_PAPER),
    (EVERY_KIND, NO_RULES),
)
REASON = "Le montant est faux."


def every_act(state: FolderState) -> Iterator[Action]:
    """Every act of the catalogue on this folder, in a fixed order."""
    fresh = some_documents(f"round-{state.round + 1}")
    turn = _turn(state)
    elsewhere = [one.id for one in state.steps if one.id != turn]
    for seat in SEATS:
        yield from _submitter_acts(state, seat, fresh)
        yield from _step_acts(state, seat, turn)
        yield from _administrator_acts(state, seat, turn)
        yield from _acts_beside(state, seat, turn)
        for step in (turn, *elsewhere, NO_STEP):
            yield Retract(seat, step)
        for step in (*elsewhere, NO_STEP):
            yield Approve(seat, step)
        yield Retract(seat)
    yield from _machine_acts(state, turn)


def _turn(state: FolderState) -> StepId:
    """The step that has its turn, the last one when none has, none at all in a draft."""
    if state.current_step is not None:
        return state.current_step.id
    return state.steps[-1].id if state.steps else NO_STEP


def _submitter_acts(
    state: FolderState, seat: PersonAtDesk, fresh: tuple[Document, ...]
) -> Iterator[SubmitterAction]:
    for workflow, rules in WORKFLOWS if not state.steps else WORKFLOWS[:1]:
        yield Submit(seat, VERSION, workflow, fresh, rules=rules)
    yield Submit(seat, VERSION, a_workflow(), fresh)
    yield Submit(seat, VERSION, FULL, ())
    yield Resubmit(seat, fresh)
    yield Resubmit(seat, state.unsigned_documents)
    yield Resubmit(seat, state.documents)
    yield Cancel(seat)


def _step_acts(state: FolderState, seat: PersonAtDesk, step: StepId) -> Iterator[StepAction]:
    changes = signed(state)
    yield Approve(seat, step, some_documents(f"prepared-{state.version}"))
    yield Approve(seat, step)
    yield Sign(seat, step, changes)
    yield Sign(seat, step, changes[:1])
    yield SignOnPaper(seat, step, date(2026, 3, 2))
    yield Seal(seat, step, changes)
    yield Archive(seat, step)
    yield Reject(seat, step, REASON)
    yield Reject(seat, step, " \n")
    for earlier in [one.id for one in state.steps if one.state is StepState.DONE][:1]:
        yield Reject(seat, step, REASON, return_to=earlier)
    yield Transfer(seat, step, _free_desk(state, step))
    yield Transfer(seat, step, NO_DESK)
    yield AskOpinion(seat, step, _silent_desk(state, seat, step), "Qu'en pensez-vous ?")
    added = StepId(f"added-{len(state.steps)}")
    yield AddStep(seat, step, a_step(added, StepKind.APPROVAL, ACCOUNTS))
    yield AddStep(seat, step, a_step(step, StepKind.APPROVAL, ACCOUNTS))


def _free_desk(state: FolderState, step: StepId) -> DeskId:
    """A desk to which the step may be handed."""
    instance = state.step(step)
    taken = desks_of(instance.step) if instance is not None else ()
    return max(REGISTER.desks.difference(taken))


def _silent_desk(state: FolderState, seat: PersonAtDesk, step: StepId) -> DeskId:
    """A desk whose opinion is not awaited, if there is one left."""
    others = sorted(REGISTER.desks - {seat.desk}, reverse=True)
    return next((one for one in others if state.opinion_awaited(step, one) is None), seat.desk)


def _administrator_acts(
    state: FolderState, seat: PersonAtDesk, step: StepId
) -> Iterator[AdministratorAction]:
    yield SkipStep(seat, step, REASON, some_documents(f"prepared-{state.version}"))
    yield SkipStep(seat, step, " ")
    yield ForceStep(seat, step, REASON)
    yield ForceStep(seat, step, " ")
    other = VERSION if state.workflow_version == OTHER_VERSION else OTHER_VERSION
    yield Migrate(seat, other, redrawn(state))
    yield Migrate(seat, other, VISAS_ONLY)


def redrawn(state: FolderState) -> Workflow:
    """Another version of the folder's circuit, in which nothing is called as before."""
    steps = tuple(
        replace(one.as_drawn, name=f"{one.step.name} bis")
        for one in state.steps
        if not one.is_added
    )
    final = None if state.final_desk is None else given_desk(state.final_desk)
    return Workflow("Circuit bis", steps, state.duties, final)


def _acts_beside(state: FolderState, seat: PersonAtDesk, step: StepId) -> Iterator[PersonAction]:
    yield Read(seat, to_read(state))
    yield GiveOpinion(seat, step, "Favorable.")
    yield GiveOpinion(seat, step, "")
    yield Recuse(seat, "Ma sœur dirige cette entreprise.")
    yield Recuse(seat, "")
    yield Chain(seat, FolderId("folder-2"))


def _machine_acts(state: FolderState, step: StepId) -> Iterator[MachineAction]:
    yield RecordOutside(step, accepted=True, reference="courriel-12")
    yield RecordOutside(step, accepted=False, reason="Personne n'a répondu.")
    yield RecordOutside(NO_STEP, accepted=True)
    for one in state.steps:
        yield RecordOutside(one.id, accepted=False)
    yield ClaimTransmission(TRANSMISSION)
    yield ClaimTransmission(TransmissionId(f"transmission-of-{state.version}"))
    known = TRANSMISSION if state.transmission is None else state.transmission.id
    for transmission in (known, TransmissionId("transmission-of-another-folder")):
        yield RecordTransmitted(transmission, "4217")
        yield RecordTransmitted(transmission, "4218")
        yield RecordTransmitted(transmission, None)
        yield RecordAcknowledged(transmission, "038-213800000-20260302-D1-DE", date(2026, 3, 3))
        yield RecordAcknowledged(transmission)
        for refused_by in RefusedBy:
            yield RecordRemoteRefusal(transmission, refused_by, "Enveloppe invalide.")
        yield RecordTransmissionError(transmission, "Le serveur ne répond pas.")
        yield RecordTransmissionError(transmission, "Le certificat est expiré.")
