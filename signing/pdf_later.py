"""What a PDF gained after one of its signatures, and whether that signature allows it."""

from __future__ import annotations

from dataclasses import dataclass

from pyhanko.pdf_utils import generic

from signing.errors import UnsupportedDocument
from signing.pdf_byte_range import SignedRange, end_of_revision
from signing.pdf_changes import ForbiddenChange, Locks, added_signatures
from signing.pdf_locks import permission, transforms
from signing.pdf_reading import (
    HOSTILE_PDF,
    BoundedReader,
    PdfLimits,
    SignatureField,
    entries,
    entry,
    open_pdf,
    resolved,
    signature_fields,
)
from signing.report import Finding, LaterChanges


@dataclass(frozen=True, slots=True)
class LaterRevisions:
    """What came after a signature."""

    changes: LaterChanges
    findings: tuple[Finding, ...] = ()


def later_revisions(
    document: bytes,
    covered: SignedRange,
    field: SignatureField,
    current: BoundedReader,
    limits: PdfLimits,
) -> LaterRevisions:
    """Compare the signed revision of `field` with the whole file (validation INDEX rule 3).

    Raises UnsupportedDocument only for `pdf_too_complex`."""
    if not document[covered.end :].strip():
        return LaterRevisions(LaterChanges.NONE)
    try:
        return _compared(document, covered, field, current=current, limits=limits)
    except ForbiddenChange as e:
        return _forbidden("modified_after_signing", f" ({e})")
    except UnsupportedDocument as e:
        if e.code == "pdf_too_complex":
            raise
        return _forbidden("signed_revision_unreadable")
    except HOSTILE_PDF:
        return _forbidden("signed_revision_unreadable")


def _compared(
    document: bytes,
    covered: SignedRange,
    field: SignatureField,
    *,
    current: BoundedReader,
    limits: PdfLimits,
) -> LaterRevisions:
    if end_of_revision(document, len(document)) is None:
        return _forbidden("bytes_after_end")
    start = end_of_revision(document, covered.end)
    revisions = range(current.total_revisions)
    if start not in {current.xrefs.get_startxref_for_revision(n) for n in revisions}:
        return _forbidden("signed_revision_unreadable")
    signed = open_pdf(document[: covered.end], limits)
    if not _holds(signed, field, limits):
        return _forbidden("signed_revision_unreadable")
    locks = _locks(field)
    broken = [added for added in added_signatures(signed, current, limits) if locks.forbid(added)]
    if broken:
        return _forbidden("lock_broken", f" ({broken[0].name})")
    return LaterRevisions(LaterChanges.ALLOWED)


def _holds(signed: BoundedReader, field: SignatureField, limits: PdfLimits) -> bool:
    """The signature must already stand, the same, in the revision that it claims to cover."""
    for candidate in signature_fields(signed, limits):
        if candidate.name == field.name:
            mine, theirs = field.signature, candidate.signature
            return bool(
                mine["/Contents"].original_bytes == theirs["/Contents"].original_bytes
                and [int(n) for n in mine["/ByteRange"]] == [int(n) for n in theirs["/ByteRange"]]
            )
    return False


def _locks(field: SignatureField) -> Locks:
    lock = entry(field.field, "/Lock")
    dictionaries = [p for method, p in transforms(field.signature) if method == "/FieldMDP"]
    if isinstance(lock, generic.DictionaryObject):
        dictionaries.append(lock)
    if not dictionaries:
        return Locks(permission(field.signature, lock), None, frozenset())
    chosen = dictionaries[0]
    names = frozenset(str(resolved(name)) for name in entries(chosen, "/Fields"))
    action = entry(chosen, "/Action")
    return Locks(permission(field.signature, lock), str(action) if action else None, names)


def _forbidden(code: str, precision: str = "") -> LaterRevisions:
    sentence = _SENTENCES[code].format(precision)
    return LaterRevisions(LaterChanges.FORBIDDEN, (Finding(code, sentence, blocking=True),))


_SENTENCES = {
    "modified_after_signing": "Le document a été modifié après cette signature{} : il ne faut pas "
    "s'y fier.",
    "signed_revision_unreadable": "La version signée du document ne peut pas être retrouvée dans "
    "le fichier : la signature ne peut pas être retenue.",
    "bytes_after_end": "Des octets étrangers suivent la fin du document signé.",
    "lock_broken": "Une signature ajoutée ensuite est interdite par le verrou de celle-ci{}.",
}
