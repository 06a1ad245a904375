"""How refusals look, whoever makes them: the service, the engine, the framework."""

from __future__ import annotations

from tests.app.conftest import Client
from tests.builders.people import ApiPerson


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
