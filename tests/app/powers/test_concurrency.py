"""Powers that change while people act: one order of things, told by the journal."""

from __future__ import annotations

import asyncio

from app.context import Context
from tests.app.conftest import PersonOf
from tests.builders.administration import give, said
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person
from tests.builders.traces import journal_kinds

ROUNDS = 4


async def test_threat_36_an_act_and_the_repeal_of_its_power_agree_with_the_journal(
    context: Context, administrator: ApiPerson, finances: ApiPerson, person_of: PersonOf
) -> None:
    """Whichever comes first: an act accepted stands before the repeal, and none comes after it."""
    town = administrator.town
    await add_person(context, town, "adjoint")
    adjoint = await person_of(town, "adjoint")
    body = {"action": "approve", "step": "visa", "desk_id": str(town.desks["direction"])}
    accepted = []
    for _ in range(ROUNDS):
        folder_id = await finances.submitted()
        grant = await give(administrator, "direction", "adjoint")
        act, repeal = await asyncio.gather(
            adjoint.client.post(f"/folders/{folder_id}/actions", json=body),
            administrator.client.post(f"/grants/{grant['id']}/repeal"),
        )
        assert said(repeal) == (200, None)
        assert act.status_code in (200, 403, 404), act.text
        accepted.append(act.status_code == 200)
    judged = {"grant.given", "grant.repealed", "folder.approved"}
    kinds = [one for one in await journal_kinds(administrator) if one in judged]
    expected = [
        kind
        for was_accepted in accepted
        for kind in (
            "grant.given",
            *(["folder.approved"] if was_accepted else []),
            "grant.repealed",
        )
    ]
    assert kinds == expected
