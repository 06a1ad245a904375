"""Who may act, read a second time from ADR 0013: slowly, sentence by sentence.

It knows what a register and the facts of a folder hold, and nothing of how `workflows.powers` goes
about it. No two contradictory powers of DESIGN D6 are supposed to be in the register.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from workflows.definition import DeskId, StepKind
from workflows.periods import LAST_INSTANT
from workflows.register import (
    Absence,
    BarredBy,
    DeskHolder,
    Facts,
    Grant,
    PersonId,
    PowerId,
    PowerKind,
    PowerRegister,
    Scope,
)

POWER_DELEGATION = PowerKind.POWER_DELEGATION
SUBSTITUTION = PowerKind.SUBSTITUTION
WHOLE_OFFICE = (PowerKind.HOLDER, PowerKind.INTERIM, SUBSTITUTION)
DELEGATIONS = (POWER_DELEGATION, PowerKind.FUNCTION_DELEGATION, PowerKind.SIGNATURE_DELEGATION)
BEST_FIRST = (*WHOLE_OFFICE, *DELEGATIONS, PowerKind.REPLACEMENT)
DELEGATED = (StepKind.APPROVAL, StepKind.SIGNATURE, StepKind.SEAL)


@dataclass(frozen=True, slots=True)
class Title:
    """By what somebody acts through a desk: a kind of power, its row, in whose name, and who gave
    to that one what he passes on."""

    person: PersonId
    desk: DeskId
    kind: PowerKind
    row: PowerId | None = None
    behalf: PersonId | None = None
    source: PersonId | None = None


@dataclass(frozen=True, slots=True)
class Clerk:
    """Somebody who reads the register line after line at an instant."""

    register: PowerRegister
    now: datetime

    def holders(self, desk: DeskId) -> list[PersonId]:
        """Who holds the desk, where it exists."""
        rows = self.register.holders if desk in self.register.desks else ()
        return list(dict.fromkeys(one.person for one in rows if one.desk == desk and self.in_(one)))

    def absences(self, person: PersonId, desk: DeskId) -> list[Absence]:
        """Those that count at the desk: the list of one from this very desk comes first."""
        rows = [one for one in self.register.absences if one.person == person and self.in_(one)]
        here = [one for one in rows if one.desk in {None, desk} and not self.is_repealed(one)]
        return sorted(here, key=lambda one: (one.desk is None, one.period.start, one.id))

    def are_all_absent(self, desk: DeskId) -> bool:
        """Every holder is absent, and there is one."""
        held = self.holders(desk)
        return bool(held) and all(self.absences(one, desk) for one in held)

    def is_away(self, person: PersonId, desk: DeskId) -> bool:
        """Absent from here, from everywhere, or from each desk that he holds."""
        own = [one.desk for one in self.holdings_of(person) if self.in_(one)]
        nowhere = bool(own) and all(self.absences(person, one) for one in own)
        return nowhere or bool(self.absences(person, desk))

    def stands(self, grant: Grant) -> bool:
        """Its dates run, its document is executory, nobody whom it rests on has left, and the
        office is as its kind of power needs it."""
        return (
            grant.grantee != grant.grantor
            and self.in_(grant)
            and not self.is_repealed(grant)
            and self._is_executory(grant)
            and self._is_needed(grant)
            and self._is_given(grant)
            and self._grantee_stays(grant)
        )

    def _is_executory(self, grant: Grant) -> bool:
        if grant.document is None and grant.kind not in DELEGATIONS:
            return True
        return grant.executory_at is not None and grant.executory_at <= self.now

    def _is_needed(self, grant: Grant) -> bool:
        """A substitution while all are absent; an interim while the post is vacant, until a
        holder arrives."""
        if grant.kind is SUBSTITUTION:
            return self.are_all_absent(grant.office)
        if grant.kind is PowerKind.INTERIM:
            rows = [one for one in self.register.holders if one.desk == grant.office]
            arrived = [one for one in rows if grant.period.start < one.period.start <= self.now]
            return not arrived and not self.holders(grant.office)
        return True

    def _is_given(self, grant: Grant) -> bool:
        """By a holder who has not left since; or by a body, for a power delegation; or passed on
        by a delegate whose own power stands and says so, once. Nobody gives the two others."""
        if grant.kind not in DELEGATIONS:
            return True
        if grant.regrants is not None:
            parent = self.parent(grant)
            return parent is not None and self.stands(parent)
        if grant.grantor is None:
            return grant.kind is POWER_DELEGATION
        return self._still_holds(grant.grantor, grant.office, grant)

    def parent(self, grant: Grant) -> Grant | None:
        """What the grant passes on, where that may be."""
        wanted = (grant.regrants, grant.office, grant.grantor)
        for one in self.register.grants:
            moves_on = one.kind is POWER_DELEGATION and one.may_be_regranted and not one.regrants
            if moves_on and (one.id, one.office, one.grantee) == wanted:
                return one
        return None

    def _still_holds(self, person: PersonId, desk: DeskId, grant: Grant) -> bool:
        """The holding that covered the first usable instant lasts: one anew is another one."""
        rows = [one for one in self.holdings_of(person) if one.desk == desk and self.in_(one)]
        return any(one.period.covers(_first_use(grant)) for one in rows)

    def _grantee_stays(self, grant: Grant) -> bool:
        """In the office that the grant names; else with one desk or another, without a break."""
        if grant.grantee_office is not None:
            return self._still_holds(grant.grantee, grant.grantee_office, grant)
        held = [one.period for one in self.holdings_of(grant.grantee)]
        there = any(one.covers(_first_use(grant)) for one in held)
        since = _first_use(grant) if there else grant.period.start
        lefts = [one.end for one in held if one.end is not None and since < one.end <= self.now]
        return all(any(one.covers(left) for one in held) for left in lefts)

    def titles(self, desk: DeskId, kept_out: Iterable[PersonId] = ()) -> Iterator[Title]:
        """Of everybody with a power at the desk, before any folder is looked at: of nobody whose
        account is closed, which changes nothing else."""
        closed = self.register.inactive
        here = self._titles(desk, {*kept_out, *closed})
        yield from (one for one in here if one.person not in closed)

    def _titles(self, desk: DeskId, kept_out: Iterable[PersonId]) -> Iterator[Title]:
        for person in self.holders(desk):
            yield Title(person, desk, PowerKind.HOLDER)
        for grant in self.register.grants:
            if grant.office == desk and self.stands(grant):
                # A substitute acts in the place of each holder, others in the name of the giver.
                places = [one for one in self.holders(desk) if one != grant.grantee]
                parent = self.parent(grant)
                source = None if parent is None else parent.grantor
                for one in places if grant.kind is SUBSTITUTION else [grant.grantor]:
                    yield Title(grant.grantee, desk, grant.kind, grant.id, one, source)
        for holder in self.holders(desk) if self.are_all_absent(desk) else ():
            ranked = [
                Title(one, desk, PowerKind.REPLACEMENT, PowerId(absence.id), holder)
                for absence in self.absences(holder, desk)
                for one in absence.replacements
                if one not in kept_out and not self.is_away(one, desk)
            ]
            yield from ranked[:1]

    def able(self, kind: StepKind, desk: DeskId, facts: Facts) -> list[Title]:
        """What lets somebody pass such a step of the folder at the desk, all of it."""
        kept_out = {one.person for one in facts.barred}
        return [one for one in self.titles(desk, kept_out) if self._passes(one, kind, facts)]

    def _passes(self, title: Title, kind: StepKind, facts: Facts) -> bool:
        named = {title.person, title.behalf, title.source}
        rows = [one for one in self.register.grants if one.id == title.row]
        return (
            kind in _steps_of(title.kind)
            and not any(one.person == title.person for one in facts.barred)
            and not any(one.by is BarredBy.DUTY and one.person in named for one in facts.barred)
            and all(self.covers(one, facts) for one in rows)
            and not self._is_set_aside(title, kind, facts)
            and (kind is not StepKind.SIGNATURE or title.person in facts.fit_signers)
        )

    def covers(self, grant: Grant, facts: Facts) -> bool:
        """Both scopes must cover the folder where a power is passed on."""
        parent = self.parent(grant)
        return _within(grant.scope, facts) and (parent is None or _within(parent.scope, facts))

    def _is_set_aside(self, title: Title, kind: StepKind, facts: Facts) -> bool:
        """An absent holder by his substitute; whoever has not any more what was given away."""
        return any(
            grant.office == title.desk
            and self._takes(grant, title, kind)
            and self.stands(grant)
            and self.covers(grant, facts)
            for grant in self.register.grants
        )

    def _takes(self, grant: Grant, title: Title, kind: StepKind) -> bool:
        if grant.kind is SUBSTITUTION:
            return title.kind is PowerKind.HOLDER and title.person != grant.grantee
        moved = grant.kind is POWER_DELEGATION and kind in DELEGATED
        return moved and self._lacks(title, grant)

    def _lacks(self, title: Title, moved: Grant) -> bool:
        """Whether the title needs the competence that moved: that of the grantor, or of the
        holders of the body, in person or in their name; an interim has what a holder would. Who
        passes on what he was given keeps what is his own, and the reverse."""
        received = [one for one in self.register.grants if one.id == title.row]
        if any(moved.id in {one.id, one.regrants} for one in received):
            return False
        has_it_himself = title.kind is POWER_DELEGATION
        whose = title.person if has_it_himself else title.behalf or title.person
        if moved.grantor is None:
            member = not has_it_himself and whose in self.holders(moved.office)
            return title.kind is PowerKind.INTERIM or member
        from_whom = [one if has_it_himself else self.parent(one) for one in received]
        givers = [one.grantor for one in from_whom if one is not None]
        first = self.parent(moved)
        return whose == moved.grantor and givers == ([] if first is None else [first.grantor])

    def holdings_of(self, person: PersonId) -> list[DeskHolder]:
        """Every time that the person held a desk."""
        return [one for one in self.register.holders if one.person == person]

    def in_(self, row: DeskHolder | Absence | Grant) -> bool:
        """From its start included to its end excluded."""
        end = row.period.end or LAST_INSTANT
        return row.period.start <= self.now < end

    def is_repealed(self, row: Absence | Grant) -> bool:
        """From that very instant."""
        return row.repealed_at is not None and row.repealed_at <= self.now


def rank(title: Title) -> tuple[int, str]:
    """One's own name before all, then the order of the powers, then by row."""
    return BEST_FIRST.index(title.kind), title.row or ""


def _first_use(grant: Grant) -> datetime:
    return max(grant.period.start, grant.executory_at or grant.period.start)


def _steps_of(kind: PowerKind) -> tuple[StepKind, ...]:
    if kind in WHOLE_OFFICE:
        return (*DELEGATED, StepKind.ARCHIVE)
    return DELEGATED if kind in DELEGATIONS else (StepKind.APPROVAL,)


def _within(scope: Scope, facts: Facts) -> bool:
    """Amounts one by one, the ceiling included; none known is not covered by a ceiling."""
    everything = not scope.types and not scope.subtypes
    named = everything or facts.type in scope.types or facts.subtype in scope.subtypes
    if scope.ceiling_cents is None:
        return named
    largest = max((one.cents for one in facts.amounts), default=None)
    return named and largest is not None and largest <= scope.ceiling_cents
