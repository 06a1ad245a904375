"""Desks and who holds them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.auth.principal import Role
from app.auth.service import principal_of_session
from app.context import Context
from app.demo.town import Town
from tests.app.conftest import PersonOf
from tests.builders.administration import said
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person
from tests.builders.towns import DrivenClock, cookie_of, random_id
from tests.builders.traces import journal_kinds


async def held(context: Context, town: Town, key: str) -> set[str]:
    """The desks of a person now."""
    principal, _ = await principal_of_session(context, await cookie_of(context, town, key))
    return {str(one) for one in principal.desk_ids}


class TestCreate:
    async def test_a_desk_starts_without_holder(self, administrator: ApiPerson) -> None:
        made = await administrator.client.post(
            "/desks", json={"name": "  Secrétariat ", "capacity": "Secrétaire de mairie"}
        )
        read = made.json()
        assert made.status_code == 201
        assert (read["name"], read["capacity"], read["holders"]) == (
            "Secrétariat",
            "Secrétaire de mairie",
            [],
        )

    async def test_its_name_is_its_own(self, administrator: ApiPerson) -> None:
        answer = await administrator.client.post("/desks", json={"name": "Maire"})
        assert (answer.status_code, answer.json()["code"]) == (409, "desk_name_taken")

    async def test_threat_33_the_name_of_a_desk_elsewhere_is_free(
        self, administrator: ApiPerson, other_town: Town
    ) -> None:
        assert other_town.desks
        names = ["Police municipale", "Police municipale "]
        statuses = [
            (await administrator.client.post("/desks", json={"name": name})).status_code
            for name in names
        ]
        assert statuses == [201, 409]

    @pytest.mark.parametrize("name", ["", "   ", "x" * 256])
    async def test_a_name_is_needed_and_bounded(self, administrator: ApiPerson, name: str) -> None:
        assert (await administrator.client.post("/desks", json={"name": name})).status_code == 422

    async def test_it_is_journaled(self, administrator: ApiPerson) -> None:
        await administrator.client.post("/desks", json={"name": "Secrétariat"})
        assert await journal_kinds(administrator) == ["desk.created"]


class TestHold:
    async def test_a_desk_may_have_several_holders_and_a_person_several_desks(
        self, context: Context, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        path = f"/desks/{town.desks['maire']}/holders"
        answer = await administrator.client.post(
            path, json={"user_id": str(town.users["direction"])}
        )
        holders = {one["user_id"] for one in answer.json()["holders"]}
        assert holders == {str(town.users["maire"]), str(town.users["direction"])}
        assert await held(context, town, "direction") == {
            str(town.desks["direction"]),
            str(town.desks["maire"]),
        }

    async def test_threat_36_who_administers_desks_without_accounts_opens_none_to_himself(
        self, context: Context, administrator: ApiPerson, person_of: PersonOf
    ) -> None:
        town = administrator.town
        await add_person(context, town, "workflow_admin", Role.WORKFLOW_ADMIN)
        workflow_admin = await person_of(town, "workflow_admin")
        himself = {"user_id": str(town.users["workflow_admin"])}
        desk = f"/desks/{town.desks['maire']}"
        bodies = {"holders": himself, "staff": himself | {"role": "supervisor"}}
        refused = [
            said(await workflow_admin.client.post(f"{desk}/{what}", json=body))
            for what, body in bodies.items()
        ]
        by_another = [
            said(await administrator.client.post(f"{desk}/{what}", json=body))
            for what, body in bodies.items()
        ]
        # In a small town who makes the accounts may be the only one to hold a desk.
        own = {"user_id": str(town.users["administrateur"])}
        assert refused == [(403, "self_granted")] * 2
        assert by_another == [(201, None)] * 2
        assert said(await administrator.client.post(f"{desk}/holders", json=own)) == (201, None)

    async def test_a_period_counts_from_its_start_until_its_end_excluded(
        self, context: Context, administrator: ApiPerson, clock: DrivenClock
    ) -> None:
        town, now = administrator.town, clock()
        body = {
            "user_id": str(town.users["finances"]),
            "starts_at": (now + timedelta(minutes=10)).isoformat(),
            "ends_at": (now + timedelta(minutes=20)).isoformat(),
        }
        await administrator.client.post(f"/desks/{town.desks['maire']}/holders", json=body)
        seen = []
        for minutes in (9, 10, 19, 20):
            clock.now = now + timedelta(minutes=minutes)
            seen.append(str(town.desks["maire"]) in await held(context, town, "finances"))
        assert seen == [False, True, True, False]

    async def test_a_period_that_ends_before_it_starts_is_refused(
        self, administrator: ApiPerson, clock: DrivenClock
    ) -> None:
        town = administrator.town
        body = {"user_id": str(town.users["finances"]), "ends_at": clock().isoformat()}
        answer = await administrator.client.post(f"/desks/{town.desks['maire']}/holders", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "period_reversed")

    async def test_threat_33_somebody_of_another_tenant_does_not_hold(
        self, administrator: ApiPerson, other_town: Town
    ) -> None:
        path = f"/desks/{administrator.town.desks['maire']}/holders"
        statuses = [
            (await administrator.client.post(path, json={"user_id": str(one)})).status_code
            for one in (other_town.users["maire"], random_id())
        ]
        assert statuses == [404, 404]


async def test_everybody_reads_the_desks_of_the_town(finances: ApiPerson) -> None:
    listed = (await finances.client.get("/desks")).json()
    assert {one["id"] for one in listed} == {str(one) for one in finances.town.desks.values()}
