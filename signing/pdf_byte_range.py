"""Structure rules of a PDF signature, judged before any cryptography (threats 1 and 2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyhanko.pdf_utils import generic

from signing.pdf_reading import entry
from signing.report import Finding

# /Contents of 4 MiB would be hundreds of certificates and revocation lists.
MAX_CONTENTS = 8 * 1024 * 1024
_HEXADECIMAL = re.compile(rb"<[0-9A-Fa-f\s]*>")
_END_OF_REVISION = re.compile(rb"startxref\s+(\d+)\s+%%EOF[\r\n \t]*$")
_ALLOWED_SUBFILTERS = ("/ETSI.CAdES.detached", "/adbe.pkcs7.detached", "/ETSI.RFC3161")


@dataclass(frozen=True, slots=True)
class SignedRange:
    """The bytes that a signature covers: `[0, gap_start)` and `[gap_end, end)`."""

    gap_start: int
    gap_end: int
    end: int
    contents: bytes

    def covered(self, document: bytes) -> tuple[memoryview, memoryview]:
        """The two covered segments, without a copy."""
        view = memoryview(document)
        return view[: self.gap_start], view[self.gap_end : self.end]


class BadStructure(Exception):
    """A structure rule is broken; carries the finding."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.finding = Finding(code, _SENTENCES[code], blocking=True)


def signed_range(document: bytes, signature: generic.DictionaryObject) -> SignedRange:
    """The range of a signature dictionary, once every structure rule holds (ISO 32000-2 §12.8.1,
    EN 319 142-1 §5.1): two segments, the first at 0, the gap exactly the hexadecimal string of
    /Contents, the last segment at the end of a revision.

    Raises BadStructure."""
    if entry(signature, "/SubFilter") not in _ALLOWED_SUBFILTERS:
        raise BadStructure("subfilter_not_supported")
    gap_start, gap_end, end = _bounds(signature, len(document))
    gap = document[gap_start:gap_end]
    contents = _contents(signature)
    if not _HEXADECIMAL.fullmatch(gap) or _decoded(gap) != contents:
        raise BadStructure("byte_range_gap")
    if end_of_revision(document, end) is None:
        raise BadStructure("byte_range_end")
    return SignedRange(gap_start, gap_end, end, contents)


def end_of_revision(document: bytes, end: int) -> int | None:
    """The `startxref` of the revision that ends at `end`, None when none does."""
    found = _END_OF_REVISION.search(document[max(0, end - 256) : end])
    return int(found[1]) if found else None


def _bounds(signature: generic.DictionaryObject, size: int) -> tuple[int, int, int]:
    raw = entry(signature, "/ByteRange")
    if not isinstance(raw, generic.ArrayObject) or len(raw) != 4:
        raise BadStructure("byte_range_missing")
    if not all(isinstance(item, generic.NumberObject) for item in raw):
        raise BadStructure("byte_range_missing")
    start, first_length, second_start, second_length = (int(item) for item in raw)
    if start != 0:
        raise BadStructure("byte_range_start")
    end = second_start + second_length
    if not 0 < first_length < second_start < end <= size:
        raise BadStructure("byte_range_bounds")
    return first_length, second_start, end


def _contents(signature: generic.DictionaryObject) -> bytes:
    try:
        raw = signature.raw_get("/Contents")
    except KeyError:
        raise BadStructure("contents_missing") from None
    if not isinstance(raw, generic.TextStringObject | generic.ByteStringObject):
        raise BadStructure("contents_missing")
    contents = bytes(raw.original_bytes)
    if len(contents) > MAX_CONTENTS or not any(contents):
        raise BadStructure("contents_missing")
    return contents


def _decoded(gap: bytes) -> bytes:
    digits = b"".join(gap[1:-1].split())
    if len(digits) % 2:
        digits += b"0"
    return bytes.fromhex(digits.decode("ascii"))


_SENTENCES = {
    "subfilter_not_supported": "Le type de cette signature PDF n'est pas pris en charge.",
    "byte_range_missing": "La signature ne dit pas correctement quels octets elle couvre.",
    "byte_range_start": "La signature ne couvre pas le début du fichier.",
    "byte_range_bounds": "Les bornes de la signature sortent du fichier ou se chevauchent.",
    "byte_range_gap": (
        "La zone laissée hors de la signature n'est pas exactement la valeur de la signature : "
        "des octets non signés peuvent être affichés."
    ),
    "byte_range_end": "La signature ne s'arrête pas à la fin d'une version enregistrée du fichier.",
    "contents_missing": "La valeur de la signature est absente, vide ou démesurée.",
}
