"""Documents that take no stamp."""

from __future__ import annotations

import zlib

import pytest
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm

from signing.facts import StampObstacle
from signing.pdf_reading import DEFAULT_LIMITS, open_pdf, signature_fields
from signing.stamp_obstacles import stamp_obstacle
from tests.builders.library_pdf import approved, approved_with_lock, certified
from tests.builders.pdf import simple_pdf, stream, with_catalog
from tests.builders.stamps import PDF_A, xmp
from tests.pki.tree import PkiTree, shared_tree


@pytest.fixture(scope="module")
def tree() -> PkiTree:
    return shared_tree()


def obstacle_of(document: bytes) -> StampObstacle | None:
    reader = open_pdf(document)
    return stamp_obstacle(reader, signature_fields(reader, DEFAULT_LIMITS))


def described(packet: bytes, entries: bytes = b"") -> bytes:
    return with_catalog(
        b"/Metadata 9 0 R", {9: stream(packet, b"/Type /Metadata /Subtype /XML " + entries)}
    )


class TestPdfA:
    @pytest.mark.parametrize(
        "document",
        [
            pytest.param(described(xmp(PDF_A)), id="attributes"),
            pytest.param(described(xmp(PDF_A.replace("pdfaid", "a"))), id="another-prefix"),
            pytest.param(described(xmp(PDF_A.replace('"', "'"))), id="quotes"),
            pytest.param(described(xmp(PDF_A, encoding="utf-16")), id="utf-16"),
            pytest.param(
                described(zlib.compress(xmp(PDF_A)), b"/Filter /FlateDecode"), id="compressed"
            ),
        ],
    )
    def test_is_what_its_metadata_claim(self, document: bytes) -> None:
        assert obstacle_of(document) is StampObstacle.PDF_A

    @pytest.mark.parametrize(
        "document",
        [
            pytest.param(simple_pdf(), id="no-metadata"),
            pytest.param(described(xmp("")), id="other-metadata"),
            pytest.param(
                described(xmp('xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"')), id="claims-none"
            ),
            pytest.param(described(b"\x00", b"/Filter /FlateDecode"), id="unreadable"),
            pytest.param(with_catalog(b"/Metadata 4"), id="no-stream"),
        ],
    )
    def test_another_document_takes_a_stamp(self, document: bytes) -> None:
        assert obstacle_of(document) is None


class TestCertified:
    @pytest.mark.parametrize("permission", [MDPPerm.FILL_FORMS, MDPPerm.ANNOTATE])
    def test_threat_05_a_certification_that_allows_signatures_allows_no_stamp(
        self, tree: PkiTree, permission: MDPPerm
    ) -> None:
        document = certified(simple_pdf(), tree, permission)
        assert obstacle_of(document) is StampObstacle.CERTIFIED

    def test_threat_05_neither_does_the_lock_of_an_approval(self, tree: PkiTree) -> None:
        lock = FieldMDPSpec(FieldMDPAction.INCLUDE, fields=["Visa"])
        document = approved_with_lock(
            simple_pdf(), tree, permission=MDPPerm.FILL_FORMS, fields=lock
        )
        assert obstacle_of(document) is StampObstacle.CERTIFIED

    def test_an_approval_without_lock_allows_one(self, tree: PkiTree) -> None:
        assert obstacle_of(approved(simple_pdf(), tree)) is None
