"""Reads the validation data of a PDF (DSS) and names the level of its signatures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose

from signing.cms import SignerCheck
from signing.errors import UnsupportedDocument
from signing.pdf_byte_range import SignedRange
from signing.pdf_reading import HOSTILE_PDF, BoundedReader, entries, entry, open_pdf, resolved

MAX_DSS_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class Dss:
    """The document security store, all DER (EN 319 142-1 §5.4.2)."""

    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]

    @property
    def has_validation_data(self) -> bool:
        """Whether it holds both certificates and revocation answers."""
        return bool(self.certificates and (self.crls or self.ocsps))


def read_dss(reader: BoundedReader) -> Dss:
    """What the document's current DSS holds; unreadable entries are left out. Never raises."""
    try:
        dss = entry(reader.root, "/DSS")
    except HOSTILE_PDF:
        dss = None
    if not isinstance(dss, generic.DictionaryObject):
        return Dss((), (), ())
    return Dss(
        certificates=tuple(_streams(dss, "/Certs", DecodePurpose.CERTIFICATE)),
        crls=tuple(_streams(dss, "/CRLs", DecodePurpose.CRL)),
        ocsps=tuple(_streams(dss, "/OCSPs", DecodePurpose.OCSP_RESPONSE)),
    )


def level_of(
    subfilter: str,
    check: SignerCheck,
    dss: Dss,
    *,
    document: bytes,
    later_timestamps: Sequence[SignedRange],
) -> str:
    """The name of the level reached, in the words of EN 319 142-1 §6: it tells which material is
    present, not that it is trusted."""
    if subfilter != "/ETSI.CAdES.detached":
        stamped = any(stamp.sound for stamp in check.timestamps)
        return "PKCS7-T" if stamped or later_timestamps else "PKCS7-B"
    if not check.has_certificate_reference or check.signing_time is not None:
        return "PAdES-BES"
    if not (later_timestamps or any(stamp.sound for stamp in check.timestamps)):
        return "PAdES-BASELINE-B"
    if not dss.has_validation_data:
        return "PAdES-BASELINE-T"
    if _archived(document, later_timestamps):
        return "PAdES-BASELINE-LTA"
    return "PAdES-BASELINE-LT"


def _archived(document: bytes, timestamps: Iterable[SignedRange]) -> bool:
    """Whether one of the time-stamps covers a revision that already had a DSS."""
    for covered in timestamps:
        try:
            if "/DSS" in open_pdf(document[: covered.end]).root:
                return True
        except (*HOSTILE_PDF, UnsupportedDocument):
            continue
    return False


def _streams(dss: generic.DictionaryObject, key: str, purpose: DecodePurpose) -> list[bytes]:
    found: list[bytes] = []
    try:
        for item in islice(entries(dss, key), MAX_DSS_ENTRIES):
            stream = resolved(item)
            if isinstance(stream, generic.StreamObject):
                found.append(stream.read_data(purpose))
    except HOSTILE_PDF:
        return found
    return found
