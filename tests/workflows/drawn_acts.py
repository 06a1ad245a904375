"""Circuits, rules and acts drawn at random, each kind of act as often as another: well formed or
nearly, by everybody, at the step that has its turn or another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from random import Random

from tests.builders.workflows import (
    ACCOUNTS,
    ADA,
    ADA_AT_RECEPTION,
    BEN,
    BEN_AT_ACCOUNTS,
    BEN_AT_RECEPTION,
    CLEO,
    CLEO_AT_ACCOUNTS,
    DAN_AT_MAYOR,
    ELSEWHERE,
    EVE_AT_MAYOR,
    FAY,
    FAY_ELSEWHERE,
    GIL_AT_ACCOUNTS,
    GIL_AT_MAYOR,
    GIL_AT_RECEPTION,
    HAL_AT_ACCOUNTS,
    HAL_AT_MAYOR,
    MAYOR,
    NO_STEP,
    OTHER_VERSION,
    REGISTER,
    TRANSMISSION,
    VERSION,
    a_step,
    signed,
    some_documents,
    to_read,
)
from tests.workflows.catalogue import redrawn
from workflows.actions import (
    Action,
    ActionKind,
    AddStep,
    Approve,
    Archive,
    AskOpinion,
    Cancel,
    Chain,
    ClaimTransmission,
    ForceStep,
    GiveOpinion,
    Migrate,
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
    Submit,
    Transfer,
)
from workflows.definition import (
    BOSS,
    OUTSIDE_STEPS,
    PERSON_STEPS,
    SUBMITTER,
    Actor,
    ActorKind,
    ChosenDesk,
    Duty,
    DutyKind,
    Phase,
    Step,
    StepId,
    StepKind,
    StepMode,
    Workflow,
    given_desk,
    variable_desk,
)
from workflows.folder import Document, FolderId, FolderRules, FolderState, RevisionChange, StepState
from workflows.register import PersonAtDesk

_A, _K = ActionKind, StepKind

SEATS = (
    ADA_AT_RECEPTION,
    BEN_AT_RECEPTION,
    BEN_AT_ACCOUNTS,
    CLEO_AT_ACCOUNTS,
    DAN_AT_MAYOR,
    EVE_AT_MAYOR,
    FAY_ELSEWHERE,
    PersonAtDesk(CLEO, MAYOR),
    PersonAtDesk(FAY, ACCOUNTS),
    PersonAtDesk(FAY, MAYOR),
    PersonAtDesk(ADA, ACCOUNTS),
    PersonAtDesk(BEN, ELSEWHERE),
    GIL_AT_RECEPTION,
    GIL_AT_ACCOUNTS,
    GIL_AT_MAYOR,
    HAL_AT_ACCOUNTS,
    HAL_AT_MAYOR,
)
DESKS = sorted(REGISTER.desks)
REASON = "Le montant est faux."

ONWARDS = (
    _A.SUBMIT,
    _A.APPROVE,
    _A.SIGN,
    _A.SIGN_ON_PAPER,
    _A.SEAL,
    _A.ARCHIVE,
    _A.RESUBMIT,
    _A.SKIP_STEP,
    _A.FORCE_STEP,
    _A.RECORD_OUTSIDE,
    _A.CLAIM_TRANSMISSION,
    _A.RECORD_TRANSMITTED,
    _A.RECORD_ACKNOWLEDGED,
    _A.RECORD_REMOTE_REFUSAL,
    _A.RECORD_TRANSMISSION_ERROR,
)
"""The kinds that bring a folder further."""

_KINDS = (_K.APPROVAL, _K.APPROVAL, _K.SIGNATURE, _K.SIGNATURE, _K.SEAL, *sorted(OUTSIDE_STEPS))


@dataclass(frozen=True)
class Moment:
    """Somebody at a desk, before a folder, with chance at his side."""

    state: FolderState
    seat: PersonAtDesk
    chance: Random

    @property
    def turn(self) -> StepId:
        """The step that has its turn; now and then another one."""
        current = self.state.current_step
        here = current.id if current is not None else NO_STEP
        return here if self.chance.random() < 0.9 else self.any_step

    @property
    def any_step(self) -> StepId:
        """One of the circuit, or none of it."""
        return self.chance.choice([*(one.id for one in self.state.steps), NO_STEP])

    @property
    def documents(self) -> tuple[Document, ...]:
        """New revisions, those that entered this round, those of now (signed perhaps), none."""
        fresh = some_documents(f"round-{self.state.round + self.chance.choice((0, 1))}")
        known = (self.state.unsigned_documents, self.state.documents)
        return self.chance.choices((fresh, *known, ()), weights=(4, 4, 1, 1))[0]

    @property
    def signed(self) -> tuple[RevisionChange, ...]:
        """All that the folder has to be signed; now and then one document alone."""
        whole = signed(self.state)
        return whole if self.chance.random() < 0.9 else whole[:1]

    @property
    def reason(self) -> str:
        """What to say; now and then nothing."""
        return self.chance.choice((REASON, REASON, REASON, " "))


def any_workflow(chance: Random) -> Workflow:
    """A circuit that can be walked: a preparation or none, one to three steps, an end."""
    steps: list[Step] = []
    if chance.random() < 0.3:
        steps.append(replace(any_step(chance, _K.APPROVAL, 0), phase=Phase.PREPARATION))
    for _ in range(chance.randint(1, 3)):
        steps.append(any_step(chance, chance.choice(_KINDS), len(steps)))
    if chance.random() < 0.6:
        steps.append(a_step(StepId(f"step-{len(steps)}"), _K.TRANSMISSION))
    if chance.random() < 0.3:
        steps.append(a_step(StepId(f"step-{len(steps)}"), _K.ARCHIVE))
    final = chance.choice((None, SUBMITTER, given_desk(chance.choice(DESKS))))
    return Workflow("Circuit", tuple(steps), any_duties(chance, steps), final)


def any_step(chance: Random, kind: StepKind, number: int) -> Step:
    """A step of this kind, for one actor or two."""
    step_id = StepId(f"step-{number}")
    if kind not in PERSON_STEPS:
        return a_step(step_id, kind)
    actors = tuple(any_actor(chance) for _ in range(chance.choice((1, 1, 2))))
    every = len(actors) == 2 and chance.random() < 0.6
    return replace(
        a_step(step_id, kind),
        actors=actors,
        mode=StepMode.ALL_OF if every else StepMode.ANY_OF,
        may_return=chance.random() < 0.5,
        may_add_steps=chance.random() < 0.5,
    )


def any_actor(chance: Random) -> Actor:
    """A desk by its name mostly, or by what it is to the folder."""
    named = given_desk(chance.choice(DESKS))
    variable = variable_desk(*chance.sample(DESKS, chance.choice((0, 2))))
    return chance.choices((named, SUBMITTER, BOSS, variable), weights=(5, 1, 2, 1))[0]


def any_duties(chance: Random, steps: Sequence[Step]) -> tuple[Duty, ...]:
    """No segregation mostly, or one rule of it."""
    if chance.random() < 0.6:
        return ()
    kind = chance.choice(list(DutyKind))
    if kind is not DutyKind.DISTINCT_PERSONS:
        return (Duty(kind),)
    named = tuple(one.id for one in steps if one.kind in PERSON_STEPS)
    return (Duty(kind, named),) if len(named) > 1 else ()


def any_rules(chance: Random, workflow: Workflow) -> FolderRules:
    """What a subtype might demand; a single signature where the circuit has no second one."""
    kinds = [one.kind for one in workflow.steps]
    single = kinds.count(_K.SIGNATURE) < 2 and chance.random() < 0.3
    return FolderRules(
        mandatory_reading=chance.random() < 0.25,
        approvals_stand=chance.random() < 0.5,
        paper_signature=chance.random() < 0.6,
        single_signature=single,
    )


def any_act(kind: ActionKind, state: FolderState, seat: PersonAtDesk, chance: Random) -> Action:
    """An act of this kind on the folder, through this seat where somebody does it."""
    return _DRAWN[kind](Moment(state, seat, chance))


def _submission(at: Moment) -> Submit:
    """Mostly with a desk for each step that leaves it open; now and then with any."""
    workflow = any_workflow(at.chance)
    chosen = [
        ChosenDesk(step.id, at.chance.choice(actor.choices or DESKS))
        for step in workflow.steps
        for actor in step.actors
        if actor.kind is ActorKind.VARIABLE
    ]
    if at.chance.random() < 0.1:
        chosen.append(ChosenDesk(workflow.steps[0].id, at.chance.choice(DESKS)))
    if at.chance.random() < 0.1:
        chosen = [replace(one, desk=at.chance.choice(DESKS)) for one in chosen[:1]]
    rules = any_rules(at.chance, workflow)
    return Submit(at.seat, VERSION, workflow, at.documents, tuple(chosen), rules)


def _retraction(at: Moment) -> Retract:
    """Of the last act mostly, by whoever did it or somebody else."""
    last = at.state.standing_acts[-1:]
    if not last or at.chance.random() < 0.2:
        return Retract(at.seat, at.chance.choice([None, at.any_step]))
    own = at.chance.random() < 0.5
    return Retract(last[0].by.seat if own else at.seat, last[0].step)


def _rejection(at: Moment) -> Reject:
    earlier = [one.id for one in at.state.steps if one.state is StepState.DONE]
    return Reject(at.seat, at.turn, at.reason, at.chance.choice([None, None, *earlier]))


def _added(at: Moment) -> AddStep:
    kind = at.chance.choice((_K.APPROVAL, _K.APPROVAL, _K.SIGNATURE, _K.SEAL))
    added = any_step(at.chance, kind, at.chance.choice((0, 90, 91, 92)))
    if at.chance.random() < 0.8:
        added = replace(added, actors=(given_desk(at.chance.choice(DESKS)),))
    return AddStep(at.seat, at.turn, added)


_DRAWN: Mapping[ActionKind, Callable[[Moment], Action]] = {
    _A.SUBMIT: _submission,
    _A.APPROVE: lambda at: Approve(at.seat, at.turn, at.documents),
    _A.SIGN: lambda at: Sign(at.seat, at.turn, at.signed),
    _A.SIGN_ON_PAPER: lambda at: SignOnPaper(at.seat, at.turn, date(2026, 3, 2)),
    _A.SEAL: lambda at: Seal(at.seat, at.turn, at.signed),
    _A.ARCHIVE: lambda at: Archive(at.seat, at.turn),
    _A.REJECT: _rejection,
    _A.RETRACT: _retraction,
    _A.RESUBMIT: lambda at: Resubmit(at.seat, at.documents),
    _A.CANCEL: lambda at: Cancel(at.seat),
    _A.READ: lambda at: Read(at.seat, to_read(at.state)),
    _A.TRANSFER: lambda at: Transfer(at.seat, at.turn, at.chance.choice(DESKS)),
    _A.ASK_OPINION: lambda at: AskOpinion(at.seat, at.turn, at.chance.choice(DESKS), "Et vous ?"),
    _A.GIVE_OPINION: lambda at: GiveOpinion(at.seat, at.turn, "Favorable."),
    _A.ADD_STEP: _added,
    _A.RECUSE: lambda at: Recuse(at.seat, at.reason),
    _A.CHAIN: lambda at: Chain(at.seat, FolderId("folder-2")),
    _A.SKIP_STEP: lambda at: SkipStep(at.seat, at.turn, at.reason, at.documents),
    _A.FORCE_STEP: lambda at: ForceStep(at.seat, at.turn, at.reason),
    _A.MIGRATE: lambda at: Migrate(
        at.seat, at.chance.choice((VERSION, OTHER_VERSION)), redrawn(at.state)
    ),
    _A.RECORD_OUTSIDE: lambda at: RecordOutside(
        at.turn, accepted=at.chance.random() < 0.7, reason="Refusé."
    ),
    _A.CLAIM_TRANSMISSION: lambda _: ClaimTransmission(TRANSMISSION),
    _A.RECORD_TRANSMITTED: lambda at: RecordTransmitted(
        TRANSMISSION, at.chance.choice(("4217", None))
    ),
    _A.RECORD_ACKNOWLEDGED: lambda _: RecordAcknowledged(TRANSMISSION),
    _A.RECORD_REMOTE_REFUSAL: lambda at: RecordRemoteRefusal(
        TRANSMISSION, at.chance.choice(list(RefusedBy)), "CodCol inconnu."
    ),
    _A.RECORD_TRANSMISSION_ERROR: lambda _: RecordTransmissionError(
        TRANSMISSION, "Le certificat est expiré."
    ),
}
