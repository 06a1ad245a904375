"""The first part of the walk through the API: deposit, visa, up to the signature's turn."""

from __future__ import annotations

from app.context import Context
from app.demo.acts import deliberation
from app.demo.town import Town
from app.worker import drain
from tests.app.conftest import AsPerson
from tests.builders.people import ApiPerson


async def test_an_act_travels_from_its_deposit_to_the_mayor(
    context: Context, town: Town, as_person: AsPerson
) -> None:
    finances, direction = await as_person("finances"), await as_person("direction")
    created = await finances.post(
        "/folders",
        json={
            "subtype_id": str(town.subtypes["acts"]),
            "desk_id": str(town.desks["finances"]),
            "title": "Délibération : budget",
            "act": {
                "number": "2026_114",
                "decided_on": "2026-01-15",
                "nature_code": 1,
                "classification": [7, 1],
                "type_code": "99_DE",
                "subject": "Budget primitif",
            },
        },
    )
    assert created.status_code == 201, created.text
    folder_id = created.json()["id"]
    document = await finances.post(
        f"/folders/{folder_id}/documents?name=acte.pdf",
        content=deliberation(),
        headers={"Content-Type": "application/pdf"},
    )
    assert document.status_code == 201, document.text
    submitted = await finances.post(f"/folders/{folder_id}/submit?desk_id={town.desks['finances']}")
    assert submitted.status_code == 200, submitted.text
    approved = await direction.post(
        f"/folders/{folder_id}/actions",
        json={"action": "approve", "desk_id": str(town.desks["direction"]), "step": "visa"},
    )
    assert approved.status_code == 200, approved.text
    assert approved.json()["waiting_kind"] == "signature"
    await drain(context)


async def test_a_draft_enters_its_circuit_by_its_own_route_only(finances: ApiPerson) -> None:
    """Any other way would send a flow that nobody marked as dematerialised (DESIGN D9)."""
    folder_id = await finances.deposited("flows")
    submitted = await finances.act(folder_id, "submit")
    resubmitted = await finances.act(folder_id, "resubmit")
    assert (submitted.status_code, resubmitted.json()["code"]) == (422, "not_resubmittable")
