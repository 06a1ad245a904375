"""Search over HTTP: folded words, whatever the folder is about, and never beyond what is seen."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from app.demo.town import Town
from tests.app.conftest import PersonOf
from tests.builders.people import XML, ApiPerson, a_flow, an_act
from tests.builders.towns import DrivenClock


async def found(person: ApiPerson, text: str, **more: Any) -> list[str]:
    answer = await person.client.get("/search", params={"text": text, **more})
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


class TestSearch:
    async def test_finds_a_title_whatever_its_accents_case_and_ligatures(
        self, finances: ApiPerson
    ) -> None:
        folder_id = await finances.create("letters", title="Œuvre d'été : école ÉLÉMENTAIRE")
        for text in ("oeuvre", "ŒUVRE", "ecole elementaire", "été", "mentaire uvre"):
            assert await found(finances, text) == [folder_id]
        for text in ("oeuvres", "écoles", "100%", "___"):
            assert await found(finances, text) == []

    async def test_short_words_count_beside_a_longer_one(self, finances: ApiPerson) -> None:
        folder_id = await finances.create("letters", title="Élagage du lot 9")
        for text in ("elagage", "elagage 9", "9 élagage", "du élagage 9"):
            assert await found(finances, text) == [folder_id]
        for text in ("elagage 8", "elagage zz", "élagage %"):
            assert await found(finances, text) == []

    async def test_finds_an_act_by_its_number_and_subject(self, finances: ApiPerson) -> None:
        act = an_act() | {"subject": "Voirie communale"}
        folder_id = await finances.create("acts", act=act)
        assert await found(finances, act["number"]) == [folder_id]
        assert await found(finances, "voirie") == [folder_id]

    async def test_finds_a_flow_by_nomfic_and_third_party(self, finances: ApiPerson) -> None:
        folder_id = await finances.create("flows")
        answer = await finances.upload(folder_id, a_flow(), XML)
        facts = answer.json()["facts"]
        party = facts["slips"][0]["items"][0]["third_parties"][0]
        for text in (facts["header"]["file_name"], party.lower()):
            assert await found(finances, text) == [folder_id]

    async def test_threat_33_finds_nothing_of_another_desk_nor_of_another_town(
        self, finances: ApiPerson, mayor: ApiPerson, other_town: Town, person_of: PersonOf
    ) -> None:
        await finances.create("letters", title="Confidentiel")
        stranger = await person_of(other_town, "administrateur")
        assert await found(mayor, "confidentiel") == []
        assert await found(stranger, "confidentiel") == []

    async def test_pages_newest_first_without_loss_or_double(
        self, finances: ApiPerson, clock: DrivenClock
    ) -> None:
        made = []
        for _ in range(5):
            clock.advance(seconds=1)
            made.append(await finances.create("letters", title="Budget"))
        seen: list[str] = []
        before: dict[str, str] = {}
        for _ in itertools.count():
            params = {"text": "budget", "size": "2", **before}
            page = (await finances.client.get("/search", params=params)).json()
            seen += [one["id"] for one in page["items"]]
            if page["next_cursor"] is None:
                break
            before = {"before": page["next_cursor"]}
        assert seen == list(reversed(made))

    @pytest.mark.parametrize("text", ["ab", "à l'", "  "], ids=["two", "short words", "blank"])
    async def test_too_short_a_word_is_refused(self, finances: ApiPerson, text: str) -> None:
        refused = await finances.client.get("/search", params={"text": text})
        assert (refused.status_code, refused.json()["code"]) == (422, "search_too_short")
