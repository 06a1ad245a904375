"""Stamps, documents signed with them, and where independent programs see them."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from subprocess import run

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from app.demo.pki import Issued
from signing import pades
from signing.types import Stamp
from tests.builders.signed_pdf import completed, parameters

MENTION = "Pour le Maire et par délégation, l’adjointe aux œuvres"
NAME = "Camille EXEMPLE"
_WORD = re.compile(
    r'<word xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">(.*)</word>'
)
WHEN = "Le 1er septembre 2026, à Saint-Modèle"


def a_stamp(*lines: str, page: int = -1, x: float = 10, y: float = 20) -> Stamp:
    """A stamp of 200 by 70 points, which says the usual lines unless others are given."""
    return Stamp(lines or (MENTION, NAME, WHEN), page, x, y)


def stamped(
    document: bytes, signer: Issued, stamp: Stamp, *, chain: tuple[bytes, ...] = ()
) -> bytes:
    """Both phases, with a stamp."""
    return completed(pades.prepare(document, parameters(signer, chain=chain), stamp), signer)


def xmp(identification: str, *, encoding: str = "utf-8") -> bytes:
    """A metadata packet with this description."""
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"<rdf:Description {identification} /></rdf:RDF></x:xmpmeta>"
    )
    return packet.encode(encoding)


PDF_A = 'xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" pdfaid:part="2" pdfaid:conformance="B"'


def words_seen(document: bytes, tmp_path: Path, pdftotext: str) -> list[tuple[str, list[float]]]:
    """Each word that poppler reads on the pages as displayed, with its left, top, right and bottom
    from the upper left corner."""
    path = tmp_path / "seen.pdf"
    path.write_bytes(document)
    command = (pdftotext, "-bbox", "-cropbox", str(path), "-")
    told = run(command, capture_output=True, check=True, timeout=60).stdout
    return [
        (unescape(word), [float(side) for side in sides])
        for *sides, word in _WORD.findall(told.decode())
    ]


def text_seen(document: bytes, tmp_path: Path, pdftotext: str, *, page: int | None = None) -> str:
    """What poppler reads on a page or on all of them, its words one space apart."""
    path = tmp_path / "read.pdf"
    path.write_bytes(document)
    pages = () if page is None else ("-f", str(page), "-l", str(page))
    told = run((pdftotext, *pages, str(path), "-"), capture_output=True, check=True, timeout=60)
    return " ".join(told.stdout.decode().split())


def widgets(reader: PdfFileReader) -> list[generic.DictionaryObject]:
    """The signature fields of a document, in the order of its form."""
    return [one.get_object() for one in reader.root["/AcroForm"]["/Fields"]]
