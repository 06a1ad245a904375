"""The content stream of a stamp: all its lines, inside its box."""

from __future__ import annotations

import re

import pytest

from signing.helvetica import ENCODING, width
from signing.stamp_drawing import drawing
from signing.types import Stamp
from tests.builders.stamps import MENTION, NAME, WHEN, a_stamp

_FRAME = re.compile(rb"q [\d. ]+ RG 0.75 w [\d. ]+ re S Q")
_TEXT = re.compile(
    rb"q BT [\d. ]+ rg /F1 ([\d.]+) Tf ([\d.]+) TL\n([\d.]+) ([\d.]+) Td\n(.*)\nET Q", re.DOTALL
)
_LINE = re.compile(rb"<((?:[0-9a-f]{2})+)> Tj T\*")


class Drawn:
    """A drawing read again: every byte of it is one of the operators that are expected."""

    def __init__(self, stamp: Stamp) -> None:
        self.stamp = stamp
        frame, _, rest = drawing(stamp).partition(b"\n")
        assert _FRAME.fullmatch(frame)
        found = _TEXT.fullmatch(rest)
        assert found is not None
        self.size, self.leading, self.left, self.first = (float(one) for one in found.groups()[:4])
        lines = [_LINE.fullmatch(one) for one in found[5].split(b"\n")]
        assert all(lines)
        self.lines = [bytes.fromhex(one[1].decode()).decode(ENCODING) for one in lines if one]

    def is_inside(self) -> bool:
        wide = max(width(one, self.size) for one in self.lines)
        last = self.first - self.leading * (len(self.lines) - 1)
        return (
            self.left + wide <= self.stamp.width
            and self.first + 0.72 * self.size <= self.stamp.height
            and last - 0.21 * self.size >= 0
        )


class TestDrawing:
    def test_shows_each_line_at_full_size_where_it_fits(self) -> None:
        drawn = Drawn(a_stamp("Maire", NAME, WHEN))
        assert (drawn.lines, drawn.size) == (["Maire", NAME, WHEN], 10)
        assert drawn.is_inside()

    def test_a_long_line_is_cut_between_words(self) -> None:
        drawn = Drawn(a_stamp())
        assert drawn.lines == [
            "Pour le Maire et par délégation, l’adjointe",
            "aux œuvres",
            NAME,
            WHEN,
        ]
        assert drawn.is_inside()
        assert " ".join(drawn.lines[:2]) == MENTION

    @pytest.mark.parametrize("count", [40, 120, 255])
    def test_what_is_too_long_is_made_smaller_and_nothing_is_cut(self, count: int) -> None:
        words = " ".join(f"mot{number}" for number in range(count))
        drawn = Drawn(a_stamp(words, NAME))
        assert " ".join(drawn.lines) == f"{words} {NAME}"
        assert drawn.size < 10
        assert drawn.is_inside()

    def test_a_word_wider_than_the_box_is_cut_inside(self) -> None:
        drawn = Drawn(a_stamp("M" * 120))
        assert "".join(drawn.lines) == "M" * 120
        assert drawn.is_inside()

    def test_unbreakable_spaces_hold(self) -> None:
        drawn = Drawn(a_stamp("Pour le Maire et par délégation, l’adjoint n°\u00a012"))
        assert drawn.lines[-1].endswith("n°\u00a012")

    def test_an_empty_line_leaves_no_gap(self) -> None:
        assert Drawn(a_stamp("", NAME, "\u200b \n")).lines == [NAME]

    @pytest.mark.parametrize(("wide", "high"), [(20, 70), (200, 4), (3, 3)])
    def test_a_small_box_holds_all_the_same(self, wide: float, high: float) -> None:
        stamp = Stamp((MENTION, NAME), -1, 0, 0, wide, high)
        assert Drawn(stamp).is_inside()

    @pytest.mark.parametrize(
        "name",
        [
            pytest.param(") Tj ET Q 1 0 0 rg 0 0 900 900 re f (", id="closes-the-string"),
            pytest.param("\\) Tj\\", id="backslashes"),
            pytest.param("> Tj ET /X Do <", id="closes-the-hexadecimal"),
            pytest.param("\rendstream\nendobj\n1 0 obj", id="ends-the-stream"),
            pytest.param("/ByteRange [0 1 2 3]", id="byte-range"),
            pytest.param("\u202eEXEMPLE\u202c\u2066 Camille", id="right-to-left"),
            pytest.param("\x00\x1b\x08\x7f\x9b31m", id="control-characters"),
            pytest.param("\ud800\udfff\ufffe", id="not-characters"),
            pytest.param("X" * 4_000, id="very-long"),
            pytest.param("é\u0301" * 300, id="many-accents"),
        ],
    )
    def test_threat_57_a_name_draws_nothing_but_itself_and_stays_in_the_box(
        self, name: str
    ) -> None:
        drawn = Drawn(a_stamp(MENTION, name, WHEN))
        assert drawn.is_inside()
        assert drawn.lines[-1] == WHEN
