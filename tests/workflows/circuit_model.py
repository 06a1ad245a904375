"""The rules of a circuit as one would explain them on paper, apart from the code that applies
them. A folder is a pile of snapshots: taking an act back takes the snapshot before it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from tests.workflows.town_model import NOBODY, Delegation, Names, Town
from workflows.actions import (
    Action,
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
    PassingAction,
    PersonAction,
    Read,
    RecordAcknowledged,
    RecordOutside,
    RecordRemoteRefusal,
    RecordTransmissionError,
    RecordTransmitted,
    Recuse,
    Reject,
    Resubmit,
    Retract,
    Seal,
    Sign,
    SignOnPaper,
    SkipStep,
    Submit,
    Transfer,
    TransmissionAction,
)
from workflows.definition import (
    ActorKind,
    DeskId,
    Duty,
    DutyKind,
    Phase,
    Step,
    StepId,
    StepKind,
    StepMode,
    desks_of,
    given_desk,
)
from workflows.folder import (
    Document,
    DocumentRole,
    FolderRules,
    FolderStatus,
    RevisionChange,
    RevisionId,
    TransmissionId,
)
from workflows.register import PersonAtDesk, PersonId

_S, _K = FolderStatus, StepKind
_OUTSIDE = {_K.EXTERNAL, _K.SECURE_MAIL}
_BY_PERSONS = {_K.APPROVAL, _K.SIGNATURE, _K.SEAL, _K.ARCHIVE}
_BACK = {_S.REJECTED, _S.REMOTE_REFUSED, _S.TRANSMISSION_FAILED}
_ENDS = {_S.ACKNOWLEDGED, _S.COMPLETED, _S.CANCELLED}
_PASSES = {
    Approve: _K.APPROVAL,
    Sign: _K.SIGNATURE,
    SignOnPaper: _K.SIGNATURE,
    Seal: _K.SEAL,
    Archive: _K.ARCHIVE,
}


@dataclass(frozen=True)
class Turn:
    """A step: who has it, who did his part, how it ended ("" until then)."""

    step: Step
    desks: tuple[DeskId, ...]
    acted: frozenset[DeskId] = frozenset()
    ended: str = ""

    @property
    def awaited(self) -> set[DeskId]:
        """Those who have not done their part."""
        return set(self.desks) - self.acted


@dataclass(frozen=True)
class Snapshot:
    """All that an act taken back brings back."""

    status: FolderStatus = _S.DRAFT
    turns: tuple[Turn, ...] = ()
    at: int = 0
    documents: tuple[RevisionId, ...] = ()
    entered: tuple[RevisionId, ...] = ()


@dataclass
class Entry:
    """Something that a person did, and how things were before."""

    action: Action
    seat: PersonAtDesk
    names: set[PersonId]
    before: Snapshot
    round: int
    turn: StepId | None = None
    by: Delegation | None = None


@dataclass
class PaperFolder:
    """A folder on paper. `may` says whether an act is allowed, `follow` does it."""

    town: Town
    submitter: PersonAtDesk
    now: Snapshot = field(default_factory=Snapshot)
    pile: list[Entry] = field(default_factory=list)
    round: int = 0
    rules: FolderRules = field(default_factory=FolderRules)
    duties: tuple[Duty, ...] = ()
    final_desk: DeskId | None = None
    read: set[tuple[PersonId, RevisionId]] = field(default_factory=set)
    recused: set[PersonId] = field(default_factory=set)
    opinions: list[tuple[StepId, DeskId]] = field(default_factory=list)
    known_desks: set[DeskId] = field(default_factory=set)
    transmission: TransmissionId | None = None
    remote_known: bool = False
    version: str = ""
    chained: bool = False
    corrected: bool = False
    made: set[RevisionId] = field(default_factory=set)
    hands: set[PersonId] = field(default_factory=set)
    writers: set[PersonId] = field(default_factory=set)

    def __post_init__(self) -> None:
        """`hands` are all those who deposited it: opened it first of all. `writers` wrote in it
        while it was prepared."""
        self.hands.add(self.submitter.person)

    # ---- what is the case ------------------------------------------------------------------

    @property
    def turn(self) -> Turn | None:
        """The step that has its turn."""
        going = self.now.status not in _ENDS | {_S.DRAFT, _S.REJECTED, _S.REMOTE_REFUSED}
        return self.now.turns[self.now.at] if going else None

    @property
    def preparing(self) -> bool:
        """Whether documents still change."""
        return self.turn is not None and self.turn.step.phase is Phase.PREPARATION

    @property
    def is_back(self) -> bool:
        """Whether the submitter has the folder again, to correct it."""
        return self.now.status in _BACK

    @property
    def may_change(self) -> bool:
        """Whether its documents are not fixed."""
        return self.is_back or self.preparing or self.now.status is _S.DRAFT

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens to it, but that another one follows."""
        return self.now.status in _ENDS

    def kept_apart(self, turn: Turn) -> Names:
        """The persons whom a duty keeps from passing the step."""
        return NOBODY.union(*(self._kept_apart_by(duty, turn.step) for duty in self.duties))

    def _kept_apart_by(self, duty: Duty, step: Step) -> Names:
        kind, passed = step.kind, tuple(_PASSES)
        deposited = self.hands | (self.writers if step.phase is Phase.VALIDATION else set())
        match duty.kind:
            case DutyKind.APPROVER_DOES_NOT_SIGN:
                others = {_K.SIGNATURE: (Approve,), _K.APPROVAL: (Sign, SignOnPaper)}
                return self._authors(others.get(kind, ()))
            case DutyKind.SUBMITTER_DOES_NOT_APPROVE:
                return frozenset(deposited) if kind is _K.APPROVAL else NOBODY
            case DutyKind.SUBMITTER_DOES_NOT_SIGN:
                return frozenset(deposited) if kind is _K.SIGNATURE else NOBODY
            case DutyKind.DISTINCT_PERSONS:
                steps = set(duty.steps) if step.id in duty.steps else set()
                again = [e for e in self.pile if e.turn == step.id and e.round != self.round]
                return self._authors(passed, steps, again)

    def _authors(
        self,
        acts: tuple[type[Action], ...],
        steps: set[StepId] | None = None,
        but: Collection[Entry] = (),
    ) -> Names:
        """Whose acts of these kinds stand, at any step or at these, and in whose name."""
        there = (e for e in self.pile if steps is None or e.turn in steps)
        names = (e.names for e in there if isinstance(e.action, acts) and e not in but)
        return NOBODY.union(*names)

    def able(self) -> set[tuple[PersonId, DeskId]]:
        """Everybody who may pass the current step."""
        turn = self.turn
        if turn is None or turn.step.kind not in _BY_PERSONS:
            return set()
        return {
            (person, desk)
            for desk in turn.awaited
            for person in self._everybody()
            if self._entitled(PersonAtDesk(person, desk), turn, pen=False)
        }

    def is_stuck(self) -> bool:
        """Whether nobody present may pass the current step of persons, or one desk of all."""
        turn = self.turn
        if turn is None or turn.step.kind not in _BY_PERSONS:
            return False
        counted = {desk for person, desk in self.able() if self.town.is_present(person)}
        every = turn.step.mode is StepMode.ALL_OF and bool(turn.desks)
        return counted != turn.awaited if every else not counted

    # ---- what is allowed -------------------------------------------------------------------

    def may(self, action: Action) -> bool:
        """Whether the rules allow this act now."""
        if self.now.status in _ENDS:
            return isinstance(action, Chain) and self._may_chain(action)
        if isinstance(action, TransmissionAction):
            return self._may_record(action)
        match action:
            case Submit() | Resubmit() | Cancel():
                return self._may_submit(action)
            case Retract():
                return self._may_retract(action)
            case Read():
                return self._may_read(action)
            case Recuse():
                return self._may_recuse(action)
            case Migrate():
                return self._may_migrate(action)
            case _:
                return self._may_at_turn(action)

    def _may_chain(self, action: Chain) -> bool:
        ended = self.now.status in {_S.ACKNOWLEDGED, _S.COMPLETED} and not self.chained
        desks = {self.submitter.desk, self.final_desk}
        return ended and action.actor.desk in desks and self.town.holds(action.actor)

    def _may_submit(self, action: Submit | Resubmit | Cancel) -> bool:
        moments = {Submit: {_S.DRAFT}, Resubmit: _BACK, Cancel: _BACK | {_S.DRAFT}}[type(action)]
        own = action.actor.desk == self.submitter.desk and self.town.holds(action.actor)
        if self.now.status not in moments or not own:
            return False
        if isinstance(action, Submit) and not self._are_chosen(action):
            return False
        return isinstance(action, Cancel) or self._may_enter(action.documents)

    def _are_chosen(self, action: Submit) -> bool:
        """Whether each variable desk, and nothing else, is chosen among those allowed."""
        variable = [
            (step.id, actor.choices or tuple(self.town.desks))
            for step in action.workflow.steps
            for actor in step.actors
            if actor.kind is ActorKind.VARIABLE
        ]
        variable.sort(key=lambda one: one[0])
        chosen = sorted(action.chosen_desks, key=lambda one: one.step)
        fits = [step for step, _ in variable] == [one.step for one in chosen] and all(
            one.desk in choices for one, (_, choices) in zip(chosen, variable, strict=True)
        )
        return fits and not any(_agrees_twice(step, action) for step in action.workflow.steps)

    def _may_enter(self, documents: tuple[Document, ...]) -> bool:
        """Whether there is something to sign, without a signature of an earlier round."""
        return bool(_main(documents)) and self.made.isdisjoint(one.revision.id for one in documents)

    def _may_read(self, action: Read) -> bool:
        kept_out = NOBODY
        if self.turn is not None:
            kept_out = self.kept_apart(self.turn) | self.recused
        named = self.town.is_known_at(action.actor, kept_out)
        desks = {self.submitter.desk, self.final_desk} | self.known_desks
        desks |= {desk for turn in self.now.turns for desk in turn.desks}
        desks |= {desk for _, desk in self.opinions}
        return self.now.status is not _S.DRAFT and action.actor.desk in desks and named

    def _may_recuse(self, action: Recuse) -> bool:
        if self.now.status is _S.DRAFT or action.actor.person in self.recused:
            return False
        return bool(action.reason.strip()) and any(
            self._speaks_here(action.actor, turn)
            for turn in self.now.turns
            if action.actor.desk in turn.desks
        )

    def _may_record(self, action: TransmissionAction) -> bool:
        if isinstance(action, ClaimTransmission):
            return self.now.status in {_S.AWAITING_TRANSMISSION, _S.TRANSMISSION_FAILED}
        if action.transmission != self.transmission:
            return False
        sending, sent = self.now.status is _S.TRANSMITTING, self.now.status is _S.TRANSMITTED
        if isinstance(action, RecordTransmitted):
            return sending or (sent and not self.remote_known and action.remote_id is not None)
        if isinstance(action, RecordAcknowledged):
            return sent
        return sending or (sent and isinstance(action, RecordRemoteRefusal))

    def _may_migrate(self, action: Migrate) -> bool:
        moments = {_S.PENDING, _S.AWAITING_OUTSIDE, _S.AWAITING_TRANSMISSION}
        other = action.workflow_version != self.version
        return self.now.status in moments and other and self._administers(action.actor)

    def _may_retract(self, action: Retract) -> bool:
        mine = [entry for entry in self.pile if entry.round == self.round][-1:]
        if not mine or mine[0].turn != action.step:
            return False
        entry = mine[0]
        if entry.turn is not None and not self.now.turns:
            return False
        if not isinstance(entry.action, (Submit, Resubmit, Reject, *_PASSES)):
            return False
        if isinstance(entry.action, Reject):
            open_still = self.now.status is _S.REJECTED and not self.corrected
        else:
            first = 0 if entry.turn is None else self._place(entry.turn) + 1
            asked = any(
                turn.step.kind in _OUTSIDE for turn in self.now.turns[first : self.now.at + 1]
            )
            going = self.now.status in {_S.PENDING, _S.AWAITING_TRANSMISSION}
            open_still = going and self.transmission is None and not asked
        return open_still and self._owns(action.actor, entry)

    def _owns(self, seat: PersonAtDesk, entry: Entry) -> bool:
        if seat.person in self.recused:
            return False
        if entry.turn is None:
            return seat.desk == self.submitter.desk and self.town.holds(seat)
        turn = self.now.turns[self._place(entry.turn)]
        kept_out = (self.kept_apart(turn) | self.recused) - {seat.person}
        return seat == entry.seat and self._speaks(seat, turn.step.kind, kept_out)

    def _may_at_turn(self, action: Action) -> bool:
        turn = self.turn
        if turn is None or getattr(action, "step", None) != turn.step.id:
            return False
        kind = turn.step.kind
        match action:
            case RecordOutside():
                return kind in _OUTSIDE
            case ForceStep() | SkipStep():
                return self._may_override(action, kind)
            case GiveOpinion():
                return self._may_give_opinion(action, turn)
            case Transfer():
                return self._may_transfer(action, turn)
            case Reject() | AskOpinion() | AddStep():
                return self._may_speak(action, turn)
            case Approve() | Sign() | SignOnPaper() | Seal() | Archive():
                return self._may_pass(action, turn)
            case _:
                return False

    def _may_give_opinion(self, action: GiveOpinion, turn: Turn) -> bool:
        seat = action.actor
        kept_out = self.kept_apart(turn) | self.recused
        speaks = self._speaks(seat, _K.APPROVAL, kept_out) and seat.person not in self.recused
        asked = (turn.step.id, seat.desk) in self.opinions
        return asked and speaks and self._has_read(seat.person)

    def _may_override(self, action: ForceStep | SkipStep, kind: StepKind) -> bool:
        if not self._administers(action.actor) or not _says(action):
            return False
        if isinstance(action, ForceStep):
            return kind in _OUTSIDE
        entering = self._may_enter(action.documents) or not self._ends_preparation(set())
        return kind in {_K.APPROVAL, _K.SEAL, _K.ARCHIVE} and entering

    def _may_transfer(self, action: Transfer, turn: Turn) -> bool:
        seat = action.actor
        free = action.to in self.town.desks and action.to not in {*turn.desks, *turn.acted}
        if turn.step.kind not in _BY_PERSONS or seat.person in self.recused or not free:
            return False
        if seat.desk in turn.awaited and self._speaks_here(seat, turn):
            return self._has_read(seat.person)
        free = not self._is_his(seat.person, action.to, turn)
        return free and self._administers(seat) and (not turn.desks or seat.desk in turn.awaited)

    def _is_his(self, person: PersonId, desk: DeskId, turn: Turn) -> bool:
        """Whether an administrator would bring the step to a desk through which he acts too."""
        kept_out = self.kept_apart(turn) | self.recused
        return self.town.is_known_at(PersonAtDesk(person, desk), kept_out)

    def _may_speak(self, action: Reject | AskOpinion | AddStep, turn: Turn) -> bool:
        seat = action.actor
        sends_back = isinstance(action, Reject) and self._administers(seat)
        here = seat.desk in turn.awaited or (sends_back and not turn.desks)
        if turn.step.kind not in _BY_PERSONS - {_K.ARCHIVE} or not here:
            return False
        if seat.person in self.recused or not (sends_back or self._speaks_here(seat, turn)):
            return False
        match action:
            case Reject():
                earlier = action.return_to is None or self._may_return(action.return_to, turn)
                return earlier and _says(action)
            case AskOpinion():
                asked = (turn.step.id, action.desk) in self.opinions
                other = action.desk in self.town.desks - {seat.desk}
                return other and not asked and self._has_read(seat.person)
            case AddStep():
                allowed = turn.step.may_add_steps and self._is_addable(action.added, turn)
                return allowed and self._has_read(seat.person)

    def _is_addable(self, added: Step, turn: Turn) -> bool:
        desks = desks_of(added)
        if not desks or len(set(desks)) != len(added.actors):
            return False
        new = added.id not in {one.step.id for one in self.now.turns}
        same = added.phase is turn.step.phase
        signs = added.kind is _K.SIGNATURE and not self.preparing
        fit = added.kind is _K.APPROVAL or (signs and not self.rules.single_signature)
        return new and same and fit

    def _may_pass(self, action: PassingAction, turn: Turn) -> bool:
        if _PASSES[type(action)] is not turn.step.kind or action.actor.desk not in turn.awaited:
            return False
        pen = isinstance(action, SignOnPaper)
        if pen and (self.rules.single_signature or not self.rules.paper_signature):
            return False
        brings = not isinstance(action, Approve) or self._may_enter(action.documents)
        if not brings and self._ends_preparation({action.actor.desk}):
            return False
        if not self._signs_all(action):
            return False
        return self._entitled(action.actor, turn, pen=pen) and self._has_read(action.actor.person)

    def _signs_all(self, action: PassingAction) -> bool:
        changes = _changes(action)
        return not _signs(action) or {one.before.id for one in changes} == set(self.now.documents)

    def _entitled(self, seat: PersonAtDesk, turn: Turn, *, pen: bool) -> bool:
        kind = turn.step.kind
        apart, recused = self.kept_apart(turn), frozenset(self.recused)
        return self.town.may_pass(seat, kind, apart, recused, pen=pen)

    def _may_return(self, target: StepId, turn: Turn) -> bool:
        earlier = [one for one in self.now.turns[: self.now.at] if one.ended == "passed"]
        return turn.step.may_return and target in {one.step.id for one in earlier}

    def _speaks(self, seat: PersonAtDesk, kind: StepKind, kept_out: Names) -> bool:
        return any(True for _ in self.town.in_whose_name(seat, kind, kept_out))

    def _speaks_here(self, seat: PersonAtDesk, turn: Turn) -> bool:
        kept_out = self.kept_apart(turn) | self.recused
        return self._speaks(seat, turn.step.kind, kept_out)

    def _administers(self, seat: PersonAtDesk) -> bool:
        desks = self.turn.desks if self.turn is not None else ()
        mine = self.town.administers(seat)
        return mine and (not desks or seat.desk in desks)

    def _has_read(self, person: PersonId) -> bool:
        free = not self.rules.mandatory_reading or self.preparing
        return free or all((person, one) in self.read for one in self.now.documents)

    def _ends_preparation(self, acting: set[DeskId]) -> bool:
        turn = self.turn
        if turn is None or turn.step.phase is not Phase.PREPARATION:
            return False
        every = turn.step.mode is StepMode.ALL_OF and bool(acting)
        if every and turn.awaited - acting:
            return False
        after = self.now.turns[self.now.at + 1 :]
        return after[0].step.phase is Phase.VALIDATION

    # ---- what follows ----------------------------------------------------------------------

    def in_whose_name(self, action: Action) -> PersonId | None:
        """In whose name somebody does his part of the step; None for his own."""
        if self.turn is None or not isinstance(action, PassingAction):
            return None
        apart = self.kept_apart(self.turn)
        return self.town.best_name(action.actor, self.turn.step.kind, apart)

    def _by_delegation(self, action: Action) -> Delegation | None:
        if self.turn is None or not isinstance(action, PassingAction):
            return None
        apart = self.kept_apart(self.turn)
        return self.town.best_delegation(action.actor, self.turn.step.kind, apart)

    def correct(self, person: PersonId) -> None:
        """Somebody changes what is not fixed yet, or not any more."""
        self.corrected = self.is_back
        (self.writers if self.preparing else self.hands).add(person)

    def follow(self, action: Action) -> None:
        """Does an act that the rules allow."""
        match action:
            case Retract():
                self._take_back()
            case Read() | Recuse() | AskOpinion() | GiveOpinion() | Chain():
                self._note(action)
            case RecordOutside():
                self._hear(accepted=action.accepted)
            case (
                ClaimTransmission()
                | RecordTransmitted()
                | RecordTransmissionError()
                | RecordRemoteRefusal()
                | RecordAcknowledged()
            ):
                self._transmit(action)
            case _:
                self._put_on_the_pile(action)
                self._do(action)

    def _note(self, action: Read | Recuse | AskOpinion | GiveOpinion | Chain) -> None:
        match action:
            case Read():
                self.read |= {(action.actor.person, one) for one in action.revisions}
            case Recuse():
                self.recused.add(action.actor.person)
            case AskOpinion():
                self.opinions.append((action.step, action.desk))
            case GiveOpinion():
                self.opinions.remove((action.step, action.actor.desk))
                self.known_desks.add(action.actor.desk)
            case Chain():
                self.chained = True

    def _transmit(self, action: TransmissionAction) -> None:
        match action:
            case ClaimTransmission():
                self.transmission, self.remote_known = action.transmission, False
                self._become(_S.TRANSMITTING)
            case RecordTransmitted():
                self.remote_known = action.remote_id is not None
                self._become(_S.TRANSMITTED)
            case RecordTransmissionError():
                self._become(_S.TRANSMISSION_FAILED)
            case RecordRemoteRefusal():
                self._hear(accepted=False)
            case RecordAcknowledged():
                self._end_turn("sent")
                self._become(_S.ACKNOWLEDGED)
                if self.now.at + 1 < len(self.now.turns):
                    self._start(self.now.at + 1)

    def _hear(self, *, accepted: bool) -> None:
        self._end_turn("answered" if accepted else "stopped")
        if accepted:
            self._next(None)
        else:
            self._become(_S.REMOTE_REFUSED)

    def _put_on_the_pile(self, action: PersonAction) -> None:
        for_whom, by = self.in_whose_name(action), self._by_delegation(action)
        if isinstance(action, Submit | Resubmit):
            self.round += 1
        seat, turn = action.actor, getattr(action, "step", None)
        names = {one for one in (seat.person, for_whom) if one is not None}
        self.pile.append(Entry(action, seat, names, self.now, self.round, turn, by))
        self.known_desks.add(seat.desk)

    def _do(self, action: PersonAction) -> None:
        match action:
            case Submit() | Resubmit():
                self._enter(action)
            case Cancel():
                self._become(_S.CANCELLED)
            case Reject():
                self._reject(action)
            case Transfer():
                turn, seat = self.now.turns[self.now.at], action.actor
                desks = tuple(action.to if one == seat.desk else one for one in turn.desks)
                self._set_turn(replace(turn, desks=desks or (action.to,)))
            case AddStep():
                after, turns = self.now.at + 1, self.now.turns
                added = _waiting(action.added)
                self.now = replace(self.now, turns=(*turns[:after], added, *turns[after:]))
            case SkipStep():
                self._end_turn("skipped")
                self._next(action.documents)
            case ForceStep():
                self._hear(accepted=True)
            case Migrate():
                self.version = action.workflow_version
            case _:
                self._pass(action, action.actor)

    def _reject(self, action: Reject) -> None:
        if action.return_to is not None:
            self._return(action.return_to)
            return
        self._end_turn("stopped")
        self._become(_S.REJECTED)

    def _enter(self, action: Submit | Resubmit) -> None:
        documents = _main(action.documents)
        self.submitter, self.transmission = action.actor, None
        self.opinions, self.corrected = [], False
        self.hands.add(action.actor.person)
        if isinstance(action, Submit):
            self.rules, self.version = action.rules, action.workflow_version
            self.duties, final = action.workflow.duties, action.workflow.final_desk
            self.final_desk = None if final is None else final.desk or action.actor.desk
            turns = tuple(_waiting(_settled(step, action)) for step in action.workflow.steps)
        else:
            kept = self._kept(documents)
            for entry in self.pile:
                if entry.round == self.round - 1 and entry.turn in {one.step.id for one in kept}:
                    entry.round = self.round
            turns = (*kept, *(_waiting(one.step) for one in self.now.turns[len(kept) :]))
        self.now = Snapshot(_S.PENDING, turns, 0, documents, documents)
        self._start(next(n for n, one in enumerate(turns) if not one.ended))

    def _kept(self, documents: tuple[RevisionId, ...]) -> tuple[Turn, ...]:
        kept: list[Turn] = []
        if not self.rules.approvals_stand or set(documents) != set(self.now.entered):
            return ()
        for turn in self.now.turns:
            validated = turn.step.phase is Phase.VALIDATION and turn.step.kind is _K.APPROVAL
            if not validated or turn.ended != "passed" or self._is_disowned(turn):
                break
            kept.append(turn)
        return tuple(kept)

    def _is_disowned(self, turn: Turn) -> bool:
        """Whether somebody passed the step, in the round before, who may not pass it now: by a
        duty, for he stood back, or for more than he was trusted with."""
        before = (e for e in self.pile if (e.turn, e.round) == (turn.step.id, self.round - 1))
        passed = [e for e in before if isinstance(e.action, tuple(_PASSES))]
        limits = (e.by.ceiling for e in passed if e.by is not None)
        return (
            any(e.names & self.kept_apart(turn) for e in passed)
            or any(e.seat.person in self.recused for e in passed)
            or not all(self.town.is_under(one) for one in limits)
        )

    def _pass(self, action: Action, seat: PersonAtDesk) -> None:
        turn = self.now.turns[self.now.at]
        turn = replace(turn, acted=turn.acted | {seat.desk})
        self._set_turn(turn)
        changes = {one.before.id: one.after.id for one in _changes(action)}
        self.made |= set(changes.values())
        documents = tuple(changes.get(one, one) for one in self.now.documents)
        self.now = replace(self.now, documents=documents)
        if turn.step.mode is StepMode.ANY_OF or not turn.awaited:
            self._end_turn("passed")
            self._next(getattr(action, "documents", None))

    def _next(self, entering: tuple[Document, ...] | None) -> None:
        here = self.now.turns[self.now.at]
        if self.now.at + 1 == len(self.now.turns):
            self._become(_S.COMPLETED)
            return
        upcoming = self.now.turns[self.now.at + 1]
        if here.step.phase is not upcoming.step.phase and entering is not None:
            documents = _main(entering)
            self.now = replace(self.now, documents=documents, entered=documents)
        self._start(self.now.at + 1)

    def _start(self, place: int) -> None:
        turn = self.now.turns[place]
        desks = self._desks_now(turn.step)
        waits = {
            _K.TRANSMISSION: _S.AWAITING_TRANSMISSION,
            _K.EXTERNAL: _S.AWAITING_OUTSIDE,
            _K.SECURE_MAIL: _S.AWAITING_OUTSIDE,
        }
        self.opinions = [one for one in self.opinions if one[0] != turn.step.id]
        self.now = replace(self.now, at=place)
        self._set_turn(replace(turn, desks=desks))
        self._become(waits.get(turn.step.kind, _S.PENDING))

    def _desks_now(self, step: Step) -> tuple[DeskId, ...]:
        """The desks of the step, the one above whoever acted last where it says so."""
        if step.kind is _K.ARCHIVE and not step.actors:
            return (self.final_desk or self.submitter.desk,)
        acted = [e for e in self.pile if e.round == self.round and e.turn is not None]
        passed = [e.seat.desk for e in acted if isinstance(e.action, tuple(_PASSES))]
        boss = self.town.boss_of((passed or [self.submitter.desk])[-1])
        desks = (boss if one.kind is ActorKind.BOSS_OF else one.desk for one in step.actors)
        return tuple(dict.fromkeys(one for one in desks if one is not None))

    def _return(self, target: StepId) -> None:
        """As things were when the target got its turn, with the desks that had it."""
        place = self._place(target)
        later = {one.step.id for one in self.now.turns[place:]}
        signed = [
            entry
            for entry in self.pile
            if entry.round == self.round and entry.turn in later and _signs(entry.action)
        ]
        documents = signed[0].before.documents if signed else self.now.documents
        turns = tuple(
            one if n < place else Turn(one.step, one.desks) if n == place else _waiting(one.step)
            for n, one in enumerate(self.now.turns)
        )
        self.pile = [
            entry
            for entry in self.pile
            if entry.round != self.round
            or entry.turn not in later
            or not isinstance(entry.action, tuple(_PASSES))
        ]
        self.opinions = [one for one in self.opinions if one[0] != target]
        self.now = replace(self.now, turns=turns, at=place, documents=documents)
        self._become(_S.PENDING)

    def _take_back(self) -> None:
        entry, left = self.pile.pop(), self.now
        self.now = entry.before
        if self.preparing:  # the documents of a preparation are its own business
            self.now = replace(self.now, documents=left.documents, entered=left.entered)
        if isinstance(entry.action, Submit | Resubmit):
            self.now = Snapshot()
            self.rules, self.duties, self.final_desk = FolderRules(), (), None

    def _place(self, step: StepId) -> int:
        return [one.step.id for one in self.now.turns].index(step)

    def _become(self, status: FolderStatus) -> None:
        self.now = replace(self.now, status=status)

    def _set_turn(self, turn: Turn) -> None:
        turns = tuple(turn if n == self.now.at else one for n, one in enumerate(self.now.turns))
        self.now = replace(self.now, turns=turns)

    def _end_turn(self, how: str) -> None:
        self._set_turn(replace(self.now.turns[self.now.at], ended=how))

    def _everybody(self) -> Iterator[PersonId]:
        yield from {person for _, person in self.town.holders}
        yield from set(self.town.away.values())
        yield from {one.delegate for one in self.town.delegations.values()}


def _main(documents: tuple[Document, ...]) -> tuple[RevisionId, ...]:
    return tuple(one.revision.id for one in documents if one.role is DocumentRole.MAIN_DOCUMENT)


def _waiting(step: Step) -> Turn:
    return Turn(step, desks_of(step))


def _settled(step: Step, action: Submit) -> Step:
    """The step with the desk of the submitter and those that he chose."""
    chosen = [one.desk for one in action.chosen_desks if one.step == step.id]
    desks = {
        ActorKind.SUBMITTER: lambda: action.actor.desk,
        ActorKind.VARIABLE: lambda: chosen.pop(0),
    }
    actors = (given_desk(desks[one.kind]()) if one.kind in desks else one for one in step.actors)
    return replace(step, actors=tuple(actors))


def _agrees_twice(step: Step, action: Submit) -> bool:
    """Whether a desk chosen for a step of several agreements has another part in it."""
    desks = [one.desk for one in _settled(step, action).actors if one.desk]
    chosen = {one.desk for one in action.chosen_desks if one.step == step.id}
    return step.mode is StepMode.ALL_OF and any(desks.count(one) > 1 for one in chosen)


def _changes(action: Action) -> tuple[RevisionChange, ...]:
    match action:
        case Sign():
            return action.signed
        case Seal():
            return action.sealed
        case _:
            return ()


def _signs(action: Action) -> bool:
    return isinstance(action, Sign | Seal)


def _says(action: Reject | SkipStep | ForceStep) -> bool:
    return bool(action.reason.strip())
