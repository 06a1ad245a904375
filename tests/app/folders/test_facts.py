"""What an act is judged upon: the documents that the circuit has, not those that came since."""

from __future__ import annotations

import pytest

from app.context import Context
from app.demo.town import Town
from app.folders.facts import named_amounts
from tests.builders.administration import give, said
from tests.builders.catalog import visa
from tests.builders.people import ApiPerson, a_flow, revise
from tests.builders.subtypes import add_flows, add_subtype, step
from workflows.definition import Protocol

REASON = "Montant faux"


@pytest.mark.parametrize(
    ("amount", "cents"),
    [("1000.00", 100_000), ("1000.001", 100_001), ("-5.009", -500), ("106.045", 10_605)],
)
def test_a_fraction_of_a_cent_above_a_ceiling_is_above_it(amount: str, cents: int) -> None:
    slip = {"number": "7", "amount_incl_tax": amount}
    (found,) = named_amounts(Protocol.HELIOS, None, {}, [slip])
    assert (found.label, found.cents) == ("bordereau 7", cents)


class TestCorrectedFolder:
    @pytest.fixture
    async def flow(
        self, context: Context, town: Town, finances: ApiPerson, administrator: ApiPerson
    ) -> str:
        """Of 106,04 €, for the mayor, whose delegate goes up to 50 €."""
        await add_flows(
            context, town, visa(town, "maire"), step(town, "signature", "signature", "maire")
        )
        await give(administrator, "maire", "direction", ceiling_cents=5000)
        return await finances.submitted("other_flows", a_flow(dematerialised=True))

    async def test_threat_34_is_not_brought_under_a_ceiling_by_taking_its_rejection_back(
        self, flow: str, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        above = await direction.act(flow, "approve", step="visa", desk_id=mayor.desk)
        assert said(above) == (403, "out_of_scope")
        await mayor.act(flow, "reject", step="visa", reason=REASON)
        await revise(finances, flow, a_flow(items_per_slip=1, dematerialised=True))
        refused = await mayor.act(flow, "retract", step="visa")
        assert said(refused) == (409, "too_late_to_retract")
        assert "corrigé" in refused.json()["detail"]

    async def test_its_rejection_is_offered_to_be_taken_back_until_then(
        self, flow: str, finances: ApiPerson, mayor: ApiPerson
    ) -> None:
        await mayor.act(flow, "reject", step="visa", reason=REASON)
        assert await _is_offered(mayor, flow)
        assert await _retrievable(mayor) == [flow]
        await revise(finances, flow, a_flow(items_per_slip=1, dematerialised=True))
        assert not await _is_offered(mayor, flow)
        assert await _retrievable(mayor) == []

    async def test_its_other_amount_counts_as_much_as_another_document(
        self, context: Context, town: Town, finances: ApiPerson, mayor: ApiPerson
    ) -> None:
        field = {"key": "montant", "label": "Montant", "type": "decimal"}
        await add_subtype(
            context, town, visa(town, "maire"), metadata_fields=[field], amount_field="montant"
        )
        folder_id = await finances.submitted("essai")
        await mayor.act(folder_id, "reject", step="visa", reason=REASON)
        path = f"/folders/{folder_id}"
        await finances.client.patch(path, json={"title": "Dossier d'essai"})
        assert await _is_offered(mayor, folder_id)
        await finances.client.patch(path, json={"metadata": {"montant": "12"}})
        refused = await mayor.act(folder_id, "retract", step="visa")
        assert said(refused) == (409, "too_late_to_retract")
        assert await _retrievable(mayor) == []


async def _is_offered(person: ApiPerson, folder_id: str) -> bool:
    allowed = (await person.read(folder_id))["allowed_actions"]
    return "retract" in {one["action"] for one in allowed}


async def _retrievable(person: ApiPerson) -> list[str]:
    answer = await person.client.get("/inbox/retrievable")
    assert answer.status_code == 200, answer.text
    return [one["folder"]["id"] for one in answer.json()["items"]]
