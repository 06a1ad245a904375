"""The profile-neutral builder of enveloped signatures."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from datetime import UTC, datetime, timedelta, timezone

import pytest
from lxml import etree

from signing import xml
from signing.errors import SigningError, UnsuitableCertificate
from signing.policies import HELIOS_2018, HELIOS_2018_XADES_1_1_1, SignaturePolicy
from signing.types import Place, SignatureParameters
from signing.xades import UnvaluedSignature, build, complete, identify, time_text
from signing.xmldsig import DS, canonical
from tests.builders.pes import parameters, signer

DIGEST = hashlib.sha256(b"<a></a>").digest()


def unvalued(policy: SignaturePolicy = HELIOS_2018, name: str = "cible") -> UnvaluedSignature:
    return build(name, DIGEST, identify(parameters(), policy))


def parsed(policy: SignaturePolicy = HELIOS_2018) -> etree._Element:
    return xml.parse(unvalued(policy).xml)


def references(root: etree._Element) -> list[etree._Element]:
    return list(root.iter("{*}Reference"))


class TestBuild:
    def test_identifiers_derive_from_the_target(self) -> None:
        root = parsed()
        assert [str(one) for one in etree.XPath("//@Id")(root)] == [
            "cible_SIG_1",
            "cible_SIG_1_SV",
            "cible_SIG_1_SP",
        ]

    def test_the_first_reference_holds_the_digest_of_the_target(self) -> None:
        content, _ = references(parsed())
        assert (content.get("URI"), content.get("Type")) == ("#cible", None)
        assert b64decode(content.findtext("{*}DigestValue") or "") == DIGEST

    @pytest.mark.parametrize("policy", [HELIOS_2018, HELIOS_2018_XADES_1_1_1])
    def test_the_second_reference_has_the_type_of_its_own_namespace(
        self, policy: SignaturePolicy
    ) -> None:
        _, own = references(parsed(policy))
        assert own.get("Type") == f"{policy.xades_namespace}SignedProperties"

    def test_the_second_reference_holds_the_digest_of_the_properties(self) -> None:
        one = unvalued()
        _, own = references(xml.parse(one.xml))
        assert b64decode(own.findtext("{*}DigestValue") or "") == (
            hashlib.sha256(one.signed_properties).digest()
        )

    def test_what_is_signed_is_the_exclusive_form_of_signed_info(self) -> None:
        one = unvalued()
        info = xml.parse(one.xml).find(f"{{{DS}}}SignedInfo")
        assert info is not None
        assert one.tbs == canonical(info)

    def test_what_is_signed_does_not_depend_on_where_it_is_inserted(self) -> None:
        one = unvalued()
        around = b'<r xmlns="urn:a" xmlns:x="urn:b" xmlns:xad="urn:c" xml:lang="fr">%s</r>'
        (info,) = xml.parse(around % one.xml).iter(f"{{{DS}}}SignedInfo")
        assert canonical(info) == one.tbs

    def test_the_bytes_are_ascii_whatever_the_text(self) -> None:
        one = unvalued()
        assert one.xml.isascii()
        assert xml.parse(one.xml).findtext(".//{*}City") == "Saint-Modèle-lès-Essai"

    def test_version_1_1_1_has_its_own_digest_elements(self) -> None:
        root = parsed(HELIOS_2018_XADES_1_1_1)
        (holder,) = root.iter("{*}CertDigest")
        assert {etree.QName(child).namespace for child in holder} == {
            HELIOS_2018_XADES_1_1_1.xades_namespace
        }

    def test_version_1_2_2_has_those_of_xml_signature(self) -> None:
        (holder,) = parsed().iter("{*}CertDigest")
        assert {etree.QName(child).namespace for child in holder} == {DS}

    def test_the_policy_is_named_with_its_digest_and_address(self) -> None:
        root = parsed()
        assert root.findtext(".//{*}SigPolicyId/{*}Identifier") == HELIOS_2018.identifier
        assert root.findtext(".//{*}SigPolicyHash/{*}DigestValue") == HELIOS_2018.digest_b64
        assert root.findtext(".//{*}SPURI") == HELIOS_2018.uri


class TestIdentify:
    def test_bytes_that_are_no_certificate_are_refused(self) -> None:
        wrong = SignatureParameters(
            b"x", (), datetime(2026, 1, 1, tzinfo=UTC), Place("V", "1"), "Maire", "J"
        )
        with pytest.raises(UnsuitableCertificate):
            identify(wrong, HELIOS_2018)

    def test_the_digest_is_that_of_the_certificate(self) -> None:
        identity = identify(parameters(), HELIOS_2018)
        assert b64decode(identity.certificate_digest) == (
            hashlib.sha256(signer().issued.der).digest()
        )

    def test_a_non_breaking_space_in_a_role_is_fine(self) -> None:
        identify(parameters(role="Maire\u00a0adjointe"), HELIOS_2018)


class TestComplete:
    def test_the_value_is_written_in_and_nothing_else_changes(self) -> None:
        one = unvalued()
        completed = complete(one.xml, b"\x00\xff")
        assert completed.replace(b">AP8=</ds:SignatureValue>", b"></ds:SignatureValue>") == one.xml

    def test_a_signature_that_has_a_value_is_not_completed_twice(self) -> None:
        with pytest.raises(SigningError) as caught:
            complete(complete(unvalued().xml, b"1"), b"2")
        assert caught.value.code == "resume_unreadable"


class TestTimeText:
    def test_another_zone_is_written_in_utc(self) -> None:
        moment = datetime(2026, 3, 16, 10, 30, tzinfo=timezone(timedelta(hours=2)))
        assert time_text(moment) == "2026-03-16T08:30:00Z"
