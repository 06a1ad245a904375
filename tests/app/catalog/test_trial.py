"""Rules tried on samples before they are saved."""

from __future__ import annotations

import httpx2

from tests.builders.catalog import (
    Json,
    active,
    bound,
    condition,
    draw,
    field,
    row,
    signature,
    table,
    told,
    visa,
)
from tests.builders.people import ApiPerson


async def attempt(
    person: ApiPerson, subtype_id: str, rules: Json, *samples: Json
) -> httpx2.Response:
    body = {"rule_table": rules, "samples": list(samples)}
    return await person.client.post(f"/folder-subtypes/{subtype_id}/rules/try", json=body)


class TestTrial:
    async def test_each_sample_gets_its_row_its_circuit_and_its_desks(
        self, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        small = await active(administrator, visa(town), name="Petits")
        chosen = visa(town, desk_ids=[], actors=[{"kind": "variable"}])
        large = await active(administrator, chosen, name="Grands")
        draft = (await draw(administrator, signature(town), name="Brouillon")).json()["id"]
        fields = [field("montant", "decimal"), field("urgent", "boolean")]
        subtype_id = await bound(administrator, small, metadata_fields=fields)
        mayor = str(town.desks["maire"])
        rules = table(
            row(draft, condition("urgent", "equals", True)),
            row(large, condition("montant", "more_than", 5000.5), visa=mayor),
            row(small, condition("urgent", "equals", False)),
        )
        samples: list[Json] = [
            {"montant": "5 000,51", "urgent": False},
            {"montant": 5000.5, "urgent": False},
            {"urgent": True},
            {"montant": 0},
        ]
        answer = await attempt(administrator, subtype_id, rules, *samples)
        outcomes = answer.json()["outcomes"]
        kept = (await administrator.client.get(f"/folder-subtypes/{subtype_id}")).json()
        assert [(one["row"], one["workflow_name"], one["desks"]) for one in outcomes] == [
            (2, "Grands", [{"step": "visa", "desk_id": mayor}]),
            (3, "Petits", []),
            (1, "Brouillon", []),
            (None, None, []),
        ]
        assert [bool(one["problem"]) for one in outcomes] == [False, False, True, True]
        assert {one["code"] for one in answer.json()["findings"]} == {"rules_without_catch_all"}
        assert kept["rule_table"] is None

    async def test_a_sample_that_no_folder_can_be_is_refused(
        self, administrator: ApiPerson
    ) -> None:
        workflow_id = await active(administrator, visa(administrator.town))
        fields = [field("montant", "decimal")]
        subtype_id = await bound(administrator, workflow_id, metadata_fields=fields)
        rules = table(row(workflow_id))
        refused = await attempt(administrator, subtype_id, rules, {}, {"montant": "douze"})
        assert told(refused) == (422, "metadata_mistyped")
        assert refused.json()["detail"].startswith("Exemple 2, « Montant »")

    async def test_a_sample_with_a_fact_that_no_folder_has_is_refused_with_the_list_of_facts(
        self, administrator: ApiPerson
    ) -> None:
        workflow_id = await active(administrator, visa(administrator.town))
        fields = [field("montant", "decimal")]
        subtype_id = await bound(administrator, workflow_id, metadata_fields=fields)
        rules = table(row(workflow_id))
        refused = await attempt(administrator, subtype_id, rules, {}, {"inconnu": 1})
        assert told(refused) == (422, "rules_unknown_fact")
        assert refused.json()["detail"] == (
            "Exemple 2, « inconnu » : cette information n'existe pas. Prenez « deposit_desk » ou "
            "« montant »."
        )
