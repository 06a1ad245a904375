"""Certificate orders: who asked which certificate for whom, for which use, where it stands."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.audit.verification import verify_journal
from app.auth.principal import Role
from app.context import Context
from app.demo.town import Town
from tests.app.conftest import PersonOf
from tests.builders.administration import made, said
from tests.builders.certificate_orders import (
    BODIES,
    REASON,
    SUPPLIER,
    WAYS,
    an_order,
    another_certificate,
    move,
    read,
    requested,
    standing,
)
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person
from tests.builders.towns import DrivenClock, a_signer, certify, random_id

Json = dict[str, Any]


@pytest.fixture
async def manager(context: Context, town: Town, person_of: PersonOf) -> ApiPerson:
    """Who looks after certificates and nothing else."""
    await add_person(context, town, "certificats", Role.CERTIFICATE_MANAGER)
    return await person_of(town, "certificats")


async def close_account(administrator: ApiPerson, person: str) -> None:
    user_id = administrator.town.users[person]
    made(await administrator.client.patch(f"/users/{user_id}", json={"is_active": False}))


def told(instant: datetime) -> str:
    """An instant as the API shows it."""
    return instant.isoformat().replace("+00:00", "Z")


class TestRequest:
    async def test_says_who_asked_which_certificate_for_whom_and_for_which_use(
        self, town: Town, manager: ApiPerson, clock: DrivenClock
    ) -> None:
        wanted_by = (clock() + timedelta(days=30)).date().isoformat()
        asked = await requested(manager, "maire", eidas_level="qualified", wanted_by=wanted_by)
        assert asked.pop("id")
        assert asked == {
            "person": {"id": str(town.users["maire"]), "full_name": "Camille Exemple"},
            "usages": ["sign_act", "sign_pes"],
            "rgs_level": 2,
            "eidas_level": "qualified",
            "wanted_by": wanted_by,
            "supplier": None,
            "supplier_reference": None,
            "state": "requested",
            "requested_by": str(town.users["certificats"]),
            "requested_at": told(clock()),
            "ordered_at": None,
            "delivered_at": None,
            "cancelled_at": None,
            "cancellation_reason": None,
            "certificate_sha256": None,
        }

    async def test_a_usage_named_twice_counts_once(self, manager: ApiPerson) -> None:
        usages = ["bid_decryption", "auth_actes", "bid_decryption"]
        assert (await requested(manager, usages=usages))["usages"] == [
            "auth_actes",
            "bid_decryption",
        ]

    @pytest.mark.parametrize(
        ("overrides", "code"),
        [
            ({"usages": []}, "invalid_request"),
            ({"usages": ["sign_everything"]}, "invalid_request"),
            ({"rgs_level": 1}, "invalid_request"),
            ({"rgs_level": None, "eidas_level": "simple"}, "invalid_request"),
            ({"rgs_level": None}, "certificate_level_missing"),
            ({"wanted_by": "2020-01-01"}, "wanted_by_past"),
        ],
        ids=["no_usage", "unknown_usage", "rgs_1", "simple", "no_level", "past"],
    )
    async def test_what_cannot_be_ordered_is_refused(
        self, manager: ApiPerson, overrides: Json, code: str
    ) -> None:
        body = an_order(manager, **overrides)
        answer = await manager.client.post("/certificate-orders", json=body)
        assert said(answer) == (422, code)
        assert (await manager.client.get("/certificate-orders")).json()["items"] == []

    @pytest.mark.parametrize(("seconds", "status"), [(-1, 201), (0, 422)])
    async def test_a_date_is_past_once_its_day_is_over_where_the_town_is(
        self,
        administrator: ApiPerson,
        person_of: PersonOf,
        clock: DrivenClock,
        seconds: int,
        status: int,
    ) -> None:
        zone = "Pacific/Noumea"
        made(await administrator.client.patch("/tenant", json={"timezone": zone}))
        day_after = (clock() + timedelta(days=4)).date()
        midnight = datetime.combine(day_after, time.min, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        clock.now = midnight + timedelta(seconds=seconds)
        # A session does not last so long.
        later = await person_of(administrator.town, "administrateur")
        body = an_order(later, wanted_by=str(day_after - timedelta(days=1)))
        answer = await later.client.post("/certificate-orders", json=body)
        assert answer.status_code == status, answer.text

    async def test_nobody_orders_for_a_closed_account_whose_orders_stay_readable(
        self, administrator: ApiPerson, manager: ApiPerson
    ) -> None:
        order = await requested(manager, "direction")
        await close_account(administrator, "direction")
        body = an_order(manager, "direction")
        answer = await manager.client.post("/certificate-orders", json=body)
        assert said(answer) == (409, "person_inactive")
        assert await read(manager, order) == order
        listed = (await manager.client.get("/certificate-orders")).json()["items"]
        assert listed == [order]

    async def test_threat_33_somebody_of_another_town_is_nobody_here(
        self, manager: ApiPerson, other_town: Town
    ) -> None:
        answers = [
            said(await manager.client.post("/certificate-orders", json=an_order(manager) | one))
            for one in (
                {"user_id": str(other_town.users["maire"])},
                {"user_id": str(random_id())},
            )
        ]
        assert answers == [(404, "not_found")] * 2

    async def test_threat_39_a_request_that_is_repeated_is_one_order(
        self, manager: ApiPerson
    ) -> None:
        key = {"Idempotency-Key": "commande-du-maire"}
        body = an_order(manager)
        answers = [
            await manager.client.post("/certificate-orders", json=body, headers=key)
            for _ in range(2)
        ]
        assert answers[0].json() == answers[1].json()
        assert len((await manager.client.get("/certificate-orders")).json()["items"]) == 1


ORDERED, DELIVERED = (409, "certificate_already_ordered"), (409, "certificate_already_delivered")
NOT_ORDERED, CANCELLED = (409, "certificate_not_ordered"), (409, "certificate_order_cancelled")
DONE = (200, None)
MOVES = {
    ("requested", "order"): DONE,
    ("requested", "deliver"): NOT_ORDERED,
    ("requested", "cancel"): DONE,
    ("ordered", "order"): ORDERED,
    ("ordered", "deliver"): DONE,
    ("ordered", "cancel"): DONE,
    ("delivered", "order"): DELIVERED,
    ("delivered", "deliver"): DELIVERED,
    ("delivered", "cancel"): DELIVERED,
    ("cancelled", "order"): CANCELLED,
    ("cancelled", "deliver"): CANCELLED,
    ("cancelled", "cancel"): CANCELLED,
}


class TestMoves:
    @pytest.mark.parametrize(("state", "name"), MOVES, ids=map("_".join, MOVES))
    async def test_a_move_is_made_from_the_states_of_the_table_and_from_no_other(
        self, manager: ApiPerson, state: str, name: str
    ) -> None:
        order = await standing(manager, state)
        answer = await move(manager, order, name)
        assert said(answer) == MOVES[state, name]
        if answer.is_error:
            assert await read(manager, order) == order

    async def test_each_state_has_its_instant(self, manager: ApiPerson, clock: DrivenClock) -> None:
        asked, order = clock(), await requested(manager)
        clock.advance(minutes=5)
        ordered = made(await move(manager, order, "order"))
        clock.advance(minutes=5)
        delivered = made(await move(manager, order, "deliver"))
        instants = {"requested_at": told(asked), "ordered_at": told(asked + timedelta(minutes=5))}
        assert ordered == order | SUPPLIER | instants | {"state": "ordered"}
        assert delivered == ordered | {"state": "delivered", "delivered_at": told(clock())}
        assert await read(manager, order) == delivered

    async def test_a_cancelled_order_keeps_the_reason(
        self, manager: ApiPerson, clock: DrivenClock
    ) -> None:
        order = await standing(manager, "ordered")
        cancelled = made(await move(manager, order, "cancel"))
        assert cancelled == order | {
            "state": "cancelled",
            "cancelled_at": told(clock()),
            "cancellation_reason": REASON,
        }

    @pytest.mark.parametrize(
        ("name", "overrides"),
        [
            ("order", {"supplier": " "}),
            ("order", {"supplier_reference": ""}),
            ("cancel", {"reason": "  "}),
            ("deliver", {"certificate_sha256": "A" * 64}),
        ],
        ids=["supplier", "reference", "reason", "digest"],
    )
    async def test_what_a_move_demands_is_not_left_empty(
        self, manager: ApiPerson, name: str, overrides: Json
    ) -> None:
        order = await standing(manager, "ordered" if name == "deliver" else "requested")
        answer = await move(manager, order, name, **overrides)
        assert said(answer) == (422, "invalid_request")
        assert await read(manager, order) == order

    @pytest.mark.parametrize(
        ("state", "rivals"),
        [
            ("requested", ("order", "order")),
            ("requested", ("cancel", "cancel")),
            ("ordered", ("deliver", "deliver")),
            ("ordered", ("deliver", "cancel")),
        ],
        ids=["order", "cancel", "deliver", "deliver_or_cancel"],
    )
    async def test_threat_38_of_two_moves_at_once_one_is_made(
        self, administrator: ApiPerson, state: str, rivals: tuple[str, str]
    ) -> None:
        for _ in range(3):
            order = await standing(administrator, state)
            before = await states_told(administrator, order)
            answers = await asyncio.gather(*(move(administrator, order, one) for one in rivals))
            assert sorted(one.status_code for one in answers) == [200, 409]
            reached = (await read(administrator, order))["state"]
            assert await states_told(administrator, order) == [*before, reached]


class TestCertificate:
    async def test_the_one_that_answers_an_order_is_named_when_it_is_delivered(
        self, manager: ApiPerson
    ) -> None:
        digest = sha256(a_signer().mayor.der).hexdigest()
        order = await standing(manager, "ordered", "maire")
        delivered = made(await move(manager, order, "deliver", certificate_sha256=digest))
        assert (delivered["state"], delivered["certificate_sha256"]) == ("delivered", digest)
        assert await read(manager, order) == delivered

    async def test_threat_34_the_one_of_somebody_else_answers_no_order(
        self, context: Context, town: Town, manager: ApiPerson
    ) -> None:
        other = another_certificate()
        await certify(context, town, "direction", other.der, ())
        order = await standing(manager, "ordered", "maire")
        for digest in (sha256(other.der).hexdigest(), "0" * 64):
            answer = await move(manager, order, "deliver", certificate_sha256=digest)
            assert said(answer) == (422, "certificate_not_of_person")
        assert await read(manager, order) == order


class TestList:
    async def test_pages_follow_each_other_newest_first_without_loss(
        self, manager: ApiPerson, clock: DrivenClock
    ) -> None:
        orders = []
        for number in range(5):
            # Two of them at the same instant.
            clock.advance(seconds=number % 2)
            orders.append(await requested(manager))
        found: list[str] = []
        cursor: Json = {}
        while True:
            params = {"size": 2} | cursor
            page = (await manager.client.get("/certificate-orders", params=params)).json()
            found += [one["id"] for one in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        newest_first = sorted(orders, key=lambda one: (one["requested_at"], one["id"]))[::-1]
        assert found == [one["id"] for one in newest_first]

    async def test_shows_one_state_when_asked(self, manager: ApiPerson) -> None:
        by_state = {state: await standing(manager, state) for state in WAYS}
        for state, order in by_state.items():
            params = {"state": state}
            listed = (await manager.client.get("/certificate-orders", params=params)).json()
            assert listed["items"] == [order]

    async def test_threat_33_shows_nothing_of_another_town(
        self, manager: ApiPerson, other_town: Town, person_of: PersonOf
    ) -> None:
        order = await requested(manager)
        stranger = await person_of(other_town, "administrateur")
        assert (await stranger.client.get("/certificate-orders")).json()["items"] == []
        answers = [said(await move(stranger, order, name)) for name in BODIES]
        assert answers == [(404, "not_found")] * len(BODIES)
        assert await read(manager, order) == order


async def entries_about(by: ApiPerson, order: Json) -> list[Json]:
    """The lines of the exported journal about an order."""
    lines = [json.loads(one) for one in (await by.client.get("/journal")).text.splitlines()[:-1]]
    return [one for one in lines if one["entry"]["details"].get("certificate_order") == order["id"]]


async def states_told(by: ApiPerson, order: Json) -> list[str]:
    """The states of an order, as the journal tells them; each follows the one before."""
    details = [one["entry"]["details"] for one in await entries_about(by, order)]
    former = [one.get("former_state") for one in details]
    states = [str(one["state"]) for one in details]
    assert former == [None, *states[:-1]]
    return states


class TestJournal:
    async def test_tells_who_asked_and_who_made_each_move(
        self, town: Town, manager: ApiPerson, administrator: ApiPerson
    ) -> None:
        order = await requested(manager)
        made(await move(administrator, order, "order"))
        made(await move(manager, order, "deliver"))
        entries = [one["entry"] for one in await entries_about(administrator, order)]
        people = [str(town.users[one]) for one in ("certificats", "administrateur", "certificats")]
        assert [one["actor"]["id"] for one in entries] == people
        assert [one["kind"] for one in entries] == [
            "certificate_order.requested",
            "certificate_order.ordered",
            "certificate_order.delivered",
        ]
        assert {one["details"]["person"] for one in entries} == {str(town.users["maire"])}
        assert await states_told(administrator, order) == ["requested", "ordered", "delivered"]

    async def test_what_people_wrote_stands_beside_the_chain(
        self, administrator: ApiPerson
    ) -> None:
        order = await standing(administrator, "ordered")
        made(await move(administrator, order, "cancel"))
        lines = await entries_about(administrator, order)
        for written in (*SUPPLIER.values(), REASON):
            assert written not in json.dumps([one["entry"] for one in lines], ensure_ascii=False)
            assert written in json.dumps([one["values"] for one in lines], ensure_ascii=False)
        (row,) = json.loads(lines[-1]["values"]["rows"]["value"])
        assert (row["table"], row["id"]) == ("certificate_orders", order["id"])
        assert row["before"]["state"] == "ordered"
        assert row["after"]["usages"] == ["sign_act", "sign_pes"]

    async def test_of_a_delivery_names_the_certificate(self, administrator: ApiPerson) -> None:
        digest = sha256(a_signer().mayor.der).hexdigest()
        order = await standing(administrator, "ordered", "maire")
        made(await move(administrator, order, "deliver", certificate_sha256=digest))
        last = (await entries_about(administrator, order))[-1]["entry"]
        assert last["certificate_sha256"] == digest

    async def test_is_verified_without_the_server(self, administrator: ApiPerson) -> None:
        for state in WAYS:
            await standing(administrator, state)
        journal = (await administrator.client.get("/journal")).content
        assert verify_journal(BytesIO(journal)).ok

    async def test_a_move_that_is_refused_is_not_told(self, administrator: ApiPerson) -> None:
        order = await standing(administrator, "cancelled")
        before = await states_told(administrator, order)
        for name in BODIES:
            assert (await move(administrator, order, name)).status_code == 409
        assert await states_told(administrator, order) == before


class TestDatabase:
    @pytest.mark.parametrize(
        ("change", "refusal"),
        [
            ("usages = '{}'", "usage_named"),
            ("rgs_level = NULL", "level_named"),
            ("state = 'lost'", "state_told"),
            ("state = 'ordered'", "state_told"),
            ("state = 'delivered'", "state_told"),
            ("state = 'cancelled', cancelled_at = now()", "state_told"),
            ("ordered_at = now()", "state_told"),
            ("ordered_at = now(), supplier = 'x'", "state_told"),
        ],
    )
    async def test_an_order_never_says_a_state_that_it_did_not_reach(
        self, manager: ApiPerson, change: str, refusal: str
    ) -> None:
        order = await requested(manager)
        with pytest.raises(IntegrityError, match=refusal):
            async with manager.context.unit(manager.town.tenant_id) as session:
                await session.execute(
                    text(f"UPDATE certificate_orders SET {change} WHERE id = :order"),
                    {"order": order["id"]},
                )

    async def test_an_order_is_never_deleted(self, manager: ApiPerson) -> None:
        with pytest.raises(DBAPIError, match="permission denied for table certificate_orders"):
            async with manager.context.unit(manager.town.tenant_id) as session:
                await session.execute(text("DELETE FROM certificate_orders"))
