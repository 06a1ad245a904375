"""In which format a document is signed, by the format of its type."""

from __future__ import annotations

import pytest

from app.catalog.formats import ALLOWED, EXECUTABLE, PDF, TypeFormat, resolved_format
from app.errors import Unprocessable
from signing.types import SignatureFormat
from workflows.definition import Protocol

ODT = "application/vnd.oasis.opendocument.text"


@pytest.mark.parametrize(
    ("chosen", "media_type", "expected"),
    [
        (TypeFormat.AUTO, PDF, SignatureFormat.PADES),
        (TypeFormat.PADES, PDF, SignatureFormat.PADES),
        (TypeFormat.PES_V2, "application/xml", SignatureFormat.PES_V2),
    ],
)
def test_a_document_gets_the_format_of_its_type(
    chosen: TypeFormat, media_type: str, expected: SignatureFormat
) -> None:
    assert resolved_format(chosen, media_type) is expected


@pytest.mark.parametrize(
    ("chosen", "media_type"),
    [(TypeFormat.AUTO, ODT), (TypeFormat.PKCS7, PDF), (TypeFormat.XADES_DETACHED, PDF)],
)
def test_what_is_not_made_yet_is_said(chosen: TypeFormat, media_type: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        resolved_format(chosen, media_type)
    assert refused.value.code == "format_not_available"


def test_each_protocol_has_a_format_that_is_made() -> None:
    assert set(ALLOWED) == set(Protocol)
    assert all(EXECUTABLE.intersection(allowed) for allowed in ALLOWED.values())
