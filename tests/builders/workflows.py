"""A small fictional town hall for circuits: desks, persons, circuits, and ways to walk them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from workflows.actions import Action, Submit
from workflows.definition import (
    ChosenDesk,
    DeskId,
    Phase,
    Step,
    StepId,
    StepKind,
    StepMode,
    Workflow,
    given_desk,
)
from workflows.engine import decide, open_draft
from workflows.events import Event
from workflows.evolution import evolve
from workflows.folder import (
    NO_RULES,
    Document,
    DocumentId,
    DocumentRole,
    FolderId,
    FolderRules,
    FolderState,
    Revision,
    RevisionChange,
    RevisionId,
    StepState,
    TransmissionId,
    WorkflowVersionId,
)
from workflows.periods import Period
from workflows.register import (
    Administrator,
    Authorship,
    DeskHolder,
    DeskProgram,
    Facts,
    PersonAtDesk,
    PersonId,
    Power,
    PowerKind,
    PowerRegister,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SINCE = Period(datetime(2026, 1, 1, tzinfo=UTC))

RECEPTION, ACCOUNTS, MAYOR, ELSEWHERE = (
    DeskId(name) for name in ("reception", "accounts", "mayor", "elsewhere")
)
NO_DESK = DeskId("no-such-desk")

ADA, BEN, CLEO, DAN, EVE, FAY, GIL, HAL, PROGRAM = (
    PersonId(name)
    for name in ("ada", "ben", "cleo", "dan", "eve", "fay", "gil", "hal", "finance-software")
)

REGISTER = PowerRegister(
    desks=frozenset({RECEPTION, ACCOUNTS, MAYOR, ELSEWHERE}),
    holders=(
        DeskHolder(RECEPTION, ADA, SINCE),
        DeskHolder(RECEPTION, BEN, SINCE),
        DeskHolder(ACCOUNTS, BEN, SINCE),
        DeskHolder(ACCOUNTS, CLEO, SINCE),
        DeskHolder(MAYOR, DAN, SINCE),
        DeskHolder(MAYOR, EVE, SINCE),
        DeskHolder(ELSEWHERE, FAY, SINCE),
    ),
    programs=(DeskProgram(RECEPTION, PROGRAM, SINCE),),
    administrators=(Administrator(GIL), Administrator(HAL, frozenset({ACCOUNTS}))),
    superiors={RECEPTION: ACCOUNTS, ACCOUNTS: MAYOR},
)
FACTS = Facts(fit_signers=frozenset({DAN, CLEO}))

ADA_AT_RECEPTION = PersonAtDesk(ADA, RECEPTION)
BEN_AT_RECEPTION = PersonAtDesk(BEN, RECEPTION)
PROGRAM_AT_RECEPTION = PersonAtDesk(PROGRAM, RECEPTION)
BEN_AT_ACCOUNTS = PersonAtDesk(BEN, ACCOUNTS)
CLEO_AT_ACCOUNTS = PersonAtDesk(CLEO, ACCOUNTS)
DAN_AT_MAYOR = PersonAtDesk(DAN, MAYOR)
EVE_AT_MAYOR = PersonAtDesk(EVE, MAYOR)
FAY_ELSEWHERE = PersonAtDesk(FAY, ELSEWHERE)
GIL_AT_ACCOUNTS = PersonAtDesk(GIL, ACCOUNTS)
GIL_AT_MAYOR = PersonAtDesk(GIL, MAYOR)
GIL_AT_RECEPTION = PersonAtDesk(GIL, RECEPTION)
HAL_AT_ACCOUNTS = PersonAtDesk(HAL, ACCOUNTS)
HAL_AT_MAYOR = PersonAtDesk(HAL, MAYOR)


def at_reception(person: PersonId) -> Authorship:
    """Somebody who acts at the reception in his own name."""
    return Authorship(person, Power(PowerKind.HOLDER, RECEPTION))


VISA, SIGNATURE, SENDING = StepId("visa"), StepId("signature"), StepId("sending")
SECOND_VISA, OTHER_SIGNATURE = StepId("second-visa"), StepId("other-signature")
FIRST_LOOK, BOTH_VISAS = StepId("first-look"), StepId("both-visas")
SEALING, MAILING, FILING = StepId("sealing"), StepId("mailing"), StepId("filing")
NO_STEP = StepId("no-such-step")


def a_step(step_id: StepId, kind: StepKind, *desks: DeskId) -> Step:
    """A step of this kind entrusted to these desks."""
    return Step(step_id, kind, f"Étape {step_id}", tuple(given_desk(desk) for desk in desks))


def a_workflow(*steps: Step, name: str = "Circuit") -> Workflow:
    """A circuit of these steps."""
    return Workflow(name, steps)


VISA_STEP = a_step(VISA, StepKind.APPROVAL, ACCOUNTS)
SIGNATURE_STEP = a_step(SIGNATURE, StepKind.SIGNATURE, MAYOR)
SENDING_STEP = a_step(SENDING, StepKind.TRANSMISSION)

FULL = a_workflow(VISA_STEP, SIGNATURE_STEP, SENDING_STEP, name="Visa, signature, envoi")
VISAS_ONLY = a_workflow(
    VISA_STEP, a_step(SECOND_VISA, StepKind.APPROVAL, ACCOUNTS, MAYOR), name="Deux visas"
)
TWO_SIGNATURES = a_workflow(
    a_step(OTHER_SIGNATURE, StepKind.SIGNATURE, ACCOUNTS), SIGNATURE_STEP, name="Deux signatures"
)
SENDING_ONLY = a_workflow(SENDING_STEP, name="Envoi seul")

FIRST_LOOK_STEP = replace(a_step(FIRST_LOOK, StepKind.APPROVAL, ACCOUNTS), phase=Phase.PREPARATION)
BOTH_VISAS_STEP = replace(
    a_step(BOTH_VISAS, StepKind.APPROVAL, ACCOUNTS, MAYOR),
    mode=StepMode.ALL_OF,
    may_return=True,
    may_add_steps=True,
)
SEALING_STEP = replace(a_step(SEALING, StepKind.SEAL, MAYOR), may_return=True)
MAILING_STEP = a_step(MAILING, StepKind.SECURE_MAIL)
FILING_STEP = a_step(FILING, StepKind.ARCHIVE, RECEPTION)

EVERY_KIND = a_workflow(
    FIRST_LOOK_STEP,
    BOTH_VISAS_STEP,
    SEALING_STEP,
    MAILING_STEP,
    FILING_STEP,
    name="Préparation, visas de tous, cachet, courriel, classement",
)
FILED = a_workflow(SIGNATURE_STEP, SENDING_STEP, FILING_STEP, name="Signature, envoi, classement")
ON_PAPER = FolderRules(paper_signature=True)
DEMANDING = FolderRules(mandatory_reading=True, approvals_stand=True, paper_signature=True)

VERSION = WorkflowVersionId("workflow-version-1")
OTHER_VERSION = WorkflowVersionId("workflow-version-2")
TRANSMISSION = TransmissionId("transmission-1")


def sha256_of(text: str) -> str:
    """A digest that differs with the text."""
    return hashlib.sha256(text.encode()).hexdigest()


def a_revision(name: str) -> Revision:
    """The revision of that name."""
    return Revision(RevisionId(name), sha256_of(name))


def some_documents(tag: str = "deposited") -> tuple[Document, ...]:
    """Two main documents and an annex, in revisions named after `tag`."""
    return tuple(
        Document(DocumentId(name), role, a_revision(f"{name}-{tag}"))
        for name, role in (
            ("act", DocumentRole.MAIN_DOCUMENT),
            ("table", DocumentRole.MAIN_DOCUMENT),
            ("map", DocumentRole.ANNEX),
        )
    )


def signed(state: FolderState, tag: str = "signed") -> tuple[RevisionChange, ...]:
    """A new revision of each document that the folder has to be signed."""
    return tuple(
        RevisionChange(
            one.id, before=one.revision, after=a_revision(f"{one.id}-{tag}-{state.version}")
        )
        for one in state.signable_documents
    )


def states(state: FolderState) -> list[StepState]:
    """Where each of the steps stands."""
    return [one.state for one in state.steps]


def to_read(state: FolderState) -> tuple[RevisionId, ...]:
    """The main documents as they are now."""
    return tuple(one.revision.id for one in state.signable_documents)


def a_draft(actor: PersonAtDesk = ADA_AT_RECEPTION) -> FolderState:
    """A folder just opened."""
    return evolve(None, open_draft(FolderId("folder-1"), actor, REGISTER, NOW))


def play(
    state: FolderState,
    *actions: Action,
    register: PowerRegister = REGISTER,
    facts: Facts = FACTS,
    now: datetime = NOW,
) -> FolderState:
    """The state after these actions, a minute apart."""
    for minutes, action in enumerate(actions):
        for event in decide(state, action, register, facts, now + timedelta(minutes=minutes)):
            state = evolve(state, event)
    return state


def sent(
    workflow: Workflow = FULL, *chosen: ChosenDesk, rules: FolderRules = NO_RULES
) -> FolderState:
    """A folder that Ada has just sent in this circuit."""
    submit = Submit(ADA_AT_RECEPTION, VERSION, workflow, some_documents(), chosen, rules)
    return play(a_draft(), submit)


def ask(
    state: FolderState, action: Action, *, facts: Facts = FACTS, now: datetime = NOW
) -> tuple[Event, ...]:
    """What the engine makes of the action."""
    return decide(state, action, REGISTER, facts, now)
