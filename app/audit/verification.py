"""Verifies an exported journal from its raw bytes, without the server or a database."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, BinaryIO, Final

from app.audit.chain import (
    Entry,
    Head,
    MalformedEntry,
    commit,
    empty_head,
    entry_of,
    hash_of_mapping,
)
from app.audit.export import SignedCheckpoint, signed_checkpoint_of
from app.kit.canonical import NotCanonical, load_canonical

MAX_LINE_BYTES: Final = 1024 * 1024


class JournalFault(StrEnum):
    """Why a journal is refused; the values are stable."""

    NOT_CANONICAL = "not_canonical"
    LINE_TOO_LONG = "line_too_long"
    CUT_LINE = "cut_line"
    MALFORMED_LINE = "malformed_line"
    WRONG_HASH = "wrong_hash"
    WRONG_VALUE = "wrong_value"
    WRONG_SEQUENCE = "wrong_sequence"
    BROKEN_CHAIN = "broken_chain"
    OTHER_TENANT = "other_tenant"
    MISSING_CHECKPOINT = "missing_checkpoint"
    LINE_AFTER_CHECKPOINT = "line_after_checkpoint"
    BAD_SIGNATURE = "bad_signature"
    OTHER_KEY = "other_key"
    WRONG_CHECKPOINT = "wrong_checkpoint"
    REWRITTEN = "rewritten"
    SHORTER_THAN_CHECKPOINT = "shorter_than_checkpoint"


_SENTENCES: dict[JournalFault, str] = {
    JournalFault.NOT_CANONICAL: "ce n'est pas du JSON canonique : la ligne a été modifiée.",
    JournalFault.LINE_TOO_LONG: "la ligne dépasse 1 Mio : ce n'est pas un journal de Parapheur.",
    JournalFault.CUT_LINE: "la ligne n'a pas de fin de ligne : le fichier a été coupé.",
    JournalFault.MALFORMED_LINE: "la ligne n'a pas les champs attendus : elle a été modifiée.",
    JournalFault.WRONG_HASH: "l'empreinte ne correspond pas : la ligne a été modifiée.",
    JournalFault.WRONG_VALUE: "une valeur et son engagement diffèrent : elle a été modifiée.",
    JournalFault.WRONG_SEQUENCE: "le numéro d'ordre n'est pas le suivant : une ligne a été "
    "supprimée, ajoutée ou déplacée.",
    JournalFault.BROKEN_CHAIN: "la ligne ne suit pas la précédente : une des deux a été modifiée.",
    JournalFault.OTHER_TENANT: "la ligne appartient à une autre collectivité.",
    JournalFault.MISSING_CHECKPOINT: "le point de contrôle final manque : la fin du journal a été "
    "coupée. Demandez un nouvel export.",
    JournalFault.LINE_AFTER_CHECKPOINT: "la ligne suit le point de contrôle : elle a été ajoutée.",
    JournalFault.BAD_SIGNATURE: "la signature du point de contrôle est fausse.",
    JournalFault.OTHER_KEY: "le point de contrôle est signé par une autre clé que celle attendue. "
    "Vérifiez auprès de la collectivité si sa clé de journal a changé.",
    JournalFault.WRONG_CHECKPOINT: "le point de contrôle ne décrit pas les lignes qui le "
    "précèdent : des lignes ont été supprimées, ajoutées ou modifiées.",
    JournalFault.REWRITTEN: "l'empreinte n'est plus celle du point de contrôle antérieur : "
    "le journal a été réécrit.",
    JournalFault.SHORTER_THAN_CHECKPOINT: "le journal est plus court qu'au point de contrôle "
    "antérieur : sa fin a été supprimée.",
}


class UnreadableCheckpoint(Exception):
    """The file given as earlier checkpoint is not one; the message is a French sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalReport:
    """The outcome. When `ok`, `count` and `head` are those of the checkpoint; otherwise those
    of the last good entry. `public_key` is the key that signed (hexadecimal): without an expected
    key or an earlier checkpoint, a person compares it with the one the authority publishes.
    `timestamped` says that a token is there; `openssl ts -verify` judges it."""

    ok: bool
    lines: int
    first_bad_line: int | None
    code: JournalFault | None
    detail: str
    tenant: str | None
    count: int
    head: str | None
    erased: int
    public_key: str | None
    checkpoint_at: datetime | None
    timestamped: bool


def verify_journal(
    stream: BinaryIO, *, since: SignedCheckpoint | None = None, key: bytes | None = None
) -> JournalReport:
    """Reads an export once, in constant memory, and stops at the first bad line.

    `key` is the expected raw Ed25519 public key; `since` an earlier checkpoint whose head must
    still stand at its count, under the same key. A file whose last line lacks its newline is
    refused: an export always ends with one. Never raises on hostile bytes.
    """
    walk = _Walk(since, key)
    try:
        while raw := stream.readline(MAX_LINE_BYTES + 1):
            walk.read(raw)
        walk.end()
    except _Refused as refused:
        return walk.report(refused.fault)
    return walk.report(None)


def load_checkpoint(stream: BinaryIO) -> SignedCheckpoint:
    """The checkpoint at the end of an earlier export, or alone in a file; its signature is
    checked. Raises UnreadableCheckpoint."""
    last = b""
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        last = raw
    try:
        signed = signed_checkpoint_of(load_canonical(last.removesuffix(b"\n")))
    except (NotCanonical, MalformedEntry) as e:
        raise UnreadableCheckpoint(
            "Le fichier ne se termine pas par un point de contrôle : donnez un export antérieur "
            "entier, ou sa dernière ligne."
        ) from e
    if not signed.is_authentic():
        raise UnreadableCheckpoint(
            "La signature du point de contrôle antérieur est fausse : reprenez l'export d'origine."
        )
    return signed


class _Refused(Exception):
    def __init__(self, fault: JournalFault) -> None:
        super().__init__(fault)
        self.fault = fault


class _Walk:
    """What is known after the lines read so far."""

    def __init__(self, since: SignedCheckpoint | None, key: bytes | None) -> None:
        self._since = since
        self._keys = {key.hex()} if key is not None else set()
        if since is not None:
            self._keys.add(since.public_key)
        self._number = 0
        self._head: Head | None = None
        self._digest = hashlib.sha256()
        self._erased = 0
        self._signed: SignedCheckpoint | None = None

    def read(self, raw: bytes) -> None:
        self._number += 1
        _require(self._signed is None, JournalFault.LINE_AFTER_CHECKPOINT)
        _require(len(raw) <= MAX_LINE_BYTES, JournalFault.LINE_TOO_LONG)
        _require(raw.endswith(b"\n"), JournalFault.CUT_LINE)
        try:
            body = load_canonical(raw[:-1])
            _require(isinstance(body, dict), JournalFault.MALFORMED_LINE)
            if "checkpoint" in body:
                self._close(signed_checkpoint_of(body))
            else:
                self._follow(body)
                self._digest.update(raw)
        except NotCanonical as e:
            raise _Refused(JournalFault.NOT_CANONICAL) from e
        except MalformedEntry as e:
            raise _Refused(JournalFault.MALFORMED_LINE) from e

    def end(self) -> None:
        if self._signed is None:
            self._number += 1
            raise _Refused(JournalFault.MISSING_CHECKPOINT)

    def report(self, fault: JournalFault | None) -> JournalReport:
        signed, head = self._signed, self._head
        return JournalReport(
            ok=fault is None,
            lines=self._number,
            first_bad_line=None if fault is None else self._number,
            code=fault,
            detail=self._sentence(fault),
            tenant=None if head is None else head.tenant,
            count=0 if head is None else head.count,
            head=None if head is None else head.hash,
            erased=self._erased,
            public_key=None if signed is None else signed.public_key,
            checkpoint_at=None if signed is None else signed.checkpoint.at,
            timestamped=signed is not None and signed.timestamp_token is not None,
        )

    def _sentence(self, fault: JournalFault | None) -> str:
        if fault is not None:
            return f"Ligne {self._number} : {_SENTENCES[fault]}"
        count = 0 if self._head is None else self._head.count
        return f"Journal intègre, évènements vérifiés : {count}."

    def _follow(self, body: dict[str, Any]) -> None:
        """One entry line: itself first, then its place in the chain."""
        _require(set(body) == {"entry", "hash", "values"}, JournalFault.MALFORMED_LINE)
        entry = entry_of(body["entry"])
        _require(body["hash"] == hash_of_mapping(body["entry"]), JournalFault.WRONG_HASH)
        erased = _check_values(entry, body["values"])
        head = self._head or self._start(entry.tenant)
        _require(entry.tenant == head.tenant, JournalFault.OTHER_TENANT)
        _require(entry.seq == head.count + 1, JournalFault.WRONG_SEQUENCE)
        _require(entry.previous == head.hash, JournalFault.BROKEN_CHAIN)
        head = Head(head.tenant, entry.seq, body["hash"])
        self._check_since(head)
        self._head, self._erased = head, self._erased + erased

    def _start(self, tenant: str) -> Head:
        head = empty_head(tenant)
        if self._since is not None:
            _require(self._since.checkpoint.tenant == tenant, JournalFault.OTHER_TENANT)
        self._check_since(head)
        return head

    def _check_since(self, head: Head) -> None:
        if self._since is None or self._since.checkpoint.count != head.count:
            return
        _require(self._since.checkpoint.head == head.hash, JournalFault.REWRITTEN)

    def _close(self, signed: SignedCheckpoint) -> None:
        checkpoint = signed.checkpoint
        _require(signed.is_authentic(), JournalFault.BAD_SIGNATURE)
        _require(self._keys <= {signed.public_key}, JournalFault.OTHER_KEY)
        head = self._head or self._start(checkpoint.tenant)
        _require(checkpoint.tenant == head.tenant, JournalFault.OTHER_TENANT)
        described = (checkpoint.count, checkpoint.head, checkpoint.export_sha256)
        found = (head.count, head.hash, self._digest.hexdigest())
        _require(described == found, JournalFault.WRONG_CHECKPOINT)
        if self._since is not None:
            enough = self._since.checkpoint.count <= head.count
            _require(enough, JournalFault.SHORTER_THAN_CHECKPOINT)
        self._head, self._signed = head, signed


def _check_values(entry: Entry, values: Any) -> int:
    """Each value stands under its commitment or is erased; returns how many are erased."""
    _require(isinstance(values, dict), JournalFault.MALFORMED_LINE)
    _require(set(values) == set(entry.commitments), JournalFault.WRONG_VALUE)
    kept = {name: value for name, value in values.items() if value is not None}
    for name, value in kept.items():
        _require(_committed(value) == entry.commitments[name], JournalFault.WRONG_VALUE)
    return len(values) - len(kept)


def _committed(value: Any) -> str:
    if not isinstance(value, dict) or set(value) != {"salt", "value"}:
        raise MalformedEntry("values")
    salt, text = value["salt"], value["value"]
    if not isinstance(salt, str) or not isinstance(text, str):
        raise MalformedEntry("values")
    try:
        raw_salt = bytes.fromhex(salt)
    except ValueError as e:
        raise MalformedEntry("salt") from e
    _require(raw_salt.hex() == salt, JournalFault.WRONG_VALUE)
    return commit(text, salt=raw_salt)


def _require(holds: bool, fault: JournalFault) -> None:  # noqa: FBT001 -- reads as an assertion
    if not holds:
        raise _Refused(fault)
