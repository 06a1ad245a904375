"""The journal verifier: every mutation is refused and the bad line named."""

from __future__ import annotations

import dataclasses
import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.audit.chain import Drafted, genesis, hash_of_mapping
from app.audit.export import Record, SignedCheckpoint, export, record_of
from app.audit.verification import (
    JournalFault,
    JournalReport,
    UnreadableCheckpoint,
    load_checkpoint,
    verify_journal,
)
from app.kit.canonical import canonical_bytes
from tests.builders.journal import KEY, OTHER_KEY, START, TENANT, chain_of, export_of

_CHAIN = chain_of(4)
_LINES = export_of(_CHAIN)
_PUBLIC_KEY = KEY.public_key().public_bytes_raw()


def _verify(lines: Sequence[bytes] | bytes, **expected: Any) -> JournalReport:
    data = lines if isinstance(lines, bytes) else b"".join(lines)
    return verify_journal(io.BytesIO(data), **expected)


def _checkpoint(lines: Sequence[bytes]) -> SignedCheckpoint:
    return load_checkpoint(io.BytesIO(b"".join(lines)))


def _line_at(data: bytes, position: int) -> int:
    return data[:position].count(b"\n") + 1


def _altered(line: bytes, **changes: Any) -> bytes:
    """An entry line whose entry was changed and whose own hash was computed again."""
    body = json.loads(line)
    body["entry"].update(changes)
    body["hash"] = hash_of_mapping(body["entry"])
    return canonical_bytes(body) + b"\n"


class TestSoundJournal:
    def test_is_accepted_with_its_count_and_head(self) -> None:
        report = _verify(_LINES)
        assert (report.ok, report.count, report.head, report.tenant, report.lines) == (
            True,
            4,
            _CHAIN[-1].hash,
            TENANT,
            5,
        )

    def test_is_accepted_without_entries(self) -> None:
        report = _verify(export_of([]))
        assert (report.ok, report.count, report.head) == (True, 0, genesis(TENANT))

    def test_is_accepted_under_the_expected_key(self) -> None:
        assert _verify(_LINES, key=_PUBLIC_KEY).ok

    def test_names_the_key_that_signed(self) -> None:
        assert _verify(_LINES).public_key == _PUBLIC_KEY.hex()

    @pytest.mark.parametrize("count", range(5))
    def test_extends_every_earlier_checkpoint(self, count: int) -> None:
        since = _checkpoint(export_of(_CHAIN[:count]))
        assert _verify(_LINES, since=since).ok

    def test_stays_verifiable_after_erasure_and_counts_it(self) -> None:
        records = [record_of(drafted) for drafted in _CHAIN]
        records[0] = Record(records[0].entry, records[0].hash, {"title": None, "name": None})
        lines = list(export(records, tenant=TENANT, at=START, key=KEY))
        report = _verify(lines, since=_checkpoint(_LINES))
        assert (report.ok, report.erased) == (True, 2)

    def test_says_that_a_timestamp_token_is_there(self) -> None:
        assert _verify(export_of(_CHAIN, timestamp_token="TUlJ")).timestamped


class TestMutations:
    """Threat 40."""

    @pytest.mark.parametrize("mask", [0x01, 0x20, 0xFF])
    @pytest.mark.parametrize(("count", "token"), [(3, None), (1, "TUlJQg==")])
    def test_threat_40_any_changed_byte_is_refused_at_its_line(
        self, mask: int, count: int, token: str | None
    ) -> None:
        data = b"".join(export_of(_CHAIN[:count], timestamp_token=token))
        for position in range(len(data)):
            mutated = bytearray(data)
            mutated[position] ^= mask
            report = _verify(bytes(mutated))
            assert not report.ok, position
            assert report.first_bad_line == _line_at(data, position), (position, report)

    @pytest.mark.parametrize("number", range(1, 6))
    def test_threat_40_a_deleted_line_is_refused(self, number: int) -> None:
        report = _verify(_LINES[: number - 1] + _LINES[number:])
        # Without the last entry, only the checkpoint can tell; it then stands at that line.
        assert (report.ok, report.first_bad_line) == (False, number)

    @pytest.mark.parametrize("number", range(1, 5))
    def test_threat_40_swapped_lines_are_refused_at_the_first(self, number: int) -> None:
        lines = list(_LINES)
        lines[number - 1], lines[number] = lines[number], lines[number - 1]
        report = _verify(lines)
        expected = number if number < 4 else 4
        assert (report.ok, report.first_bad_line) == (False, expected)

    def test_threat_40_every_cut_tail_is_refused_at_the_cut(self) -> None:
        data = b"".join(_LINES)
        for size in range(len(data)):
            report = _verify(data[:size])
            assert (report.ok, report.first_bad_line) == (False, _line_at(data, size)), size

    @pytest.mark.parametrize("number", range(1, 6))
    def test_threat_40_a_repeated_line_is_refused(self, number: int) -> None:
        report = _verify([*_LINES[:number], _LINES[number - 1], *_LINES[number:]])
        assert (report.ok, report.first_bad_line) == (False, number + 1)

    def test_an_entry_changed_with_its_hash_breaks_the_next_line(self) -> None:
        lines = [_LINES[0], _altered(_LINES[1], folder="F-2"), *_LINES[2:]]
        report = _verify(lines)
        assert (report.code, report.first_bad_line) == (JournalFault.BROKEN_CHAIN, 3)

    def test_the_last_entry_changed_with_its_hash_breaks_the_checkpoint(self) -> None:
        lines = [*_LINES[:3], _altered(_LINES[3], folder="F-2"), _LINES[4]]
        report = _verify(lines)
        assert (report.code, report.first_bad_line) == (JournalFault.WRONG_CHECKPOINT, 5)

    def test_a_value_erased_after_the_export_breaks_the_checkpoint(self) -> None:
        body = json.loads(_LINES[0])
        body["values"]["name"] = None
        report = _verify([canonical_bytes(body) + b"\n", *_LINES[1:]])
        assert report.code is JournalFault.WRONG_CHECKPOINT

    def test_a_value_taken_away_is_refused(self) -> None:
        body = json.loads(_LINES[0])
        del body["values"]["name"]
        report = _verify([canonical_bytes(body) + b"\n", *_LINES[1:]])
        assert (report.code, report.first_bad_line) == (JournalFault.WRONG_VALUE, 1)

    @pytest.mark.parametrize(
        "value", ["text", {"salt": "00"}, {"salt": "zz", "value": "a"}, {"salt": 1, "value": "a"}]
    )
    def test_a_malformed_value_is_refused(self, value: Any) -> None:
        body = json.loads(_LINES[0])
        body["values"]["name"] = value
        report = _verify([canonical_bytes(body) + b"\n", *_LINES[1:]])
        assert (report.code, report.first_bad_line) == (JournalFault.MALFORMED_LINE, 1)

    def test_another_tenants_line_is_refused(self) -> None:
        report = _verify([*_LINES[:2], _altered(_LINES[2], tenant="T-2"), *_LINES[3:]])
        assert (report.code, report.first_bad_line) == (JournalFault.OTHER_TENANT, 3)

    def test_a_missing_checkpoint_is_named_after_the_last_line(self) -> None:
        report = _verify(_LINES[:4])
        assert (report.code, report.first_bad_line) == (JournalFault.MISSING_CHECKPOINT, 5)

    def test_an_empty_file_is_refused(self) -> None:
        report = _verify(b"")
        assert (report.code, report.first_bad_line) == (JournalFault.MISSING_CHECKPOINT, 1)

    def test_a_missing_final_newline_is_a_cut(self) -> None:
        report = _verify(b"".join(_LINES)[:-1])
        assert (report.code, report.first_bad_line) == (JournalFault.CUT_LINE, 5)

    @pytest.mark.parametrize("extra", [b"\n", b"{}\n", b" ", _LINES[-1], _LINES[0]])
    def test_anything_after_the_checkpoint_is_refused(self, extra: bytes) -> None:
        report = _verify([*_LINES, extra])
        assert (report.code, report.first_bad_line) == (JournalFault.LINE_AFTER_CHECKPOINT, 6)

    def test_windows_line_ends_are_refused(self) -> None:
        report = _verify(b"".join(_LINES).replace(b"\n", b"\r\n"))
        assert (report.code, report.first_bad_line) == (JournalFault.NOT_CANONICAL, 1)

    def test_a_line_without_end_does_not_fill_the_memory(self) -> None:
        stream = io.BytesIO(b"[" * 20_000_000)
        tracemalloc.start()
        report = verify_journal(stream)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (report.code, peak < 8_000_000) == (JournalFault.LINE_TOO_LONG, True)

    @pytest.mark.parametrize("line", [b"null", b"1", b"[]", b"{}", b'{"entry":1}', b'"checkpoint"'])
    def test_another_shape_is_refused(self, line: bytes) -> None:
        report = _verify(line + b"\n")
        assert (report.code, report.first_bad_line) == (JournalFault.MALFORMED_LINE, 1)

    def test_the_sentence_names_the_line(self) -> None:
        assert _verify([_LINES[0], _LINES[2]]).detail.startswith("Ligne 2 : ")

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=300))
    def test_hostile_bytes_never_raise(self, data: bytes) -> None:
        assert not _verify(data).ok


class TestRewrittenChain:
    """A chain made again from an altered start is sound by itself: an earlier checkpoint tells."""

    _REWRITTEN = export_of(chain_of(4, title="Arrêté"))

    def test_is_sound_without_an_earlier_checkpoint(self) -> None:
        assert _verify(self._REWRITTEN).ok

    @pytest.mark.parametrize("count", range(1, 5))
    def test_threat_40_is_refused_at_the_earlier_checkpoint(self, count: int) -> None:
        since = _checkpoint(export_of(_CHAIN[:count]))
        report = _verify(self._REWRITTEN, since=since)
        assert (report.code, report.first_bad_line) == (JournalFault.REWRITTEN, count)

    def test_threat_40_under_another_key_is_refused(self) -> None:
        lines = export_of(_CHAIN, key=OTHER_KEY)
        report = _verify(lines, since=_checkpoint(export_of(_CHAIN[:2])))
        assert (report.code, report.first_bad_line) == (JournalFault.OTHER_KEY, 5)

    def test_under_another_key_than_the_expected_is_refused(self) -> None:
        report = _verify(export_of(_CHAIN, key=OTHER_KEY), key=_PUBLIC_KEY)
        assert report.code is JournalFault.OTHER_KEY

    def test_an_earlier_checkpoint_of_another_key_than_the_expected_is_refused(self) -> None:
        since = _checkpoint(export_of(_CHAIN[:2], key=OTHER_KEY))
        assert _verify(_LINES, since=since, key=_PUBLIC_KEY).code is JournalFault.OTHER_KEY

    def test_threat_40_a_tail_cut_before_the_export_is_refused(self) -> None:
        report = _verify(export_of(_CHAIN[:2]), since=_checkpoint(_LINES))
        assert (report.code, report.first_bad_line) == (JournalFault.SHORTER_THAN_CHECKPOINT, 3)

    def test_an_emptied_journal_is_refused(self) -> None:
        report = _verify(export_of([]), since=_checkpoint(_LINES))
        assert report.code is JournalFault.SHORTER_THAN_CHECKPOINT

    def test_an_earlier_checkpoint_of_another_tenant_is_refused(self) -> None:
        since = _checkpoint(export_of(chain_of(1, tenant="T-2"), tenant="T-2"))
        report = _verify(_LINES, since=since)
        assert (report.code, report.first_bad_line) == (JournalFault.OTHER_TENANT, 1)


class TestLoadCheckpoint:
    def test_reads_the_end_of_an_earlier_export(self) -> None:
        assert _checkpoint(_LINES).checkpoint.count == 4

    @pytest.mark.parametrize("end", [b"", b"\n"])
    def test_reads_a_last_line_alone(self, end: bytes) -> None:
        alone = load_checkpoint(io.BytesIO(_LINES[-1][:-1] + end))
        assert alone == _checkpoint(_LINES)

    @pytest.mark.parametrize("data", [b"", b"\n", _LINES[0], b"x" * 3_000_000], ids=len)
    def test_refuses_another_file(self, data: bytes) -> None:
        with pytest.raises(UnreadableCheckpoint, match="donnez un export antérieur"):
            load_checkpoint(io.BytesIO(data))

    def test_refuses_a_false_signature(self) -> None:
        signed = dataclasses.replace(_checkpoint(_LINES), signature="0" * 128)
        with pytest.raises(UnreadableCheckpoint, match="fausse"):
            load_checkpoint(io.BytesIO(signed.line()))


class _LongJournal(io.RawIOBase):
    """A journal that is made while it is read."""

    def __init__(self, chain: Sequence[Drafted]) -> None:
        self._lines: Iterator[bytes] = export(
            map(record_of, chain), tenant=TENANT, at=START, key=KEY
        )

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        line = next(self._lines, b"")
        buffer[: len(line)] = line
        return len(line)


def test_memory_does_not_grow_with_the_journal() -> None:
    chain = chain_of(1500)
    tracemalloc.start()
    report = verify_journal(io.BufferedReader(_LongJournal(chain), 65536))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.ok
    assert peak < 500_000


def test_runs_without_the_server() -> None:
    program = (
        "import sys, app.audit.verification\n"
        "roots = {name.partition('.')[0] for name in sys.modules}\n"
        "print(*sorted(roots & {'sqlalchemy', 'fastapi', 'starlette', 'pydantic', 'psycopg',"
        " 'arq', 'redis', 'structlog', 'obstore'}), 'app.settings' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["False"]
