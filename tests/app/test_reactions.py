"""What follows an event: who is told, once, and reminded in time."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select

from app.context import Context
from app.demo.town import Town
from app.models import Notification
from app.worker import drain
from tests.builders.administration import be_away
from tests.builders.people import ApiPerson, approve
from tests.builders.subtypes import add_subtype, desk_of, step
from tests.builders.towns import DrivenClock


async def told(context: Context, town: Town) -> Counter[tuple[str, str]]:
    """Mails owed so far, once every due job has run: kind and reader."""
    await drain(context)
    keys = {user: key for key, user in town.users.items()}
    async with context.unit(town.tenant_id) as session:
        rows = await session.execute(select(Notification.kind, Notification.user_id))
        return Counter((kind, keys[user]) for kind, user in rows)


class TestReminders:
    async def test_come_after_working_days_to_whoever_still_has_the_step(
        self, context: Context, town: Town, finances: ApiPerson, clock: DrivenClock
    ) -> None:
        visa = step(town, "visa", "approval", "direction", remind_after_days=2)
        await add_subtype(context, town, visa)
        await finances.submitted("essai")
        waits = ("reminder", "direction")
        clock.advance(hours=23)
        assert (await told(context, town))[waits] == 0
        clock.advance(days=6)
        assert (await told(context, town))[waits] == 1
        clock.advance(days=6)
        assert (await told(context, town))[waits] == 1

    async def test_do_not_come_once_the_step_is_passed(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        visa = step(town, "visa", "approval", "direction", remind_after_days=2)
        await add_subtype(context, town, visa)
        folder_id = await finances.submitted("essai")
        await told(context, town)
        await approve(direction, folder_id)
        clock.advance(days=8)
        assert (await told(context, town))["reminder", "direction"] == 0


class TestInformed:
    async def test_desks_are_told_at_a_step_and_at_the_end(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        visa = step(town, "visa", "approval", "direction", informed=[desk_of(town, "maire")])
        circuit = {"informed_at_end": [desk_of(town, "maire"), {"kind": "submitter"}]}
        await add_subtype(context, town, visa, circuit=circuit)
        folder_id = await finances.submitted("essai")
        await approve(direction, folder_id)
        found = await told(context, town)
        assert found["informed", "maire"] == 1
        assert (found["ended", "maire"], found["ended", "finances"]) == (1, 1)


class TestOpinions:
    async def test_the_one_who_asked_hears_of_his_own_answer_only(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        visa = step(town, "visa", "approval", "direction", "maire", mode="all_of")
        await add_subtype(context, town, visa)
        folder_id = await finances.submitted("essai")
        asked = {"step": "visa", "of_desk_id": finances.desk}
        await direction.act(folder_id, "ask_opinion", **asked, question="Le budget ?")
        await finances.act(folder_id, "give_opinion", step="visa", answer="Suffisant")
        await mayor.act(folder_id, "ask_opinion", **asked, question="La date ?")
        await finances.act(folder_id, "give_opinion", step="visa", answer="En mai")
        found = await told(context, town)
        assert found["opinion_asked", "finances"] == 2
        assert (found["opinion_given", "direction"], found["opinion_given", "maire"]) == (1, 1)


class TestChangingPowers:
    async def test_an_absence_that_starts_tells_the_replacement_of_what_waits(
        self, context: Context, town: Town, finances: ApiPerson, administrator: ApiPerson
    ) -> None:
        await finances.submitted("letters")
        await told(context, town)
        await be_away(administrator, "direction", "maire")
        assert (await told(context, town))["to_approve", "maire"] == 1

    async def test_an_absence_that_leaves_nobody_able_is_reported_once_and_not_silent(
        self, context: Context, town: Town, finances: ApiPerson, administrator: ApiPerson
    ) -> None:
        await finances.submitted("letters")
        await told(context, town)
        await be_away(administrator, "direction")
        for _ in range(2):
            found = await told(context, town)
            assert found["nobody_able", "administrateur"] == 1
            assert found["nobody_able", "finances"] == 1

    async def test_where_all_must_pass_those_able_are_told_although_a_desk_has_nobody(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        visa = step(town, "visa", "approval", "direction", "maire", mode="all_of")
        await add_subtype(context, town, visa)
        await be_away(administrator, "direction")
        await finances.submitted("essai")
        found = await told(context, town)
        assert found["to_approve", "maire"] == 1
        assert found["nobody_able", "administrateur"] == 1
