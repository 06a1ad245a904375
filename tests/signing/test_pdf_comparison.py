"""Which pages of a PDF changed: what draws a page counts, what surrounds it does not."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from app.demo.acts import Act, deliberation
from signing.errors import UnsupportedDocument
from signing.pdf_comparison import PdfChanges, compare
from signing.pdf_reading import PdfLimits
from tests.builders.pdf import (
    appended,
    object_source,
    pdf_with_object_stream,
    pdf_with_text_field,
    simple_objects,
    simple_pdf,
    stream,
    with_catalog,
    written,
)
from tests.builders.pdf_pages import book, page_with
from tests.builders.signed_pdf import signed_pdf
from tests.pki.tree import shared_tree

NO_CHANGE = ("Aucune différence de contenu entre les deux versions.",)
SHARED = (
    "Ce qui accompagne les pages a changé : calques, formulaire, fichiers joints ou actions.",
)


def numbers(before: bytes, after: bytes) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """Added, removed, changed."""
    changes = compare(before, after)
    return changes.added, changes.removed, changes.changed


class TestPages:
    def test_the_same_file(self) -> None:
        act = deliberation(Act(pages=3))
        assert compare(act, act) == PdfChanges(3, 3, (), (), ())

    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [
            ("abcd", "abXd", ((), (), (3,))),
            ("abcd", "aXcdY", ((5,), (), (2,))),
            ("abcd", "abXcd", ((3,), (), ())),
            ("abcd", "acd", ((), (2,), ())),
            ("abcd", "bcda", ((4,), (1,), ())),
            ("abcd", "XYcd", ((), (), (1, 2))),
            ("abcd", "XYZcd", ((3,), (), (1, 2))),
            ("aaaa", "aaa", ((), (4,), ())),
            ("ab", "cdef", ((3, 4), (), (1, 2))),
        ],
        ids=lambda one: one if isinstance(one, str) else "",
    )
    def test_are_matched_by_what_they_show(
        self, before: str, after: str, expected: tuple[tuple[int, ...], ...]
    ) -> None:
        assert numbers(book(*before), book(*after)) == expected

    def test_that_differ_by_the_thousand_are_compared_one_to_one(self) -> None:
        before = book(*(f"a{n}" for n in range(1_100)), "fin")
        after = book(*(f"b{n}" for n in range(1_101)), "fin")
        assert numbers(before, after) == ((1101,), (), tuple(range(1, 1101)))

    def test_of_a_real_act(self) -> None:
        before = deliberation(Act(pages=4))
        after = deliberation(Act(pages=4, subject="Autre objet"))
        assert compare(before, after).summary == ("Page 1 modifiée.",)

    def test_read_from_paths(self, tmp_path: Path) -> None:
        before, after = tmp_path / "before.pdf", tmp_path / "after.pdf"
        before.write_bytes(book("a", "b"))
        after.write_bytes(book("a", "c"))
        assert compare(before, after).changed == (2,)


class TestSummary:
    @pytest.mark.parametrize(
        ("changes", "line"),
        [
            (PdfChanges(6, 7, (7,), (), (3, 5)), "Pages 3 et 5 modifiées, page 7 ajoutée."),
            (PdfChanges(9, 9, (), (), (1, 2, 3, 4, 7, 9)), "Pages 1 à 4, 7 et 9 modifiées."),
            (PdfChanges(3, 2, (), (2,), ()), "Page 2 de l'ancienne version retirée."),
            (
                PdfChanges(3, 3, (), (), (), (1, 2)),
                "Pages 1 et 2 identiques hormis les polices incorporées.",
            ),
            (PdfChanges(3, 1, (), (2, 3), ()), "Pages 2 et 3 de l'ancienne version retirées."),
        ],
        ids=["changed_added", "runs", "removed", "fonts", "several_removed"],
    )
    def test_is_a_french_sentence(self, changes: PdfChanges, line: str) -> None:
        assert changes.summary == (line,)


class TestWhatIsDrawn:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            pytest.param(b"/MediaBox [0 0 200 200]", b"/MediaBox [0 0 200 100]", id="media_box"),
            pytest.param(b"/Rotate 0", b"/Rotate 180", id="rotation"),
            pytest.param(b"/UserUnit 1", b"/UserUnit 2", id="unit"),
            pytest.param(b"/Rotate 90", b"", id="absent"),
        ],
    )
    def test_the_entries_of_the_page(self, before: bytes, after: bytes) -> None:
        assert compare(page_with(before), page_with(after)).changed == (1,)

    def test_what_a_page_inherits(self) -> None:
        before = book("a", "b")
        assert compare(before, before.replace(b"200 200]", b"200 300]")).changed == (1, 2)

    def test_an_image_that_the_page_uses_and_no_other(self) -> None:
        entries = b"/Resources << /XObject << /X1 20 0 R /X2 21 0 R >> >>"
        used, other, new = (
            stream(bits, b"/Subtype /Image /Width 1 /Height 1") for bits in (b"1", b"2", b"3")
        )
        before = page_with(entries, o20=used, o21=other)
        assert compare(before, page_with(entries, o20=new, o21=other)).changed == (1,)
        assert compare(before, page_with(entries, o20=used, o21=new)).changed == ()

    def test_a_form_inside_a_form(self) -> None:
        entries = b"/Resources << /XObject << /X1 20 0 R >> >>"
        outer = stream(b"/X2 Do", b"/Subtype /Form /Resources << /XObject << /X2 21 0 R >> >>")
        inner, changed = (
            stream(text, b"/Subtype /Form /Resources << >>") for text in (b"0 g", b"1 g")
        )
        before = page_with(entries, o20=outer, o21=inner)
        assert compare(before, page_with(entries, o20=outer, o21=changed)).changed == (1,)

    @pytest.mark.parametrize(
        "borrower",
        [
            pytest.param(stream(b"/X2 Do", b"/Subtype /Form"), id="form"),
            pytest.param(b"<< /Type /Font /Subtype /Type3 /CharProcs << >> >>", id="font"),
        ],
    )
    def test_what_draws_with_the_resources_of_the_page(self, borrower: bytes) -> None:
        entries = b"/Resources << /XObject << /X1 20 0 R /X2 21 0 R >> >>"
        image, other = (stream(bits, b"/Subtype /Image") for bits in (b"1", b"2"))
        before = page_with(entries, o20=borrower, o21=image)
        assert compare(before, page_with(entries, o20=borrower, o21=other)).changed == (1,)

    @pytest.mark.parametrize("name", [b"/X#31", b"/\xc3\xa9"], ids=["escaped", "accented"])
    def test_resources_whose_names_are_spelled_otherwise(self, name: bytes) -> None:
        entries = b"/Resources << /XObject << /X1 20 0 R >> >>"
        before, after = (
            page_with(entries, name + b" Do", o20=stream(bits, b"/Subtype /Image"))
            for bits in (b"1", b"2")
        )
        assert compare(before, after).changed == (1,)

    def test_default_colours_apply_without_being_named(self) -> None:
        before, after = (
            page_with(b"/Resources << /ColorSpace << /DefaultRGB %s >> >>" % space, b"0 0 1 rg")
            for space in (b"/DeviceRGB", b"/DeviceGray")
        )
        assert compare(before, after).changed == (1,)

    def test_the_value_of_a_field_held_by_the_field_above(self) -> None:
        before, after = (
            page_with(
                b"/Annots [20 0 R]",
                o20=b"<< /Type /Annot /Subtype /Widget /Parent 21 0 R /Rect [0 0 9 9] >>",
                o21=b"<< /FT /Tx /T (a) /V %s /Kids [20 0 R] >>" % value,
            )
            for value in (b"(12)", b"(13)")
        )
        assert compare(before, after).changed == (1,)

    def test_the_value_and_the_drawing_of_a_field(self) -> None:
        before, after = pdf_with_text_field(b"12"), pdf_with_text_field(b"13")
        assert compare(before, after).changed == (1,)
        only_drawn = after.replace(b"/V (13)", b"/V (12)")
        assert compare(before, only_drawn).changed == (1,)

    def test_an_annotation_that_came(self) -> None:
        note = b"<< /Type /Annot /Subtype /FreeText /Rect [0 0 9 9] /Contents (Non) /P 3 0 R >>"
        assert compare(page_with(b""), page_with(b"/Annots [20 0 R]", o20=note)).changed == (1,)

    def test_content_coded_in_an_unusual_way(self) -> None:
        objects = simple_objects()
        objects[4] = stream(b"30 67 0D>", b"/Filter /ASCIIHexDecode")
        other = objects | {4: stream(b"31 67 0D>", b"/Filter /ASCIIHexDecode")}
        named = objects | {4: stream(b"30 67 0D>", b"/Filter /ASCII85Decode")}
        assert compare(written(objects), written(other)).changed == (1,)
        assert compare(written(objects), written(named)).changed == (1,)

    def test_layers_form_actions_and_attachments(self) -> None:
        hidden = b"/OCProperties << /OCGs [9 0 R] /D << /OFF [9 0 R] >> >>"
        shown = b"/OCProperties << /OCGs [9 0 R] /D << /ON [9 0 R] >> >>"
        group = {9: b"<< /Type /OCG /Name (Calque) >>"}
        changes = compare(with_catalog(hidden, group), with_catalog(shown, group))
        assert (changes.changed, changes.summary) == ((), SHARED)
        opening = with_catalog(b"/OpenAction << /S /JavaScript /JS (1) >>")
        assert compare(simple_pdf(), opening).summary == SHARED


class TestFonts:
    def with_font(self, tag: bytes, program: bytes, text: bytes = b"") -> bytes:
        return page_with(
            b"/Resources << /Font << /F1 20 0 R >> >>",
            b"BT /F1 18 Tf (%s) Tj ET" % text,
            o20=b"<< /Type /Font /Subtype /TrueType /BaseFont /%s+Arial /FontDescriptor 21 0 R >>"
            % tag,
            o21=b"<< /Type /FontDescriptor /FontFile2 22 0 R >>",
            o22=stream(program),
        )

    def test_a_page_whose_fonts_alone_changed_is_told_apart(self) -> None:
        changes = compare(self.with_font(b"ABCDEF", b"1"), self.with_font(b"GHIJKL", b"2"))
        assert (changes.changed, changes.fonts_changed) == ((), (1,))

    def test_a_page_whose_text_changed_too_is_changed(self) -> None:
        before, after = (self.with_font(b"ABCDEF", one, one) for one in (b"1", b"2"))
        changes = compare(before, after)
        assert (changes.changed, changes.fonts_changed) == ((1,), ())

    def test_another_font_is_another_drawing(self) -> None:
        before = self.with_font(b"ABCDEF", b"1")
        changes = compare(before, before.replace(b"+Arial", b"+Tahom"))
        assert (changes.changed, changes.fonts_changed) == ((1,), ())


class TestWhatIsNotDrawn:
    def test_the_numbers_of_the_objects(self) -> None:
        assert compare(book("a", "b"), book("a", "b", shift=40)).summary == NO_CHANGE

    def test_how_the_content_is_compressed_and_cut(self) -> None:
        objects = simple_objects()
        drawing = b"BT /F1 18 Tf 20 100 Td (Bonjour) Tj ET"
        objects[4] = stream(zlib.compress(drawing), b"/Filter /FlateDecode")
        halves = dict(objects)
        halves[3] = halves[3].replace(b"4 0 R", b"[5 0 R 6 0 R]")
        halves[5], halves[6] = stream(b"BT /F1 18 Tf 20 100 Td"), stream(b"(Bonjour) Tj ET")
        joined = objects | {4: stream(drawing.replace(b"Td ", b"Td\n"))}
        assert compare(simple_pdf(), written(objects)).summary == NO_CHANGE
        assert compare(written(joined), written(halves)).summary == NO_CHANGE

    def test_metadata_and_structure(self) -> None:
        before = page_with(b"/StructParents 1 /LastModified (D:2026) /Metadata 20 0 R", o20=b"1")
        assert compare(before, page_with(b"/StructParents 2")).summary == NO_CHANGE

    def test_a_later_revision_that_changes_nothing_seen(self) -> None:
        document = simple_pdf()
        later = appended(document, {3: object_source(document, 3), 30: b"<< /Title (x) >>"})
        assert compare(document, later).summary == NO_CHANGE

    def test_a_signature_that_shows_nothing(self) -> None:
        act = deliberation()
        assert compare(act, signed_pdf(act, shared_tree().good)).summary == NO_CHANGE

    def test_links_between_pages_when_a_page_comes_between(self) -> None:
        link = b"<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /Dest [%d 0 R /Fit] >>"
        before, after = book("a", "b"), book("a", "new", "b")
        linked = [
            appended(
                document,
                {
                    10: b"<< /Type /Page /Parent 2 0 R /Contents 11 0 R /Annots [90 0 R] >>",
                    90: link % last,
                },
            )
            for document, last in ((before, 12), (after, 14))
        ]
        assert numbers(*linked) == ((2,), (), ())


class TestOddFiles:
    def test_threat_17_objects_that_hold_each_other_end(self) -> None:
        entries = b"/Resources << /XObject << /X1 20 0 R >> >>"
        form = b"/Subtype /Form /Resources << /XObject << /X1 %s >> >>"
        before = page_with(entries, o20=stream(b"/X1 Do", form % b"20 0 R"))
        after = page_with(
            entries,
            o20=stream(b"/X1 Do", form % b"21 0 R"),
            o21=stream(b"0 g /X1 Do", form % b"20 0 R"),
        )
        assert compare(before, before).changed == ()
        assert compare(before, after).changed == (1,)

    def test_contents_beyond_the_size_of_a_stream_are_compared_as_they_are_coded(self) -> None:
        objects = simple_objects()
        before, after = (
            written(objects | {4: stream(zlib.compress(end * 9_000), b"/Filter /FlateDecode")})
            for end in (b"a", b"b")
        )
        limits = PdfLimits(max_stream_size=1_000)
        assert compare(before, after, limits=limits).changed == (1,)
        assert compare(before, before, limits=limits).changed == ()

    def test_objects_in_object_streams_are_read(self) -> None:
        members = simple_objects() | {4: b"<< >>"}
        turned = members | {3: members[3].replace(b"/Contents", b"/Rotate 90 /Contents")}
        before, after = pdf_with_object_stream(members), pdf_with_object_stream(turned)
        assert compare(before, after).changed == (1,)

    def test_noise_never_raises_anything_else(self, scaled: Callable[[int, int], int]) -> None:
        chance, source, outcomes = random.Random(5), deliberation(), set()
        for _ in range(scaled(1000, 60)):
            damaged = bytearray(source)
            for _ in range(chance.randint(1, 30)):
                damaged[chance.randrange(5, len(damaged))] = chance.randrange(256)
            try:
                outcomes.add(bool(compare(source, bytes(damaged)).summary))
            except UnsupportedDocument as e:
                outcomes.add(e.code.startswith("pdf_"))
        assert outcomes == {True}
