from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.errors import Ambiguous
from connectors.multipart import FieldPart, FilePart, Part, form_data
from connectors.outbound import Body
from tests.builders.submissions import make_attachment

BOUNDARY = "limite"


async def read(body: Body) -> bytes:
    return b"".join([chunk async for chunk in body.open()])


async def read_into(sent: list[bytes], body: Body) -> None:
    async for chunk in body.open():
        sent.append(chunk)


async def test_writes_the_parts_in_order() -> None:
    parts: list[Part] = [
        FieldPart("subject", "Été".encode("iso-8859-1")),
        FilePart("acte_pdf_file", "a.pdf", make_attachment(b"%PDF-")),
    ]

    assert await read(form_data(parts, boundary=BOUNDARY)) == (
        b'--limite\r\nContent-Disposition: form-data; name="subject"\r\n\r\n\xc9t\xe9\r\n'
        b'--limite\r\nContent-Disposition: form-data; name="acte_pdf_file"; filename="a.pdf"\r\n'
        b"Content-Type: application/pdf\r\n\r\n%PDF-\r\n--limite--\r\n"
    )


async def test_announces_its_exact_size() -> None:
    body = form_data(
        [FieldPart("a", b"1"), FilePart("f", "x", make_attachment(b"z" * 200_000))],
        boundary=BOUNDARY,
    )

    assert len(await read(body)) == body.size_bytes


async def test_may_be_read_twice() -> None:
    body = form_data([FilePart("f", "x", make_attachment(b"octets"))], boundary=BOUNDARY)

    assert await read(body) == await read(body)


@pytest.mark.parametrize("field", ["sha256", "longer", "shorter"])
async def test_a_changed_file_never_reaches_its_closing_boundary(field: str) -> None:
    attachment = make_attachment(b"octets")
    changed = {
        "sha256": replace(attachment, sha256="0" * 64),
        "longer": replace(attachment, size_bytes=5),
        "shorter": replace(attachment, size_bytes=7),
    }[field]
    body = form_data([FilePart("f", "x", changed)], boundary=BOUNDARY)
    sent: list[bytes] = []

    with pytest.raises(Ambiguous):
        await read_into(sent, body)

    assert b"--limite--" not in b"".join(sent)
