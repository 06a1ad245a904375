"""Desks changed, placed under each other, staffed, removed; by whom."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from app.auth.principal import Role
from app.auth.service import principal_of_session
from app.context import Context
from app.demo.town import Town
from tests.app.conftest import PersonOf
from tests.builders.administration import be_away, give, hold, made, said
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


async def desks_of(context: Context, town: Town, key: str) -> tuple[set[Any], set[Any]]:
    """Where a person may act, and what he only watches."""
    principal, _ = await principal_of_session(context, await cookie_of(context, town, key))
    return set(principal.desk_ids), set(principal.watched_desk_ids)
