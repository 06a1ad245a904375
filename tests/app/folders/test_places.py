"""Where a folder stands for a desk whose opinion was asked."""

from __future__ import annotations

from typing import Any

import pytest

from app.context import Context
from app.demo.town import Town
from tests.builders.administration import said
from tests.builders.catalog import visa
from tests.builders.people import ApiPerson, approve
from tests.builders.subtypes import add_subtype, step


@pytest.fixture
async def letter(context: Context, town: Town, finances: ApiPerson, direction: ApiPerson) -> str:
    """A folder whose first desk asks the mayor for an opinion."""
    second = step(town, "second", "approval", "finances", may_return=True)
    await add_subtype(context, town, visa(town), second)
    folder_id = await finances.submitted("essai")
    mayor = str(town.desks["maire"])
    question = {"of_desk_id": mayor, "question": "Le budget ?"}
    await direction.act(folder_id, "ask_opinion", step="visa", **question)
    return folder_id


async def waits_for(person: ApiPerson) -> list[list[Any]]:
    """The folders that wait for the person, by each way of asking."""
    to_do = (await person.client.get("/inbox/to_do")).json()["items"]
    listed = (await person.client.get("/folders", params={"waiting": True})).json()["items"]
    return [[one["folder"]["id"] for one in to_do], [one["id"] for one in listed]]


class TestOpinion:
    async def test_waits_for_the_desk_asked_until_it_is_given(
        self, letter: str, mayor: ApiPerson
    ) -> None:
        assert await waits_for(mayor) == [[letter], [letter]]
        given = await mayor.act(letter, "give_opinion", step="visa", answer="Favorable")
        assert given.status_code == 200
        assert await waits_for(mayor) == [[], []]

    async def test_waits_no_more_once_the_step_is_passed_without_it(
        self, letter: str, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        passed = await direction.act(letter, "approve", step="visa")
        assert mayor.desk not in passed.json()["waiting_desk_ids"]
        assert await waits_for(mayor) == [[], []]
        late = await mayor.act(letter, "give_opinion", step="visa", answer="Favorable")
        assert said(late) == (409, "step_already_passed")

    async def test_waits_again_when_the_step_is_taken_back(
        self, letter: str, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        await approve(direction, letter)
        await direction.act(letter, "retract", step="visa")
        assert await waits_for(mayor) == [[letter], [letter]]
        given = await mayor.act(letter, "give_opinion", step="visa", answer="Favorable")
        assert given.status_code == 200

    async def test_waits_no_more_when_the_folder_is_returned_to_the_step(
        self, letter: str, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        await approve(direction, letter)
        back = {"step": "second", "reason": "À relire", "return_to": "visa"}
        returned = await finances.act(letter, "reject", **back)
        assert returned.json()["waiting_desk_ids"] == [direction.desk]
        assert await waits_for(mayor) == [[], []]
