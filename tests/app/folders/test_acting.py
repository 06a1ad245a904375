"""What an act brings to the engine."""

from __future__ import annotations

from app.context import Context
from app.demo.town import Town
from tests.builders.catalog import visa
from tests.builders.people import ApiPerson
from tests.builders.subtypes import add_subtype, step


class TestAddedStep:
    async def test_of_a_preparation_is_a_step_of_the_preparation(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        prepare = {"phase": "preparation", "may_add_steps": True}
        await add_subtype(
            context,
            town,
            step(town, "montage", "approval", "direction", **prepare),
            visa(town),
        )
        folder_id = await finances.submitted("essai")
        new = {"id": "relecture", "kind": "approval", "name": "Relecture"}
        added = await direction.act(
            folder_id, "add_step", step="montage", desk_ids=[mayor.desk], **new
        )
        assert added.status_code == 200, added.text
        passed = await direction.act(folder_id, "approve", step="montage")
        assert passed.json()["waiting_desk_ids"] == [mayor.desk]
        assert "validation_started" not in [
            one["kind"] for one in await finances.history(folder_id)
        ]
