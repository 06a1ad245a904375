"""Mandatory reading: who downloads a document has opened it."""

from __future__ import annotations

import pytest

from app.context import Context
from app.demo.town import Town
from tests.builders.administration import said
from tests.builders.catalog import visa
from tests.builders.people import ApiPerson, approve
from tests.builders.subtypes import add_subtype


class TestReading:
    @pytest.fixture
    async def folder_id(self, context: Context, town: Town, finances: ApiPerson) -> str:
        await add_subtype(context, town, visa(town), mandatory_reading=True)
        return await finances.submitted("essai")

    async def test_is_demanded_before_an_act_and_recorded_by_the_download(
        self, folder_id: str, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        refused = await direction.act(folder_id, "approve", step="visa")
        assert said(refused) == (422, "reading_missing")
        (revision,) = (await direction.read(folder_id))["documents"][0]["revisions"]
        for _ in range(2):
            await direction.content(folder_id, revision)
        kinds = [one["kind"] for one in await finances.history(folder_id)]
        assert kinds.count("documents_read") == 1
        await approve(direction, folder_id)

    async def test_says_what_the_reader_has_yet_to_open(
        self, folder_id: str, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        whole = await direction.read(folder_id)
        (revision,) = whole["documents"][0]["revisions"]
        assert whole["to_read"] == [revision["id"]]
        assert "approve" not in [one["action"] for one in whole["allowed_actions"]]
        await direction.content(folder_id, revision)
        assert (await direction.read(folder_id))["to_read"] == []
        assert (await finances.read(folder_id))["to_read"] == [revision["id"]]

    async def test_of_another_person_does_not_count(
        self, folder_id: str, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        (revision,) = (await finances.read(folder_id))["documents"][0]["revisions"]
        await finances.content(folder_id, revision)
        refused = await direction.act(folder_id, "approve", step="visa")
        assert said(refused) == (422, "reading_missing")

    async def test_is_not_recorded_where_nobody_demands_it(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        before = await finances.history(folder_id)
        (revision,) = (await direction.read(folder_id))["documents"][0]["revisions"]
        await direction.content(folder_id, revision)
        assert await finances.history(folder_id) == before
