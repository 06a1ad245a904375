"""A PDF is signed only when its own bytes give the attributes that the server sent."""

from __future__ import annotations

import pytest
from asn1crypto import cms, core
from cryptography.hazmat.primitives.asymmetric import ec

from agent.errors import JobRefused
from agent.recompute import check_item
from agent.recompute_pdf import last_byte_range
from app.demo.pki import Issued
from tests.builders.agent_documents import PreparedItem, prepared_pdf
from tests.builders.agent_items import create_item, with_document, with_entry
from tests.builders.tokens import create_signer


@pytest.fixture(scope="module")
def signer() -> Issued:
    return create_signer()


@pytest.fixture(scope="module")
def pdf(signer: Issued) -> PreparedItem:
    return prepared_pdf(signer)


def refusal(prepared: PreparedItem, signer: Issued, **overrides: object) -> str:
    with pytest.raises(JobRefused) as refused:
        check_item(create_item(prepared, **overrides), prepared.document, certificate=signer.der)
    return refused.value.code


def test_accepts_what_the_engine_prepared(pdf: PreparedItem, signer: Issued) -> None:
    check_item(create_item(pdf), pdf.document, certificate=signer.der)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1()], ids=["P-256", "P-384"])
def test_accepts_what_the_engine_prepared_for_an_elliptic_key(curve: ec.EllipticCurve) -> None:
    signer = create_signer(key=ec.generate_private_key(curve))
    pdf = prepared_pdf(signer)
    check_item(create_item(pdf), pdf.document, certificate=signer.der)


def test_the_byte_range_covers_all_but_the_gap(pdf: PreparedItem) -> None:
    gap = last_byte_range(pdf.document)
    assert pdf.document[gap.gap_start : gap.gap_end].strip(b"<0>") == b""


def test_refuses_a_byte_changed_in_the_page(pdf: PreparedItem, signer: Issued) -> None:
    changed = with_document(pdf, pdf.document.replace(b"[0 0 200 200]", b"[0 0 200 201]"))
    assert refusal(changed, signer) == "digest_differs"


def test_refuses_bytes_added_after_the_signed_range(pdf: PreparedItem, signer: Issued) -> None:
    assert refusal(with_document(pdf, pdf.document + b"\n% suite"), signer) == "byte_range"


def test_refuses_a_gap_that_is_not_empty(pdf: PreparedItem, signer: Issued) -> None:
    gap = last_byte_range(pdf.document)
    filled = bytearray(pdf.document)
    filled[gap.gap_start + 1] = ord("a")
    assert refusal(with_document(pdf, bytes(filled)), signer) == "byte_range"


def test_refuses_a_gap_outside_contents(pdf: PreparedItem, signer: Issued) -> None:
    moved = pdf.document.replace(b"/Contents <00", b"/Contants <00")
    assert moved != pdf.document
    assert refusal(with_document(pdf, moved), signer) == "byte_range"


@pytest.mark.parametrize("document", [b"", b"%PDF-1.7", b"/ByteRange [0 1 2]", b"/ByteRange [1 "])
def test_refuses_a_file_without_byte_range(document: bytes) -> None:
    with pytest.raises(JobRefused) as refused:
        last_byte_range(document)
    assert refused.value.code == "byte_range"


def test_refuses_the_attributes_of_another_certificate(pdf: PreparedItem) -> None:
    assert refusal(pdf, create_signer("Dominique Martin")) == "certificate_differs"


def test_refuses_an_attribute_more(pdf: PreparedItem, signer: Issued) -> None:
    to_sign = with_entry(pdf, 0, tbs=_with_signing_time)
    assert refusal(pdf, signer, to_sign=to_sign) == "attributes_unexpected"


def test_refuses_an_attribute_less(pdf: PreparedItem, signer: Issued) -> None:
    to_sign = with_entry(pdf, 0, tbs=_without_certificate)
    assert refusal(pdf, signer, to_sign=to_sign) == "attributes_unexpected"


def test_refuses_attributes_that_are_not_in_the_order_of_der(
    pdf: PreparedItem, signer: Issued
) -> None:
    to_sign = with_entry(pdf, 0, tbs=_in_another_order)
    assert refusal(pdf, signer, to_sign=to_sign) == "attributes_unexpected"


def test_refuses_a_second_certificate(pdf: PreparedItem, signer: Issued) -> None:
    to_sign = with_entry(pdf, 0, tbs=_with_two_certificates)
    assert refusal(pdf, signer, to_sign=to_sign) == "certificate_differs"


@pytest.mark.parametrize("tbs", [b"", b"\x31", b"\x31\x00", b"\x30\x03\x02\x01\x05", b"A" * 32])
def test_refuses_a_bare_hash_or_any_other_bytes(
    pdf: PreparedItem, signer: Issued, tbs: bytes
) -> None:
    to_sign = with_entry(pdf, 0, tbs=lambda _: tbs)
    assert refusal(pdf, signer, to_sign=to_sign) == "attributes_unexpected"


def test_refuses_a_mechanism_of_another_key(pdf: PreparedItem, signer: Issued) -> None:
    to_sign = with_entry(pdf, 0, mechanism=lambda _: "ecdsa-sha256")
    assert refusal(pdf, signer, to_sign=to_sign) == "algorithm_refused"


def _with_signing_time(tbs: bytes) -> bytes:
    attributes = cms.CMSAttributes.load(tbs)
    attributes.append(cms.CMSAttribute({"type": "signing_time", "values": [_moment()]}))
    return bytes(attributes.dump(force=True))


def _without_certificate(tbs: bytes) -> bytes:
    kept = [a for a in cms.CMSAttributes.load(tbs) if a["type"].native != "signing_certificate_v2"]
    return bytes(cms.CMSAttributes(kept).dump())


def _in_another_order(tbs: bytes) -> bytes:
    body = b"".join(reversed([one.dump() for one in cms.CMSAttributes.load(tbs)]))
    return tbs[: len(tbs) - len(body)] + body


def _with_two_certificates(tbs: bytes) -> bytes:
    attributes = cms.CMSAttributes.load(tbs)
    (named,) = (one for one in attributes if one["type"].native == "signing_certificate_v2")
    certificates = named["values"][0]["certs"]
    certificates.append(certificates[0].copy())
    return bytes(attributes.dump(force=True))


def _moment() -> cms.Time:
    return cms.Time({"utc_time": core.UTCTime("260312093000Z")})
