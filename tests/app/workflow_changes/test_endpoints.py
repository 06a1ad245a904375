"""Folders under way when their circuit changes: what it would do, who follows, and back."""

from __future__ import annotations

import uuid

from app.context import Context
from app.demo.town import Town
from tests.app.conftest import PersonOf
from tests.builders.catalog import (
    Json,
    activate,
    active,
    bound,
    change,
    sending,
    signature,
    told,
    visa,
)
from tests.builders.damages import unreadable_event
from tests.builders.people import ApiPerson, approve
from tests.builders.towns import random_id


async def signing_workflow(administrator: ApiPerson) -> str:
    """The circuit of letters: visa, signature."""
    listed = (await administrator.client.get("/workflows")).json()
    return str(next(one["id"] for one in listed if one["name"] == "Visa, signature"))


async def new_version(administrator: ApiPerson, workflow_id: str, *steps: Json) -> int:
    """In force at once; its number."""
    path = f"/workflows/{workflow_id}/versions"
    made = await administrator.client.post(path, json={"steps": list(steps)})
    number = int(made.json()["versions"][0]["number"])
    answer = await activate(administrator, workflow_id, number)
    assert answer.status_code == 200, answer.text
    return number


async def preview(administrator: ApiPerson, workflow_id: str, number: int) -> Json:
    path = f"/workflows/{workflow_id}/versions/{number}/impact"
    answer = await administrator.client.get(path)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def bring(
    administrator: ApiPerson, workflow_id: str, number: int, *, undo: bool = False, **asked: object
) -> list[Json]:
    path = f"/workflows/{workflow_id}/versions/{number}/migrations{'/undo' if undo else ''}"
    answer = await administrator.client.post(path, json=asked)
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()
    return found


def outcomes(answer: list[Json]) -> dict[str, tuple[bool, int | None, str | None]]:
    return {one["folder_id"]: (one["migrated"], one["version"], one["code"]) for one in answer}


async def flows_to_sign(administrator: ApiPerson, key: str) -> tuple[str, str]:
    """A circuit and a subtype of flows to sign in it: their ids."""
    town = administrator.town
    workflow_id = await active(administrator, visa(town), signature(town), sending())
    subtype_id = await bound(administrator, workflow_id, "HELIOS", helios_intake="to_sign")
    town.subtypes[key] = uuid.UUID(subtype_id)
    return workflow_id, subtype_id


class TestImpact:
    async def test_counts_and_tells_what_each_folder_would_meet(
        self, administrator: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        workflow_id = await signing_workflow(administrator)
        waiting = await finances.submitted("letters")
        rejected = await finances.submitted("letters")
        await direction.act(rejected, "reject", step="visa", reason="Pièce absente")
        past = await finances.submitted("letters")
        await approve(direction, past)
        await finances.create("letters")
        number = await new_version(
            administrator,
            workflow_id,
            visa(administrator.town, name="Visa de la direction", due_in_days=2),
            signature(administrator.town, name="Signature du maire"),
        )
        found = await preview(administrator, workflow_id, number)
        assert found["summary"] == (
            "3 dossiers en cours : 1 inchangé, 1 à une étape qui change, 1 qui ne peut pas suivre."
        )
        assert (found["total"], found["unaffected"], found["upcoming_changes"]) == (3, 1, 0)
        assert {(one["folder_id"], one["effect"], one["version"]) for one in found["folders"]} == {
            (waiting, "step_changes", 1),
            (rejected, "cannot_follow", 1),
            (past, "unaffected", 1),
        }

    async def test_nothing_under_way_is_said(self, administrator: ApiPerson) -> None:
        workflow_id = await signing_workflow(administrator)
        found = await preview(administrator, workflow_id, 1)
        assert (found["total"], found["folders"]) == (0, [])
        assert found["summary"] == "Aucun dossier en cours ne suit une autre version."


class TestMigrations:
    async def test_folders_follow_one_by_one_and_may_go_back(
        self, administrator: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        workflow_id = await signing_workflow(administrator)
        waiting = await finances.submitted("letters")
        rejected = await finances.submitted("letters")
        await direction.act(rejected, "reject", step="visa", reason="Pièce absente")
        second = visa(administrator.town, id="second", name="Second visa")
        number = await new_version(
            administrator,
            workflow_id,
            visa(administrator.town),
            second,
            signature(administrator.town),
        )
        stranger = str(random_id())
        moved = await bring(
            administrator, workflow_id, number, folder_ids=[waiting, rejected, stranger]
        )
        steps = [one["id"] for one in (await finances.read(waiting))["steps"]]
        twice = await bring(administrator, workflow_id, number, folder_ids=[waiting])
        back = await bring(administrator, workflow_id, number, undo=True)
        again = await bring(administrator, workflow_id, number, undo=True, folder_ids=[waiting])
        after = [one["id"] for one in (await finances.read(waiting))["steps"]]
        assert outcomes(moved) == {
            waiting: (True, number, None),
            rejected: (False, None, "not_migratable"),
            stranger: (False, None, "not_found"),
        }
        assert (steps, after) == (["visa", "second", "signature"], ["visa", "signature"])
        assert outcomes(twice) == {waiting: (False, None, "already_in_this_version")}
        assert outcomes(back) == {waiting: (True, 1, None)}
        assert outcomes(again) == {waiting: (False, None, "not_migrated_here")}

    async def test_without_list_all_that_can_follow_do_and_go_on(
        self, administrator: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        workflow_id = await signing_workflow(administrator)
        folders = [await finances.submitted("letters") for _ in range(2)]
        rejected = await finances.submitted("letters")
        await direction.act(rejected, "reject", step="visa", reason="Pièce absente")
        chosen = {**visa(administrator.town, id="choix"), "desk_ids": []}
        chosen["actors"] = [{"kind": "variable"}]
        number = await new_version(administrator, workflow_id, visa(administrator.town), chosen)
        without = await bring(administrator, workflow_id, number)
        desk = {"step": "choix", "desk_id": direction.desk}
        moved = await bring(administrator, workflow_id, number, chosen_desks=[desk])
        await approve(direction, folders[0])
        passed = await direction.act(folders[0], "approve", step="choix")
        history = [one["kind"] for one in await finances.history(folders[1])]
        assert set(outcomes(without)) == set(folders)
        assert {one["code"] for one in without} == {"variable_desk_missing"}
        assert outcomes(moved) == dict.fromkeys(folders, (True, number, None))
        assert passed.json()["status"] == "completed"
        assert "migrated" in history

    async def test_one_that_cannot_be_read_holds_no_other_back(
        self, context: Context, administrator: ApiPerson, finances: ApiPerson
    ) -> None:
        workflow_id = await signing_workflow(administrator)
        first, second, sound = [await finances.submitted("letters") for _ in range(3)]
        town = administrator.town

        async def damage(folder_id: str) -> None:
            async with context.unit(town.tenant_id) as session:
                session.add(unreadable_event(town, folder_id))

        number = await new_version(administrator, workflow_id, visa(town), signature(town))
        await damage(first)
        found = await preview(administrator, workflow_id, number)
        moved = await bring(administrator, workflow_id, number)
        await damage(second)
        back = await bring(administrator, workflow_id, number, undo=True)
        done, failed = (True, number, None), (False, None, "internal_error")
        assert {one["folder_id"]: one["effect"] for one in found["folders"]} == {
            first: "cannot_follow",
            second: "step_changes",
            sound: "step_changes",
        }
        assert outcomes(moved) == {first: failed, second: done, sound: done}
        assert outcomes(back) == {second: failed, sound: (True, 1, None)}

    async def test_one_of_a_list_that_cannot_be_read_holds_no_other_back(
        self, context: Context, administrator: ApiPerson, finances: ApiPerson
    ) -> None:
        workflow_id = await signing_workflow(administrator)
        damaged, sound = [await finances.submitted("letters") for _ in range(2)]
        town = administrator.town
        number = await new_version(administrator, workflow_id, visa(town), signature(town))
        async with context.unit(town.tenant_id) as session:
            session.add(unreadable_event(town, damaged))
        both = [damaged, sound]
        moved = await bring(administrator, workflow_id, number, folder_ids=both)
        back = await bring(administrator, workflow_id, number, undo=True, folder_ids=both)
        failed = (False, None, "internal_error")
        assert outcomes(moved) == {damaged: failed, sound: (True, number, None)}
        assert outcomes(back) == {damaged: failed, sound: (True, 1, None)}

    async def test_no_folder_follows_a_draft(
        self, administrator: ApiPerson, finances: ApiPerson
    ) -> None:
        workflow_id = await signing_workflow(administrator)
        await finances.submitted("letters")
        path = f"/workflows/{workflow_id}/versions"
        await administrator.client.post(path, json={"steps": [visa(administrator.town)]})
        seen = await preview(administrator, workflow_id, 2)
        refused = await administrator.client.post(f"{path}/2/migrations", json={})
        assert seen["total"] == 1
        assert told(refused) == (409, "version_not_active")

    async def test_the_desks_chosen_before_stand_again_on_the_way_back(
        self, administrator: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        workflow_id = await signing_workflow(administrator)
        folder_id = await finances.submitted("letters")
        chosen = {**visa(administrator.town, id="choix"), "desk_ids": []}
        chosen["actors"] = [{"kind": "variable"}]
        town = administrator.town
        number = await new_version(administrator, workflow_id, visa(town), chosen, signature(town))
        desk = {"step": "choix", "desk_id": direction.desk}
        await bring(administrator, workflow_id, number, chosen_desks=[desk])
        shorter = await new_version(administrator, workflow_id, visa(town), signature(town))
        await bring(administrator, workflow_id, shorter)
        back = await bring(administrator, workflow_id, shorter, undo=True)
        steps = {one["id"]: one for one in (await finances.read(folder_id))["steps"]}
        assert outcomes(back) == {folder_id: (True, number, None)}
        assert steps["choix"]["desk_ids"] == [direction.desk]

    async def test_a_step_added_to_a_folder_stays_there_and_back(
        self,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        town = administrator.town
        workflow_id = await active(administrator, visa(town, may_add_steps=True))
        town.subtypes["essai"] = uuid.UUID(await bound(administrator, workflow_id))
        folder_id = await finances.submitted("essai")
        added = {"id": "ajout", "kind": "signature", "name": "Ajout", "desk_ids": [mayor.desk]}
        await direction.act(folder_id, "add_step", step="visa", **added)
        longer = (visa(town, may_add_steps=True), visa(town, id="second", name="Second"))
        number = await new_version(administrator, workflow_id, *longer)
        await bring(administrator, workflow_id, number)
        there = [one["id"] for one in (await finances.read(folder_id))["steps"]]
        await bring(administrator, workflow_id, number, undo=True)
        back = [one["id"] for one in (await finances.read(folder_id))["steps"]]
        assert (there, back) == (["visa", "ajout", "second"], ["visa", "ajout"])


class TestWhatTheSubtypeForbids:
    async def test_a_folder_whose_subtype_went_to_another_circuit_follows_its_protocol(
        self, administrator: ApiPerson, finances: ApiPerson
    ) -> None:
        workflow_id, subtype_id = await flows_to_sign(administrator, "flows-rebound")
        folder_id = await finances.submitted("flows-rebound")
        town = administrator.town
        drawn = (visa(town), signature(town), sending())
        elsewhere = await active(administrator, *drawn, name="Ailleurs")
        await change(administrator, subtype_id, workflow_id=elsewhere)
        second = signature(town, id="deux", name="Seconde signature")
        number = await new_version(administrator, workflow_id, *drawn[:2], second, sending())
        found = await preview(administrator, workflow_id, number)
        every = await bring(administrator, workflow_id, number)
        moved = await bring(administrator, workflow_id, number, folder_ids=[folder_id])
        assert found["cannot_follow"] == 1
        assert "se signe une fois et une seule" in found["folders"][0]["detail"]
        assert every == []
        assert outcomes(moved) == {folder_id: (False, None, "workflow_has_errors")}
        assert moved[0]["detail"] == found["folders"][0]["detail"]

    async def test_a_retired_subtype_counts_until_its_folders_have_ended(
        self, administrator: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        workflow_id, subtype_id = await flows_to_sign(administrator, "flows-retired")
        folder_id = await finances.submitted("flows-retired")
        await change(administrator, subtype_id, is_active=False)
        path = f"/workflows/{workflow_id}/versions"
        await administrator.client.post(path, json={"steps": [visa(administrator.town)]})
        refused = await activate(administrator, workflow_id, 2)
        found = await preview(administrator, workflow_id, 2)
        await direction.act(folder_id, "reject", step="visa", reason="Pièce absente")
        await finances.act(folder_id, "cancel")
        accepted = await activate(administrator, workflow_id, 2)
        assert told(refused) == (422, "workflow_has_errors")
        assert found["cannot_follow"] == 1
        assert accepted.status_code == 200


class TestIsolation:
    async def test_threat_33_a_folder_of_another_tenant_or_circuit_is_not_found(
        self,
        administrator: ApiPerson,
        finances: ApiPerson,
        other_town: Town,
        person_of: PersonOf,
    ) -> None:
        workflow_id = await signing_workflow(administrator)
        foreign = await (await person_of(other_town, "finances")).submitted("letters")
        act = await finances.submitted("acts")
        number = await new_version(administrator, workflow_id, visa(administrator.town))
        moved = await bring(administrator, workflow_id, number, folder_ids=[foreign, act])
        assert {one["code"] for one in moved} == {"not_found"}
