"""A file is signed apart only when its own bytes and what is shown give the attributes sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from asn1crypto import cms, core
from cryptography.hazmat.primitives.asymmetric import ec

from agent.errors import JobRefused
from agent.recompute import check_item
from app.demo.pki import Issued
from tests.builders.agent_documents import PreparedItem, prepared_detached, prepared_pdf
from tests.builders.agent_items import create_item, with_document, with_entry
from tests.builders.tokens import create_signer

MENTION = "Par délégation du maire, l'adjointe"


@pytest.fixture(scope="module")
def signer() -> Issued:
    return create_signer()


@pytest.fixture(scope="module")
def letter(signer: Issued) -> PreparedItem:
    return prepared_detached(signer, role=MENTION)


def refusal(prepared: PreparedItem, signer: Issued, **overrides: object) -> str:
    with pytest.raises(JobRefused) as refused:
        check_item(create_item(prepared, **overrides), prepared.document, certificate=signer.der)
    return refused.value.code


def refused_with(
    letter: PreparedItem, signer: Issued, change: Callable[[cms.CMSAttributes], None]
) -> str:
    """What the agent says of the attributes after this change, put back in DER."""

    def changed(tbs: bytes) -> bytes:
        attributes = cms.CMSAttributes.load(tbs)
        change(attributes)
        return bytes(attributes.dump(force=True))

    return refusal(letter, signer, to_sign=with_entry(letter, 0, tbs=changed))


def named(attributes: cms.CMSAttributes, name: str) -> cms.CMSAttribute:
    return next(one for one in attributes if one["type"].native == name)


def test_accepts_what_the_engine_prepared(letter: PreparedItem, signer: Issued) -> None:
    check_item(create_item(letter), letter.document, certificate=signer.der)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1()], ids=["P-256", "P-384"])
def test_accepts_what_the_engine_prepared_for_an_elliptic_key(curve: ec.EllipticCurve) -> None:
    signer = create_signer(key=ec.generate_private_key(curve))
    letter = prepared_detached(signer)
    check_item(create_item(letter), letter.document, certificate=signer.der)


def test_accepts_any_bytes(signer: Issued) -> None:
    archive = prepared_detached(signer, b"PK\x03\x04" + bytes(range(256)) * 100)
    check_item(create_item(archive), archive.document, certificate=signer.der)


def test_threat_28_refuses_the_attributes_of_another_document(
    letter: PreparedItem, signer: Issued
) -> None:
    changed = with_document(letter, letter.document + b" ")
    assert refusal(changed, signer) == "digest_differs"


def test_refuses_other_bytes_than_the_folders(letter: PreparedItem, signer: Issued) -> None:
    other = hashlib.sha256(b"autre").hexdigest()
    assert refusal(letter, signer, source_sha256=other) == "source_differs"


def test_refuses_the_attributes_of_another_certificate(letter: PreparedItem) -> None:
    assert refusal(letter, create_signer("Dominique Martin")) == "certificate_differs"


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        ({"claimed_role": "Maire"}, "role_differs"),
        ({"claimed_role": ""}, "role_differs"),
        ({"city": "Ailleurs"}, "place_differs"),
        ({"postal_code": "99998"}, "place_differs"),
        ({"country": "Belgique"}, "place_differs"),
        ({"signing_time": "2026-03-12T09:30:00Z"}, "time_differs"),
    ],
)
def test_refuses_to_sign_another_thing_than_what_is_shown(
    letter: PreparedItem, signer: Issued, shown: dict[str, str], code: str
) -> None:
    assert refusal(letter, signer, **shown) == code


@pytest.mark.parametrize(
    "name", ["signing_time", "signing_certificate_v2", "signer_location", "signer_attributes_v2"]
)
def test_refuses_an_attribute_less(letter: PreparedItem, signer: Issued, name: str) -> None:
    def without(tbs: bytes) -> bytes:
        kept = [one for one in cms.CMSAttributes.load(tbs) if one["type"].native != name]
        return bytes(cms.CMSAttributes(kept).dump())

    to_sign = with_entry(letter, 0, tbs=without)
    assert refusal(letter, signer, to_sign=to_sign) == "attributes_unexpected"


def test_refuses_an_attribute_in_the_place_of_another(letter: PreparedItem, signer: Issued) -> None:
    def swapped(tbs: bytes) -> bytes:
        kept = [one for one in cms.CMSAttributes.load(tbs) if one["type"].native != "signing_time"]
        kept.append(cms.CMSAttribute({"type": "mime_type", "values": ["text/plain"]}))
        return bytes(cms.CMSAttributes(kept).dump())

    to_sign = with_entry(letter, 0, tbs=swapped)
    assert refusal(letter, signer, to_sign=to_sign) == "attributes_unexpected"


def test_refuses_an_attribute_more(letter: PreparedItem, signer: Issued) -> None:
    def more(attributes: cms.CMSAttributes) -> None:
        attributes.append(cms.CMSAttribute({"type": "mime_type", "values": ["text/plain"]}))

    assert refused_with(letter, signer, more) == "attributes_unexpected"


def test_refuses_an_attribute_twice(letter: PreparedItem, signer: Issued) -> None:
    def twice(attributes: cms.CMSAttributes) -> None:
        attributes.append(named(attributes, "signing_time").copy())

    assert refused_with(letter, signer, twice) == "attributes_unexpected"


def test_refuses_another_content_type(letter: PreparedItem, signer: Issued) -> None:
    def other(attributes: cms.CMSAttributes) -> None:
        named(attributes, "content_type")["values"] = ["signed_data"]

    assert refused_with(letter, signer, other) == "attributes_unexpected"


def test_refuses_a_second_capacity(letter: PreparedItem, signer: Issued) -> None:
    def second(attributes: cms.CMSAttributes) -> None:
        claimed = named(attributes, "signer_attributes_v2")["values"][0]["claimed_attributes"]
        claimed.append(claimed[0].copy())

    assert refused_with(letter, signer, second) == "role_differs"


def test_refuses_a_time_of_another_form(letter: PreparedItem, signer: Issued) -> None:
    def generalised(attributes: cms.CMSAttributes) -> None:
        moment = named(attributes, "signing_time")["values"][0].native
        time = cms.Time({"generalized_time": core.GeneralizedTime(moment)})
        named(attributes, "signing_time")["values"] = [time]

    assert refused_with(letter, signer, generalised) == "time_differs"


@pytest.mark.parametrize("tbs", [b"", b"\x31", b"\x31\x00", b"\x30\x03\x02\x01\x05", b"A" * 32])
def test_threat_28_refuses_a_bare_hash_or_any_other_bytes(
    letter: PreparedItem, signer: Issued, tbs: bytes
) -> None:
    to_sign = with_entry(letter, 0, tbs=lambda _: tbs)
    assert refusal(letter, signer, to_sign=to_sign) == "attributes_unexpected"


def test_refuses_a_mechanism_of_another_key(letter: PreparedItem, signer: Issued) -> None:
    to_sign = with_entry(letter, 0, mechanism=lambda _: "ecdsa-sha256")
    assert refusal(letter, signer, to_sign=to_sign) == "algorithm_refused"


def test_refuses_the_attributes_of_a_pdf_in_their_place(
    letter: PreparedItem, signer: Issued
) -> None:
    pdf = prepared_pdf(signer)
    assert refusal(letter, signer, to_sign=pdf.entry["to_sign"]) == "attributes_unexpected"


def test_refuses_two_values(letter: PreparedItem) -> None:
    (one,) = letter.entry["to_sign"]
    with pytest.raises(JobRefused) as refused:
        create_item(letter, to_sign=[one, one | {"id": "autre"}])
    assert refused.value.code == "job_malformed"
