"""Subtypes: what they take, who deposits and sees, their metadata and their rule table."""

from __future__ import annotations

import json
import uuid

import pytest

from app.auth.principal import Role
from app.context import Context
from app.demo.town import Town
from app.models import Folder
from tests.app.conftest import PersonOf
from tests.builders.catalog import (
    Json,
    activate,
    active,
    bind,
    bound,
    change,
    condition,
    draw,
    field,
    make_type,
    row,
    sending,
    signature,
    table,
    told,
    visa,
)
from tests.builders.configurations import setup_of
from tests.builders.people import ApiPerson, approve
from tests.builders.principals import add_person
from tests.builders.towns import random_id


class TestSubtype:
    @pytest.fixture
    async def helios(self, administrator: ApiPerson) -> str:
        return str((await make_type(administrator, "HELIOS")).json()["id"])

    async def test_a_flow_subtype_says_what_it_takes(
        self, administrator: ApiPerson, helios: str
    ) -> None:
        town = administrator.town
        workflow_id = await active(administrator, visa(town), signature(town), sending())
        answer = await bind(administrator, helios, workflow_id)
        assert told(answer) == (422, "helios_intake_missing")

    async def test_flows_to_sign_have_exactly_one_signature(
        self, administrator: ApiPerson, helios: str
    ) -> None:
        town = administrator.town
        one = await active(administrator, signature(town), sending(), name="Une")
        none = await active(administrator, visa(town), sending(), name="Aucune")
        two = await active(
            administrator, signature(town), signature(town, id="autre"), sending(), name="Deux"
        )
        answers = [
            await bind(administrator, helios, each, name=each, helios_intake="to_sign")
            for each in (one, none, two)
        ]
        assert [one.status_code for one in answers] == [201, 422, 422]
        assert [one.json()["findings"] for one in answers[1:]] == [["helios_one_signature"]] * 2

    @pytest.mark.parametrize("intake", ["signed_elsewhere", "nothing_to_sign"])
    async def test_other_flows_are_not_signed_here(
        self, administrator: ApiPerson, helios: str, intake: str
    ) -> None:
        town = administrator.town
        signing = await active(administrator, signature(town), sending(), name="Signature")
        without = await active(administrator, visa(town), sending(), name="Visa seul")
        refused = await bind(administrator, helios, signing, helios_intake=intake)
        taken = await bind(administrator, helios, without, helios_intake=intake)
        assert refused.json()["findings"] == ["helios_signature_unexpected"]
        assert taken.status_code == 201

    @pytest.mark.parametrize("protocol", ["ACTES", "NONE"])
    async def test_only_flows_say_what_they_take(
        self, administrator: ApiPerson, protocol: str
    ) -> None:
        type_id = (await make_type(administrator, protocol)).json()["id"]
        workflow_id = await active(administrator, visa(administrator.town))
        answer = await bind(administrator, type_id, workflow_id, helios_intake="to_sign")
        assert told(answer) == (422, "intake_without_helios")

    async def test_a_draft_without_error_may_be_bound_then_is_judged_at_activation(
        self, administrator: ApiPerson, helios: str
    ) -> None:
        town = administrator.town
        made = (await draw(administrator, visa(town), sending())).json()
        refused = await bind(administrator, helios, made["id"], helios_intake="to_sign")
        taken = await bind(administrator, helios, made["id"], helios_intake="nothing_to_sign")
        path = f"/workflows/{made['id']}/versions"
        await administrator.client.post(path, json={"steps": [signature(town), sending()]})
        activated = await activate(administrator, made["id"], 2)
        assert told(refused) == (422, "workflow_has_errors")
        assert refused.json()["findings"] == ["helios_one_signature"]
        assert taken.status_code == 201, taken.text
        assert activated.json()["findings"] == ["helios_signature_unexpected"]

    async def test_the_journal_tells_what_changed_and_which_desks_see_and_deposit(
        self, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        letters = str(town.subtypes["letters"])
        seeing = [str(town.desks["maire"]), str(town.desks["finances"])]
        changed = await change(administrator, letters, visible_desk_ids=seeing, deposit_desk_ids=[])
        assert changed.status_code == 200
        line = json.loads((await administrator.client.get("/journal")).text.splitlines()[-2])
        assert line["entry"]["details"] == {
            "folder_subtype": letters,
            "visible_desk_ids": True,
            "deposit_desk_ids": True,
        }
        (row,) = json.loads(line["values"]["rows"]["value"])
        assert row["before"] == {"visible_desk_ids": [], "deposit_desk_ids": None}
        assert row["after"] == row["after"] | {"visible_desk_ids": seeing, "deposit_desk_ids": []}

    async def test_a_subtype_is_not_moved_to_a_circuit_with_errors(
        self, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        subtype_id = await bound(administrator, await active(administrator, visa(town)))
        faulty = (await draw(administrator, visa(town, desk_ids=[]), name="Sans acteur")).json()
        rules = table(row(faulty["id"]))
        refusals = [
            await change(administrator, subtype_id, workflow_id=faulty["id"]),
            await change(administrator, subtype_id, rule_table=rules),
        ]
        for refused in refusals:
            assert told(refused) == (422, "workflow_has_errors")
            assert refused.json()["findings"] == ["step_without_actor"]

    async def test_a_subtype_that_has_folders_is_not_moved_to_a_circuit_not_in_force(
        self, administrator: ApiPerson, finances: ApiPerson
    ) -> None:
        town = administrator.town
        letters = str(town.subtypes["letters"])
        draft = (await draw(administrator, visa(town), name="Pas encore")).json()["id"]
        kept = (await administrator.client.get(f"/folder-subtypes/{letters}")).json()
        unused = await change(administrator, letters, workflow_id=draft)
        back = await change(administrator, letters, workflow_id=kept["workflow_id"])
        await finances.create("letters")
        refused = await change(administrator, letters, workflow_id=draft)
        await activate(administrator, draft)
        taken = await change(administrator, letters, workflow_id=draft)
        assert [one.status_code for one in (unused, back, taken)] == [200, 200, 200]
        assert told(refused) == (422, "workflow_not_in_force")
        assert "« Pas encore »" in refused.json()["detail"]

    async def test_a_circuit_in_use_is_judged_for_every_subtype(
        self, administrator: ApiPerson, helios: str
    ) -> None:
        town = administrator.town
        workflow_id = await active(administrator, signature(town), sending())
        await bind(administrator, helios, workflow_id, helios_intake="to_sign")
        await administrator.client.post(
            f"/workflows/{workflow_id}/versions", json={"steps": [visa(town), sending()]}
        )
        assert told(await activate(administrator, workflow_id, 2)) == (422, "workflow_has_errors")

    async def test_its_name_is_its_own_in_its_type(self, administrator: ApiPerson) -> None:
        type_id = (await make_type(administrator, "NONE")).json()["id"]
        workflow_id = await active(administrator, visa(administrator.town))
        answers = [await bind(administrator, type_id, workflow_id) for _ in range(2)]
        assert answers[0].status_code == 201
        assert told(answers[1]) == (409, "subtype_name_taken")

    async def test_threat_36_who_administers_circuits_without_accounts_opens_no_folder_to_himself(
        self, context: Context, administrator: ApiPerson, person_of: PersonOf
    ) -> None:
        town = administrator.town
        held, watched, other = (str(town.desks[one]) for one in ("direction", "finances", "maire"))
        await add_person(context, town, "circuits", Role.WORKFLOW_ADMIN)
        himself = {"user_id": str(town.users["circuits"])}
        for path, body in ((f"{held}/holders", {}), (f"{watched}/staff", {"role": "supervisor"})):
            await administrator.client.post(f"/desks/{path}", json=himself | body)
        circuits = await person_of(town, "circuits")
        letters = str(town.subtypes["letters"])
        type_id = (await make_type(circuits, "NONE")).json()["id"]
        workflow_id = await active(circuits, visa(town))
        refused = [
            await change(circuits, letters, visible_desk_ids=[other, held]),
            await change(circuits, letters, visible_desk_ids=[watched]),
            await bind(circuits, type_id, workflow_id, visible_desk_ids=[held]),
        ]
        by_another = await change(administrator, letters, visible_desk_ids=[held])
        taken = [
            await change(circuits, letters, visible_desk_ids=[held, other]),
            await change(circuits, letters, name="Courriers"),
            await bind(circuits, type_id, workflow_id, visible_desk_ids=[other]),
        ]
        assert [told(one) for one in refused] == [(403, "self_granted")] * 3
        assert "« Direction" in refused[0].json()["detail"]
        assert by_another.status_code == 200
        assert [one.status_code for one in taken] == [200, 200, 201]

    async def test_threat_33_what_another_tenant_has_cannot_be_bound(
        self, administrator: ApiPerson, other_town: Town, person_of: PersonOf
    ) -> None:
        neighbour = await person_of(other_town, "administrateur")
        own_type = (await make_type(administrator, "NONE")).json()["id"]
        own_workflow = await active(administrator, visa(administrator.town))
        foreign_type = (await make_type(neighbour, "NONE")).json()["id"]
        foreign_workflow = await active(neighbour, visa(other_town))
        desk = str(other_town.desks["maire"])
        answers = [
            await bind(administrator, foreign_type, own_workflow),
            await bind(administrator, own_type, foreign_workflow),
            await bind(administrator, own_type, own_workflow, deposit_desk_ids=[desk]),
        ]
        assert [told(one) for one in answers] == [
            (404, "not_found"),
            (404, "not_found"),
            (422, "unknown_desk"),
        ]


UNFIT_SETTINGS: tuple[tuple[str, Json, str], ...] = (
    ("ACTES", {"several_documents": True}, "several_documents_transmitted"),
    (
        "HELIOS",
        {"paper_signature": True, "helios_intake": "nothing_to_sign"},
        "paper_signature_under_helios",
    ),
    (
        "HELIOS",
        {
            "amount_field": "montant",
            "metadata_fields": [field("montant", "decimal")],
            "helios_intake": "nothing_to_sign",
        },
        "amount_field_under_helios",
    ),
    ("NONE", {"amount_field": "montant"}, "amount_field_unfit"),
    (
        "NONE",
        {"amount_field": "objet", "metadata_fields": [field("objet")]},
        "amount_field_unfit",
    ),
    (
        "NONE",
        {"metadata_fields": [field("objet"), field("objet", "date")]},
        "metadata_fields_have_errors",
    ),
    ("NONE", {"metadata_fields": [field("Objet")]}, "metadata_fields_have_errors"),
    (
        "NONE",
        {"metadata_fields": [field("deposit_desk")]},
        "metadata_fields_have_errors",
    ),
)


class TestSettings:
    async def test_every_setting_is_read_back_and_what_is_given_changes(
        self, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        workflow_id = await active(administrator, visa(town))
        desk = str(town.desks["maire"])
        settings: Json = {
            "deposit_desk_ids": [desk],
            "visible_desk_ids": [desk],
            "metadata_fields": [
                field("montant", "decimal", choices=["1", "2"], default="1", editable=False),
                field("urgent", "boolean", required_at_deposit=True),
            ],
            "amount_field": "montant",
            "several_documents": True,
            "mandatory_reading": True,
            "approvals_stand": True,
            "paper_signature": True,
            "rule_table": table(
                row(workflow_id, condition("montant", "at_least", "12500.50")), row(workflow_id)
            ),
        }
        subtype_id = await bound(administrator, workflow_id, **settings)
        kept = (await administrator.client.get(f"/folder-subtypes/{subtype_id}")).json()
        changed = await change(administrator, subtype_id, visible_desk_ids=[], is_active=False)
        listed = (await administrator.client.get("/folder-subtypes")).json()
        for given in settings["metadata_fields"]:
            given.setdefault("choices", [])
        assert [
            one | given
            for one, given in zip(kept["metadata_fields"], settings["metadata_fields"], strict=True)
        ] == kept["metadata_fields"]
        assert {key: kept[key] for key in settings if key != "metadata_fields"} == {
            key: value for key, value in settings.items() if key != "metadata_fields"
        }
        assert changed.json() == kept | {"visible_desk_ids": [], "is_active": False}
        assert changed.json() in listed

    async def test_settings_that_do_not_go_together_are_refused(
        self, administrator: ApiPerson
    ) -> None:
        workflow_id = await active(administrator, visa(administrator.town))
        types = {
            protocol: (await make_type(administrator, protocol, name=f"Type {protocol}")).json()[
                "id"
            ]
            for protocol in ("ACTES", "HELIOS", "NONE")
        }
        refusals = [
            told(await bind(administrator, types[protocol], workflow_id, **given))
            for protocol, given, _ in UNFIT_SETTINGS
        ]
        assert refusals == [(422, code) for _, _, code in UNFIT_SETTINGS]

    async def test_a_step_demands_metadata_that_the_subtype_has(
        self, administrator: ApiPerson
    ) -> None:
        step = visa(administrator.town, required_to_pass=["montant"])
        workflow_id = await active(administrator, step)
        type_id = (await make_type(administrator, "NONE")).json()["id"]
        refused = await bind(administrator, type_id, workflow_id)
        fields = [field("montant", "decimal")]
        taken = await bind(administrator, type_id, workflow_id, metadata_fields=fields)
        assert refused.json()["findings"] == ["step_metadata_unknown"]
        assert taken.status_code == 201

    async def test_another_circuit_is_judged_when_it_is_bound(
        self, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        subtype_id = await bound(administrator, await active(administrator, visa(town)))
        transmitting = await active(administrator, visa(town), sending(), name="Télétransmet")
        refused = await change(administrator, subtype_id, workflow_id=transmitting)
        kept = (await administrator.client.get(f"/folder-subtypes/{subtype_id}")).json()
        assert refused.json()["findings"] == ["transmission_without_protocol"]
        assert kept["workflow_id"] != transmitting

    async def test_a_retired_subtype_takes_no_more_folders_and_those_under_way_go_on(
        self, administrator: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        letters = str(administrator.town.subtypes["letters"])
        folder_id = await finances.submitted("letters")
        await change(administrator, letters, is_active=False)
        refused = await finances.client.post("/folders", json=finances.draft("letters"))
        approved = await direction.act(folder_id, "approve", step="visa")
        assert told(refused) == (422, "subtype_retired")
        assert approved.status_code == 200


class TestMetadataInUse:
    """A folder that has not ended holds these values."""

    FIELDS = (field("urgent", "boolean"), field("pages", "integer"), field("objet"))

    @pytest.fixture
    async def letters(self, context: Context, administrator: ApiPerson, finances: ApiPerson) -> str:
        subtype_id = str(administrator.town.subtypes["letters"])
        await change(administrator, subtype_id, metadata_fields=list(self.FIELDS))
        folder_id = await finances.create("letters")
        async with context.unit(administrator.town.tenant_id) as session:
            folder = await session.get(Folder, folder_id)
            assert folder is not None
            folder.folder_metadata = {"urgent": False, "pages": 0, "objet": None}
        return subtype_id

    @pytest.mark.parametrize("kept", [("objet", "pages"), ("objet", "urgent")])
    async def test_changelog_row_3_false_and_zero_keep_their_field(
        self, administrator: ApiPerson, letters: str, kept: tuple[str, ...]
    ) -> None:
        fields = [one for one in self.FIELDS if one["key"] in kept]
        refused = await change(administrator, letters, metadata_fields=fields)
        assert told(refused) == (409, "metadata_field_in_use")
        assert refused.json()["uses"] == ["1 dossier en cours"]

    async def test_a_field_without_value_goes_and_labels_change(
        self, administrator: ApiPerson, letters: str
    ) -> None:
        fields = [one | {"label": "Autre"} for one in self.FIELDS if one["key"] != "objet"]
        assert (await change(administrator, letters, metadata_fields=fields)).status_code == 200

    @pytest.mark.parametrize("narrowed", [{"type": "text"}, {"choices": ["1", "2"]}])
    async def test_a_field_that_holds_a_value_is_not_narrowed(
        self, administrator: ApiPerson, letters: str, narrowed: Json
    ) -> None:
        fields = [one | narrowed if one["key"] == "pages" else one for one in self.FIELDS]
        refused = await change(administrator, letters, metadata_fields=fields)
        assert told(refused) == (409, "metadata_field_in_use")

    async def test_changelog_row_10_steps_rules_and_ceilings_keep_a_field(
        self, administrator: ApiPerson
    ) -> None:
        step = visa(administrator.town, required_to_reject=["montant"])
        workflow_id = await active(administrator, step, name="Avec montant")
        subtype_id = await bound(
            administrator,
            workflow_id,
            metadata_fields=[field("montant", "decimal")],
            amount_field="montant",
            rule_table=table(row(workflow_id, condition("montant", "is_set")), row(workflow_id)),
        )
        refused = await change(administrator, subtype_id, metadata_fields=[])
        assert refused.json()["uses"] == [
            "règle 1",
            "étape « Visa » du circuit « Avec montant »",
            "plafond des délégations",
        ]

    async def test_the_amount_compared_with_ceilings_stays_while_folders_are_in_their_circuit(
        self, context: Context, administrator: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        town = administrator.town
        fields = [field("montant", "decimal"), field("ttc", "decimal")]
        workflow_id = await active(administrator, visa(town), name="Avec montant")
        subtype_id = await bound(
            administrator, workflow_id, metadata_fields=fields, amount_field="montant"
        )
        town.subtypes["lettres"] = uuid.UUID(subtype_id)
        folder_id = await finances.deposited("lettres")
        assert (await change(administrator, subtype_id, amount_field="ttc")).status_code == 200
        await finances.submit(folder_id)
        for other in ("montant", None):
            refused = await change(administrator, subtype_id, amount_field=other)
            assert told(refused) == (409, "amount_field_in_use")
            assert "1 dossier" in refused.json()["detail"]
        same = await change(administrator, subtype_id, amount_field="ttc", name="Autre nom")
        assert same.status_code == 200, same.text
        setup = setup_of(context, town)
        text = await setup.export()
        planned = await setup.dry_run(text.replace("amount_field: ttc", "amount_field: montant"))
        assert [one.code for one in planned.faults] == ["amount_field_in_use"]
        assert "1 dossier" in planned.faults[0].detail
        await approve(direction, folder_id)
        assert (await change(administrator, subtype_id, amount_field=None)).status_code == 200


class TestRules:
    @pytest.fixture
    async def choosing(self, administrator: ApiPerson) -> str:
        """A circuit whose visa waits for a desk chosen among two."""
        town = administrator.town
        desks = [str(town.desks["direction"]), str(town.desks["finances"])]
        actors = [{"kind": "variable", "choices": desks}]
        return await active(administrator, visa(town, desk_ids=[], actors=actors))

    async def test_changelog_row_5_rules_give_only_desks_that_the_circuit_lets_choose(
        self, administrator: ApiPerson, choosing: str
    ) -> None:
        town = administrator.town
        type_id = (await make_type(administrator, "NONE")).json()["id"]
        desk, other = str(town.desks["direction"]), str(town.desks["maire"])
        answers = [
            await bind(
                administrator,
                type_id,
                choosing,
                name=str(chosen),
                rule_table=table(row(choosing, **chosen)),
            )
            for chosen in ({"visa": desk}, {"visa": other}, {"autre": desk})
        ]
        assert answers[0].status_code == 201
        assert [one.json().get("findings") for one in answers[1:]] == [
            ["rules_desk_refused"],
            ["rules_step_not_variable"],
        ]

    async def test_a_new_version_keeps_what_rules_choose(
        self, administrator: ApiPerson, choosing: str
    ) -> None:
        town = administrator.town
        desk = str(town.desks["direction"])
        await bound(administrator, choosing, rule_table=table(row(choosing, visa=desk)))
        await administrator.client.post(
            f"/workflows/{choosing}/versions", json={"steps": [visa(town)]}
        )
        refused = await activate(administrator, choosing, 2)
        assert refused.json()["findings"] == ["rules_step_not_variable"]

    async def test_a_table_that_could_not_choose_is_refused(self, administrator: ApiPerson) -> None:
        workflow_id = await active(administrator, visa(administrator.town))
        type_id = (await make_type(administrator, "NONE")).json()["id"]
        fields = [field("montant", "decimal"), field("urgent", "boolean")]
        cases: tuple[tuple[tuple[Json | None, ...], str], ...] = (
            ((), "rules_empty"),
            ((condition("montant", "is_set"),), "rules_without_catch_all"),
            ((condition("inconnu", "is_set"), None), "rules_unknown_fact"),
            ((condition("montant", "at_least", "beaucoup"), None), "rules_value_unfit"),
            ((condition("urgent", "at_least", True), None), "rules_operator_unfit"),
        )
        for rows, code in cases:
            rules = table(*(row(workflow_id, *([one] if one else [])) for one in rows))
            refused = await bind(
                administrator, type_id, workflow_id, metadata_fields=fields, rule_table=rules
            )
            assert told(refused) == (422, "rules_have_errors")
            assert code in refused.json()["findings"]

    async def test_threat_33_a_circuit_of_another_tenant_cannot_be_chosen(
        self, administrator: ApiPerson, other_town: Town, person_of: PersonOf
    ) -> None:
        neighbour = await person_of(other_town, "administrateur")
        foreign = await active(neighbour, visa(other_town))
        own = await active(administrator, visa(administrator.town))
        type_id = (await make_type(administrator, "NONE")).json()["id"]
        answers = [
            await bind(administrator, type_id, own, rule_table=table(row(one)))
            for one in (foreign, str(random_id()))
        ]
        assert [one.json()["findings"] for one in answers] == [["rules_unknown_workflow"]] * 2
        assert answers[0].text == answers[1].text

    async def test_a_row_that_nothing_reaches_is_kept_and_told(
        self, administrator: ApiPerson
    ) -> None:
        workflow_id = await active(administrator, visa(administrator.town))
        dead = condition("montant", "at_least", 10)
        subtype_id = await bound(
            administrator,
            workflow_id,
            metadata_fields=[field("montant", "decimal")],
            rule_table=table(
                row(workflow_id, condition("montant", "at_least", 5)),
                row(workflow_id, dead),
                row(workflow_id),
            ),
        )
        kept = (await administrator.client.get(f"/folder-subtypes/{subtype_id}")).json()
        (found,) = kept["findings"]
        assert (found["code"], found["severity"]) == ("rules_row_never_matches", "warning")
        assert "La règle 2 " in found["detail"]
