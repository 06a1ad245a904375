"""BER of indefinite length, made definite without touching what is definite."""

from __future__ import annotations

import pytest

from signing.ber import MAX_DEPTH, definite


def test_definite_values_keep_their_bytes() -> None:
    value = bytes.fromhex("3081060201010201ff")
    assert definite(value) == (value, len(value))


def test_what_follows_is_left_alone() -> None:
    assert definite(bytes.fromhex("020101ffff")) == (bytes.fromhex("020101"), 3)


@pytest.mark.parametrize(
    ("indefinite", "expected"),
    [
        ("30800201010000", "3003020101"),
        ("308030800201010000020102" + "0000", "30083003020101020102"),
        ("3080" + "0481c8" + "00" * 200 + "0000", "3081cb0481c8" + "00" * 200),
        ("30073080020101" + "0000", "30053003020101"),
        ("2480040141040142" + "0000", "04024142"),
        ("2406040141040142", "04024142"),
    ],
)
def test_indefinite_values_are_rewritten(indefinite: str, expected: str) -> None:
    rewritten, length = definite(bytes.fromhex(indefinite))
    assert (rewritten.hex(), length) == (expected, len(indefinite) // 2)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x30",
        b"\x30\x05\x02\x01\x01",
        b"\x30\x80\x02\x01\x01",
        b"\x04\x80\x00\x00",
        b"\x30\x85\x01\x00\x00\x00\x00",
        b"\x30\x80" * (MAX_DEPTH + 5),
        b"\x1f\xff\xff",
        b"\x30\x03\x02\x05\x01",
        b"\x24\x03\x02\x01\x01",
    ],
)
def test_malformed_values_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        definite(content)
