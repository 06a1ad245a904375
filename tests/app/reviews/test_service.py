"""Once powers have changed: who may now act is told, what nobody may pass is reported."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.context import Context
from app.demo.town import Town
from tests.builders.administration import be_away, give, hold, leave, made
from tests.builders.handovers import an_office, applied_plan
from tests.builders.people import ApiPerson, approved
from tests.builders.principals import add_person
from tests.builders.towns import DrivenClock, a_signer, certify
from tests.builders.watch import Watch

WATCHERS = ["administrateur", "finances"]
"""The administrator, and who deposited."""


@pytest.fixture
async def adjoint(context: Context, administrator: ApiPerson) -> str:
    """Somebody who holds no desk; his key."""
    await add_person(context, administrator.town, "adjoint")
    return "adjoint"


@pytest.fixture
def soon(clock: DrivenClock) -> datetime:
    return clock() + timedelta(minutes=20)


async def certified(context: Context, town: Town, key: str) -> None:
    signer = a_signer()
    await certify(context, town, key, signer.mayor.der, (signer.issuer.der,))


async def without_certificate(context: Context, town: Town, key: str) -> None:
    async with context.unit(town.tenant_id) as session:
        await session.execute(
            text("DELETE FROM certificates WHERE user_id = :id"), {"id": town.users[key]}
        )


class TestAbsence:
    async def test_folders_that_already_wait_are_told_to_who_may_act_and_reported_when_none(
        self, watch: Watch, administrator: ApiPerson, finances: ApiPerson, adjoint: str
    ) -> None:
        folder_id = await finances.submitted()
        await watch.settle()
        absence = await be_away(administrator, "direction")
        await watch.settle()
        reported = await watch.mailed(folder_id, "nobody_able")
        watch.clock.advance(seconds=1)
        replaced = {"replacement_ids": [str(administrator.town.users[adjoint])]}
        made(await administrator.client.patch(f"/absences/{absence['id']}", json=replaced))
        await watch.settle()
        assert reported == WATCHERS
        assert await watch.mailed(folder_id, "to_approve") == ["adjoint", "direction"]

    @pytest.mark.parametrize("how", ["by its date", "at once"])
    async def test_at_its_end_the_holder_set_aside_by_a_substitute_is_told_what_came_back(
        self,
        watch: Watch,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        soon: datetime,
        how: str,
    ) -> None:
        await certified(context, administrator.town, "direction")
        folder_id = await approved(finances, direction)
        await watch.settle()
        period = {"ends_at": soon.isoformat()} if how == "by its date" else {}
        absence = await be_away(administrator, "maire", period=period)
        await give(administrator, "maire", "direction", kind="substitution", grantor_id=None)
        await watch.settle()
        during = await watch.mailed(folder_id, "to_sign")
        watch.clock.now = soon
        if how == "at once":
            path = f"/absences/{absence['id']}"
            made(await administrator.client.patch(path, json={"ends_now": True}))
        await watch.settle()
        assert during == ["direction", "maire"]
        after = await watch.mailed(folder_id, "to_sign")
        assert after == ["direction", "maire", "maire"]

    async def test_a_second_outage_is_reported_again_and_the_same_one_is_not(
        self, watch: Watch, administrator: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        client, folder_id = administrator.client, await finances.submitted()
        await watch.settle()
        told = []
        for desk in ("maire", "finances"):
            watch.clock.advance(minutes=1)
            path = f"/absences/{(await be_away(administrator, 'direction'))['id']}"
            await watch.settle()
            watch.clock.advance(minutes=1)
            # Something happens to the folder meanwhile.
            asked = {"of_desk_id": str(administrator.town.desks[desk]), "question": "Un avis ?"}
            made(await direction.act(folder_id, "ask_opinion", step="visa", **asked))
            made(await client.patch(path, json={"last_day": "2099-12-31"}))
            await watch.settle()
            told.append(await watch.mailed(folder_id, "nobody_able"))
            watch.clock.advance(minutes=1)
            made(await client.patch(path, json={"ends_now": True}))
            await watch.settle()
        assert told == [WATCHERS, sorted(2 * WATCHERS)]
        # He kept his power all along: he is not told twice.
        assert await watch.mailed(folder_id, "to_approve") == ["direction"]

    async def test_a_replacement_hears_of_a_folder_each_time_that_it_becomes_his(
        self, watch: Watch, administrator: ApiPerson, finances: ApiPerson, adjoint: str
    ) -> None:
        folder_id = await finances.submitted()
        for _ in range(2):
            watch.clock.advance(minutes=1)
            absence = await be_away(administrator, "direction", adjoint)
            await watch.settle()
            watch.clock.advance(minutes=1)
            path = f"/absences/{absence['id']}"
            made(await administrator.client.patch(path, json={"ends_now": True}))
            await watch.settle()
        told = await watch.mailed(folder_id, "to_approve")
        assert told.count(adjoint) == 2

    async def test_somebody_asked_for_an_opinion_who_was_away_hears_of_the_question_once_he_is_back(
        self,
        watch: Watch,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        soon: datetime,
    ) -> None:
        await be_away(administrator, "maire", period={"ends_at": soon.isoformat()})
        folder_id = await finances.submitted()
        question = {"of_desk_id": str(administrator.town.desks["maire"]), "question": "Accord ?"}
        made(await direction.act(folder_id, "ask_opinion", step="visa", **question))
        await watch.settle()
        during = await watch.mailed(folder_id, "opinion_asked")
        await watch.at(soon)
        after = await watch.mailed(folder_id, "opinion_asked")
        await watch.at(soon + timedelta(days=1))
        later = await watch.mailed(folder_id, "opinion_asked")
        assert (during, after, later) == ([], ["maire"], ["maire"])


class TestLeaving:
    async def test_a_holding_that_ends_by_its_date_is_reported_at_that_instant(
        self,
        watch: Watch,
        administrator: ApiPerson,
        finances: ApiPerson,
        adjoint: str,
        soon: datetime,
    ) -> None:
        await hold(administrator, "direction", adjoint, ends_at=soon.isoformat())
        watch.clock.advance(minutes=1)
        await leave(administrator, "direction", "direction")
        folder_id = await finances.submitted()
        await watch.at(soon - timedelta(seconds=1))
        before = await watch.mailed(folder_id, "nobody_able")
        await watch.at(soon)
        after = await watch.mailed(folder_id, "nobody_able")
        assert (before, after) == ([], WATCHERS)

    @pytest.mark.parametrize(
        ("how", "named"), [("by hand", True), ("in a plan", True), ("in a plan", False)]
    )
    async def test_the_office_where_a_delegate_served_is_looked_at_when_he_leaves_his_own(
        self,
        watch: Watch,
        administrator: ApiPerson,
        finances: ApiPerson,
        adjoint: str,
        soon: datetime,
        how: str,
        *,
        named: bool,
    ) -> None:
        town = administrator.town
        await be_away(administrator, "direction")
        await hold(administrator, "maire", adjoint)
        desk = {"grantee_desk_id": str(town.desks["maire"])} if named else {}
        await give(administrator, "direction", adjoint, **desk)
        folder_id = await finances.submitted()
        await watch.settle()
        before = await watch.mailed(folder_id, "nobody_able")
        watch.clock.advance(minutes=1)
        if how == "by hand":
            await leave(administrator, "maire", adjoint, ends_at=soon.isoformat())
        else:
            leaving = str(town.users[adjoint])
            office = an_office(administrator, "maire", outgoing_id=leaving, ends_at=soon)
            await applied_plan(administrator, office)
        await watch.at(soon)
        after = await watch.mailed(folder_id, "nobody_able")
        assert (before, after) == ([], WATCHERS)

    @pytest.mark.parametrize("power", ["delegation", "replacement"])
    async def test_an_account_that_closes_is_seen_wherever_its_person_had_a_power(
        self, watch: Watch, administrator: ApiPerson, finances: ApiPerson, adjoint: str, power: str
    ) -> None:
        replacing = (adjoint,) if power == "replacement" else ()
        await be_away(administrator, "direction", *replacing)
        if power == "delegation":
            await give(administrator, "direction", adjoint)
        folder_id = await finances.submitted()
        await watch.settle()
        path = f"/users/{administrator.town.users[adjoint]}"
        reported: list[Any] = []
        for is_active in (False, True):
            watch.clock.advance(minutes=1)
            made(await administrator.client.patch(path, json={"is_active": is_active}))
            await watch.settle()
            reported.append(await watch.mailed(folder_id, "nobody_able"))
        assert reported == [WATCHERS, WATCHERS]
        told = await watch.mailed(folder_id, "to_approve")
        assert told.count(adjoint) == 2


class TestCertificate:
    async def test_one_that_is_registered_calls_its_person_and_one_that_expires_is_reported(
        self,
        watch: Watch,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
    ) -> None:
        town = administrator.town
        await without_certificate(context, town, "maire")
        folder_id = await approved(finances, direction)
        await watch.settle()
        reported = [await watch.mailed(folder_id, "nobody_able")]
        watch.clock.advance(minutes=1)
        await certified(context, town, "maire")
        await watch.settle()
        called = await watch.mailed(folder_id, "to_sign")
        watch.clock.advance(days=366)
        await watch.settle()
        reported.append(await watch.mailed(folder_id, "nobody_able"))
        assert called == ["maire"]
        assert reported == [WATCHERS, sorted(2 * WATCHERS)]
