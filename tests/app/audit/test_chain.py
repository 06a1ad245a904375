"""Entries, hashes, commitments."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import pytest

from app.audit.chain import (
    Actor,
    MalformedEntry,
    Occurrence,
    commit,
    empty_head,
    entry_of,
    genesis,
    hash_of,
    instant_of,
    instant_text,
    mapping_of,
    next_entry,
)
from app.kit.canonical import canonical_bytes
from tests.builders.journal import START, TENANT, chain_of, occurrence


class TestNextEntry:
    def test_starts_at_one_after_the_genesis(self) -> None:
        entry = next_entry(empty_head(TENANT), occurrence(), at=START).entry
        assert (entry.seq, entry.previous) == (1, genesis(TENANT))

    def test_follows_the_hash_of_the_entry_before(self) -> None:
        first, second = chain_of(2)
        assert (second.entry.seq, second.entry.previous) == (2, first.hash)

    def test_keeps_personal_values_out_of_the_chained_entry(self) -> None:
        drafted = next_entry(
            empty_head(TENANT), occurrence(), at=START, values={"reason": "Pièce illisible"}
        )
        assert b"illisible" not in canonical_bytes(mapping_of(drafted.entry))

    def test_commits_to_each_value_with_its_own_salt(self) -> None:
        drafted = next_entry(
            empty_head(TENANT), occurrence(), at=START, values={"a": "même", "b": "même"}
        )
        assert drafted.entry.commitments["a"] != drafted.entry.commitments["b"]

    def test_gives_the_head_that_the_next_one_follows(self) -> None:
        drafted = chain_of(3)[-1]
        assert drafted.head == dataclasses.replace(
            empty_head(TENANT), count=3, hash=hash_of(drafted.entry)
        )


class TestHashOf:
    def test_is_sha256_of_the_domain_line_and_the_canonical_bytes(self) -> None:
        entry = chain_of(1)[0].entry
        expected = sha256(b"parapheur-journal-entry-v1\n" + canonical_bytes(mapping_of(entry)))
        assert hash_of(entry) == expected.hexdigest()

    @pytest.mark.parametrize("member", sorted(mapping_of(chain_of(1)[0].entry)))
    def test_changes_with_every_member(self, member: str) -> None:
        entry = chain_of(1)[0].entry
        changed: dict[str, Any] = {
            "seq": 2,
            "at": instant_text(START),
            "actor": {"kind": "program", "id": "P-1"},
            "details": {},
            "commitments": {},
        }
        digest = sha256(b"else").hexdigest()
        mapping = {**mapping_of(entry), member: changed.get(member, digest)}
        mapping["kind"] = "folder.signed" if member == "kind" else mapping["kind"]
        assert hash_of(entry_of(mapping)) != hash_of(entry)

    def test_genesis_differs_between_tenants(self) -> None:
        assert genesis("tenant-a") != genesis("tenant-b")


class TestCommit:
    def test_depends_on_value_and_salt(self) -> None:
        salt, other = bytes(16), bytes(15) + b"\1"
        assert (
            len({commit("oui", salt=salt), commit("non", salt=salt), commit("oui", salt=other)})
            == 3
        )

    def test_refuses_a_salt_that_could_be_guessed(self) -> None:
        with pytest.raises(MalformedEntry):
            commit("oui", salt=bytes(15))


class TestEntryOf:
    def test_reads_what_mapping_of_wrote(self) -> None:
        entry = chain_of(1)[0].entry
        assert entry_of(mapping_of(entry)) == entry

    @pytest.mark.parametrize(
        "changes",
        [
            {"seq": 0},
            {"seq": True},
            {"seq": "1"},
            {"tenant": None},
            {"tenant": "mairie de Sainte-Foy"},
            {"at": "2026-03-02T09:15:01Z"},
            {"at": "2026-03-02T09:15:01.250000+00:00"},
            {"at": 1},
            {"kind": "Signé"},
            {"kind": None},
            {"actor": {"kind": "person"}},
            {"actor": {"kind": "person", "id": "Renée Dupré"}},
            {"actor": "P-1"},
            {"folder": "un dossier"},
            {"folder": 1},
            {"document_sha256": "A" * 64},
            {"certificate_sha256": "ab"},
            {"details": {"reason": "une phrase libre"}},
            {"details": {"nested": {"a": 1}}},
            {"details": {"list": [1]}},
            {"details": {"Mixed Case": 1}},
            {"details": {f"d{n}": n for n in range(33)}},
            {"details": []},
            {"commitments": {"title": "short"}},
            {"commitments": []},
            {"previous": None},
            {"unknown": 1},
        ],
    )
    def test_refuses_another_shape(self, changes: dict[str, Any]) -> None:
        mapping = {**mapping_of(chain_of(1)[0].entry), **changes}
        with pytest.raises(MalformedEntry):
            entry_of(mapping)

    def test_refuses_a_missing_member(self) -> None:
        mapping = mapping_of(chain_of(1)[0].entry)
        del mapping["power"]
        with pytest.raises(MalformedEntry):
            entry_of(mapping)

    def test_refuses_what_is_not_an_object(self) -> None:
        with pytest.raises(MalformedEntry):
            entry_of([1])


class TestOccurrence:
    def test_refuses_a_name_where_an_identifier_stands(self) -> None:
        with pytest.raises(MalformedEntry):
            Occurrence(kind="folder.submitted", actor=Actor("person", "Jean Martin"))


class TestInstants:
    def test_are_written_in_utc_with_microseconds(self) -> None:
        paris = timezone(timedelta(hours=2))
        at = datetime(2026, 7, 1, 0, 30, tzinfo=paris)
        assert instant_text(at) == "2026-06-30T22:30:00.000000Z"

    def test_are_read_back(self) -> None:
        at = datetime(2026, 7, 1, 0, 30, 0, 7, tzinfo=UTC)
        assert instant_of(instant_text(at)) == at

    def test_must_be_aware(self) -> None:
        with pytest.raises(MalformedEntry):
            next_entry(empty_head(TENANT), occurrence(), at=START.replace(tzinfo=None))
