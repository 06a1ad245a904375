"""Detached CMS signatures of acts, made by openssl and pyHanko, judged here."""

from __future__ import annotations

import subprocess
from base64 import encodebytes
from collections.abc import Callable
from pathlib import Path

import pytest
from asn1crypto import cms

from signing.acts import verify_detached
from signing.report import (
    Coverage,
    Indication,
    Integrity,
    SubIndication,
    Verdict,
    VerificationReport,
)
from tests.builders.library_cades import CONTENT, cades
from tests.pki.tree import PkiTree, shared_tree


@pytest.fixture(scope="module")
def tree() -> PkiTree:
    return shared_tree()


def judged(signature: bytes, tree: PkiTree, content: bytes | None = CONTENT) -> VerificationReport:
    return verify_detached(signature, content, trust=tree.trust, now=tree.now)


class TestSound:
    def test_is_valid_over_its_content(self, tree: PkiTree) -> None:
        report = judged(cades(tree), tree)
        (one,) = report.signatures
        assert (report.verdict, one.level, one.coverage) == (
            Verdict.VALID,
            "CAdES-BASELINE-B",
            Coverage.WHOLE,
        )
        assert (one.signer, one.signed_at) == ("Camille EXEMPLE", tree.now)

    def test_with_a_timestamp_reaches_level_t(self, tree: PkiTree) -> None:
        assert judged(cades(tree, stamped=True), tree).signatures[0].level == "CAdES-BASELINE-T"

    @pytest.mark.parametrize("label", ["PKCS7", "CMS"])
    def test_in_pem_armour(self, tree: PkiTree, label: str) -> None:
        armoured = f"-----BEGIN {label}-----\n".encode() + encodebytes(cades(tree))
        armoured += f"-----END {label}-----\n".encode()
        assert judged(armoured, tree).verdict is Verdict.VALID

    @pytest.mark.parametrize("options", [[], ["-stream"], ["-cades"], ["-outform", "PEM"]])
    def test_made_by_openssl(
        self,
        tree: PkiTree,
        options: list[str],
        tmp_path: Path,
        require_tool: Callable[[str], str],
    ) -> None:
        (tmp_path / "key.pem").write_bytes(tree.good.key_pem)
        (tmp_path / "cert.pem").write_bytes(tree.good.pem)
        (tmp_path / "ca.pem").write_bytes(tree.authority.pem)
        (tmp_path / "act.pdf").write_bytes(CONTENT)
        outform = [] if "-outform" in options else ["-outform", "DER"]
        subprocess.run(
            [
                *(require_tool("openssl"), "cms", "-sign", "-binary", "-md", "sha256"),
                *("-signer", "cert.pem", "-inkey", "key.pem", "-certfile", "ca.pem"),
                *("-in", "act.pdf", "-out", "act.p7s", *outform, *options),
            ],
            check=True,
            capture_output=True,
            cwd=tmp_path,
            timeout=60,
        )
        assert judged((tmp_path / "act.p7s").read_bytes(), tree).verdict is Verdict.VALID


class TestRefused:
    def test_content_changed(self, tree: PkiTree) -> None:
        report = judged(cades(tree), tree, CONTENT + b" ")
        (one,) = report.signatures
        assert (report.verdict, one.sub_indication, one.integrity) == (
            Verdict.INVALID,
            SubIndication.HASH_FAILURE,
            Integrity.BROKEN,
        )

    def test_without_its_content_it_cannot_be_vouched_for(self, tree: PkiTree) -> None:
        report = judged(cades(tree), tree, None)
        (one,) = report.signatures
        assert (report.verdict, one.sub_indication, one.coverage) == (
            Verdict.CANNOT_VOUCH,
            SubIndication.SIGNED_DATA_NOT_FOUND,
            Coverage.NONE,
        )

    def test_threat_09_the_certificate_is_exchanged(self, tree: PkiTree) -> None:
        info = cms.ContentInfo.load(cades(tree))
        forged = cms.ContentInfo.load(cades(tree, signer=tree.other))
        info["content"]["certificates"] = forged["content"]["certificates"]
        sid = forged["content"]["signer_infos"][0]["sid"]
        info["content"]["signer_infos"][0]["sid"] = sid
        assert judged(info.dump(force=True), tree).verdict is Verdict.INVALID

    def test_threat_09_another_certificate_of_the_same_key(self, tree: PkiTree) -> None:
        info = cms.ContentInfo.load(cades(tree))
        twin = cms.ContentInfo.load(cades(tree, signer=tree.revoked))
        info["content"]["certificates"] = twin["content"]["certificates"]
        info["content"]["signer_infos"][0]["sid"] = twin["content"]["signer_infos"][0]["sid"]
        (one,) = judged(info.dump(force=True), tree).signatures
        assert (one.indication, one.sub_indication, one.integrity) == (
            Indication.TOTAL_FAILED,
            SubIndication.SIG_CONSTRAINTS_FAILURE,
            Integrity.INTACT,
        )

    def test_threat_13_a_timestamp_of_another_signature(self, tree: PkiTree) -> None:
        mine = cms.ContentInfo.load(cades(tree))
        theirs = cms.ContentInfo.load(cades(tree, signer=tree.other, stamped=True))
        unsigned = theirs["content"]["signer_infos"][0]["unsigned_attrs"]
        mine["content"]["signer_infos"][0]["unsigned_attrs"] = unsigned
        (one,) = judged(mine.dump(force=True), tree).signatures
        assert one.level == "CAdES-BASELINE-B"
        assert "timestamp_wrong" in {finding.code for finding in one.findings}

    @pytest.mark.parametrize(
        "signature",
        [
            b"",
            b"\x30",
            b"\x30\x80" * 5000,
            b"\x30\x03\x02\x01\x01",
            b"-----BEGIN PKCS7-----\n!!!\n-----END PKCS7-----",
            b"\x30\x84\xff\xff\xff\xff",
        ],
    )
    def test_garbage_is_invalid(self, tree: PkiTree, signature: bytes) -> None:
        assert judged(signature, tree).verdict is Verdict.INVALID

    def test_no_byte_changed_passes(self, tree: PkiTree, scaled: Callable[[int, int], int]) -> None:
        source = cades(tree)
        step = max(1, len(source) // scaled(len(source), 100))
        passed = []
        for at in range(0, len(source), step):
            damaged = bytearray(source)
            damaged[at] ^= 0x10
            (report,) = [judged(bytes(damaged), tree)]
            if report.verdict is Verdict.VALID and signs_same(bytes(damaged), source):
                passed.append(at)
        assert passed == []


def signs_same(damaged: bytes, source: bytes) -> bool:
    """Whether the change falls in what the signature protects: attributes, value, certificate."""
    return attributes_of(damaged) != attributes_of(source)


def attributes_of(signature: bytes) -> tuple[bytes, bytes]:
    info = cms.ContentInfo.load(signature)["content"]["signer_infos"][0]
    return info["signed_attrs"].dump(), info["signature"].native
