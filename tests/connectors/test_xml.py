from __future__ import annotations

import pytest

from connectors import xml
from connectors.errors import UnreadableAnswer

BILLION_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]>
<a>&c;</a>"""
EXTERNAL = b"""<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>"""
PARAMETER = b"""<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd">%p;]><a/>"""
BARE = b"<!DOCTYPE a><a/>"


@pytest.mark.parametrize("content", [BILLION_LAUGHS, EXTERNAL, PARAMETER, BARE])
def test_threat_16_a_message_with_a_doctype_is_unreadable(content: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        xml.parse(content)


@pytest.mark.parametrize(
    "content", [b"", b" ", b"<a>", b"texte", b"<a/><b/>", b"\x00\x01", b"<a" * 1000]
)
def test_what_is_not_xml_is_unreadable_with_its_bytes(content: bytes) -> None:
    with pytest.raises(UnreadableAnswer) as caught:
        xml.parse(content)

    assert caught.value.raw == content


def test_threat_17_a_deep_message_is_unreadable() -> None:
    with pytest.raises(UnreadableAnswer):
        xml.parse(b"<a>" * 5000 + b"</a>" * 5000)


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("ISO-8859-1", "iso-8859-1"),
        ("UTF-8", "utf-8"),
        ("ISO-8859-1", "utf-8"),
        ("UTF-8", "iso-8859-1"),
    ],
)
def test_accents_survive_a_lying_declaration(declared: str, written: str) -> None:
    content = f'<?xml version="1.0" encoding="{declared}"?><a>délibération</a>'.encode(written)

    assert xml.text(xml.parse(content)) == "délibération"


def test_a_byte_order_mark_and_blanks_around_are_accepted() -> None:
    assert xml.local_name(xml.parse(b"\xef\xbb\xbf\n<?xml version='1.0'?><a/>\n")) == "a"


def test_descends_by_local_name_whatever_the_prefix() -> None:
    root = xml.parse(b'<p:a xmlns:p="urn:x"><p:b><c V="1"/></p:b></p:a>')

    assert xml.attribute(xml.descend(root, "b", "c"), "V") == "1"
    assert xml.descend(root, "b", "absent", "c") is None
