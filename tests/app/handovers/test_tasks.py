"""What becomes of the folders that wait at an office when it changes hands."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import text

from app.auth.principal import Role
from app.context import Context
from app.db.session import make_engine, make_sessions
from app.handovers.service import HAND_OVER
from app.models import Job
from app.register.service import REVIEW
from app.worker import drain
from tests.app.conftest import Database
from tests.builders.administration import be_away, made
from tests.builders.damages import unreadable_event
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
from tests.builders.transmissions import jobs_of, work


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


class TestOneFolderAmongOthers:
    """What stops one folder never holds the others back, and the job comes back for it."""

    async def test_that_cannot_be_read_is_left_and_the_others_are_returned(
        self,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        elected: str,
        election: datetime,
        clock: DrivenClock,
    ) -> None:
        broken, sound = await finances.submitted(), await finances.submitted()
        office = an_office(
            administrator, "direction", incoming_id=elected, starts_at=election, pending="return"
        )
        await applied_plan(administrator, office)
        await drain(context)
        await broken_by(context, administrator, broken)
        clock.now = election + timedelta(seconds=1)
        await drain(context)
        assert await waiting_desk(finances, sound) == []
        job = (await jobs_of(context, administrator.town, HAND_OVER))[0]
        assert (job.state, job.attempts) == ("pending", 1)

    async def test_that_cannot_be_read_is_left_and_the_others_are_looked_at(
        self, context: Context, administrator: ApiPerson, finances: ApiPerson
    ) -> None:
        broken, sound = await finances.submitted(), await finances.submitted()
        await drain(context)
        await broken_by(context, administrator, broken)
        await be_away(administrator, "direction")
        await drain(context)
        told = await mailed(context, administrator, sound, "nobody_able")
        assert told == ["administrateur", "finances"]
        states = [(job.state, job.attempts) for job in await review_jobs(context, administrator)]
        assert ("pending", 1) in states

    async def test_on_which_somebody_acts_is_put_off_and_not_kept(
        self,
        context: Context,
        database: Database,
        administrator: ApiPerson,
        finances: ApiPerson,
        elected: str,
        election: datetime,
        clock: DrivenClock,
    ) -> None:
        folder_id = await finances.submitted()
        office = an_office(
            administrator, "direction", incoming_id=elected, starts_at=election, pending="return"
        )
        await applied_plan(administrator, office)
        clock.now = election + timedelta(seconds=1)
        engine = make_engine(database.app, statement_timeout_ms=700)
        hurried = replace(context, engine=engine, sessions=make_sessions(engine))
        async with context.unit(administrator.town.tenant_id) as session:
            # Unlike an act, it lets others name the folder: what would be told of it is told.
            held = text("SELECT id FROM folders WHERE id = :id FOR NO KEY UPDATE")
            await session.execute(held, {"id": folder_id})
            await work(hurried, administrator.town, HAND_OVER)
        await engine.dispose()
        assert len(await waiting_desk(finances, folder_id)) == 1
        clock.advance(minutes=1)
        await drain(context)
        assert await waiting_desk(finances, folder_id) == []
        assert "handover.folder_kept" not in await journal_kinds(context, administrator)

    async def test_that_was_kept_is_journaled_once_although_the_job_comes_back_for_another(
        self,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        elected: str,
        election: datetime,
        clock: DrivenClock,
    ) -> None:
        broken, kept = await finances.submitted(), await finances.submitted()
        town = administrator.town
        office = an_office(
            administrator, "direction", incoming_id=elected, starts_at=election, pending="return"
        )
        await applied_plan(administrator, office)
        await drain(context)
        await broken_by(context, administrator, broken)
        async with context.unit(town.tenant_id) as session:
            gone = {"id": town.users["administrateur"]}
            await session.execute(text("UPDATE users SET is_active = false WHERE id = :id"), gone)
        for _ in range(3):
            clock.now = max(clock.now + timedelta(minutes=1), election)
            await drain(context)
        assert (await jobs_of(context, town, HAND_OVER))[0].attempts == 3
        kinds = await journal_kinds(context, administrator)
        assert kinds.count("handover.folder_kept") == 1
        assert len(await waiting_desk(finances, kept)) == 1


async def broken_by(context: Context, administrator: ApiPerson, folder_id: str) -> None:
    async with context.unit(administrator.town.tenant_id) as session:
        session.add(unreadable_event(administrator.town, folder_id))


async def review_jobs(context: Context, administrator: ApiPerson) -> list[Job]:
    return await jobs_of(context, administrator.town, REVIEW)
