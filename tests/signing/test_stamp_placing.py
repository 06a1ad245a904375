"""Where a stamp goes: as asked on the page that a person sees, inside it, beside earlier ones."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.pdf_reading import open_pdf
from signing.stamp_placing import find_place
from signing.types import Stamp
from tests.builders.library_pdf import approved
from tests.builders.pdf import simple_objects, stream, written
from tests.builders.pdf_pages import book
from tests.builders.stamps import a_stamp, stamped, widgets, words_seen
from tests.pki.tree import PkiTree, shared_tree

ANGLES = (0, 90, 180, 270, -90, 450)
A4 = b"/MediaBox [0 0 595 842]"


@pytest.fixture(scope="module")
def tree() -> PkiTree:
    return shared_tree()


def sheet(entries: bytes = A4, *, inherited: bytes = b"") -> bytes:
    """A page with these entries, and these ones inherited."""
    objects = simple_objects()
    objects[2] = objects[2][:-2] + inherited + b" >>"
    objects[3] = b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R %s >>" % entries
    return written(objects | {4: stream(b"")})


def rectangle(document: bytes, stamp: Stamp) -> tuple[float, ...]:
    place = find_place(open_pdf(document), stamp)
    assert place is not None
    return tuple(round(side, 3) for side in place.rectangle)


def page_chosen(document: bytes, page: int) -> int:
    """The rank from 1 of the page that takes the stamp, in a document made by `book`."""
    place = find_place(open_pdf(document), Stamp(("Maire",), page, 0, 0, 50, 20))
    assert place is not None
    return (place.page[0] - 10) // 2 + 1


class TestPage:
    @pytest.mark.parametrize(
        ("asked", "chosen"),
        [(1, 1), (2, 2), (3, 3), (4, 3), (99, 3), (-1, 3), (-2, 2), (-3, 1), (-4, 3)],
    )
    def test_is_the_one_asked_else_the_last_one(self, asked: int, chosen: int) -> None:
        assert page_chosen(book("Un", "Deux", "Trois"), asked) == chosen

    def test_is_counted_and_not_believed(self) -> None:
        document = book("Un", "Deux", "Trois").replace(b"/Count 3", b"/Count 1")
        assert page_chosen(document, -1) == 3


class TestDisplayedPage:
    """A stamp asked at (10, 20) as a person sees the page."""

    @pytest.mark.parametrize(
        ("angle", "expected"),
        [
            (0, (10, 20, 210, 90)),
            (90, (505, 10, 575, 210)),
            (180, (385, 752, 585, 822)),
            (270, (20, 632, 90, 832)),
            (-90, (20, 632, 90, 832)),
            (450, (505, 10, 575, 210)),
            (45, (10, 20, 210, 90)),
        ],
    )
    def test_is_turned_with_the_page(self, angle: int, expected: tuple[float, ...]) -> None:
        assert rectangle(sheet(A4 + b" /Rotate %d" % angle), a_stamp()) == expected

    @pytest.mark.parametrize(
        ("entries", "expected"),
        [
            pytest.param(b"/MediaBox [100 50 695 892]", (110, 70, 310, 140), id="offset"),
            pytest.param(b"/MediaBox [695 892 100 50]", (110, 70, 310, 140), id="corners"),
            pytest.param(A4 + b" /CropBox [30 40 500 800]", (40, 60, 240, 130), id="crop"),
            pytest.param(A4 + b" /CropBox [-9 -9 900 900]", (10, 20, 210, 90), id="wide-crop"),
            pytest.param(A4 + b" /CropBox [900 900 950 950]", (10, 20, 210, 90), id="crop-apart"),
            pytest.param(A4 + b" /CropBox [1 2]", (10, 20, 210, 90), id="broken-crop"),
            pytest.param(
                A4 + b" /Rotate 90 /CropBox [30 40 500 800]", (410, 50, 480, 250), id="turned-crop"
            ),
            pytest.param(A4 + b" /UserUnit 2", (5, 10, 105, 45), id="larger-unit"),
            pytest.param(b"", (10, 20, 210, 90), id="no-box"),
        ],
    )
    def test_is_what_its_boxes_show(self, entries: bytes, expected: tuple[float, ...]) -> None:
        assert rectangle(sheet(entries), a_stamp()) == expected

    def test_has_the_boxes_and_the_rotation_that_it_inherits(self) -> None:
        document = sheet(b"", inherited=A4 + b" /Rotate 180")
        assert rectangle(document, a_stamp()) == (385, 752, 585, 822)

    @pytest.mark.parametrize(
        ("x", "y", "expected"),
        [
            (500, 20, (395, 20, 595, 90)),
            (10, 800, (10, 772, 210, 842)),
            (9_999, 9_999, (395, 772, 595, 842)),
            (-50, -50, (0, 0, 200, 70)),
        ],
    )
    def test_keeps_the_stamp_inside(self, x: float, y: float, expected: tuple[float, ...]) -> None:
        assert rectangle(sheet(), a_stamp(x=x, y=y)) == expected

    def test_smaller_than_the_stamp_makes_it_smaller(self) -> None:
        assert rectangle(sheet(b"/MediaBox [0 0 100 100]"), a_stamp()) == (0, 20, 100, 55)

    @pytest.mark.parametrize("box", [b"[0 0 1000000000 9]", b"[0 0 0.5 0.5]"])
    def test_of_a_size_that_nobody_sees_takes_none(self, box: bytes) -> None:
        assert find_place(open_pdf(sheet(b"/MediaBox " + box)), a_stamp()) is None


class TestJudge:
    """poppler sees the words where they were asked, upright, on any page."""

    @pytest.mark.parametrize("angle", ANGLES)
    @pytest.mark.parametrize("boxes", [A4, A4 + b" /CropBox [30 40 500 800]"])
    def test_the_words_are_upright_and_in_place(
        self,
        tree: PkiTree,
        tmp_path: Path,
        require_tool: Callable[[str], str],
        angle: int,
        boxes: bytes,
    ) -> None:
        document = stamped(sheet(boxes + b" /Rotate %d" % angle), tree.good, a_stamp())
        words = words_seen(document, tmp_path, require_tool("pdftotext"))
        height = {True: 842.0, False: 595.0}[angle % 180 == 0]
        if b"CropBox" in boxes:
            height = {True: 760.0, False: 470.0}[angle % 180 == 0]
        assert [word for word, _ in words][:4] == ["Pour", "le", "Maire", "et"]
        lefts, tops = [box[0] for _, box in words], [box[1] for _, box in words]
        rights, bottoms = [box[2] for _, box in words], [box[3] for _, box in words]
        assert min(lefts) >= 10
        assert max(rights) <= 210
        assert min(tops) >= height - 90
        assert max(bottoms) <= height - 20
        assert tops == sorted(tops)


class TestSeveral:
    def rectangles(self, document: bytes) -> list[list[float]]:
        reader = PdfFileReader(BytesIO(document))
        return [[float(side) for side in field["/Rect"]] for field in widgets(reader)]

    def signed(self, tree: PkiTree, document: bytes, *stamps: Stamp) -> list[list[float]]:
        for stamp in stamps:
            document = stamped(document, tree.good, stamp)
        return self.rectangles(document)

    def test_the_following_ones_go_beside_then_above(self, tree: PkiTree) -> None:
        assert self.signed(tree, sheet(), a_stamp(), a_stamp(), a_stamp()) == [
            [10, 20, 210, 90],
            [214, 20, 414, 90],
            [10, 94, 210, 164],
        ]

    @pytest.mark.parametrize("angle", ANGLES[:4])
    def test_none_covers_another_on_a_page_that_is_turned(self, tree: PkiTree, angle: int) -> None:
        document = sheet(A4 + b" /Rotate %d" % angle)
        found = self.signed(tree, document, *(a_stamp(x=one, y=60) for one in (10, 90, 30, 300)))
        for rank, (left, bottom, right, top) in enumerate(found):
            for other in found[:rank]:
                assert (
                    right <= other[0] or other[2] <= left or top <= other[1] or other[3] <= bottom
                )

    def test_the_same_stamps_always_go_to_the_same_places(self, tree: PkiTree) -> None:
        stamps = [a_stamp(x=300, y=800), a_stamp(x=300, y=780)]
        assert self.signed(tree, sheet(), *stamps) == self.signed(tree, sheet(), *stamps)

    def test_a_visible_signature_of_another_program_is_not_covered(self, tree: PkiTree) -> None:
        document = approved(sheet(), tree, box=(0, 0, 120, 60))
        assert rectangle(document, a_stamp()) == (214, 20, 414, 90)

    def test_an_invisible_one_takes_no_room(self, tree: PkiTree) -> None:
        assert rectangle(approved(sheet(), tree), a_stamp()) == (10, 20, 210, 90)

    def test_a_page_that_is_full_leaves_the_stamp_to_another(self, tree: PkiTree) -> None:
        document = approved(book("Un", "Deux"), tree, box=(0, 0, 200, 200))
        assert page_chosen(document, 1) == 2

    def test_where_every_page_is_full_there_is_no_place(self, tree: PkiTree) -> None:
        document = approved(book("Un"), tree, box=(0, 0, 200, 200))
        assert find_place(open_pdf(document), a_stamp()) is None
