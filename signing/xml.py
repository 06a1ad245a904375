"""The one hardened XML parser factory: no DTD, no entity, no network (DESIGN D18)."""

from __future__ import annotations

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


def parse(content: bytes) -> etree._Element:
    """The root of a well-formed document without DOCTYPE.

    Raises UnsupportedDocument (`xml_not_well_formed`, `xml_doctype`)."""
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
        raise UnsupportedDocument(
            "Le fichier contient une déclaration DOCTYPE, interdite : retirez-la et redéposez.",
            code="xml_doctype",
        )
    return root
