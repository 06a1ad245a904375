"""What keeps a PDF from taking a visible signature: it is then signed with an invisible one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose

from signing.facts import StampObstacle
from signing.pdf_locks import forbids_visible_field
from signing.pdf_reading import HOSTILE_PDF, BoundedReader, SignatureField, entry

# ISO 19005-2 §6.6.4: the part of PDF/A that a document claims, an attribute or an element.
_NAMESPACE = re.compile(
    rb"xmlns:([A-Za-z_][\w.-]{0,40})\s*=\s*[\"']http://www\.aiim\.org/pdfa/ns/id/?[\"']"
)


def stamp_obstacle(reader: BoundedReader, fields: Iterable[SignatureField]) -> StampObstacle | None:
    """Certified: an earlier signature would be broken by a visible field (ISO 32000-2 §12.8.2.2).
    PDF/A: the document would no longer be one, its fonts being all embedded.

    Parsing errors of HOSTILE_PDF pass through, those of the metadata apart."""
    if forbids_visible_field(reader, fields):
        return StampObstacle.CERTIFIED
    return StampObstacle.PDF_A if _claims_pdf_a(reader) else None


def _claims_pdf_a(reader: BoundedReader) -> bool:
    metadata = entry(reader.root, "/Metadata")
    if not isinstance(metadata, generic.StreamObject):
        return False
    try:
        packet = metadata.read_data(DecodePurpose.XMP_METADATA)
    except HOSTILE_PDF:
        return False
    plain = packet.replace(b"\0", b"")  # which leaves UTF-16 as ASCII
    return any(prefix + b":part" in plain for prefix in _NAMESPACE.findall(plain))
