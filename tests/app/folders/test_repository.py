"""Lists of folders: those that one reads, those whose stuck steps one looks after."""

from __future__ import annotations

from typing import Any

from app.auth.principal import Role
from app.context import Context
from app.desks.schemas import DeskCreate
from app.desks.service import create_desk
from app.models import User
from tests.app.conftest import PersonOf
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person
from tests.builders.towns import DrivenClock


async def listed(person: ApiPerson, **asked: Any) -> list[dict[str, Any]]:
    answer = await person.client.get("/folders", params=asked)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


class TestAdministered:
    async def test_who_looks_after_circuits_finds_the_folders_that_wait(
        self, context: Context, finances: ApiPerson, person_of: PersonOf, clock: DrivenClock
    ) -> None:
        town = finances.town
        await add_person(context, town, "workflow_admin", Role.WORKFLOW_ADMIN)
        administrator = await person_of(town, "workflow_admin")
        folders = [await finances.submitted()]
        clock.advance(seconds=1)
        folders.append(await finances.submitted())
        await finances.create("letters", title="Un brouillon")

        found = await listed(administrator, administered=True)
        [skipped] = await listed(administrator, administered=True, status="pending", size=1)
        page = await administrator.client.get("/folders", params={"administered": True, "size": 1})
        [second] = await listed(
            administrator, administered=True, cursor=page.json()["next_cursor"], size=1
        )
        step = {"action": "skip_step", "step": "visa", "desk_id": str(town.desks["direction"])}
        unblocked = await administrator.client.post(
            f"/folders/{skipped['id']}/actions", json=step | {"reason": "Personne n'est là."}
        )

        assert await listed(administrator) == []
        assert [one["id"] for one in found] == folders[::-1] == [skipped["id"], second["id"]]
        assert found[0]["waiting_desk_ids"] == [str(town.desks["direction"])]
        assert found[0]["waiting_kind"] == "approval"
        assert unblocked.status_code == 200, unblocked.text

    async def test_threat_33_who_looks_after_a_desk_finds_its_folders_and_no_other(
        self, context: Context, finances: ApiPerson, person_of: PersonOf
    ) -> None:
        town = finances.town
        folder_id = await finances.submitted()
        async with context.unit(town.tenant_id) as session:
            town.desks["archives"] = (await create_desk(session, DeskCreate(name="Archives"))).id
        found = {}
        for key, desks in {"its": ["direction"], "another": ["archives"], "none": []}.items():
            await add_person(context, town, key, Role.DESK_ADMIN)
            async with context.unit(town.tenant_id) as session:
                user = await session.get_one(User, town.users[key])
                user.administered_desk_ids = [town.desks[one] for one in desks]
            person = await person_of(town, key)
            found[key] = [one["id"] for one in await listed(person, administered=True)]

        assert found == {"its": [folder_id], "another": [], "none": []}

    async def test_threat_33_who_administers_nothing_finds_nothing(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await finances.submitted()

        assert await listed(direction, administered=True) == []
        assert len(await listed(direction)) == 1
