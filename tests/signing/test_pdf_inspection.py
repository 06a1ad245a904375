"""Inspection of deposited PDFs: facts of sound ones, bounded refusal of hostile ones."""

from __future__ import annotations

import random
import re
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
    pdf_with_text_field,
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


class TestOtherLooks:
    """Threat 4: what a document could show once signed is told at the deposit, never refused."""

    def test_threat_04_form_fields_are_told(self) -> None:
        (finding,) = inspect(pdf_with_text_field()).findings
        assert (finding.code, finding.blocking) == ("pdf_form_fields", False)
        assert "contient 1 champ(s) de formulaire" in finding.detail

    def test_threat_04_signature_fields_are_no_form(self, tree: PkiTree) -> None:
        codes = [one.code for one in inspect(signed_pdf(simple_pdf(), tree.good)).findings]
        assert codes == ["pdf_already_signed"]

    @pytest.mark.parametrize(
        "hidden",
        [
            pytest.param(b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>", id="page"),
            pytest.param(b"<< /T#79pe%x\n/P#61ge >>", id="page-written-oddly"),
            pytest.param(b"<< /Contents 4 0 R /MediaBox [0 0 9 9] >>", id="page-without-type"),
            pytest.param(b"<< /Contents [4 0 R] /Resources << >> >>", id="page-of-parts"),
            pytest.param(b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", id="page-tree"),
            pytest.param(b"<< /Type /Catalog /Pages 2 0 R >>", id="catalogue"),
        ],
    )
    @pytest.mark.parametrize("packed", [False, True])
    def test_threat_04_pages_that_nothing_refers_to_are_told(
        self, hidden: bytes, *, packed: bool
    ) -> None:
        objects = simple_objects() | {4: b"<< >>", 9: hidden}
        document = pdf_with_object_stream(objects) if packed else written(objects)
        (finding,) = inspect(document).findings
        assert (finding.code, finding.blocking) == ("pdf_hidden_pages", False)
        assert "contient 1 page(s) qu'il n'affiche pas" in finding.detail

    def test_threat_04_a_page_out_of_the_tree_is_told_whatever_refers_to_it(self) -> None:
        page = {9: b"<< /Type /Page /Contents 4 0 R >>"}
        (finding,) = inspect(with_catalog(b"/PieceInfo << /Own 9 0 R >>", page)).findings
        assert finding.code == "pdf_hidden_pages"

    def test_threat_04_a_page_of_an_earlier_revision_that_was_freed_is_not(self) -> None:
        page = b"<< /Type /Page /Contents 4 0 R >>"
        old = written(simple_objects() | {9: page})
        start = len(old)
        freed = b"xref\n0 1\n0000000009 65535 f \n9 1\n0000000000 00001 f \n"
        previous = int(re.findall(rb"startxref\s+(\d+)", old)[-1])
        trailer = b"trailer\n<< /Size 10 /Root 1 0 R /Prev %d >>\n" % previous
        assert inspect(old).findings
        new = old + freed + trailer + b"startxref\n%d\n%%%%EOF\n" % start
        assert inspect(new).findings == ()

    @pytest.mark.parametrize(
        "unused",
        [
            pytest.param(b"<< /Type /Font /Contents (x) /Resources << >> >>", id="dictionary"),
            pytest.param(b"<< /Type /PageLabel >>", id="longer-name"),
            pytest.param(b"<< /Subtype /Text /Contents (a) /Parent 3 0 R >>", id="annotation"),
            pytest.param(stream(b"<< /Type /Page >>"), id="content"),
            pytest.param(b"<< /Unreadable", id="unreadable"),
            pytest.param(b"[" * 50_000, id="deep"),
        ],
    )
    def test_threat_04_other_unused_objects_are_not_told(self, unused: bytes) -> None:
        assert inspect(written(simple_objects() | {9: unused})).findings == ()

    @pytest.mark.parametrize(
        ("count", "unused"), [(20_500, b"<<>>"), (1_200, b"<< /A (%s) >>" % (b"x" * 40_000))]
    )
    def test_threat_17_many_unused_objects_are_told_and_cost_little(
        self, count: int, unused: bytes
    ) -> None:
        document = written(simple_objects() | dict.fromkeys(range(10, 10 + count), unused))
        started = time.process_time()
        (finding,) = inspect(document).findings
        assert time.process_time() - started < 10
        assert finding.code == "pdf_hidden_pages"
        assert "trop d'objets inutilisés" in finding.detail


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
