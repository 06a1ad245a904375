"""The local authority through the API."""

from __future__ import annotations

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
        answer = await administrator.patch("/tenant", json={"timezone": "Europe/Atlantide"})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_timezone")

    async def test_the_change_is_journaled(
        self, context: Context, town: Town, as_person: AsPerson
    ) -> None:
        administrator = await as_person("administrateur")
        await administrator.patch("/tenant", json={"requires_latin1_pes": False})
        exported = await administrator.get("/journal")
        assert '"requires_latin1_pes":true' in exported.text.splitlines()[-2]
