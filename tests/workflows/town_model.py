"""Who may do what in a small town, said again in the simplest words: sets of names, no dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
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
    PersonAtDesk,
    PersonId,
    PowerId,
    PowerKind,
    PowerRegister,
)

Names = frozenset[PersonId]
NOBODY: Names = frozenset()
_DELEGATED = {StepKind.APPROVAL, StepKind.SIGNATURE, StepKind.SEAL}


@dataclass
class Town:
    """Who holds the desks, who is away (and who replaces him), who signs for whom."""

    holders: set[tuple[DeskId, PersonId]] = field(
        default_factory=lambda: {(one.desk, one.person) for one in REGISTER.holders}
    )
    away: dict[PersonId, PersonId] = field(default_factory=dict)
    delegates: dict[DeskId, tuple[PersonId, PersonId]] = field(default_factory=dict)
    fit: set[PersonId] = field(default_factory=set)

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
            grants=tuple(_delegation(desk, *pair) for desk, pair in sorted(self.delegates.items())),
            superiors=REGISTER.superiors,
        )

    def facts(self) -> Facts:
        """What the engine is told of the folder."""
        return Facts(fit_signers=frozenset(self.fit))

    @property
    def desks(self) -> frozenset[DeskId]:
        """The desks that exist."""
        return REGISTER.desks

    def administers(self, seat: PersonAtDesk) -> bool:
        """Whether the person administers the desk."""
        return any(
            one.person == seat.person and (one.desks is None or seat.desk in one.desks)
            for one in REGISTER.administrators
        )

    def holds(self, seat: PersonAtDesk) -> bool:
        """Whether the person occupies the desk."""
        return (seat.desk, seat.person) in self.holders

    def in_whose_name(
        self, seat: PersonAtDesk, kind: StepKind, kept_out: Names = NOBODY
    ) -> Iterator[PersonId | None]:
        """In whose name the person may speak through the desk at a step of this kind: None for
        his own, nothing at all where he may not; the best power first."""
        if self.holds(seat):
            yield None
        grantor, delegate = self.delegates.get(seat.desk, (None, None))
        given = grantor is not None and (seat.desk, grantor) in self.holders
        if kind in _DELEGATED and given and delegate == seat.person:
            yield grantor
        if kind is StepKind.APPROVAL:
            yield from self._replaced(seat, kept_out)

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

    def _replaced(self, seat: PersonAtDesk, kept_out: Names) -> Iterator[PersonId]:
        here = sorted(person for desk, person in self.holders if desk == seat.desk)
        if any(self.is_present(one) for one in here):
            return
        for one in here:
            replaced = self.away[one] == seat.person and self.is_present(seat.person)
            if replaced and seat.person not in kept_out:
                yield one


def _delegation(desk: DeskId, grantor: PersonId, delegate: PersonId) -> Grant:
    since = datetime(2026, 2, 1, tzinfo=NOW.tzinfo)
    return Grant(
        PowerId(f"delegation-of-{desk}"),
        PowerKind.SIGNATURE_DELEGATION,
        desk,
        delegate,
        Period(since),
        grantor=grantor,
        document=FoundingDocument("2026-12", since.date(), since.date()),
        executory_at=since,
    )
