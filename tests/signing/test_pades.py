"""PAdES B-B in two phases, judged by our verifier, pyHanko, pdfsig and openssl."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

import pytest
from asn1crypto import cms, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import (
    FieldMDPAction,
    FieldMDPSpec,
    MDPPerm,
)
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from agent.recompute_pdf import check_pdf
from app.demo.acts import Act, deliberation
from app.demo.pki import Issued, make_signer, valid_for
from signing import pades
from signing.errors import BadSignatureValue, UnsuitableCertificate, UnsupportedDocument
from signing.pdf_inspection import inspect
from signing.report import LaterChanges, Verdict
from signing.types import Mechanism, Prepared, SignatureValue, Stamp, ToSign
from signing.verification import verify
from tests.builders.library_pdf import approved, approved_with_lock, certified
from tests.builders.pdf import (
    encrypted_pdf,
    hybrid_pdf,
    pdf_with_object_stream,
    pdf_with_text_field,
    simple_objects,
    simple_pdf,
    stream,
    with_catalog,
    written,
)
from tests.builders.signed_pdf import completed, parameters, signed_pdf, value_of
from tests.builders.stamps import (
    MENTION,
    NAME,
    PDF_A,
    WHEN,
    a_stamp,
    stamped,
    text_seen,
    widgets,
    xmp,
)
from tests.pki.tree import PkiTree, shared_tree

KINDS = ("good", "p256", "p384")
NULL_ANNOTATIONS = simple_objects()[3].replace(b"/Contents", b"/Annots null /Contents")
_CHILD = "tests.signing.two_phase_child"
_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tree() -> PkiTree:
    return shared_tree()


def signer_of(tree: PkiTree, kind: str) -> Issued:
    found: Issued = getattr(tree, kind)
    return found


def prepared_act(tree: PkiTree, document: bytes | None = None) -> Prepared:
    return pades.prepare(document or deliberation(), parameters(tree.good, chain=tree.chain))


def byte_range(signed: bytes) -> list[int]:
    found = PdfFileReader(BytesIO(signed)).embedded_signatures[-1]
    return [int(bound) for bound in found.byte_range]


class TestPrepare:
    def test_threat_57_the_prepared_file_begins_with_the_deposited_bytes(
        self, tree: PkiTree
    ) -> None:
        source = deliberation()
        assert prepared_act(tree, source).document.startswith(source)

    def test_asks_for_one_value_over_exactly_three_attributes(self, tree: PkiTree) -> None:
        (item,) = prepared_act(tree).to_sign
        names = {attribute["type"].native for attribute in cms.CMSAttributes.load(item.tbs)}
        assert names == {"content_type", "message_digest", "signing_certificate_v2"}

    def test_the_bytes_to_sign_are_a_der_set(self, tree: PkiTree) -> None:
        (item,) = prepared_act(tree).to_sign
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
        prepared = pades.prepare(simple_pdf(), parameters(signer_of(tree, kind)))
        assert prepared.to_sign[0].mechanism is mechanism

    def test_place_capacity_name_and_time_stand_in_the_signature_dictionary(
        self, tree: PkiTree
    ) -> None:
        prepared = pades.prepare(
            simple_pdf(), parameters(tree.good, claimed_role="Par délégation du maire, l'adjointe")
        )
        reader = PdfFileReader(BytesIO(completed(prepared, tree.good)))
        dictionary = reader.embedded_signatures[0].sig_object
        said = [str(dictionary[key]) for key in ("/Location", "/Reason", "/Name")]
        assert said == ["Saint-Modèle", "Par délégation du maire, l'adjointe", "Camille EXEMPLE"]
        assert str(dictionary["/M"]).startswith(f"D:{tree.now:%Y%m%d%H%M%S}")

    def test_the_same_document_prepared_twice_has_the_same_metadata(self, tree: PkiTree) -> None:
        signed = completed(prepared_act(tree), tree.good)
        info = PdfFileReader(BytesIO(signed)).trailer["/Info"]
        assert set(info) == {"/Title", "/Producer"}

    @pytest.mark.parametrize(
        ("document", "code"),
        [
            (b"", "empty_file"),
            (b"Bonjour", "not_a_pdf"),
            (b"%PDF-1.7\nrien", "pdf_broken"),
            (encrypted_pdf(), "pdf_encrypted"),
            (hybrid_pdf(contradictory=True), "pdf_contradictory_tables"),
        ],
    )
    def test_refuses_what_it_cannot_sign(self, tree: PkiTree, document: bytes, code: str) -> None:
        with pytest.raises(UnsupportedDocument) as refusal:
            pades.prepare(document, parameters(tree.good))
        assert refusal.value.code == code

    def test_threat_10_refuses_a_weak_key(self, tree: PkiTree) -> None:
        with pytest.raises(UnsuitableCertificate):
            pades.prepare(simple_pdf(), parameters(tree.rsa_1024))


class TestLocks:
    """Threat 5: what an earlier signature forbids is refused before phase 1."""

    def test_threat_05_certified_without_changes(self, tree: PkiTree) -> None:
        document = certified(simple_pdf(), tree, MDPPerm.NO_CHANGES)
        assert refusal_code(document, tree) == "pdf_locked"

    def test_threat_05_locked_by_an_approval_signature(self, tree: PkiTree) -> None:
        lock = FieldMDPSpec(FieldMDPAction.INCLUDE, fields=["Visa"])
        document = approved_with_lock(
            simple_pdf(), tree, permission=MDPPerm.NO_CHANGES, fields=lock
        )
        assert refusal_code(document, tree) == "pdf_locked"

    def test_threat_05_every_field_locked(self, tree: PkiTree) -> None:
        lock = FieldMDPSpec(FieldMDPAction.ALL)
        document = approved_with_lock(simple_pdf(), tree, fields=lock)
        assert refusal_code(document, tree) == "pdf_locked"

    @pytest.mark.parametrize("permission", [MDPPerm.FILL_FORMS, MDPPerm.ANNOTATE])
    def test_a_certification_that_allows_signatures_stays_valid(
        self, tree: PkiTree, permission: MDPPerm
    ) -> None:
        document = certified(simple_pdf(), tree, permission)
        signed = signed_pdf(document, tree.other, chain=tree.chain)
        assert verify(signed, trust=tree.trust, now=tree.now).verdict is Verdict.VALID


class TestFinish:
    @pytest.mark.parametrize("kind", KINDS)
    def test_the_signed_file_is_valid(self, tree: PkiTree, kind: str) -> None:
        signed = signed_pdf(deliberation(), signer_of(tree, kind), chain=tree.chain)
        report = verify(signed, trust=tree.trust, now=tree.now)
        assert (report.verdict, report.signatures[0].level) == (Verdict.VALID, "PAdES-BASELINE-B")

    @pytest.mark.parametrize("kind", KINDS)
    def test_pyhanko_trusts_it(self, tree: PkiTree, kind: str) -> None:
        signed = signed_pdf(deliberation(), signer_of(tree, kind), chain=tree.chain)
        status = validate_pdf_signature(
            PdfFileReader(BytesIO(signed)).embedded_signatures[0],
            ValidationContext(
                trust_roots=[x509.Certificate.load(tree.root.der)],
                crls=list(tree.crls),
                moment=tree.now,
                revocation_mode="hard-fail",
            ),
        )
        assert status.bottom_line

    @pytest.mark.parametrize("kind", KINDS)
    def test_pdfsig_says_valid(
        self, tree: PkiTree, kind: str, tmp_path: Path, require_tool: Callable[[str], str]
    ) -> None:
        path = tmp_path / "acte.pdf"
        path.write_bytes(signed_pdf(deliberation(), signer_of(tree, kind), chain=tree.chain))
        said = run(require_tool("pdfsig"), "-nocert", str(path))
        assert "Signature is Valid" in said
        assert "Total document signed" in said

    @pytest.mark.parametrize("kind", KINDS)
    def test_openssl_verifies_the_cms_with_the_root_alone(
        self, tree: PkiTree, kind: str, tmp_path: Path, require_tool: Callable[[str], str]
    ) -> None:
        signed = signed_pdf(deliberation(), signer_of(tree, kind), chain=tree.chain)
        _, length, start, rest = byte_range(signed)
        (tmp_path / "content").write_bytes(signed[:length] + signed[start : start + rest])
        padded = bytes.fromhex(signed[length + 1 : start - 1].decode())
        (tmp_path / "cms").write_bytes(cms.ContentInfo.load(padded).dump())
        (tmp_path / "root.pem").write_bytes(tree.root.pem)
        run(
            *(require_tool("openssl"), "cms", "-verify", "-binary", "-inform", "DER"),
            *("-in", str(tmp_path / "cms"), "-content", str(tmp_path / "content")),
            *("-purpose", "any", "-CAfile", str(tmp_path / "root.pem")),
            *("-out", str(tmp_path / "verified")),
        )
        assert (tmp_path / "verified").stat().st_size == length + rest

    def test_the_signed_file_begins_with_the_deposited_bytes(self, tree: PkiTree) -> None:
        source = deliberation()
        assert signed_pdf(source, tree.good).startswith(source)

    def test_three_signers_on_one_document_are_all_valid(self, tree: PkiTree) -> None:
        document = deliberation()
        for kind in KINDS:
            document = signed_pdf(document, signer_of(tree, kind), chain=tree.chain)
        report = verify(document, trust=tree.trust, now=tree.now)
        assert report.verdict is Verdict.VALID
        assert [one.id for one in report.signatures] == ["Signature1", "Signature2", "Signature3"]

    @pytest.mark.parametrize(
        "document",
        [
            pytest.param(hybrid_pdf(), id="hybrid-references"),
            pytest.param(pdf_with_text_field(), id="form"),
            pytest.param(
                pdf_with_object_stream(simple_objects() | {4: b"<< >>"}), id="object-stream"
            ),
            pytest.param(deliberation(Act(pages=12)), id="twelve-pages"),
            pytest.param(written(simple_objects() | {3: NULL_ANNOTATIONS}), id="null-annotations"),
        ],
    )
    def test_signs_the_shapes_that_office_programs_write(
        self, tree: PkiTree, document: bytes
    ) -> None:
        signed = signed_pdf(document, tree.good, chain=tree.chain)
        assert verify(signed, trust=tree.trust, now=tree.now).verdict is Verdict.VALID

    def test_signs_a_pdf_of_20_megabytes(self, tree: PkiTree) -> None:
        source = deliberation(Act(size_bytes=20_000_000))
        signed = signed_pdf(source, tree.good, chain=tree.chain)
        assert verify(signed, trust=tree.trust, now=tree.now).verdict is Verdict.VALID
        assert len(signed) - len(source) < 25_000

    def test_the_two_phases_run_in_two_processes(self, tree: PkiTree, tmp_path: Path) -> None:
        (tmp_path / "source.pdf").write_bytes(deliberation())
        asked = asdict(parameters(tree.good, chain=tree.chain))
        asked |= {
            "certificate": b64encode(asked["certificate"]).decode(),
            "chain": [b64encode(issuer).decode() for issuer in asked["chain"]],
            "signing_time": asked["signing_time"].isoformat(),
        }
        (tmp_path / "parameters.json").write_text(json.dumps(asked))
        run(sys.executable, "-m", _CHILD, "prepare", str(tmp_path))
        item = json.loads((tmp_path / "to_sign.json").read_text())
        value = value_of(tree.good, to_sign(item))
        (tmp_path / "value.b64").write_text(b64encode(value.value).decode())
        run(sys.executable, "-m", _CHILD, "finish", str(tmp_path))
        signed = (tmp_path / "signed.pdf").read_bytes()
        assert verify(signed, trust=tree.trust, now=tree.now).verdict is Verdict.VALID


class TestStamp:
    """A visible signature: what it shows, and that it is as good as an invisible one."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_is_read_on_its_page_and_is_the_capacity_that_is_signed(
        self, tree: PkiTree, kind: str, tmp_path: Path, require_tool: Callable[[str], str]
    ) -> None:
        source = deliberation(Act(pages=2))
        asked = parameters(signer_of(tree, kind), chain=tree.chain, claimed_role=MENTION)
        signed = completed(pades.prepare(source, asked, a_stamp(x=64, y=84)), signer_of(tree, kind))
        reason = PdfFileReader(BytesIO(signed)).embedded_signatures[0].sig_object["/Reason"]
        pdftotext = require_tool("pdftotext")
        last, first = (text_seen(signed, tmp_path, pdftotext, page=page) for page in (2, 1))
        assert str(reason) == MENTION
        assert f"{MENTION} {NAME} {WHEN}" in last
        assert MENTION not in first
        assert signed.startswith(source)

    @pytest.mark.parametrize("kind", KINDS)
    def test_the_signed_file_is_valid(self, tree: PkiTree, kind: str) -> None:
        signed = stamped(deliberation(), signer_of(tree, kind), a_stamp(), chain=tree.chain)
        report = verify(signed, trust=tree.trust, now=tree.now)
        (one,) = report.signatures
        assert (report.verdict, one.level) == (Verdict.VALID, "PAdES-BASELINE-B")
        assert (one.later_changes, one.findings) == (LaterChanges.NONE, ())

    def test_each_of_several_stays_valid(self, tree: PkiTree) -> None:
        document = deliberation()
        for kind in KINDS:
            document = stamped(document, signer_of(tree, kind), a_stamp(), chain=tree.chain)
        document = signed_pdf(document, tree.other, chain=tree.chain)
        report = verify(document, trust=tree.trust, now=tree.now)
        assert report.verdict is Verdict.VALID
        assert [one.later_changes for one in report.signatures] == [
            *([LaterChanges.ALLOWED] * 3),
            LaterChanges.NONE,
        ]

    def test_pyhanko_and_pdfsig_accept_both_of_two(
        self, tree: PkiTree, tmp_path: Path, require_tool: Callable[[str], str]
    ) -> None:
        document = stamped(deliberation(), tree.good, a_stamp(), chain=tree.chain)
        document = stamped(document, tree.p256, a_stamp(), chain=tree.chain)
        context = ValidationContext(
            trust_roots=[x509.Certificate.load(tree.root.der)], moment=tree.now
        )
        found = PdfFileReader(BytesIO(document)).embedded_signatures
        assert all(validate_pdf_signature(one, context).bottom_line for one in found)
        path = tmp_path / "acte.pdf"
        path.write_bytes(document)
        assert run(require_tool("pdfsig"), "-nocert", str(path)).count("Signature is Valid") == 2

    def test_a_deposit_of_the_signed_file_warns_of_nothing_but_its_signature(
        self, tree: PkiTree
    ) -> None:
        facts = inspect(stamped(deliberation(), tree.good, a_stamp()))
        assert [one.code for one in facts.findings] == ["pdf_already_signed"]
        assert facts.stamp_obstacle is None

    def test_the_resume_is_plain_and_finishes_after_a_restart(self, tree: PkiTree) -> None:
        prepared = pades.prepare(deliberation(), parameters(tree.good), a_stamp())
        resume = json.loads(json.dumps(prepared.resume))
        values = [value_of(tree.good, prepared.to_sign[0])]
        assert pades.finish(prepared.document, resume, values)

    @pytest.mark.parametrize(
        "document",
        [
            pytest.param(hybrid_pdf(), id="hybrid-references"),
            pytest.param(pdf_with_text_field(), id="form"),
            pytest.param(
                pdf_with_object_stream(simple_objects() | {4: b"<< >>"}), id="object-stream"
            ),
        ],
    )
    def test_the_shapes_that_office_programs_write(self, tree: PkiTree, document: bytes) -> None:
        signed = stamped(document, tree.good, a_stamp(), chain=tree.chain)
        assert float(widgets(PdfFileReader(BytesIO(signed)))[-1]["/Rect"][2]) > 0
        assert verify(signed, trust=tree.trust, now=tree.now).verdict is Verdict.VALID

    def test_threat_05_a_certified_document_is_signed_without_and_stays_valid(
        self, tree: PkiTree
    ) -> None:
        document = certified(simple_pdf(), tree, MDPPerm.FILL_FORMS)
        signed = stamped(document, tree.other, a_stamp(), chain=tree.chain)
        assert is_invisible(signed)
        assert verify(signed, trust=tree.trust, now=tree.now).verdict is Verdict.VALID

    def test_a_pdf_a_is_signed_without(self, tree: PkiTree) -> None:
        packet = stream(xmp(PDF_A), b"/Type /Metadata /Subtype /XML")
        assert is_invisible(
            stamped(with_catalog(b"/Metadata 9 0 R", {9: packet}), tree.good, a_stamp())
        )

    def test_a_document_without_room_is_signed_without(self, tree: PkiTree) -> None:
        document = approved(simple_pdf(), tree, box=(0, 0, 200, 200))
        assert is_invisible(stamped(document, tree.other, a_stamp()))


class TestAgent:
    """What we prepare, the signing agent rebuilds from the prepared file alone."""

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(
        "document",
        [
            pytest.param(deliberation(), id="act"),
            pytest.param(hybrid_pdf(), id="hybrid-references"),
            pytest.param(signed_pdf(simple_pdf(), shared_tree().other), id="already-signed"),
        ],
    )
    @pytest.mark.parametrize(
        "stamp", [None, a_stamp(), a_stamp("/ByteRange [0 1 2 3]")], ids=["none", "stamp", "trap"]
    )
    def test_rebuilds_the_bytes_to_sign(
        self, tree: PkiTree, kind: str, document: bytes, stamp: Stamp | None
    ) -> None:
        signer = signer_of(tree, kind)
        prepared = pades.prepare(document, parameters(signer, chain=tree.chain), stamp)
        assert check_pdf(prepared.document, prepared.to_sign[0], certificate=signer.der) is None  # type: ignore[func-returns-value]


class TestRefusalsAtFinish:
    """Threats 6 and 7: nothing is assembled from a value that is not this document's."""

    def test_threat_07_value_of_another_document(self, tree: PkiTree) -> None:
        prepared, other = prepared_act(tree), prepared_act(tree, simple_pdf())
        values = [value_of(tree.good, other.to_sign[0])]
        assert finish_code(prepared, values) == "bad_signature_value"

    def test_threat_07_value_of_another_key(self, tree: PkiTree) -> None:
        prepared = prepared_act(tree)
        assert finish_code(prepared, [value_of(tree.other, prepared.to_sign[0])]) == (
            "bad_signature_value"
        )

    def test_threat_07_one_bit_of_the_value_changed(self, tree: PkiTree) -> None:
        prepared = prepared_act(tree)
        value = bytearray(value_of(tree.good, prepared.to_sign[0]).value)
        value[10] ^= 1
        assert finish_code(prepared, [SignatureValue("pdf", bytes(value))]) == (
            "bad_signature_value"
        )

    def test_threat_06_prepared_document_changed(self, tree: PkiTree) -> None:
        prepared = prepared_act(tree)
        values = [value_of(tree.good, prepared.to_sign[0])]
        changed = prepared.document.replace(b"48 600", b"98 600")
        assert changed != prepared.document
        with pytest.raises(BadSignatureValue) as refusal:
            pades.finish(changed, prepared.resume, values)
        assert refusal.value.code == "prepared_document_changed"

    def test_other_attributes_than_those_prepared(self, tree: PkiTree) -> None:
        prepared, other = prepared_act(tree), prepared_act(tree, simple_pdf())
        resume = {**prepared.resume, "signed_attributes": other.resume["signed_attributes"]}
        values = [value_of(tree.good, other.to_sign[0])]
        with pytest.raises(BadSignatureValue) as refusal:
            pades.finish(prepared.document, resume, values)
        assert refusal.value.code == "self_check_failed"

    @pytest.mark.parametrize("count", [0, 2])
    def test_another_number_of_values(self, tree: PkiTree, count: int) -> None:
        prepared = prepared_act(tree)
        values = [value_of(tree.good, prepared.to_sign[0])] * count
        assert finish_code(prepared, values) == "signature_value_count"

    def test_a_resume_of_another_version(self, tree: PkiTree) -> None:
        prepared = prepared_act(tree)
        with pytest.raises(BadSignatureValue) as refusal:
            pades.finish(prepared.document, {**prepared.resume, "version": 99}, [])
        assert refusal.value.code == "resume_version_unknown"

    def test_a_chain_too_long_for_the_reserved_space(self, tree: PkiTree) -> None:
        issuers = tuple(
            make_signer(
                f"Intermédiaire {number}",
                issuer=tree.authority,
                validity=valid_for(10, now=tree.now),
                organisation="Une autorité au nom assez long pour remplir la place",
                siren="1",
                key=tree.good.key,
            ).der
            for number in range(12)
        )
        prepared = pades.prepare(simple_pdf(), parameters(tree.good, chain=issuers))
        values = [value_of(tree.good, prepared.to_sign[0])]
        assert finish_code(prepared, values) == "signature_too_large"


def is_invisible(signed: bytes) -> bool:
    field = widgets(PdfFileReader(BytesIO(signed)))[-1]
    return "/AP" not in field and not any(field["/Rect"])


def run(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, cwd=_ROOT
    )
    return done.stdout


def to_sign(item: dict[str, str]) -> ToSign:
    return ToSign(item["id"], b64decode(item["tbs"]), Mechanism(item["mechanism"]))


def finish_code(prepared: Prepared, values: list[SignatureValue]) -> str:
    with pytest.raises(BadSignatureValue) as refusal:
        pades.finish(prepared.document, prepared.resume, values)
    return refusal.value.code


def refusal_code(document: bytes, tree: PkiTree) -> str:
    with pytest.raises(UnsupportedDocument) as refusal:
        pades.prepare(document, parameters(tree.good))
    return refusal.value.code
