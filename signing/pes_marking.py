"""InfoDematerialisee at 1 in the flows that a circuit will sign (DESIGN D9), by byte edits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from xml.parsers import expat

from signing import xml
from signing.errors import UnsupportedDocument
from signing.pes_bytes import EXPAT_ROOT, feed, refuse_unspliceable
from signing.pes_structure import DOMAIN_HEADERS, TRUE_VALUES
from signing.xmldsig import DS

_EXPAT_SIGNATURE = f"{DS} Signature"
_BLOCK = 64 * 1024
# A tag of this element is short; what does not fit is refused rather than guessed.
_WINDOW = 4 * 1024
_FLAG_TAG = re.compile(
    rb"<InfoDematerialisee(?P<attributes>(?:\s+[^\s=/>]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*/?>"
)
_ATTRIBUTE = re.compile(rb"\s+(?P<name>[^\s=/>]+)\s*=\s*(?P<value>\"[^\"]*\"|'[^']*')")
_Window: TypeAlias = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes from `start` up to and without `end` give way to `replacement`."""

    start: int
    end: int
    replacement: bytes


def dematerialised_edits(path: Path) -> tuple[Edit, ...]:
    """What must change in the file so that each domain that holds a slip says it is
    dematerialised: one value, or one element after IdVer, per domain; empty when all do.

    Reads in blocks: memory does not grow with the file. Raises UnsupportedDocument
    (`pes_already_signed`, `pes_missing_field`, `pes_field_invalid`, `pes_encoding`,
    `xml_not_well_formed`, `xml_doctype`)."""
    with path.open("rb") as stream:
        refuse_unspliceable(stream.read(4))
        stream.seek(0)
        scan = _scan(iter(lambda: stream.read(_BLOCK), b""))

        def window(offset: int) -> bytes:
            stream.seek(offset)
            return stream.read(_WINDOW)

        return _edits(scan, window)


def mark_dematerialised(source: bytes) -> bytes:
    """The same on bytes in memory: the flow with its edits applied, or the same bytes."""
    refuse_unspliceable(source)
    edits = _edits(_scan([source]), lambda offset: source[offset : offset + _WINDOW])
    pieces: list[bytes] = []
    position = 0
    for edit in edits:
        pieces += [source[position : edit.start], edit.replacement]
        position = edit.end
    return b"".join([*pieces, source[position:]]) if edits else source


def _scan(chunks: Iterable[bytes]) -> _DomainScan:
    scan = _DomainScan(xml.stream_parser())
    scan.reader.StartElementHandler = scan.start
    scan.reader.EndElementHandler = scan.end
    for chunk in chunks:
        feed(scan.reader, chunk, final=False)
    feed(scan.reader, b"", final=True)
    return scan


def _edits(scan: _DomainScan, window: _Window) -> tuple[Edit, ...]:
    found = (_edit_of(domain, window) for domain in scan.domains if domain.holds_slip)
    return tuple(edit for edit in found if edit is not None)


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


def _edit_of(domain: _Domain, window: _Window) -> Edit | None:
    if domain.flag_offset is not None:
        if domain.flag_value in TRUE_VALUES:
            return None
        return _value_edit(domain.flag_offset, window(domain.flag_offset))
    if domain.after_version is None:
        raise UnsupportedDocument(
            f"La version (IdVer) manque dans l'en-tête de {domain.name} : refaites l'export.",
            code="pes_missing_field",
            element="IdVer",
        )
    after = domain.after_version
    # For <IdVer/> expat's position is past the tag, for <IdVer></IdVer> before the end tag.
    tag = re.match(rb"</IdVer\s*>", window(after))
    if tag is not None:
        after += tag.end()
    return Edit(after, after, b'<InfoDematerialisee V="1"/>')


def _value_edit(offset: int, source: bytes) -> Edit:
    tag = _FLAG_TAG.match(source)
    if tag is None:
        raise UnsupportedDocument(
            "L'élément InfoDematerialisee est illisible : refaites l'export.",
            code="pes_field_invalid",
            element="InfoDematerialisee",
        )
    for attribute in _ATTRIBUTE.finditer(source, *tag.span("attributes")):
        if attribute["name"] == b"V":
            start, end = attribute.span("value")
            return Edit(offset + start + 1, offset + end - 1, b"1")
    after_name = offset + tag.start("attributes")
    return Edit(after_name, after_name, b' V="1"')
