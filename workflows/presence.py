"""Who holds a desk at an instant, and who is away from it."""

from __future__ import annotations

from datetime import datetime

from workflows.definition import DeskId
from workflows.register import Absence, PersonId, PowerRegister


def holders_of(register: PowerRegister, desk: DeskId, instant: datetime) -> tuple[PersonId, ...]:
    """The persons who hold the desk at the instant, each once; none where the desk is gone. Whose
    account is closed holds it all the same."""
    if desk not in register.desks:
        return ()
    holders = (one for one in register.holders if one.desk == desk)
    return tuple(dict.fromkeys(one.person for one in holders if one.period.covers(instant)))


def active_holders(
    register: PowerRegister, desk: DeskId, instant: datetime
) -> tuple[PersonId, ...]:
    """Those of them who may be told or given something to do."""
    holders = holders_of(register, desk, instant)
    return tuple(one for one in holders if one not in register.inactive)


def holds_since(
    register: PowerRegister, person: PersonId, desk: DeskId, since: datetime, instant: datetime
) -> bool:
    """Whether one and the same holding of the desk covers both instants: a person who left and
    came back, re-elected included, holds it anew."""
    return any(
        one.desk == desk
        and one.person == person
        and one.period.covers(since)
        and one.period.covers(instant)
        for one in register.holders
    )


def is_joined(register: PowerRegister, desk: DeskId, since: datetime, instant: datetime) -> bool:
    """Whether somebody came to hold the desk after `since`, at the instant at the latest."""
    return any(one.desk == desk and since < one.period.start <= instant for one in register.holders)


def comes_at(register: PowerRegister, person: PersonId, since: datetime) -> datetime | None:
    """The first instant, from this one on, at which the person holds a desk; None without any."""
    own = (one.period for one in register.holders if one.person == person)
    held = (max(one.start, since) for one in own if one.end is None or one.end > since)
    return min(held, default=None)


def stays(register: PowerRegister, person: PersonId, since: datetime, instant: datetime) -> bool:
    """Whether the person holds one desk or another without a break from `since` to the instant,
    both included."""
    own = (one.period for one in register.holders if one.person == person)
    reached = since
    for one in sorted(own, key=lambda period: period.start):
        if one.covers(reached):
            if one.end is None or one.end > instant:
                return True
            reached = one.end
    return False


def absences_from(
    register: PowerRegister, person: PersonId, desk: DeskId, instant: datetime
) -> tuple[Absence, ...]:
    """The absences of the person that count at this desk at the instant, those that name it
    first."""
    found = (
        one
        for one in register.absences
        if one.person == person and one.desk in {None, desk} and _lasts(one, instant)
    )
    return tuple(sorted(found, key=lambda one: (one.desk is None, one.period.start, one.id)))


def is_absent(register: PowerRegister, person: PersonId, desk: DeskId, instant: datetime) -> bool:
    """Whether the person declared himself away from this desk, or it was declared for him."""
    return bool(absences_from(register, person, desk, instant))


def is_away(register: PowerRegister, person: PersonId, desk: DeskId, instant: datetime) -> bool:
    """Whether the person should not be counted upon at this desk, which he need not hold: absent
    from it, from everywhere, or from each desk that he holds."""
    if is_absent(register, person, desk, instant):
        return True
    own = {
        one.desk for one in register.holders if one.person == person and one.period.covers(instant)
    }
    return bool(own) and all(is_absent(register, person, one, instant) for one in own)


def is_available(
    register: PowerRegister, person: PersonId, desk: DeskId, instant: datetime
) -> bool:
    """Whether the person can come in for an absent holder of this desk."""
    return person not in register.inactive and not is_away(register, person, desk, instant)


def all_absent(register: PowerRegister, desk: DeskId, instant: datetime) -> bool:
    """Whether the desk has holders and every one of them is absent from it."""
    holders = holders_of(register, desk, instant)
    return bool(holders) and all(is_absent(register, one, desk, instant) for one in holders)


def _lasts(absence: Absence, instant: datetime) -> bool:
    ended = absence.repealed_at is not None and absence.repealed_at <= instant
    return absence.period.covers(instant) and not ended
