"""Writes a plain PDF 1.7 file: pages, standard fonts, at most one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.demo.typesetting import BASE_FONTS

_MEDIA_BOX = "[0 0 595 842]"
_CATALOG, _PAGES, _INFO, _PICTURE = 1, 2, 3, 4
_FIRST_FONT = 5


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in 256 greys, `pixels` row by row."""

    width: int
    height: int
    pixels: bytes


def write_pdf(
    contents: Sequence[bytes], *, title: str, identity: bytes, picture: Image | None = None
) -> bytes:
    """The file of these page contents (ISO 32000-2 §7.5); same arguments, same bytes."""
    first_page = _FIRST_FONT + len(BASE_FONTS)
    objects = {
        _CATALOG: _dictionary("/Type /Catalog /Pages 2 0 R /Lang (fr-FR)"),
        _PAGES: _page_tree(first_page, len(contents)),
        _INFO: _information(title),
        _PICTURE: _picture(picture),
    }
    for number, base in enumerate(BASE_FONTS.values(), start=_FIRST_FONT):
        objects[number] = _dictionary(
            f"/Type /Font /Subtype /Type1 /BaseFont /{base} /Encoding /WinAnsiEncoding"
        )
    for index, content in enumerate(contents):
        objects[first_page + 2 * index] = _page(first_page + 2 * index + 1)
        objects[first_page + 2 * index + 1] = _stream("", content)
    return _file(objects, identity)


def _file(objects: dict[int, bytes], identity: bytes) -> bytes:
    parts = [b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"]
    size = len(parts[0])
    offsets: list[int] = []
    for number in sorted(objects):
        offsets.append(size)
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, objects[number]))
        size += len(parts[-1])
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = len(objects) + 1
    digest = identity.hex().encode()
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table))
    parts.append(
        b"trailer\n<< /Size %d /Root 1 0 R /Info 3 0 R /ID [<%s> <%s>] >>\n"
        % (count, digest, digest)
    )
    parts.append(b"startxref\n%d\n%%%%EOF\n" % size)
    return b"".join(parts)


def _page_tree(first_page: int, count: int) -> bytes:
    kids = " ".join(f"{first_page + 2 * index} 0 R" for index in range(count))
    return _dictionary(f"/Type /Pages /Count {count} /Kids [{kids}]")


def _page(content: int) -> bytes:
    fonts = " ".join(
        f"/{name} {number} 0 R" for number, name in enumerate(BASE_FONTS, start=_FIRST_FONT)
    )
    return _dictionary(
        f"/Type /Page /Parent {_PAGES} 0 R /MediaBox {_MEDIA_BOX} /Contents {content} 0 R "
        f"/Resources << /Font << {fonts} >> /XObject << /Im1 {_PICTURE} 0 R >> >>"
    )


def _information(title: str) -> bytes:
    text = (b"\xfe\xff" + title.encode("utf-16-be")).hex().encode()
    return b"<< /Title <%s> /Producer (Parapheur) >>" % text


def _picture(picture: Image | None) -> bytes:
    image = picture or Image(1, 1, b"\xff")
    return _stream(
        f"/Type /XObject /Subtype /Image /Width {image.width} /Height {image.height} "
        "/ColorSpace /DeviceGray /BitsPerComponent 8",
        image.pixels,
    )


def _dictionary(entries: str) -> bytes:
    return f"<< {entries} >>".encode("ascii")


def _stream(entries: str, content: bytes) -> bytes:
    head = f"<< {entries} /Length {len(content)} >>".encode("ascii")
    return head + b"\nstream\n" + content + b"\nendstream"
