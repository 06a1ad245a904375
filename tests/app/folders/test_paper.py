"""The day of a signature made on paper."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.context import Context
from app.demo.acts import deliberation
from app.demo.town import Town
from tests.app.conftest import PersonOf
from tests.builders.administration import give, said
from tests.builders.people import ApiPerson, an_act
from tests.builders.subtypes import add_subtype, step
from tests.builders.towns import DrivenClock
from workflows.definition import Protocol


class TestPaperDate:
    @pytest.fixture(autouse=True)
    def _late(self, clock: DrivenClock) -> None:
        """After midnight in the town, and before it in Greenwich."""
        clock.now = clock.now.replace(hour=23, minute=30)

    @pytest.fixture
    async def letter(self, context: Context, town: Town, finances: ApiPerson) -> str:
        signature = step(town, "signature", "signature", "maire")
        await add_subtype(context, town, signature, paper_signature=True)
        return await finances.submitted("essai")

    @pytest.mark.parametrize("days", [-40_000, 0, 2, 300_000])
    async def test_is_neither_to_come_nor_before_the_folder(
        self, days: int, letter: str, mayor: ApiPerson, clock: DrivenClock
    ) -> None:
        day = (clock.now.date() + timedelta(days=days)).isoformat()
        refused = await mayor.act(letter, "sign_on_paper", step="signature", signed_on=day)
        assert said(refused) == (422, "paper_signature_date")

    async def test_may_be_the_day_that_it_is_in_the_town(
        self, letter: str, mayor: ApiPerson, clock: DrivenClock
    ) -> None:
        today = (clock.now.date() + timedelta(days=1)).isoformat()
        done = await mayor.act(letter, "sign_on_paper", step="signature", signed_on=today)
        assert done.status_code == 200, done.text

    async def test_is_one_on_which_its_author_could_sign(
        self, letter: str, town: Town, clock: DrivenClock, person_of: PersonOf
    ) -> None:
        clock.advance(days=2)
        administrator = await person_of(town, "administrateur")
        await give(administrator, "maire", "direction")
        deputy = await person_of(town, "direction")
        before, today = (
            {"signed_on": (clock.now.date() + timedelta(days=days)).isoformat()} for days in (0, 1)
        )
        paper = {"step": "signature", "desk_id": str(town.desks["maire"])}
        refused = await deputy.act(letter, "sign_on_paper", **paper, **before)
        assert said(refused) == (422, "paper_signature_power")
        assert f"{clock.now.date() + timedelta(days=1):%d/%m/%Y}" in refused.json()["detail"]
        # Recorded the day after: his power began in the course of the day on which he signed.
        clock.advance(days=1)
        deputy = await person_of(town, "direction")
        done = await deputy.act(letter, "sign_on_paper", **paper, **today)
        assert done.status_code == 200, done.text

    async def test_of_an_act_goes_back_to_its_decision(
        self, context: Context, town: Town, finances: ApiPerson, mayor: ApiPerson
    ) -> None:
        signature = step(town, "signature", "signature", "maire")
        sending = step(town, "envoi", "transmission")
        await add_subtype(
            context, town, signature, sending, protocol=Protocol.ACTES, paper_signature=True
        )
        folder_id = await finances.create("essai", act=an_act())
        assert (await finances.upload(folder_id, deliberation())).status_code == 201
        assert (await finances.submit(folder_id)).status_code == 200
        paper = {"step": "signature", "signed_on": "2026-01-14"}
        refused = await mayor.act(folder_id, "sign_on_paper", **paper)
        assert said(refused) == (422, "paper_signature_date")
        done = await mayor.act(folder_id, "sign_on_paper", **{**paper, "signed_on": "2026-01-15"})
        assert done.status_code == 200, done.text
