"""Signature of a flow in two phases: what is prepared, what is refused, what is written."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from app.demo.flows import Flow, make_pes
from app.demo.pki import make_tls_client, valid_for
from signing import pes, xml
from signing.errors import (
    BadSignatureValue,
    SigningError,
    UnsuitableCertificate,
    UnsupportedDocument,
)
from signing.policies import HELIOS_2018, HELIOS_2018_XADES_1_1_1, SignaturePolicy
from signing.types import JsonObject, Place, Prepared, SignatureValue
from signing.xmldsig import canonical
from tests.builders.pes import (
    NOW,
    Signer,
    authority,
    judged,
    make_pes_signer,
    parameters,
    sign_flow,
    signer,
    values,
    weak_rsa_key,
)

POLICIES = {"XAdES 1.2.2": HELIOS_2018, "XAdES 1.1.1": HELIOS_2018_XADES_1_1_1}
each_policy = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())


def prepared(document: bytes | None = None, who: Signer | None = None) -> Prepared:
    return pes.prepare(document or make_pes(), parameters(who), HELIOS_2018)


def refused_to_prepare(document: bytes) -> str:
    with pytest.raises(UnsupportedDocument) as caught:
        prepared(document)
    return caught.value.code


class TestPrepare:
    def test_one_value_for_each_slip_expense_first(self) -> None:
        document = make_pes(Flow(expense_slips=2, revenue_slips=1))
        assert [one.id for one in prepared(document).to_sign] == [
            "BORDDEP101",
            "BORDDEP102",
            "BORDREC101",
        ]

    def test_one_value_for_the_whole_file_when_a_slip_has_no_id(self) -> None:
        document = make_pes(Flow(expense_slips=2, slip_ids=False))
        assert [one.target_id for one in prepared(document).to_sign] == ["FLUX1"]

    def test_the_document_is_the_source_itself(self) -> None:
        source = make_pes()
        done = prepared(source)
        assert done.document is source
        assert done.document_sha256 == done.source_sha256 == hashlib.sha256(source).hexdigest()

    def test_what_is_signed_can_be_rebuilt_by_whoever_holds_the_document(self) -> None:
        source = make_pes()
        (one,) = prepared(source).to_sign
        (slip,) = xml.parse(source).iter("Bordereau")
        assert one.signed_properties is not None
        digests = [
            b64decode(found.text or "") for found in xml.parse(one.tbs).iter("{*}DigestValue")
        ]
        assert digests == [
            hashlib.sha256(canonical(slip)).digest(),
            hashlib.sha256(one.signed_properties).digest(),
        ]

    def test_the_state_between_the_phases_is_plain_json(self) -> None:
        resume = prepared().resume
        assert json.loads(json.dumps(resume)) == resume

    def test_a_slip_without_id_and_a_root_without_id_cannot_be_signed(self) -> None:
        assert refused_to_prepare(make_pes(Flow(slip_ids=False, root_id=False))) == (
            "pes_no_signable_id"
        )

    def test_a_flow_not_marked_is_refused(self) -> None:
        assert refused_to_prepare(make_pes(Flow(dematerialised=False))) == "pes_not_dematerialised"

    def test_a_signed_flow_is_refused(self) -> None:
        assert refused_to_prepare(sign_flow(make_pes())) == "pes_already_signed"

    def test_attachments_alone_are_refused(self) -> None:
        document = make_pes(Flow(expense_slips=0, attachments=1))
        assert refused_to_prepare(document) == "pes_nothing_to_sign"

    def test_another_document_is_refused(self) -> None:
        assert refused_to_prepare(b"<a/>") == "pes_unknown_root"

    def test_an_identifier_that_is_no_name_is_refused(self) -> None:
        document = make_pes().replace(b'Id="BORDDEP101"', b'Id="1 BORD"')
        assert refused_to_prepare(document) == "pes_invalid_id"

    def test_an_identifier_that_ours_would_repeat_is_refused(self) -> None:
        document = make_pes().replace(b"<Piece>", b'<Piece Id="BORDDEP101_SIG_1_SP">', 1)
        assert refused_to_prepare(document) == "pes_duplicate_id"

    def test_a_slip_outside_its_domain_is_refused(self) -> None:
        document = make_pes().replace(
            b"</n:PES_Aller>", b'<Autre><Bordereau Id="X"></Bordereau></Autre></n:PES_Aller>'
        )
        assert refused_to_prepare(document) == "pes_slip_misplaced"

    def test_a_relative_namespace_is_refused(self) -> None:
        document = make_pes().replace(b"<Piece>", b'<Piece xmlns:r="relatif" r:a="1">', 1)
        assert refused_to_prepare(document) == "xml_not_canonical"

    def test_utf16_is_refused(self) -> None:
        assert refused_to_prepare(make_pes(Flow(encoding="UTF-16"))) == "pes_encoding"

    @pytest.mark.parametrize("role", ["", "  ", "Maire\x00", "Maire\u0007"])
    def test_a_role_that_cannot_be_written_is_refused(self, role: str) -> None:
        with pytest.raises(SigningError) as caught:
            pes.prepare(make_pes(), parameters(role=role), HELIOS_2018)
        assert caught.value.code == "signature_text_invalid"

    def test_a_place_without_city_is_refused(self) -> None:
        nowhere = replace(parameters(), place=Place("", "34999"))
        with pytest.raises(SigningError) as caught:
            pes.prepare(make_pes(), nowhere, HELIOS_2018)
        assert caught.value.code == "signature_text_invalid"


class TestUnsuitableCertificates:
    def refusal(self, who: Signer) -> str:
        with pytest.raises(UnsuitableCertificate) as caught:
            prepared(who=who)
        return caught.value.code

    def test_an_elliptic_curve_key(self) -> None:
        who = make_pes_signer(key=ec.generate_private_key(ec.SECP256R1()))
        assert self.refusal(who) == "pes_needs_rsa"

    def test_threat_10_a_short_rsa_key(self) -> None:
        assert self.refusal(make_pes_signer(key=weak_rsa_key())) == "pes_needs_rsa"

    def test_threat_12_an_authentication_certificate(self) -> None:
        issued = make_tls_client("client", issuer=authority(), validity=valid_for(10, now=NOW))
        assert self.refusal(Signer(issued, authority())) == "certificate_not_for_signature"

    @pytest.mark.parametrize("days", [-2, 500])
    def test_threat_12_a_certificate_out_of_its_dates(self, days: int) -> None:
        with pytest.raises(UnsuitableCertificate) as caught:
            pes.prepare(make_pes(), parameters(at=NOW + timedelta(days=days)), HELIOS_2018)
        assert caught.value.code == "certificate_not_in_date"


class TestForm:
    def test_every_other_byte_is_that_of_the_source(self) -> None:
        source = make_pes(Flow(expense_slips=2, revenue_slips=1, newline="\r\n"))
        signed = sign_flow(source)
        rest = signed
        while (start := rest.find(b"<ds:Signature ")) >= 0:
            end = rest.index(b"</ds:Signature>", start) + len(b"</ds:Signature>")
            rest = rest[:start] + rest[end:]
        assert rest == source

    def test_nothing_stands_between_the_signature_and_the_end_tag(self) -> None:
        assert b"</ds:Signature></Bordereau>" in sign_flow(make_pes())

    def test_the_signature_of_a_whole_file_is_its_last_child(self) -> None:
        signed = sign_flow(make_pes(Flow(slip_ids=False, attachments=1)))
        assert b"</ds:Signature></n:PES_Aller>" in signed

    def test_a_comment_after_the_root_does_not_catch_the_signature(self) -> None:
        source = make_pes(Flow(slip_ids=False)) + b"<!-- </n:PES_Aller> </ -->"
        assert judged(sign_flow(source)).verdict == "valid"

    def test_identifiers_follow_the_names_of_the_field(self) -> None:
        root = xml.parse(sign_flow(make_pes()))
        found = [str(value) for value in etree.XPath("//*[namespace-uri()!='']/@Id")(root)]
        assert found == ["FLUX1", *(f"BORDDEP101_SIG_1{end}" for end in ("", "_SV", "_SP"))]

    @each_policy
    def test_the_prefix_of_the_properties_is_the_one_that_tdts_look_up(
        self, policy: SignaturePolicy
    ) -> None:
        signed = sign_flow(make_pes(), policy)
        assert f'<xad:QualifyingProperties xmlns:xad="{policy.xades_namespace}"'.encode() in signed

    def test_properties_stand_in_the_order_of_the_schema(self) -> None:
        (own,) = xml.parse(sign_flow(make_pes())).iter("{*}SignedSignatureProperties")
        assert [etree.QName(child).localname for child in own] == [
            "SigningTime",
            "SigningCertificate",
            "SignaturePolicyIdentifier",
            "SignatureProductionPlace",
            "SignerRole",
        ]

    def test_time_is_utc_with_second_precision(self) -> None:
        signed = sign_flow(make_pes())
        assert f"<xad:SigningTime>{NOW:%Y-%m-%dT%H:%M:%SZ}</xad:SigningTime>".encode() in signed

    def test_issuer_and_serial_are_those_of_the_certificate(self) -> None:
        root = xml.parse(sign_flow(make_pes()))
        certificate: x509.Certificate = signer().issued.certificate
        assert root.findtext(".//{*}X509SerialNumber") == str(certificate.serial_number)
        assert root.findtext(".//{*}X509IssuerName") == (
            "CN=AC Signature d'essai,OU=TEST sans valeur juridique,"
            "O=Autorité fictive de démonstration,C=FR"
        )


class TestFinish:
    def finish(self, done: Prepared, given: list[SignatureValue]) -> bytes:
        return pes.finish(done.document, done.resume, given, certificate=signer().issued.der)

    def test_threat_07_a_value_made_for_another_document(self) -> None:
        other = values(prepared(make_pes(Flow(items_per_slip=3))))
        with pytest.raises(BadSignatureValue):
            self.finish(prepared(), other)

    def test_threat_07_a_value_made_with_another_key(self) -> None:
        done = prepared()
        with pytest.raises(BadSignatureValue):
            self.finish(done, values(done, make_pes_signer()))

    def test_threat_07_values_exchanged_between_two_slips(self) -> None:
        done = prepared(make_pes(Flow(expense_slips=2)))
        first, second = values(done)
        with pytest.raises(BadSignatureValue):
            self.finish(
                done,
                [SignatureValue(first.id, second.value), SignatureValue(second.id, first.value)],
            )

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_too_few_or_too_many_values(self, count: int) -> None:
        done = prepared(make_pes(Flow(expense_slips=2)))
        given = [*values(done), SignatureValue("autre", b"x" * 256)][:count]
        with pytest.raises(BadSignatureValue) as caught:
            self.finish(done, given)
        assert caught.value.code == "values_do_not_match"

    def test_the_certificate_of_another_preparation(self) -> None:
        done = prepared()
        with pytest.raises(BadSignatureValue) as caught:
            pes.finish(
                done.document,
                done.resume,
                values(done),
                certificate=make_pes_signer().issued.der,
            )
        assert caught.value.code == "certificate_of_other_preparation"

    def test_threat_06_a_document_changed_since_it_was_prepared(self) -> None:
        done = prepared()
        changed = done.document.replace(b"37.50", b"97.50")
        with pytest.raises(UnsupportedDocument) as caught:
            pes.finish(changed, done.resume, values(done), certificate=signer().issued.der)
        assert caught.value.code == "document_changed"

    @pytest.mark.parametrize(
        "resume",
        [
            {},
            {"form": "pes-xades-1", "signatures": []},
            {"form": "pes-xades-1", "signatures": ["x"]},
            {"form": "pes-xades-1", "signatures": [{"target_id": "x"}]},
            {
                "form": "pes-xades-1",
                "signatures": [{"target_id": "x", "offset": 1, "xml": "<a/>"}],
            },
        ],
    )
    def test_a_state_that_cannot_be_read(self, resume: JsonObject) -> None:
        with pytest.raises(SigningError) as caught:
            pes.finish(b"<a/>", resume, [], certificate=b"")
        assert caught.value.code == "resume_unreadable"

    def test_a_signature_put_at_a_wrong_place_is_caught_by_the_self_check(self) -> None:
        done = prepared()
        resume = json.loads(json.dumps(done.resume))
        resume["signatures"][0]["offset"] = done.document.index(b"<Piece>")
        with pytest.raises(BadSignatureValue) as caught:
            pes.finish(done.document, resume, values(done), certificate=signer().issued.der)
        assert caught.value.code == "self_check_failed"

    def test_finishing_twice_gives_the_same_bytes(self) -> None:
        done = prepared()
        given = values(done)
        assert self.finish(done, given) == self.finish(done, given)
