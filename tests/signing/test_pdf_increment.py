"""What is written again around a signature field is what was read, and is read again at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from subprocess import run

import pytest

from signing import pades
from signing.errors import UnsupportedDocument
from signing.pdf_appearance import appearance_of
from signing.pdf_increment import AddedField, check_increment
from signing.pdf_reading import open_pdf
from signing.report import LaterChanges, Verdict
from signing.stamp_placing import find_place
from signing.types import Prepared
from signing.verification import verify
from tests.builders.pdf import pdf_with_object_stream, simple_objects, simple_pdf, written
from tests.builders.signed_pdf import parameters, signed_pdf
from tests.builders.stamps import a_stamp, stamped
from tests.pki.tree import PkiTree, shared_tree

CATALOG, PAGE, OTHER = 1, 3, 9
NUMBERS = [
    pytest.param(b"0.0000001", id="seven-decimals"),
    pytest.param(b"-0.0000000012", id="negative"),
    pytest.param(b"0.0000000000", id="zero"),
    pytest.param(b"1" + b"0" * 36 + b".0", id="very-large"),
    pytest.param(b"612.0", id="whole"),
]


@pytest.fixture(scope="module")
def tree() -> PkiTree:
    return shared_tree()


def with_more(number: int, more: bytes) -> bytes:
    """The simple file, one of its objects saying more."""
    objects = simple_objects()
    return written(objects | {number: objects[number][:-2] + more + b" >>"})


def on_the_page(value: bytes) -> bytes:
    return with_more(PAGE, b"/UserUnit " + value)


def in_a_box(value: bytes) -> bytes:
    objects = simple_objects()
    page = objects[PAGE].replace(b"[0 0 200 200]", b"[%s 0 200 200]" % value)
    return written(objects | {PAGE: page})


def in_an_annotation(value: bytes) -> bytes:
    annotation = b"<< /Type /Annot /Subtype /Square /Rect [0 %s 5 5] >>" % value
    return with_more(PAGE, b"/Annots [%s]" % annotation)


def in_the_annotations_apart(value: bytes) -> bytes:
    objects = simple_objects()
    page = objects[PAGE][:-2] + b"/Annots 9 0 R >>"
    return written(
        objects | {PAGE: page, OTHER: b"[<< /Subtype /Square /Rect [0 0 %s 5] >>]" % value}
    )


def in_the_catalogue(value: bytes) -> bytes:
    return with_more(CATALOG, b"/OpenAction [3 0 R /XYZ 0 0 %s]" % value)


def in_the_form(value: bytes) -> bytes:
    return with_more(CATALOG, b"/AcroForm << /Fields [] /Q %s >>" % value)


def in_the_form_apart(value: bytes) -> bytes:
    objects = simple_objects()
    catalogue = objects[CATALOG][:-2] + b"/AcroForm 9 0 R >>"
    return written(objects | {CATALOG: catalogue, OTHER: b"<< /Fields [] /Q %s >>" % value})


def in_an_object_stream(value: bytes) -> bytes:
    objects = simple_objects()
    page = objects[PAGE][:-2] + b"/UserUnit %s >>" % value
    return pdf_with_object_stream(objects | {PAGE: page, 4: b"<< >>"})


PLACES = [
    on_the_page,
    in_a_box,
    in_an_annotation,
    in_the_annotations_apart,
    in_the_catalogue,
    in_the_form,
    in_the_form_apart,
    in_an_object_stream,
]


def prepared_from(document: bytes, tree: PkiTree) -> Prepared:
    return pades.prepare(document, parameters(tree.good))


def increment_of(document: bytes, tree: PkiTree) -> bytes:
    return prepared_from(document, tree).document[len(document) :]


def refusal_of(document: bytes, tree: PkiTree) -> str:
    with pytest.raises(UnsupportedDocument) as refusal:
        prepared_from(document, tree)
    return refusal.value.code


class TestWhatIsWrittenAgain:
    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize("number", NUMBERS)
    def test_a_number_keeps_its_digits(
        self, tree: PkiTree, place: Callable[[bytes], bytes], number: bytes
    ) -> None:
        assert re.search(rb"[\s\[]%s\s" % re.escape(number), increment_of(place(number), tree))

    @pytest.mark.parametrize("place", PLACES)
    def test_the_signed_file_is_valid_whatever_the_number(
        self, tree: PkiTree, place: Callable[[bytes], bytes]
    ) -> None:
        signed = signed_pdf(place(b"0.0000001"), tree.good, chain=tree.chain)
        again = signed_pdf(signed, tree.p256, chain=tree.chain)
        assert verify(again, trust=tree.trust, now=tree.now).verdict is Verdict.VALID

    def test_poppler_draws_the_same_page(
        self, tree: PkiTree, tmp_path: Path, require_tool: Callable[[str], str]
    ) -> None:
        document = in_a_box(b"0.0000001")
        for name, content in (("before", document), ("after", signed_pdf(document, tree.good))):
            (tmp_path / f"{name}.pdf").write_bytes(content)
            drawing = (str(tmp_path / f"{name}.pdf"), str(tmp_path / name))
            run((require_tool("pdftoppm"), "-singlefile", *drawing), check=True, timeout=60)
        before, after = (tmp_path / f"{name}.ppm" for name in ("before", "after"))
        assert after.read_bytes() == before.read_bytes()

    def test_pdfsig_says_valid(
        self, tree: PkiTree, tmp_path: Path, require_tool: Callable[[str], str]
    ) -> None:
        path = tmp_path / "acte.pdf"
        path.write_bytes(signed_pdf(in_the_catalogue(b"0.0000001"), tree.good, chain=tree.chain))
        command = (require_tool("pdfsig"), "-nocert", str(path))
        done = run(command, capture_output=True, text=True, check=True, timeout=60)
        assert "Signature is Valid" in done.stdout

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param(b"/A#09B", id="name-with-a-tab"),
            pytest.param(b"/#C3#A9", id="name-in-utf-8"),
            pytest.param(rb"(\376\377\000A)", id="utf-16"),
            pytest.param(rb"(\357\273\277A)", id="utf-8"),
            pytest.param(b"<80ff7f>", id="bytes"),
        ],
    )
    def test_names_and_strings_keep_their_bytes(self, tree: PkiTree, value: bytes) -> None:
        assert value in increment_of(on_the_page(value), tree)

    @pytest.mark.parametrize(
        "form",
        [
            pytest.param(b"null", id="null"),
            pytest.param(b"<< >>", id="empty"),
            pytest.param(b"<< /Fields null >>", id="null-fields"),
            pytest.param(b"<< /NeedAppearances true /SigFlags 1 >>", id="appearances-asked-for"),
        ],
    )
    def test_whatever_the_form_was_the_field_is_in_it(self, tree: PkiTree, form: bytes) -> None:
        signed = signed_pdf(with_more(CATALOG, b"/AcroForm " + form), tree.good, chain=tree.chain)
        assert verify(signed, trust=tree.trust, now=tree.now).verdict is Verdict.VALID

    def test_the_trailer_keeps_its_numbers(self, tree: PkiTree) -> None:
        document = written(simple_objects(), trailer=b"/Own 0.0000001")
        assert b"/Own 0.0000001\n" in increment_of(document, tree)


class TestRefusals:
    """What cannot be written again as it was is refused before anybody signs."""

    def test_a_name_that_is_no_utf_8(self, tree: PkiTree) -> None:
        assert refusal_of(on_the_page(b"/Caf#E9"), tree) == "pdf_not_preserved"

    def test_a_name_that_is_no_utf_8_in_an_object_stream(self, tree: PkiTree) -> None:
        assert refusal_of(in_an_object_stream(b"/Caf#E9"), tree) == "pdf_not_preserved"

    def test_one_list_that_serves_as_fields_and_as_annotations(self, tree: PkiTree) -> None:
        objects = simple_objects()
        objects[CATALOG] = objects[CATALOG][:-2] + b"/AcroForm << /Fields 9 0 R >> >>"
        objects[PAGE] = objects[PAGE][:-2] + b"/Annots 9 0 R >>"
        assert refusal_of(written(objects | {OTHER: b"[]"}), tree) == "pdf_not_preserved"


class TestProof:
    """The check itself, on prepared files altered byte for byte."""

    @pytest.mark.parametrize(
        ("was", "becomes"),
        [
            pytest.param(b"200 200 ]", b"200 300 ]", id="box"),
            pytest.param(b"200 200 ]", b"200 2E2 ]", id="exponent"),
            pytest.param(b"/Contents 4 0 R", b"/Contents 5 0 R", id="content"),
            pytest.param(b"/F1", b"/F2", id="font"),
            pytest.param(b"/Resources", b"/Resourced", id="key"),
            pytest.param(b"/Pages 2 0 R", b"/Pages 3 0 R", id="pages"),
            pytest.param(b"/Annots [ 7 0 R ]", b"/Annots [ 6 0 R ]", id="annotation"),
            pytest.param(b"/Fields [ 7 0 R ]", b"/Fields [ 8 0 R ]", id="fields"),
            pytest.param(b"/FT /Sig", b"/FT /Btn", id="kind-of-field"),
            pytest.param(b"(Signature1)", b"(Signature2)", id="name-of-field"),
            pytest.param(b"/Rect [ 0 0 0 0 ]", b"/Rect [ 0 0 9 9 ]", id="rectangle"),
            pytest.param(b"/V 8 0 R", b"/V 6 0 R", id="value"),
            pytest.param(b"/Type /Sig\n", b"/Type /Sin\n", id="dictionary"),
            pytest.param(b"/Root 1 0 R", b"/Root 2 0 R", id="root"),
            pytest.param(b"/Contents <00", b"/Contents <01", id="place-of-the-signature"),
        ],
    )
    def test_another_change_is_refused(self, tree: PkiTree, was: bytes, becomes: bytes) -> None:
        source = simple_pdf()
        prepared = prepared_from(source, tree)
        added = prepared.document[len(source) :]
        assert was in added
        with pytest.raises(UnsupportedDocument) as refusal:
            self.check(prepared, source, source + added.replace(was, becomes))
        assert refusal.value.code == "pdf_not_preserved"

    def test_other_deposited_bytes_are_refused(self, tree: PkiTree) -> None:
        prepared = prepared_from(simple_pdf(), tree)
        with pytest.raises(UnsupportedDocument):
            self.check(prepared, simple_pdf(b"Bonsoir"), prepared.document)

    def check(self, prepared: Prepared, document: bytes, altered: bytes) -> None:
        start, end = (prepared.resume[f"reserved_region_{one}"] for one in ("start", "end"))
        assert isinstance(start, int)
        assert isinstance(end, int)
        check_increment(document, altered, AddedField("Signature1"), slice(start, end))


class TestProofOfStamp:
    """The same, of a field that is visible: on its page, in its place, with its drawing."""

    @pytest.mark.parametrize(
        ("was", "becomes"),
        [
            pytest.param(b"/Rect [ 0 20 200 90 ]", b"/Rect [ 0 20 200 99 ]", id="rectangle"),
            pytest.param(b"/Rect [ 0 20 200 90 ]", b"/Rect [ 0 0  0   0  ]", id="no-rectangle"),
            pytest.param(b"/P 3 0 R", b"/P 2 0 R", id="page"),
            pytest.param(b"/F 132", b"/F 134", id="hidden"),
            pytest.param(b"/Subtype /Widget", b"/Subtype /Square", id="kind-of-annotation"),
            pytest.param(b"/AP", b"/AQ", id="no-appearance"),
            pytest.param(b"/N 8 0 R", b"/N 4 0 R", id="another-drawing"),
            pytest.param(b"/N 8 0 R", b"/D 8 0 R", id="another-state"),
            pytest.param(b"/AP <<\n/N 8 0 R\n>>", b"/AP<</N 8 0 R/D/>>", id="one-state-more"),
            pytest.param(
                b"/Type /Annot\n/Subtype /Widget\n/F 132",
                b"/Type/Annot/Subtype/Widget/A 8/F 132",
                id="one-entry-more",
            ),
            pytest.param(b"/BBox [ 0 0 200 70 ]", b"/BBox [ 0 0 200 77 ]", id="bounding-box"),
            pytest.param(b"/Matrix [ 1 0 0 1 0 0 ]", b"/Matrix [ 1 0 0 1 9 0 ]", id="matrix"),
            pytest.param(b"/BaseFont /Helvetica", b"/BaseFont /Helvetics", id="font"),
            pytest.param(b"/WinAnsiEncoding", b"/MacRomanEncodin", id="encoding"),
            pytest.param(b"/Font <<", b"/Fons <<", id="resources"),
            pytest.param(b"ET Q", b"BT Q", id="drawing"),
            pytest.param(b"Tj T*", b"Tj ET", id="line"),
            pytest.param(b"/Type /XObject", b"/Type /XRef   ", id="another-stream"),
            pytest.param(b"/Annots [ 7 0 R ]", b"/Annots [ 7 1 R ]", id="another-annotation"),
            pytest.param(b"/Annots [ 7 0 R ]", b"/Annots [       ]", id="not-on-the-page"),
            pytest.param(b"/V 9 0 R", b"/V 8 0 R", id="value"),
        ],
    )
    def test_another_change_is_refused(self, tree: PkiTree, was: bytes, becomes: bytes) -> None:
        source = simple_pdf()
        added = self.increment(source, tree)
        assert was in added
        with pytest.raises(UnsupportedDocument) as refusal:
            self.check(source, added.replace(was, becomes), tree)
        assert refusal.value.code == "pdf_not_preserved"

    def test_what_was_prepared_is_accepted(self, tree: PkiTree) -> None:
        self.check(simple_pdf(), self.increment(simple_pdf(), tree), tree)

    def test_a_field_that_shows_when_none_was_asked_is_refused(self, tree: PkiTree) -> None:
        source = simple_pdf()
        added = self.increment(source, tree)
        with pytest.raises(UnsupportedDocument):
            self.check(source, added, tree, added_field=AddedField("Signature1"))

    def test_a_list_of_annotations_apart_takes_it(self, tree: PkiTree) -> None:
        signed = stamped(in_the_annotations_apart(b"0.0000001"), tree.good, a_stamp())
        (signature,) = verify(signed, trust=tree.trust, now=tree.now).signatures
        assert signature.later_changes is LaterChanges.NONE

    def test_one_list_of_annotations_for_two_pages_is_refused(self, tree: PkiTree) -> None:
        objects = simple_objects()
        objects[2] = b"<< /Type /Pages /Count 2 /Kids [3 0 R 6 0 R] >>"
        objects[PAGE] = objects[PAGE][:-2] + b"/Annots 9 0 R >>"
        shared = written(objects | {6: objects[PAGE], OTHER: b"[]"})
        with pytest.raises(UnsupportedDocument) as refusal:
            pades.prepare(shared, parameters(tree.good), a_stamp())
        assert refusal.value.code == "pdf_not_preserved"

    def increment(self, source: bytes, tree: PkiTree) -> bytes:
        prepared = pades.prepare(source, parameters(tree.good), a_stamp())
        return prepared.document[len(source) :]

    def check(
        self, source: bytes, added: bytes, tree: PkiTree, *, added_field: AddedField | None = None
    ) -> None:
        stamp = a_stamp()
        place = find_place(open_pdf(source), stamp)
        assert place is not None
        altered = source + added
        start = altered.index(b"/Contents <") + len(b"/Contents ")
        gap = slice(start, altered.index(b">", start) + 1)
        expected = added_field or AddedField("Signature1", appearance_of(stamp, place))
        check_increment(source, altered, expected, gap)
