"""NomFic of flows: which folder holds the name, while folders come back and follow each other."""

from __future__ import annotations

import pytest

from app.context import Context
from app.demo.flows import Flow, make_pes
from app.demo.town import Town
from tests.builders.administration import said
from tests.builders.people import XML, ApiPerson, approve, chained, revise
from tests.builders.pes import sign_flow
from tests.builders.reception import acknowledge

FLOW = sign_flow(make_pes(Flow(number=990_444)))


class TestFollower:
    @pytest.fixture
    async def ended(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> str:
        """A folder whose flow was acknowledged."""
        folder_id = await finances.submitted("signed_flows", FLOW)
        await approve(direction, folder_id)
        await acknowledge(context, town, folder_id, context.clock().date())
        return folder_id

    @pytest.fixture
    async def follower(self, ended: str, finances: ApiPerson) -> str:
        return await chained(finances, ended, "signed_flows")

    async def test_that_is_cancelled_gives_the_name_back(
        self, follower: str, finances: ApiPerson
    ) -> None:
        assert (await finances.act(follower, "cancel")).status_code == 200
        assert await deposit_again(finances) == (409, "pes_file_name_used")

    async def test_that_is_cancelled_lets_another_one_follow(
        self, ended: str, follower: str, finances: ApiPerson
    ) -> None:
        refused = await finances.client.post(f"/folders/{ended}/chain", json=target(finances))
        assert said(refused) == (409, "already_chained")
        await finances.act(follower, "cancel")
        offered = (await finances.read(ended))["allowed_actions"]
        assert "chain" in {one["action"] for one in offered}
        other = await chained(finances, ended, "signed_flows")
        assert (await finances.read(ended))["chained_to_id"] == other
        assert (await finances.submit(other)).status_code == 200

    async def test_whose_flow_is_replaced_gives_the_name_back(
        self, follower: str, finances: ApiPerson
    ) -> None:
        await revise(finances, follower, sign_flow(make_pes(Flow(number=990_445))))
        assert await deposit_again(finances) == (409, "pes_file_name_used")

    async def test_that_was_rejected_may_bring_the_name_again(
        self, follower: str, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await finances.submit(follower)
        await direction.act(follower, "reject", step="visa", reason="Mauvais exercice")
        assert await deposit_again(finances) == (409, "pes_file_name_used")
        await revise(finances, follower, FLOW)
        assert (await finances.submit(follower)).status_code == 200


def target(person: ApiPerson) -> dict[str, str]:
    return {"subtype_id": str(person.town.subtypes["signed_flows"]), "desk_id": person.desk}


async def deposit_again(person: ApiPerson) -> tuple[int, str | None]:
    """What is said of the same flow in a folder of its own."""
    return said(await person.upload(await person.create("signed_flows"), FLOW, XML))
