"""PAdES: the prepared PDF gives the message digest, and the attributes say nothing else.

ISO 32000-1 §12.8.1 (ByteRange), ETSI EN 319 142-1 §4.2 and §6.3 (attributes of a B-B signature).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.errors import JobRefused
from agent.signed_attributes import check_attributes
from signing.types import ToSign

_BYTE_RANGE = re.compile(
    rb"/ByteRange\s*\[\s*(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]"
)
_CONTENTS_KEY = re.compile(rb"/Contents\s*\Z")
_KEY_WINDOW = 64


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The two signed segments: [0, gap_start) and [gap_end, size)."""

    gap_start: int
    gap_end: int


def check_pdf(document: bytes, to_sign: ToSign, *, certificate: bytes) -> None:
    """Refuses unless `to_sign` is the signed attributes of exactly this document and certificate.

    The document is digested with the function of the signature mechanism.

    Raises JobRefused (`byte_range`, `attributes_unexpected`, `digest_differs`,
    `certificate_differs`)."""
    gap = last_byte_range(document)
    whole = memoryview(document)
    check_attributes(
        to_sign.tbs,
        [whole[: gap.gap_start], whole[gap.gap_end :]],
        mechanism=to_sign.mechanism,
        certificate=certificate,
    )


def last_byte_range(document: bytes) -> ByteRange:
    """The last /ByteRange, if it covers the whole file but the empty hexadecimal gap of /Contents.

    Raises JobRefused (`byte_range`)."""
    at = document.rfind(b"/ByteRange")
    found = _BYTE_RANGE.match(document, at) if at >= 0 else None
    if found is None:
        raise _bad_range()
    start, gap_start, gap_end, length = (int(g) for g in found.groups())
    if start != 0 or not 0 < gap_start < gap_end or gap_end + length != len(document):
        raise _bad_range()
    gap = document[gap_start:gap_end]
    if gap[:1] != b"<" or gap[-1:] != b">" or gap[1:-1].strip(b"0"):
        raise _bad_range()
    if not _CONTENTS_KEY.search(document[max(0, gap_start - _KEY_WINDOW) : gap_start]):
        raise _bad_range()
    return ByteRange(gap_start, gap_end)


def _bad_range() -> JobRefused:
    return JobRefused(
        "La zone à signer du PDF ne couvre pas le document entier : rien n'est signé, prévenez "
        "votre administrateur.",
        code="byte_range",
    )
