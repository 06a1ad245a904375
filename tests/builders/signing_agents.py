"""A signing agent in this process: device key, signed requests, a software key as token."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from app.context import Context
from app.demo import pki
from app.demo.pki import Issued
from app.demo.town import Town
from tests.builders.people import ApiPerson
from tests.builders.towns import a_signer, certify

Json = dict[str, Any]


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


class DeviceAuth(httpx2.Auth):
    """Signs each request as docs/agent-protocol.md says. `altered` changes the headers last."""

    requires_request_body = True

    def __init__(
        self,
        device: str,
        key: Ed25519PrivateKey,
        clock: Callable[[], datetime],
        altered: Callable[[dict[str, str]], dict[str, str]] = lambda headers: headers,
    ) -> None:
        self.device = device
        self.key = key
        self.clock = clock
        self.altered = altered

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers.update(self.altered(self.headers(request)))
        yield request

    def headers(self, request: httpx2.Request) -> dict[str, str]:
        nonce = b64(secrets.token_bytes(16))
        date = self.clock().isoformat().replace("+00:00", "Z")
        lines = (
            "parapheur-device-request-v1",
            request.method,
            request.url.raw_path.decode(),
            hashlib.sha256(request.content).hexdigest(),
            nonce,
            date,
        )
        return {
            "Parapheur-Device": self.device,
            "Parapheur-Date": date,
            "Parapheur-Nonce": nonce,
            "Parapheur-Signature": b64(self.key.sign("\n".join(lines).encode())),
        }


@dataclass(frozen=True, slots=True)
class Order:
    """A job as the agent received it."""

    payload: bytes
    signature: bytes

    @property
    def body(self) -> Json:
        found: Json = json.loads(self.payload)
        return found

    @property
    def id(self) -> str:
        return str(self.body["job_id"])

    @property
    def session_id(self) -> str:
        return str(self.body["session_id"])

    @property
    def items(self) -> list[Json]:
        return list(self.body["items"])

    def is_signed_by(self, server_key: bytes) -> bool:
        """Raises InvalidSignature otherwise."""
        text = b"parapheur-signing-job-v1\n" + self.payload
        Ed25519PublicKey.from_public_bytes(server_key).verify(self.signature, text)
        return True


@dataclass(frozen=True, slots=True)
class SigningAgent:
    """A paired agent; each method is one request."""

    client: httpx2.AsyncClient
    auth: DeviceAuth
    server_key: bytes
    issued: Issued

    @property
    def device_id(self) -> str:
        return self.auth.device

    async def report(self, *certificates: Issued, chain: Iterable[Issued] = ()) -> httpx2.Response:
        issuers = [b64(one.der) for one in chain]
        seen = [{"certificate": b64(one.der), "chain": issuers} for one in certificates]
        return await self.client.put(
            "/agent/certificates", json={"certificates": seen}, auth=self.auth
        )

    async def look(self) -> Order | None:
        """The next job, without waiting."""
        answer = await self.client.get("/agent/jobs/next?wait_s=0", auth=self.auth)
        if answer.status_code == 204:
            return None
        assert answer.status_code == 200, answer.text
        found = answer.json()
        return Order(base64.b64decode(found["payload"]), base64.b64decode(found["signature"]))

    async def job(self) -> Order:
        order = await self.look()
        assert order is not None
        return order

    async def accept(self, order: Order, *, nonce: str | None = None) -> httpx2.Response:
        return await self.client.post(
            f"/agent/jobs/{order.id}/accept",
            json={"nonce": nonce or order.body["nonce"]},
            auth=self.auth,
        )

    async def accepted_job(self) -> Order:
        """The next job, accepted."""
        order = await self.job()
        answer = await self.accept(order)
        assert answer.status_code == 200, answer.text
        return order

    async def renew(self, order: Order) -> httpx2.Response:
        return await self.client.post(f"/agent/jobs/{order.id}/renew", auth=self.auth)

    async def document(self, order: Order, n: int) -> httpx2.Response:
        return await self.client.get(f"/agent/jobs/{order.id}/items/{n}/document", auth=self.auth)

    def values(self, item: Json, *, issued: Issued | None = None) -> list[dict[str, str]]:
        """What the key answers for an item of the job."""
        key = (issued or self.issued).key
        assert isinstance(key, RSAPrivateKey)
        return [
            {
                "id": one["id"],
                "value": b64(
                    key.sign(base64.b64decode(one["tbs"]), padding.PKCS1v15(), hashes.SHA256())
                ),
            }
            for one in item["to_sign"]
        ]

    async def give(
        self, order: Order, item: Json, values: list[dict[str, str]] | None = None
    ) -> httpx2.Response:
        """Returns the values of one document: the right ones by default."""
        return await self.client.put(
            f"/signature-sessions/{order.session_id}/items/{item['n']}",
            json={
                "job_id": order.id,
                "values": self.values(item) if values is None else values,
            },
            auth=self.auth,
        )

    async def give_up(self, order: Order, item: Json, code: str) -> httpx2.Response:
        return await self.client.put(
            f"/signature-sessions/{order.session_id}/items/{item['n']}",
            json={"job_id": order.id, "failure": {"code": code, "detail": "Illisible."}},
            auth=self.auth,
        )

    async def end(self, order: Order, outcome: str = "done", **why: str) -> httpx2.Response:
        return await self.client.post(
            f"/agent/jobs/{order.id}/end", json={"outcome": outcome, **why}, auth=self.auth
        )

    async def sign(self) -> Order:
        """Takes the next job and returns the values of all its documents."""
        order = await self.accepted_job()
        for item in order.items:
            answer = await self.give(order, item)
            assert answer.status_code == 200, answer.text
        return order


async def ask_to_pair(
    client: httpx2.AsyncClient, key: Ed25519PrivateKey, *, machine_name: str = "poste du maire"
) -> Json:
    """What the agent receives when it asks to be paired."""
    answer = await client.post(
        "/agent/pairings",
        json={
            "public_key": b64(key.public_key().public_bytes_raw()),
            "machine_name": machine_name,
            "agent_version": "0.1.0",
        },
    )
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


async def pair(
    client: httpx2.AsyncClient,
    person: ApiPerson,
    clock: Callable[[], datetime],
    issued: Issued,
) -> SigningAgent:
    """The whole pairing, through the API."""
    key = Ed25519PrivateKey.generate()
    asked = await ask_to_pair(client, key)
    confirmed = await person.client.post(f"/device-pairings/{asked['code']}/confirm")
    assert confirmed.status_code == 201, confirmed.text
    read = await client.get(
        f"/agent/pairings/{asked['pairing_id']}",
        auth=DeviceAuth(asked["pairing_id"], key, clock),
    )
    assert read.status_code == 200, read.text
    found = read.json()
    return SigningAgent(
        client,
        DeviceAuth(found["device_id"], key, clock),
        base64.b64decode(found["server_job_key"]),
        issued,
    )


async def agent_of_delegate(
    context: Context,
    town: Town,
    client: httpx2.AsyncClient,
    delegate: ApiPerson,
    clock: Callable[[], datetime],
) -> SigningAgent:
    """The paired agent of somebody who signs for another, with a certificate of her own."""
    issuer = a_signer().issuer
    own = pki.make_signer(
        "Dominique Modèle",
        issuer=issuer,
        validity=pki.valid_for(30),
        organisation="Commune fictive de Saint-Exemple",
        siren="219900016",
    )
    agent = await pair(client, delegate, clock, own)
    await certify(context, town, delegate.key, own.der, (issuer.der,))
    return agent


async def to_sign(person: ApiPerson, *folder_ids: str) -> list[dict[str, str]]:
    """The items of a session over every main document of these folders."""
    return [
        {"folder_id": one, "document_id": document["id"], "desk_id": person.desk}
        for one in folder_ids
        for document in (await person.read(one))["documents"]
        if document["kind"] == "main_document"
    ]


async def ask_to_sign(
    person: ApiPerson, issued: Issued, items: list[dict[str, str]], **more: str
) -> httpx2.Response:
    return await person.client.post(
        "/signature-sessions",
        json={
            "certificate_sha256": hashlib.sha256(issued.der).hexdigest(),
            "items": items,
            **more,
        },
    )


async def open_session(person: ApiPerson, issued: Issued, *folder_ids: str) -> Json:
    """A session over these folders; its answer."""
    answer = await ask_to_sign(person, issued, await to_sign(person, *folder_ids))
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found
