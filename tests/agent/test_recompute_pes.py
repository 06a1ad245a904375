"""A PES flow is signed only when its slips and the item give what the server sent."""

from __future__ import annotations

from typing import Any

import pytest

from agent.errors import JobRefused
from agent.recompute import check_item
from app.demo.pki import Issued
from tests.builders.agent_documents import PreparedItem, prepared_pes
from tests.builders.agent_items import create_item, with_document, with_entry
from tests.builders.tokens import create_signer

SHA1 = b"http://www.w3.org/2000/09/xmldsig#sha1"
SHA256 = b"http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA1 = b"http://www.w3.org/2000/09/xmldsig#rsa-sha1"
RSA_SHA256 = b"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ENVELOPED = b"http://www.w3.org/2000/09/xmldsig#enveloped-signature"
XPATH = b"http://www.w3.org/TR/1999/REC-xpath-19991116"


@pytest.fixture(scope="module")
def signer() -> Issued:
    return create_signer()


@pytest.fixture(scope="module")
def flow(signer: Issued) -> PreparedItem:
    return prepared_pes(signer)


def refusal(prepared: PreparedItem, signer: Issued, **overrides: object) -> str:
    with pytest.raises(JobRefused) as refused:
        check_item(create_item(prepared, **overrides), prepared.document, certificate=signer.der)
    return refused.value.code


def test_accepts_what_the_engine_prepared(flow: PreparedItem, signer: Issued) -> None:
    check_item(create_item(flow), flow.document, certificate=signer.der)


@pytest.mark.parametrize(
    ("code", "overrides"),
    [
        ("role_differs", {"claimed_role": "Adjointe"}),
        ("place_differs", {"city": "Autreville"}),
        ("place_differs", {"postal_code": "11111"}),
        ("place_differs", {"country": "Belgique"}),
        ("time_differs", {"signing_time": "2026-01-01T00:00:00Z"}),
        ("policy_differs", {"policy": None}),
        ("policy_differs", {"policy": {"oid": "1.2.3", "digest_b64": "AAAA"}}),
        ("source_differs", {"source_sha256": "0" * 64}),
        ("document_differs", {"download_sha256": "0" * 64}),
        ("summary_differs", {"summary": {"slips": 1, "amount_incl_tax": "300.00"}}),
        ("summary_differs", {"summary": {"slips": 2, "amount_incl_tax": "299.99"}}),
    ],
)
def test_refuses_an_item_that_says_something_else(
    flow: PreparedItem, signer: Issued, code: str, overrides: dict[str, Any]
) -> None:
    assert refusal(flow, signer, **overrides) == code


def test_the_figures_may_be_left_out(flow: PreparedItem, signer: Issued) -> None:
    item = create_item(flow, summary=None)
    check_item(item, flow.document, certificate=signer.der)


def test_refuses_an_amount_changed_in_the_flow(flow: PreparedItem, signer: Issued) -> None:
    changed = with_document(flow, flow.document.replace(b'MtHT V="125.00"', b'MtHT V="925.00"'))
    assert refusal(changed, signer) == "digest_differs"


def test_refuses_a_target_that_is_no_slip(flow: PreparedItem, signer: Issued) -> None:
    to_sign = with_entry(flow, 0, target_id=lambda _: "AUTRE")
    assert refusal(flow, signer, to_sign=to_sign) == "target_unknown"


def test_refuses_an_id_met_twice(flow: PreparedItem, signer: Issued) -> None:
    doubled = flow.document.replace(b'Bordereau Id="BORD2"', b'Bordereau Id="BORD1"')
    assert refusal(with_document(flow, doubled), signer) == "target_unknown"


def test_refuses_the_value_of_another_slip(flow: PreparedItem, signer: Issued) -> None:
    other = flow.entry["to_sign"][1]["target_id"]
    to_sign = with_entry(flow, 0, target_id=lambda _: other)
    assert refusal(flow, signer, to_sign=to_sign) == "signed_info_unexpected"


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("algorithm_refused", RSA_SHA256, RSA_SHA1),
        ("algorithm_refused", SHA256, SHA1),
        ("signed_info_unexpected", ENVELOPED, XPATH),
        ("signed_info_unexpected", b'URI="#BORD1"', b'URI=""'),
        (
            "signed_info_unexpected",
            b"</ds:SignedInfo>",
            b"<ds:Reference></ds:Reference></ds:SignedInfo>",
        ),
        ("signed_info_unexpected", b"<ds:SignedInfo", b"<ds:SignedInfo  "),
        ("signed_info_unexpected", b"SignedInfo", b"Manifest"),
        ("signed_info_unexpected", b'SignedProperties"', b'Autre"'),
        ("signed_info_unexpected", b"</ds:Transforms>", b"texte</ds:Transforms>"),
    ],
)
def test_refuses_another_form_of_signed_info(
    flow: PreparedItem, signer: Issued, code: str, old: bytes, new: bytes
) -> None:
    to_sign = with_entry(flow, 0, tbs=lambda tbs: _replaced(tbs, old, new))
    assert refusal(flow, signer, to_sign=to_sign) == code


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("role_differs", b">Maire<", b">Adjointe<"),
        ("place_differs", b">Sainte-Fiction<", b">Autreville<"),
        ("policy_differs", b"urn:oid:1.2.250.1.131.1.5.18.21.1.7", b"urn:oid:1.2.3"),
        ("algorithm_refused", SHA256, SHA1),
        ("signed_properties_differ", b"<xad:SignerRole>", b"<xad:SignerRole> "),
        ("signed_properties_differ", b"v1.2.2#", b"v9.9.9#"),
    ],
)
def test_refuses_other_signed_properties(
    flow: PreparedItem, signer: Issued, code: str, old: bytes, new: bytes
) -> None:
    to_sign = with_entry(flow, 0, signed_properties=lambda p: _replaced(p, old, new))
    assert refusal(flow, signer, to_sign=to_sign) == code


def test_refuses_the_properties_of_another_certificate(flow: PreparedItem) -> None:
    assert refusal(flow, create_signer("Dominique Martin")) == "certificate_differs"


def test_refuses_a_bare_hash(flow: PreparedItem, signer: Issued) -> None:
    to_sign = with_entry(flow, 0, tbs=lambda _: b"A" * 32)
    assert refusal(flow, signer, to_sign=to_sign) == "signed_info_unexpected"


def test_refuses_a_flow_with_a_doctype(flow: PreparedItem, signer: Issued) -> None:
    doctype = flow.document.replace(b"<n:PES_Aller", b'<!DOCTYPE x [<!ENTITY e "a">]><n:PES_Aller')
    assert refusal(with_document(flow, doctype), signer) == "document_unreadable"


def test_refuses_another_kind_of_document(flow: PreparedItem, signer: Issued) -> None:
    assert refusal(with_document(flow, b"<autre/>"), signer) == "document_unreadable"


def _replaced(content: bytes, old: bytes, new: bytes) -> bytes:
    assert old in content
    return content.replace(old, new)
