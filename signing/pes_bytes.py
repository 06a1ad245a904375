"""Edits of a PES flow on its bytes, at positions that expat gives: nothing else ever changes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from xml.parsers import expat

from signing import xml
from signing.errors import UnsupportedDocument
from signing.pes_structure import ALLER, DOMAIN_HEADERS, TRUE_VALUES
from signing.xmldsig import DS

Insertion: TypeAlias = tuple[int, bytes]

EXPAT_ROOT = f"{ALLER} PES_Aller"
_EXPAT_SIGNATURE = f"{DS} Signature"
_FLAG_TAG = re.compile(
    rb"<InfoDematerialisee(?P<attributes>(?:\s+[^\s=/>]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*/?>"
)
_ATTRIBUTE = re.compile(rb"\s+(?P<name>[^\s=/>]+)\s*=\s*(?P<value>\"[^\"]*\"|'[^']*')")


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
    local = re.escape(expat_name.rsplit(" ", 1)[-1].encode())
    likely = re.compile(rb"</(?:[^\s<>/:]+:)?" + local + rb"\s*>")
    reader, view, position = xml.stream_parser(), memoryview(document), 0
    offsets: list[int] = []
    places = 0

    def note(ended: str) -> None:
        if ended == expat_name:
            offsets.append(reader.CurrentByteIndex)

    for match in likely.finditer(document):
        reader.EndElementHandler = None
        _read(reader, view[position : match.start()], final=False)
        reader.EndElementHandler = note
        _read(reader, view[match.start() : match.end()], final=False)
        position, places = match.end(), places + 1
        if len(offsets) != places or offsets[-1] != match.start():
            return None
    _read(reader, view[position:], final=True)
    return tuple(offsets)


def _offsets_of_all(document: bytes, expat_name: str) -> tuple[int, ...]:
    reader = xml.stream_parser()
    offsets: list[int] = []

    def note(ended: str) -> None:
        if ended == expat_name:
            offsets.append(reader.CurrentByteIndex)

    reader.EndElementHandler = note
    _read(reader, document, final=True)
    return tuple(offsets)


def splice(document: bytes, insertions: Sequence[Insertion]) -> bytes:
    """The document with each piece of bytes inserted at its offset."""
    return b"".join(_pieces(document, insertions))


def digest_without(spliced: bytes, insertions: Sequence[Insertion]) -> str:
    """SHA-256 in hex of `spliced` once the inserted bytes are left out, each being checked to
    stand at its place; the digest of the source when nothing else differs."""
    view, state, position, shift = memoryview(spliced), hashlib.sha256(), 0, 0
    for offset, inserted in sorted(insertions):
        start = offset + shift
        state.update(view[position:start])
        position = start + len(inserted)
        if view[start:position] != inserted:
            state.update(b"\x00")
        shift += len(inserted)
    state.update(view[position:])
    return state.hexdigest()


def mark_dematerialised(source: bytes) -> bytes:
    """The flow with InfoDematerialisee at 1 in each domain that holds a slip (DESIGN D9).

    The same bytes when they already say so; otherwise one value, or one element after IdVer, per
    domain, and no other byte. Raises UnsupportedDocument (`pes_already_signed`,
    `pes_missing_field`, `pes_encoding`, `xml_not_well_formed`, `xml_doctype`)."""
    refuse_unspliceable(source)
    scan = _DomainScan(xml.stream_parser())
    scan.reader.StartElementHandler = scan.start
    scan.reader.EndElementHandler = scan.end
    _read(scan.reader, source, final=True)
    edits = [
        edit
        for domain in scan.domains
        if domain.holds_slip and (edit := _edit_of(source, domain)) is not None
    ]
    if not edits:
        return source
    pieces: list[bytes] = []
    position = 0
    for start, end, replacement in edits:
        pieces += [source[position:start], replacement]
        position = end
    return b"".join([*pieces, source[position:]])


@dataclass(slots=True)
class _Domain:
    name: str
    holds_slip: bool = False
    flag_offset: int | None = None
    flag_value: str | None = None
    after_version: int | None = None


@dataclass(slots=True)
class _DomainScan:
    """Where the headers of the domains stand; positions are expat's, in bytes of the source."""

    reader: expat.XMLParserType
    domains: list[_Domain] = field(default_factory=list)
    _path: list[str] = field(default_factory=list)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == _EXPAT_SIGNATURE:
            raise UnsupportedDocument(
                "Ce flux porte déjà une signature : il n'est plus modifié.",
                code="pes_already_signed",
            )
        self._path.append(name)
        depth = len(self._path)
        if depth == 2 and name in DOMAIN_HEADERS and self._path[0] == EXPAT_ROOT:
            self.domains.append(_Domain(name))
        elif depth == 3 and name == "Bordereau" and self._in_domain():
            self.domains[-1].holds_slip = True
        elif depth == 4 and name == "InfoDematerialisee" and self._in_header():
            self.domains[-1].flag_offset = self.reader.CurrentByteIndex
            self.domains[-1].flag_value = attributes.get("V", "")

    def end(self, name: str) -> None:
        if len(self._path) == 4 and name == "IdVer" and self._in_header():
            self.domains[-1].after_version = self.reader.CurrentByteIndex
        self._path.pop()

    def _in_domain(self) -> bool:
        return bool(self.domains) and self._path[1] == self.domains[-1].name

    def _in_header(self) -> bool:
        return self._in_domain() and self._path[2] == DOMAIN_HEADERS[self._path[1]]


def _edit_of(source: bytes, domain: _Domain) -> tuple[int, int, bytes] | None:
    """The bytes to replace: start, end, replacement; None when the domain is already marked."""
    if domain.flag_offset is not None:
        if domain.flag_value in TRUE_VALUES:
            return None
        return _value_edit(source, domain.flag_offset)
    if domain.after_version is None:
        raise UnsupportedDocument(
            f"La version (IdVer) manque dans l'en-tête de {domain.name} : refaites l'export.",
            code="pes_missing_field",
            element="IdVer",
        )
    after = domain.after_version
    # For <IdVer/> expat's position is past the tag, for <IdVer></IdVer> before the end tag.
    if re.match(rb"</IdVer\s*>", source[after : after + 64]):
        after = source.index(b">", after) + 1
    return after, after, b'<InfoDematerialisee V="1"/>'


def _value_edit(source: bytes, offset: int) -> tuple[int, int, bytes]:
    tag = _FLAG_TAG.match(source, offset)
    if tag is None:
        raise UnsupportedDocument(
            "L'élément InfoDematerialisee est illisible : refaites l'export.",
            code="pes_field_invalid",
            element="InfoDematerialisee",
        )
    for attribute in _ATTRIBUTE.finditer(source, *tag.span("attributes")):
        if attribute["name"] == b"V":
            start, end = attribute.span("value")
            return start + 1, end - 1, b"1"
    after_name = tag.start("attributes")
    return after_name, after_name, b' V="1"'


def _pieces(document: bytes, insertions: Sequence[Insertion]) -> Iterator[bytes | memoryview]:
    view, position = memoryview(document), 0
    for offset, inserted in sorted(insertions):
        yield view[position:offset]
        yield inserted
        position = offset
    yield view[position:]


def _read(reader: expat.XMLParserType, piece: bytes | memoryview, *, final: bool) -> None:
    try:
        reader.Parse(piece, final)
    except (expat.ExpatError, ValueError, LookupError) as e:
        raise UnsupportedDocument(
            "Le fichier n'est pas un XML bien formé : refaites l'export depuis le logiciel métier.",
            code="xml_not_well_formed",
            line=reader.CurrentLineNumber,
        ) from e
