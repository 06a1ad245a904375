"""How refusals look, whoever makes them: the service, the engine, the framework."""

from __future__ import annotations

from tests.app.conftest import Client
from tests.builders.people import ApiPerson
from tests.builders.towns import random_id


async def _titles(client: Client, *requests: tuple[str, str]) -> list[tuple[int, str]]:
    answers = [await client.request(method, path, json={}) for method, path in requests]
    return [(one.status_code, one.json()["title"]) for one in answers]


async def test_the_title_of_what_is_refused_before_the_service_is_french(
    finances: ApiPerson,
) -> None:
    assert await _titles(
        finances.client,
        ("POST", "/folders"),
        ("GET", "/nowhere"),
        ("DELETE", "/folders"),
        ("GET", "/folders/00000000-0000-7000-8000-000000000000"),
    ) == [
        (422, "Contenu refusé"),
        (404, "Introuvable"),
        (405, "Méthode non permise"),
        (404, "Introuvable"),
    ]


async def test_the_title_of_what_the_engine_refuses_is_french(
    finances: ApiPerson, direction: ApiPerson
) -> None:
    folder_id = await finances.submitted()
    late = await finances.submit(folder_id)
    stranger = await finances.act(folder_id, "approve", step="visa")
    blank = await direction.act(folder_id, "reject", step="visa", reason=" ")
    assert [(one.status_code, one.json()["title"]) for one in (late, stranger, blank)] == [
        (409, "Action impossible dans l'état actuel"),
        (403, "Droit insuffisant"),
        (422, "Contenu refusé"),
    ]


async def test_what_is_malformed_is_named_by_the_words_of_the_request_alone(
    finances: ApiPerson,
) -> None:
    draft = finances.draft("letters", title="", metadata={"objet": ["a"], "suite": {}})
    several = await finances.client.post("/folders", json=draft)
    broken = await finances.client.post(
        "/folders", content=b"{", headers={"Content-Type": "application/json"}
    )
    flat = await finances.client.post(
        f"/folders/{random_id()}/actions", json={"action": "recuse", "desk_id": str(random_id())}
    )
    bulk = await finances.client.post(
        "/folder-actions",
        json={"items": [{"folder_id": str(random_id()), "act": {"action": "recuse"}}]},
    )
    assert [one["field"] for one in flat.json()["faults"]] == ["body.reason"]
    assert [one["field"] for one in bulk.json()["faults"]] == [
        "body.items.0.act.desk_id",
        "body.items.0.act.reason",
    ]
    assert several.json()["detail"] == (
        "La demande est mal formée : corrigez « body.title » (1 caractère au moins) ; "
        "« body.metadata.objet » (un texte est attendu, ou un nombre entier est attendu, ou oui ou "
        "non est attendu (true ou false)) ; « body.metadata.suite » (un texte est attendu, ou un "
        "nombre entier est attendu, ou oui ou non est attendu (true ou false))."
    )
    assert broken.json()["detail"] == (
        "La demande est mal formée : corrigez « body » (ce n'est pas du JSON)."
    )
