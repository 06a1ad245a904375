"""Detached CAdES B-B in two phases, judged by our verifier, pyHanko and openssl."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from asn1crypto import cms, core, tsp, x509
from pyhanko.sign.validation.generic_cms import async_validate_detached_cms
from pyhanko_certvalidator import ValidationContext

from app.demo.acts import deliberation
from app.demo.pki import Issued
from signing import cades
from signing.blocking import run_to_end
from signing.errors import BadSignatureValue, UnsuitableCertificate, UnsupportedDocument
from signing.report import Coverage, Indication, Verdict, VerificationReport
from signing.types import Mechanism, Prepared, SignatureFormat, SignatureValue
from signing.verification import verify, verify_with_content
from tests.builders.detached_signatures import LETTER, detached_signature
from tests.builders.pdf import simple_pdf
from tests.builders.signed_pdf import parameters, signed_pdf, value_of
from tests.pki.tree import PkiTree, shared_tree

KINDS = ("good", "p256", "p384")
ATTRIBUTES = {
    "content_type",
    "message_digest",
    "signing_time",
    "signing_certificate_v2",
    "signer_location",
    "signer_attributes_v2",
}
MENTION = "Par délégation du maire, l'adjointe"


@pytest.fixture(scope="module")
def tree() -> PkiTree:
    return shared_tree()


def signer_of(tree: PkiTree, kind: str) -> Issued:
    found: Issued = getattr(tree, kind)
    return found


def prepared_letter(tree: PkiTree, document: bytes = LETTER) -> Prepared:
    return cades.prepare(document, parameters(tree.good, chain=tree.chain))


def judged(signature: bytes, tree: PkiTree, content: bytes = LETTER) -> VerificationReport:
    return verify(signature, trust=tree.trust, now=tree.now, detached_content=content)


def values_of(attributes: bytes) -> dict[str, object]:
    return {
        one["type"].native: one["values"][0].native for one in cms.CMSAttributes.load(attributes)
    }


class TestPrepare:
    def test_threat_57_the_document_is_the_deposited_one_byte_for_byte(self, tree: PkiTree) -> None:
        prepared = prepared_letter(tree)
        assert prepared.document == LETTER
        assert prepared.document_sha256 == prepared.source_sha256
        assert prepared.format is SignatureFormat.CADES

    def test_asks_for_one_value_over_the_attributes_of_the_baseline(self, tree: PkiTree) -> None:
        (item,) = prepared_letter(tree).to_sign
        assert set(values_of(item.tbs)) == ATTRIBUTES

    def test_the_bytes_to_sign_are_a_der_set(self, tree: PkiTree) -> None:
        (item,) = prepared_letter(tree).to_sign
        assert item.tbs == cms.CMSAttributes.load(item.tbs).dump(force=True)

    @pytest.mark.parametrize(
        ("kind", "mechanism"),
        [
            ("good", Mechanism.RSA_SHA256),
            ("p256", Mechanism.ECDSA_SHA256),
            ("p384", Mechanism.ECDSA_SHA384),
        ],
    )
    def test_the_mechanism_follows_the_key(
        self, tree: PkiTree, kind: str, mechanism: Mechanism
    ) -> None:
        prepared = cades.prepare(LETTER, parameters(signer_of(tree, kind)))
        assert prepared.to_sign[0].mechanism is mechanism

    def test_place_capacity_and_time_are_signed(self, tree: PkiTree) -> None:
        prepared = cades.prepare(LETTER, parameters(tree.good, claimed_role=MENTION))
        said = values_of(prepared.to_sign[0].tbs)
        assert said["signing_time"] == tree.now
        assert said["signer_location"] == {
            "country_name": "France",
            "locality_name": "Saint-Modèle",
            "postal_address": ["34999 Saint-Modèle"],
        }
        claimed = said["signer_attributes_v2"]
        assert isinstance(claimed, dict)
        (one,) = claimed["claimed_attributes"]
        assert (one["type"], one["values"]) == ("2.5.4.12", [MENTION])

    def test_what_is_kept_between_the_phases_is_plain_data(self, tree: PkiTree) -> None:
        prepared = prepared_letter(tree)
        resume = json.loads(json.dumps(prepared.resume))
        values = [value_of(tree.good, prepared.to_sign[0])]
        assert judged(cades.finish(LETTER, resume, values), tree).verdict is Verdict.VALID

    def test_refuses_an_empty_file(self, tree: PkiTree) -> None:
        with pytest.raises(UnsupportedDocument) as refusal:
            cades.prepare(b"", parameters(tree.good))
        assert refusal.value.code == "empty_file"

    def test_threat_10_refuses_a_weak_key(self, tree: PkiTree) -> None:
        with pytest.raises(UnsuitableCertificate):
            cades.prepare(LETTER, parameters(tree.rsa_1024))


class TestFinish:
    @pytest.mark.parametrize("kind", KINDS)
    def test_the_signature_is_valid_over_its_content(self, tree: PkiTree, kind: str) -> None:
        report = judged(detached_signature(LETTER, signer_of(tree, kind), chain=tree.chain), tree)
        (one,) = report.signatures
        assert (report.verdict, one.level, one.coverage) == (
            Verdict.VALID,
            "CAdES-BASELINE-B",
            Coverage.WHOLE,
        )

    def test_the_report_tells_time_and_capacity(self, tree: PkiTree) -> None:
        signature = detached_signature(LETTER, tree.good, chain=tree.chain, claimed_role=MENTION)
        (one,) = judged(signature, tree).signatures
        assert (one.signed_at, one.claimed_role) == (tree.now, MENTION)

    @pytest.mark.parametrize("kind", KINDS)
    def test_pyhanko_trusts_it(self, tree: PkiTree, kind: str) -> None:
        signature = detached_signature(LETTER, signer_of(tree, kind), chain=tree.chain)
        context = ValidationContext(
            trust_roots=[x509.Certificate.load(tree.root.der)],
            crls=list(tree.crls),
            moment=tree.now,
            revocation_mode="hard-fail",
        )
        signed_data = cms.ContentInfo.load(signature)["content"]
        status = run_to_end(
            async_validate_detached_cms(LETTER, signed_data, signer_validation_context=context)
        )
        assert status.bottom_line

    @pytest.mark.parametrize("kind", KINDS)
    def test_openssl_accepts_it_as_cades_with_the_root_alone(
        self, tree: PkiTree, kind: str, tmp_path: Path, require_tool: Callable[[str], str]
    ) -> None:
        (tmp_path / "letter").write_bytes(LETTER)
        signature = detached_signature(LETTER, signer_of(tree, kind), chain=tree.chain)
        (tmp_path / "letter.p7s").write_bytes(signature)
        (tmp_path / "root.pem").write_bytes(tree.root.pem)
        done = subprocess.run(
            [
                *(require_tool("openssl"), "cms", "-verify", "-binary", "-cades", "-inform", "DER"),
                *("-in", str(tmp_path / "letter.p7s"), "-content", str(tmp_path / "letter")),
                *("-purpose", "any", "-CAfile", str(tmp_path / "root.pem")),
                *("-out", str(tmp_path / "verified")),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "verified").read_bytes() == LETTER

    def test_holds_no_content(self, tree: PkiTree) -> None:
        signed = cms.ContentInfo.load(detached_signature(LETTER, tree.good))["content"]
        assert isinstance(signed["encap_content_info"]["content"], core.Void)

    @pytest.mark.parametrize(
        "document",
        [
            pytest.param(deliberation(), id="pdf"),
            pytest.param(b"PK\x03\x04" + bytes(range(256)) * 20_000, id="zip"),
            pytest.param("<note>élève</note>".encode(), id="xml"),
            pytest.param(b"une ligne\r\nune autre\n", id="line-ends"),
        ],
    )
    def test_signs_any_file_as_it_is(self, tree: PkiTree, document: bytes) -> None:
        signature = detached_signature(document, tree.good, chain=tree.chain)
        assert judged(signature, tree, document).verdict is Verdict.VALID

    def test_threat_01_a_byte_of_the_document_changed_is_never_valid(self, tree: PkiTree) -> None:
        signature = detached_signature(LETTER, tree.good, chain=tree.chain)
        for at in range(len(LETTER)):
            changed = bytearray(LETTER)
            changed[at] ^= 1
            assert judged(signature, tree, bytes(changed)).verdict is Verdict.INVALID

    def test_threat_01_a_byte_of_what_is_signed_changed_is_never_valid(self, tree: PkiTree) -> None:
        signature = detached_signature(LETTER, tree.good)
        info = cms.ContentInfo.load(signature)["content"]["signer_infos"][0]
        parts = (info["signed_attrs"].dump(), info["signature"].dump(), tree.good.der)
        for part in parts:
            start = signature.index(part)
            for at in range(start, start + len(part), 17):
                assert judged(flipped(signature, at), tree).verdict is not Verdict.VALID, at

    def test_threat_01_a_byte_changed_elsewhere_condemns_or_changes_nothing_that_is_told(
        self, tree: PkiTree
    ) -> None:
        """Versions and lists of a CMS are under no signature (RFC 5652 §5.1)."""
        signature = detached_signature(LETTER, tree.good)
        told = judged(signature, tree).signatures
        for at in [*range(60), *range(60, len(signature), 29)]:
            report = judged(flipped(signature, at), tree)
            assert report.verdict is not Verdict.VALID or report.signatures == told, at


class TestRefusalsAtFinish:
    """Threats 6 and 7: nothing is assembled from a value that is not this document's."""

    def test_threat_07_value_of_another_document(self, tree: PkiTree) -> None:
        prepared, other = prepared_letter(tree), prepared_letter(tree, b"un autre")
        values = [value_of(tree.good, other.to_sign[0])]
        assert finish_code(prepared, values) == "bad_signature_value"

    def test_threat_07_value_of_another_key(self, tree: PkiTree) -> None:
        prepared = prepared_letter(tree)
        values = [value_of(tree.other, prepared.to_sign[0])]
        assert finish_code(prepared, values) == "bad_signature_value"

    def test_threat_07_one_bit_of_the_value_changed(self, tree: PkiTree) -> None:
        prepared = prepared_letter(tree)
        value = bytearray(value_of(tree.good, prepared.to_sign[0]).value)
        value[10] ^= 1
        values = [SignatureValue("document", bytes(value))]
        assert finish_code(prepared, values) == "bad_signature_value"

    def test_threat_06_document_changed_between_the_phases(self, tree: PkiTree) -> None:
        prepared = prepared_letter(tree)
        values = [value_of(tree.good, prepared.to_sign[0])]
        with pytest.raises(BadSignatureValue) as refusal:
            cades.finish(LETTER + b"\n", prepared.resume, values)
        assert refusal.value.code == "prepared_document_changed"

    def test_other_attributes_than_those_prepared(self, tree: PkiTree) -> None:
        prepared, other = prepared_letter(tree), prepared_letter(tree, b"un autre")
        resume = {**prepared.resume, "signed_attributes": other.resume["signed_attributes"]}
        with pytest.raises(BadSignatureValue) as refusal:
            cades.finish(LETTER, resume, [value_of(tree.good, other.to_sign[0])])
        assert refusal.value.code == "self_check_failed"

    @pytest.mark.parametrize("count", [0, 2])
    def test_another_number_of_values(self, tree: PkiTree, count: int) -> None:
        prepared = prepared_letter(tree)
        values = [value_of(tree.good, prepared.to_sign[0])] * count
        assert finish_code(prepared, values) == "signature_value_count"

    def test_the_value_of_a_pdf(self, tree: PkiTree) -> None:
        prepared = prepared_letter(tree)
        value = value_of(tree.good, prepared.to_sign[0]).value
        assert finish_code(prepared, [SignatureValue("pdf", value)]) == "signature_value_count"

    def test_a_resume_of_another_version(self, tree: PkiTree) -> None:
        prepared = prepared_letter(tree)
        with pytest.raises(BadSignatureValue) as refusal:
            cades.finish(LETTER, {**prepared.resume, "version": 2}, [])
        assert refusal.value.code == "resume_version_unknown"


class TestPdfSignedApart:
    """What a PDF bears itself is judged with the signature made apart (threats 1 to 5)."""

    def test_a_sound_signature_of_the_pdf_is_told_beside(self, tree: PkiTree) -> None:
        document = signed_pdf(simple_pdf(), tree.other, chain=tree.chain)
        report = together(document, tree)
        assert report.verdict is Verdict.VALID
        assert [one.id for one in report.signatures] == ["signer-1", "Signature1"]

    def test_threat_02_a_pdf_altered_since_it_was_signed_condemns_the_whole(
        self, tree: PkiTree
    ) -> None:
        sound = signed_pdf(simple_pdf(), tree.other, chain=tree.chain)
        altered = sound.replace(b"[0 0 200 200]", b"[0 0 200 201]", 1)
        assert altered != sound
        report = together(altered, tree)
        assert report.verdict is Verdict.INVALID
        assert report.signatures[0].indication is Indication.TOTAL_PASSED

    def test_a_pdf_without_signature_adds_nothing(self, tree: PkiTree) -> None:
        report = together(deliberation(), tree)
        assert [one.id for one in report.signatures] == ["signer-1"]


def together(document: bytes, tree: PkiTree) -> VerificationReport:
    signature = detached_signature(document, tree.good, chain=tree.chain)
    return verify_with_content(signature, document, trust=tree.trust, now=tree.now)


class TestSeveralSigners:
    def test_each_has_a_signature_of_his_own_over_the_same_bytes(self, tree: PkiTree) -> None:
        made = [
            detached_signature(LETTER, signer_of(tree, kind), chain=tree.chain) for kind in KINDS
        ]
        assert [judged(one, tree).verdict for one in made] == [Verdict.VALID] * 3
        assert len(set(made)) == 3


def test_the_signing_certificate_reference_is_by_sha_256(tree: PkiTree) -> None:
    prepared = prepared_letter(tree)
    (reference,) = (
        one["values"][0]
        for one in cms.CMSAttributes.load(prepared.to_sign[0].tbs)
        if one["type"].native == "signing_certificate_v2"
    )
    assert isinstance(reference, tsp.SigningCertificateV2)
    assert b64encode(reference["certs"][0]["cert_hash"].native) == b64encode(
        x509.Certificate.load(tree.good.der).sha256
    )


def flipped(signature: bytes, at: int) -> bytes:
    changed = bytearray(signature)
    changed[at] ^= 0x41
    return bytes(changed)


def finish_code(prepared: Prepared, values: list[SignatureValue]) -> str:
    with pytest.raises(BadSignatureValue) as refusal:
        cades.finish(prepared.document, prepared.resume, values)
    return refusal.value.code
