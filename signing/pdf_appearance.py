"""The appearance of a signature field that is visible (ISO 32000-2 §12.5.5, §12.7.5.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pyhanko.pdf_utils import generic

from signing.pdf_pages import Ref
from signing.stamp_drawing import FONT, drawing
from signing.stamp_placing import Place
from signing.types import Stamp

_PRECISION = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Appearance:
    """What shows a signature: the page, the rectangle there, and the form drawn in it."""

    place: Place
    content: bytes
    size: tuple[float, float]

    @property
    def page(self) -> Ref:
        """The page object."""
        return self.place.page

    def rectangle(self) -> generic.ArrayObject:
        """The /Rect of the field."""
        return _numbers(self.place.rectangle)

    def stream(self) -> generic.StreamObject:
        """The form XObject, its font with it: the standard Helvetica in WinAnsiEncoding."""
        font = _dictionary(
            {
                "/Type": _name("/Font"),
                "/Subtype": _name("/Type1"),
                "/BaseFont": _name("/Helvetica"),
                "/Encoding": _name("/WinAnsiEncoding"),
            }
        )
        entries: dict[str, generic.PdfObject] = {
            "/Type": _name("/XObject"),
            "/Subtype": _name("/Form"),
            "/BBox": _numbers((0, 0, *self.size)),
            "/Matrix": _numbers(self._upright()),
            "/Resources": _dictionary({"/Font": _dictionary({FONT: font})}),
        }
        named = {_name(key): value for key, value in entries.items()}
        return generic.StreamObject(named, stream_data=self.content)

    def _upright(self) -> tuple[float, ...]:
        """The matrix that makes the form stand upright on its page turned clockwise."""
        width, height = self.size
        match self.place.turned:
            case 0:
                return 1, 0, 0, 1, 0, 0
            case 90:
                return 0, 1, -1, 0, height, 0
            case 180:
                return -1, 0, 0, -1, width, height
            case _:
                return 0, -1, 1, 0, 0, width


def appearance_of(stamp: Stamp, place: Place) -> Appearance:
    """The stamp drawn at this place."""
    return Appearance(place, drawing(stamp), (stamp.width, stamp.height))


def _numbers(values: tuple[float, ...]) -> generic.ArrayObject:
    written = (Decimal(value).quantize(_PRECISION).normalize() for value in values)
    return generic.ArrayObject([generic.FloatObject(f"{one:f}") for one in written])  # type: ignore[no-untyped-call]


def _dictionary(entries: Mapping[str, generic.PdfObject]) -> generic.DictionaryObject:
    named = {_name(key): value for key, value in entries.items()}
    return generic.DictionaryObject(named)  # type: ignore[no-untyped-call]


def _name(text: str) -> generic.NameObject:
    return generic.NameObject(text)
