"""The installation of a council: planned, shown, applied at its instants, cancelled before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.context import Context
from app.worker import drain
from tests.app.conftest import PersonOf
from tests.builders.administration import around, give, made, powers_at, said
from tests.builders.people import ApiPerson, approved
from tests.builders.principals import add_person
from tests.builders.towns import DrivenClock

PATH = "/council-installations"


@pytest.fixture
def election(clock: DrivenClock) -> datetime:
    """When the new mayor is elected."""
    return clock() + timedelta(minutes=10)


@pytest.fixture
async def elected(context: Context, administrator: ApiPerson) -> str:
    """Somebody who holds nothing yet."""
    await add_person(context, administrator.town, "elue")
    return str(administrator.town.users["elue"])


def a_plan(*offices: dict[str, Any]) -> dict[str, Any]:
    return {"label": "Installation du conseil", "offices": list(offices)}


def an_office(by: ApiPerson, desk: str, **more: Any) -> dict[str, Any]:
    """Its holder leaves."""
    town = by.town
    return {
        "desk_id": str(town.desks[desk]),
        "outgoing_id": str(town.users[desk]),
        **{
            key: value.isoformat() if isinstance(value, datetime) else value
            for key, value in more.items()
        },
    }


async def applied_plan(by: ApiPerson, office: dict[str, Any]) -> str:
    """The address of a plan that counts at its instants."""
    plan = made(await by.client.post(PATH, json=a_plan(office)))
    made(await by.client.post(f"{PATH}/{plan['id']}/apply"))
    return f"{PATH}/{plan['id']}"


async def waiting_desk(by: ApiPerson, folder_id: str) -> list[str]:
    found: list[str] = (await by.read(folder_id))["waiting_desk_ids"]
    return found


async def journal_kinds(context: Context, by: ApiPerson) -> list[str]:
    async with context.unit(by.town.tenant_id) as session:
        return list(await session.scalars(text("SELECT kind FROM audit_events ORDER BY seq")))


class TestPlan:
    async def test_tells_what_it_would_do_and_does_nothing(
        self,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        elected: str,
        election: datetime,
    ) -> None:
        town = administrator.town
        grant = await give(administrator, "maire", "direction")
        folder_id = await approved(finances, direction)
        office = an_office(administrator, "maire", incoming_id=elected, starts_at=election)
        read = made(await administrator.client.post(PATH, json=a_plan(office)))
        effects = read["effects"]
        maire = str(town.desks["maire"])
        assert [(one["user_id"], one["ends_at"]) for one in effects["ending"]] == [
            (str(town.users["maire"]), None)
        ]
        assert [one["user_id"] for one in effects["starting"]] == [elected]
        assert [one["grant_id"] for one in effects["lapsing"]] == [grant["id"]]
        assert [(one["desk_id"], one["folder_ids"]) for one in effects["pending"]] == [
            (maire, [folder_id])
        ]
        # The elected person has no certificate yet: the folder would wait for nobody.
        assert [(one["folder_id"], one["reason"]) for one in effects["stranded"]] == [
            (folder_id, "no_fit_certificate")
        ]
        told = await powers_at(administrator, "maire", election)
        assert ("holder", "maire") in told

    async def test_what_could_not_be_carried_out_is_refused(
        self,
        administrator: ApiPerson,
        elected: str,
        election: datetime,
        clock: DrivenClock,
    ) -> None:
        past = clock() - timedelta(seconds=1)
        early = election - timedelta(minutes=1)
        answers = []
        for office in (
            an_office(administrator, "maire"),
            an_office(administrator, "maire", ends_at=past),
            an_office(
                administrator, "maire", incoming_id=elected, starts_at=early, ends_at=election
            ),
            an_office(administrator, "maire", ends_at=election, pending="transfer"),
            an_office(administrator, "maire", ends_at=election) | {"outgoing_id": elected},
        ):
            body = a_plan(office)
            answers.append(said(await administrator.client.post(PATH, json=body)))
        assert answers == [
            (422, "handover_dates_missing"),
            (422, "handover_outgoing_not_holder"),
            (422, "handover_overlap"),
            (422, "handover_transfer_unclear"),
            (422, "handover_outgoing_not_holder"),
        ]
        assert (await administrator.client.get(PATH)).json() == []


class TestApply:
    async def test_threat_36_the_outgoing_mayor_does_nothing_from_the_second_of_the_election(
        self,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        elected: str,
        election: datetime,
        clock: DrivenClock,
        person_of: PersonOf,
    ) -> None:
        town = administrator.town
        await give(administrator, "maire", "finances")
        folders = [await approved(finances, direction) for _ in range(2)]
        office = an_office(administrator, "maire", incoming_id=elected, starts_at=election)
        plan = made(await administrator.client.post(PATH, json=a_plan(office)))
        applied = made(await administrator.client.post(f"{PATH}/{plan['id']}/apply"))
        again = said(await administrator.client.post(f"{PATH}/{plan['id']}/apply"))
        assert (applied["state"], again) == ("applied", (409, "installation_not_planned"))
        answers: list[list[int]] = []
        for instant, folder_id in zip(around(election), folders, strict=True):
            clock.now = instant
            body = {
                "action": "reject",
                "step": "signature",
                "reason": "À revoir.",
                "desk_id": str(town.desks["maire"]),
            }
            people = [await person_of(town, key) for key in ("elue", "maire")]
            answers.append(
                [
                    (await one.client.post(f"/folders/{folder_id}/actions", json=body)).status_code
                    for one in people
                ]
            )
        assert answers == [[404, 200], [200, 404]]
        told = [
            ("signature_delegation", "maire") in await powers_at(administrator, "finances", one)
            for one in around(election)
        ]
        assert told == [True, False]

    @pytest.mark.parametrize("pending", ["keep", "transfer", "return"])
    async def test_waiting_folders_follow_the_plan_at_its_instant_and_none_is_lost(
        self,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        elected: str,
        election: datetime,
        clock: DrivenClock,
        pending: str,
    ) -> None:
        town = administrator.town
        folder_id = await finances.submitted()
        desks = {key: str(desk) for key, desk in town.desks.items()}
        target = {"transfer_desk_id": desks["finances"]} if pending == "transfer" else {}
        office = an_office(
            administrator,
            "direction",
            incoming_id=elected,
            starts_at=election,
            pending=pending,
            **target,
        )
        await applied_plan(administrator, office)
        clock.now = election - timedelta(seconds=1)
        await drain(context)
        before = await waiting_desk(finances, folder_id)
        clock.now = election + timedelta(seconds=1)
        later = await finances.submitted()
        await drain(context)
        after = await waiting_desk(finances, folder_id)
        assert await waiting_desk(finances, later) == [desks["direction"]]
        assert before == [desks["direction"]]
        moved = {"keep": [desks["direction"]], "transfer": [desks["finances"]], "return": []}
        assert after == moved[pending]
        kinds = await journal_kinds(context, administrator)
        assert "handover.folder_kept" not in kinds
        assert ("folder.rejected" in kinds) is (pending == "return")
        assert ("folder.transferred" in kinds) is (pending == "transfer")

    async def test_it_is_undone_before_its_first_instant_and_not_afterwards(
        self,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        elected: str,
        election: datetime,
        clock: DrivenClock,
    ) -> None:
        town = administrator.town
        folder_id = await finances.submitted()
        office = an_office(
            administrator,
            "direction",
            incoming_id=elected,
            starts_at=election,
            pending="transfer",
            transfer_desk_id=str(town.desks["finances"]),
        )
        first = await applied_plan(administrator, office)
        cancelled = made(await administrator.client.post(f"{first}/cancel"))
        listed = (await administrator.client.get("/desks")).json()
        second = await applied_plan(administrator, office)
        holders = next(
            one["holders"] for one in listed if one["id"] == str(town.desks["direction"])
        )
        assert cancelled["state"] == "cancelled"
        assert [(one["user_id"], one["ends_at"]) for one in holders] == [
            (str(town.users["direction"]), None)
        ]
        clock.now = election
        await drain(context)
        late = said(await administrator.client.post(f"{second}/cancel"))
        assert late == (409, "installation_started")
        assert said(await administrator.client.post(f"{first}/cancel")) == (
            409,
            "installation_cancelled",
        )
        assert (await journal_kinds(context, administrator)).count("folder.transferred") == 1
        assert await waiting_desk(finances, folder_id) == [str(town.desks["finances"])]


class TestReview:
    async def test_folders_that_already_wait_are_told_to_who_may_act_and_reported_when_none(
        self,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        elected: str,
        clock: DrivenClock,
    ) -> None:
        town = administrator.town
        folder_id = await finances.submitted()
        await drain(context)
        away = {"user_id": str(town.users["direction"]), "period": {}}
        absence = made(await administrator.client.post("/absences", json=away))
        await drain(context)
        reported = await mailed(context, administrator, folder_id, "nobody_able")
        clock.advance(seconds=1)
        replaced = {"replacement_ids": [elected]}
        made(await administrator.client.patch(f"/absences/{absence['id']}", json=replaced))
        await drain(context)
        told = await mailed(context, administrator, folder_id, "to_approve")
        users = town.users
        assert reported == {users["administrateur"], users["finances"]}
        assert told == {users["direction"], users["elue"]}


async def mailed(context: Context, by: ApiPerson, folder_id: str, kind: str) -> set[Any]:
    """Who is owed such a mail about the folder."""
    async with context.unit(by.town.tenant_id) as session:
        return set(
            await session.scalars(
                text("SELECT user_id FROM notifications WHERE folder_id = :id AND kind = :kind"),
                {"id": folder_id, "kind": kind},
            )
        )
