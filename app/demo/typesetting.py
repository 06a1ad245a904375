"""Places text and rules on a page with the fonts that every PDF reader has."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from signing.helvetica import ASCII_WIDTHS, ENCODING

ROMAN, BOLD, ITALIC = "F1", "F2", "F3"
BASE_FONTS = {ROMAN: "Helvetica", BOLD: "Helvetica-Bold", ITALIC: "Helvetica-Oblique"}

# Widths in thousandths of the characters 32 to 126: the published metrics of Helvetica-Bold (the
# oblique face has those of the upright one).
_BOLD = (
    *(278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611),
    *(975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556),
    *(333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611),
    *(611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584),
)
_OTHER_WIDTH = 556  # digits, euro sign, en dash


@dataclass(frozen=True, slots=True)
class Colour:
    """RGB, each from 0 to 1."""

    red: float
    green: float
    blue: float

    def operands(self) -> str:
        return f"{self.red:g} {self.green:g} {self.blue:g}"


class Page:
    """The content stream of one page, written from operators (ISO 32000-2 §8, §9)."""

    def __init__(self) -> None:
        self.content = b""

    def text(self, font: str, size: float, x: float, y: float, text: str, colour: Colour) -> None:
        """One line of text whose baseline starts at (x, y)."""
        place = f"BT {colour.operands()} rg /{font} {size:g} Tf {x:.2f} {y:.2f} Td ("
        self.content += place.encode("ascii") + _escaped(text) + b") Tj ET\n"

    def line(
        self, x1: float, y1: float, x2: float, y2: float, colour: Colour, *, width: float
    ) -> None:
        """A straight rule."""
        self._draw(f"{colour.operands()} RG {width:g} w {x1:g} {y1:g} m {x2:g} {y2:g} l S")

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """A filled rectangle."""
        self._draw(f"{colour.operands()} rg {x:g} {y:g} {width:g} {height:g} re f")

    def picture(self, x: float, y: float, width: float, height: float) -> None:
        """The picture of the document, stretched to this rectangle."""
        self._draw(f"q {width:g} 0 0 {height:g} {x:g} {y:g} cm /Im1 Do Q")

    def _draw(self, operators: str) -> None:
        self.content += operators.encode("ascii") + b"\n"


def text_width(text: str, font: str, size: float) -> float:
    """The length of a line in points."""
    widths = _BOLD if font == BOLD else ASCII_WIDTHS
    return sum(_character_width(character, widths) for character in text) * size / 1000


def wrapped(text: str, font: str, size: float, available: float) -> Iterator[str]:
    """The text cut into lines no longer than `available` points; French spaces stay unbroken."""
    line = ""
    for word in _with_french_spaces(text).split(" "):
        longer = f"{line} {word}" if line else word
        if line and text_width(longer, font, size) > available:
            yield line
            line = word
        else:
            line = longer
    yield line


def _with_french_spaces(text: str) -> str:
    unbroken = text
    for mark in (";", ":", "!", "?", "»", "€", "–"):
        unbroken = unbroken.replace(f" {mark}", f"\u00a0{mark}")
    return unbroken.replace("« ", "«\u00a0").replace("n° ", "n°\u00a0")


def _character_width(character: str, widths: tuple[int, ...]) -> int:
    base = unicodedata.normalize("NFKD", character)[0]
    code = ord(base) - 32
    return widths[code] if 0 <= code < len(widths) else _OTHER_WIDTH


def _escaped(text: str) -> bytes:
    raw = text.encode(ENCODING)
    return raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
