"""The local authority through the API."""

from __future__ import annotations

import pytest

from app.context import Context
from app.demo.town import Town
from tests.app.conftest import AsPerson


class TestUpdate:
    async def test_what_is_given_changes_and_the_rest_stays(self, as_person: AsPerson) -> None:
        administrator = await as_person("administrateur")
        answer = await administrator.patch("/tenant", json={"default_role": "Ordonnatrice"})
        changed = answer.json()
        assert (changed["default_role"], changed["city"]) == ("Ordonnatrice", "Saint-Exemple")

    async def test_an_unknown_time_zone_is_refused(self, as_person: AsPerson) -> None:
        administrator = await as_person("administrateur")
        for unknown in ("Europe/Atlantide", "Europe"):
            answer = await administrator.patch("/tenant", json={"timezone": unknown})
            assert (answer.status_code, answer.json()["code"]) == (422, "bad_timezone")

    async def test_its_subdivision_is_one_that_has_holidays_of_its_own(
        self, as_person: AsPerson
    ) -> None:
        administrator = await as_person("administrateur")
        answers = [
            await administrator.patch("/tenant", json={"subdivision": one})
            for one in ("57", None, "75")
        ]
        assert [one.json().get("subdivision") for one in answers[:2]] == ["57", None]
        assert (answers[2].status_code, answers[2].json()["code"]) == (422, "unknown_subdivision")

    @pytest.mark.parametrize(
        ("mentions", "code"),
        [
            ({"interim": "{Le_titre} p.i."}, None),
            ({"interim": "{inconnu}"}, "mention_placeholder_unknown"),
            ({"interim": " "}, "mention_length"),
            ({"substitution": "Pour {le_titre}\nempêché"}, "mention_characters"),
            ({"holder": "Le Maire"}, "mention_without_power"),
            ({"roi": "Le Roi"}, "invalid_request"),
        ],
        ids=["good", "unknown", "empty", "two_lines", "own_name", "no_power"],
    )
    async def test_its_mentions_are_templates_that_can_be_used(
        self, as_person: AsPerson, mentions: dict[str, str], code: str | None
    ) -> None:
        administrator = await as_person("administrateur")
        answer = await administrator.patch("/tenant", json={"mentions": mentions})
        kept = (await administrator.get("/tenant")).json()["mentions"]
        assert answer.json().get("code") == code
        assert kept == (mentions if code is None else {})

    async def test_the_change_is_journaled(
        self, context: Context, town: Town, as_person: AsPerson
    ) -> None:
        administrator = await as_person("administrateur")
        await administrator.patch("/tenant", json={"requires_latin1_pes": False})
        exported = await administrator.get("/journal")
        assert '"requires_latin1_pes":true' in exported.text.splitlines()[-2]

    async def test_the_journal_names_the_host(
        self, town: Town, other_town: Town, as_person: AsPerson
    ) -> None:
        administrator = await as_person("administrateur")
        for host in (str(other_town.tenant_id), None):
            changed = await administrator.patch("/tenant", json={"host_id": host})
            assert changed.status_code == 200
            exported = await administrator.get("/journal")
            assert f'"host_id":"{host or "-"}"' in exported.text.splitlines()[-2]
