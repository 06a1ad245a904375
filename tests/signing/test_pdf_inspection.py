"""Inspection of deposited PDFs: facts of sound ones, bounded refusal of hostile ones."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from pyhanko.sign.fields import MDPPerm

from app.demo.acts import Act, deliberation
from signing.errors import UnsupportedDocument
from signing.facts import PdfSignatureFact
from signing.pdf_inspection import inspect
from signing.pdf_reading import PdfLimits
from tests.builders.library_pdf import certified
from tests.builders.pdf import (
    encrypted_pdf,
    hybrid_pdf,
    pdf_with_cyclic_kids,
    pdf_with_cyclic_previous,
    pdf_with_object_stream,
    simple_objects,
    simple_pdf,
    stream,
    with_catalog,
    written,
)
from tests.builders.signed_pdf import signed_pdf
from tests.pki.tree import PkiTree, shared_tree

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def tree() -> PkiTree:
    return shared_tree()


def outcome(document: bytes) -> str:
    try:
        return f"pdf_of_{inspect(document).page_count}_pages"
    except UnsupportedDocument as refusal:
        return refusal.code


def code_of(document: bytes, limits: PdfLimits | None = None) -> str:
    with pytest.raises(UnsupportedDocument) as refusal:
        inspect(document, limits=limits or PdfLimits())
    return refusal.value.code


class TestFacts:
    def test_counts_pages(self) -> None:
        assert inspect(deliberation(Act(pages=7))).page_count == 7

    def test_a_plain_act_has_nothing_to_say(self) -> None:
        facts = inspect(deliberation())
        assert (facts.signatures, facts.locked, facts.active_content, facts.findings) == (
            (),
            False,
            (),
            (),
        )

    def test_lists_the_signatures_already_there(self, tree: PkiTree) -> None:
        once = signed_pdf(simple_pdf(), tree.good)
        twice = signed_pdf(once, tree.p256)
        assert inspect(twice).signatures == (
            PdfSignatureFact("Signature1", "Camille EXEMPLE", covers_whole_file=False),
            PdfSignatureFact("Signature2", "Alex COURBE", covers_whole_file=True),
        )

    @pytest.mark.parametrize(
        ("permission", "locked"), [(MDPPerm.NO_CHANGES, True), (MDPPerm.FILL_FORMS, False)]
    )
    def test_says_whether_one_more_signature_is_forbidden(
        self, tree: PkiTree, permission: MDPPerm, *, locked: bool
    ) -> None:
        assert inspect(certified(simple_pdf(), tree, permission)).locked is locked

    def test_reads_from_a_path(self, tmp_path: Path) -> None:
        path = tmp_path / "acte.pdf"
        path.write_bytes(deliberation())
        assert inspect(path) == inspect(deliberation())

    def test_accepts_the_hybrid_files_of_office_programs(self) -> None:
        assert inspect(hybrid_pdf()).page_count == 1

    def test_a_reference_to_nothing_is_null(self) -> None:
        assert inspect(with_catalog(b"/Outlines 99 0 R")).page_count == 1


class TestActiveContent:
    @pytest.mark.parametrize(
        ("catalog", "objects", "label"),
        [
            (b"/Names << /JavaScript << /Names [] >> >>", {}, "JavaScript"),
            (b"/Names << /J#61vaScript << /Names [] >> >>", {}, "JavaScript"),
            (b"/OpenAction << /S /JavaScript /JS (1) >>", {}, "JavaScript"),
            (b"/OpenAction 9 0 R", {9: b"<< /S /Launch /F (cmd.exe) >>"}, "Launch"),
            (b"/OpenAction << /S /GoTo /D [3 0 R /Fit] >>", {}, "OpenAction"),
            (b"/Names << /EmbeddedFiles << /Names [] >> >>", {}, "EmbeddedFile"),
            (b"/AA << /WC << /S /Named /N /Print >> >>", {}, "AdditionalActions"),
            (b"/AcroForm << /Fields [] /XFA [] >>", {}, "XFA"),
            (b"/Outlines << /A << /S /URI /URI (http://x.invalid) >> >>", {}, "ExternalLink"),
            (b"/Outlines << /A << /S /SubmitForm /F (x) >> >>", {}, "SubmitForm"),
            (b"/Outlines << /Subtype /RichMedia >>", {}, "RichMedia"),
        ],
    )
    def test_threat_19_is_named(
        self, catalog: bytes, objects: dict[int, bytes], label: str
    ) -> None:
        assert label in inspect(with_catalog(catalog, objects)).active_content

    def test_threat_19_is_found_inside_an_object_stream(self) -> None:
        members = simple_objects() | {4: b"<< >>"}
        members[1] = b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (1) >> >>"
        assert "JavaScript" in inspect(pdf_with_object_stream(members)).active_content

    def test_a_destination_at_opening_is_not_active(self) -> None:
        assert inspect(with_catalog(b"/OpenAction [3 0 R /Fit]")).active_content == ()


class TestRefusals:
    @pytest.mark.parametrize(
        ("document", "code"),
        [
            pytest.param(b"", "empty_file", id="empty"),
            pytest.param(b"PK\x03\x04", "not_a_pdf", id="zip"),
            pytest.param(b"<html>%PDF-1.7", "not_a_pdf", id="polyglot"),
            pytest.param(b"%PDF-1.7", "pdf_broken", id="header alone"),
            pytest.param(simple_pdf()[:-40], "pdf_broken", id="cut"),
            pytest.param(encrypted_pdf(), "pdf_encrypted", id="encrypted"),
            pytest.param(hybrid_pdf(contradictory=True), "pdf_contradictory_tables", id="hybrid"),
        ],
    )
    def test_threat_18_what_is_not_a_sound_pdf(self, document: bytes, code: str) -> None:
        assert code_of(document) == code

    @pytest.mark.parametrize(
        "document",
        [
            pytest.param(pdf_with_cyclic_kids(), id="kids"),
            pytest.param(pdf_with_cyclic_previous(), id="prev"),
        ],
    )
    def test_threat_17_a_cycle_ends_in_a_refusal(self, document: bytes) -> None:
        assert code_of(document) == "pdf_broken"

    def test_threat_17_too_many_pages(self) -> None:
        assert code_of(deliberation(Act(pages=6)), PdfLimits(max_pages=5)) == "pdf_too_complex"

    def test_threat_17_too_many_objects(self) -> None:
        assert code_of(deliberation(), PdfLimits(max_objects=3)) == "pdf_too_complex"

    @pytest.mark.parametrize("layers", [1, 2])
    def test_threat_17_an_object_stream_that_inflates(self, layers: int) -> None:
        bomb = pdf_with_object_stream(
            simple_objects() | {4: b"<< >>"}, padding=256 * MIB, layers=layers
        )
        tracemalloc.start()
        code = code_of(bomb)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert code == "pdf_too_complex"
        assert peak < 128 * MIB

    def test_threat_17_a_content_stream_is_never_inflated(self) -> None:
        objects = simple_objects()
        objects[4] = stream(b"\x00" * 64, b"/Filter [/FlateDecode /FlateDecode]")
        assert inspect(written(objects)).page_count == 1

    def test_threat_17_many_pages_in_one_object_stream(self) -> None:
        count = 5000
        kids = b" ".join(b"%d 0 R" % number for number in range(3, 3 + count))
        members = {1: b"<< /Type /Catalog /Pages 2 0 R >>"}
        members[2] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (count, kids)
        members |= dict.fromkeys(range(3, 3 + count), b"<< /Type /Page /Parent 2 0 R >>")
        started = time.process_time()
        assert inspect(pdf_with_object_stream(members)).page_count == count
        assert time.process_time() - started < 10

    def test_threat_17_deep_nesting(self) -> None:
        deep = b"[" * 50_000 + b"]" * 50_000
        assert code_of(with_catalog(b"/X " + deep)) == "pdf_broken"

    def test_a_large_attachment_costs_little_memory(self, tmp_path: Path) -> None:
        path = tmp_path / "gros.pdf"
        path.write_bytes(deliberation(Act(size_bytes=40 * MIB)))
        tracemalloc.start()
        inspect(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 16 * MIB

    def test_noise_never_raises_anything_else(self, scaled: Callable[[int, int], int]) -> None:
        chance = random.Random(7)
        source = deliberation()
        for _ in range(scaled(1000, 60)):
            damaged = bytearray(source)
            for _ in range(chance.randint(1, 30)):
                damaged[chance.randrange(5, len(damaged))] = chance.randrange(256)
            assert outcome(bytes(damaged)).startswith("pdf_")
