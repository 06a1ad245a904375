"""The dates that a plan sets at an office: nobody else's plan, nor a correction, is undone."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.context import Context
from app.handovers.dates import Undo, undo_in, undo_written
from app.kit.ids import new_id
from tests.builders.administration import hold, made, said
from tests.builders.handovers import (
    PATH,
    Election,
    a_plan,
    an_office,
    applied_plan,
    waiting_desk,
)
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person
from tests.builders.watch import Watch


async def held(by: ApiPerson, desk: str) -> list[dict[str, Any]]:
    """Who holds the desk, from when to when."""
    listed = (await by.client.get("/desks")).json()
    return next(one["holders"] for one in listed if one["id"] == str(by.town.desks[desk]))


async def end(by: ApiPerson, desk: str, person: str, at: datetime) -> dict[str, Any]:
    """Corrects the end of the last holding of that person by hand."""
    user = str(by.town.users[person])
    row = next(one for one in reversed(await held(by, desk)) if one["user_id"] == user)
    path = f"/desks/{by.town.desks[desk]}/holders/{row['id']}"
    return made(await by.client.patch(path, json={"ends_at": at.isoformat()}))


class TestStored:
    """What giving back needs stays in the row of the plan, for as long as the plan counts."""

    def test_is_read_as_it_was_written(self) -> None:
        undo = Undo(
            ended={new_id(): datetime(2026, 3, 22, 9, 30, 0, 4, tzinfo=UTC), new_id(): None},
            started=[new_id(), new_id()],
            mandates={new_id(): date(2026, 3, 21), new_id(): None},
        )
        assert undo_in(json.loads(json.dumps(undo_written(undo)))) == undo

    def test_is_read_where_an_earlier_release_wrote_it(self) -> None:
        holder, mandate = new_id(), new_id()
        stored: dict[str, Any] = {
            "ended": {str(holder): "2026-03-22T10:30:00+01:00"},
            "started": [str(holder)],
            "mandates": {str(mandate): "2026-03-21"},
        }
        ends_at = datetime(2026, 3, 22, 9, 30, tzinfo=UTC)
        assert undo_in(stored) == Undo({holder: ends_at}, [holder], {mandate: date(2026, 3, 21)})

    def test_says_nothing_of_mandates_where_the_first_release_wrote_it(self) -> None:
        holder = new_id()
        stored: dict[str, Any] = {"ended": {str(holder): None}, "started": []}
        assert undo_in(stored) == Undo({holder: None}, [], {})


class TestTwoPlans:
    async def test_an_office_that_awaits_an_applied_plan_takes_no_other(
        self, election: Election, context: Context, administrator: ApiPerson
    ) -> None:
        client, town = administrator.client, administrator.town
        await add_person(context, town, "autre")
        other = an_office(
            administrator,
            "maire",
            incoming_id=str(town.users["autre"]),
            starts_at=election.instant - timedelta(minutes=5),
        )
        waiting = made(await client.post(PATH, json=a_plan(other)))
        path = await election.apply("maire")
        refused = await client.post(PATH, json=a_plan(other))
        applied = said(await client.post(f"{PATH}/{waiting['id']}/apply"))
        read = made(await client.get(f"{PATH}/{waiting['id']}"))
        made(await client.post(f"{path}/cancel"))
        freed = said(await client.post(f"{PATH}/{waiting['id']}/apply"))
        assert said(refused) == applied == (409, "office_awaits_plan")
        assert "« Installation du conseil »" in refused.json()["detail"]
        assert "« Maire »" in refused.json()["detail"]
        assert (read["effects"], read["refusal"]) == (None, refused.json()["detail"])
        assert freed == (200, None)

    @pytest.mark.parametrize("still", ["to leave", "to come"])
    async def test_an_office_awaits_whoever_is_still_to_leave_or_to_come(
        self, election: Election, watch: Watch, administrator: ApiPerson, still: str
    ) -> None:
        leaves_at, day = election.instant, timedelta(days=1)
        if still == "to leave":
            await applied_plan(administrator, an_office(administrator, "maire", ends_at=leaves_at))
            earlier = leaves_at - timedelta(minutes=5)
            other = an_office(administrator, "maire", ends_at=earlier)
        else:
            await election.apply("maire", ends_at=leaves_at, starts_at=leaves_at + day)
            watch.clock.now = leaves_at
            leaving = {"outgoing_id": election.elected}
            other = an_office(administrator, "maire", ends_at=leaves_at + 2 * day, **leaving)
        refused = await administrator.client.post(PATH, json=a_plan(other))
        assert said(refused) == (409, "office_awaits_plan")

    async def test_the_same_plan_is_not_applied_twice(
        self, election: Election, administrator: ApiPerson
    ) -> None:
        plans = [await election.plan("maire") for _ in "12"]
        answers = [
            said(await administrator.client.post(f"{PATH}/{one['id']}/apply")) for one in plans
        ]
        assert answers == [(200, None), (409, "office_awaits_plan")]
        holders = [one["user_id"] for one in await held(administrator, "maire")]
        assert holders.count(election.elected) == 1

    async def test_an_office_is_free_again_once_the_plan_has_come_to_its_last_start(
        self, election: Election, watch: Watch, context: Context, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        await add_person(context, town, "interimaire")
        bridging = {
            "user_id": election.elected,
            "starts_at": election.instant.isoformat(),
            "ends_at": (election.instant + timedelta(days=90)).isoformat(),
        }
        office = an_office(administrator, "maire", ends_at=election.instant, bridging=bridging)
        await applied_plan(administrator, office)
        watch.clock.now = election.instant
        # Somebody is elected while the office is held for a time.
        following = an_office(
            administrator,
            "maire",
            incoming_id=str(town.users["interimaire"]),
            starts_at=election.instant + timedelta(days=1),
        ) | {"outgoing_id": election.elected}
        assert (await administrator.client.post(PATH, json=a_plan(following))).status_code == 201


class TestCorrectedByHand:
    @pytest.mark.parametrize("who", ["outgoing", "incoming", "incoming for a time"])
    async def test_a_plan_whose_dates_were_corrected_is_not_undone(
        self, election: Election, administrator: ApiPerson, who: str
    ) -> None:
        path = await election.apply("maire")
        if who == "outgoing":
            await end(administrator, "maire", "maire", election.instant - timedelta(minutes=5))
        else:
            stays = timedelta(days=1) if who == "incoming for a time" else timedelta()
            await end(administrator, "maire", "elue", election.instant + stays)
        before = await held(administrator, "maire")
        refused = await administrator.client.post(f"{path}/cancel")
        assert said(refused) == (409, "installation_changed")
        name = "Camille Exemple" if who == "outgoing" else "Sacha Essai"
        assert f"L'affectation de {name} au bureau « Maire »" in refused.json()["detail"]
        assert await held(administrator, "maire") == before

    async def test_nor_one_that_ended_a_mandate_whose_end_was_corrected_since(
        self, election: Election, administrator: ApiPerson
    ) -> None:
        client, town = administrator.client, administrator.town
        mandate = {
            "user_id": str(town.users["maire"]),
            "body": "Conseil municipal",
            "function": "Maire",
            "desk_id": str(town.desks["maire"]),
            "starts_on": "2020-07-03",
        }
        kept = made(await client.post("/mandates", json=mandate))
        path = await election.apply("maire")
        change = {"ends_on": "2021-01-01"}
        made(await client.patch(f"/mandates/{kept['id']}", json=change))
        refused = await client.post(f"{path}/cancel")
        assert said(refused) == (409, "installation_changed")
        assert "Le mandat de Camille Exemple" in refused.json()["detail"]
        assert [one["ends_on"] for one in (await client.get("/mandates")).json()] == ["2021-01-01"]
        await client.delete(f"/mandates/{kept['id']}")
        assert said(await client.post(f"{path}/cancel")) == (200, None)

    async def test_what_waits_stays_with_whoever_was_given_the_office_meanwhile(
        self, election: Election, watch: Watch, administrator: ApiPerson, finances: ApiPerson
    ) -> None:
        folder_id = await finances.submitted()
        await election.apply("direction", pending="return")
        await end(administrator, "direction", "direction", election.instant - timedelta(minutes=5))
        await hold(administrator, "direction", "maire")
        await watch.at(election.instant + timedelta(seconds=1))
        desk = str(administrator.town.desks["direction"])
        assert await waiting_desk(finances, folder_id) == [desk]
        assert "handover.folder_kept" in await watch.journal_kinds()


class TestInstants:
    async def test_each_instant_of_a_plan_is_looked_at(
        self,
        election: Election,
        watch: Watch,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
    ) -> None:
        town, now = administrator.town, watch.clock()
        await add_person(context, town, "adjoint")
        folder_id = await finances.submitted()
        await watch.settle()
        leaves, bridged, gap, elects = (now + timedelta(minutes=n) for n in (10, 20, 30, 40))
        await election.apply(
            "direction",
            ends_at=leaves,
            starts_at=elects,
            bridging={
                "user_id": str(town.users["adjoint"]),
                "starts_at": bridged.isoformat(),
                "ends_at": gap.isoformat(),
            },
        )
        told = []
        for instant in (leaves, bridged, gap, elects):
            await watch.at(instant)
            told.append(
                (
                    len(await watch.mailed(folder_id, "nobody_able")),
                    await watch.mailed(folder_id, "to_approve"),
                )
            )
        holder = "direction"
        assert told == [
            (2, [holder]),
            (2, ["adjoint", holder]),
            (4, ["adjoint", holder]),
            (4, ["adjoint", holder, "elue"]),
        ]
