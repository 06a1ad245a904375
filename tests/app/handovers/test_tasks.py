"""What becomes of the folders that wait at an office when it changes hands."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text

from app.auth.principal import Role
from app.context import Context
from app.worker import drain
from tests.builders.administration import (
    made,
)
from tests.builders.handovers import (
    PATH,
    a_plan,
    an_office,
    applied_plan,
    journal_kinds,
    mailed,
    waiting_desk,
)
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person
from tests.builders.towns import DrivenClock


class TestHandOver:
    async def test_a_folder_that_came_after_the_instant_is_left_to_the_new_holder(
        self,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        elected: str,
        election: datetime,
        clock: DrivenClock,
    ) -> None:
        folder_id = await finances.submitted()
        office = an_office(
            administrator, "maire", incoming_id=elected, starts_at=election, pending="return"
        )
        await applied_plan(administrator, office)
        clock.now = election + timedelta(minutes=5)
        desk = str(administrator.town.desks["maire"])
        made(
            await direction.act(
                folder_id, "transfer", step="visa", to_desk_id=desk, reason="Pour vous."
            )
        )
        await drain(context)
        assert await waiting_desk(finances, folder_id) == [desk]

    async def test_a_folder_that_arrives_at_the_very_instant_follows_the_plan(
        self,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        elected: str,
        election: datetime,
        clock: DrivenClock,
    ) -> None:
        office = an_office(
            administrator, "direction", incoming_id=elected, starts_at=election, pending="return"
        )
        await applied_plan(administrator, office)
        clock.now = election
        folder_id = await finances.submitted()
        clock.advance(seconds=1)
        await drain(context)
        assert await waiting_desk(finances, folder_id) == []

    async def test_a_folder_of_which_the_office_is_only_asked_an_opinion_is_not_its_to_decide(
        self,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        elected: str,
        election: datetime,
        clock: DrivenClock,
    ) -> None:
        folder_id = await finances.submitted()
        desk = str(administrator.town.desks["maire"])
        made(
            await direction.act(
                folder_id, "ask_opinion", step="visa", of_desk_id=desk, question="Avis ?"
            )
        )
        office = an_office(
            administrator, "maire", incoming_id=elected, starts_at=election, pending="return"
        )
        plan = made(await administrator.client.post(PATH, json=a_plan(office)))
        made(await administrator.client.post(f"{PATH}/{plan['id']}/apply"))
        clock.now = election + timedelta(seconds=1)
        await drain(context)
        assert plan["effects"]["pending"][0]["folder_ids"] == []
        assert "handover.folder_kept" not in await journal_kinds(context, administrator)

    async def test_administrators_hear_of_what_the_plan_could_not_do(
        self,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        elected: str,
        election: datetime,
        clock: DrivenClock,
    ) -> None:
        town = administrator.town
        await add_person(context, town, "workflow_admin", Role.WORKFLOW_ADMIN, Role.TENANT_ADMIN)
        folder_id = await finances.submitted()
        office = an_office(
            administrator, "direction", incoming_id=elected, starts_at=election, pending="return"
        )
        await applied_plan(administrator, office)
        async with context.unit(town.tenant_id) as session:
            gone = {"id": town.users["administrateur"]}
            await session.execute(text("UPDATE users SET is_active = false WHERE id = :id"), gone)
        clock.now = election + timedelta(seconds=1)
        await drain(context)
        told = await mailed(context, administrator, folder_id, "folder_kept")
        assert told == ["workflow_admin"]
