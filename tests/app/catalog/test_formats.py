"""In which format a document is signed, by the format of its type."""

from __future__ import annotations

import pytest

from app.catalog.formats import (
    ALLOWED,
    EXECUTABLE,
    PDF,
    TypeFormat,
    resolved_format,
    takes_any_file,
)
from app.errors import Unprocessable
from signing.types import SignatureFormat
from workflows.definition import Protocol

ODT = "application/vnd.oasis.opendocument.text"


@pytest.mark.parametrize(
    ("chosen", "media_type", "expected"),
    [
        (TypeFormat.AUTO, PDF, SignatureFormat.PADES),
        (TypeFormat.AUTO, ODT, SignatureFormat.CADES),
        (TypeFormat.AUTO, "application/xml", SignatureFormat.CADES),
        (TypeFormat.PKCS7, PDF, SignatureFormat.CADES),
        (TypeFormat.PKCS7, "application/zip", SignatureFormat.CADES),
        (TypeFormat.PADES, PDF, SignatureFormat.PADES),
        (TypeFormat.PES_V2, "application/xml", SignatureFormat.PES_V2),
    ],
)
def test_a_document_gets_the_format_of_its_type(
    chosen: TypeFormat, media_type: str, expected: SignatureFormat
) -> None:
    assert resolved_format(chosen, media_type, has_detached_signature=False) is expected


def test_a_pdf_that_came_with_a_signature_apart_is_signed_apart_again() -> None:
    chosen = [TypeFormat.AUTO, TypeFormat.PADES]
    found = [resolved_format(one, PDF, has_detached_signature=True) for one in chosen]
    assert found == [SignatureFormat.CADES, SignatureFormat.PADES]


def test_what_is_not_made_yet_is_said() -> None:
    with pytest.raises(Unprocessable) as refused:
        resolved_format(TypeFormat.XADES_DETACHED, PDF, has_detached_signature=False)
    assert refused.value.code == "format_not_available"


def test_main_documents_are_any_files_where_they_are_signed_apart_and_not_transmitted() -> None:
    taken = {(protocol, one) for protocol in Protocol for one in ALLOWED[protocol]}
    assert {pair for pair in taken if takes_any_file(*pair)} == {
        (Protocol.NONE, TypeFormat.AUTO),
        (Protocol.NONE, TypeFormat.PKCS7),
    }


def test_each_protocol_has_a_format_that_is_made() -> None:
    assert set(ALLOWED) == set(Protocol)
    assert all(EXECUTABLE.intersection(allowed) for allowed in ALLOWED.values())
