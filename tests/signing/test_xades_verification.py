"""Verification of generic XAdES files: made by another library, by us, and public vectors."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree
from signxml.algorithms import CanonicalizationMethod
from signxml.xades.xades import XAdESSigner

from signing import xml
from signing.policies import HELIOS_2018, XADES_1_3_2
from signing.report import Coverage, Indication, Integrity, SubIndication, Verdict
from signing.xades import build, complete, identify
from signing.xades_verification import MAX_SIGNATURES, verify_xml
from signing.xmldsig import DS, SHA256, SIGNATURE, canonical, digest
from tests.builders.pes import (
    NOW,
    Signer,
    authority,
    codes,
    judged,
    knowing_nobody,
    make_pes_signer,
    parameters,
    rsa_value,
    signer,
    trusting,
    weak_rsa_key,
)

SOURCE = (
    '<acte Id="racine"><titre xml:lang="fr">Délibération</titre>\n  <vote>12</vote></acte>'
).encode()


def just_after() -> datetime:
    """signxml signs at the wall clock, however late in a long run."""
    return datetime.now(UTC) + timedelta(minutes=3)


def sign_elsewhere(who: Signer | None = None) -> bytes:
    """A XAdES 1.3.2 baseline B signature made by signxml, canonicalised inclusively."""
    chosen = who or signer()
    elliptic = isinstance(chosen.issued.key, ec.EllipticCurvePrivateKey)
    maker = XAdESSigner(
        c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0,
        signature_algorithm="ecdsa-sha256" if elliptic else "rsa-sha256",
    )
    certificate = [chosen.issued.certificate]
    root = maker.sign(xml.parse(SOURCE), key=chosen.issued.key, cert=certificate)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def sign_here() -> bytes:
    """A XAdES 1.3.2 signature made by our builder, canonicalised exclusively."""
    identity = identify(parameters(), replace(HELIOS_2018, xades_namespace=XADES_1_3_2))
    one = build("racine", digest(SHA256, (canonical(xml.parse(SOURCE)),)), identity)
    signature = complete(one.xml, rsa_value(signer().issued.key, one.tbs))
    return SOURCE.replace(b"</acte>", signature + b"</acte>")


def gently(content: bytes) -> Verdict:
    return judged(content, strict=False, now=just_after()).verdict


def blocking(content: bytes) -> set[str]:
    return codes(judged(content, strict=False, now=just_after()))


class TestSoundFiles:
    def test_an_enveloped_signature_of_another_library(self) -> None:
        report = judged(sign_elsewhere(), strict=False, now=just_after())
        (one,) = report.signatures
        assert (report.verdict, one.coverage, one.level) == (
            Verdict.VALID,
            Coverage.WHOLE,
            "XAdES-BASELINE-B",
        )

    def test_a_signature_canonicalised_exclusively(self) -> None:
        assert gently(sign_here()) is Verdict.VALID

    def test_the_same_with_an_elliptic_curve(self) -> None:
        who = make_pes_signer(key=ec.generate_private_key(ec.SECP256R1()))
        assert gently(sign_elsewhere(who)) is Verdict.VALID

    def test_two_spaces_in_a_tag_change_nothing(self) -> None:
        content = sign_elsewhere().replace(b"<vote>", b"<vote  >")
        assert gently(content) is Verdict.VALID

    def test_a_file_without_signature_is_unsigned(self) -> None:
        assert gently(SOURCE) is Verdict.UNSIGNED

    def test_an_unknown_chain_cannot_be_vouched_for(self) -> None:
        report = verify_xml(sign_elsewhere(), judge_chain=knowing_nobody, now=just_after())
        assert (report.verdict, report.signatures[0].integrity) == (
            Verdict.CANNOT_VOUCH,
            Integrity.INTACT,
        )

    def test_the_report_names_the_bytes(self) -> None:
        assert judged(SOURCE).sha256 == hashlib.sha256(SOURCE).hexdigest()


class TestAttacks:
    @pytest.mark.parametrize("make", [sign_elsewhere, sign_here])
    def test_a_changed_text(self, make: Callable[[], bytes]) -> None:
        content = make().replace(b"<vote>12<", b"<vote>13<")
        assert blocking(content) == {"content_modified"}

    def test_a_namespace_added_under_inclusive_canonicalisation(self) -> None:
        content = sign_elsewhere().replace(b"<acte ", b'<acte xmlns:y="urn:y" ')
        assert "content_modified" in blocking(content)

    def test_threat_08_the_signed_root_wrapped_in_another(self) -> None:
        content = sign_elsewhere()
        body = content.split(b"?>", 1)[1]
        wrapped = b"<faux><vote>99</vote>" + body + b"</faux>"
        assert "signed_data_missing" in blocking(wrapped)

    def test_threat_08_the_reference_to_the_content_removed(self) -> None:
        root = xml.parse(sign_elsewhere())
        reference = next(
            one for one in root.iter(f"{{{DS}}}Reference") if one.get("URI") == "#racine"
        )
        parent = reference.getparent()
        assert parent is not None
        parent.remove(reference)
        assert "signed_data_missing" in blocking(etree.tostring(root))

    def test_threat_08_a_duplicate_identifier(self) -> None:
        content = sign_elsewhere().replace(b"<vote>", b'<vote Id="racine">')
        assert "xml_duplicate_id" in blocking(content)

    def test_threat_09_the_certificate_of_another_key(self) -> None:
        content = re.sub(
            rb"(X509Certificate>)[^<]+", rb"\1" + b64encode(authority().der), sign_elsewhere()
        )
        assert "signing_certificate_mismatch" in blocking(content)

    def test_threat_10_a_short_rsa_key(self) -> None:
        content = sign_elsewhere(make_pes_signer(key=weak_rsa_key()))
        assert blocking(content) == {"key_too_short"}

    @pytest.mark.parametrize("uri", ["http://127.0.0.1:9/x", "file:///etc/passwd", "#absent"])
    def test_threat_11_a_reference_elsewhere_is_never_fetched(self, uri: str) -> None:
        content = sign_elsewhere().replace(b'URI="#racine"', f'URI="{uri}"'.encode())
        assert {"signed_data_missing", "reference_unresolved"} <= blocking(content)

    @pytest.mark.parametrize(
        "algorithm",
        [
            "http://www.w3.org/TR/1999/REC-xslt-19991116",
            "http://www.w3.org/TR/1999/REC-xpath-19991116",
            "http://www.w3.org/2002/06/xmldsig-filter2",
            "urn:unknown",
        ],
    )
    def test_threat_11_any_other_transform(self, algorithm: str) -> None:
        content = sign_elsewhere().replace(
            b"http://www.w3.org/2000/09/xmldsig#enveloped-signature", algorithm.encode()
        )
        assert "transform_forbidden" in blocking(content)

    def test_threat_11_too_many_references(self) -> None:
        root = xml.parse(sign_elsewhere())
        info = next(root.iter(f"{{{DS}}}SignedInfo"))
        for _ in range(150):
            reference = etree.SubElement(info, f"{{{DS}}}Reference", URI="")
            etree.SubElement(reference, f"{{{DS}}}DigestMethod", Algorithm=SHA256)
        assert "xml_reference_count" in blocking(etree.tostring(root))

    def test_threat_17_references_that_all_name_the_root_are_not_all_computed(self) -> None:
        root = xml.parse(sign_here())
        etree.SubElement(root, "long").text = "x" * 3_000_000
        info = next(root.iter(f"{{{DS}}}SignedInfo"))
        for _ in range(90):
            reference = etree.SubElement(info, f"{{{DS}}}Reference", URI="#racine")
            etree.SubElement(reference, f"{{{DS}}}DigestMethod", Algorithm=SHA256)
        assert "xml_too_much_work" in blocking(etree.tostring(root))

    def test_threat_17_too_many_signatures(self) -> None:
        root = xml.parse(SOURCE)
        for _ in range(MAX_SIGNATURES + 1):
            etree.SubElement(root, SIGNATURE)
        assert "xml_too_many_signatures" in blocking(etree.tostring(root))

    def test_a_cut_file_never_raises(self) -> None:
        content = sign_elsewhere()
        assert {gently(content[:end]) for end in range(1, len(content), 211)} == {Verdict.INVALID}

    def test_a_plain_xml_signature_without_properties_is_not_xades(self) -> None:
        content = re.sub(rb"<ds:Object>.*</ds:Object>", b"", sign_here(), flags=re.S)
        assert "xades_properties_count" in blocking(content)


class TestVectors:
    @pytest.mark.parametrize(
        ("name", "verdict", "sub_indication", "integrity"),
        [
            (
                "X01",
                Verdict.CANNOT_VOUCH,
                SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
                Integrity.INTACT,
            ),
            ("X02", Verdict.INVALID, SubIndication.SIGNED_DATA_NOT_FOUND, Integrity.BROKEN),
            ("X03", Verdict.INVALID, SubIndication.SIGNED_DATA_NOT_FOUND, Integrity.INTACT),
            (
                "X04",
                Verdict.CANNOT_VOUCH,
                SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
                Integrity.INTACT,
            ),
            ("X05", Verdict.INVALID, SubIndication.HASH_FAILURE, Integrity.BROKEN),
            ("X06", Verdict.INVALID, SubIndication.FORMAT_FAILURE, Integrity.UNKNOWN),
            ("X07", Verdict.INVALID, SubIndication.SIG_CONSTRAINTS_FAILURE, Integrity.INTACT),
        ],
    )
    def test_public_vectors_have_their_outcome(
        self,
        shared_data: Path,
        name: str,
        verdict: Verdict,
        sub_indication: SubIndication,
        integrity: Integrity,
    ) -> None:
        content = next((shared_data / "validation").glob(f"{name}_*.xml")).read_bytes()
        report = verify_xml(content, judge_chain=knowing_nobody, now=NOW)
        (one,) = report.signatures
        assert (report.verdict, one.sub_indication, one.integrity) == (
            verdict,
            sub_indication,
            integrity,
        )

    def test_a_sound_vector_passes_when_its_signer_is_trusted(self, shared_data: Path) -> None:
        content = next((shared_data / "validation").glob("X04_*.xml")).read_bytes()
        report = verify_xml(content, judge_chain=trusting, now=NOW)
        assert report.signatures[0].indication is Indication.TOTAL_PASSED
