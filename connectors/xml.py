"""Reading exchange messages: hardened, bounded, tolerant of a lying encoding declaration."""

from __future__ import annotations

import re

from lxml import etree

from connectors.errors import UnreadableAnswer

_DECLARATION = re.compile(rb"^<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)", re.IGNORECASE)
_LATIN_1 = {"iso-8859-1", "latin-1", "latin1"}


def parse(content: bytes) -> etree._Element:
    """The root of an exchange message, without DTD, entity or network (threats 16, 17).

    libxml2's own limits hold (depth 256, texts of 10 MB). TdTs recode files without changing their
    declaration: bytes that are plainly UTF-8 under an ISO-8859-1 declaration are read as UTF-8, and
    the reverse. Raises UnreadableAnswer with the bytes."""
    trimmed = content.removeprefix(b"\xef\xbb\xbf").strip()
    encoding = "utf-8" if _is_disguised_utf8(trimmed) else None
    try:
        root = _parse(trimmed, encoding)
    except etree.XMLSyntaxError:
        try:
            root = _parse(trimmed, "iso-8859-1")
        except (etree.XMLSyntaxError, ValueError) as e:
            raise _unreadable(content) from e
    except ValueError as e:
        raise _unreadable(content) from e
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableAnswer("La réponse du TdT porte un DOCTYPE, interdit.", raw=content)
    return root


def local_name(element: etree._Element) -> str:
    """The name without its namespace."""
    return etree.QName(element).localname


def children(element: etree._Element | None, name: str) -> list[etree._Element]:
    """Direct children of that local name, whatever their namespace."""
    if element is None:
        return []
    return [child for child in element if isinstance(child.tag, str) and local_name(child) == name]


def descend(element: etree._Element, *names: str) -> etree._Element | None:
    """The first element along a path of local names."""
    current: etree._Element | None = element
    for name in names:
        found = children(current, name)
        current = found[0] if found else None
    return current


def text(element: etree._Element | None) -> str:
    """The element's text without surrounding blanks, empty where there is none."""
    return "" if element is None else (element.text or "").strip()


def attribute(element: etree._Element | None, name: str) -> str:
    """An attribute by local name: ACTES prefixes them all, PES none."""
    if element is None:
        return ""
    for key, value in element.attrib.items():
        if etree.QName(str(key)).localname == name:
            return str(value).strip()
    return ""


def _parse(content: bytes, encoding: str | None) -> etree._Element:
    # The three cores may not import each other, so this second factory stands here, as strict.
    parser = etree.XMLParser(  # noqa: TID251 - the connectors' only parser
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        encoding=encoding,
    )
    return etree.fromstring(content, parser)  # noqa: TID251 - the connectors' only parser


def _is_disguised_utf8(content: bytes) -> bool:
    declared = _DECLARATION.match(content)
    if declared is None or declared.group(1).decode("ascii").lower() not in _LATIN_1:
        return False
    if content.isascii():
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _unreadable(content: bytes) -> UnreadableAnswer:
    return UnreadableAnswer("La réponse du TdT n'est pas un XML lisible.", raw=content)
