"""The journal's export: records as lines, then the checkpoint that the server signs.

One canonical JSON object per line, each ended by a line feed (DESIGN D12):
    {"entry":{…},"hash":"…","values":{field:{"salt":"…","value":"…"} or null once erased}}
and last
    {"checkpoint":{…},"public_key":"…","signature":"…","timestamp_token":null}
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.audit.chain import (
    SHA256,
    TOKEN,
    Drafted,
    Head,
    SaltedValue,
    digest_of,
    domain,
    empty_head,
    fits,
    instant_of,
    instant_text,
    is_count,
    mapping_of,
    members_of,
    require,
)
from app.kit.canonical import JsonValue, canonical_bytes

EXPORT_FORMAT: Final = "parapheur-journal/1"

_SIGNATURE = re.compile(r"[0-9a-f]{128}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_CHECKPOINT_MEMBERS = {"format", "tenant", "count", "head", "at", "export_sha256"}
_SIGNED_MEMBERS = {"checkpoint", "public_key", "signature", "timestamp_token"}


@dataclass(frozen=True, slots=True)
class Record:
    """A stored entry as it goes into an export: nothing is recomputed, so that what was altered
    in the database stays visible, and is named by the verifier rather than by a failed export.
    The entry is given as its members, or as the canonical bytes that were stored, which are
    copied without a look. A value is None once erased."""

    entry: Mapping[str, JsonValue] | bytes
    hash: str
    values: Mapping[str, SaltedValue | None]

    def line(self) -> bytes:
        values = {
            name: None if kept is None else {"salt": kept.salt, "value": kept.value}
            for name, kept in self.values.items()
        }
        entry = self.entry if isinstance(self.entry, bytes) else canonical_bytes(self.entry)
        return b'{"entry":' + entry + b"," + _line({"hash": self.hash, "values": values})[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What the server vouches for: this tenant's chain has `count` entries, the last one with
    hash `head`, and the lines before this one have SHA-256 `export_sha256`."""

    tenant: str
    count: int
    head: str
    at: datetime
    export_sha256: str

    def __post_init__(self) -> None:
        require(fits(TOKEN, self.tenant), "tenant")
        require(is_count(self.count), "count")
        require(fits(SHA256, self.head), "head")
        require(fits(SHA256, self.export_sha256), "export_sha256")
        require(self.at.tzinfo is not None, "at")


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint with the server's Ed25519 signature (RFC 8032; hexadecimal). The signature
    also covers the public key and the timestamp token (base64, RFC 3161), so that every byte of
    the last line is bound; the token itself stamps `imprint_of(checkpoint)`."""

    checkpoint: Checkpoint
    public_key: str
    signature: str
    timestamp_token: str | None = None

    def line(self) -> bytes:
        return _line({**_signed_members(self), "signature": self.signature})

    def is_authentic(self) -> bool:
        """Whether the signature stands under the public key written beside it."""
        public_key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public_key))
        try:
            public_key.verify(bytes.fromhex(self.signature), _to_be_signed(self))
        except InvalidSignature:
            return False
        return True


class ExportWriter:
    """Turns records into lines one by one, in constant memory, then gives the checkpoint."""

    def __init__(self, tenant: str) -> None:
        self._head = empty_head(tenant)
        self._digest = hashlib.sha256()

    def line(self, record: Record) -> bytes:
        line = record.line()
        self._digest.update(line)
        self._head = Head(self._head.tenant, self._head.count + 1, record.hash)
        return line

    def checkpoint(self, at: datetime) -> Checkpoint:
        return Checkpoint(
            tenant=self._head.tenant,
            count=self._head.count,
            head=self._head.hash,
            at=at,
            export_sha256=self._digest.hexdigest(),
        )


def record_of(drafted: Drafted) -> Record:
    """The export form of an entry that was just made."""
    return Record(mapping_of(drafted.entry), drafted.hash, drafted.values)


def imprint_of(checkpoint: Checkpoint) -> bytes:
    """The SHA-256 that a time-stamping authority is asked to stamp (RFC 3161 §2.4.1)."""
    return digest_of("checkpoint", _checkpoint_mapping(checkpoint))


def sign_checkpoint(
    checkpoint: Checkpoint, key: Ed25519PrivateKey, *, timestamp_token: str | None = None
) -> SignedCheckpoint:
    """Signs with the server's journal key."""
    public_key = key.public_key().public_bytes_raw().hex()
    unsigned = SignedCheckpoint(checkpoint, public_key, "", timestamp_token)
    signature = key.sign(_to_be_signed(unsigned)).hex()
    return SignedCheckpoint(checkpoint, public_key, signature, timestamp_token)


def signed_checkpoint_of(mapping: Any) -> SignedCheckpoint:
    """The last line of an export, read; raises MalformedEntry on any other shape. Nothing is
    verified here: ask `is_authentic`."""
    members = members_of(mapping, _SIGNED_MEMBERS, "checkpoint line")
    inner = members_of(members["checkpoint"], _CHECKPOINT_MEMBERS, "checkpoint")
    token = members["timestamp_token"]
    require(inner.pop("format") == EXPORT_FORMAT, "format")
    require(fits(SHA256, members["public_key"]), "public_key")
    require(fits(_SIGNATURE, members["signature"]), "signature")
    require(token is None or fits(_BASE64, token), "timestamp_token")
    checkpoint = Checkpoint(**{**inner, "at": instant_of(inner["at"])})
    return SignedCheckpoint(checkpoint, members["public_key"], members["signature"], token)


def export(
    records: Iterable[Record],
    *,
    tenant: str,
    at: datetime,
    key: Ed25519PrivateKey,
    timestamp: Callable[[bytes], str | None] = lambda _imprint: None,
) -> Iterator[bytes]:
    """The lines of an export, in constant memory. `timestamp` turns the checkpoint's imprint
    into a base64 token, or None where no authority is configured."""
    writer = ExportWriter(tenant)
    for record in records:
        yield writer.line(record)
    checkpoint = writer.checkpoint(at)
    token = timestamp(imprint_of(checkpoint))
    yield sign_checkpoint(checkpoint, key, timestamp_token=token).line()


def _checkpoint_mapping(checkpoint: Checkpoint) -> dict[str, JsonValue]:
    return {
        "format": EXPORT_FORMAT,
        "tenant": checkpoint.tenant,
        "count": checkpoint.count,
        "head": checkpoint.head,
        "at": instant_text(checkpoint.at),
        "export_sha256": checkpoint.export_sha256,
    }


def _signed_members(signed: SignedCheckpoint) -> dict[str, JsonValue]:
    return {
        "checkpoint": _checkpoint_mapping(signed.checkpoint),
        "public_key": signed.public_key,
        "timestamp_token": signed.timestamp_token,
    }


def _to_be_signed(signed: SignedCheckpoint) -> bytes:
    return domain("signature") + canonical_bytes(_signed_members(signed))


def _line(value: JsonValue) -> bytes:
    return canonical_bytes(value) + b"\n"
