"""A host organisation and its members: settings, never a folder."""

from __future__ import annotations

from app.auth.principal import Role
from app.context import Context
from app.demo.town import Town
from tests.app.conftest import PersonOf
from tests.builders.administration import made, said
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person
from tests.builders.towns import random_id


async def host_of(
    context: Context, town: Town, member: ApiPerson, person_of: PersonOf
) -> ApiPerson:
    """Somebody of the town that hosts the member from now on."""
    made(await member.client.patch("/tenant", json={"host_id": str(town.tenant_id)}))
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
        made(await member.client.patch("/tenant", json={"host_id": None}))
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
