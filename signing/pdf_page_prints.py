"""A fingerprint of each page of a PDF: all that draws it, resolved (ISO 32000-2 §7.7.3, §7.8).

Two pages of equal fingerprint draw the same thing; the contrary is not promised: a program that
writes a file again may change how it is said. What a page does not use, the tree around it and
its metadata are left out, so that one new page does not change the others."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyhanko.pdf_utils import generic

from signing.pdf_pages import Ref, key_of, page_tree
from signing.pdf_reading import (
    DEFAULT_LIMITS,
    HOSTILE_PDF,
    BoundedReader,
    PdfLimits,
    broken,
    entries,
    entry,
    open_pdf,
    resolved,
    too_complex,
)

_DIGEST_SIZE = 16
_WORK_PER_OBJECT = 8  # values looked at, for each object that a document may have
_CLOSED = 1 << 30  # deeper than any object: the print refers to nothing above it
# Neither is drawn: the tree around, the logical structure, metadata, previews, threads.
_NEVER_DRAWN = frozenset(
    {"/Parent", "/StructParent", "/StructParents", "/Metadata", "/PieceInfo", "/LastModified"}
)
_PAGE_FREE = _NEVER_DRAWN | {"/Contents", "/Resources", "/Annots", "/Thumb", "/B", "/Tabs"}
# Catalog entries that change what pages show, or what the file carries or does.
_SHARED = ("/OCProperties", "/OpenAction", "/AA", "/AF", "/AcroForm", "/Names")
_FORM_FREE = frozenset({"/Fields", "/SigFlags"})
_NAMES_FREE = frozenset({"/Dests"})
_SUBSET = re.compile(r"^/[A-Z]{6}\+")  # ISO 32000-2 §9.9.2
_NAME = re.compile(rb"/([^\s()<>\[\]{}/%]+)")
_PLAIN_NAME = re.compile(rb"[!-~]+")
# Colour spaces that apply without being named (ISO 32000-2 §8.6.5.6).
_DEFAULT_COLOURS = frozenset({"/DefaultGray", "/DefaultRGB", "/DefaultCMYK"})
_CONTENT_FREE = frozenset({"/Length", "/Filter", "/DecodeParms"})


@dataclass(frozen=True, slots=True)
class PagePrint:
    """The fingerprint of a page; `besides_fonts` leaves out what the embedded fonts hold, which
    one more letter elsewhere in the document changes."""

    whole: bytes
    besides_fonts: bytes


@dataclass(frozen=True, slots=True)
class DocumentPrints:
    """The fingerprints of a document: its pages in order, and what they share."""

    pages: tuple[PagePrint, ...]
    shared: bytes


def document_prints(document: bytes | Path, limits: PdfLimits = DEFAULT_LIMITS) -> DocumentPrints:
    """The fingerprints of a PDF, within `limits`; run it in a bounded process (threat 17).

    Raises UnsupportedDocument (`empty_file`, `not_a_pdf`, `pdf_encrypted`, `pdf_broken`,
    `pdf_too_complex`, `pdf_contradictory_tables`)."""
    if isinstance(document, bytes):
        return _prints(open_pdf(document, limits), limits)
    with document.open("rb") as file:
        return _prints(open_pdf(file, limits), limits)


def _prints(reader: BoundedReader, limits: PdfLimits) -> DocumentPrints:
    try:
        tree = list(page_tree(reader, limits))
        nodes = frozenset(key for key, _ in tree)
        pages = [page for _, page in tree if page is not None]
        printer = _Printer(limits, nodes, reads_fonts=True)
        whole = printer.pages(pages)
        besides_fonts = _Printer(limits, nodes, reads_fonts=False).pages(pages)
        prints = tuple(PagePrint(*both) for both in zip(whole, besides_fonts, strict=True))
        return DocumentPrints(prints, printer.shared(reader.root))
    except HOSTILE_PDF as e:
        raise broken(e) from e


class _Printer:
    """Fingerprints objects, each once: what refers to nothing above it is remembered.

    `_lends_resources`: something drew with resources that it does not hold, hence with those of
    the page (ISO 32000-2 §8.10.1, §9.6.4); what a page uses can then no longer be told, and all
    its resources count."""

    def __init__(self, limits: PdfLimits, page_nodes: frozenset[Ref], *, reads_fonts: bool) -> None:
        self._reads_fonts = reads_fonts
        self._lends_resources = False
        self._takes_all = False
        self._limits = limits
        self._page_nodes = page_nodes
        self._known: dict[Ref, bytes] = {}
        self._data: dict[Ref, tuple[bytes, bool]] = {}
        self._above: dict[Ref, int] = {}
        self._work = 0
        self._decoded = 0

    def pages(self, pages: Sequence[Mapping[str, Any]]) -> list[bytes]:
        """The fingerprint of each page."""
        prints = [self._page(page) for page in pages]
        if not self._lends_resources:
            return prints
        self._takes_all = True
        return [self._page(page) for page in pages]

    def _page(self, page: Mapping[str, Any]) -> bytes:
        contents = _as_list(page.get("/Contents"))
        plain = [self._plain_content(resolved(one)) for one in contents]
        names = None
        if None in plain:
            drawn = _hash(b"contents", *(self._print(one)[0] for one in contents))
        else:
            # Programs cut the contents anywhere between two words.
            content = b"\n".join(one for one in plain if one is not None)
            drawn = _hash(b"plain", content)
            names = _names_in(content)
        rest = {key: value for key, value in page.items() if key not in _PAGE_FREE}
        return _hash(
            b"page",
            drawn,
            self._resources(resolved(page.get("/Resources")), names),
            self._annotations(page),
            self._entries(rest)[0],
        )

    def shared(self, root: generic.DictionaryObject) -> bytes:
        """What stands beside the pages and changes what is shown, carried or done."""
        parts = []
        for key in _SHARED:
            value = entry(root, key)
            free = {"/AcroForm": _FORM_FREE, "/Names": _NAMES_FREE}.get(key, frozenset())
            if isinstance(value, generic.DictionaryObject):
                kept = {k: value.raw_get(k) for k in value if k not in free}
                parts.append(self._entries(kept)[0] if kept else b"")
            else:
                parts.append(b"" if value is None else self._print(value)[0])
        return _hash(b"shared", *parts)

    def _resources(self, resources: Any, names: frozenset[str] | None) -> bytes:
        """Those that the contents name; all of them when it cannot be told which."""
        if not isinstance(resources, generic.DictionaryObject):
            return self._print(resources)[0]
        if names is None or self._takes_all:
            return self._print(resources)[0]
        parts = []
        for category in sorted(resources):
            held = entry(resources, category)
            if not isinstance(held, generic.DictionaryObject):
                continue
            used = {
                key: held.raw_get(key) for key in held if key in names or key in _DEFAULT_COLOURS
            }
            if used:
                parts += [_hash(b"name", category.encode()), self._entries(used)[0]]
        return _hash(b"resources", *parts)

    def _annotations(self, page: Mapping[str, Any]) -> bytes:
        parts = []
        for item in _as_list(page.get("/Annots")):
            annotation = resolved(item)
            if _is_empty_place_of_signature(annotation):
                continue
            parts.append(self._print(item)[0])
            value = _inherited_value(annotation, self._limits)
            if value is not None:
                parts.append(self._print(value)[0])
        return _hash(b"annotations", *parts)

    def _print(self, value: Any) -> tuple[bytes, int]:
        """The fingerprint, and the highest object above that it refers to."""
        self._work += 1
        if self._work > _WORK_PER_OBJECT * self._limits.max_objects:
            raise too_complex()
        if not isinstance(value, generic.IndirectObject):
            return self._direct(value, None)
        key = key_of(value)
        if key in self._page_nodes:
            return _hash(b"some page"), _CLOSED
        if key in self._known:
            return self._known[key], _CLOSED
        if key in self._above:
            up = len(self._above) - self._above[key]
            return _hash(b"above", b"%d" % up), self._above[key]
        level = len(self._above)
        if level >= self._limits.max_depth:
            raise too_complex()
        self._above[key] = level
        digest, highest = self._direct(resolved(value), key)
        del self._above[key]
        if highest < level:
            return digest, highest
        self._known[key] = digest
        return digest, _CLOSED

    def _direct(self, value: Any, key: Ref | None) -> tuple[bytes, int]:
        if isinstance(value, generic.StreamObject):
            return self._stream(value, key)
        if isinstance(value, generic.DictionaryObject):
            return self._dictionary(value)
        if isinstance(value, generic.ArrayObject):
            printed = [self._print(value.raw_get(index)) for index in range(len(value))]
            return _hash(b"array", *(one for one, _ in printed)), _highest(printed)
        return _atom(value), _CLOSED

    def _dictionary(self, value: generic.DictionaryObject) -> tuple[bytes, int]:
        kind = entry(value, "/Subtype")
        if kind == "/Type3" and entry(value, "/Resources") is None:
            self._lends_resources = True
        if not self._reads_fonts and entry(value, "/Type") == "/Font" and kind != "/Type3":
            name = _SUBSET.sub("", str(entry(value, "/BaseFont")))
            return _hash(b"font", str(kind).encode(), name.encode()), _CLOSED
        return self._entries({k: value.raw_get(k) for k in value if k not in _NEVER_DRAWN})

    def _entries(self, held: Mapping[str, Any]) -> tuple[bytes, int]:
        printed = {key: self._print(held[key]) for key in sorted(held)}
        parts = [part for key, (digest, _) in printed.items() for part in (key.encode(), digest)]
        return _hash(b"dictionary", *parts), _highest(printed.values())

    def _stream(self, stream: generic.StreamObject, key: Ref | None) -> tuple[bytes, int]:
        found = self._data.get(key) if key is not None else None
        if found is None:
            plain = self._plain_content(stream) if _draws(stream) else None
            if _draws(stream) and entry(stream, "/Resources") is None:
                self._lends_resources |= plain is None or _names_in(plain) != frozenset()
            found = (_hash(b"data", _raw(stream) if plain is None else plain), plain is not None)
            if key is not None:
                self._data[key] = found
        data, is_plain = found
        free = _CONTENT_FREE if is_plain else {"/Length"}
        kept = {k: stream.raw_get(k) for k in stream if k not in _NEVER_DRAWN | free}
        digest, highest = self._entries(kept)
        return _hash(b"stream", data, digest), highest

    def _plain_content(self, stream: Any) -> bytes | None:
        """The decoded bytes of a content stream; None when it is coded otherwise than usual."""
        if not isinstance(stream, generic.StreamObject) or entry(stream, "/DecodeParms"):
            return None
        coded = [resolved(one) for one in _as_list(entry(stream, "/Filter"))]
        if not coded:
            return bytes(stream.encoded_data)
        if coded not in (["/FlateDecode"], ["/Fl"]):
            return None
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(stream.encoded_data, self._limits.max_stream_size)
        self._decoded += len(plain)
        if self._decoded > self._limits.max_decoded_size:
            raise too_complex()
        return plain if unpacker.eof else None


def _highest(printed: Iterable[tuple[bytes, int]]) -> int:
    return min((highest for _, highest in printed), default=_CLOSED)


def _hash(kind: bytes, *parts: bytes) -> bytes:
    digest = hashlib.blake2b(kind, digest_size=_DIGEST_SIZE)
    for part in parts:
        digest.update(b" %d:" % len(part))
        digest.update(part)
    return digest.digest()


def _atom(value: Any) -> bytes:
    if value is None or isinstance(value, generic.NullObject):
        return _hash(b"null")
    if isinstance(value, generic.TextStringObject | generic.ByteStringObject):
        return _hash(b"string", bytes(value.original_bytes))
    if isinstance(value, generic.NumberObject | generic.FloatObject):
        return _hash(b"number", f"{float(value):.6f}".encode())
    if isinstance(value, generic.BooleanObject):
        return _hash(b"boolean", b"%d" % bool(value))
    return _hash(type(value).__name__.encode(), str(value).encode())


def _as_list(value: Any) -> list[Any]:
    """A value that may stand alone or in an array (ISO 32000-2 §7.3.8.2, §7.7.3.3)."""
    held = resolved(value)
    if held is None or isinstance(held, generic.NullObject):
        return []
    if isinstance(held, generic.ArrayObject):
        return [held.raw_get(index) for index in range(len(held))]
    return [held]


def _raw(stream: Any) -> bytes:
    return bytes(stream.encoded_data) if isinstance(stream, generic.StreamObject) else b""


def _draws(stream: generic.StreamObject) -> bool:
    """Whether a stream is a form or a tiling pattern, which hold contents of their own."""
    return bool(entry(stream, "/Subtype") == "/Form" or entry(stream, "/PatternType") == 1)


def _names_in(content: bytes) -> frozenset[str] | None:
    """The names that a content stream uses, and some more; None when one is spelled otherwise
    than in plain ASCII."""
    found = set(_NAME.findall(content))
    if any(not _PLAIN_NAME.fullmatch(one) or b"#" in one for one in found):
        return None
    return frozenset(f"/{one.decode('ascii')}" for one in found)


def _is_empty_place_of_signature(annotation: Any) -> bool:
    """Whether a signature field draws nothing: its rectangle has no surface."""
    if entry(annotation, "/FT") != "/Sig":
        return False
    corners = [float(resolved(one)) for one in entries(annotation, "/Rect")]
    return len(corners) != 4 or corners[0] == corners[2] or corners[1] == corners[3]


def _inherited_value(annotation: Any, limits: PdfLimits) -> Any:
    """What a field says when its widget leaves it to the field above (ISO 32000-2 §12.7.4)."""
    node = annotation
    for _ in range(limits.max_depth):
        if not isinstance(node, generic.DictionaryObject) or "/V" in node:
            break
        node = entry(node, "/Parent")
    return (
        node.raw_get("/V") if isinstance(node, generic.DictionaryObject) and "/V" in node else None
    )
