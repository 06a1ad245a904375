"""Verification of PDF signatures: what is sound passes, every attack of threats 1 to 5 fails."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from pyhanko.sign.fields import (
    FieldMDPAction,
    FieldMDPSpec,
    MDPPerm,
    SigFieldSpec,
    append_signature_field,
)

from app.demo.acts import Act, deliberation
from app.demo.pki import make_crl
from signing.pdf_reading import PdfLimits
from signing.pdf_verification import DOCUMENT_TIMESTAMP, verify_pdf
from signing.report import (
    Chain,
    Coverage,
    Indication,
    Integrity,
    LaterChanges,
    SignatureReport,
    SubIndication,
    Verdict,
    VerificationReport,
)
from signing.trust import TrustMaterial
from tests.builders.library_pdf import (
    approved,
    approved_with_lock,
    certified,
    with_document_timestamp,
    with_dss,
    with_field,
)
from tests.builders.pdf import (
    CONTENT,
    FREE_NUMBER,
    appended,
    incremented,
    object_source,
    output_of,
    pdf_with_cyclic_kids,
    pdf_with_text_field,
    simple_pdf,
    stream,
)
from tests.builders.signed_pdf import signed_pdf
from tests.pki.tree import PkiTree, shared_tree

CATALOG, PAGES, PAGE = 1, 2, 3
NEW = FREE_NUMBER + 40


@pytest.fixture(scope="module")
def tree() -> PkiTree:
    return shared_tree()


@pytest.fixture(scope="module")
def signed(tree: PkiTree) -> bytes:
    return signed_pdf(simple_pdf(), tree.good, chain=tree.chain)


@pytest.fixture(scope="module")
def signed_form(tree: PkiTree) -> bytes:
    return signed_pdf(pdf_with_text_field(), tree.good, chain=tree.chain)


def with_real_numbers(document: bytes) -> bytes:
    page = object_source(document, PAGE)
    assert b" 200 200 ]" in page
    return appended(document, {PAGE: page.replace(b" 200 200 ]", b" 200.0 200. ]")})


def judged(document: bytes, tree: PkiTree) -> VerificationReport:
    return verify_pdf(document, trust=tree.trust, now=tree.now)


def only(report: VerificationReport) -> SignatureReport:
    (one,) = report.signatures
    return one


class TestSound:
    def test_our_signature_passes_whole(self, signed: bytes, tree: PkiTree) -> None:
        one = only(judged(signed, tree))
        assert (one.indication, one.integrity, one.coverage, one.later_changes, one.chain) == (
            Indication.TOTAL_PASSED,
            Integrity.INTACT,
            Coverage.WHOLE,
            LaterChanges.NONE,
            Chain.TRUSTED,
        )

    def test_names_the_signer_and_the_claimed_time(self, signed: bytes, tree: PkiTree) -> None:
        one = only(judged(signed, tree))
        assert (one.signer, one.signed_at) == ("Camille EXEMPLE", tree.now)

    def test_without_anchors_a_sound_signature_cannot_be_vouched_for(
        self, signed: bytes, tree: PkiTree
    ) -> None:
        report = verify_pdf(signed, trust=TrustMaterial(), now=tree.now)
        assert (report.verdict, only(report).integrity) == (
            Verdict.CANNOT_VOUCH,
            Integrity.INTACT,
        )

    def test_an_unsigned_file_is_unsigned(self, tree: PkiTree) -> None:
        assert judged(simple_pdf(), tree).verdict is Verdict.UNSIGNED

    @pytest.mark.parametrize(
        "later",
        [
            pytest.param(lambda d, t: signed_pdf(d, t.other, chain=t.chain), id="co-signature"),
            pytest.param(with_dss, id="dss"),
            pytest.param(with_document_timestamp, id="document-timestamp"),
            pytest.param(
                lambda d, t: with_document_timestamp(with_dss(d, t), t), id="dss-then-timestamp"
            ),
            pytest.param(
                lambda d, t: approved(d, t, box=(10, 10, 90, 40)), id="visible-co-signature"
            ),
            pytest.param(
                lambda d, t: with_field(d, SigFieldSpec("Attente")), id="empty-field-added"
            ),
            pytest.param(lambda d, _: with_real_numbers(d), id="page-with-real-numbers"),
            pytest.param(lambda d, _: d + b"\n", id="final-newline"),
        ],
    )
    def test_what_may_come_after_a_signature(
        self, signed: bytes, tree: PkiTree, later: Callable[[bytes, PkiTree], bytes]
    ) -> None:
        assert judged(later(signed, tree), tree).verdict is Verdict.VALID

    def test_an_approval_in_a_field_prepared_ahead(self, tree: PkiTree) -> None:
        spec = SigFieldSpec("Second", on_page=0, box=(10, 10, 90, 40))
        first = signed_pdf(with_field(simple_pdf(), spec), tree.good, chain=tree.chain)
        assert judged(approved(first, tree, field="Second"), tree).verdict is Verdict.VALID

    def test_a_signature_on_a_filled_form(self, signed_form: bytes, tree: PkiTree) -> None:
        both = signed_pdf(signed_form, tree.other, chain=tree.chain)
        assert judged(both, tree).verdict is Verdict.VALID


class TestLevels:
    @pytest.mark.parametrize(
        ("make", "level"),
        [
            (lambda t: approved(simple_pdf(), t), "PAdES-BASELINE-B"),
            (lambda t: approved(simple_pdf(), t, stamped=True), "PAdES-BASELINE-T"),
            (lambda t: with_dss(approved(simple_pdf(), t, stamped=True), t), "PAdES-BASELINE-LT"),
            (
                lambda t: with_document_timestamp(
                    with_dss(approved(simple_pdf(), t, stamped=True), t), t
                ),
                "PAdES-BASELINE-LTA",
            ),
        ],
    )
    def test_the_level_names_the_material_present(
        self, tree: PkiTree, make: Callable[[PkiTree], bytes], level: str
    ) -> None:
        assert judged(make(tree), tree).signatures[0].level == level

    def test_a_document_timestamp_is_reported_as_such(self, tree: PkiTree, signed: bytes) -> None:
        stamp = judged(with_document_timestamp(signed, tree), tree).signatures[-1]
        assert (stamp.level, stamp.indication, stamp.signed_at) == (
            DOCUMENT_TIMESTAMP,
            Indication.TOTAL_PASSED,
            tree.now,
        )


class TestCertificates:
    """Threat 12 on a document: the chain is told apart from integrity."""

    @pytest.mark.parametrize(
        ("kind", "chain", "sub"),
        [
            ("expired", Chain.EXPIRED, SubIndication.OUT_OF_BOUNDS_NO_POE),
            ("not_yet_valid", Chain.UNSUITABLE, SubIndication.NOT_YET_VALID),
            ("revoked", Chain.REVOKED, SubIndication.REVOKED_NO_POE),
            ("auth_only", Chain.UNSUITABLE, SubIndication.CHAIN_CONSTRAINTS_FAILURE),
            ("under_non_ca", Chain.UNSUITABLE, SubIndication.CHAIN_CONSTRAINTS_FAILURE),
            ("rogue", Chain.UNKNOWN, SubIndication.NO_CERTIFICATE_CHAIN_FOUND),
        ],
    )
    def test_threat_12_each_kind_has_its_own_answer(
        self, tree: PkiTree, kind: str, chain: Chain, sub: SubIndication
    ) -> None:
        issuers = (tree.authority.der, tree.good.der, tree.rogue_authority.der)
        one = only(judged(signed_pdf(simple_pdf(), getattr(tree, kind), chain=issuers), tree))
        assert (one.integrity, one.chain, one.sub_indication) == (Integrity.INTACT, chain, sub)

    def test_threat_10_a_weak_key_never_passes(self, tree: PkiTree) -> None:
        one = only(judged(approved(simple_pdf(), tree, signer=tree.rsa_1024), tree))
        assert one.indication is Indication.INDETERMINATE
        assert one.sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE

    def test_a_timestamp_proves_that_an_expired_certificate_was_good(self, tree: PkiTree) -> None:
        stamped = approved(simple_pdf(), tree, stamped=True)
        later = tree.good.certificate.not_valid_after_utc + timedelta(days=5)
        trust = TrustMaterial((tree.root.der,), tree.chain, crls_at(tree, later))
        report = verify_pdf(stamped, trust=trust, now=later)
        assert only(report).indication is Indication.TOTAL_PASSED

    def test_without_timestamp_an_expired_certificate_proves_nothing(self, tree: PkiTree) -> None:
        later = tree.good.certificate.not_valid_after_utc + timedelta(days=5)
        trust = TrustMaterial((tree.root.der,), tree.chain, crls_at(tree, later))
        report = verify_pdf(approved(simple_pdf(), tree), trust=trust, now=later)
        assert only(report).chain is Chain.EXPIRED


def crls_at(tree: PkiTree, moment: datetime) -> tuple[bytes, ...]:
    return (make_crl(tree.root, now=moment), make_crl(tree.authority, now=moment))


def structure_mutants(signed: bytes) -> Iterator[tuple[str, bytes]]:
    """Threat 1: each entry missing, null, empty, negative, oversized, of another length."""
    found = re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\] *", signed)
    assert found is not None
    start, length, second, rest = (int(group) for group in found.groups())
    room = len(found[0])
    for name, value in [
        ("absent", b""),
        ("null", b"/ByteRange null"),
        ("empty", b"/ByteRange []"),
        ("name", b"/ByteRange /All"),
        ("two", b"/ByteRange [%d %d]" % (start, length)),
        ("three", b"/ByteRange [%d %d %d]" % (start, length, second)),
        ("five", b"/ByteRange [%d %d %d %d 0]" % (start, length, second, rest)),
        ("six", b"/ByteRange [%d %d %d %d 0 0]" % (start, length, second, rest)),
        ("zeros", b"/ByteRange [0 0 0 0]"),
        ("negative length", b"/ByteRange [%d -%d %d %d]" % (start, length, second, rest)),
        ("negative start", b"/ByteRange [-1 %d %d %d]" % (length, second, rest)),
        ("oversized", b"/ByteRange [%d %d %d %d9]" % (start, length, second, rest)),
        ("reals", b"/ByteRange [%d.0 %d.0 %d.0 %d.0]" % (start, length, second, rest)),
        ("swapped", b"/ByteRange [%d %d %d %d]" % (second, rest, start, length)),
        ("overlap", b"/ByteRange [0 %d %d %d]" % (second, length, len(signed) - length)),
        ("no gap", b"/ByteRange [0 %d %d %d]" % (length, length, len(signed) - length)),
    ]:
        yield f"ByteRange {name}", replaced(signed, found.start(), found[0], value.ljust(room))
    contents = signed[length:second]
    for name, value in [
        ("zeroed", b"<" + b"0" * (len(contents) - 2) + b">"),
        ("empty", b"<>".ljust(len(contents))),
        ("null", b"null".ljust(len(contents))),
        ("name", b"/None".ljust(len(contents))),
        ("literal", b"(" + b"a" * (len(contents) - 2) + b")"),
        ("number", b"1".ljust(len(contents))),
        ("garbage", b"<" + b"AB" * ((len(contents) - 2) // 2) + b">"),
    ]:
        yield f"Contents {name}", replaced(signed, length, contents, value)
    for key in (b"/Contents", b"/SubFilter", b"/FT", b"/AcroForm"):
        other = b"/X" + key[2:]
        yield f"{key.decode()} renamed", signed.replace(key, other)


def replaced(document: bytes, at: int, old: bytes, new: bytes) -> bytes:
    assert document[at : at + len(old)] == old
    return document[:at] + new + document[at + len(old) :]


class TestStructure:
    def test_threat_01_no_mutant_is_shown_as_valid(self, signed: bytes, tree: PkiTree) -> None:
        verdicts = {name: judged(m, tree).verdict for name, m in structure_mutants(signed)}
        assert len(verdicts) >= 24
        accepted = {Verdict.VALID, Verdict.CANNOT_VOUCH}
        assert [name for name, verdict in verdicts.items() if verdict in accepted] == []

    @pytest.mark.parametrize("bound", [0, 1, 2, 3])
    @pytest.mark.parametrize("shift", [-16, -1, 1, 16])
    def test_threat_02_a_shifted_bound_is_refused(
        self, signed: bytes, tree: PkiTree, bound: int, shift: int
    ) -> None:
        found = re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\] *", signed)
        assert found is not None
        bounds = [int(group) for group in found.groups()]
        bounds[bound] += shift
        text = b"/ByteRange [%d %d %d %d]" % tuple(bounds)
        moved = replaced(signed, found.start(), found[0], text.ljust(len(found[0])))
        assert only(judged(moved, tree)).indication is Indication.TOTAL_FAILED

    def test_every_flipped_byte_is_found(
        self, tree: PkiTree, signed: bytes, scaled: Callable[[int, int], int]
    ) -> None:
        count = scaled(2000, 100)
        found = re.search(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]", signed)
        assert found is not None
        signed_positions = [*range(int(found[1])), *range(int(found[2]), len(signed) - 1)]
        chance = random.Random(12)
        missed = []
        for _ in range(count):
            at = chance.choice(signed_positions)
            flipped = bytearray(signed)
            flipped[at] ^= 1 << chance.randrange(8)
            if judged(bytes(flipped), tree).verdict is Verdict.VALID:
                missed.append(at)
        assert missed == []

    def test_bytes_after_the_end_are_refused(self, signed: bytes, tree: PkiTree) -> None:
        assert judged(signed + b"<script>alert(1)</script>\n", tree).verdict is Verdict.INVALID

    def test_another_signature_pasted_in_is_refused(self, signed: bytes, tree: PkiTree) -> None:
        other = signed_pdf(simple_pdf(b"Autre texte"), tree.good, chain=tree.chain)
        mine = re.search(rb"/Contents <[0-9A-Fa-f]+>", signed)
        theirs = re.search(rb"/Contents <[0-9A-Fa-f]+>", other)
        assert mine is not None
        assert theirs is not None
        pasted = signed.replace(mine[0], theirs[0])
        assert only(judged(pasted, tree)).sub_indication is SubIndication.HASH_FAILURE


def content_change(signed: bytes, drawing: bytes = b"BT /F1 18 Tf 20 100 Td (Faux) Tj ET") -> bytes:
    return appended(signed, {CONTENT: stream(drawing)})


def attack_new_page(signed: bytes) -> bytes:
    return appended(
        signed,
        {
            PAGES: b"<< /Type /Pages /Count 2 /Kids [3 0 R %d 0 R] >>" % NEW,
            NEW: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
        },
    )


def attack_new_tree(signed: bytes) -> bytes:
    catalog = object_source(signed, CATALOG).replace(b"/Pages 2 0 R", b"/Pages %d 0 R" % NEW)
    page = object_source(signed, PAGE).replace(b"/Parent 2 0 R", b"/Parent %d 0 R" % NEW)
    return appended(
        signed,
        {
            CATALOG: catalog,
            NEW: b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % (NEW + 1),
            NEW + 1: page,
        },
    )


def attack_annotation(signed: bytes) -> bytes:
    note = b"<< /Type /Annot /Subtype /FreeText /Rect [0 0 200 200] /Contents (0 euro) >>"
    page = object_source(signed, PAGE).replace(b"/Annots [", b"/Annots [%d 0 R " % NEW)
    if b"/Annots" not in page:
        page = page[:-2] + b"/Annots [%d 0 R] >>" % NEW
    return appended(signed, {PAGE: page, NEW: note})


def attack_catalog_entry(entry: bytes) -> Callable[[bytes], bytes]:
    def attack(signed: bytes) -> bytes:
        catalog = object_source(signed, CATALOG)
        return appended(signed, {CATALOG: catalog[:-2] + entry + b" >>"})

    return attack


def attack_page_resources(signed: bytes) -> bytes:
    page = object_source(signed, PAGE).replace(b"/Helvetica", b"/Symbol")
    return appended(signed, {PAGE: page})


def attack_wrong_catalog(signed: bytes) -> bytes:
    catalog = object_source(signed, CATALOG)
    fake = catalog.replace(b"/Pages 2 0 R", b"/Pages %d 0 R" % NEW)
    return appended(
        signed,
        {
            NEW: b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % (NEW + 1),
            NEW + 1: b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 10 10] >>" % NEW,
            NEW + 2: fake,
        },
        root=NEW + 2,
    )


def attack_drawn_field(signed: bytes) -> bytes:
    """An empty « signature » field that covers the page with a drawing (hide)."""
    spec = SigFieldSpec("Cache", box=(0, 0, 200, 200), empty_field_appearance=True)
    writer = incremented(signed)
    append_signature_field(writer, spec)
    return output_of(writer)


def attack_annotation_as_kid(signed: bytes) -> bytes:
    """A free text annotation that pretends to be a widget of a new signature field."""
    form_number = re.search(rb"/AcroForm (\d+) 0 R", object_source(signed, CATALOG))
    assert form_number is not None
    number = int(form_number[1])
    form = object_source(signed, number)
    page = object_source(signed, PAGE)
    return appended(
        signed,
        {
            number: re.sub(rb"/Fields \[", b"/Fields [%d 0 R " % NEW, form),
            PAGE: re.sub(rb"/Annots \[", b"/Annots [%d 0 R " % (NEW + 1), page),
            NEW: b"<< /FT /Sig /T (Visa) /Kids [%d 0 R] >>" % (NEW + 1),
            NEW + 1: b"<< /Type /Annot /Subtype /FreeText /Rect [0 0 200 200] "
            b"/Contents (0 euro) /Parent %d 0 R >>" % NEW,
        },
    )


class TestLaterChanges:
    @pytest.mark.parametrize(
        "attack",
        [
            content_change,
            attack_new_page,
            attack_new_tree,
            attack_annotation,
            attack_page_resources,
            attack_wrong_catalog,
            attack_drawn_field,
            attack_annotation_as_kid,
            attack_catalog_entry(b"/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>"),
            attack_catalog_entry(b"/OCProperties << /OCGs [] /D << >> >>"),
            attack_catalog_entry(b"/DSS << /Certs [] /Autre 3 0 R >>"),
        ],
        ids=lambda attack: getattr(attack, "__qualname__", "attack"),
    )
    def test_threat_03_content_added_after_signing_is_refused(
        self, signed: bytes, tree: PkiTree, attack: Callable[[bytes], bytes]
    ) -> None:
        one = only(judged(attack(signed), tree))
        assert (one.integrity, one.later_changes, one.indication) == (
            Integrity.INTACT,
            LaterChanges.FORBIDDEN,
            Indication.TOTAL_FAILED,
        )

    def test_threat_04_a_timestamp_drawn_over_the_page(self, signed: bytes, tree: PkiTree) -> None:
        spec = SigFieldSpec("Horodatage", on_page=0, box=(0, 0, 200, 200))
        report = judged(with_document_timestamp(with_field(signed, spec), tree), tree)
        assert report.signatures[0].later_changes is LaterChanges.FORBIDDEN

    def test_threat_03_a_change_hidden_by_a_later_signature(
        self, signed: bytes, tree: PkiTree
    ) -> None:
        report = judged(signed_pdf(content_change(signed), tree.other, chain=tree.chain), tree)
        assert report.verdict is Verdict.INVALID
        assert [one.later_changes for one in report.signatures] == [
            LaterChanges.FORBIDDEN,
            LaterChanges.NONE,
        ]

    @pytest.mark.parametrize(
        "replacement",
        [
            pytest.param({10: (b"/V (12)", b"/V (99)")}, id="value"),
            pytest.param({11: (b"(12)", b"(99)")}, id="appearance"),
            pytest.param({10: (b"/Rect [20 20", b"/Rect [20 90")}, id="place"),
            pytest.param({10: (b"/AP << /N 11 0 R >>", b"/AP << /N 4 0 R >>")}, id="swapped"),
        ],
    )
    def test_threat_04_a_field_that_existed_keeps_value_and_appearance(
        self, signed_form: bytes, tree: PkiTree, replacement: dict[int, tuple[bytes, bytes]]
    ) -> None:
        objects = {
            number: object_source(signed_form, number).replace(old, new)
            for number, (old, new) in replacement.items()
        }
        assert objects != {n: object_source(signed_form, n) for n in objects}
        one = only(judged(appended(signed_form, objects), tree))
        assert one.later_changes is LaterChanges.FORBIDDEN

    def test_threat_04_two_pages_exchanged(self, tree: PkiTree) -> None:
        signed = signed_pdf(deliberation(Act(pages=2)), tree.good, chain=tree.chain)
        tree_source = object_source(signed, PAGES)
        first, second = re.findall(rb"\d+ 0 R", tree_source)
        swapped = tree_source.replace(b"[%s %s]" % (first, second), b"[%s %s]" % (second, first))
        one = only(judged(appended(signed, {PAGES: swapped}), tree))
        assert one.later_changes is LaterChanges.FORBIDDEN

    def test_threat_04_a_form_overlay_added(self, signed: bytes, tree: PkiTree) -> None:
        number = re.search(rb"/AcroForm (\d+) 0 R", object_source(signed, CATALOG))
        assert number is not None
        form = object_source(signed, int(number[1]))
        wider = re.sub(rb"/Fields \[", b"/Fields [%d 0 R " % NEW, form)
        assert wider != form
        field = {NEW: b"<< /FT /Tx /T (overlay) /V (0 euro) >>", int(number[1]): wider}
        one = only(judged(appended(signed, field), tree))
        assert one.later_changes is LaterChanges.FORBIDDEN


class TestLocks:
    @pytest.mark.parametrize("permission", list(MDPPerm))
    def test_threat_05_an_annotation_on_a_certified_document(
        self, tree: PkiTree, permission: MDPPerm
    ) -> None:
        one = only(judged(attack_annotation(certified(simple_pdf(), tree, permission)), tree))
        assert one.later_changes is LaterChanges.FORBIDDEN

    def test_threat_05_a_new_visible_signature_on_a_certified_document(self, tree: PkiTree) -> None:
        document = certified(simple_pdf(), tree, MDPPerm.FILL_FORMS)
        report = judged(approved(document, tree, box=(10, 10, 90, 40)), tree)
        assert report.signatures[0].later_changes is LaterChanges.FORBIDDEN

    def test_threat_05_a_signature_although_every_field_is_locked(self, tree: PkiTree) -> None:
        lock = FieldMDPSpec(FieldMDPAction.ALL)
        document = approved_with_lock(simple_pdf(), tree, fields=lock)
        report = judged(approved(document, tree, field="Encore"), tree)
        assert report.signatures[0].later_changes is LaterChanges.FORBIDDEN

    def test_a_document_timestamp_respects_every_lock(self, tree: PkiTree) -> None:
        document = certified(simple_pdf(), tree, MDPPerm.NO_CHANGES)
        report = judged(with_document_timestamp(document, tree), tree)
        assert report.signatures[0].later_changes is LaterChanges.ALLOWED


class TestHostile:
    def test_threat_17_a_cyclic_page_tree_ends(self, tree: PkiTree) -> None:
        assert judged(pdf_with_cyclic_kids(), tree).verdict is Verdict.UNSIGNED

    def test_threat_17_too_much_work_cannot_be_vouched_for(self, tree: PkiTree) -> None:
        signed = signed_pdf(deliberation(Act(pages=4)), tree.good, chain=tree.chain)
        twice = signed_pdf(signed, tree.other, chain=tree.chain)
        report = verify_pdf(twice, trust=tree.trust, now=tree.now, limits=PdfLimits(max_objects=5))
        assert report.verdict is Verdict.CANNOT_VOUCH
