"""The journal's chain: entries, their hashes and the commitments of what stands beside them.

DESIGN D12. Each hash is SHA-256 over a domain line, then canonical JSON, so that no hash of one
kind can stand for another. The domain line is `parapheur-journal-<kind>-v1` and a line feed, with
the kinds `entry`, `genesis` (what the first entry follows), `value` (commitments), and in
export.py `checkpoint` (what a TSA stamps) and `signature` (what the server signs).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from app.kit.canonical import JsonScalar, JsonValue, canonical_bytes

SALT_BYTES: Final = 32
_MIN_SALT_BYTES = 16
_MAX_DETAILS = 32

_NAME = re.compile(r"[a-z][a-z0-9_.]{0,63}")
# No space, accent or @: a sentence, a person's name or an address does not fit.
TOKEN = re.compile(r"[A-Za-z0-9_.:/-]{1,200}")
SHA256 = re.compile(r"[0-9a-f]{64}")
_INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"

_ENTRY_MEMBERS = {
    *("seq", "tenant", "at", "kind", "actor", "on_behalf_of", "power", "certificate_sha256"),
    *("folder", "document", "document_sha256", "details", "commitments", "previous"),
}


class MalformedEntry(ValueError):
    """An entry, a record or a checkpoint does not have the form written above."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted: `kind` (person, program, agent, system…) and an identifier, never a name."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """What happened, before it takes its place in the chain. Identifiers and digests only:
    free text and personal values are given apart and stand beside the entry."""

    kind: str
    actor: Actor
    on_behalf_of: str | None = None
    power: str | None = None
    certificate_sha256: str | None = None
    folder: str | None = None
    document: str | None = None
    document_sha256: str | None = None
    details: Mapping[str, JsonScalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require(fits(_NAME, self.kind), "kind")
        require(fits(_NAME, self.actor.kind) and fits(TOKEN, self.actor.id), "actor")
        for name in ("on_behalf_of", "power", "folder", "document"):
            value = getattr(self, name)
            require(value is None or fits(TOKEN, value), name)
        for name in ("certificate_sha256", "document_sha256"):
            value = getattr(self, name)
            require(value is None or fits(SHA256, value), name)
        require(len(self.details) <= _MAX_DETAILS, "details")
        for name, value in self.details.items():
            require(fits(_NAME, name) and _is_detail(value), "details")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One link of a tenant's chain. `seq` starts at 1; `previous` is the hash of the entry
    before, or `genesis(tenant)`; `commitments` stand for the values kept beside."""

    seq: int
    tenant: str
    at: datetime
    what: Occurrence
    commitments: Mapping[str, str]
    previous: str

    def __post_init__(self) -> None:
        require(is_count(self.seq) and self.seq >= 1, "seq")
        require(fits(TOKEN, self.tenant), "tenant")
        require(self.at.tzinfo is not None, "at")
        require(fits(SHA256, self.previous), "previous")
        for name, commitment in self.commitments.items():
            require(fits(_NAME, name) and fits(SHA256, commitment), "commitments")


@dataclass(frozen=True, slots=True)
class SaltedValue:
    """A personal or free-text value and the salt of its commitment (hexadecimal); erasing both
    leaves a commitment from which nothing can be guessed."""

    salt: str
    value: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain stands: how many entries, and the hash of the last one."""

    tenant: str
    count: int
    hash: str


@dataclass(frozen=True, slots=True)
class Drafted:
    """A new entry ready to be stored, with its hash and the values to store beside it."""

    entry: Entry
    hash: str
    values: Mapping[str, SaltedValue]

    @property
    def head(self) -> Head:
        return Head(self.entry.tenant, self.entry.seq, self.hash)


def genesis(tenant: str) -> str:
    """The hash that the first entry of a tenant follows."""
    return digest_of("genesis", tenant).hex()


def empty_head(tenant: str) -> Head:
    """The head of a chain without entries."""
    return Head(tenant, 0, genesis(tenant))


def commit(value: str, *, salt: bytes) -> str:
    """The commitment of a value: hiding while the salt is secret, binding always. Raises
    MalformedEntry below 16 bytes of salt: short values could be guessed."""
    require(len(salt) >= _MIN_SALT_BYTES, "salt")
    return digest_of("value", [salt.hex(), value]).hex()


def hash_of(entry: Entry) -> str:
    """SHA-256 of the entry's canonical bytes, `previous` included."""
    return hash_of_mapping(mapping_of(entry))


def hash_of_mapping(entry: Mapping[str, JsonValue]) -> str:
    """The same, from the stored or exported form."""
    return digest_of("entry", entry).hex()


def next_entry(
    head: Head,
    what: Occurrence,
    *,
    at: datetime,
    values: Mapping[str, str] | None = None,
    new_salt: Callable[[int], bytes] = secrets.token_bytes,
) -> Drafted:
    """The entry that follows `head`, each value of `values` salted apart. The caller holds the
    lock on the tenant's head."""
    salts = {name: new_salt(SALT_BYTES) for name in values or {}}
    salted = {name: SaltedValue(salts[name].hex(), text) for name, text in (values or {}).items()}
    entry = Entry(
        seq=head.count + 1,
        tenant=head.tenant,
        at=at,
        what=what,
        commitments={n: commit(kept.value, salt=salts[n]) for n, kept in salted.items()},
        previous=head.hash,
    )
    return Drafted(entry, hash_of(entry), salted)


def mapping_of(entry: Entry) -> dict[str, JsonValue]:
    """The entry as stored and exported; `canonical_bytes` of it is what is hashed."""
    what = entry.what
    return {
        "seq": entry.seq,
        "tenant": entry.tenant,
        "at": instant_text(entry.at),
        "kind": what.kind,
        "actor": {"kind": what.actor.kind, "id": what.actor.id},
        "on_behalf_of": what.on_behalf_of,
        "power": what.power,
        "certificate_sha256": what.certificate_sha256,
        "folder": what.folder,
        "document": what.document,
        "document_sha256": what.document_sha256,
        "details": dict(what.details),
        "commitments": dict(entry.commitments),
        "previous": entry.previous,
    }


def entry_of(mapping: Any) -> Entry:
    """The inverse of `mapping_of`; raises MalformedEntry on any other shape."""
    members = members_of(mapping, _ENTRY_MEMBERS, "entry")
    actor = members_of(members.pop("actor"), {"kind", "id"}, "actor")
    details, commitments = members.pop("details"), members.pop("commitments")
    require(isinstance(details, dict) and isinstance(commitments, dict), "details")
    chained = {name: members.pop(name) for name in ("seq", "tenant", "previous")}
    at = instant_of(members.pop("at"))
    what = Occurrence(**members, actor=Actor(**actor), details=details)
    return Entry(**chained, at=at, what=what, commitments=commitments)


def instant_text(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds and Z: one instant, one text."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def instant_of(text: object) -> datetime:
    """The inverse of `instant_text`; raises MalformedEntry on any other spelling."""
    try:
        at = datetime.strptime(str(text), _INSTANT).replace(tzinfo=UTC)
    except ValueError as e:
        raise MalformedEntry("at") from e
    require(instant_text(at) == text, "at")
    return at


def domain(kind: str) -> bytes:
    """The first line of everything that is hashed or signed here, `kind` apart from the others."""
    return f"parapheur-journal-{kind}-v1\n".encode()


def digest_of(kind: str, value: JsonValue) -> bytes:
    """SHA-256 over the domain line and the canonical bytes."""
    return hashlib.sha256(domain(kind) + canonical_bytes(value)).digest()


def fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_detail(value: object) -> bool:
    return value is None or isinstance(value, int) or fits(TOKEN, value)


def members_of(mapping: Any, names: set[str], what: str) -> dict[str, Any]:
    require(isinstance(mapping, Mapping) and set(mapping) == names, what)
    return dict(mapping)


def require(holds: bool, what: str) -> None:  # noqa: FBT001 -- reads as an assertion
    if not holds:
        raise MalformedEntry(what)
