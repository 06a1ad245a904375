"""Edits of a PES flow on its bytes, at positions that expat gives: nothing else ever changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias
from xml.parsers import expat

from signing import xml
from signing.errors import UnsupportedDocument
from signing.pes_structure import ALLER

Insertion: TypeAlias = tuple[int, bytes]

EXPAT_ROOT = f"{ALLER} PES_Aller"


def refuse_unspliceable(document: bytes) -> None:
    """Raises UnsupportedDocument (`pes_encoding`) unless ASCII bytes can be written into the
    file as they are: ISO-8859-1, UTF-8 and the like, not UTF-16."""
    start = document[:4].removeprefix(b"\xef\xbb\xbf")
    if start[:1] in (b"<", b" ", b"\t", b"\r", b"\n") and b"\x00" not in start:
        return
    raise UnsupportedDocument(
        "Le flux PES doit être encodé en ISO-8859-1 : refaites l'export du logiciel financier.",
        code="pes_encoding",
    )


def end_offsets(document: bytes, expat_name: str) -> tuple[int, ...]:
    """Byte offsets of the end tags of every element of that name (as `xml.stream_parser` gives
    names), in document order; such elements must not be nested.

    Raises UnsupportedDocument (`pes_empty_slip`) for an element written without end tag."""
    found = _offsets_at_likely_places(document, expat_name)
    if found is None:
        found = _offsets_of_all(document, expat_name)
    if not found or any(document[offset : offset + 2] != b"</" for offset in found):
        raise UnsupportedDocument(
            "Un bordereau du flux est vide : refaites l'export du logiciel financier.",
            code="pes_empty_slip",
        )
    return found


def _offsets_at_likely_places(document: bytes, expat_name: str) -> tuple[int, ...] | None:
    """The same offsets, expat being asked only where the text looks like such an end tag: it
    reads the rest without calling us back, which is most of its time. None when it disagrees with
    the text anywhere (a comment may hold anything): then every element has to be looked at."""
    namespace, _, local = expat_name.rpartition(" ")
    prefix = rb"(?:[^\s<>/:]+:)?" if namespace else b""
    likely = re.compile(b"</" + prefix + re.escape(local.encode()) + rb"\s*>")
    reader, view, position = xml.stream_parser(), memoryview(document), 0
    offsets: list[int] = []
    places = 0

    def note(ended: str) -> None:
        if ended == expat_name:
            offsets.append(reader.CurrentByteIndex)

    for match in likely.finditer(document):
        reader.EndElementHandler = None
        feed(reader, view[position : match.start()], final=False)
        reader.EndElementHandler = note
        feed(reader, view[match.start() : match.end()], final=False)
        position, places = match.end(), places + 1
        if len(offsets) != places or offsets[-1] != match.start():
            return None
    feed(reader, view[position:], final=True)
    return tuple(offsets)


def _offsets_of_all(document: bytes, expat_name: str) -> tuple[int, ...]:
    reader = xml.stream_parser()
    offsets: list[int] = []

    def note(ended: str) -> None:
        if ended == expat_name:
            offsets.append(reader.CurrentByteIndex)

    reader.EndElementHandler = note
    feed(reader, document, final=True)
    return tuple(offsets)


def splice(document: bytes, insertions: Sequence[Insertion]) -> bytes:
    """The document with each piece of bytes inserted at its offset."""
    return b"".join(_pieces(document, insertions))


def only_inserted(source: bytes, spliced: bytes, insertions: Sequence[Insertion]) -> bool:
    """Whether `spliced` is `source` with each piece at its offset, and not one other byte."""
    shift = position = 0
    for offset, inserted in sorted(insertions):
        start = offset + shift
        if spliced[position + shift : start] != source[position:offset]:
            return False
        if spliced[start : start + len(inserted)] != inserted:
            return False
        shift, position = shift + len(inserted), offset
    return spliced[position + shift :] == source[position:]


def _pieces(document: bytes, insertions: Sequence[Insertion]) -> Iterator[bytes | memoryview]:
    view, position = memoryview(document), 0
    for offset, inserted in sorted(insertions):
        yield view[position:offset]
        yield inserted
        position = offset
    yield view[position:]


def feed(reader: expat.XMLParserType, piece: bytes | memoryview, *, final: bool) -> None:
    """Parses one more piece. Raises UnsupportedDocument (`xml_not_well_formed`)."""
    try:
        reader.Parse(piece, final)
    except (expat.ExpatError, ValueError, LookupError) as e:
        raise UnsupportedDocument(
            "Le fichier n'est pas un XML bien formé : refaites l'export depuis le logiciel métier.",
            code="xml_not_well_formed",
            line=reader.CurrentLineNumber,
        ) from e
