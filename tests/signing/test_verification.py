"""One entry for any file: vectors of others, dispatch by content, never an exception."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from app.demo.acts import deliberation
from signing.report import Coverage, Integrity, LaterChanges, Verdict, VerificationReport, to_json
from signing.trust import TrustMaterial
from signing.verification import verify
from tests.builders.library_cades import cades
from tests.builders.signed_pdf import signed_pdf
from tests.pki.tree import PkiTree, shared_tree

# data/validation/INDEX.md: VALID and INTEGRITY OK are intact and, without anchors, cannot be
# vouched for; INVALID, NOT VALID and REFUSED are invalid.
INTACT = (
    "P01_pdf-signed-original.pdf",
    "P08_doc-firmado-LT.pdf",
    "P09_muestra-firmado-firmado.pdf",
    "P10_doc-firmado-T.pdf",
    "X01_dss-signed.xml",
    "X04_TSL-CY-sign.xml",
)
INVALID = (
    "P02_pdf-signed-out-of-byteRange.pdf",
    "P03_pdf-signed-added-page.pdf",
    "P04_pdf-byterange-overlap.pdf",
    "P05_siwa.pdf",
    "P06_replace.pdf",
    "P07_pdf-eof.pdf",
    "X02_dss-signed-altered-refRemoved.xml",
    "X03_XSW-enveloping-fake-object.xml",
    "X05_xades-tampered-reference.xml",
    "X06_xades-with-dtd-injection.xml",
    "X07_xades-wrong-sign-cert-digest.xml",
)


@pytest.fixture(scope="module")
def tree() -> PkiTree:
    return shared_tree()


@pytest.fixture(scope="module")
def vector(shared_data: Path, tree: PkiTree) -> Callable[[str], VerificationReport]:
    def verified(name: str) -> VerificationReport:
        content = (shared_data / "validation" / name).read_bytes()
        return verify(content, trust=TrustMaterial(), now=tree.now)

    return verified


class TestVectors:
    @pytest.mark.parametrize("name", INTACT)
    def test_sound_ones_are_intact_and_not_vouched_for(
        self, vector: Callable[[str], VerificationReport], name: str
    ) -> None:
        report = vector(name)
        assert report.verdict is Verdict.CANNOT_VOUCH
        assert {one.integrity for one in report.signatures} == {Integrity.INTACT}

    @pytest.mark.parametrize("name", [one for one in INTACT if one.startswith("P")])
    def test_sound_ones_stay_so_under_our_signature(
        self, shared_data: Path, tree: PkiTree, name: str
    ) -> None:
        content = signed_pdf((shared_data / "validation" / name).read_bytes(), tree.good)
        report = verify(content, trust=TrustMaterial(), now=tree.now)
        assert report.verdict is Verdict.CANNOT_VOUCH
        assert {one.later_changes for one in report.signatures[:-1]} == {LaterChanges.ALLOWED}

    @pytest.mark.parametrize("name", INVALID)
    def test_attacked_ones_are_invalid(
        self, vector: Callable[[str], VerificationReport], name: str
    ) -> None:
        assert vector(name).verdict is Verdict.INVALID

    def test_p04_tells_the_sound_signature_from_the_other(
        self, vector: Callable[[str], VerificationReport]
    ) -> None:
        first, second = vector("P04_pdf-byterange-overlap.pdf").signatures
        assert (first.integrity, first.later_changes) == (Integrity.INTACT, LaterChanges.ALLOWED)
        assert second.coverage is Coverage.UNCLEAR

    @pytest.mark.parametrize("name", ["P03_pdf-signed-added-page.pdf", "P06_replace.pdf"])
    def test_changes_after_signing_are_named(
        self, vector: Callable[[str], VerificationReport], name: str
    ) -> None:
        (one,) = vector(name).signatures
        assert (one.integrity, one.later_changes) == (Integrity.INTACT, LaterChanges.FORBIDDEN)

    @pytest.mark.parametrize(
        ("name", "level"),
        [
            ("P08_doc-firmado-LT.pdf", "PAdES-BASELINE-LT"),
            ("P10_doc-firmado-T.pdf", "PAdES-BASELINE-T"),
        ],
    )
    def test_the_level_is_the_one_known(
        self, vector: Callable[[str], VerificationReport], name: str, level: str
    ) -> None:
        assert vector(name).signatures[0].level == level

    def test_p09_has_two_signatures_and_two_timestamps(
        self, vector: Callable[[str], VerificationReport]
    ) -> None:
        levels = [one.level for one in vector("P09_muestra-firmado-firmado.pdf").signatures]
        assert levels.count("DOCUMENT-TIMESTAMP") == 2
        assert len(levels) == 4


class TestDispatch:
    def test_a_signed_pdf(self, tree: PkiTree) -> None:
        report = verify(
            signed_pdf(deliberation(), tree.good, chain=tree.chain), trust=tree.trust, now=tree.now
        )
        assert (report.format, report.verdict) == ("PDF", Verdict.VALID)

    def test_a_detached_signature_with_its_content(self, tree: PkiTree) -> None:
        report = verify(
            cades(tree), trust=tree.trust, now=tree.now, detached_content=deliberation()
        )
        assert (report.format, report.verdict) == ("CMS", Verdict.VALID)

    @pytest.mark.parametrize(
        ("content", "verdict"),
        [
            pytest.param(b"", Verdict.UNSIGNED, id="empty"),
            pytest.param(b"Bonjour", Verdict.UNSIGNED, id="text"),
            pytest.param(bytes(range(256)), Verdict.UNSIGNED, id="binary"),
            pytest.param(b"<a>bonjour</a>", Verdict.UNSIGNED, id="unsigned xml"),
            pytest.param(deliberation(), Verdict.UNSIGNED, id="unsigned pdf"),
            pytest.param(b"%PDF-1.7 rien", Verdict.INVALID, id="broken pdf"),
            pytest.param(b"<a>", Verdict.INVALID, id="broken xml"),
            pytest.param(b"\x30\x82\x00", Verdict.INVALID, id="broken cms"),
            pytest.param(b"GIF89a" + b"%PDF-1.7", Verdict.INVALID, id="polyglot"),
        ],
    )
    def test_threat_18_the_bytes_decide(
        self, tree: PkiTree, content: bytes, verdict: Verdict
    ) -> None:
        assert verify(content, trust=tree.trust, now=tree.now).verdict is verdict

    def test_the_report_is_json(self, tree: PkiTree) -> None:
        report = to_json(verify(deliberation(), trust=tree.trust, now=tree.now))
        assert report["verdict"] == "unsigned"


def test_noise_is_a_verdict_and_never_an_exception(
    tree: PkiTree, scaled: Callable[[int, int], int]
) -> None:
    chance = random.Random(3)
    sources = [signed_pdf(deliberation(), tree.good), cades(tree)]
    for number in range(scaled(1000, 60)):
        damaged = bytearray(sources[number % 2])
        for _ in range(chance.randint(1, 20)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        report = verify(
            bytes(damaged), trust=tree.trust, now=tree.now, detached_content=deliberation()
        )
        assert report.verdict in Verdict
