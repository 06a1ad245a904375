"""What administrators ask of the API about powers, in a few words."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import httpx2

from tests.builders.people import ApiPerson

Json = dict[str, Any]
_NUMBERS = itertools.count(1)


def said(answer: httpx2.Response) -> tuple[int, str | None]:
    """The status, and the code of a refusal."""
    return answer.status_code, answer.json()["code"] if answer.is_error else None


def made(answer: httpx2.Response) -> Json:
    """What was created or changed."""
    assert answer.status_code in (200, 201), answer.text
    found: Json = answer.json()
    return found


def a_grant(by: ApiPerson, office: str, grantee: str, **overrides: Any) -> Json:
    """The body of a signature delegation in the office of a desk, by its holder, founded on an
    order of its own that was executory long ago."""
    town = by.town
    return {
        "kind": "signature_delegation",
        "office_desk_id": str(town.desks[office]),
        "grantor_id": str(town.users[office]),
        "grantee_id": str(town.users[grantee]),
        "capacity": "premier adjoint",
        "period": {},
        "document": {
            "number": f"2026-{next(_NUMBERS):03d}",
            "signed_on": "2026-01-05",
            "published_on": "2026-01-06",
        },
        "executory_at": "2026-01-06T08:00:00Z",
    } | overrides


async def give(by: ApiPerson, office: str, grantee: str, **overrides: Any) -> Json:
    """A grant in the register."""
    return made(await by.client.post("/grants", json=a_grant(by, office, grantee, **overrides)))


async def hold(by: ApiPerson, desk: str, person: str, **period: str) -> Json:
    """Somebody holds one more desk."""
    town = by.town
    path = f"/desks/{town.desks[desk]}/holders"
    return made(await by.client.post(path, json={"user_id": str(town.users[person]), **period}))


async def leave(by: ApiPerson, desk: str, person: str, **body: str) -> None:
    """Somebody leaves a desk."""
    town = by.town
    listed = (await by.client.get("/desks")).json()
    held = next(one for one in listed if one["id"] == str(town.desks[desk]))["holders"]
    holder = next(one["id"] for one in held if one["user_id"] == str(town.users[person]))
    path = f"/desks/{town.desks[desk]}/holders/{holder}"
    made(await by.client.patch(path, json=body))


async def be_away(by: ApiPerson, person: str, *replacements: str, **more: Any) -> Json:
    """An absence, from now and open-ended unless `more` says otherwise."""
    users = by.town.users
    body: Json = {
        "user_id": str(users[person]),
        "period": {},
        "replacement_ids": [str(users[one]) for one in replacements],
    }
    return made(await by.client.post("/absences", json=body | more))


async def powers_at(by: ApiPerson, person: str, at: datetime) -> set[tuple[str, str]]:
    """The powers of a person at an instant: kind, and key of the desk."""
    town = by.town
    keys = {str(desk): key for key, desk in town.desks.items()}
    answer = await by.client.get(
        f"/people/{town.users[person]}/powers", params={"at": at.isoformat()}
    )
    return {(one["power"], keys[one["desk_id"]]) for one in made(answer)["powers"]}


def around(instant: datetime) -> tuple[datetime, datetime]:
    """One second before, and the instant itself."""
    return instant - timedelta(seconds=1), instant
