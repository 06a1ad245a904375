"""Draws a stamp: its lines in Helvetica, wrapped and made as small as it takes for all to show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from signing.helvetica import ENCODING, folded, width
from signing.types import Stamp

FONT = "/F1"
"""The name by which the drawing calls Helvetica."""

_PADDING, _PADDING_SHARE = 6.0, 0.1
_LARGEST, _SMALLER = 10.0, 0.95
# In sizes of the font: from a line to the next, from the top of a line to its baseline.
_LEADING, _BASELINE = 1.2, 0.855
_INK, _FRAME = "0.13 0.15 0.19", "0.10 0.28 0.44"
_FRAME_WIDTH = 0.75


@dataclass(frozen=True, slots=True)
class _Setting:
    """Lines that fit, and the size at which they do, in points."""

    size: float
    lines: tuple[str, ...]


def drawing(stamp: Stamp) -> bytes:
    """The content stream that draws the stamp from (0, 0) to (width, height): a frame and its
    lines. Strings are written in hexadecimal: no character of a line can be an operator."""
    padding = min(_PADDING, _PADDING_SHARE * min(stamp.width, stamp.height))
    lines = [plain for line in stamp.lines if (plain := folded(line).strip())]
    setting = _set(lines, stamp.width - 2 * padding, stamp.height - 2 * padding)
    leading = setting.size * _LEADING
    top = (stamp.height + leading * len(setting.lines)) / 2
    inset = _FRAME_WIDTH / 2
    frame = (inset, inset, stamp.width - _FRAME_WIDTH, stamp.height - _FRAME_WIDTH)
    operators = [
        f"q {_FRAME} RG {_FRAME_WIDTH:g} w {_numbers(*frame)} re S Q",
        f"q BT {_INK} rg {FONT} {_numbers(setting.size)} Tf {_numbers(leading)} TL",
        f"{_numbers(padding, top - setting.size * _BASELINE)} Td",
        *(f"<{line.encode(ENCODING).hex()}> Tj T*" for line in setting.lines),
        "ET Q",
    ]
    return "\n".join(operators).encode("ascii")


def _set(lines: Sequence[str], wide: float, high: float) -> _Setting:
    size = _LARGEST
    while True:
        wrapped = tuple(part for line in lines for part in _wrapped(line, size, wide))
        if len(wrapped) * size * _LEADING <= high:
            return _Setting(size, wrapped)
        size *= _SMALLER


def _wrapped(line: str, size: float, wide: float) -> Iterator[str]:
    """The line cut at its spaces (the unbreakable ones hold), and inside a word only where it is
    wider than the box."""
    current = ""
    for word in line.split(" "):
        longer = f"{current} {word}" if current else word
        if width(longer, size) <= wide:
            current = longer
            continue
        if current:
            yield current
        *full, current = _pieces(word, size, wide)
        yield from full
    yield current


def _pieces(word: str, size: float, wide: float) -> list[str]:
    pieces, start = [], 0
    for end in range(1, len(word)):
        if width(word[start : end + 1], size) > wide:
            pieces.append(word[start:end])
            start = end
    return [*pieces, word[start:]]


def _numbers(*values: float) -> str:
    return " ".join(f"{value:.4f}" for value in values)
