"""The instants at which powers change by themselves: nothing changes between two of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from workflows.definition import DeskId
from workflows.register import PersonId, PowerRegister


def turning_points(register: PowerRegister) -> tuple[datetime, ...]:
    """Every instant at which a holding, an absence or a grant starts or ends, or an order becomes
    executory, each once, in their order."""
    periods = (
        *(one.period for one in register.holders),
        *(one.period for one in register.absences),
        *(one.period for one in register.grants),
    )
    known = {
        *(one.start for one in periods),
        *(one.end for one in periods),
        *(one.repealed_at for one in register.absences),
        *(one.repealed_at for one in register.grants),
        *(one.executory_at for one in register.grants),
    }
    return tuple(sorted(one for one in known if one is not None))


def turning_points_at(register: PowerRegister, desk: DeskId) -> tuple[datetime, ...]:
    """Those at which who may act through the desk may change, whatever the folder: what concerns
    the persons named there counts too, wherever they hold another desk or are away from it."""
    named = named_at(register, desk)
    return turning_points(
        replace(
            register,
            holders=tuple(one for one in register.holders if one.person in named),
            absences=tuple(one for one in register.absences if one.person in named),
            grants=tuple(one for one in register.grants if one.office == desk),
        )
    )


def named_at(register: PowerRegister, desk: DeskId) -> frozenset[PersonId]:
    """Whoever the register names at the desk, at any instant: those who hold it, those who have a
    power in its office, those who replace its holders. A grantor was one of the holders."""
    holders = {one.person for one in register.holders if one.desk == desk}
    grants = [one for one in register.grants if one.office == desk]
    replacing = (
        person
        for one in register.absences
        if one.person in holders and one.desk in {None, desk}
        for person in one.replacements
    )
    return frozenset({*holders, *(one.grantee for one in grants), *replacing})
