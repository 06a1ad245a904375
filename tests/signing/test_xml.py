"""The one hardened parser factory."""

from __future__ import annotations

from pathlib import Path

import pytest

from signing import xml
from signing.errors import UnsupportedDocument


def refusal(content: bytes) -> UnsupportedDocument:
    with pytest.raises(UnsupportedDocument) as caught:
        xml.parse(content)
    return caught.value


def test_comments_are_dropped() -> None:
    assert xml.parse(b"<a>b<!-- c -->d</a>").text == "bd"


def test_a_text_beyond_ten_megabytes_is_read() -> None:
    assert len(xml.parse(b"<a>" + b"x" * 11_000_000 + b"</a>").text or "") == 11_000_000


def test_a_fault_has_its_line() -> None:
    caught = refusal(b"<a>\n<b>\n</a>")
    assert (caught.code, caught.line) == ("xml_not_well_formed", 3)


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE a><a/>",
        b'<?xml version="1.0"?><!-- x --><!DOCTYPE a [<!ENTITY e "v">]><a b="&e;">&e;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        '<!DOCTYPE a [<!ENTITY e "v">]><a>&e;</a>'.encode("utf-16"),
    ],
)
def test_threat_16_any_doctype_is_refused(content: bytes) -> None:
    assert refusal(content).code == "xml_doctype"


def test_threat_17_a_hundred_thousand_levels_are_refused() -> None:
    assert refusal(b"<a>" * 100_000).code == "xml_not_well_formed"


@pytest.mark.parametrize("content", [b"", b"\x00", b"texte", b'<?xml version="1.0" encoding="?"?>'])
def test_what_is_not_xml_is_refused(content: bytes) -> None:
    assert refusal(content).code == "xml_not_well_formed"


def test_a_schema_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert xml.load_schema(tmp_path / "absent.xsd") is None


def test_a_schema_that_is_no_schema_is_none(tmp_path: Path) -> None:
    path = tmp_path / "broken.xsd"
    path.write_bytes(b"<a/>")
    assert xml.load_schema(path) is None
