"""What becomes of the folders that wait at an office when it changes hands."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from app.auth.principal import Role
from app.context import Context
from app.db.session import make_engine, make_sessions
from app.handovers.service import HAND_OVER, cancel
from tests.app.conftest import Database
from tests.builders.administration import made
from tests.builders.damages import unreadable_event
from tests.builders.handovers import PATH, Election, waiting_desk
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person
from tests.builders.transmissions import jobs_of, work
from tests.builders.waiting import until_it_waits
from tests.builders.watch import Watch


class TestHandover:
    async def test_a_folder_that_came_after_the_instant_is_left_to_the_new_holder(
        self,
        election: Election,
        watch: Watch,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
    ) -> None:
        folder_id = await finances.submitted()
        await election.apply("maire", pending="return")
        watch.clock.now = election.instant + timedelta(minutes=5)
        desk = str(administrator.town.desks["maire"])
        made(
            await direction.act(
                folder_id, "transfer", step="visa", to_desk_id=desk, reason="Pour vous."
            )
        )
        await watch.settle()
        assert await waiting_desk(finances, folder_id) == [desk]

    async def test_a_folder_that_arrives_at_the_very_instant_follows_the_plan(
        self, election: Election, watch: Watch, finances: ApiPerson
    ) -> None:
        await election.apply("direction", pending="return")
        watch.clock.now = election.instant
        folder_id = await finances.submitted()
        watch.clock.advance(seconds=1)
        await watch.settle()
        assert await waiting_desk(finances, folder_id) == []

    async def test_a_plan_that_is_just_being_cancelled_moves_nothing(
        self,
        election: Election,
        watch: Watch,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
    ) -> None:
        town = administrator.town
        folder_id = await finances.submitted()
        plan = await election.apply("direction", pending="return")
        async with context.unit(town.tenant_id) as session:
            await cancel(session, context, uuid.UUID(plan.rpartition("/")[2]))
            watch.clock.now = election.instant + timedelta(seconds=1)
            moving = asyncio.ensure_future(work(context, town, HAND_OVER))
            await until_it_waits(context, moving)
        assert await moving == 1
        assert await waiting_desk(finances, folder_id) == [direction.desk]

    async def test_a_folder_of_which_the_office_is_only_asked_an_opinion_is_not_its_to_decide(
        self,
        election: Election,
        watch: Watch,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
    ) -> None:
        folder_id = await finances.submitted()
        desk = str(administrator.town.desks["maire"])
        made(
            await direction.act(
                folder_id, "ask_opinion", step="visa", of_desk_id=desk, question="Avis ?"
            )
        )
        plan = await election.plan("maire", pending="return")
        made(await administrator.client.post(f"{PATH}/{plan['id']}/apply"))
        await watch.at(election.instant + timedelta(seconds=1))
        assert plan["effects"]["pending"][0]["folder_ids"] == []
        assert "handover.folder_kept" not in await watch.journal_kinds()

    async def test_administrators_hear_of_what_the_plan_could_not_do(
        self,
        election: Election,
        watch: Watch,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
    ) -> None:
        town = administrator.town
        await add_person(context, town, "workflow_admin", Role.WORKFLOW_ADMIN, Role.TENANT_ADMIN)
        folder_id = await finances.submitted()
        await election.apply("direction", pending="return")
        await close_account(administrator)
        await watch.at(election.instant + timedelta(seconds=1))
        told = await watch.mailed(folder_id, "folder_kept")
        assert told == ["workflow_admin"]


class TestOneFolderAmongOthers:
    """What stops one folder never holds the others back, and the job comes back for it."""

    async def test_that_cannot_be_read_is_left_and_the_others_are_returned(
        self,
        election: Election,
        watch: Watch,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
    ) -> None:
        broken, sound = await finances.submitted(), await finances.submitted()
        await election.apply("direction", pending="return")
        await watch.settle()
        await damage(administrator, broken)
        await watch.at(election.instant + timedelta(seconds=1))
        assert await waiting_desk(finances, sound) == []
        job = (await jobs_of(context, administrator.town, HAND_OVER))[0]
        assert (job.state, job.attempts) == ("pending", 1)

    async def test_on_which_somebody_acts_is_put_off_and_not_kept(
        self,
        election: Election,
        watch: Watch,
        context: Context,
        database: Database,
        administrator: ApiPerson,
        finances: ApiPerson,
    ) -> None:
        folder_id = await finances.submitted()
        await election.apply("direction", pending="return")
        watch.clock.now = election.instant + timedelta(seconds=1)
        engine = make_engine(database.app, statement_timeout_ms=700)
        hurried = replace(context, engine=engine, sessions=make_sessions(engine))
        async with context.unit(administrator.town.tenant_id) as session:
            # Unlike an act, it lets others name the folder: what would be told of it is told.
            held = text("SELECT id FROM folders WHERE id = :id FOR NO KEY UPDATE")
            await session.execute(held, {"id": folder_id})
            await work(hurried, administrator.town, HAND_OVER)
        await engine.dispose()
        assert len(await waiting_desk(finances, folder_id)) == 1
        watch.clock.advance(minutes=1)
        await watch.settle()
        assert await waiting_desk(finances, folder_id) == []
        assert "handover.folder_kept" not in await watch.journal_kinds()

    async def test_that_was_kept_is_journaled_once_although_the_job_comes_back_for_another(
        self,
        election: Election,
        watch: Watch,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
    ) -> None:
        broken, kept = await finances.submitted(), await finances.submitted()
        town = administrator.town
        await election.apply("direction", pending="return")
        await watch.settle()
        await damage(administrator, broken)
        await close_account(administrator)
        for _ in range(3):
            await watch.at(max(watch.clock.now + timedelta(minutes=1), election.instant))
        assert (await jobs_of(context, town, HAND_OVER))[0].attempts == 3
        kinds = await watch.journal_kinds()
        assert kinds.count("handover.folder_kept") == 1
        assert len(await waiting_desk(finances, kept)) == 1


async def damage(by: ApiPerson, folder_id: str) -> None:
    """The folder cannot be read any more."""
    async with by.context.unit(by.town.tenant_id) as session:
        session.add(unreadable_event(by.town, folder_id))


async def close_account(person: ApiPerson) -> None:
    gone = {"id": person.town.users[person.key]}
    async with person.context.unit(person.town.tenant_id) as session:
        await session.execute(text("UPDATE users SET is_active = false WHERE id = :id"), gone)
