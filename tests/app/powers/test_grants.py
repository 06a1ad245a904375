"""Grants through the API: what is refused, and from which second to which they serve."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.auth.principal import Role
from app.context import Context
from app.demo.town import Town
from tests.app.conftest import PersonOf
from tests.builders.administration import (
    a_grant,
    around,
    give,
    hold,
    leave,
    made,
    powers_at,
    said,
)
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person
from tests.builders.towns import DrivenClock

DELEGATION = ("signature_delegation", "direction")


@pytest.fixture
async def adjoint(context: Context, administrator: ApiPerson, person_of: PersonOf) -> ApiPerson:
    """Somebody who holds no desk."""
    await add_person(context, administrator.town, "adjoint")
    return await person_of(administrator.town, "adjoint")


async def approve(by: ApiPerson, folder_id: str) -> tuple[int, str | None]:
    """Gives the visa in the name of the direction."""
    body = {"action": "approve", "step": "visa", "desk_id": str(by.town.desks["direction"])}
    return said(await by.client.post(f"/folders/{folder_id}/actions", json=body))


class TestBoundaries:
    async def test_threat_36_a_delegation_serves_from_its_executory_second_to_its_last(
        self,
        administrator: ApiPerson,
        finances: ApiPerson,
        adjoint: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        folders = [await finances.submitted() for _ in range(2)]
        start, end = clock() + timedelta(minutes=10), clock() + timedelta(minutes=20)
        await give(
            administrator,
            "direction",
            "adjoint",
            executory_at=start.isoformat(),
            period={"ends_at": end.isoformat()},
        )
        told = [
            DELEGATION in await powers_at(administrator, "adjoint", instant)
            for instant in (*around(start), *around(end))
        ]
        answers = []
        for instant, folder_id in zip(
            (*around(start), end), (folders[0], folders[0], folders[1]), strict=True
        ):
            clock.now = instant
            answers.append((await approve(adjoint, folder_id))[0])
        assert told == [False, True, True, False]
        assert answers == [404, 200, 404]
        [entry] = [one for one in await finances.history(folders[0]) if one["kind"] == "approved"]
        assert str(administrator.town.users["direction"]) in str(entry)

    async def test_threat_36_a_repealed_delegation_gives_nothing_from_that_instant(
        self,
        administrator: ApiPerson,
        finances: ApiPerson,
        adjoint: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        folders = [await finances.submitted() for _ in range(2)]
        grant = await give(administrator, "direction", "adjoint")
        before = await approve(adjoint, folders[0])
        clock.advance(minutes=1)
        path = f"/grants/{grant['id']}/repeal"
        repealed = made(await administrator.client.post(path))
        after = await approve(adjoint, folders[1])
        assert (before, after) == ((200, None), (404, "not_found"))
        assert repealed["standing"] == "ended"
        assert said(await administrator.client.post(path)) == (409, "grant_ended")
        told = [
            DELEGATION in await powers_at(administrator, "adjoint", instant)
            for instant in around(clock())
        ]
        assert told == [True, False]

    @pytest.mark.parametrize("named", [True, False], ids=["the office", "his only one"])
    async def test_threat_36_a_delegation_ends_when_either_leaves_the_office(
        self, administrator: ApiPerson, adjoint: ApiPerson, clock: DrivenClock, *, named: bool
    ) -> None:
        town = administrator.town
        grant = {"grantee_desk_id": str(town.desks["finances"])} if named else {}
        held = await hold(administrator, "finances", "adjoint")
        await give(administrator, "direction", "adjoint", **grant)
        leaves = clock() + timedelta(minutes=5)
        holder = next(
            one["id"] for one in held["holders"] if one["user_id"] == str(town.users["adjoint"])
        )
        ended = await administrator.client.patch(
            f"/desks/{town.desks['finances']}/holders/{holder}",
            json={"ends_at": leaves.isoformat()},
        )
        assert ended.status_code == 200
        told = [
            DELEGATION in await powers_at(administrator, "adjoint", instant)
            for instant in around(leaves)
        ]
        assert told == [True, False]


class TestRefusals:
    @pytest.mark.parametrize(
        ("overrides", "answer"),
        [
            ({"document": None}, (422, "grant_document_missing")),
            (
                {"document": {"number": "2026-099", "signed_on": "2026-01-05"}},
                (422, "grant_document_missing"),
            ),
            ({"executory_at": "2026-01-04T08:00:00Z"}, (422, "grant_dates_reversed")),
            ({"grantor_id": None}, (422, "grant_grantor_missing")),
            ({"kind": "holder"}, (422, "grant_kind_refused")),
            ({"period": {"last_day": "2020-01-01"}}, (422, "period_over")),
            ({"type_ids": ["00000000-0000-4000-8000-000000000000"]}, (422, "unknown_type")),
            (
                {"office_desk_id": "00000000-0000-4000-8000-000000000000"},
                (422, "grant_desk_unknown"),
            ),
            ({"capacity": "adjoint\u202eerutangis"}, (422, "grant_capacity_refused")),
        ],
        ids=lambda one: next(iter(one)) if isinstance(one, dict) else str(one[1]),
    )
    async def test_what_could_not_be_relied_upon_is_refused_with_a_sentence(
        self,
        administrator: ApiPerson,
        adjoint: ApiPerson,
        overrides: dict[str, Any],
        answer: tuple[int, str],
    ) -> None:
        assert adjoint.key == "adjoint"
        body = a_grant(administrator, "maire", "adjoint", **overrides)
        refused = await administrator.client.post("/grants", json=body)
        assert said(refused) == answer
        assert refused.json()["detail"].endswith(".")

    async def test_threat_36_nobody_registers_a_power_for_himself(
        self, administrator: ApiPerson
    ) -> None:
        body = a_grant(administrator, "maire", "administrateur")
        refused = await administrator.client.post("/grants", json=body)
        assert said(refused) == (403, "self_granted")

    async def test_threat_36_a_delegate_does_not_delegate_in_turn(
        self, administrator: ApiPerson, adjoint: ApiPerson
    ) -> None:
        users = administrator.town.users
        await give(administrator, "maire", "adjoint")
        body = a_grant(administrator, "maire", "finances", grantor_id=str(users[adjoint.key]))
        refused = await administrator.client.post("/grants", json=body)
        assert said(refused) == (422, "grant_subdelegation")

    async def test_threat_36_what_has_ended_is_not_passed_on(
        self, administrator: ApiPerson, adjoint: ApiPerson
    ) -> None:
        assert adjoint.key == "adjoint"
        moved = {"kind": "power_delegation", "may_be_regranted": True}
        given = await give(administrator, "maire", "adjoint", **moved)
        made(await administrator.client.post(f"/grants/{given['id']}/repeal"))
        by = {"grantor_id": given["grantee_id"], "regrants_id": given["id"]}
        body = a_grant(administrator, "maire", "finances", **by)
        refused = await administrator.client.post("/grants", json=body)
        assert said(refused) == (422, "grant_lapsed")
        assert "celui qu'il redonne" in refused.json()["detail"]

    async def test_threat_36_an_order_becomes_executory_while_its_author_is_in_office(
        self, administrator: ApiPerson, adjoint: ApiPerson, clock: DrivenClock
    ) -> None:
        signed = {"number": "2026-101", "signed_on": "2026-01-05", "published_on": "2026-01-06"}
        terms = {"document": signed, "executory_at": None}
        grant = await give(administrator, "maire", adjoint.key, **terms)
        clock.advance(minutes=1)
        at = {"executory_at": clock().isoformat()}
        clock.advance(minutes=1)
        await leave(administrator, "maire", "maire")
        clock.advance(minutes=1)
        late = await administrator.client.patch(f"/grants/{grant['id']}", json=at)
        assert said(late) == (422, "grant_lapsed")
        assert "délégant a quitté" in late.json()["detail"]

    async def test_threat_36_a_circle_of_delegations_is_refused_and_shown(
        self, administrator: ApiPerson
    ) -> None:
        await give(administrator, "maire", "direction")
        body = a_grant(administrator, "direction", "maire")
        refused = await administrator.client.post("/grants", json=body)
        assert said(refused) == (422, "grant_cycle")
        assert "Camille Exemple" in refused.json()["detail"]
        assert "Dominique Modèle" in refused.json()["detail"]

    async def test_contradictory_powers_are_refused_naming_the_other(
        self, administrator: ApiPerson, adjoint: ApiPerson
    ) -> None:
        assert adjoint.key == "adjoint"
        first = await give(administrator, "maire", "adjoint", kind="power_delegation")
        body = a_grant(administrator, "maire", "finances", kind="power_delegation")
        refused = await administrator.client.post("/grants", json=body)
        assert said(refused) == (422, "grant_contradictory")
        assert first["document"]["number"] in refused.json()["detail"]
        listed = (await administrator.client.get("/grants")).json()
        assert [one["id"] for one in listed] == [first["id"]]

    async def test_threat_33_people_and_desks_of_another_tenant_do_not_exist(
        self, administrator: ApiPerson, other_town: Town
    ) -> None:
        body = a_grant(
            administrator, "maire", "direction", grantee_id=str(other_town.users["maire"])
        )
        refused = await administrator.client.post("/grants", json=body)
        assert said(refused) == (404, "not_found")


class TestExecutory:
    @pytest.mark.parametrize("kind", ["signature_delegation", "interim"])
    async def test_threat_36_an_order_recorded_when_signed_serves_once_its_date_is_recorded(
        self, administrator: ApiPerson, adjoint: ApiPerson, clock: DrivenClock, kind: str
    ) -> None:
        client, town = administrator.client, administrator.town
        if kind == "interim":
            listed = (await client.get("/desks")).json()
            desk = next(one for one in listed if one["id"] == str(town.desks["direction"]))
            clock.advance(minutes=1)
            path = f"/desks/{desk['id']}/holders/{desk['holders'][0]['id']}"
            made(await client.patch(path, json={}))
        signed = {"number": "2026-100", "signed_on": "2026-01-05"}
        terms = {"kind": kind, "document": signed, "executory_at": None}
        if kind == "interim":
            terms["grantor_id"] = None
        grant = await give(administrator, "direction", adjoint.key, **terms)
        path, instant = f"/grants/{grant['id']}", clock() + timedelta(minutes=10)
        at = {"executory_at": instant.isoformat()}
        unpublished = said(await client.patch(path, json=at))
        published = made(await client.patch(path, json=at | {"published_on": "2026-01-06"}))
        told = [
            (kind, "direction") in await powers_at(administrator, adjoint.key, one)
            for one in around(instant)
        ]
        clock.now = instant
        late = said(await client.patch(path, json=at))
        assert unpublished == (
            (200, None) if kind == "interim" else (422, "grant_document_missing")
        )
        assert published["document"]["published_on"] == "2026-01-06"
        assert told == [False, True]
        assert late == (409, "grant_already_executory")

    async def test_threat_36_nobody_makes_his_own_power_serve(
        self, context: Context, administrator: ApiPerson, person_of: PersonOf
    ) -> None:
        await add_person(context, administrator.town, "workflow_admin", Role.WORKFLOW_ADMIN)
        workflow_admin = await person_of(administrator.town, "workflow_admin")
        signed = {"number": "2026-101", "signed_on": "2026-01-05"}
        grant = await give(
            administrator, "maire", "workflow_admin", document=signed, executory_at=None
        )
        body = {"executory_at": "2026-01-06T08:00:00Z", "published_on": "2026-01-06"}
        refused = await workflow_admin.client.patch(f"/grants/{grant['id']}", json=body)
        assert said(refused) == (403, "self_granted")


class TestPowers:
    async def test_one_reads_one_s_own_and_not_those_of_others(
        self, administrator: ApiPerson, mayor: ApiPerson
    ) -> None:
        users = mayor.town.users
        own = await mayor.client.get(f"/people/{users['maire']}/powers")
        other = await mayor.client.get(f"/people/{users['direction']}/powers")
        assert [one["power"] for one in made(own)["powers"]] == ["holder"]
        assert said(other) == (403, "not_your_powers")

    async def test_whoever_received_one_reads_what_it_covers_and_what_founds_it(
        self, administrator: ApiPerson, adjoint: ApiPerson, direction: ApiPerson
    ) -> None:
        town = administrator.town
        letters, acts = (str(town.subtypes[one]) for one in ("letters", "acts"))
        moved = await give(
            administrator,
            "maire",
            "adjoint",
            kind="power_delegation",
            may_be_regranted=True,
            subtype_ids=sorted([letters, acts]),
            ceiling_cents=100_000,
        )
        await give(
            administrator,
            "maire",
            "direction",
            grantor_id=str(town.users["adjoint"]),
            regrants_id=moved["id"],
            subtype_ids=[letters],
        )
        first = {
            "type_ids": [],
            "subtype_ids": sorted([letters, acts]),
            "ceiling_cents": 100_000,
        }
        again = {"type_ids": [], "subtype_ids": [letters], "ceiling_cents": None}
        found = []
        for person in (adjoint, direction):
            path = f"/people/{town.users[person.key]}/powers"
            powers = made(await person.client.get(path))["powers"]
            found += [one for one in powers if one["grant_id"] is not None]
        assert [one["scopes"] for one in found] == [[first], [again, first]]
        assert found[0]["document"] == moved["document"]
        told = ("starts_at", "ends_at", "executory_at")
        assert [found[0][one] for one in told] == [moved[one] for one in told]

    async def test_each_grant_and_repeal_is_journaled_with_who_and_what(
        self, administrator: ApiPerson, adjoint: ApiPerson
    ) -> None:
        grant = await give(administrator, "maire", "adjoint")
        await administrator.client.post(f"/grants/{grant['id']}/repeal")
        users = administrator.town.users
        lines = (await administrator.client.get("/journal")).text.splitlines()
        told = [line for line in lines if '"grant.given"' in line or '"grant.repealed"' in line]
        assert len(told) == 2
        for line in told:
            assert str(users["administrateur"]) in line
            assert str(users[adjoint.key]) in line


class TestMandates:
    async def test_a_mandate_is_recorded_changed_and_ended(self, administrator: ApiPerson) -> None:
        town = administrator.town
        body = {
            "user_id": str(town.users["maire"]),
            "body": "Conseil municipal",
            "function": "Maire",
            "desk_id": str(town.desks["maire"]),
            "starts_on": "2026-03-22",
        }
        mandate = made(await administrator.client.post("/mandates", json=body))
        path = f"/mandates/{mandate['id']}"
        reversed_dates = await administrator.client.patch(path, json={"ends_on": "2026-03-21"})
        ended = made(await administrator.client.patch(path, json={"ends_on": "2026-03-22"}))
        reopened = made(await administrator.client.patch(path, json={"ends_on": None}))
        assert said(reversed_dates) == (422, "period_reversed")
        assert (ended["ends_on"], reopened["ends_on"]) == ("2026-03-22", None)
        assert (await administrator.client.get("/mandates")).json() == [reopened]

    async def test_a_mandate_recorded_twice_is_refused_and_a_mistaken_one_removed(
        self, administrator: ApiPerson
    ) -> None:
        client, town = administrator.client, administrator.town
        body = {
            "user_id": str(town.users["maire"]),
            "body": "Conseil municipal",
            "function": "Maire",
            "starts_on": "2026-03-22",
        }
        first = made(await client.post("/mandates", json=body))
        again = await client.post("/mandates", json=body | {"ends_on": "2026-12-31"})
        other = made(await client.post("/mandates", json=body | {"function": "Conseiller"}))
        renamed = await client.patch(f"/mandates/{other['id']}", json={"function": "Maire"})
        kept = made(await client.patch(f"/mandates/{first['id']}", json={"function": "Maire"}))
        removed = await client.delete(f"/mandates/{other['id']}")
        once_more = await client.delete(f"/mandates/{other['id']}")

        assert said(again) == said(renamed) == (409, "mandate_exists")
        assert "déjà enregistré" in again.json()["detail"]
        assert (removed.status_code, once_more.status_code) == (204, 404)
        assert (await client.get("/mandates")).json() == [first] == [kept]
        lines = (await client.get("/journal")).text.splitlines()
        [told] = [line for line in lines if '"mandate.removed"' in line]
        assert str(town.users["maire"]) in told
        assert "Conseiller" in told
