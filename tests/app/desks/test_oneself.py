"""What nobody does for himself: open his own substitution, or bring folders to his own desk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.auth.principal import Role
from app.context import Context
from tests.app.conftest import PersonOf
from tests.builders.administration import be_away, give, hold, made, said
from tests.builders.handovers import PATH, a_plan, an_office
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person
from tests.builders.towns import DrivenClock

SELF_GRANTED = (403, "self_granted")
Caller = Callable[..., Awaitable[ApiPerson]]


@pytest.fixture
def caller(context: Context, administrator: ApiPerson, person_of: PersonOf) -> Caller:
    """Somebody more of the town, under these roles."""

    async def added(key: str, *roles: Role) -> ApiPerson:
        await add_person(context, administrator.town, key, *roles)
        return await person_of(administrator.town, key)

    return added


async def substitute(by: ApiPerson, key: str, kind: str = "substitution") -> dict[str, Any]:
    """Serves for the mayor once he is away, or gone."""
    return await give(by, "maire", key, kind=kind, grantor_id=None)


async def holding(by: ApiPerson, desk: str) -> str:
    """The address of the first holding of a desk."""
    listed = (await by.client.get("/desks")).json()
    path = f"/desks/{by.town.desks[desk]}"
    (rows,) = (one["holders"] for one in listed if one["id"] == str(by.town.desks[desk]))
    return f"{path}/holders/{rows[0]['id']}"


async def away(by: ApiPerson, **more: Any) -> tuple[int, str | None]:
    """Declares the mayor absent."""
    body = {"user_id": str(by.town.users["maire"]), "period": {}} | more
    return said(await by.client.post("/absences", json=body))


class TestSubstitutes:
    @pytest.mark.parametrize("kind", ["substitution", "interim"])
    async def test_threat_36_a_substitute_who_administers_opens_nothing_to_himself(
        self, administrator: ApiPerson, caller: Caller, kind: str
    ) -> None:
        admin = await caller("adjoint", Role.WORKFLOW_ADMIN)
        grant = await substitute(administrator, "adjoint", kind)
        # A delegation serves whether its grantor is there or not: nothing opens.
        await give(administrator, "direction", "adjoint")
        path = await holding(administrator, "maire")
        refused = [
            await away(admin),
            await away(admin, desk_id=str(admin.town.desks["maire"])),
            said(await admin.client.patch(path, json={})),
        ]
        elsewhere = {"user_id": str(admin.town.users["direction"]), "period": {}}
        free = said(await admin.client.post("/absences", json=elsewhere))
        made(await administrator.client.post(f"/grants/{grant['id']}/repeal"))
        assert refused == [SELF_GRANTED] * 3
        assert (free, await away(admin)) == ((201, None), (201, None))

    async def test_threat_36_nor_does_an_assistant_who_may_declare_the_absence(
        self, administrator: ApiPerson, caller: Caller, mayor: ApiPerson
    ) -> None:
        secretary = await caller("secretary")
        desk = administrator.town.desks["maire"]
        staff = {
            "user_id": str(administrator.town.users["secretary"]),
            "role": "assistant",
            "may_declare_absence": True,
        }
        made(await administrator.client.post(f"/desks/{desk}/staff", json=staff))
        await substitute(administrator, "secretary")
        assert await away(secretary, desk_id=str(desk)) == SELF_GRANTED
        assert await away(mayor, desk_id=str(desk)) == (201, None)

    async def test_who_makes_the_accounts_may_and_who_leaves_his_own_desk_too(
        self, administrator: ApiPerson, caller: Caller
    ) -> None:
        admin = await caller("adjoint", Role.WORKFLOW_ADMIN)
        held = await hold(administrator, "maire", "adjoint")
        await substitute(administrator, "adjoint")
        await substitute(admin, "administrateur")
        assert await away(admin, user_id=str(admin.town.users["adjoint"])) == (201, None)
        assert await away(administrator) == (201, None)
        own = f"/desks/{held['id']}/holders/{held['holders'][1]['id']}"
        assert said(await admin.client.patch(own, json={})) == (200, None)

    async def test_threat_36_who_replaces_or_substitutes_does_not_prolong_the_absence(
        self, administrator: ApiPerson, caller: Caller, mayor: ApiPerson
    ) -> None:
        replacement = await caller("remplacant", Role.WORKFLOW_ADMIN)
        admin = await caller("adjoint", Role.WORKFLOW_ADMIN)
        read = await be_away(
            administrator, "maire", "remplacant", period={"last_day": "2099-01-31"}
        )
        await substitute(administrator, "adjoint")
        path = f"/absences/{read['id']}"
        later: list[dict[str, Any]] = [{"last_day": "2099-02-28"}, {"ends_at": None}]
        refused = [
            said(await one.client.patch(path, json=body))
            for one in (replacement, admin)
            for body in later
        ]
        others = later[0] | {"replacement_ids": []}
        refused.append(said(await admin.client.patch(path, json=others)))
        sooner = {"last_day": "2099-01-30"}
        assert refused == [SELF_GRANTED] * 5
        assert said(await replacement.client.patch(path, json=sooner)) == (200, None)
        assert said(await mayor.client.patch(path, json=later[0])) == (200, None)
        assert said(await administrator.client.patch(path, json=later[1])) == (200, None)


class TestPlans:
    async def test_threat_36_no_plan_brings_what_waits_to_the_desk_of_who_makes_it(
        self, administrator: ApiPerson, caller: Caller, clock: DrivenClock
    ) -> None:
        admin = await caller("adjoint", Role.WORKFLOW_ADMIN)
        # He is to hold it by then.
        starts = (clock() + timedelta(minutes=1)).isoformat()
        await hold(administrator, "finances", "adjoint", starts_at=starts)
        office = self.leaving(administrator, clock() + timedelta(minutes=5), "finances")
        plan = made(await administrator.client.post(PATH, json=a_plan(office)))
        refused = [
            said(await admin.client.post(PATH, json=a_plan(office))),
            said(await admin.client.post(f"{PATH}/{plan['id']}/apply")),
        ]
        await hold(administrator, "finances", "administrateur")
        other = self.leaving(administrator, clock() + timedelta(minutes=5), "maire")
        assert refused == [SELF_GRANTED] * 2
        assert said(await admin.client.post(PATH, json=a_plan(other))) == (201, None)
        path = f"{PATH}/{plan['id']}/apply"
        assert said(await administrator.client.post(path)) == (200, None)

    async def test_threat_36_no_plan_leaves_vacant_an_office_where_who_makes_it_is_interim(
        self, administrator: ApiPerson, caller: Caller, clock: DrivenClock
    ) -> None:
        admin = await caller("adjoint", Role.WORKFLOW_ADMIN)
        elected = await caller("elue")
        await substitute(administrator, "adjoint", "interim")
        leaves = clock() + timedelta(minutes=5)
        vacant = an_office(administrator, "maire", ends_at=leaves)
        filled = vacant | {
            "incoming_id": str(elected.town.users["elue"]),
            "starts_at": leaves.isoformat(),
        }
        answers = [
            said(await admin.client.post(PATH, json=a_plan(one))) for one in (vacant, filled)
        ]
        assert answers == [SELF_GRANTED, (201, None)]

    @staticmethod
    def leaving(by: ApiPerson, at: datetime, to: str) -> dict[str, Any]:
        """The director leaves, and what waits for him goes to that desk."""
        desk = str(by.town.desks[to])
        return an_office(by, "direction", ends_at=at, pending="transfer", transfer_desk_id=desk)
