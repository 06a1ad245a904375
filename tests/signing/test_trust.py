"""The chain judge: each kind of certificate has its own answer, and nothing is fetched."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import NoReturn

import pytest
from asn1crypto import crl
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from app.demo.pki import make_authority, make_crl, make_signer, rsa_key, valid_for
from signing.report import Chain, SubIndication
from signing.trust import (
    Judgement,
    Purpose,
    TrustMaterial,
    chain_judge,
    lapse_of,
    read_trust_file,
    with_evidence,
)
from signing.verification import verify
from tests.builders.library_pdf import approved
from tests.builders.pdf import simple_pdf
from tests.pki.tree import PkiTree, shared_tree


@pytest.fixture(scope="module")
def tree() -> PkiTree:
    return shared_tree()


def judged(tree: PkiTree, kind: str, *, trust: TrustMaterial | None = None) -> Judgement:
    others = (tree.authority.der, tree.good.der, tree.rogue_authority.der)
    return chain_judge(trust or tree.trust)(getattr(tree, kind).der, others, tree.now)


@pytest.mark.parametrize("kind", ["good", "p256", "p384"])
def test_a_sound_certificate_is_trusted(tree: PkiTree, kind: str) -> None:
    assert judged(tree, kind) == (Chain.TRUSTED, None, ())


@pytest.mark.parametrize(
    ("kind", "chain", "sub", "code"),
    [
        ("expired", Chain.EXPIRED, SubIndication.OUT_OF_BOUNDS_NO_POE, "certificate_expired"),
        (
            "not_yet_valid",
            Chain.UNSUITABLE,
            SubIndication.NOT_YET_VALID,
            "certificate_not_yet_valid",
        ),
        ("revoked", Chain.REVOKED, SubIndication.REVOKED_NO_POE, "certificate_revoked"),
        (
            "auth_only",
            Chain.UNSUITABLE,
            SubIndication.CHAIN_CONSTRAINTS_FAILURE,
            "certificate_wrong_usage",
        ),
        (
            "under_non_ca",
            Chain.UNSUITABLE,
            SubIndication.CHAIN_CONSTRAINTS_FAILURE,
            "chain_not_acceptable",
        ),
        ("rogue", Chain.UNKNOWN, SubIndication.NO_CERTIFICATE_CHAIN_FOUND, "issuer_unknown"),
    ],
)
def test_threat_12_each_kind_is_refused_with_its_own_code(
    tree: PkiTree, kind: str, chain: Chain, sub: SubIndication, code: str
) -> None:
    found_chain, found_sub, findings = judged(tree, kind)
    assert (found_chain, found_sub, findings[0].code) == (chain, sub, code)


def test_threat_12_a_look_alike_with_the_same_key_identifier(tree: PkiTree) -> None:
    fake = x509.CertificateBuilder(
        issuer_name=tree.authority.certificate.subject,
        subject_name=tree.good.certificate.subject,
        public_key=tree.good.key.public_key(),
        serial_number=12,
        not_valid_before=tree.now,
        not_valid_after=tree.now + timedelta(days=9),
    )
    for extension in tree.good.certificate.extensions:
        fake = fake.add_extension(extension.value, critical=extension.critical)
    forged = fake.sign(tree.rogue_authority.key, hashes.SHA256()).public_bytes(Encoding.DER)
    chain, _, findings = chain_judge(tree.trust)(forged, (), tree.now)
    assert (chain, findings[0].code) == (Chain.UNKNOWN, "issuer_unknown")


def test_no_anchor_trusts_nobody(tree: PkiTree) -> None:
    chain, _, findings = judged(tree, "good", trust=TrustMaterial())
    assert (chain, findings[0].code) == (Chain.UNKNOWN, "no_trust_anchor")


def test_without_revocation_lists_the_state_is_unknown(tree: PkiTree) -> None:
    trust = TrustMaterial((tree.root.der,), (tree.authority.der,))
    chain, sub, _ = judged(tree, "good", trust=trust)
    assert (chain, sub) == (Chain.REVOCATION_UNKNOWN, SubIndication.TRY_LATER)


def test_threat_22_no_address_of_a_certificate_is_fetched(
    tree: PkiTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def session(*_: object, **__: object) -> NoReturn:
        asked.append("session")
        raise ConnectionRefusedError

    monkeypatch.setattr(sys.modules["aiohttp"], "ClientSession", session)
    monkeypatch.setattr(sys.modules["socket"], "create_connection", session)
    trust = TrustMaterial((tree.root.der,), (), tree.crls)
    judged(tree, "good", trust=trust)
    signed = approved(simple_pdf(), tree)
    verify(signed, trust=trust, now=tree.now)
    assert asked == []


def test_the_list_of_another_authority_does_not_answer(tree: PkiTree) -> None:
    other = make_authority("Autre AC d'essai", validity=valid_for(30, now=tree.now))
    trust = TrustMaterial((tree.root.der,), (tree.authority.der,), (make_crl(other, now=tree.now),))
    assert judged(tree, "good", trust=trust)[0] is Chain.REVOCATION_UNKNOWN


def test_a_list_out_of_date_does_not_answer(tree: PkiTree) -> None:
    old = tree.now - timedelta(days=90)
    lists = (make_crl(tree.root, now=old), make_crl(tree.authority, now=old))
    trust = TrustMaterial((tree.root.der,), (tree.authority.der,), lists)
    assert judged(tree, "good", trust=trust)[0] is Chain.REVOCATION_UNKNOWN


def test_lists_found_in_the_document_complete_those_given(tree: PkiTree) -> None:
    bare = TrustMaterial((tree.root.der,), (tree.authority.der,))
    trust = with_evidence(bare, crls=tree.crls, ocsps=())
    assert judged(tree, "good", trust=trust)[0] is Chain.TRUSTED


def test_unreadable_material_does_not_raise(tree: PkiTree) -> None:
    trust = TrustMaterial((tree.root.der,), (b"rien", tree.authority.der), (b"rien",))
    assert judged(tree, "good", trust=trust)[0] is Chain.REVOCATION_UNKNOWN


def test_an_unreadable_certificate_is_a_finding(tree: PkiTree) -> None:
    chain, _, findings = chain_judge(tree.trust)(b"\x30\x00", (), tree.now)
    assert (chain, findings[0].code) == (Chain.UNKNOWN, "certificate_unreadable")


def test_a_time_stamping_certificate_is_judged_by_its_own_usage(tree: PkiTree) -> None:
    stamping = chain_judge(tree.trust, purpose=Purpose.TIMESTAMP)
    assert stamping(tree.tsa.der, (), tree.now)[0] is Chain.TRUSTED
    assert stamping(tree.good.der, (), tree.now)[0] is Chain.UNSUITABLE


def test_certificates_that_issue_one_another_do_not_explode(tree: PkiTree) -> None:
    key = rsa_key()
    names = [
        make_signer(
            "Boucle",
            issuer=tree.rogue_authority,
            validity=valid_for(9, now=tree.now),
            organisation="X",
            siren=str(number),
            key=key,
        ).der
        for number in range(200)
    ]
    assert chain_judge(tree.trust)(tree.rogue.der, names, tree.now)[0] is Chain.UNKNOWN


class TestTrustFile:
    def test_sorts_anchors_intermediates_and_lists(self, tree: PkiTree) -> None:
        crl = x509.load_der_x509_crl(tree.crls[1]).public_bytes(Encoding.PEM)
        bundle = b"# essai\n" + tree.root.pem + tree.authority.pem + crl
        assert read_trust_file(bundle) == TrustMaterial(
            (tree.root.der,), (tree.authority.der,), (tree.crls[1],)
        )

    def test_reads_one_der_certificate(self, tree: PkiTree) -> None:
        assert read_trust_file(tree.root.der).anchors == (tree.root.der,)

    @pytest.mark.parametrize("content", [b"", b"rien", b"-----BEGIN X-----\nAA==\n-----END X-----"])
    def test_refuses_a_file_without_anchor(self, content: bytes) -> None:
        with pytest.raises(ValueError, match=r"."):
            read_trust_file(content)


def test_a_list_lapses_at_the_instant_from_which_the_judge_trusts_nobody_by_it() -> None:
    authority = make_authority("Racine", validity=valid_for(365))
    signer = make_signer(
        "Signataire",
        issuer=authority,
        validity=valid_for(365),
        organisation="Commune fictive",
        siren="219900016",
    )
    revocations = make_crl(authority)
    judge = chain_judge(TrustMaterial(anchors=(authority.der,), crls=(revocations,)))
    lapse = lapse_of(revocations)
    assert lapse is not None
    instants = lapse - timedelta.resolution, lapse
    assert [judge(signer.der, (), one)[0] for one in instants] == [
        Chain.TRUSTED,
        Chain.REVOCATION_UNKNOWN,
    ]


def test_a_list_without_an_end_and_an_unreadable_one_lapse_at_no_known_instant() -> None:
    authority = make_authority("Racine", validity=valid_for(365))
    endless = crl.CertificateList.load(make_crl(authority))
    del endless["tbs_cert_list"]["next_update"]
    assert lapse_of(endless.dump(force=True)) is None
    assert lapse_of(b"rien de tel") is None
