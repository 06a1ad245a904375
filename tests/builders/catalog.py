"""Circuits, types and subtypes as administrators make them, in a few words."""

from __future__ import annotations

from typing import Any

import httpx2

from app.demo.town import Town
from tests.builders.people import ApiPerson

Json = dict[str, Any]


def visa(town: Town, *desks: str, **overrides: Any) -> Json:
    """The approval of these desks, by the keys of the town: of the direction if none is named."""
    ids = [str(town.desks[one]) for one in desks or ("direction",)]
    return {"id": "visa", "kind": "approval", "name": "Visa", "desk_ids": ids, **overrides}


def signature(town: Town, **overrides: Any) -> Json:
    desk = str(town.desks["maire"])
    step = {"id": "signature", "kind": "signature", "name": "Signature", "desk_ids": [desk]}
    return step | overrides


def sending(**overrides: Any) -> Json:
    return {"id": "envoi", "kind": "transmission", "name": "Envoi", **overrides}


async def draw(person: ApiPerson, *steps: Json, name: str = "Circuit d'essai") -> httpx2.Response:
    return await person.client.post("/workflows", json={"name": name, "steps": list(steps)})


async def activate(person: ApiPerson, workflow_id: str, number: int = 1) -> httpx2.Response:
    return await person.client.post(f"/workflows/{workflow_id}/versions/{number}/activate")


async def active(person: ApiPerson, *steps: Json, name: str = "Circuit d'essai") -> str:
    made = (await draw(person, *steps, name=name)).json()
    answer = await activate(person, made["id"])
    assert answer.status_code == 200, answer.text
    return str(made["id"])


async def make_type(
    person: ApiPerson, protocol: str, *, name: str = "Type d'essai", **more: Any
) -> httpx2.Response:
    form = "PES_V2" if protocol == "HELIOS" else "PADES"
    body = {"name": name, "protocol": protocol, "signature_format": form, **more}
    return await person.client.post("/folder-types", json=body)


async def bind(
    person: ApiPerson, type_id: str, workflow_id: str, *, name: str = "Sous-type", **more: Any
) -> httpx2.Response:
    body = {"type_id": type_id, "name": name, "workflow_id": workflow_id, **more}
    return await person.client.post("/folder-subtypes", json=body)


def told(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def field(key: str, kind: str = "text", **more: Any) -> Json:
    return {"key": key, "label": key.capitalize(), "type": kind, **more}


def condition(fact: str, operator: str, *values: Any) -> Json:
    return {"fact": fact, "operator": operator, "values": list(values)}


def row(workflow_id: str, *conditions: Json, **desks: str) -> Json:
    """`desks`: by step, that given to its variable actor."""
    chosen = [{"step": step, "desk_id": desk} for step, desk in desks.items()]
    return {"conditions": list(conditions), "workflow_id": workflow_id, "desks": chosen}


def table(*rows: Json) -> Json:
    return {"rows": list(rows)}


async def bound(person: ApiPerson, workflow_id: str, protocol: str = "NONE", **more: Any) -> str:
    """A subtype of a new type; its id."""
    type_id = (await make_type(person, protocol)).json()["id"]
    made = await bind(person, type_id, workflow_id, **more)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def change(person: ApiPerson, subtype_id: str, **settings: Any) -> httpx2.Response:
    return await person.client.patch(f"/folder-subtypes/{subtype_id}", json=settings)
