"""Attacks on signed flows: what libraries accept, our verifier refuses (signing.md §8)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from app.demo.flows import Flow, make_pes
from signing import xml
from signing.report import Chain, Coverage, Indication, Integrity, SubIndication, Verdict
from signing.xades_verification import verify_xml
from signing.xmldsig import DS, canonical
from tests.builders.pes import (
    NOW,
    codes,
    judged,
    knowing_nobody,
    sign_flow,
    signer,
    trusting,
)
from tests.builders.pes_attacks import (
    ATTACKS,
    Edit,
    attacked,
    change_amount,
    drop,
    first,
    signature_of,
)

TWO_SLIPS = Flow(expense_slips=2, revenue_slips=1, attachments=1)


@pytest.fixture(scope="module")
def signed() -> bytes:
    return sign_flow(make_pes(TWO_SLIPS))


@pytest.fixture(scope="module")
def whole() -> bytes:
    return sign_flow(make_pes(replace(TWO_SLIPS, slip_ids=False)))


class TestSoundFlows:
    def test_each_slip_is_reported_by_itself(self, signed: bytes) -> None:
        report = judged(signed)
        assert [(one.scope, one.coverage, one.integrity) for one in report.signatures] == [
            (name, Coverage.PART, Integrity.INTACT)
            for name in ("BORDDEP101", "BORDDEP102", "BORDREC101")
        ]

    def test_a_whole_file_is_covered_whole(self, whole: bytes) -> None:
        (one,) = judged(whole).signatures
        assert (one.scope, one.coverage) == ("document", Coverage.WHOLE)

    def test_facts_of_the_signer_are_told(self, whole: bytes) -> None:
        (one,) = judged(whole).signatures
        assert (one.signer, one.claimed_role, one.signed_at, one.level) == (
            "Jeanne Modèle",
            "Maire",
            NOW,
            "XAdES-EPES",
        )

    def test_an_unknown_chain_cannot_be_vouched_for(self, signed: bytes) -> None:
        report = verify_xml(signed, judge_chain=knowing_nobody, now=NOW, strict=True)
        assert (report.verdict, report.signatures[0].indication) == (
            Verdict.CANNOT_VOUCH,
            Indication.INDETERMINATE,
        )

    def test_a_flow_without_signature_is_unsigned(self) -> None:
        assert judged(make_pes()).verdict is Verdict.UNSIGNED

    def test_another_encoding_or_line_end_changes_nothing(self, signed: bytes) -> None:
        recoded = etree.tostring(xml.parse(signed), encoding="UTF-8", xml_declaration=True)
        assert judged(recoded.replace(b"\n", b"\r\n")).verdict is Verdict.VALID

    def test_a_comment_is_harmless(self, signed: bytes) -> None:
        commented = signed.replace(b"<Piece>", b"<!-- note --><Piece>")
        assert judged(commented).verdict is Verdict.VALID

    def test_the_chain_is_asked_once_for_one_signer(self, signed: bytes) -> None:
        asked = []

        def judge(certificate: bytes, extra: object, at: object) -> tuple[Chain, None, tuple[()]]:
            asked.append((certificate, at))
            return Chain.TRUSTED, None, ()

        verify_xml(signed, judge_chain=judge, now=NOW)
        assert asked == [(signer().issued.der, NOW)]


class TestAttacks:
    @pytest.mark.parametrize("strict", [True, False], ids=["strict", "gentle"])
    @pytest.mark.parametrize(("edit", "code"), ATTACKS.values(), ids=ATTACKS.keys())
    def test_threat_08_every_attack_is_refused_for_its_own_reason(
        self, signed: bytes, edit: Edit, code: str, strict: bool
    ) -> None:
        report = judged(attacked(signed, edit), strict=strict)
        assert report.verdict is Verdict.INVALID
        assert code in codes(report)

    def test_threat_08_root_wrapped_in_its_own_signature(self, whole: bytes) -> None:
        def wrap(root: etree._Element) -> None:
            genuine = deepcopy(root)
            drop(signature_of(genuine))
            root.set("Id", "AUTRE")
            change_amount(root)
            etree.SubElement(signature_of(root), f"{{{DS}}}Object").append(genuine)

        assert judged(attacked(whole, wrap)).verdict is Verdict.INVALID

    def test_an_attachment_replaced_under_a_whole_signature(self, whole: bytes) -> None:
        changed = re.sub(rb"(<Fichier[^>]*>)....", rb"\1AAAA", whole)
        assert changed != whole
        assert codes(judged(changed)) == {"content_modified"}

    def test_text_between_the_signature_and_the_end_tag_is_signed(self, signed: bytes) -> None:
        changed = signed.replace(b"</ds:Signature></Bordereau>", b"</ds:Signature> </Bordereau>")
        assert "content_modified" in codes(judged(changed, strict=False))

    def test_any_byte_of_a_whole_signed_file_matters(
        self, whole: bytes, scaled: Callable[[int, int], int]
    ) -> None:
        start = whole.index(b"<n:PES_Aller")
        step = max(1, (len(whole) - start) // scaled(2000, 250))
        flips = (_flipped(whole, position) for position in range(start, len(whole) - 1, step))
        accepted = [one for one in flips if judged(one).verdict is Verdict.VALID]
        # What is accepted is the same document for XML: an unused namespace may have another name.
        assert {canonical(xml.parse(one)) for one in accepted} <= {canonical(xml.parse(whole))}

    def test_a_certificate_of_an_unknown_version_is_a_verdict(self, signed: bytes) -> None:
        der = signer().issued.der
        odd = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x5e", 1)
        assert odd != der
        content = signed.replace(b64encode(der), b64encode(odd))
        assert "certificate_unreadable" in codes(judged(content, strict=False))

    def test_a_relative_namespace_is_a_verdict(self, signed: bytes) -> None:
        content = signed.replace(b"<Piece>", b'<Piece xmlns:r="relatif" r:a="1">', 1)
        assert "xml_not_canonical" in codes(judged(content))


def _flipped(content: bytes, position: int) -> bytes:
    changed = bytearray(content)
    changed[position] ^= 0x01
    return bytes(changed)


class TestHostileFiles:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"<",
            b"\x00" * 100,
            b"<a>" * 100_000,
            b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
            "<?xml version='1.0' encoding='UTF-16'?><a/>".encode("utf-16"),
        ],
    )
    def test_threat_16_what_cannot_be_parsed_is_a_format_failure(self, content: bytes) -> None:
        report = judged(content, strict=False)
        if report.verdict is Verdict.UNSIGNED:
            assert report.signatures == ()
            return
        assert report.verdict is Verdict.INVALID
        assert report.signatures[0].sub_indication is SubIndication.FORMAT_FAILURE

    def test_a_cut_signed_file_never_raises(self, signed: bytes) -> None:
        verdicts = {judged(signed[:end]).verdict for end in range(0, len(signed), 997)}
        assert verdicts == {Verdict.INVALID}

    @pytest.mark.parametrize(
        "name",
        ["SignedInfo", "SignatureValue", "KeyInfo", "X509Certificate", "Object", "DigestValue",
         "DigestMethod", "CanonicalizationMethod", "SignatureMethod", "Reference", "Transforms",
         "QualifyingProperties", "SignedProperties", "SignedSignatureProperties", "SigningTime",
         "SigningCertificate", "CertDigest", "SignaturePolicyIdentifier", "SignerRole"],
    )  # fmt: skip
    def test_threat_08_any_missing_part_is_a_verdict(self, signed: bytes, name: str) -> None:
        def remove(root: etree._Element) -> None:
            drop(first(root, name))

        assert judged(attacked(signed, remove)).verdict is Verdict.INVALID

    @pytest.mark.parametrize(
        "name", ["SignatureValue", "X509Certificate", "DigestValue", "SigningTime"]
    )
    @pytest.mark.parametrize("text", ["", "é", "AAAA", "9999-99-99T99:99:99Z", "A" * 10_000])
    def test_threat_08_any_absurd_value_is_a_verdict(
        self, signed: bytes, name: str, text: str
    ) -> None:
        def write(root: etree._Element) -> None:
            first(root, name).text = text

        assert judged(attacked(signed, write)).verdict is Verdict.INVALID


class TestSamples:
    @pytest.mark.parametrize(
        ("name", "verdict", "code"),
        [
            ("S01", Verdict.INVALID, "certificate_expired_at_signing"),
            ("S02", Verdict.CANNOT_VOUCH, None),
            ("S03", Verdict.INVALID, "algorithm_forbidden"),
            ("S04", Verdict.CANNOT_VOUCH, None),
            ("S05", Verdict.CANNOT_VOUCH, None),
            ("S06", Verdict.CANNOT_VOUCH, None),
            ("S07", Verdict.INVALID, "content_modified"),
            ("S08", Verdict.INVALID, "pes_slip_unsigned"),
            ("S09", Verdict.INVALID, "content_modified"),
            ("S10", Verdict.INVALID, "pes_content_in_signature"),
        ],
    )
    def test_samples_have_their_outcome(
        self, shared_data: Path, name: str, verdict: Verdict, code: str | None
    ) -> None:
        content = next((shared_data / "pes/samples").glob(f"{name}-*.xml")).read_bytes()
        report = verify_xml(content, judge_chain=knowing_nobody, now=NOW)
        assert report.verdict is verdict
        assert code in codes(report) if code else codes(report) == set()

    @pytest.mark.parametrize("name", ["S04", "S05"])
    def test_what_others_made_in_our_profile_passes_the_strict_list(
        self, shared_data: Path, name: str
    ) -> None:
        content = next((shared_data / "pes/samples").glob(f"{name}-*.xml")).read_bytes()
        assert judged(content).verdict is Verdict.VALID

    def test_only_the_changed_slip_fails_in_s09(self, shared_data: Path) -> None:
        content = next((shared_data / "pes/samples").glob("S09-*.xml")).read_bytes()
        report = verify_xml(content, judge_chain=trusting, now=NOW)
        assert {one.scope: one.integrity for one in report.signatures} == {
            "IDBD120": Integrity.INTACT,
            "IDBD121": Integrity.BROKEN,
            "IDBR46": Integrity.INTACT,
        }

    def test_what_s02_has_against_it_is_only_told(self, shared_data: Path) -> None:
        content = next((shared_data / "pes/samples").glob("S02-*.xml")).read_bytes()
        report = verify_xml(content, judge_chain=knowing_nobody, now=NOW)
        (one,) = report.signatures
        told = {finding.code for finding in (*report.findings, *one.findings)}
        assert one.integrity is Integrity.INTACT
        assert {"pes_not_dematerialised", "certificate_digest_sha1", "pes_digest_namespace"} <= told
