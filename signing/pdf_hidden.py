"""Finds what a PDF holds and does not show, which a later revision could show instead (threat 4).

Nothing here is parsed as an object: the beginning of each one that nothing refers to is searched
for the marks of a page, so that a hostile file costs no more than its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TypeAlias

from pyhanko.pdf_utils import generic

from signing.pdf_reading import HOSTILE_PDF, MIB, BoundedReader

Key: TypeAlias = tuple[int, int]
"""Object number and generation."""

# What a page needs at most before its marks; what is looked at in one file.
_HEAD = 32 * 1024
_MAX_LOOKED = 20_000
_MAX_LOOKED_BYTES = 32 * MIB
_HEADER = re.compile(rb"\s*(\d+)\s+(\d+)\s+obj")
_COMMENT = re.compile(rb"%[^\r\n]*")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_PAGE_TYPE = re.compile(rb"/Type\s*/(?:Page|Pages|Catalog|Template)(?![^\s/<>\[\](){}%])")
_DRAWN = re.compile(rb"/Contents\s*(?:\[|\d+\s+\d+\s+R)")
_BOXED = re.compile(rb"/(?:MediaBox|Resources)(?![^\s/<>\[\](){}%])")


def unreferenced_pages(reader: BoundedReader, reached: Collection[Key]) -> int | None:
    """How many objects look like pages, page trees or catalogues among those that are not
    `reached` from the document.

    None where there are too many of them to look at; what cannot be read is no page."""
    found = looked = looked_bytes = 0
    for ref in _left(reader, reached):
        head = _head(reader, ref)
        looked, looked_bytes = looked + 1, looked_bytes + len(head)
        if looked > _MAX_LOOKED or looked_bytes > _MAX_LOOKED_BYTES:
            return None
        found += _is_page_like(head)
    return found


def _is_page_like(head: bytes) -> bool:
    """Whether an object that begins so could be drawn as a page, or lead to one."""
    plain = _COMMENT.sub(b" ", head.partition(b"stream")[0])
    named = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), plain)
    return bool(_PAGE_TYPE.search(named) or (_DRAWN.search(named) and _BOXED.search(named)))


def _left(reader: BoundedReader, reached: Collection[Key]) -> Iterator[generic.Reference]:
    """Each object that the tables list and that was not reached, without those that were freed."""
    seen = set(reached)
    for revision in range(reader.total_revisions):
        for ref in reader.xrefs.explicit_refs_in_revision(revision):
            key = (ref.idnum, ref.generation)
            if key not in seen and reader.xrefs[ref] is not None:
                yield ref
            seen.add(key)


def _head(reader: BoundedReader, ref: generic.Reference) -> bytes:
    try:
        head = reader.source_of(ref, reader.total_revisions - 1, limit=_HEAD)
    except HOSTILE_PDF:
        return b""
    header = _HEADER.match(head)
    is_other = header is not None and (int(header[1]), int(header[2])) != (
        ref.idnum,
        ref.generation,
    )
    return b"" if is_other else head
