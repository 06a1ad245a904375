from __future__ import annotations

from dataclasses import replace

from tests.builders.workflows import (
    ACCOUNTS,
    ADA_AT_RECEPTION,
    BEN,
    EVE,
    FACTS,
    FAY,
    FULL,
    NOW,
    REGISTER,
    SINCE,
    VERSION,
    a_draft,
    play,
    some_documents,
)
from workflows.actions import ActionKind, Submit
from workflows.engine import allowed_actions
from workflows.register import Absence, AbsenceId, DeskHolder, PersonId

AWAY = replace(
    REGISTER,
    holders=(
        *(one for one in REGISTER.holders if one.desk != ACCOUNTS),
        DeskHolder(ACCOUNTS, BEN, SINCE),
    ),
    absences=(Absence(AbsenceId("absence-1"), BEN, SINCE, replacements=(EVE, FAY)),),
)


def test_the_next_of_a_ranked_list_sees_the_folder_of_the_one_who_stood_back() -> None:
    submit = Submit(ADA_AT_RECEPTION, VERSION, FULL, some_documents())
    state = play(a_draft(), submit, register=AWAY)

    def approves(person: PersonId, *recused: PersonId) -> bool:
        now = replace(state, recused=recused)
        found = allowed_actions(now, person, AWAY, FACTS, NOW)
        return {ActionKind.APPROVE, ActionKind.READ} <= {one.kind for one in found}

    assert (approves(EVE), approves(FAY)) == (True, False)
    assert (approves(EVE, EVE), approves(FAY, EVE)) == (False, True)
