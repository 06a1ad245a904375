"""A folder that enters its circuit again: marked, and in the circuit that its facts choose now."""

from __future__ import annotations

from typing import Any

import pytest

from app.context import Context
from app.demo.town import Town
from tests.builders.administration import give, said
from tests.builders.catalog import change, condition, field, row, table
from tests.builders.people import XML, ApiPerson, a_flow, revise
from tests.builders.subtypes import add_flows, add_subtype, step

REASON = "Montant faux"


async def entered(person: ApiPerson, folder_id: str) -> dict[str, Any]:
    """The revision of the document that the last round of the folder started from."""
    started = [
        one
        for one in await person.history(folder_id)
        if one["kind"] in {"submitted", "resubmitted", "validation_started"}
    ]
    revision = started[-1]["payload"]["documents"][0]["revision"]["id"]
    (document,) = (await person.read(folder_id))["documents"]
    (found,) = [one for one in document["revisions"] if one["id"] == revision]
    return dict(found)


class TestMarking:
    @pytest.mark.parametrize("way", ["actions", "bulk", "submit"])
    async def test_a_corrected_flow_is_marked_whichever_way_it_is_sent_again(
        self, way: str, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("flows", a_flow(dematerialised=False))
        await direction.act(folder_id, "reject", step="visa", reason=REASON)
        await revise(finances, folder_id, a_flow(dematerialised=False, items_per_slip=2))
        again = {"action": "resubmit", "desk_id": finances.desk}
        if way == "bulk":
            items = [{"folder_id": folder_id, "act": again}]
            answer = await finances.client.post("/folder-actions", json={"items": items})
            assert answer.json()["outcomes"][0]["done"]
        elif way == "actions":
            assert (await finances.act(folder_id, "resubmit")).status_code == 200
        else:
            assert (await finances.submit(folder_id)).status_code == 200
        assert (await entered(finances, folder_id))["origin"] == "dematerialised"

    async def test_a_flow_that_says_so_already_ends_its_preparation_as_it_is(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await add_flows(
            context,
            town,
            step(town, "montage", "approval", "direction", phase="preparation"),
            step(town, "signature", "signature", "maire"),
        )
        folder_id = await finances.submitted("other_flows", a_flow(dematerialised=True))
        answer = await direction.act(folder_id, "approve", step="montage")
        assert answer.status_code == 200, answer.text
        assert (await entered(finances, folder_id))["origin"] == "deposited"


class TestFlowWithoutId:
    """The mayor could never sign it: nobody approves it for nothing."""

    async def test_is_refused_when_sent_in_a_circuit_that_signs(self, finances: ApiPerson) -> None:
        folder_id = await finances.deposited("flows", a_flow(slip_ids=False, root_id=False))
        refused = await finances.submit(folder_id)
        assert said(refused) == (422, "pes_no_signable_id")
        assert refused.json()["detail"].startswith("Ce flux ne peut pas être signé")
        await revise(finances, folder_id, a_flow())
        assert (await finances.submit(folder_id)).status_code == 200

    async def test_is_replaced_before_its_preparation_ends(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await add_flows(
            context,
            town,
            step(town, "montage", "approval", "direction", phase="preparation"),
            step(town, "signature", "signature", "maire"),
        )
        folder_id = await finances.submitted("other_flows", a_flow(slip_ids=False, root_id=False))
        refused = await direction.act(folder_id, "approve", step="montage")
        assert said(refused) == (422, "pes_no_signable_id")
        await revise(direction, folder_id, a_flow())
        assert (await direction.act(folder_id, "approve", step="montage")).status_code == 200


class TestCircuit:
    @pytest.fixture
    async def letter(
        self, context: Context, town: Town, finances: ApiPerson, administrator: ApiPerson
    ) -> str:
        """Sent at 10 euros to the direction; from 1 000 euros on the mayor has it."""
        await add_subtype(
            context,
            town,
            step(town, "visa", "approval", actors=[{"kind": "variable"}]),
            step(town, "second", "approval", "maire"),
            metadata_fields=[{"key": "montant", "label": "Montant", "type": "decimal"}],
            amount_field="montant",
            approvals_stand=True,
        )
        path = f"/folder-subtypes/{town.subtypes['essai']}"
        workflow = (await administrator.client.get(path)).json()["workflow_id"]
        much = {"fact": "montant", "operator": "at_least", "values": ["1000"]}
        rows = [
            {
                "conditions": conditions,
                "workflow_id": workflow,
                "desks": [{"step": "visa", "desk_id": str(town.desks[desk])}],
            }
            for conditions, desk in (([much], "maire"), ([], "direction"))
        ]
        await administrator.client.patch(path, json={"rule_table": {"rows": rows}})
        folder_id = await finances.deposited("essai")
        await finances.client.patch(f"/folders/{folder_id}", json={"metadata": {"montant": "10"}})
        await finances.submit(folder_id)
        return folder_id

    async def test_is_chosen_again_by_the_facts_as_corrected(
        self, letter: str, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        await direction.act(letter, "approve", step="visa")
        await mayor.act(letter, "reject", step="second", reason=REASON)
        corrected = {"metadata": {"montant": "500000"}}
        await finances.client.patch(f"/folders/{letter}", json=corrected)
        again = await finances.act(letter, "resubmit")
        assert again.json()["waiting_desk_ids"] == [mayor.desk]
        assert again.json()["steps"][0]["state"] == "current"
        assert [one["kind"] for one in await finances.history(letter)][-2:] == [
            "submitted",
            "step_started",
        ]

    async def test_that_is_the_same_keeps_the_approvals_that_stand(
        self, letter: str, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        await direction.act(letter, "approve", step="visa")
        await mayor.act(letter, "reject", step="second", reason=REASON)
        again = await finances.act(letter, "resubmit")
        assert again.json()["waiting_desk_ids"] == [mayor.desk]
        assert [one["state"] for one in again.json()["steps"]] == ["done", "current"]

    async def test_threat_36_that_is_the_same_keeps_none_that_the_amount_has_outgrown(
        self, letter: str, finances: ApiPerson, mayor: ApiPerson, administrator: ApiPerson
    ) -> None:
        await give(administrator, "direction", "maire", ceiling_cents=10_000)
        desk = str(mayor.town.desks["direction"])
        assert (await mayor.act(letter, "approve", step="visa", desk_id=desk)).is_success
        await mayor.act(letter, "reject", step="second", reason=REASON)
        corrected = {"metadata": {"montant": "500"}}
        await finances.client.patch(f"/folders/{letter}", json=corrected)
        again = await finances.act(letter, "resubmit")
        assert [one["state"] for one in again.json()["steps"]] == ["current", "waiting"]

    async def test_is_found_even_where_the_subtype_was_retired_since(
        self, letter: str, finances: ApiPerson, direction: ApiPerson, administrator: ApiPerson
    ) -> None:
        await direction.act(letter, "reject", step="visa", reason=REASON)
        subtype = (await finances.read(letter))["subtype_id"]
        path = f"/folder-subtypes/{subtype}"
        await administrator.client.patch(path, json={"is_active": False})
        refused = await finances.client.post("/folders", json=finances.draft("essai"))
        assert said(refused) == (422, "subtype_retired")
        again = await finances.act(letter, "resubmit")
        assert again.json()["waiting_desk_ids"] == [direction.desk]


class TestEndOfPreparation:
    @pytest.fixture
    async def flow(
        self, context: Context, town: Town, finances: ApiPerson, administrator: ApiPerson
    ) -> str:
        """A small one that the direction prepares; from 10 000 euros on the mayor has its visa."""
        await add_flows(
            context,
            town,
            step(town, "montage", "approval", "direction", phase="preparation"),
            step(town, "visa", "approval", actors=[{"kind": "variable"}]),
            step(town, "signature", "signature", "maire"),
        )
        await self.rule(administrator, small="direction")
        return await finances.submitted("other_flows", a_flow(items_per_slip=1))

    async def rule(self, administrator: ApiPerson, *, small: str) -> None:
        """The mayor from 10 000 euros on, this desk below."""
        town = administrator.town
        subtype = str(town.subtypes["other_flows"])
        bound = (await administrator.client.get(f"/folder-subtypes/{subtype}")).json()
        workflow, much = bound["workflow_id"], condition("pes_largest_slip", "at_least", "10000")
        rows = [row(workflow, much, visa=str(town.desks["maire"]))]
        rows += [row(workflow, visa=str(town.desks[small]))]
        changed = await change(administrator, subtype, rule_table=table(*rows))
        assert changed.is_success, changed.text

    async def test_sends_no_folder_into_another_circuit_than_that_of_its_documents(
        self, flow: str, finances: ApiPerson, direction: ApiPerson, administrator: ApiPerson
    ) -> None:
        await revise(direction, flow, a_flow(items_per_slip=60))
        before = await finances.read(flow), await finances.history(flow)
        refused = await direction.act(flow, "approve", step="montage")
        assert said(refused) == (409, "workflow_outdated")
        skip = {"step": "montage", "desk_id": direction.desk, "reason": "Poste vacant"}
        refused = await administrator.act(flow, "skip_step", **skip)
        assert said(refused) == (409, "workflow_outdated")
        assert (await finances.read(flow), await finances.history(flow)) == before
        await direction.act(flow, "reject", step="montage", reason=REASON)
        assert (await finances.act(flow, "resubmit")).status_code == 200
        passed = await direction.act(flow, "approve", step="montage")
        assert passed.json()["waiting_desk_ids"] == [str(finances.town.desks["maire"])]

    async def test_sends_a_corrected_flow_on_where_rules_alone_have_changed(
        self, flow: str, finances: ApiPerson, direction: ApiPerson, administrator: ApiPerson
    ) -> None:
        await revise(direction, flow, a_flow(items_per_slip=2))
        await self.rule(administrator, small="finances")
        passed = await direction.act(flow, "approve", step="montage")
        assert (passed.status_code, passed.json()["waiting_desk_ids"]) == (200, [direction.desk])

    async def test_cannot_tell_the_circuit_of_a_flow_whose_first_one_was_taken_out(
        self, flow: str, direction: ApiPerson
    ) -> None:
        (document,) = (await direction.read(flow))["documents"]
        path = f"/folders/{flow}/documents/{document['id']}"
        assert (await direction.client.delete(path)).status_code == 204
        assert (await direction.upload(flow, a_flow(items_per_slip=1), XML)).status_code == 201
        refused = await direction.act(flow, "approve", step="montage")
        assert said(refused) == (409, "workflow_outdated")


class TestFieldsAddedSinceTheDraft:
    @pytest.fixture
    async def draft(
        self, context: Context, town: Town, finances: ApiPerson, administrator: ApiPerson
    ) -> str:
        """Begun before its subtype asked whether it is urgent, which it is not by default."""
        visa = step(town, "visa", "approval", actors=[{"kind": "variable"}])
        await add_subtype(context, town, visa)
        folder_id = await finances.deposited("essai")
        subtype = str(town.subtypes["essai"])
        urgent = field("urgent", "boolean", default="false", required_at_deposit=True)
        assert (await change(administrator, subtype, metadata_fields=[urgent])).is_success
        return folder_id

    async def test_have_their_default_when_the_folder_is_sent(
        self, draft: str, town: Town, finances: ApiPerson, administrator: ApiPerson
    ) -> None:
        subtype = str(town.subtypes["essai"])
        workflow = (await administrator.client.get(f"/folder-subtypes/{subtype}")).json()
        calm = condition("urgent", "equals", False)
        rules = table(
            row(workflow["workflow_id"], calm, visa=str(town.desks["direction"])),
            row(workflow["workflow_id"], visa=str(town.desks["maire"])),
        )
        changed = await change(administrator, subtype, rule_table=rules)
        assert changed.is_success, changed.text
        sent = await finances.submit(draft)
        assert sent.json()["metadata"] == {"urgent": False}
        assert sent.json()["waiting_desk_ids"] == [str(town.desks["direction"])]
