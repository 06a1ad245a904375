"""The structure of a PDF signature: each bound of its range, and its gap."""

from __future__ import annotations

import io

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.pdf_byte_range import BadStructure, signed_range
from tests.builders.pdf import simple_pdf
from tests.builders.signed_pdf import signed_pdf
from tests.pki.tree import shared_tree


@pytest.fixture(scope="module")
def signed() -> bytes:
    tree = shared_tree()
    return signed_pdf(simple_pdf(), tree.good, chain=tree.chain)


def dictionary_of(signed: bytes) -> generic.DictionaryObject:
    """The dictionary of the one signature of a file."""
    (found,) = PdfFileReader(io.BytesIO(signed)).embedded_signatures
    dictionary: generic.DictionaryObject = found.sig_object
    return dictionary


def with_bounds(dictionary: generic.DictionaryObject, *shifts: int) -> generic.DictionaryObject:
    """The same, each number of its range moved by so much."""
    bounds = [int(one) + by for one, by in zip(dictionary["/ByteRange"], shifts, strict=True)]
    moved = [generic.NumberObject(one) for one in bounds]  # type: ignore[no-untyped-call]
    dictionary["/ByteRange"] = generic.ArrayObject(moved)
    return dictionary


def refusal(document: bytes, dictionary: generic.DictionaryObject) -> str:
    with pytest.raises(BadStructure) as refused:
        signed_range(document, dictionary)
    return refused.value.finding.code


class TestSignedRange:
    def test_is_what_the_signature_covers(self, signed: bytes) -> None:
        found = signed_range(signed, dictionary_of(signed))
        before, after = found.covered(signed)
        gap = signed[found.gap_start : found.gap_end]
        assert (bytes(before) + gap + bytes(after), found.end) == (signed, len(signed))

    @pytest.mark.parametrize(
        ("shifts", "code"),
        [
            ((1, 0, 0, 0), "byte_range_start"),
            ((0, -1, 0, 0), "byte_range_gap"),
            ((0, 0, 1, -1), "byte_range_gap"),
            ((0, 0, 0, -8), "byte_range_end"),
            ((0, 0, 0, 1), "byte_range_bounds"),
        ],
        ids=["start", "gap before", "gap after", "short", "beyond the file"],
    )
    def test_threat_02_each_bound_is_judged_by_itself(
        self, signed: bytes, shifts: tuple[int, ...], code: str
    ) -> None:
        assert refusal(signed, with_bounds(dictionary_of(signed), *shifts)) == code

    def test_threat_01_the_gap_holds_the_very_value_of_the_signature(self, signed: bytes) -> None:
        dictionary = dictionary_of(signed)
        gap = int(dictionary["/ByteRange"][1])
        digit = b"1" if signed[gap + 1 : gap + 2] == b"0" else b"0"
        other = signed[: gap + 1] + digit + signed[gap + 2 :]
        assert refusal(other, dictionary) == "byte_range_gap"
