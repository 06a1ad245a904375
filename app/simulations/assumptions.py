"""What a simulation may assume: only what could be registered, told by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from app.errors import Unprocessable
from app.simulations.texts import Names
from workflows.definition import DeskId
from workflows.errors import Refused
from workflows.grants import check_absence
from workflows.periods import Period
from workflows.register import Absence, DeskProgram, PersonAtDesk, PersonId, PowerRegister

PROGRAM = PersonId("program")
"""Whoever deposits by the token of a desk is no person: duties bind nobody by it."""


def assumed(register: PowerRegister, absences: Iterable[Absence], names: Names) -> PowerRegister:
    """The register with these absences added, in their order. Raises Unprocessable: for a person
    (`unknown_person`) or a desk (`unknown_desk`) that nobody knows, else as `check_absence`."""
    for number, one in enumerate(absences, start=1):
        about = f"L'absence supposée n° {number}"
        for person in (one.person, *one.replacements):
            refuse_unknown_person(person, names, f"{about} nomme")
        if one.desk is not None:
            refuse_unknown_desk(register, one.desk, names, f"{about} nomme")
        try:
            check_absence(register, one, names.zone)
        except Refused as refusal:
            raise Unprocessable(
                f"{about}, de {names.persons[one.person]} : {refusal.detail}", code=refusal.code
            ) from refusal
        register = replace(register, absences=(*register.absences, one))
    return register


def with_program(
    register: PowerRegister, submitter: PersonAtDesk, instant: datetime
) -> PowerRegister:
    """The register where this program deposits for its desk from the instant on."""
    program = DeskProgram(submitter.desk, submitter.person, Period(instant))
    return replace(register, programs=(*register.programs, program))


def refuse_two_submitters(named: object) -> None:
    """Raises Unprocessable (`submitter_ambiguous`) where a person is named beside a program."""
    if named is not None:
        raise Unprocessable(
            "Un dépôt est fait par une personne ou par un programme : ne donnez que l'un des deux.",
            code="submitter_ambiguous",
        )


def refuse_unknown_person(person: PersonId, names: Names, about: str) -> None:
    """Raises Unprocessable (`unknown_person`) for whoever the tenant does not know."""
    if person not in names.persons:
        raise Unprocessable(
            f"{about} une personne inconnue ({person}) : choisissez-la dans la liste.",
            code="unknown_person",
        )


def refuse_unknown_desk(register: PowerRegister, desk: DeskId, names: Names, about: str) -> None:
    """Raises Unprocessable (`unknown_desk`) for a desk that does not exist or serves no more."""
    if desk in register.desks:
        return
    known = names.desks.get(desk)
    what = f"un bureau inconnu ({desk})" if known is None else f"« {known} », qui ne sert plus"
    raise Unprocessable(
        f"{about} {what} : choisissez un bureau dans la liste.", code="unknown_desk"
    )
