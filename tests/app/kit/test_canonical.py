"""Canonical JSON: one value, one sequence of bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.canonical import NotCanonical, canonical_bytes, load_canonical

_KEYS = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=8)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


class TestCanonicalBytes:
    def test_sorts_keys_and_writes_no_space(self) -> None:
        value: Any = {"b": [1, True, None], "a": {"z": "é", "d": -3}}
        assert canonical_bytes(value) == '{"a":{"d":-3,"z":"é"},"b":[1,true,null]}'.encode()

    def test_escapes_as_rfc_8785_says(self) -> None:
        assert (
            canonical_bytes('"\\/\b\f\n\r\t\x0f\x7f€')
            == '"\\"\\\\/\\b\\f\\n\\r\\t\\u000f\x7f€"'.encode()
        )

    @pytest.mark.parametrize(
        "value",
        [
            1.0,
            float("nan"),
            2**53,
            -(2**53),
            "\ud800",
            {1: "a"},
            {"\U0001f600": 1},
            {"\ud800": 1},
            b"bytes",
            {"a": {1, 2}},
            object(),
        ],
    )
    def test_refuses_what_has_no_single_form(self, value: Any) -> None:
        with pytest.raises(NotCanonical):
            canonical_bytes(value)

    def test_refuses_more_than_32_levels(self) -> None:
        value: Any = 1
        for _ in range(33):
            value = [value]
        with pytest.raises(NotCanonical):
            canonical_bytes(value)


class TestLoadCanonical:
    @given(_VALUES)
    def test_gives_back_what_was_written(self, value: Any) -> None:
        assert load_canonical(canonical_bytes(value)) == value

    @given(_VALUES, st.data())
    def test_never_reads_two_byte_sequences_alike(self, value: Any, data: st.DataObject) -> None:
        written = bytearray(canonical_bytes(value))
        position = data.draw(st.integers(0, len(written) - 1))
        written[position] ^= data.draw(st.integers(1, 255))
        try:
            read = load_canonical(bytes(written))
        except NotCanonical:
            return
        assert canonical_bytes(read) == bytes(written) != canonical_bytes(value)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b" 1",
            b"1\n",
            b"-0",
            b"1e2",
            b"1.0",
            b"NaN",
            b"Infinity",
            b"01",
            b'{"a":1,"a":1}',
            b'{"a":1,"a":2}',
            b'{"b":1,"a":2}',
            b'{"a": 1}',
            b'"\\u00e9"',
            b'"\\/"',
            b'"\\u000F"',
            b'"\\ud800"',
            b"\xef\xbb\xbf1",
            b"\xff",
            b"9007199254740992",
            b"9" * 5000,
            b"[" * 100_000,
            b"[" * 40 + b"]" * 40,
        ],
        ids=lambda data: repr(data[:20]),
    )
    def test_refuses_any_other_spelling(self, data: bytes) -> None:
        with pytest.raises(NotCanonical):
            load_canonical(data)
