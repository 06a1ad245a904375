"""The installation of a council: planned, shown, applied at its instants, cancelled before."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from app.auth.principal import Role
from app.context import Context
from app.kit.ids import new_id
from app.models import DeskHolder
from tests.app.conftest import PersonOf
from tests.builders.administration import (
    around,
    be_away,
    give,
    hold,
    made,
    powers_at,
    said,
)
from tests.builders.handovers import PATH, Election, a_plan, an_office, waiting_desk
from tests.builders.people import ApiPerson, approved
from tests.builders.principals import add_person
from tests.builders.towns import certify_on_a_curve
from tests.builders.watch import Watch


async def holdings(
    context: Context, by: ApiPerson, desk: str
) -> list[tuple[datetime, datetime | None]]:
    """From when to when the person of that desk holds it, the first time first."""
    town = by.town
    async with context.unit(town.tenant_id) as session:
        rows = await session.scalars(
            select(DeskHolder)
            .where(DeskHolder.desk_id == town.desks[desk], DeskHolder.user_id == town.users[desk])
            .order_by(DeskHolder.starts_at)
        )
        return [(one.starts_at, one.ends_at) for one in rows]


class TestPlan:
    async def test_tells_what_it_would_do_and_does_nothing(
        self,
        election: Election,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
    ) -> None:
        town = administrator.town
        grant = await give(administrator, "maire", "direction")
        folder_id = await approved(finances, direction)
        read = await election.plan("maire")
        effects = read["effects"]
        maire = str(town.desks["maire"])
        assert [(one["user_id"], one["ends_at"]) for one in effects["ending"]] == [
            (str(town.users["maire"]), None)
        ]
        assert [one["user_id"] for one in effects["starting"]] == [election.elected]
        assert [one["grant_id"] for one in effects["lapsing"]] == [grant["id"]]
        assert [(one["desk_id"], one["folder_ids"]) for one in effects["pending"]] == [
            (maire, [folder_id])
        ]
        # The elected person has no certificate yet: the folder would wait for nobody.
        assert [(one["folder_id"], one["reason"]) for one in effects["stranded"]] == [
            (folder_id, "no_fit_certificate")
        ]
        told = await powers_at(administrator, "maire", election.instant)
        assert ("holder", "maire") in told

    async def test_a_flow_would_wait_for_an_elected_person_whose_key_cannot_sign_it(
        self,
        election: Election,
        context: Context,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
    ) -> None:
        await certify_on_a_curve(context, administrator.town, "elue")
        await approved(finances, direction, "acts")
        flow = await approved(finances, direction, "flows")
        read = await election.plan("maire")
        assert [(one["folder_id"], one["reason"]) for one in read["effects"]["stranded"]] == [
            (flow, "no_fit_certificate")
        ]

    async def test_what_could_not_be_carried_out_is_refused(
        self, election: Election, watch: Watch, administrator: ApiPerson
    ) -> None:
        past = watch.clock() - timedelta(seconds=1)
        early = election.instant - timedelta(minutes=1)
        answers = []
        for office in (
            an_office(administrator, "maire"),
            an_office(administrator, "maire", ends_at=past),
            election.office("maire", starts_at=early, ends_at=election.instant),
            an_office(administrator, "maire", ends_at=election.instant, pending="transfer"),
            an_office(
                administrator, "maire", ends_at=election.instant, outgoing_id=election.elected
            ),
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
        watch.clock.advance(minutes=1)
        office = an_office(administrator, "maire", ends_at=watch.clock() - timedelta(seconds=1))
        refused = await administrator.client.post(PATH, json=a_plan(office))
        assert said(refused) == (422, "instant_past")
        assert (await administrator.client.get(PATH)).json() == []


class TestApply:
    async def test_threat_36_the_outgoing_mayor_does_nothing_from_the_second_of_the_election(
        self,
        election: Election,
        watch: Watch,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        person_of: PersonOf,
    ) -> None:
        town = administrator.town
        await give(administrator, "maire", "finances")
        folders = [await approved(finances, direction) for _ in range(2)]
        plan = await election.plan("maire")
        applied = made(await administrator.client.post(f"{PATH}/{plan['id']}/apply"))
        again = said(await administrator.client.post(f"{PATH}/{plan['id']}/apply"))
        assert (applied["state"], again) == ("applied", (409, "installation_not_planned"))
        answers: list[list[int]] = []
        for instant, folder_id in zip(around(election.instant), folders, strict=True):
            watch.clock.now = instant
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
            for one in around(election.instant)
        ]
        assert told == [True, False]

    @pytest.mark.parametrize("pending", ["keep", "transfer", "return"])
    async def test_waiting_folders_follow_the_plan_at_its_instant_and_none_is_lost(
        self,
        election: Election,
        watch: Watch,
        administrator: ApiPerson,
        finances: ApiPerson,
        pending: str,
    ) -> None:
        town = administrator.town
        folder_id = await finances.submitted()
        desks = {key: str(desk) for key, desk in town.desks.items()}
        target = {"transfer_desk_id": desks["finances"]} if pending == "transfer" else {}
        await election.apply("direction", pending=pending, **target)
        await watch.at(election.instant - timedelta(seconds=1))
        before = await waiting_desk(finances, folder_id)
        watch.clock.now = election.instant + timedelta(seconds=1)
        later = await finances.submitted()
        await watch.settle()
        after = await waiting_desk(finances, folder_id)
        assert await waiting_desk(finances, later) == [desks["direction"]]
        assert before == [desks["direction"]]
        moved = {"keep": [desks["direction"]], "transfer": [desks["finances"]], "return": []}
        assert after == moved[pending]
        kinds = await watch.journal_kinds()
        assert "handover.folder_kept" not in kinds
        assert ("folder.rejected" in kinds) is (pending == "return")
        assert ("folder.transferred" in kinds) is (pending == "transfer")

    async def test_it_is_undone_before_its_first_instant_and_not_afterwards(
        self, election: Election, watch: Watch, administrator: ApiPerson, finances: ApiPerson
    ) -> None:
        town = administrator.town
        folder_id = await finances.submitted()
        target = str(town.desks["finances"])
        first = await election.apply("direction", pending="transfer", transfer_desk_id=target)
        cancelled = made(await administrator.client.post(f"{first}/cancel"))
        listed = (await administrator.client.get("/desks")).json()
        second = await election.apply("direction", pending="transfer", transfer_desk_id=target)
        holders = next(
            one["holders"] for one in listed if one["id"] == str(town.desks["direction"])
        )
        assert cancelled["state"] == "cancelled"
        assert [(one["user_id"], one["ends_at"]) for one in holders] == [
            (str(town.users["direction"]), None)
        ]
        await watch.at(election.instant)
        late = said(await administrator.client.post(f"{second}/cancel"))
        assert late == (409, "installation_started")
        assert said(await administrator.client.post(f"{first}/cancel")) == (
            409,
            "installation_cancelled",
        )
        assert (await watch.journal_kinds()).count("folder.transferred") == 1
        assert await waiting_desk(finances, folder_id) == [target]

    async def test_the_mandate_of_the_outgoing_mayor_ends_with_the_office_until_it_is_undone(
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
        made(await client.post("/mandates", json=mandate))
        plan = await election.plan("maire")
        path = f"{PATH}/{plan['id']}"
        ends = []
        for act in ("apply", "cancel"):
            made(await client.post(f"{path}/{act}"))
            ends.append([one["ends_on"] for one in (await client.get("/mandates")).json()])
        last_day = election.instant.astimezone(ZoneInfo("Europe/Paris")).date().isoformat()
        assert [one["ends_on"] for one in plan["effects"]["mandates"]] == [last_day]
        assert ends == [[last_day], [None]]

    async def test_a_holding_that_ended_before_is_left_as_it_was(
        self, election: Election, watch: Watch, context: Context, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        former = (watch.clock() - timedelta(days=700), watch.clock() - timedelta(days=350))
        async with context.unit(town.tenant_id) as session:
            session.add(
                DeskHolder(
                    id=new_id(),
                    tenant_id=town.tenant_id,
                    desk_id=town.desks["direction"],
                    user_id=town.users["direction"],
                    starts_at=former[0],
                    ends_at=former[1],
                )
            )
        await election.apply("direction")
        first, present = await holdings(context, administrator, "direction")
        assert (first, present[1]) == (former, election.instant)

    async def test_undone_it_gives_back_the_end_that_was_known(
        self, election: Election, context: Context, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        async with context.unit(town.tenant_id) as session:
            await session.execute(
                update(DeskHolder)
                .where(DeskHolder.desk_id == town.desks["direction"])
                .values(ends_at=election.instant + timedelta(days=90))
            )
        before = await holdings(context, administrator, "direction")
        path = await election.apply("direction")
        during = await holdings(context, administrator, "direction")
        made(await administrator.client.post(f"{path}/cancel"))
        after = await holdings(context, administrator, "direction")
        assert ([end for _, end in during], after) == ([election.instant], before)

    async def test_the_plan_shows_what_waits_elsewhere_for_a_power_that_lapses(
        self, election: Election, context: Context, administrator: ApiPerson, finances: ApiPerson
    ) -> None:
        town = administrator.town
        await add_person(context, town, "adjoint")
        await hold(administrator, "maire", "adjoint")
        await be_away(administrator, "direction")
        desk = {"grantee_desk_id": str(town.desks["maire"])}
        await give(administrator, "direction", "adjoint", **desk)
        folder_id = await finances.submitted()
        plan = await election.plan("maire", outgoing_id=str(town.users["adjoint"]))
        assert [one["folder_id"] for one in plan["effects"]["stranded"]] == [folder_id]

    async def test_threat_36_nobody_installs_himself(
        self, election: Election, context: Context, administrator: ApiPerson, person_of: PersonOf
    ) -> None:
        town = administrator.town
        await add_person(context, town, "workflow_admin", Role.WORKFLOW_ADMIN)
        workflow_admin = await person_of(town, "workflow_admin")
        himself = str(town.users["workflow_admin"])
        office = election.office("maire", incoming_id=himself)
        prepared = said(await workflow_admin.client.post(PATH, json=a_plan(office)))
        plan = await election.plan("maire", incoming_id=himself)
        applied = said(await workflow_admin.client.post(f"{PATH}/{plan['id']}/apply"))
        assert prepared == applied == (403, "self_granted")
        by_another = await administrator.client.post(f"{PATH}/{plan['id']}/apply")
        assert by_another.status_code == 200
