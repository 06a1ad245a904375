"""Who may do what in a small town, said again in the simplest words: sets of names, no dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.builders.workflows import NOW, REGISTER, SINCE
from workflows.definition import DeskId, StepKind
from workflows.periods import Period
from workflows.register import (
    Absence,
    AbsenceId,
    DeskHolder,
    Facts,
    FoundingDocument,
    Grant,
    NamedAmount,
    PersonAtDesk,
    PersonId,
    PowerId,
    PowerKind,
    PowerRegister,
    Scope,
)

Names = frozenset[PersonId]
NOBODY: Names = frozenset()
_DELEGATED = {StepKind.APPROVAL, StepKind.SIGNATURE, StepKind.SEAL}
_DELEGATED_SINCE = datetime(2026, 2, 1, tzinfo=NOW.tzinfo)


@dataclass(frozen=True)
class Delegation:
    """Who lets whom act in his name at a desk, up to which amount."""

    number: int
    grantor: PersonId
    delegate: PersonId
    ceiling: int | None = None


@dataclass
class Town:
    """Who holds the desks, who is away (and who replaces him), whose account is closed, who signs
    for whom, and what the folder amounts to."""

    holders: set[tuple[DeskId, PersonId]] = field(
        default_factory=lambda: {(one.desk, one.person) for one in REGISTER.holders}
    )
    away: dict[PersonId, PersonId] = field(default_factory=dict)
    closed: set[PersonId] = field(default_factory=set)
    delegations: dict[DeskId, Delegation] = field(default_factory=dict)
    ended: list[tuple[DeskId, Delegation]] = field(default_factory=list)
    fit: set[PersonId] = field(default_factory=set)
    amounts: tuple[int, ...] = ()

    def register(self) -> PowerRegister:
        """What the engine reads of it."""
        return PowerRegister(
            desks=REGISTER.desks,
            holders=tuple(DeskHolder(desk, one, SINCE) for desk, one in sorted(self.holders)),
            administrators=REGISTER.administrators,
            absences=tuple(
                Absence(AbsenceId(f"absence-of-{one}"), one, SINCE, replacements=(other,))
                for one, other in sorted(self.away.items())
            ),
            grants=(
                *(_grant(desk, self.delegations[desk]) for desk in sorted(self.delegations)),
                *(replace(_grant(*one), repealed_at=_DELEGATED_SINCE) for one in self.ended),
            ),
            superiors=REGISTER.superiors,
            inactive=frozenset(self.closed),
        )

    def delegate(
        self, desk: DeskId, grantor: PersonId, delegate: PersonId, ceiling: int | None
    ) -> None:
        """Lets somebody act in the name of another at a desk."""
        number = len(self.ended) + len(self.delegations)
        self.delegations[desk] = Delegation(number, grantor, delegate, ceiling)

    def end_delegation(self, desk: DeskId) -> bool:
        """Ends the delegation of a desk, where there is one."""
        given = self.delegations.pop(desk, None)
        self.ended += [] if given is None else [(desk, given)]
        return given is not None

    def facts(self) -> Facts:
        """What the engine is told of the folder."""
        amounts = tuple(NamedAmount(f"bordereau {cents}", cents) for cents in self.amounts)
        return Facts(fit_signers=frozenset(self.fit), amounts=amounts)

    @property
    def desks(self) -> frozenset[DeskId]:
        """The desks that exist."""
        return REGISTER.desks

    def boss_of(self, desk: DeskId) -> DeskId | None:
        """The desk above this one."""
        return REGISTER.superiors.get(desk)

    def administers(self, seat: PersonAtDesk) -> bool:
        """Whether the person administers the desk."""
        return any(
            one.person == seat.person and (one.desks is None or seat.desk in one.desks)
            for one in REGISTER.administrators
        )

    def holds(self, seat: PersonAtDesk) -> bool:
        """Whether the person occupies the desk, and can do something there."""
        return (seat.desk, seat.person) in self.holders and seat.person not in self.closed

    def in_whose_name(
        self, seat: PersonAtDesk, kind: StepKind, kept_out: Names = NOBODY
    ) -> Iterator[PersonId | None]:
        """In whose name the person may speak through the desk at a step of this kind: None for
        his own, nothing at all where he may not; the best power first."""
        if self.holds(seat):
            yield None
        given = self._delegation(seat)
        if kind in _DELEGATED and given is not None and self.is_under(given.ceiling):
            yield given.grantor
        if kind is StepKind.APPROVAL:
            yield from self._replaced(seat, kept_out)

    def is_known_at(self, seat: PersonAtDesk, kept_out: Names) -> bool:
        """Whether the person has any power at the desk, be it not for this folder."""
        replaced = any(True for _ in self._replaced(seat, kept_out))
        return self.holds(seat) or self._delegation(seat) is not None or replaced

    def best_name(self, seat: PersonAtDesk, kind: StepKind, apart: Names) -> PersonId | None:
        """In whose name the person passes such a step, which he may pass."""
        return next(name for name in self.in_whose_name(seat, kind) if name not in apart)

    def best_delegation(
        self, seat: PersonAtDesk, kind: StepKind, apart: Names
    ) -> Delegation | None:
        """The delegation by which the person passes such a step, which he may pass; None where he
        needs none."""
        given = self._delegation(seat)
        if given is None or self.holds(seat) or kind not in _DELEGATED:
            return None
        serves = self.is_under(given.ceiling) and given.grantor not in apart
        return given if serves else None

    def may_pass(
        self, seat: PersonAtDesk, kind: StepKind, apart: Names, recused: Names, *, pen: bool
    ) -> bool:
        """Whether the person may pass such a step. A duty keeps apart persons and those who act
        in their name, a recusal the person alone."""
        if seat.person in apart | recused:
            return False
        able = kind is not StepKind.SIGNATURE or pen or seat.person in self.fit
        names = self.in_whose_name(seat, kind)
        return able and any(name not in apart for name in names)

    def is_present(self, person: PersonId) -> bool:
        """Whether one can count upon the person."""
        return person not in self.away

    def _delegation(self, seat: PersonAtDesk) -> Delegation | None:
        given = self.delegations.get(seat.desk)
        if given is None or given.delegate != seat.person or seat.person in self.closed:
            return None
        return given if (seat.desk, given.grantor) in self.holders else None

    def is_under(self, ceiling: int | None) -> bool:
        """Whether the folder amounts to no more than this."""
        return ceiling is None or (bool(self.amounts) and max(self.amounts) <= ceiling)

    def _replaced(self, seat: PersonAtDesk, kept_out: Names) -> Iterator[PersonId]:
        here = sorted(person for desk, person in self.holders if desk == seat.desk)
        if any(self.is_present(one) for one in here):
            return
        for one in here:
            replaced = self.away[one] == seat.person and self.is_present(seat.person)
            if replaced and seat.person not in kept_out | self.closed:
                yield one


def _grant(desk: DeskId, given: Delegation) -> Grant:
    since = _DELEGATED_SINCE
    return Grant(
        PowerId(f"delegation-{given.number}"),
        PowerKind.SIGNATURE_DELEGATION,
        desk,
        given.delegate,
        Period(since),
        grantor=given.grantor,
        scope=Scope(ceiling_cents=given.ceiling),
        document=FoundingDocument("2026-12", since.date(), since.date()),
        executory_at=since,
    )
