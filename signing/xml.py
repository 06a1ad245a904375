"""The one hardened XML parser factory: no DTD, no entity, no network (DESIGN D18)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn, cast
from xml.parsers import expat

from lxml import etree

from signing.errors import UnsupportedDocument

MAX_DEPTH = 100


def parser() -> etree.XMLParser:
    """A parser for one document: comments dropped (they are never signed, pes-v2.md §2.7),
    entities and network off; large text nodes allowed, since attachments exceed 10 MB."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=True,
        remove_comments=True,
        remove_pis=False,
    )


def stream_parser() -> expat.XMLParserType:
    """An expat parser for a document read in blocks: names come as `namespace local`, any DOCTYPE
    raises UnsupportedDocument (`xml_doctype`) before a declaration inside it is read."""
    reader = expat.ParserCreate(namespace_separator=" ")
    reader.StartDoctypeDeclHandler = _refuse_doctype
    return reader


def _refuse_doctype(*_: object) -> NoReturn:
    raise _doctype()


class _PrologRead(Exception):
    """The root element begins: nothing after it can declare a DTD."""


def _refuse_doctype_early(content: bytes) -> None:
    """Read the prolog alone, so that libxml2 never meets an entity declaration."""

    def stop(_name: str, _attributes: object) -> NoReturn:
        raise _PrologRead

    reader = stream_parser()
    reader.StartElementHandler = stop
    try:
        reader.Parse(content, True)  # noqa: FBT003 - pyexpat takes it by position only
    except _PrologRead:
        return
    except (expat.ExpatError, ValueError, LookupError):
        # Not well formed for expat: libxml2 says so in its turn, with its line.
        return


def _doctype() -> UnsupportedDocument:
    return UnsupportedDocument(
        "Le fichier contient une déclaration DOCTYPE, interdite : retirez-la et redéposez.",
        code="xml_doctype",
    )


def parse(content: bytes) -> etree._Element:
    """The root of a well-formed document without DOCTYPE.

    Raises UnsupportedDocument (`xml_not_well_formed`, `xml_doctype`)."""
    _refuse_doctype_early(content)
    try:
        root = etree.fromstring(content, parser())
    except (etree.XMLSyntaxError, ValueError) as e:
        line = e.lineno if isinstance(e, etree.XMLSyntaxError) else None
        raise UnsupportedDocument(
            "Le fichier n'est pas un XML bien formé : refaites l'export depuis le logiciel métier.",
            code="xml_not_well_formed",
            line=line,
        ) from e
    if root.getroottree().docinfo.internalDTD is not None:
        raise _doctype()
    return root


def load_schema(path: Path) -> etree.XMLSchema | None:
    """An XML Schema with the files it includes, read from the disk alone; None when it is absent
    or unreadable."""
    try:
        return etree.XMLSchema(etree.parse(path, parser()))
    except (OSError, etree.XMLSyntaxError, etree.XMLSchemaParseError):
        return None


class _Nobody:
    """A target that asks for no event: libxml2 then builds no tree, and calls nothing of ours."""

    def close(self) -> None:
        return


class StreamValidator:
    """Holds a document fed in pieces to a schema, with the limits of `parser`. Its memory does
    not grow with the document, but with the longest text in it."""

    def __init__(self, schema: etree.XMLSchema) -> None:
        self._parser = etree.XMLParser(
            target=cast("Any", _Nobody()),
            schema=schema,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=True,
            remove_comments=True,
            remove_pis=True,
        )

    def feed(self, piece: bytes) -> None:
        """Raises etree.XMLSyntaxError where the document is not well formed."""
        self._parser.feed(piece)

    def objections(self) -> list[str]:
        """Everything that the schema has objected to so far."""
        return [one.message for one in self._parser.feed_error_log]
