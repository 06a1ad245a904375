"""Walks the page tree of a PDF: each page once, with what it inherits (ISO 32000-2 §7.7.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from pyhanko.pdf_utils import generic

from signing.pdf_reading import (
    BoundedReader,
    PdfLimits,
    broken,
    entries,
    entry,
    resolved,
    too_complex,
)

Ref: TypeAlias = tuple[int, int]
"""Object number and generation."""

_INHERITED = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")


def page_tree(
    reader: BoundedReader, limits: PdfLimits, *, backwards: bool = False
) -> Iterator[tuple[Ref, Mapping[str, Any] | None]]:
    """Each node of the page tree in the order of pages, or `backwards`; a page with what it
    inherits, None for the nodes between.

    Raises UnsupportedDocument (`pdf_broken`, `pdf_too_complex`); parsing errors of HOSTILE_PDF
    pass through."""
    pending: list[tuple[Any, dict[str, Any]]] = [(reader.root.raw_get("/Pages"), {})]
    seen: set[Ref] = set()
    pages = 0
    while pending:
        node, inherited = pending.pop()
        if not isinstance(node, generic.IndirectObject) or key_of(node) in seen:
            raise broken(ValueError("page tree"))
        seen.add(key_of(node))
        target = resolved(node)
        if not isinstance(target, generic.DictionaryObject):
            raise broken(ValueError("page tree"))
        own = {key: target.raw_get(key) for key in target}
        passed_on = {key: own.get(key, inherited.get(key)) for key in _INHERITED}
        if entry(target, "/Kids") is None:
            pages += 1
            yield key_of(node), own | {k: v for k, v in passed_on.items() if v is not None}
        else:
            yield key_of(node), None
            kids = list(entries(target, "/Kids"))
            pending.extend((kid, passed_on) for kid in (kids if backwards else reversed(kids)))
        if pages + len(pending) > limits.max_pages:
            raise too_complex()
    if not pages:
        raise broken(ValueError("no page"))


def key_of(reference: generic.IndirectObject) -> Ref:
    """What makes two references lead to the same object."""
    return reference.idnum, reference.generation
