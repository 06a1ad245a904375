"""PDF files of several pages, and of one page made of any entries."""

from __future__ import annotations

from tests.builders.pdf import simple_objects, stream, written

_FONTS = b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"


def book(*texts: str, shift: int = 0) -> bytes:
    """A page for each text, its objects numbered from 10 + `shift`."""
    objects = {1: b"<< /Type /Catalog /Pages 2 0 R >>"}
    kids = []
    for rank, text in enumerate(texts):
        number = 10 + shift + 2 * rank
        kids.append(b"%d 0 R" % number)
        objects[number] = b"<< /Type /Page /Parent 2 0 R /Contents %d 0 R >>" % (number + 1)
        objects[number + 1] = stream(b"BT /F1 18 Tf 20 100 Td (%s) Tj ET" % text.encode())
    objects[2] = b"<< /Type /Pages /Count %d /Kids [%s] /MediaBox [0 0 200 200] %s >>" % (
        len(texts),
        b" ".join(kids),
        b"/Resources " + _FONTS,
    )
    return written(objects)


def page_with(entries: bytes, drawing: bytes = b"/X1 Do", **objects: bytes) -> bytes:
    """One page with these entries; further objects by number: `o20=`."""
    all_objects = simple_objects()
    all_objects[3] = b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R %s >>" % entries
    all_objects[4] = stream(drawing)
    all_objects |= {int(name[1:]): body for name, body in objects.items()}
    return written(all_objects)
