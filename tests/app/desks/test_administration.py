"""Desks changed, placed under each other, staffed, removed; by whom."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.auth.principal import Role
from app.auth.service import principal_of_session
from app.context import Context
from app.demo.town import Town
from app.kit.clock import in_journal
from tests.app.conftest import PersonOf
from tests.builders.administration import be_away, give, hold, made, said
from tests.builders.catalog import Json, active, bound, condition, row, table, visa
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person
from tests.builders.towns import DrivenClock, cookie_of


def desk_path(by: ApiPerson, key: str) -> str:
    return f"/desks/{by.town.desks[key]}"


async def new_desk(by: ApiPerson, name: str, **more: Any) -> str:
    return str(made(await by.client.post("/desks", json={"name": name} | more))["id"])


class TestUpdate:
    async def test_what_is_given_changes_and_a_null_is_removed(
        self, administrator: ApiPerson
    ) -> None:
        path = desk_path(administrator, "maire")
        above = await new_desk(administrator, "Conseil")
        first = made(
            await administrator.client.patch(
                path, json={"name": "Mairie", "gender": "feminine", "superior_id": above}
            )
        )
        second = made(
            await administrator.client.patch(path, json={"capacity": None, "superior_id": None})
        )
        assert (first["name"], first["capacity"], first["gender"], first["superior_id"]) == (
            "Mairie",
            "Maire",
            "feminine",
            above,
        )
        assert (second["name"], second["capacity"], second["superior_id"]) == ("Mairie", None, None)

    async def test_a_circle_of_superiors_is_refused_and_shown(
        self, administrator: ApiPerson
    ) -> None:
        desks, client = administrator.town.desks, administrator.client
        for below, above in (("finances", "direction"), ("direction", "maire")):
            body = {"superior_id": str(desks[above])}
            made(await client.patch(desk_path(administrator, below), json=body))
        refused = await client.patch(
            desk_path(administrator, "maire"), json={"superior_id": str(desks["finances"])}
        )
        assert said(refused) == (409, "desk_cycle")
        circle = refused.json()["cycle"]
        assert circle[0] == circle[-1]
        assert set(circle) == {"Maire", "Service des finances", "Direction générale"}
        tree = (await client.get("/desks/hierarchy")).json()
        assert [(one["name"], one["level"]) for one in tree] == [
            ("Maire", 0),
            ("Direction générale", 1),
            ("Service des finances", 2),
        ]

    @pytest.mark.parametrize("same", ["Maire", "MAIRE", " maïre"], ids=["same", "case", "accent"])
    async def test_a_name_that_reads_like_another_is_refused(
        self, administrator: ApiPerson, same: str
    ) -> None:
        created = await administrator.client.post("/desks", json={"name": same})
        renamed = await administrator.client.patch(
            desk_path(administrator, "finances"), json={"name": same}
        )
        assert said(created) == said(renamed) == (409, "desk_name_taken")
        assert "« Maire »" in created.json()["detail"]

    async def test_a_desk_may_write_its_own_name_otherwise(self, administrator: ApiPerson) -> None:
        answer = await administrator.client.patch(
            desk_path(administrator, "maire"), json={"name": "LE MAIRE"}
        )
        again = await administrator.client.patch(
            desk_path(administrator, "maire"), json={"name": "Le maire"}
        )
        assert (answer.status_code, made(again)["name"]) == (200, "Le maire")

    async def test_of_names_that_read_alike_created_at_once_one_stays(
        self, administrator: ApiPerson
    ) -> None:
        answers = await asyncio.gather(
            *(
                administrator.client.post("/desks", json={"name": name})
                for name in ("Été", "été", "ETE", "Ete")
            )
        )
        assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]

    async def test_a_desk_out_of_use_is_no_superior(self, administrator: ApiPerson) -> None:
        client = administrator.client
        spare = await new_desk(administrator, "Archives")
        made(await client.patch(f"/desks/{spare}", json={"is_active": False}))
        below = {"superior_id": spare}
        created = await client.post("/desks", json={"name": "Réserve"} | below)
        placed = await client.patch(desk_path(administrator, "maire"), json=below)
        assert said(created) == said(placed) == (409, "superior_out_of_use")
        assert "« Archives »" in placed.json()["detail"]

    async def test_a_desk_that_subtypes_or_folders_under_way_need_is_not_put_out_of_use(
        self, administrator: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        town, client = administrator.town, administrator.client
        desks = {name: await new_desk(administrator, name) for name in "ABCD"}
        stop = {"is_active": False}

        async def uses(name: str) -> object:
            refused = await client.patch(f"/desks/{desks[name]}", json=stop)
            assert said(refused) == (409, "desk_in_use")
            return refused.json()["uses"]

        variable: Json = {"desk_ids": [], "actors": [{"kind": "variable"}]}
        waits = await active(administrator, visa(town), visa(town, id="choix", **variable))
        when = condition("deposit_desk", "equals", desks["D"])
        town.subtypes["essai"] = uuid.UUID(
            await bound(
                administrator,
                waits,
                name="Essai",
                deposit_desk_ids=[desks["A"], desks["D"], finances.desk],
                visible_desk_ids=[desks["B"]],
                rule_table=table(row(waits, when), row(waits, choix=desks["C"])),
            )
        )
        folder_id = await finances.submitted("essai")
        assert [await uses(name) for name in "ABD"] == [["sous-type « Essai »"]] * 3
        assert await uses("C") == ["1 dossier en cours", "sous-type « Essai »"]
        subtype = f"/folder-subtypes/{town.subtypes['essai']}"
        made(await client.patch(subtype, json={"rule_table": None}))
        assert await uses("C") == ["1 dossier en cours"]
        await direction.act(folder_id, "reject", step="visa", reason="Sans suite")
        assert await uses("C") == ["1 dossier en cours"]
        await finances.act(folder_id, "cancel")
        assert made(await client.patch(f"/desks/{desks['C']}", json=stop))["is_active"] is False

    async def test_a_desk_where_circuits_pass_is_not_put_out_of_use(
        self, administrator: ApiPerson
    ) -> None:
        refused = await administrator.client.patch(
            desk_path(administrator, "direction"), json={"is_active": False}
        )
        spare = await new_desk(administrator, "Archives")
        stopped = made(
            await administrator.client.patch(f"/desks/{spare}", json={"is_active": False})
        )
        assert said(refused) == (409, "desk_in_use")
        assert "circuit « Visa, envoi », version 1" in refused.json()["uses"]
        assert stopped["is_active"] is False


class TestDelete:
    async def test_a_desk_in_use_is_refused_with_every_use_and_stays_whole(
        self, administrator: ApiPerson, finances: ApiPerson
    ) -> None:
        town, client = administrator.town, administrator.client
        await finances.create("acts")
        await give(administrator, "finances", "direction")
        await be_away(administrator, "finances", desk_id=str(town.desks["finances"]))
        await new_desk(administrator, "Régie", superior_id=str(town.desks["finances"]))
        staff = {"user_id": str(town.users["maire"]), "role": "supervisor"}
        made(await client.post(f"{desk_path(administrator, 'finances')}/staff", json=staff))
        refused = await client.delete(desk_path(administrator, "finances"))
        assert said(refused) == (409, "desk_in_use")
        assert refused.json()["uses"] == [
            "1 dossier",
            "bureau subordonné « Régie »",
            "titulaire : Alix Comptoir",
            "assistant ou superviseur : Camille Exemple",
            "pouvoir donné à : Dominique Modèle",
            "absence de : Alix Comptoir",
        ]
        listed = (await client.get("/desks")).json()
        kept = next(one for one in listed if one["id"] == str(town.desks["finances"]))
        assert (len(kept["holders"]), len(kept["staff"])) == (1, 1)

    async def test_a_desk_that_nothing_names_any_more_goes(
        self, administrator: ApiPerson, clock: DrivenClock
    ) -> None:
        spare = await new_desk(administrator, "Archives")
        administrator.town.desks["archives"] = uuid.UUID(spare)
        held = await hold(administrator, "archives", "finances")
        clock.advance(minutes=1)
        path = f"/desks/{spare}"
        early = said(await administrator.client.delete(path))
        holder = held["holders"][0]["id"]
        made(await administrator.client.patch(f"{path}/holders/{holder}", json={}))
        gone = await administrator.client.delete(path)
        names = {one["name"] for one in (await administrator.client.get("/desks")).json()}
        assert early == (409, "desk_in_use")
        assert gone.status_code == 204
        assert "Archives" not in names


class TestHolders:
    async def test_the_journal_tells_from_when_to_when_a_person_holds(
        self, administrator: ApiPerson, clock: DrivenClock
    ) -> None:
        start, end = clock() + timedelta(days=1), clock() + timedelta(days=9)
        period = {"starts_at": start.isoformat(), "ends_at": end.isoformat()}
        await hold(administrator, "maire", "finances", **period)
        line = (await administrator.client.get("/journal")).text.splitlines()[-2]
        details = json.loads(line)["entry"]["details"]
        told = (details["starts_at"], details["ends_at"])
        assert told == (in_journal(start), in_journal(end))

    async def test_a_desk_admin_looks_after_the_desks_of_his_list_only(
        self, context: Context, administrator: ApiPerson, person_of: PersonOf
    ) -> None:
        town = administrator.town
        await add_person(context, town, "referent", Role.DESK_ADMIN)
        listed = {"administered_desk_ids": [str(town.desks["finances"])]}
        made(await administrator.client.patch(f"/users/{town.users['referent']}", json=listed))
        referent = await person_of(town, "referent")
        body = {"user_id": str(town.users["direction"])}
        answers = {
            key: said(
                await referent.client.post(f"{desk_path(administrator, key)}/holders", json=body)
            )
            for key in ("finances", "maire")
        }
        others = [
            said(await referent.client.patch(desk_path(administrator, "finances"), json={})),
            said(await referent.client.delete(desk_path(administrator, "finances"))),
            said(await referent.client.get("/grants")),
            said(await referent.client.get("/users")),
        ]
        assert answers == {"finances": (201, None), "maire": (403, "desk_not_administered")}
        assert others == [(403, "forbidden")] * 4

    async def test_a_holder_leaves_at_the_instant_given_and_never_in_the_past(
        self, administrator: ApiPerson, clock: DrivenClock
    ) -> None:
        path = f"{desk_path(administrator, 'finances')}/holders"
        listed = (await administrator.client.get("/desks")).json()
        desk = next(one for one in listed if one["name"] == "Service des finances")
        path = f"{path}/{desk['holders'][0]['id']}"
        clock.advance(minutes=5)
        past = {"ends_at": (clock() - timedelta(seconds=1)).isoformat()}
        refused = said(await administrator.client.patch(path, json=past))
        ended = made(await administrator.client.patch(path, json={}))
        again = said(await administrator.client.patch(path, json={}))
        assert refused == (422, "instant_past")
        assert ended["holders"][0]["ends_at"] == clock().isoformat().replace("+00:00", "Z")
        assert again == (409, "holding_ended")

    @pytest.mark.parametrize("minutes", [None, 1, 10], ids=["now", "before", "at the start"])
    async def test_somebody_who_has_not_come_yet_is_withdrawn(
        self,
        context: Context,
        administrator: ApiPerson,
        clock: DrivenClock,
        minutes: int | None,
    ) -> None:
        start = clock() + timedelta(minutes=10)
        held = await hold(administrator, "maire", "finances", starts_at=start.isoformat())
        path = f"{desk_path(administrator, 'maire')}/holders/{held['holders'][1]['id']}"
        at = None if minutes is None else (clock() + timedelta(minutes=minutes)).isoformat()
        left = made(await administrator.client.patch(path, json={"ends_at": at}))
        assert [one["user_id"] for one in left["holders"]] == [held["holders"][0]["user_id"]]
        assert await ends_told(context, administrator) == [("desk.holder_withdrawn", None)]
        assert said(await administrator.client.patch(path, json={})) == (404, "not_found")

    async def test_an_end_is_moved_later_unless_the_person_holds_the_desk_again_by_then(
        self, context: Context, administrator: ApiPerson, clock: DrivenClock
    ) -> None:
        day = timedelta(days=1)
        ends, returns = clock() + day, clock() + 9 * day
        held = await hold(administrator, "maire", "finances", ends_at=ends.isoformat())
        await hold(administrator, "maire", "finances", starts_at=returns.isoformat())
        path = f"{desk_path(administrator, 'maire')}/holders/{held['holders'][1]['id']}"
        answers = [
            said(await administrator.client.patch(path, json={"ends_at": one.isoformat()}))
            for one in (returns + day, returns, returns - day)
        ]
        told = [
            ("desk.holder_prolonged", in_journal(returns)),
            ("desk.holder_ended", in_journal(returns - day)),
        ]
        assert answers == [(409, "already_holder"), (200, None), (200, None)]
        assert await ends_told(context, administrator) == told

    async def test_threat_36_nobody_who_administers_desks_only_prolongs_his_own_holding(
        self,
        context: Context,
        administrator: ApiPerson,
        person_of: PersonOf,
        clock: DrivenClock,
    ) -> None:
        town, desk = administrator.town, str(administrator.town.desks["maire"])
        soon = clock() + timedelta(days=1)
        later = {"ends_at": (soon + timedelta(days=3650)).isoformat()}
        sooner = {"ends_at": (soon - timedelta(hours=1)).isoformat()}
        answers = {}
        for place, role in enumerate((Role.WORKFLOW_ADMIN, Role.DESK_ADMIN), start=1):
            await add_person(context, town, role.value, role)
            listed = {"administered_desk_ids": [desk] if role is Role.DESK_ADMIN else []}
            made(await administrator.client.patch(f"/users/{town.users[role.value]}", json=listed))
            held = await hold(administrator, "maire", role.value, ends_at=soon.isoformat())
            path = f"/desks/{desk}/holders/{held['holders'][place]['id']}"
            client = (await person_of(town, role.value)).client
            answers[role] = [
                said(await client.patch(path, json=later)),
                said(await client.patch(path, json=sooner)),
                said(await administrator.client.patch(path, json=later)),
            ]
        assert list(answers.values()) == [[(403, "self_granted"), (200, None), (200, None)]] * 2

    async def test_the_same_person_does_not_hold_a_desk_twice_at_once(
        self, administrator: ApiPerson
    ) -> None:
        body = {"user_id": str(administrator.town.users["maire"])}
        path = f"{desk_path(administrator, 'maire')}/holders"
        refused = said(await administrator.client.post(path, json=body))
        assert refused == (409, "already_holder")


class TestStaff:
    async def test_an_assistant_and_a_supervisor_watch_a_desk_until_they_are_removed(
        self, context: Context, administrator: ApiPerson
    ) -> None:
        town, client = administrator.town, administrator.client
        path = f"{desk_path(administrator, 'maire')}/staff"
        user = {"user_id": str(town.users["finances"])}
        watched = []
        added = made(
            await client.post(path, json=user | {"role": "assistant", "may_declare_absence": True})
        )
        watched.append(await desks_of(context, town, "finances"))
        twice = said(await client.post(path, json=user | {"role": "assistant"}))
        declaring = user | {"role": "supervisor", "may_declare_absence": True}
        watching = said(await client.post(path, json=declaring))
        removed = await client.delete(f"{path}/{added['staff'][0]['id']}")
        watched.append(await desks_of(context, town, "finances"))
        own, other = town.desks["finances"], town.desks["maire"]
        assert watched == [({own}, {other}), ({own}, set())]
        assert (twice, watching) == ((409, "already_staff"), (422, "supervisor_watches"))
        assert removed.status_code == 204


async def ends_told(context: Context, by: ApiPerson) -> list[tuple[str, str | None]]:
    """What the journal says of the ends of holdings."""
    async with context.unit(by.town.tenant_id) as session:
        rows = await session.execute(
            text(
                "SELECT kind, entry::json -> 'details' ->> 'ends_at' FROM audit_events "
                "WHERE kind LIKE 'desk.holder_%' AND kind <> 'desk.holder_added' ORDER BY seq"
            )
        )
        return [(kind, ends_at) for kind, ends_at in rows]


async def desks_of(context: Context, town: Town, key: str) -> tuple[set[Any], set[Any]]:
    """Where a person may act, and what he only watches."""
    principal, _ = await principal_of_session(context, await cookie_of(context, town, key))
    return set(principal.desk_ids), set(principal.watched_desk_ids)
