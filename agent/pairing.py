"""Tie this device to one server, once, by a code that its signed-in user types (D11)."""

from __future__ import annotations

import base64
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.consent import Say, clean
from agent.device_key import KeyStore
from agent.errors import PairingFailed, Unreachable
from agent.fields import Fields, Malformed
from agent.link import Device, Link, Server, create_pairing
from agent.state import Pairing, StateDirectory

AGENT_VERSION = "0.1.0"
_KEY_BYTES = 32
_LEAST_INTERVAL_S = 0.2
_MOST_INTERVAL_S = 30


@dataclass(frozen=True, slots=True)
class Bid:
    """A pairing asked for: the code to type, and until when."""

    pairing_id: UUID
    code: str
    expires_at: datetime
    poll_interval_s: float


def pair(
    server: Server,
    *,
    store: KeyStore,
    state: StateDirectory,
    say: Say,
    clock: Callable[[], datetime],
) -> Pairing:
    """Shows a code, waits for its confirmation, pins origin, device id and server key together.

    Nothing of an earlier pairing is touched before the confirmation. Raises PairingFailed,
    LinkError, StateError."""
    key = Ed25519PrivateKey.generate()
    bid = _ask(server, key)
    say(f"Code d'appairage : {clean(bid.code)}")
    say(f"Saisissez-le dans {server.origin}, votre session ouverte, dans les 10 minutes.")
    link = Link(server, Device(bid.pairing_id, key), clock=clock)
    pairing = _pinned(_confirmed(link, bid, clock), server, store.place)
    store.save(key.private_bytes_raw())
    state.save_pairing(pairing)
    say(f"Poste appairé avec {server.origin} pour {clean(pairing.user_name)}.")
    return pairing


def _ask(server: Server, key: Ed25519PrivateKey) -> Bid:
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    body = {
        "public_key": public,
        "machine_name": platform.node()[:100] or "poste sans nom",
        "agent_version": AGENT_VERSION,
    }
    fields = create_pairing(server, body)
    try:
        return Bid(
            pairing_id=fields.uuid("pairing_id"),
            code=fields.text("code", limit=20, empty=False),
            expires_at=fields.time("expires_at"),
            poll_interval_s=fields.integer("poll_interval_s", limit=_MOST_INTERVAL_S),
        )
    except Malformed as e:
        raise _odd_answer() from e


def _confirmed(link: Link, bid: Bid, clock: Callable[[], datetime]) -> Fields:
    interval_s = max(_LEAST_INTERVAL_S, bid.poll_interval_s)
    while clock() < bid.expires_at:
        try:
            fields = link.pairing_state()
            state = fields.text("state", limit=20)
        except Unreachable:
            state, fields = "pending", None
        except Malformed as e:
            raise _odd_answer() from e
        if state == "confirmed" and fields is not None:
            return fields
        if state == "expired":
            break
        Event().wait(interval_s)
    raise PairingFailed(
        "Le code d'appairage a expiré sans être confirmé : recommencez.", code="pairing_expired"
    )


def _pinned(fields: Fields, server: Server, place: str) -> Pairing:
    try:
        server_job_key = fields.octets("server_job_key", limit=_KEY_BYTES)
        if len(server_job_key) != _KEY_BYTES:
            raise _odd_answer()
        return Pairing(
            origin=server.origin,
            device_id=fields.uuid("device_id"),
            server_job_key=server_job_key,
            tenant_name=fields.optional_text("tenant_name") or "",
            user_name=fields.optional_text("user_name") or "",
            device_key_place=place,
            authorities_pem=server.authorities_pem,
        )
    except Malformed as e:
        raise _odd_answer() from e


def _odd_answer() -> PairingFailed:
    return PairingFailed(
        "La réponse ne vient pas d'un serveur Parapheur : vérifiez l'adresse.",
        code="pairing_answer_odd",
    )
