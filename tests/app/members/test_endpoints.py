"""A host organisation and its members: settings and certificate orders, never a folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.auth.principal import Role
from app.context import Context
from app.demo.town import Town
from app.errors import NotFound
from app.members import service
from tests.app.conftest import Database, PersonOf
from tests.builders.administration import made, said
from tests.builders.arrivals import principal_of
from tests.builders.certificate_orders import (
    BODIES,
    REASON,
    SUPPLIER,
    move,
    read,
    requested,
    standing,
)
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person
from tests.builders.towns import DrivenClock, a_town, random_id

Json = dict[str, Any]


async def join(member: ApiPerson, host: Town) -> None:
    """The member's authority is hosted by this one from now on."""
    made(await member.client.patch("/tenant", json={"host_id": str(host.tenant_id)}))


async def leave(member: ApiPerson) -> None:
    made(await member.client.patch("/tenant", json={"host_id": None}))


async def host_of(
    context: Context, town: Town, member: ApiPerson, person_of: PersonOf
) -> ApiPerson:
    """Somebody of the town that hosts the member from now on."""
    await join(member, town)
    await add_person(context, town, "syndicat", Role.HOST_ADMIN)
    return await person_of(town, "syndicat")


class TestMembers:
    async def test_threat_33_a_host_sees_the_settings_of_its_members_and_of_nobody_else(
        self, context: Context, town: Town, other_town: Town, person_of: PersonOf
    ) -> None:
        member = await person_of(other_town, "administrateur")
        host = await host_of(context, town, member, person_of)
        settings = f"/members/{other_town.tenant_id}/settings"
        listed = (await host.client.get("/members")).json()
        read = made(await host.client.get(settings))
        assert [one["id"] for one in listed] == [str(other_town.tenant_id)]
        assert read["tenant"] == listed[0]
        assert (read["desk_count"], read["person_count"]) == (3, 4)
        assert {one["name"] for one in read["types"]} >= {"Actes", "Courriers"}
        assert {one["active_version"] for one in read["workflows"]} == {1}
        strangers = (town.tenant_id, random_id())
        refused = [said(await host.client.get(f"/members/{one}/settings")) for one in strangers]
        assert refused == [(404, "not_found")] * 2
        await leave(member)
        assert (await host.client.get("/members")).json() == []
        assert said(await host.client.get(settings)) == (404, "not_found")

    async def test_threat_33_a_host_never_reaches_a_folder_of_a_member(
        self, context: Context, town: Town, other_town: Town, person_of: PersonOf
    ) -> None:
        member = await person_of(other_town, "administrateur")
        submitter = await person_of(other_town, "finances")
        host = await host_of(context, town, member, person_of)
        folder_id = await submitter.submitted()
        body = {"action": "approve", "step": "visa", "desk_id": submitter.desk}
        answers = [
            said(await host.client.get(f"/folders/{folder_id}")),
            said(await host.client.get(f"/folders/{folder_id}/history")),
            said(await host.client.post(f"/folders/{folder_id}/actions", json=body)),
        ]
        assert answers == [(404, "not_found")] * 3
        settings = await host.client.get(f"/members/{other_town.tenant_id}/settings")
        assert "Dossier d'essai" not in settings.text

    async def test_each_look_is_in_both_journals(
        self, context: Context, town: Town, other_town: Town, person_of: PersonOf
    ) -> None:
        member = await person_of(other_town, "administrateur")
        host = await host_of(context, town, member, person_of)
        made(await host.client.get(f"/members/{other_town.tenant_id}/settings"))
        keeper = await person_of(town, "administrateur")
        for reader, kind, other in (
            (keeper, "member.settings_read", other_town.tenant_id),
            (member, "host.settings_read", town.tenant_id),
        ):
            lines = (await reader.client.get("/journal")).text.splitlines()
            [line] = [one for one in lines if f'"{kind}"' in one]
            assert str(other) in line
            assert str(town.users["syndicat"]) in line

    async def test_a_host_that_does_not_exist_is_refused(self, administrator: ApiPerson) -> None:
        answers = [
            said(await administrator.client.patch("/tenant", json={"host_id": str(one)}))
            for one in (random_id(), administrator.town.tenant_id)
        ]
        assert answers == [(422, "unknown_host")] * 2


SHOWN = {
    *("id", "tenant", "person_name", "usages", "rgs_level", "eidas_level", "wanted_by"),
    *("state", "requested_at", "ordered_at", "delivered_at", "cancelled_at"),
}
ALL = "/members/certificate-orders"


def orders_of(member: ApiPerson) -> str:
    """Where a host reads the certificate orders of one member."""
    return f"/members/{member.town.tenant_id}/certificate-orders"


async def shown(reader: ApiPerson, path: str, **params: str | int) -> list[str]:
    """The orders on the first page."""
    page = made(await reader.client.get(path, params=params))
    return [one["id"] for one in page["items"]]


@pytest.fixture
async def member(other_town: Town, person_of: PersonOf) -> ApiPerson:
    """Who administers a local authority that the town is to host."""
    return await person_of(other_town, "administrateur")


@pytest.fixture
async def host(context: Context, town: Town, member: ApiPerson, person_of: PersonOf) -> ApiPerson:
    return await host_of(context, town, member, person_of)


@pytest.fixture
async def second(context: Context, town: Town, person_of: PersonOf) -> ApiPerson:
    """Who administers another member of the same host."""
    one = await person_of(await a_town(context), "administrateur")
    await join(one, town)
    return one


@pytest.fixture
async def stranger(context: Context, person_of: PersonOf) -> ApiPerson:
    """Who administers a local authority that the town does not host."""
    return await person_of(await a_town(context), "administrateur")


class TestCertificateOrders:
    async def test_a_host_sees_what_ordering_needs_and_nothing_else(
        self, host: ApiPerson, member: ApiPerson
    ) -> None:
        order = await standing(member, "cancelled")
        (tenant,) = (await host.client.get("/members")).json()
        one_s, every = await host.client.get(orders_of(member)), await host.client.get(ALL)
        assert made(one_s) == made(every)
        (found,) = made(one_s)["items"]
        assert set(found) == SHOWN
        assert found == {name: order[name] for name in SHOWN - {"tenant", "person_name"}} | {
            "tenant": tenant,
            "person_name": order["person"]["full_name"],
        }

    async def test_threat_33_what_people_wrote_of_an_order_stays_with_the_member(
        self, host: ApiPerson, member: ApiPerson
    ) -> None:
        ordered = await standing(member, "ordered")
        made(await move(member, ordered, "cancel"))
        for path in (orders_of(member), ALL):
            answer = await host.client.get(path)
            assert ordered["id"] in answer.text
            assert [one for one in (*SUPPLIER.values(), REASON) if one in answer.text] == []

    async def test_those_of_all_members_come_newest_first_in_pages(
        self, host: ApiPerson, member: ApiPerson, second: ApiPerson, clock: DrivenClock
    ) -> None:
        orders = []
        for by in (member, second, second, member, second):
            clock.advance(seconds=1)
            orders.append((await requested(by))["id"])
        found: list[str] = []
        cursor: Json = {}
        for _ in range(3):
            page = made(await host.client.get(ALL, params={"size": 2} | cursor))
            found += [one["id"] for one in page["items"]]
            cursor = {"cursor": page["next_cursor"]}
        assert found == orders[::-1]
        assert cursor == {"cursor": None}
        of_one = [orders[2], orders[1]]
        assert await shown(host, orders_of(second), size=3) == [orders[4], *of_one]

    async def test_one_state_is_shown_when_asked(
        self, host: ApiPerson, member: ApiPerson, second: ApiPerson
    ) -> None:
        waiting = [(await standing(by, "requested"))["id"] for by in (member, second)]
        for by in (member, second):
            await standing(by, "ordered")
        assert set(await shown(host, ALL, state="requested")) == set(waiting)
        assert await shown(host, orders_of(member), state="requested") == waiting[:1]
        assert await shown(host, ALL, state="delivered") == []

    async def test_those_for_closed_accounts_stay(self, host: ApiPerson, member: ApiPerson) -> None:
        order = await requested(member, "direction")
        user_id = member.town.users["direction"]
        made(await member.client.patch(f"/users/{user_id}", json={"is_active": False}))
        assert await shown(host, orders_of(member)) == [order["id"]]

    async def test_threat_33_a_host_sees_those_of_its_members_and_of_nobody_else(
        self, host: ApiPerson, member: ApiPerson, stranger: ApiPerson
    ) -> None:
        own, foreign = await requested(member), await requested(stranger)
        assert await shown(host, ALL) == [own["id"]]
        paths = [orders_of(stranger), f"/members/{host.town.tenant_id}/certificate-orders"]
        paths.append(f"/members/{random_id()}/certificate-orders")
        answers = [said(await host.client.get(path)) for path in paths]
        assert answers == [(404, "not_found")] * 3
        assert said(await host.client.get(f"/certificate-orders/{foreign['id']}"))[0] == 403

    async def test_threat_33_another_host_sees_nothing(
        self, context: Context, host: ApiPerson, member: ApiPerson, person_of: PersonOf
    ) -> None:
        await requested(member)
        elsewhere = await a_town(context)
        await add_person(context, elsewhere, "syndicat", Role.HOST_ADMIN)
        other = await person_of(elsewhere, "syndicat")
        assert said(await other.client.get(orders_of(member))) == (404, "not_found")
        assert await shown(other, ALL) == []
        assert len(await shown(host, ALL)) == 1

    @pytest.mark.usefixtures("host")
    async def test_threat_33_a_member_sees_nothing_of_the_others(
        self,
        context: Context,
        member: ApiPerson,
        second: ApiPerson,
        person_of: PersonOf,
    ) -> None:
        await requested(second)
        await add_person(context, member.town, "curieux", Role.HOST_ADMIN)
        curious = await person_of(member.town, "curieux")
        assert await shown(curious, ALL) == []
        assert said(await curious.client.get(orders_of(second))) == (404, "not_found")
        assert said(await member.client.get(ALL)) == (403, "forbidden")
        assert await shown(member, "/certificate-orders") == []

    async def test_threat_33_a_tenant_that_left_is_seen_no_more(
        self, host: ApiPerson, member: ApiPerson, second: ApiPerson
    ) -> None:
        await requested(member)
        kept = await requested(second)
        await leave(member)
        assert await shown(host, ALL) == [kept["id"]]
        assert said(await host.client.get(orders_of(member))) == (404, "not_found")

    async def test_threat_34_a_host_changes_nothing(
        self, context: Context, host: ApiPerson, member: ApiPerson, person_of: PersonOf
    ) -> None:
        order = await requested(member)
        await add_person(context, host.town, "tout", *Role)
        mighty = await person_of(host.town, "tout")
        answers = [said(await move(mighty, order, name)) for name in BODIES]
        assert answers == [(404, "not_found")] * len(BODIES)
        assert await read(member, order) == order

    async def test_threat_33_no_folder_is_named(
        self, host: ApiPerson, member: ApiPerson, person_of: PersonOf
    ) -> None:
        submitter = await person_of(member.town, "finances")
        folder_id = await submitter.submitted()
        await requested(member)
        for path in (orders_of(member), ALL):
            answer = (await host.client.get(path)).text
            assert folder_id not in answer
            assert "Dossier d'essai" not in answer


class TestLooksAtCertificateOrders:
    async def test_each_look_at_a_member_is_in_both_journals(
        self, host: ApiPerson, member: ApiPerson, person_of: PersonOf
    ) -> None:
        made(await host.client.get(orders_of(member)))
        assert await looks(person_of, host, member) == (1, 1)

    async def test_a_look_at_all_is_told_of_the_members_that_it_shows(
        self, host: ApiPerson, member: ApiPerson, second: ApiPerson, person_of: PersonOf
    ) -> None:
        await requested(member)
        made(await host.client.get(ALL))
        assert await looks(person_of, host, member) == (1, 1)
        assert await looks(person_of, host, second) == (0, 0)

    async def test_a_page_tells_of_no_member_of_the_next_one(
        self,
        host: ApiPerson,
        member: ApiPerson,
        second: ApiPerson,
        person_of: PersonOf,
        clock: DrivenClock,
    ) -> None:
        await requested(member)
        clock.advance(seconds=1)
        await requested(second)
        made(await host.client.get(ALL, params={"size": 1}))
        assert await looks(person_of, host, second) == (1, 1)
        assert await looks(person_of, host, member) == (0, 0)


async def looks(person_of: PersonOf, host: ApiPerson, member: ApiPerson) -> tuple[int, int]:
    """How many looks of this person at the orders of the member the two journals tell."""
    keeper = await person_of(host.town, "administrateur")
    seen = str(host.town.users["syndicat"])
    counts = []
    for reader, kind, other in (
        (keeper, "member.certificate_orders_read", member.town),
        (member, "host.certificate_orders_read", host.town),
    ):
        lines = (await reader.client.get("/journal")).text.splitlines()
        told = [one for one in lines if f'"{kind}"' in one and str(other.tenant_id) in one]
        counts.append(len([one for one in told if seen in one]))
    return counts[0], counts[1]


class Interrupted(async_sessionmaker[AsyncSession]):
    """Sessions, with something that happens as the nth is opened."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], n: int, then: Callable[[], None]
    ):
        super().__init__(**sessions.kw)
        self._left, self._then = n, then

    def __call__(self, **local_kw: Any) -> AsyncSession:
        self._left -= 1
        if self._left == 0:
            self._then()
        return super().__call__(**local_kw)


class TestLeaving:
    """A member that leaves while its host looks: nothing is read once it has left."""

    @pytest.fixture
    def leaving_at(
        self, context: Context, database: Database, member: ApiPerson
    ) -> Callable[[int], Context]:
        """The context in which the member leaves as the nth transaction begins."""
        url = make_url(database.app).set(drivername="postgresql")

        def left() -> None:
            tenant = str(member.town.tenant_id)
            with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
                connection.execute("SELECT set_config('parapheur.tenant', %s, true)", [tenant])
                connection.execute("UPDATE tenants SET host_id = NULL WHERE id = %s", [tenant])

        return lambda n: dataclasses.replace(
            context, sessions=Interrupted(context.sessions, n, left)
        )

    @pytest.mark.parametrize("transaction", [1, 2, 3])
    async def test_threat_33_its_orders_are_not_found(
        self,
        host: ApiPerson,
        member: ApiPerson,
        leaving_at: Callable[[int], Context],
        transaction: int,
    ) -> None:
        await requested(member)
        wanted = service.WantedOrders(None, None, 50)
        with pytest.raises(NotFound):
            await service.list_certificate_orders(
                leaving_at(transaction),
                principal_of(host.town, "direction"),
                member.town.tenant_id,
                wanted,
            )
        told = "host.certificate_orders_read" in (await member.client.get("/journal")).text
        assert told is (transaction == 3)

    @pytest.mark.parametrize("transaction", [1, 2])
    async def test_threat_33_its_orders_are_not_among_those_of_all(
        self,
        host: ApiPerson,
        member: ApiPerson,
        leaving_at: Callable[[int], Context],
        transaction: int,
    ) -> None:
        await requested(member)
        found = await service.list_orders_of_members(
            leaving_at(transaction),
            principal_of(host.town, "direction"),
            service.WantedOrders(None, None, 50),
        )
        assert found == []


class TestReadingOnly:
    @pytest.mark.parametrize("path", [orders_of, lambda _: ALL], ids=["of_one", "of_all"])
    async def test_threat_34_orders_are_read_where_nothing_can_be_written(
        self,
        context: Context,
        host: ApiPerson,
        member: ApiPerson,
        path: Callable[[ApiPerson], str],
    ) -> None:
        await requested(member)
        said_to_database: list[str] = []

        def note(*given: Any) -> None:
            said_to_database.append(given[2])

        event.listen(context.engine.sync_engine, "before_cursor_execute", note)
        try:
            made(await host.client.get(path(member)))
        finally:
            event.remove(context.engine.sync_engine, "before_cursor_execute", note)
        (reading,) = (
            place for place, one in enumerate(said_to_database) if "FROM certificate_orders" in one
        )
        before = said_to_database[:reading]
        begun = max(place for place, one in enumerate(before) if "set_config" in one)
        assert "SET TRANSACTION READ ONLY" in before[begun:]


class TestIsolation:
    async def test_threat_33_bound_to_the_host_the_database_shows_no_order_of_a_member(
        self, context: Context, host: ApiPerson, member: ApiPerson
    ) -> None:
        """As parapheur_app, without the application's filters."""
        order = await requested(member)
        async with context.unit(host.town.tenant_id) as session:
            for statement in (
                "SELECT count(*) FROM certificate_orders",
                "SELECT count(*) FROM certificate_orders WHERE tenant_id = :tenant",
                "SELECT count(*) FROM certificate_orders o JOIN users u ON u.id = o.user_id"
                " WHERE o.id = :order",
            ):
                values = {"tenant": member.town.tenant_id, "order": order["id"]}
                named = {name: one for name, one in values.items() if f":{name}" in statement}
                assert await session.scalar(text(statement), named) == 0
            changed = await session.execute(
                text("UPDATE certificate_orders SET state = state WHERE id = :order RETURNING id"),
                {"order": order["id"]},
            )
            assert changed.all() == []
