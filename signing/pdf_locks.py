"""Reads the locks that earlier signatures put on a PDF (ISO 32000-2 §12.8.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic

from signing.pdf_reading import BoundedReader, SignatureField, entries, entry, resolved

NO_CHANGES = 1


def forbids_signature(reader: BoundedReader, fields: Iterable[SignatureField]) -> bool:
    """Whether one more signature, in a new field, would break a signature already there.

    DocMDP P=1 (certification, or the lock of an approval signature) and a FieldMDP over every
    field forbid it; pyHanko itself only refuses the first (signing.md §1.3). Parsing errors of
    HOSTILE_PDF pass through."""
    return any(_locks(signature, lock) for signature, lock in _locking(reader, fields))


def forbids_visible_field(reader: BoundedReader, fields: Iterable[SignatureField]) -> bool:
    """Whether a signature in a new field that is drawn on a page would break one already there.

    Whatever DocMDP level allows signatures, it allows no annotation that a form does not have
    (`Locks.forbid`). Parsing errors of HOSTILE_PDF pass through."""
    levels = (permission(signature, lock) for signature, lock in _locking(reader, fields))
    return any(level is not None for level in levels)


def _locking(
    reader: BoundedReader, fields: Iterable[SignatureField]
) -> Iterator[tuple[generic.DictionaryObject, Any]]:
    """Each signature that may impose something, with the lock of its field."""
    for field in fields:
        yield field.signature, entry(field.field, "/Lock")
    certified = entry(entry(reader.root, "/Perms"), "/DocMDP")
    if isinstance(certified, generic.DictionaryObject):
        yield certified, None


def permission(signature: generic.DictionaryObject, lock: Any) -> int | None:
    """The DocMDP level that one signature imposes: 1 nothing, 2 forms, 3 annotations."""
    levels = [
        # /P absent means 2 (ISO 32000-2 table 257)
        int(entry(parameters, "/P") or 2)
        for method, parameters in transforms(signature)
        if method == "/DocMDP"
    ]
    own = entry(lock, "/P")
    if own is not None:
        levels.append(int(own))
    return min(levels) if levels else None


def transforms(
    signature: generic.DictionaryObject,
) -> Iterator[tuple[str, generic.DictionaryObject]]:
    """Each transform method of /Reference with its parameters."""
    for reference in entries(signature, "/Reference"):
        target = resolved(reference)
        parameters = entry(target, "/TransformParams")
        if isinstance(parameters, generic.DictionaryObject):
            yield str(entry(target, "/TransformMethod")), parameters


def _locks(signature: generic.DictionaryObject, lock: Any) -> bool:
    if permission(signature, lock) == NO_CHANGES:
        return True
    field_locks = [p for method, p in transforms(signature) if method == "/FieldMDP"]
    if isinstance(lock, generic.DictionaryObject):
        field_locks.append(lock)
    return any(_covers_new_fields(parameters) for parameters in field_locks)


def _covers_new_fields(parameters: generic.DictionaryObject) -> bool:
    # « Exclude » locks every field that it does not name: a new one is never named.
    return entry(parameters, "/Action") in {"/All", "/Exclude"}
