"""A town with one object of each kind that a route names, and the bodies that its routes take."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from app.context import Context
from app.demo.acts import deliberation
from app.demo.town import Town
from app.kit.ids import new_id
from app.models import Transmission, TransmissionReceipt
from app.worker import drain
from tests.builders.people import ApiPerson, an_act, approved
from tests.builders.signing_agents import SigningAgent, ask_to_pair, b64, open_session, pair
from tests.builders.towns import DrivenClock, a_signer, random_id

PersonOf = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class World:
    """A town, its people, its program, its agent, and an id for each name in a path."""

    town: Town
    people: dict[str, ApiPerson]
    token: str
    agent: SigningAgent
    ids: dict[str, str]

    def path(self, template: str) -> str:
        return template.format(**self.ids)


def an_account(label: str = "S2LOW") -> dict[str, Any]:
    """An account at the TdT whose secrets open nothing."""
    return {
        "connector": "s2low",
        "label": label,
        "base_url": "https://tdt.exemple.test",
        "server_ca": "PEM",
        "client_certificate": "PEM",
        "client_key": "une clé de test",
        "login": "compte",
        "password": "un secret de test",
    }


def a_token(town: Town, clock: DrivenClock, **overrides: Any) -> dict[str, Any]:
    """A token with every verb, at the desk of finances."""
    return {
        "label": "Logiciel de finances",
        "desk_ids": [str(town.desks["finances"])],
        "verbs": ["folder_deposit", "folder_read", "catalog_read"],
        "expires_at": (clock() + timedelta(days=30)).isoformat(),
        **overrides,
    }


async def issue_token(
    administrator: ApiPerson, clock: DrivenClock, **overrides: Any
) -> dict[str, Any]:
    """A new token: the answer that shows its value."""
    answer = await administrator.client.post(
        "/api-tokens", json=a_token(administrator.town, clock, **overrides)
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


async def a_world(
    context: Context, client: httpx2.AsyncClient, people: dict[str, ApiPerson], clock: DrivenClock
) -> World:
    """Makes all of it through the API: a signed folder whose transmission waits, another whose
    signature is offered to the agent."""
    mayor, admin = people["maire"], people["administrateur"]
    agent = await pair(client, mayor, clock, a_signer().mayor)
    signed = await approved(people["finances"], people["direction"])
    await open_session(mayor, agent.issued, signed)
    await agent.sign()
    await drain(context)
    offered = await approved(people["finances"], people["direction"])
    session = await open_session(mayor, agent.issued, offered)
    order = await agent.job()
    token = await issue_token(admin, clock)
    pairing = await ask_to_pair(client, Ed25519PrivateKey.generate())
    account = (await admin.client.post("/connector-accounts", json=an_account())).json()
    workflow = (await admin.client.get("/workflows")).json()[0]
    document = (await mayor.read(offered))["documents"][0]
    ids = {
        "folder_id": offered,
        "document_id": document["id"],
        "revision_id": document["revisions"][0]["id"],
        "session_id": session["id"],
        "n": "1",
        "job_id": order.id,
        "token_id": token["id"],
        "device_id": agent.device_id,
        "workflow_id": workflow["id"],
        "number": "1",
        "desk_id": mayor.desk,
        "pairing_id": pairing["pairing_id"],
        "code": pairing["code"],
        "account_id": account["id"],
        **await _transmission(context, mayor.town, clock),
    }
    return World(mayor.town, people, token["value"], agent, ids)


async def _transmission(context: Context, town: Town, clock: DrivenClock) -> dict[str, str]:
    async with context.unit(town.tenant_id) as session:
        row = (await session.scalars(select(Transmission))).one()
        receipt = TransmissionReceipt(
            id=new_id(),
            tenant_id=town.tenant_id,
            transmission_id=row.id,
            kind="status",
            sha256=row.document_sha256,
            media_type="application/pdf",
            received_at=clock(),
        )
        session.add(receipt)
        return {"transmission_id": str(row.id), "receipt_id": str(receipt.id)}


def body_of(route: str, world: World, caller: ApiPerson) -> dict[str, Any]:
    """Keyword arguments of a request that the route understands: what `world` names, asked by
    `caller`."""
    ids = world.ids
    seated = {"desk_id": str(caller.town.desks.get(caller.key, random_id()))}
    item = {"folder_id": ids["folder_id"], "document_id": ids["document_id"], **seated}
    certificate = hashlib.sha256(a_signer().mayor.der).hexdigest()
    bodies: dict[str, dict[str, Any]] = {
        "POST /folders": {
            "json": {
                "subtype_id": str(world.town.subtypes["acts"]),
                "title": "x",
                "act": an_act(),
                **seated,
            }
        },
        "POST /folders/{folder_id}/documents": {
            "content": deliberation(),
            "headers": {"Content-Type": "application/pdf"},
            "params": {"name": "x"},
        },
        "POST /folders/{folder_id}/submit": {"params": seated},
        "POST /folders/{folder_id}/actions": {
            "json": {"action": "reject", "step": "signature", "reason": "x", **seated}
        },
        "POST /signature-sessions": {"json": {"certificate_sha256": certificate, "items": [item]}},
        "PUT /signature-sessions/{session_id}/items/{n}": {
            "json": {"job_id": ids["job_id"], "values": [{"id": "pdf", "value": b64(b"x")}]}
        },
        "POST /agent/jobs/{job_id}/accept": {"json": {"nonce": "x"}},
        "POST /agent/jobs/{job_id}/end": {"json": {"outcome": "done"}},
        "POST /desks/{desk_id}/holders": {"json": {"user_id": str(world.town.users["finances"])}},
        "POST /workflows/{workflow_id}/versions": {
            "json": {"steps": [{"id": "visa", "kind": "approval", "name": "Visa"}]}
        },
        "POST /transmissions/{transmission_id}/remote-id": {"json": {"remote_id": "12"}},
        "POST /transmissions/{transmission_id}/acknowledgement": {"content": b"<x/>"},
        "POST /transmissions/{transmission_id}/retry": {"json": {"reason": "x"}},
    }
    return bodies.get(route, {})
