"""A desk whose powers have changed is looked at whole."""

from __future__ import annotations

from app.context import Context
from app.register.service import REVIEW
from tests.builders.administration import be_away
from tests.builders.damages import unreadable_event
from tests.builders.people import ApiPerson
from tests.builders.transmissions import jobs_of
from tests.builders.watch import Watch


async def test_a_folder_that_cannot_be_read_is_left_and_the_others_are_looked_at(
    watch: Watch, context: Context, administrator: ApiPerson, finances: ApiPerson
) -> None:
    town = administrator.town
    broken, sound = await finances.submitted(), await finances.submitted()
    await watch.settle()
    async with context.unit(town.tenant_id) as session:
        session.add(unreadable_event(town, broken))
    await be_away(administrator, "direction")
    await watch.settle()
    told = await watch.mailed(sound, "nobody_able")
    assert told == ["administrateur", "finances"]
    states = [(job.state, job.attempts) for job in await jobs_of(context, town, REVIEW)]
    assert ("pending", 1) in states
