"""Finds the place of a stamp on a page as it is displayed: inside it, beside earlier ones.

Points as displayed are counted from the lower left corner that a person sees, once the page is
cropped and turned (ISO 32000-2 §7.7.3.3, §14.11.2); user space is what the file counts in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, TypeAlias

from pyhanko.pdf_utils import generic

from signing.pdf_pages import Ref, key_of, page_tree
from signing.pdf_reading import DEFAULT_LIMITS, BoundedReader, entry, resolved
from signing.types import Stamp

Box: TypeAlias = tuple[float, float, float, float]
"""Left, bottom, right, top."""

_LETTER: Box = (0, 0, 612, 792)  # of a page that does not say its size, as readers take it
_SMALLEST, _LARGEST = 1.0, 14_400.0  # sides of a page (ISO 32000-1 annex C)
_GAP = 4.0
_MAX_STEPS = 24
_MAX_PAGES_TRIED = 8
_MAX_TAKEN = 200
_FIELD_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stamp goes: the page object, the rectangle in its user space, and how many degrees
    clockwise the page is turned when it is displayed."""

    page: Ref
    rectangle: Box
    turned: int


def find_place(reader: BoundedReader, stamp: Stamp) -> Place | None:
    """The place nearest to the one asked that no visible signature covers: on the page asked (the
    last one where the document does not have it), else on another one, from the end.

    None where there is no such place. Raises UnsupportedDocument as `page_tree`; parsing errors
    of HOSTILE_PDF pass through."""
    wanted = _page(reader, stamp.page)
    others = (one for one in _pages(reader, backwards=True) if one[0] != wanted[0])
    for key, page in chain((wanted,), islice(others, _MAX_PAGES_TRIED)):
        sheet = _sheet(page)
        spot = _free_spot(stamp, sheet, _taken(page, sheet)) if sheet else None
        if sheet and spot:
            return Place(key, sheet.in_user_space(spot), sheet.turned)
    return None


def pages_listing(reader: BoundedReader, annotation: Ref) -> list[Ref]:
    """The pages that show an annotation. Raises as `find_place`."""
    return [key for key, page in _pages(reader) if is_listed(annotation, page.get("/Annots"))]


def is_listed(annotation: Ref, annotations: Any) -> bool:
    """Whether an annotation is in the /Annots of a page."""
    return any(
        isinstance(item, generic.IndirectObject) and key_of(item) == annotation
        for item in _items(annotations)
    )


def _pages(
    reader: BoundedReader, *, backwards: bool = False
) -> Iterator[tuple[Ref, Mapping[str, Any]]]:
    for key, page in page_tree(reader, DEFAULT_LIMITS, backwards=backwards):
        if page is not None:
            yield key, page


def _page(reader: BoundedReader, number: int) -> tuple[Ref, Mapping[str, Any]]:
    """Only as many pages are read as it takes to count."""
    counted = enumerate(_pages(reader, backwards=number < 0), start=1)
    found = (one for rank, one in counted if rank == abs(number))
    return next(found, None) or next(_pages(reader, backwards=True))


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A page as it is displayed: what is seen of it in user space, how many degrees it is turned
    clockwise, and the points that one unit of user space makes."""

    seen: Box
    turned: int
    unit: float

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points."""
        left, bottom, right, top = self.seen
        wide, high = (right - left) * self.unit, (top - bottom) * self.unit
        return (wide, high) if self.turned in {0, 180} else (high, wide)

    def in_user_space(self, box: Box) -> Box:
        """Where the file has a box that is displayed there."""
        x1, y1, x2, y2 = (one / self.unit for one in box)
        left, bottom, right, top = self.seen
        match self.turned:
            case 0:
                return left + x1, bottom + y1, left + x2, bottom + y2
            case 90:
                return right - y2, bottom + x1, right - y1, bottom + x2
            case 180:
                return right - x2, top - y2, right - x1, top - y1
            case _:
                return left + y1, top - x2, left + y2, top - x1

    def as_displayed(self, box: Box) -> Box:
        """Where a box that the file has there is displayed."""
        x1, y1, x2, y2 = box
        left, bottom, right, top = self.seen
        match self.turned:
            case 0:
                there = x1 - left, y1 - bottom, x2 - left, y2 - bottom
            case 90:
                there = y1 - bottom, right - x2, y2 - bottom, right - x1
            case 180:
                there = right - x2, top - y2, right - x1, top - y1
            case _:
                there = top - y2, x1 - left, top - y1, x2 - left
        x1, y1, x2, y2 = there
        return x1 * self.unit, y1 * self.unit, x2 * self.unit, y2 * self.unit


def _sheet(page: Mapping[str, Any]) -> _Sheet | None:
    """None for a page of a size that no reader displays."""
    whole = _box(page.get("/MediaBox")) or _LETTER
    crop = _box(page.get("/CropBox")) or whole
    seen = _common(whole, crop) or whole
    turned, unit = _number(page.get("/Rotate"), 0), _number(page.get("/UserUnit"), 1)
    sheet = _Sheet(seen, int(turned) % 360 if turned % 90 == 0 else 0, unit if unit > 0 else 1)
    is_displayed = all(_SMALLEST <= side <= _LARGEST * sheet.unit for side in sheet.size)
    return sheet if is_displayed else None


def _box(value: Any) -> Box | None:
    """A rectangle by any two opposite corners (ISO 32000-2 §7.9.5); None for what is none."""
    array = resolved(value)
    if not isinstance(array, generic.ArrayObject) or len(array) != 4:
        return None
    x1, y1, x2, y2 = (_number(array.raw_get(index), 0) for index in range(4))
    box = min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
    return box if box[0] < box[2] and box[1] < box[3] else None


def _common(one: Box, other: Box) -> Box | None:
    left, bottom = max(one[0], other[0]), max(one[1], other[1])
    right, top = min(one[2], other[2]), min(one[3], other[3])
    return (left, bottom, right, top) if left < right and bottom < top else None


def _number(value: Any, otherwise: float) -> float:
    held = resolved(value)
    is_number = isinstance(held, generic.NumberObject | generic.FloatObject)
    return float(held) if is_number else otherwise


def _items(value: Any) -> Iterator[Any]:
    array = resolved(value)
    if isinstance(array, generic.ArrayObject):
        for index in range(len(array)):
            yield array.raw_get(index)


def _taken(page: Mapping[str, Any], sheet: _Sheet) -> list[Box]:
    """The visible signature fields of a page, filled or not, as displayed."""
    annotations = map(resolved, _items(page.get("/Annots")))
    boxes = (_box(entry(one, "/Rect")) for one in annotations if _is_signature_widget(one))
    return [sheet.as_displayed(one) for one in islice(filter(None, boxes), _MAX_TAKEN)]


def _is_signature_widget(annotation: Any) -> bool:
    node = annotation
    for _ in range(_FIELD_DEPTH):
        kind = entry(node, "/FT")
        if kind is not None:
            return bool(kind == "/Sig")
        node = entry(node, "/Parent")
    return False


def _free_spot(stamp: Stamp, sheet: _Sheet, taken: Sequence[Box]) -> Box | None:
    """The first spot that is free: the one asked, those beside it, then the rows above and below;
    the box is pulled inside the page, and made smaller where it is larger."""
    page_width, page_height = sheet.size
    shrunk = min(1.0, page_width / stamp.width, page_height / stamp.height)
    width, height = stamp.width * shrunk, stamp.height * shrunk
    x = min(max(stamp.x, 0.0), page_width - width)
    y = min(max(stamp.y, 0.0), page_height - height)
    lefts = list(_steps(x, width + _GAP, page_width - width))
    for bottom in _steps(y, height + _GAP, page_height - height):
        for left in lefts:
            spot = left, bottom, left + width, bottom + height
            if not any(_common(spot, one) for one in taken):
                return spot
    return None


def _steps(start: float, step: float, last: float) -> Iterator[float]:
    """From the start onwards as far as `last`, then backwards as far as 0."""
    yield start
    for direction in (1, -1):
        for number in range(1, _MAX_STEPS):
            at = start + direction * number * step
            if 0 <= at <= last:
                yield at
