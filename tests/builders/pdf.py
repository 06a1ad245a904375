"""Small PDF files written by hand, sound or hostile, and increments appended to existing ones."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from io import BytesIO

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PdfFileWriter, copy_into_new_writer

HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
_CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
_PAGES = b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>"
_PAGE = (
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R "
    b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>"
)
CONTENT = 4
FREE_NUMBER = 20


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """A stream object's body."""
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(content), content)


def simple_objects(text: bytes = b"Bonjour") -> dict[int, bytes]:
    """Catalog, page tree, one page and its text: objects 1 to 4."""
    drawing = b"BT /F1 18 Tf 20 100 Td (%s) Tj ET" % text
    return {1: _CATALOG, 2: _PAGES, 3: _PAGE, CONTENT: stream(drawing)}


def written(objects: Mapping[int, bytes], *, trailer: bytes = b"") -> bytes:
    """A one-revision file of these objects, object 1 the catalog."""
    body, places = _bodies(objects, len(HEADER))
    size = max(objects) + 1
    return HEADER + body + _table(places, size, len(HEADER) + len(body), trailer)


def simple_pdf(text: bytes = b"Bonjour") -> bytes:
    """One page, one line of text."""
    return written(simple_objects(text))


def with_catalog(entries: bytes, more: Mapping[int, bytes] | None = None) -> bytes:
    """The simple file with more catalog entries and objects."""
    objects = simple_objects() | dict(more or {})
    objects[1] = _CATALOG.replace(b">>", entries + b" >>")
    return written(objects)


def appended(document: bytes, objects: Mapping[int, bytes], *, root: int | None = None) -> bytes:
    """`document` and one more revision holding these objects."""
    start = document if document.endswith(b"\n") else document + b"\n"
    body, places = _bodies(objects, len(start))
    reader = PdfFileReader(BytesIO(document), strict=False)
    size = max(int(reader.trailer["/Size"]), max(objects, default=0) + 1)
    previous = int(re.findall(rb"startxref\s+(\d+)", document)[-1])
    number = root or reader.root_ref.idnum
    trailer = b"/Prev %d" % previous
    return (
        start
        + body
        + _table(places, size, len(start) + len(body), trailer, root=number, initial=False)
    )


def object_source(document: bytes, number: int) -> bytes:
    """The latest written body of a plain object, as bytes."""
    found = re.findall(rb"(?:^|\n)%d 0 obj\s(.*?)\s*endobj" % number, document, re.DOTALL)
    return bytes(found[-1])


def encrypted_pdf() -> bytes:
    """A file that asks for a password."""
    writer: PdfFileWriter = copy_into_new_writer(PdfFileReader(BytesIO(simple_pdf())))
    writer.encrypt(owner_pass="secret", user_pass="secret")  # type: ignore[no-untyped-call]
    output = BytesIO()
    writer.write(output)  # type: ignore[no-untyped-call]
    return output.getvalue()


def pdf_with_cyclic_kids() -> bytes:
    """A page tree that contains itself."""
    objects = simple_objects()
    objects[2] = b"<< /Type /Pages /Count 2 /Kids [3 0 R 2 0 R] >>"
    return written(objects)


def pdf_with_cyclic_previous() -> bytes:
    """A cross-reference table that names itself as the previous one."""
    document = simple_pdf()
    here = int(re.findall(rb"startxref\s+(\d+)", document)[-1])
    return document.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev %d" % here)


def pdf_with_object_stream(
    members: Mapping[int, bytes], *, layers: int = 1, padding: int = 0
) -> bytes:
    """Objects 1 and 2 plain, `members` in one object stream, found by a cross-reference stream;
    `padding` zeros more, compressed `layers` times."""
    numbers = list(members)
    bodies, header, at = [], [], 0
    for number in numbers:
        header.append(b"%d %d" % (number, at))
        bodies.append(members[number] + b"\n")
        at += len(bodies[-1])
    head = b" ".join(header) + b"\n"
    packed = _deflated(head + b"".join(bodies), padding=padding, layers=layers)
    filters = b"[" + b"/FlateDecode " * layers + b"]"
    holder = max(numbers) + 1
    entries = b"/Type /ObjStm /N %d /First %d /Filter %s" % (len(numbers), len(head), filters)
    body, places = _bodies({holder: stream(packed, entries)}, len(HEADER))
    xref_number, xref_at = holder + 1, len(HEADER) + len(body)
    rows = {
        number: b"\x02" + holder.to_bytes(4, "big") + index.to_bytes(4, "big")
        for index, number in enumerate(numbers)
    }
    rows[holder] = b"\x01" + places[holder].to_bytes(4, "big") + bytes(4)
    rows[xref_number] = b"\x01" + xref_at.to_bytes(4, "big") + bytes(4)
    table = b"".join(rows.get(n, bytes(9)) for n in range(xref_number + 1))
    xref = stream(table, b"/Type /XRef /Size %d /W [1 4 4] /Root 1 0 R" % (xref_number + 1))
    return (
        HEADER
        + body
        + b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n"
        % (
            xref_number,
            xref,
            xref_at,
        )
    )


def hybrid_pdf(*, contradictory: bool = False) -> bytes:
    """A hybrid-reference file as office programs write them: an empty second table whose stream
    adds one object; contradictory, it also moves the page's content elsewhere."""
    document = simple_pdf()
    first = int(re.findall(rb"startxref\s+(\d+)", document)[-1])
    moved = {CONTENT: stream(b"BT /F1 18 Tf 20 100 Td (Autre) Tj ET")} if contradictory else {}
    body, places = _bodies({5: b"<< /Type /StructTreeRoot >>"} | moved, len(document))
    at = len(document) + len(body)
    rows = b"".join(b"\x01" + places[n].to_bytes(4, "big") + b"\x00" for n in sorted(places))
    index = b" ".join(b"%d 1" % n for n in sorted(places))
    entries = b"/Type /XRef /Size 7 /W [1 4 1] /Root 1 0 R /Index [%s]" % index
    xref_stream = b"6 0 obj\n%s\nendobj\n" % stream(rows, entries)
    table = b"xref\n0 0\ntrailer\n<< /Size 7 /Root 1 0 R /Prev %d /XRefStm %d >>\n" % (first, at)
    start = at + len(xref_stream)
    return document + body + xref_stream + table + b"startxref\n%d\n%%%%EOF\n" % start


def pdf_with_text_field(value: bytes = b"12") -> bytes:
    """A form with one text field `amount`, object 10, its appearance in object 11."""
    drawing = stream(
        b"BT /F1 10 Tf 2 4 Td (%s) Tj ET" % value,
        b"/Type /XObject /Subtype /Form /BBox [0 0 80 20]",
    )
    objects = simple_objects()
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [10 0 R] >> >>"
    objects[3] = _PAGE.replace(b"/Contents", b"/Annots [10 0 R] /Contents")
    objects[10] = (
        b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (amount) /V (%s) /Rect [20 20 100 40] "
        b"/P 3 0 R /AP << /N 11 0 R >> >>" % value
    )
    objects[11] = drawing
    return written(objects)


def incremented(document: bytes) -> IncrementalPdfFileWriter:
    """pyHanko's writer over `document`, for changes that are easier said than written."""
    return IncrementalPdfFileWriter(BytesIO(document))


def output_of(writer: IncrementalPdfFileWriter) -> bytes:
    """The bytes of an incremental writer."""
    output = BytesIO()
    writer.write(output)  # type: ignore[no-untyped-call]
    return output.getvalue()


def _bodies(objects: Mapping[int, bytes], start: int) -> tuple[bytes, dict[int, int]]:
    parts, places, at = [], {}, start
    for number in sorted(objects):
        places[number] = at
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, objects[number]))
        at += len(parts[-1])
    return b"".join(parts), places


def _table(
    places: Mapping[int, int],
    size: int,
    start: int,
    trailer: bytes,
    *,
    root: int = 1,
    initial: bool = True,
) -> bytes:
    first = b"0 1\n0000000000 65535 f \n" if initial else b""
    rows = b"".join(b"%d 1\n%010d 00000 n \n" % (n, at) for n, at in sorted(places.items()))
    return b"xref\n%s%strailer\n<< /Size %d /Root %d 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        first,
        rows,
        size,
        root,
        trailer,
        start,
    )


def _deflated(content: bytes, *, padding: int, layers: int) -> bytes:
    packer = zlib.compressobj(9)
    packed = packer.compress(content)
    for _ in range(padding // 2**20):
        packed += packer.compress(bytes(2**20))
    packed += packer.flush()
    for _ in range(layers - 1):
        packed = zlib.compress(packed, 9)
    return packed
