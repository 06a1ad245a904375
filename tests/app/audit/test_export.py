"""Lines of the export and the signed checkpoint."""

from __future__ import annotations

import dataclasses
import json
from hashlib import sha256
from typing import Any

import pytest

from app.audit.chain import MalformedEntry, hash_of_mapping, mapping_of
from app.audit.export import (
    ExportWriter,
    Record,
    imprint_of,
    record_of,
    sign_checkpoint,
    signed_checkpoint_of,
)
from app.kit.canonical import canonical_bytes, load_canonical
from tests.builders.journal import KEY, OTHER_KEY, START, TENANT, chain_of, export_of


class TestExport:
    def test_writes_one_canonical_object_per_line(self) -> None:
        lines = export_of(chain_of(3))
        assert all(canonical_bytes(json.loads(line)) + b"\n" == line for line in lines)

    def test_ends_with_a_checkpoint_of_the_lines_before(self) -> None:
        chain = chain_of(3)
        *entries, last = export_of(chain)
        checkpoint = signed_checkpoint_of(load_canonical(last[:-1])).checkpoint
        assert (checkpoint.count, checkpoint.head, checkpoint.export_sha256) == (
            3,
            chain[-1].hash,
            sha256(b"".join(entries)).hexdigest(),
        )

    def test_shows_the_stored_hash_even_when_it_is_wrong(self) -> None:
        record = dataclasses.replace(record_of(chain_of(1)[0]), hash="0" * 64)
        assert json.loads(ExportWriter(TENANT).line(record))["hash"] == "0" * 64

    def test_copies_the_stored_bytes(self) -> None:
        drafted = chain_of(1)[0]
        stored = canonical_bytes(mapping_of(drafted.entry))
        assert Record(stored, drafted.hash, drafted.values).line() == record_of(drafted).line()

    def test_copies_bytes_that_are_no_longer_canonical(self) -> None:
        altered = Record(b'{"seq": 1}', "0" * 64, {})
        assert ExportWriter(TENANT).line(altered).startswith(b'{"entry":{"seq": 1},"hash":"0')

    def test_writes_null_for_an_erased_value(self) -> None:
        record = record_of(chain_of(1)[0])
        erased = Record(record.entry, record.hash, {**record.values, "name": None})
        assert json.loads(erased.line())["values"]["name"] is None

    def test_erasing_a_value_leaves_the_entry_and_its_hash(self) -> None:
        record = record_of(chain_of(1)[0])
        erased = Record(record.entry, record.hash, {"title": None, "name": None})
        assert hash_of_mapping(json.loads(erased.line())["entry"]) == record.hash


class TestSignedCheckpoint:
    def test_is_authentic_under_its_own_key(self) -> None:
        checkpoint = ExportWriter(TENANT).checkpoint(START)
        assert sign_checkpoint(checkpoint, KEY).is_authentic()

    @pytest.mark.parametrize(
        "changes",
        [
            {"public_key": OTHER_KEY.public_key().public_bytes_raw().hex()},
            {"public_key": "f" * 64},
            {"timestamp_token": "AAAA"},
            {"signature": "0" * 128},
        ],
        ids=str,
    )
    def test_binds_key_and_timestamp(self, changes: dict[str, Any]) -> None:
        signed = sign_checkpoint(ExportWriter(TENANT).checkpoint(START), KEY)
        assert not dataclasses.replace(signed, **changes).is_authentic()

    def test_is_read_back(self) -> None:
        checkpoint = ExportWriter(TENANT).checkpoint(START)
        signed = sign_checkpoint(checkpoint, KEY, timestamp_token="TUlJ")
        assert signed_checkpoint_of(load_canonical(signed.line()[:-1])) == signed

    def test_refuses_another_format(self) -> None:
        body = json.loads(sign_checkpoint(ExportWriter(TENANT).checkpoint(START), KEY).line())
        body["checkpoint"]["format"] = "parapheur-journal/2"
        with pytest.raises(MalformedEntry):
            signed_checkpoint_of(body)

    def test_imprint_is_what_a_time_stamping_authority_stamps(self) -> None:
        checkpoint = ExportWriter(TENANT).checkpoint(START)
        body = json.loads(sign_checkpoint(checkpoint, KEY).line())["checkpoint"]
        stamped = b"parapheur-journal-checkpoint-v1\n" + canonical_bytes(body)
        assert imprint_of(checkpoint) == sha256(stamped).digest()
