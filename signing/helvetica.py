"""Text in Helvetica, which every PDF reader has, in WinAnsiEncoding (ISO 32000-2 annex D)."""

from __future__ import annotations

import unicodedata
from typing import Final

ENCODING: Final = "cp1252"
UNITS_PER_EM: Final = 1_000
ASCII_WIDTHS: Final = (
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556),
    *(1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556),
    *(333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556),
    *(556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584),
)
"""Of the characters 32 to 126, in thousandths of the size: the published metrics."""

_FIRST = 32
_BULLET = 350  # what stands for the codes that the encoding leaves out
_WIDTHS: Final = (
    *ASCII_WIDTHS,
    _BULLET,
    # 128 to 159: the euro sign, quotation marks, dashes, Œ, œ
    *(556, _BULLET, 222, 556, 333, 1000, 556, 556, 333, 1000, 667, 333, 1000, _BULLET, 611),
    *(_BULLET, _BULLET, 222, 222, 333, 333, 350, 556, 1000, 333, 1000, 500, 333, 944, _BULLET),
    *(500, 667),
    # 160 to 255: as in Latin-1
    *(278, 333, 556, 556, 556, 556, 260, 556, 333, 737, 370, 556, 584, 333, 737, 333),
    *(400, 584, 333, 333, 333, 556, 537, 278, 333, 333, 365, 556, 834, 834, 834, 611),
    *(667, 667, 667, 667, 667, 667, 1000, 722, 667, 667, 667, 667, 278, 278, 278, 278),
    *(722, 722, 778, 778, 778, 778, 778, 584, 778, 722, 722, 722, 722, 667, 667, 611),
    *(556, 556, 556, 556, 556, 556, 889, 500, 556, 556, 556, 556, 278, 278, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 584, 611, 556, 556, 556, 556, 500, 556, 500),
)
# What is not drawn: marks of direction, joiners, soft hyphens, private and unassigned characters.
_NEVER_DRAWN = frozenset({"Cf", "Co", "Cn", "Cs"})
_SPACES = frozenset({"Cc", "Zl", "Zp"})


def folded(text: str) -> str:
    """The text in the characters that WinAnsiEncoding has: the others without their accents, `?`
    where that is not enough. What is never drawn goes; what breaks a line is a space."""
    return "".join(_folded(one) for one in unicodedata.normalize("NFC", text))


def _folded(character: str) -> str:
    category = unicodedata.category(character)
    if category in _NEVER_DRAWN:
        return ""
    if category in _SPACES:
        return " "
    if _is_encodable(character):
        return character
    plain = "".join(one for one in unicodedata.normalize("NFKD", character) if _is_encodable(one))
    is_accent = unicodedata.category(character) == "Mn"
    return plain or ("" if is_accent else "?")


def _is_encodable(character: str) -> bool:
    try:
        character.encode(ENCODING)
    except UnicodeEncodeError:
        return False
    return True


def width(text: str, size: float) -> float:
    """The length of a folded text in points."""
    return sum(_WIDTHS[code - _FIRST] for code in text.encode(ENCODING)) * size / UNITS_PER_EM
