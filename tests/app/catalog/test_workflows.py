"""Circuits: drafts say what is wrong, activation refuses it, what is in use is not deleted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text, update

from app.context import Context
from app.demo.town import Town
from app.models import DeskHolder
from tests.app.conftest import PersonOf
from tests.builders.catalog import (
    Json,
    activate,
    active,
    bind,
    bound,
    draw,
    make_type,
    row,
    sending,
    signature,
    table,
    told,
    visa,
)
from tests.builders.configurations import setup_of
from tests.builders.people import ApiPerson
from tests.builders.towns import DrivenClock, a_town, random_id


class TestWorkflow:
    @pytest.mark.parametrize(
        ("steps", "code"),
        [
            ((), "workflow_empty"),
            (({"id": "visa", "kind": "approval", "name": "Visa"},), "step_without_actor"),
            ((sending(), sending(id="encore")), "transmission_repeated"),
            ((sending(name=" "),), "step_unnamed"),
            ((sending(id=""),), "step_unnamed"),
        ],
        ids=["empty", "nobody", "sent twice", "no name", "no id"],
    )
    async def test_a_draft_is_kept_with_its_findings_and_not_activated(
        self, context: Context, administrator: ApiPerson, steps: tuple[Json, ...], code: str
    ) -> None:
        made = await draw(administrator, *steps)
        assert made.status_code == 201, made.text
        findings = {one["code"] for one in made.json()["versions"][0]["findings"]}
        refused = await activate(administrator, made.json()["id"])
        assert "Circuit d'essai" in await setup_of(context, administrator.town).export()
        assert code in findings
        assert told(refused) == (422, "workflow_has_errors")
        assert code in refused.json()["findings"]

    async def test_a_refused_activation_leaves_the_draft_a_draft(
        self, administrator: ApiPerson
    ) -> None:
        made = (await draw(administrator)).json()
        await activate(administrator, made["id"])
        listed = (await administrator.client.get("/workflows")).json()
        found = next(one for one in listed if one["id"] == made["id"])
        assert found["versions"][0]["activated_at"] is None

    async def test_versions_stay_as_they_were(self, administrator: ApiPerson) -> None:
        town = administrator.town
        made = (await draw(administrator, visa(town))).json()
        again = await administrator.client.post(
            f"/workflows/{made['id']}/versions", json={"steps": [visa(town), signature(town)]}
        )
        numbers = [(one["number"], len(one["steps"])) for one in again.json()["versions"]]
        assert numbers == [(2, 2), (1, 1)]

    async def test_editing_at_once_gives_each_its_number(self, administrator: ApiPerson) -> None:
        made = (await draw(administrator, visa(administrator.town))).json()
        path = f"/workflows/{made['id']}/versions"
        body: Json = {"steps": []}
        answers = await asyncio.gather(
            *(administrator.client.post(path, json=body) for _ in range(5))
        )
        listed = (await administrator.client.get("/workflows")).json()
        versions = next(one["versions"] for one in listed if one["id"] == made["id"])
        assert {one.status_code for one in answers} == {201}
        assert [one["number"] for one in versions] == [6, 5, 4, 3, 2, 1]

    async def test_of_names_that_read_alike_given_at_once_one_stays(
        self, administrator: ApiPerson
    ) -> None:
        names = ("Été", "été", "ETE", "Ete")
        type_id = (await make_type(administrator, "NONE")).json()["id"]
        workflow = await active(administrator, visa(administrator.town))
        for given in (
            [draw(administrator, name=name) for name in names],
            [make_type(administrator, "NONE", name=name) for name in names],
            [bind(administrator, type_id, workflow, name=name) for name in names],
        ):
            answers = await asyncio.gather(*given)
            assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]

    @pytest.mark.parametrize("name", ["Circuit d'été", "CIRCUIT D'ÉTÉ", " circuit  d'ete "])
    async def test_a_name_is_taken_once_without_case_nor_accents(
        self, administrator: ApiPerson, name: str
    ) -> None:
        await draw(administrator, name="Circuit d'été")
        assert told(await draw(administrator, name=name)) == (409, "workflow_name_taken")

    async def test_threat_38_two_that_take_one_name_at_once_are_one_winner(
        self, administrator: ApiPerson
    ) -> None:
        answers = await asyncio.gather(*(draw(administrator, name="Ensemble") for _ in range(6)))
        assert sorted(one.status_code for one in answers) == [201, *[409] * 5]

    async def test_threat_33_a_desk_of_another_tenant_is_unknown_and_forbids_activation(
        self, administrator: ApiPerson, other_town: Town
    ) -> None:
        told_of = []
        for n, desk in enumerate((other_town.desks["maire"], random_id())):
            step = visa(administrator.town, desk_ids=[str(desk)])
            made = (await draw(administrator, step, name=f"Circuit {n}")).json()
            found = made["versions"][0]["findings"]
            refused = await activate(administrator, made["id"])
            told_of.append((found, told(refused), refused.json()["findings"]))
        assert told_of[0] == told_of[1]
        assert told_of[0][1:] == ((422, "workflow_has_errors"), ["unknown_desk"])

    async def test_a_version_that_does_not_exist_is_not_found(
        self, administrator: ApiPerson
    ) -> None:
        made = (await draw(administrator, visa(administrator.town))).json()
        assert (await activate(administrator, made["id"], 2)).status_code == 404

    async def test_the_latest_activated_version_is_in_force(
        self, context: Context, administrator: ApiPerson
    ) -> None:
        workflow_id = await active(administrator, visa(administrator.town))
        await administrator.client.post(
            f"/workflows/{workflow_id}/versions", json={"steps": [signature(administrator.town)]}
        )
        before = await _in_force(context, administrator.town, workflow_id)
        await activate(administrator, workflow_id, 2)
        assert (before, await _in_force(context, administrator.town, workflow_id)) == (1, 2)


async def _in_force(context: Context, town: Town, workflow_id: str) -> int | None:
    query = text(
        "SELECT number FROM workflow_versions WHERE workflow_id = :id"
        " AND activated_at IS NOT NULL ORDER BY activated_at DESC, number DESC LIMIT 1"
    )
    async with context.unit(town.tenant_id) as session:
        number: int | None = await session.scalar(query, {"id": workflow_id})
    return number


class TestDrawing:
    async def test_every_setting_of_a_circuit_is_read_back_and_may_be_sent_again(
        self, administrator: ApiPerson
    ) -> None:
        body = whole_workflow(administrator.town)
        made = (await administrator.client.post("/workflows", json=body)).json()
        first = drawn(made["versions"][0])
        again = await administrator.client.post(f"/workflows/{made['id']}/versions", json=first)
        second = again.json()["versions"][0]
        differences = await administrator.client.get(
            f"/workflows/{made['id']}/versions/2/differences"
        )
        assert first["steps"][1] | body["steps"][1] == first["steps"][1]
        assert (first["duties"], first["final_desk"]) == (body["duties"], first["final_desk"])
        assert (second["findings"], drawn(second)) == ([], first)
        assert differences.json() == []

    async def test_desk_ids_are_short_for_given_desks(self, administrator: ApiPerson) -> None:
        town = administrator.town
        desk, other = str(town.desks["direction"]), str(town.desks["maire"])
        step = visa(town, desk_ids=[desk, other], actors=[{"kind": "desk", "desk_id": other}])
        made = (await draw(administrator, step)).json()["versions"][0]["steps"][0]
        assert [one["desk_id"] for one in made["actors"]] == [desk, other]
        assert made["desk_ids"] == [desk, other]


class TestPeople:
    async def test_a_step_that_nobody_can_pass_forbids_activation(
        self, context: Context, clock: DrivenClock, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        made = (await draw(administrator, visa(town), signature(town))).json()
        before = made["versions"][0]["findings"]
        clock.advance(seconds=1)
        async with context.unit(town.tenant_id) as session:
            direction = DeskHolder.desk_id == town.desks["direction"]
            await session.execute(update(DeskHolder).where(direction).values(ends_at=clock.now))
        refused = await activate(administrator, made["id"])
        assert before == []
        assert refused.json()["findings"] == ["step_without_possible_actor"]
        assert "« Direction générale »" in refused.json()["detail"]

    async def test_a_flow_needs_a_fit_certificate_and_a_letter_is_warned(
        self, context: Context, person_of: PersonOf
    ) -> None:
        town = await a_town(context, certified=False)
        administrator = await person_of(town, "administrateur")
        workflow_id = await active(administrator, signature(town), sending())
        listed = (await administrator.client.get(f"/workflows/{workflow_id}")).json()
        flows = (await make_type(administrator, "HELIOS")).json()["id"]
        refused = await bind(administrator, flows, workflow_id, helios_intake="to_sign")
        (found,) = listed["versions"][0]["findings"]
        assert (found["code"], found["severity"]) == ("no_fit_certificate", "warning")
        assert refused.json()["findings"] == ["no_fit_certificate"]
        assert "« Maire »" in refused.json()["detail"]


class TestDifferences:
    async def test_are_told_from_any_version_to_any_other(self, administrator: ApiPerson) -> None:
        town = administrator.town
        made = (await draw(administrator, visa(town))).json()
        path = f"/workflows/{made['id']}/versions"
        late = visa(town, due_in_days=2)
        for steps in ([late], [late, signature(town)]):
            await administrator.client.post(path, json={"steps": steps})
        last = await administrator.client.get(f"{path}/3/differences")
        whole = await administrator.client.get(f"{path}/3/differences?from=1")
        back = await administrator.client.get(f"{path}/1/differences?from=3")
        none = await administrator.client.get(f"{path}/3/differences?from=9")
        assert changes(last.json()) == [("step_added", "signature", [])]
        assert changes(whole.json()) == [
            ("step_changed", "visa", ["due_in_days"]),
            ("step_added", "signature", []),
        ]
        assert [one["change"] for one in back.json()] == ["step_removed", "step_changed"]
        assert none.status_code == 404


class TestRenamingAndDeleting:
    async def test_a_circuit_takes_another_name_unless_it_is_taken(
        self, administrator: ApiPerson
    ) -> None:
        one = (await draw(administrator, name="Été")).json()["id"]
        await draw(administrator, name="Hiver")
        path = f"/workflows/{one}"
        taken = await administrator.client.patch(path, json={"name": "hîver"})
        own = await administrator.client.patch(path, json={"name": "ÉTÉ"})
        assert told(taken) == (409, "workflow_name_taken")
        assert "« Hiver »" in taken.json()["detail"]
        assert (own.status_code, own.json()["name"]) == (200, "ÉTÉ")

    async def test_changelog_row_10_a_circuit_in_use_is_kept_and_its_uses_are_told(
        self, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        own = await active(administrator, visa(town), name="Propre")
        ruled = await active(administrator, visa(town), name="Par règle")
        await bound(administrator, own, name="Notes", rule_table=table(row(ruled)))
        answers = [await administrator.client.delete(f"/workflows/{one}") for one in (own, ruled)]
        assert [told(one) for one in answers] == [(409, "workflow_in_use")] * 2
        assert [one.json()["uses"] for one in answers] == [
            ["sous-type « Type d'essai / Notes »"]
        ] * 2

    async def test_changelog_row_10_a_circuit_that_folders_follow_is_kept(
        self, administrator: ApiPerson, finances: ApiPerson
    ) -> None:
        await finances.submitted("letters")
        listed = (await administrator.client.get("/workflows")).json()
        kept = next(one["id"] for one in listed if one["name"] == "Visa, signature")
        refused = await administrator.client.delete(f"/workflows/{kept}")
        assert refused.json()["uses"] == ["sous-type « Courriers / Lettres »", "1 dossier"]

    async def test_an_unused_circuit_is_deleted_with_its_versions(
        self, administrator: ApiPerson
    ) -> None:
        unused = await active(administrator, visa(administrator.town))
        path = f"/workflows/{unused}"
        await administrator.client.post(f"{path}/versions", json={"steps": []})
        deleted = await administrator.client.delete(path)
        after = await administrator.client.get(path)
        assert (deleted.status_code, after.status_code) == (204, 404)


def whole_workflow(town: Town) -> Json:
    """Every setting that a circuit has."""
    desk, mayor = str(town.desks["direction"]), str(town.desks["maire"])
    preparation = visa(town, id="relecture", phase="preparation", may_add_steps=True)
    step = visa(
        town,
        desk_ids=[desk, mayor],
        mode="all_of",
        due_in_days=3,
        remind_after_days=1,
        informed=[{"kind": "submitter", "desk_id": None, "choices": []}],
        may_return=True,
    )
    chosen = {
        "id": "choix",
        "kind": "approval",
        "name": "Choix",
        "actors": [{"kind": "variable", "choices": [desk, mayor]}],
    }
    return {
        "name": "Circuit entier",
        "steps": [preparation, step, chosen, signature(town)],
        "duties": [
            {"kind": "approver_does_not_sign", "steps": []},
            {"kind": "distinct_persons", "steps": ["relecture", "visa"]},
        ],
        "final_desk": {"kind": "desk", "desk_id": mayor},
        "informed_at_end": [{"kind": "submitter"}],
    }


def drawn(version: Json) -> Json:
    """What of a version may be sent again."""
    return {key: version[key] for key in ("steps", "duties", "final_desk", "informed_at_end")}


def changes(found: list[Json]) -> list[tuple[Any, ...]]:
    return [(one["change"], one["step"], one["fields"]) for one in found]
