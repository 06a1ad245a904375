"""Certificate orders of a town, in a few words."""

from __future__ import annotations

from typing import Any

import httpx2

from app.demo import pki
from tests.builders.administration import made
from tests.builders.people import ApiPerson
from tests.builders.towns import a_signer

Json = dict[str, Any]
SUPPLIER = {"supplier": "Autorité fictive", "supplier_reference": "CMD-2026-0042"}
REASON = "La personne quitte la collectivité."
BODIES: dict[str, Json] = {"order": SUPPLIER, "deliver": {}, "cancel": {"reason": REASON}}
"""What each move is asked with."""
WAYS = {
    "requested": (),
    "ordered": ("order",),
    "delivered": ("order", "deliver"),
    "cancelled": ("cancel",),
}
"""A way to each state, from the request."""


def an_order(by: ApiPerson, person: str = "maire", **overrides: Any) -> Json:
    """The body that asks for somebody's certificate."""
    return {
        "user_id": str(by.town.users[person]),
        "usages": ["sign_act", "sign_pes"],
        "rgs_level": 2,
    } | overrides


async def requested(by: ApiPerson, person: str = "maire", **overrides: Any) -> Json:
    """A new order."""
    body = an_order(by, person, **overrides)
    return made(await by.client.post("/certificate-orders", json=body))


async def move(by: ApiPerson, order: Json, name: str, **overrides: Any) -> httpx2.Response:
    """Asks for a move of an order."""
    path = f"/certificate-orders/{order['id']}/{name}"
    return await by.client.post(path, json=BODIES[name] | overrides)


async def standing(by: ApiPerson, state: str, person: str = "maire") -> Json:
    """An order in this state."""
    order = await requested(by, person)
    for name in WAYS[state]:
        order = made(await move(by, order, name))
    return order


async def read(by: ApiPerson, order: Json) -> Json:
    """The order as it stands now."""
    return made(await by.client.get(f"/certificate-orders/{order['id']}"))


def another_certificate() -> pki.Issued:
    """Of somebody whom the town does not know."""
    return pki.make_signer(
        "Dominique Fictif",
        issuer=a_signer().issuer,
        validity=pki.valid_for(365),
        organisation="Commune fictive de Saint-Exemple",
        siren="219900016",
    )
