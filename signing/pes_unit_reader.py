"""Reads the comparable units of a flow, one at a time.

Everything that a flow says belongs to exactly one unit: an element that no rule names is compared
all the same. Memory does not grow with the flow; comments, which are never signed, and white space
between elements are left out (pes-v2.md §1.1, §1.3, §1.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from xml.parsers import expat

from signing import xml
from signing.errors import UnsupportedDocument
from signing.pes_bytes import EXPAT_ROOT, feed
from signing.pes_structure import DOMAIN_KINDS
from signing.pes_units import (
    DEFAULT_UNIT_LIMITS,
    OpenUnit,
    RunningDigest,
    RunningText,
    Unit,
    UnitKind,
    UnitLimits,
    too_large,
)
from signing.xmldsig import DS

BLOCK_SIZE = 64 * 1024
_SIGNATURE = f"{DS} Signature"
_ATTACHMENTS = "PES_PJ"
_BELOW = {
    (UnitKind.DOMAIN, "Bordereau"): UnitKind.SLIP,
    (UnitKind.DOMAIN, "PJ"): UnitKind.ATTACHMENT,
    (UnitKind.SLIP, "Piece"): UnitKind.ITEM,
    (UnitKind.ITEM, "LigneDePiece"): UnitKind.LINE,
}
_HEADERS = frozenset({"Enveloppe", "EnTetePES"})


def read_units(document: bytes | Path, limits: UnitLimits = DEFAULT_UNIT_LIMITS) -> Iterator[Unit]:
    """The units of a flow, a unit after those below it.

    Raises UnsupportedDocument (`xml_not_well_formed`, `xml_doctype`, `xml_too_deep`,
    `pes_unknown_root`, `pes_out_of_order`, `comparison_too_large`)."""
    size = len(document) if isinstance(document, bytes) else document.stat().st_size
    if size > limits.max_bytes:
        raise too_large(f"le fichier dépasse {limits.max_bytes // 2**20} Mio")
    reader = _Reader(limits)
    for block in _blocks(document):
        yield from reader.feed(block, final=False)
    yield from reader.feed(b"", final=True)


def _blocks(document: bytes | Path) -> Iterator[bytes]:
    if isinstance(document, bytes):
        for start in range(0, len(document), BLOCK_SIZE):
            yield document[start : start + BLOCK_SIZE]
        return
    with document.open("rb") as stream:
        while block := stream.read(BLOCK_SIZE):
            yield block


class _Reader:
    """The streaming pass; `feed` gives the units that ended in the block."""

    def __init__(self, limits: UnitLimits) -> None:
        self._limits = limits
        self._names: list[str] = []
        self._paths: list[str] = []
        self._texts: list[RunningText | None] = []
        self._unit: OpenUnit | None = None
        self._signature: tuple[int, RunningDigest] | None = None
        self._ended: list[Unit] = []
        self._count = 0
        reader = xml.stream_parser()
        reader.buffer_text = True
        reader.StartElementHandler = self._open
        reader.EndElementHandler = self._close
        reader.CharacterDataHandler = self._text
        self._expat: expat.XMLParserType = reader

    def feed(self, block: bytes, *, final: bool) -> Iterable[Unit]:
        feed(self._expat, block, final=final)
        ended, self._ended = self._ended, []
        return ended

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        depth = len(self._names) + 1
        self._refuse(name, depth)
        kind, path = self._kind(name, depth), ""
        if kind is not None:
            self._begin(kind, name, depth)
        else:
            above, own = self._paths[-1], _written(name) if " " in name else name
            path = f"{above}/{own}" if above else own
        self._names.append(name)
        self._texts.append(None)
        self._paths.append(path)
        if name == _SIGNATURE and self._signature is None:
            self._signature = (depth, RunningDigest())
        self._note(path, attributes)

    def _refuse(self, name: str, depth: int) -> None:
        if depth == 1 and name != EXPAT_ROOT:
            raise UnsupportedDocument(
                "La comparaison n'est pas calculée : ce fichier n'est pas un PES Aller.",
                code="pes_unknown_root",
            )
        if depth > self._limits.max_depth:
            raise UnsupportedDocument(
                "La comparaison n'est pas calculée : le fichier imbrique trop d'éléments.",
                code="xml_too_deep",
            )

    def _kind(self, name: str, depth: int) -> UnitKind | None:
        """The unit that this element begins, if it begins one."""
        unit = self._unit
        if unit is None:
            return UnitKind.HEADER
        if depth != unit.depth + 1 or self._signature is not None:
            return None
        if depth == 2:
            if name in _HEADERS:
                return UnitKind.HEADER
            return None if name == _SIGNATURE else UnitKind.DOMAIN
        kind = _BELOW.get((unit.kind, name))
        if kind is UnitKind.SLIP and unit.branch not in DOMAIN_KINDS:
            return None
        return None if kind is UnitKind.ATTACHMENT and unit.branch != _ATTACHMENTS else kind

    def _begin(self, kind: UnitKind, name: str, depth: int) -> None:
        above = self._unit
        branch = name if depth <= 2 or above is None else above.branch
        self._unit = OpenUnit(kind, branch, depth, above)
        self._count += 1
        if self._count > self._limits.max_units:
            raise too_large(f"le flux contient plus de {self._limits.max_units} lignes et pièces")

    def _note(self, path: str, attributes: Mapping[str, str]) -> None:
        """An element becomes part of the unit that holds it, a signature as one value."""
        unit = self._unit
        assert unit is not None
        if self._signature is not None:
            self._signature[1].add(path, *(part for pair in attributes.items() for part in pair))
            return
        if not attributes:
            unit.say(path)
        for name, value in attributes.items():
            if name == "V":
                unit.say_value(path, value)
            else:
                own = f"@{_written(name)}"
                unit.say(f"{path}/{own}" if path else own, value)

    def _text(self, text: str) -> None:
        held = self._texts[-1]
        if held is None:
            if text.isspace():
                return
            held = self._texts[-1] = RunningText(keeps_spaces=self._names[-1] != "Fichier")
        held.add(text)

    def _close(self, _name: str) -> None:
        depth, path, text = len(self._names), self._paths.pop(), self._texts.pop()
        self._names.pop()
        unit = self._unit
        assert unit is not None
        if text is not None and self._signature is not None:
            self._signature[1].add(path, text.value())
        elif text is not None:
            unit.say(path, text.value())
        if self._signature is not None and self._signature[0] == depth:
            unit.say(path, self._signature[1].value())
            self._signature = None
        if unit.depth == depth:
            self._ended.append(unit.close())
            self._unit = unit.above


def _written(name: str) -> str:
    """A name as paths have it: a foreign one is not taken for one of the flow's."""
    namespace, _, local = name.rpartition(" ")
    return f"{{{namespace}}}{local}" if namespace else local
