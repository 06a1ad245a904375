"""XSD pass over a PES flow: remarks only, in bounded memory (platform.md §4).

The official schemas are not part of the product: an administrator puts them in a directory. The
text of attachments is cut before libxml2 sees it, since it would keep each one whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from itertools import islice
from pathlib import Path
from typing import BinaryIO, assert_never

from lxml import etree

from signing import xml
from signing.report import Finding

ENTRY_POINT = Path("PES_V2/Rev0/PES_Aller.xsd")
KEPT_TEXT_BYTES = 4096
MAX_FINDINGS = 50
_BLOCK_SIZE = 64 * 1024
_MAX_MESSAGE = 300
_OPENING = b"<Fichier"


def schema_findings(source: Path | BinaryIO, schema_dir: Path | None) -> tuple[Finding, ...]:
    """What the official schema objects to, with lines, at most `MAX_FINDINGS`; never refuses.

    `source` was inspected before: it is well formed and has no DOCTYPE. Without a directory, or
    when the schemas in it cannot be read, one finding says so (`pes_schema_absent`)."""
    schema = xml.load_schema(schema_dir / ENTRY_POINT) if schema_dir is not None else None
    if schema is None:
        return (
            Finding(
                "pes_schema_absent",
                "Le contrôle du schéma PES n'a pas été fait : "
                "aucun répertoire de schémas lisible n'est configuré.",
            ),
        )
    if isinstance(source, Path):
        with source.open("rb") as opened:
            return tuple(_findings(opened, schema))
    return tuple(_findings(source, schema))


def _findings(source: BinaryIO, schema: etree.XMLSchema) -> list[Finding]:
    """libxml2 gives no line while it validates a stream. A flow that has faults is read a second
    time, line by line, which is slower by far."""
    count = sum(1 for _ in _faults(iter(lambda: source.read(_BLOCK_SIZE), b""), schema))
    if not count:
        return []
    source.seek(0)
    lines = iter(lambda: source.readline(_BLOCK_SIZE), b"")
    return [
        Finding("pes_schema", f"Schéma PES, ligne {line} : {message[:_MAX_MESSAGE]}")
        for line, message in islice(_faults(lines, schema), count)
    ]


def _faults(pieces: Iterator[bytes], schema: etree.XMLSchema) -> Iterator[tuple[int, str]]:
    """What libxml2 says, each with the line at which its piece begins, `MAX_FINDINGS` at most."""
    validator, cutter = xml.StreamValidator(schema), TextCutter()
    line, told = 1, 0
    for piece in pieces:
        try:
            validator.feed(cutter.cut(piece))
        except etree.XMLSyntaxError:
            yield line, "contrôle du schéma interrompu"
            return
        messages = validator.objections()[:MAX_FINDINGS]
        yield from ((line, message) for message in messages[told:])
        told = len(messages)
        if told == MAX_FINDINGS:
            return
        line += piece.count(b"\n")


class _State(Enum):
    OUTSIDE = auto()
    IN_TAG = auto()
    IN_TEXT = auto()


class TextCutter:
    """Drops the text of `Fichier` elements past its first `KEPT_TEXT_BYTES`, piece by piece."""

    def __init__(self) -> None:
        self._state = _State.OUTSIDE
        self._held = b""
        self._kept = 0

    def cut(self, piece: bytes) -> bytes:
        """The piece without what is dropped; a beginning that may be that of a tag is held back
        until the next piece."""
        return b"".join(self._parts(self._held + piece))

    def _parts(self, rest: bytes) -> Iterator[bytes]:
        self._held = b""
        while rest and not self._held:
            match self._state:
                case _State.OUTSIDE:
                    taken = kept = self._outside(rest)
                case _State.IN_TAG:
                    taken = kept = self._in_tag(rest)
                case _State.IN_TEXT:
                    taken, kept = self._in_text(rest)
                case _:
                    assert_never(self._state)
            yield rest[:kept]
            rest = rest[taken:]

    def _in_text(self, rest: bytes) -> tuple[int, int]:
        end = rest.find(b"<")
        taken = len(rest) if end < 0 else end
        kept = min(taken, max(0, KEPT_TEXT_BYTES - self._kept))
        self._kept += taken
        if end >= 0:
            self._state = _State.OUTSIDE
        return taken, kept

    def _outside(self, rest: bytes) -> int:
        start = rest.find(_OPENING)
        if start >= 0 and start + len(_OPENING) < len(rest):
            after = start + len(_OPENING)
            if rest[after : after + 1] in b" \t\r\n>/":
                self._state = _State.IN_TAG
            return after
        last = rest.rfind(b"<")
        if last >= 0 and _OPENING.startswith(rest[last:]):
            self._held = rest[last:]
            return last
        return len(rest)

    def _in_tag(self, rest: bytes) -> int:
        end = rest.find(b">")
        if end < 0:
            return len(rest)
        empty = rest[end - 1 : end] == b"/"
        self._state = _State.OUTSIDE if empty else _State.IN_TEXT
        self._kept = 0
        return end + 1
