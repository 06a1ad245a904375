"""Reading a signer's certificate, and its fitness to sign (DESIGN D6)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app.demo.pki import make_crl
from signing.certificates import Fitness, common_name, fitness, read_certificate
from signing.errors import UnsuitableCertificate
from tests.pki.tree import ORGANISATION, SIREN, PkiTree, shared_tree

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def tree() -> PkiTree:
    return shared_tree()


def judged(tree: PkiTree, kind: str, *, rsa_only: bool = False) -> Fitness:
    der = getattr(tree, kind).der
    return fitness(
        der,
        anchors=(tree.root.der,),
        chain=tree.chain,
        now=tree.now,
        crls=tree.crls,
        rsa_only=rsa_only,
    )


def codes(verdict: Fitness) -> set[str]:
    return {reason.code for reason in verdict.reasons}


def named(tree: PkiTree, *attributes: tuple[x509.ObjectIdentifier, str]) -> bytes:
    """A certificate whose subject holds these attributes."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes]))
        .issuer_name(tree.authority.certificate.subject)
        .public_key(tree.good.key.public_key())
        .serial_number(7)
        .not_valid_before(tree.now)
        .not_valid_after(tree.good.certificate.not_valid_after_utc)
    )
    certificate = builder.sign(tree.authority.key, hashes.SHA256())
    return certificate.public_bytes(Encoding.DER)


_ORGANISATION_IDENTIFIER = x509.ObjectIdentifier("2.5.4.97")


class TestRead:
    def test_the_holder_and_his_organisation(self, tree: PkiTree) -> None:
        facts = read_certificate(tree.good.der)
        assert (facts.common_name, facts.organisation, facts.siren) == (
            "Camille EXEMPLE",
            ORGANISATION,
            SIREN,
        )

    def test_validity_serial_usages_and_policies(self, tree: PkiTree) -> None:
        facts = read_certificate(tree.good.der)
        certificate = tree.good.certificate
        assert facts.not_before == certificate.not_valid_before_utc
        assert facts.not_after == certificate.not_valid_after_utc
        assert facts.serial == str(certificate.serial_number)
        assert facts.key_usages == {"non_repudiation"}
        assert facts.policy_oids == ("1.3.6.1.4.1.32473.1.1",)

    @pytest.mark.parametrize(
        ("kind", "key_type", "bits"),
        [("good", "rsa", 2048), ("p256", "ec:secp256r1", 256), ("p384", "ec:secp384r1", 384)],
    )
    def test_the_key(self, tree: PkiTree, kind: str, key_type: str, bits: int) -> None:
        facts = read_certificate(getattr(tree, kind).der)
        assert (facts.key_type, facts.key_bits) == (key_type, bits)

    @pytest.mark.parametrize(
        ("oid", "value", "siren"),
        [
            (_ORGANISATION_IDENTIFIER, "NTRFR-213499999", "213499999"),
            (_ORGANISATION_IDENTIFIER, "NTRFR-21349999900017", "213499999"),
            (_ORGANISATION_IDENTIFIER, "SI:FR-213499999", "213499999"),
            (_ORGANISATION_IDENTIFIER, "VATFR-12213499999", "213499999"),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, "0002 213499999", "213499999"),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, "0002 21349999900017", "213499999"),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, "002 213499999", "213499999"),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, "Service 213499999", None),
            (_ORGANISATION_IDENTIFIER, "NTRDE-213499999", None),
        ],
    )
    def test_the_siren_in_the_forms_found_in_france(
        self, tree: PkiTree, oid: x509.ObjectIdentifier, value: str, siren: str | None
    ) -> None:
        assert read_certificate(named(tree, (oid, value))).siren == siren

    @pytest.mark.parametrize("der", [b"", b"pas un certificat", b"\x30\x03\x02\x01\x01"])
    def test_refuses_what_is_no_certificate(self, der: bytes) -> None:
        with pytest.raises(UnsuitableCertificate) as refusal:
            read_certificate(der)
        assert refusal.value.code == "certificate_unreadable"

    def test_the_name_of_nothing_is_none(self) -> None:
        assert common_name(b"pas un certificat") is None


class TestFitness:
    @pytest.mark.parametrize("kind", ["good", "p256", "p384"])
    def test_a_sound_certificate_is_fit(self, tree: PkiTree, kind: str) -> None:
        assert judged(tree, kind) == Fitness(fit=True, reasons=())

    @pytest.mark.parametrize(
        ("kind", "code"),
        [
            ("expired", "certificate_expired"),
            ("not_yet_valid", "certificate_not_yet_valid"),
            ("revoked", "certificate_revoked"),
            ("auth_only", "certificate_wrong_usage"),
            ("under_non_ca", "issuer_unknown"),
            ("rogue", "issuer_unknown"),
            ("rsa_1024", "weak_key"),
            ("authority", "certificate_of_authority"),
        ],
    )
    def test_threat_12_each_kind_has_its_own_reason(
        self, tree: PkiTree, kind: str, code: str
    ) -> None:
        verdict = judged(tree, kind)
        assert not verdict.fit
        assert code in codes(verdict)

    def test_a_curve_cannot_sign_a_pes(self, tree: PkiTree) -> None:
        verdict = judged(tree, "p256", rsa_only=True)
        assert (verdict.fit, codes(verdict)) == (False, {"key_not_rsa"})

    def test_without_a_revocation_list_it_is_fit_with_a_note(self, tree: PkiTree) -> None:
        verdict = fitness(tree.good.der, anchors=(tree.root.der,), chain=tree.chain, now=tree.now)
        assert (verdict.fit, codes(verdict)) == (True, {"revocation_unknown"})

    def test_lists_that_say_nothing_of_it_make_it_unfit(self, tree: PkiTree) -> None:
        crls = (make_crl(tree.root, now=tree.now),)
        verdict = fitness(
            tree.good.der, anchors=(tree.root.der,), chain=tree.chain, now=tree.now, crls=crls
        )
        assert (verdict.fit, codes(verdict)) == (False, {"revocation_unknown"})

    @pytest.mark.parametrize(
        ("end", "after", "code"),
        [
            ("not_before", -SECOND, "certificate_not_yet_valid"),
            ("not_before", 0 * SECOND, None),
            ("not_after", 0 * SECOND, None),
            ("not_after", SECOND, "certificate_expired"),
        ],
        ids=["before", "first", "last", "after"],
    )
    def test_it_serves_from_its_first_second_to_its_last(
        self, tree: PkiTree, end: str, after: timedelta, code: str | None
    ) -> None:
        facts = read_certificate(tree.good.der)
        verdict = fitness(facts, anchors=(), chain=(), now=getattr(facts, end) + after)
        assert codes(verdict) - {"issuer_unproved"} == ({code} if code else set())

    def test_without_anchors_it_is_not(self, tree: PkiTree) -> None:
        verdict = fitness(tree.good.der, anchors=(), chain=tree.chain, now=tree.now)
        assert (verdict.fit, codes(verdict)) == (False, {"no_trust_anchor"})

    def test_the_issuing_authority_may_be_the_anchor(self, tree: PkiTree) -> None:
        assert fitness(tree.good.der, anchors=tree.chain, chain=(), now=tree.now).fit

    def test_facts_alone_prove_no_issuer(self, tree: PkiTree) -> None:
        facts = read_certificate(tree.good.der)
        verdict = fitness(facts, anchors=(tree.root.der,), chain=tree.chain, now=tree.now)
        assert codes(verdict) == {"issuer_unproved"}

    def test_garbage_is_unfit(self, tree: PkiTree) -> None:
        verdict = fitness(b"rien", anchors=(tree.root.der,), chain=(), now=tree.now)
        assert codes(verdict) == {"certificate_unreadable"}
