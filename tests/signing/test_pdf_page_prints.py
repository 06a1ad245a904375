"""Fingerprints of pages: hostile files are refused, in bounded work."""

from __future__ import annotations

import zlib

import pytest

from signing.errors import UnsupportedDocument
from signing.pdf_page_prints import document_prints
from signing.pdf_reading import PdfLimits
from tests.builders.pdf import (
    encrypted_pdf,
    pdf_with_cyclic_kids,
    simple_objects,
    simple_pdf,
    stream,
    with_catalog,
    written,
)
from tests.builders.pdf_pages import book, page_with


def refusal(document: bytes, limits: PdfLimits | None = None) -> str:
    with pytest.raises(UnsupportedDocument) as caught:
        document_prints(document, limits or PdfLimits())
    return caught.value.code


class TestHostileInput:
    @pytest.mark.parametrize(
        ("document", "code"),
        [
            pytest.param(b"", "empty_file", id="empty"),
            pytest.param(b"PK\x03\x04", "not_a_pdf", id="zip"),
            pytest.param(simple_pdf()[:-40], "pdf_broken", id="cut"),
            pytest.param(encrypted_pdf(), "pdf_encrypted", id="encrypted"),
            pytest.param(pdf_with_cyclic_kids(), "pdf_broken", id="cyclic_kids"),
            pytest.param(
                with_catalog(b"").replace(b"[3 0 R]", b"[1 2 3]"), "pdf_broken", id="kids"
            ),
            pytest.param(
                written(simple_objects() | {2: b"<< /Type /Pages /Kids [] >>"}),
                "pdf_broken",
                id="no_page",
            ),
            pytest.param(
                written(simple_objects() | {3: b"12"}), "pdf_broken", id="page_is_a_number"
            ),
        ],
    )
    def test_threat_17_what_is_no_sound_pdf_is_refused(self, document: bytes, code: str) -> None:
        assert refusal(document) == code

    def test_threat_17_objects_that_all_hold_each_other_are_too_many(self) -> None:
        members = range(20, 40)
        everyone = b" ".join(b"%d 0 R" % one for one in members)
        objects = {f"o{one}": b"[%s]" % everyone for one in members}
        document = page_with(b"/Foo 20 0 R", **objects)
        assert refusal(document, PdfLimits(max_objects=2_000)) == "pdf_too_complex"

    def test_threat_17_a_long_chain_of_objects_is_refused(self) -> None:
        chain = {f"o{one}": b"[%d 0 R]" % (one + 1) for one in range(20, 200)}
        assert refusal(page_with(b"/Foo 20 0 R", **chain)) == "pdf_too_complex"

    def test_threat_17_contents_that_inflate_without_end(self) -> None:
        objects = simple_objects()
        bomb = stream(zlib.compress(bytes(3_000_000)), b"/Filter /FlateDecode")
        objects[3] = objects[3].replace(b"4 0 R", b"[4 0 R 4 0 R 4 0 R]")
        limits = PdfLimits(max_decoded_size=5_000_000)
        assert refusal(written(objects | {4: bomb}), limits) == "pdf_too_complex"

    def test_threat_17_too_many_pages(self) -> None:
        assert refusal(book(*"abcdef"), PdfLimits(max_pages=5)) == "pdf_too_complex"
