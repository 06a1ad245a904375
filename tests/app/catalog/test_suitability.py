"""Rules that no folder can meet, desks out of use, steps whose desks a row gives."""

from __future__ import annotations

import uuid

import pytest

from tests.builders.catalog import (
    Json,
    active,
    bind,
    bound,
    change,
    condition,
    field,
    make_type,
    row,
    sending,
    signature,
    table,
    told,
    visa,
)
from tests.builders.people import ApiPerson


class TestRuleValues:
    @pytest.mark.parametrize(
        ("protocol", "asked", "possible"),
        [
            ("NONE", condition("nature", "equals", "C"), "« A » ou « B »"),
            ("NONE", condition("nature", "one_of", "A", "C"), "« A » ou « B »"),
            ("NONE", condition("lots", "equals", "3"), "« 1 » ou « 2 »"),
            ("NONE", condition("deposit_desk", "equals", "Maire"), "« Maire »"),
            ("NONE", condition("deposit_desk", "differs", "Bureau fermé"), "« Maire »"),
            ("HELIOS", condition("pes_kind", "equals", "depense"), "« both », « expense » ou"),
        ],
        ids=["choice", "one of the choices", "number", "name of a desk", "unknown desk", "flow"],
    )
    async def test_outside_what_folders_can_be_are_refused_with_the_possible_ones(
        self, administrator: ApiPerson, protocol: str, asked: Json, possible: str
    ) -> None:
        town = administrator.town
        steps = (signature(town), sending()) if protocol == "HELIOS" else (visa(town),)
        workflow_id = await active(administrator, *steps)
        more: Json = {"helios_intake": "to_sign"} if protocol == "HELIOS" else {}
        refused = await bind(
            administrator,
            (await make_type(administrator, protocol)).json()["id"],
            workflow_id,
            metadata_fields=[
                field("nature", choices=["A", "B"]),
                field("lots", "integer", choices=["1", "02"]),
            ],
            rule_table=table(row(workflow_id), row(workflow_id, asked), row(workflow_id)),
            **more,
        )
        assert refused.json()["findings"] == ["rules_catch_all_not_last", "rules_value_unfit"]
        assert f"Règle 2, « {asked['fact']} »" in refused.json()["detail"]
        assert possible in refused.json()["detail"]

    async def test_only_desks_that_deposit_are_possible(self, administrator: ApiPerson) -> None:
        town = administrator.town
        workflow_id = await active(administrator, visa(town))
        finances, mayor = str(town.desks["finances"]), str(town.desks["maire"])
        rules = table(
            row(workflow_id, condition("deposit_desk", "equals", mayor)), row(workflow_id)
        )
        subtype_id = await bound(administrator, workflow_id, rule_table=rules)
        refused = await change(administrator, subtype_id, deposit_desk_ids=[finances])
        assert told(refused) == (422, "rules_have_errors")
        assert "« Maire » n'est pas une valeur possible" in refused.json()["detail"]

    async def test_a_desk_that_is_gone_is_never_possible_even_where_nobody_deposits(
        self, administrator: ApiPerson
    ) -> None:
        workflow_id = await active(administrator, visa(administrator.town))
        mayor, gone = str(administrator.town.desks["maire"]), str(uuid.uuid4())
        subtype_id = await bound(administrator, workflow_id, deposit_desk_ids=[])
        answers = []
        for desk in (gone, "maire", mayor):
            asked = condition("deposit_desk", "equals", desk)
            rules = table(row(workflow_id, asked), row(workflow_id))
            answers.append(await change(administrator, subtype_id, rule_table=rules))
        exported = await administrator.client.get("/configuration")
        assert [one.status_code for one in answers] == [422, 422, 200]
        assert [told(one) for one in answers[:2]] == [(422, "rules_have_errors")] * 2
        assert exported.status_code == 200

    async def test_rows_on_the_absence_of_what_the_deposit_demands_are_told(
        self, administrator: ApiPerson
    ) -> None:
        workflow_id = await active(administrator, visa(administrator.town))
        never = condition("objet", "is_unset"), condition("deposit_desk", "is_unset")
        subtype_id = await bound(
            administrator,
            workflow_id,
            metadata_fields=[field("objet", required_at_deposit=True)],
            rule_table=table(*(row(workflow_id, one) for one in never), row(workflow_id)),
        )
        kept = (await administrator.client.get(f"/folder-subtypes/{subtype_id}")).json()
        assert [one["code"] for one in kept["findings"]] == ["rules_row_never_matches"] * 2


class TestRuleDesks:
    @pytest.fixture
    async def pair(self, administrator: ApiPerson) -> str:
        """A circuit whose visa waits for two desks that are chosen, the first among two."""
        town = administrator.town
        desks = [str(town.desks["direction"]), str(town.desks["finances"])]
        actors: list[Json] = [{"kind": "variable", "choices": desks}, {"kind": "variable"}]
        return await active(administrator, visa(town, desk_ids=[], actors=actors, mode="all_of"))

    async def test_a_row_gives_as_many_desks_as_the_step_lets_choose(
        self, administrator: ApiPerson, pair: str
    ) -> None:
        town = administrator.town
        type_id = (await make_type(administrator, "NONE")).json()["id"]
        desks = {key: str(one) for key, one in town.desks.items()}

        def given(*keys: str) -> Json:
            chosen = [{"step": "visa", "desk_id": desks[key]} for key in keys]
            return table({"conditions": [], "workflow_id": pair, "desks": chosen})

        answers = [
            await bind(administrator, type_id, pair, name=str(keys), rule_table=given(*keys))
            for keys in (
                ("direction", "maire"),
                ("finances",),
                ("maire", "direction"),
                ("direction", "maire", "finances"),
                ("direction", "direction"),
            )
        ]
        assert [one.status_code for one in answers] == [201, 201, 422, 422, 422]
        assert answers[2].json()["findings"] == ["rules_desk_refused"]
        assert "« Maire »" in answers[2].json()["detail"]
        assert answers[3].json()["findings"] == ["rules_step_repeated"]
        assert answers[4].json()["findings"] == ["rules_desk_repeated"]
        assert "« Direction générale »" in answers[4].json()["detail"]

    async def test_a_row_gives_no_desk_that_must_agree_already(
        self, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        direction, mayor = str(town.desks["direction"]), str(town.desks["maire"])
        actors: list[Json] = [{"kind": "desk", "desk_id": direction}, {"kind": "variable"}]
        both = await active(
            administrator,
            visa(town, desk_ids=[], actors=actors, mode="all_of"),
            visa(town, id="avis", desk_ids=[], actors=actors),
        )
        type_id = (await make_type(administrator, "NONE")).json()["id"]
        answers = [
            await bind(
                administrator, type_id, both, name=str(one), rule_table=table(row(both, **one))
            )
            for one in ({"visa": mayor, "avis": direction}, {"visa": direction})
        ]
        assert [one.status_code for one in answers] == [201, 422]
        assert answers[1].json()["findings"] == ["rules_desk_repeated"]

    async def test_what_a_row_leaves_to_choose_is_chosen_by_hand(
        self, administrator: ApiPerson, finances: ApiPerson, pair: str
    ) -> None:
        town = administrator.town
        direction, mayor = str(town.desks["direction"]), str(town.desks["maire"])
        subtype_id = await bound(administrator, pair, rule_table=table(row(pair, visa=direction)))
        town.subtypes["essai"] = uuid.UUID(subtype_id)
        path = f"/folders/{await finances.deposited('essai')}/submit"
        asked = {"desk_id": finances.desk}
        refused = await finances.client.post(path, params=asked)
        by_hand = [{"step": "visa", "desk_id": mayor}, {"step": "visa", "desk_id": direction}]
        sent = await finances.client.post(path, params=asked, json={"chosen_desks": by_hand})
        assert told(refused) == (422, "variable_desk_missing")
        assert sorted(sent.json()["waiting_desk_ids"]) == sorted([direction, mayor])
