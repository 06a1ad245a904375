"""Small fictional journals, as the server exports them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit.chain import Actor, Drafted, Occurrence, empty_head, next_entry
from app.audit.export import export, record_of

TENANT = "7b1f3a52-0c7e-4f0e-9a64-2f1f6f6d1a01"
START = datetime(2026, 3, 2, 9, 15, 0, 250000, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(sha256(b"journal key of the tests").digest())
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(sha256(b"another journal key").digest())


def occurrence(kind: str = "folder.submitted", *, folder: str = "F-1") -> Occurrence:
    return Occurrence(
        kind=kind,
        actor=Actor("person", "P-1"),
        on_behalf_of="P-2",
        power="signature_delegation:D-1",
        certificate_sha256=sha256(b"certificate").hexdigest(),
        folder=folder,
        document="D-1",
        document_sha256=sha256(b"document").hexdigest(),
        details={"step": 2, "late": False, "subtype": "DELIB"},
    )


def chain_of(count: int, *, tenant: str = TENANT, title: str = "Délibération") -> list[Drafted]:
    """Entries that follow each other; the odd ones carry two personal values."""
    head, chain = empty_head(tenant), []
    for number in range(1, count + 1):
        values = {"title": f"{title} n° {number}", "name": "Renée"} if number % 2 else {}
        drafted = next_entry(
            head, occurrence(), at=START + timedelta(seconds=number), values=values
        )
        head = drafted.head
        chain.append(drafted)
    return chain


def export_of(
    chain: Sequence[Drafted],
    *,
    tenant: str = TENANT,
    key: Ed25519PrivateKey = KEY,
    timestamp_token: str | None = None,
) -> list[bytes]:
    """The lines of an export."""
    return list(
        export(
            map(record_of, chain),
            tenant=tenant,
            at=START + timedelta(days=1),
            key=key,
            timestamp=lambda _imprint: timestamp_token,
        )
    )
