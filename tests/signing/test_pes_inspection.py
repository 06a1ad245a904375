"""Inspection of PES flows at deposit: facts, refusals, warnings, memory."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from app.demo.flows import Flow, grown_to, make_pes, write_pes
from signing import pes
from signing.errors import UnsupportedDocument
from signing.facts import IntakeKind, PesFacts, SignatureScope, SlipKind
from signing.pes import Limits
from tests.builders.pes import sign_flow

Inspect = Callable[[str], PesFacts]


def inspect(content: bytes, *, block: int = 1000) -> PesFacts:
    return pes.inspect(content[i : i + block] for i in range(0, len(content), block))


def refusal(content: bytes, *, limits: Limits = pes.DEFAULT_LIMITS) -> UnsupportedDocument:
    with pytest.raises(UnsupportedDocument) as caught:
        pes.inspect([content], limits=limits)
    return caught.value


def edited(pattern: str, replacement: str, flow: Flow | None = None) -> bytes:
    """A generated flow with one change, which must have happened."""
    text, count = re.subn(pattern, replacement, make_pes(flow).decode("latin-1"), count=1)
    assert count == 1
    return text.encode("latin-1")


def codes(facts: PesFacts) -> list[str]:
    return [finding.code for finding in facts.findings]


@pytest.fixture
def sample(shared_data: Path) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        return next((shared_data / "pes/samples").glob(f"{name}-*.xml")).read_bytes()

    return read


class TestFacts:
    def test_header_holds_the_official_fields(self) -> None:
        header = inspect(make_pes(Flow(number=7))).header
        assert (header.file_name, header.body_code, header.budget_code) == (
            "DEMO_PES_20260316_000007",
            "123",
            "00",
        )

    def test_slips_hold_kind_amounts_and_items(self) -> None:
        facts = inspect(make_pes(Flow(expense_slips=1, revenue_slips=1)))
        assert [(slip.kind, slip.amount_incl_tax, len(slip.items)) for slip in facts.slips] == [
            (SlipKind.EXPENSE, Decimal("106.04"), 2),
            (SlipKind.REVENUE, Decimal("106.04"), 2),
        ]

    def test_items_hold_number_subject_third_party_and_attachments(self) -> None:
        item = inspect(make_pes(Flow(attachments=1))).slips[0].items[0]
        assert (item.number, item.third_parties, item.attachment_ids) == (
            "1",
            ("PAPETERIE EXEMPLE",),
            ("PJ20260316N1R1",),
        )
        assert item.subject == "Fournitures scolaires de l'école élémentaire"

    def test_attachments_are_measured_not_kept(self) -> None:
        content = make_pes(Flow(attachments=1, attachment_bytes=5_000))
        text = re.search(rb"<Fichier[^>]*>([^<]*)", content)
        assert text is not None
        assert inspect(content).attachments[0].encoded_size == len(text[1])

    def test_the_larger_of_declared_and_summed_is_the_amount(self) -> None:
        slip = inspect(edited(r'MtBordHT V="88.37"', 'MtBordHT V="5.00"')).slips[0]
        assert slip.amount_incl_tax == slip.summed_incl_tax == Decimal("106.04")

    def test_facts_do_not_depend_on_the_size_of_the_blocks(self) -> None:
        content = make_pes(Flow(expense_slips=2, attachments=2))
        assert inspect(content, block=1) == inspect(content, block=len(content))

    def test_slips_are_not_described_when_not_asked_for(self) -> None:
        facts = pes.inspect([make_pes(Flow(expense_slips=2))], slip_facts=False)
        assert (facts.slips, facts.scope) == ((), SignatureScope.PER_SLIP)


class TestScope:
    def test_every_slip_with_an_id_means_one_signature_each(self) -> None:
        assert inspect(make_pes()).scope is SignatureScope.PER_SLIP

    def test_one_slip_without_id_means_the_whole_file(self) -> None:
        content = edited(' Id="BORDDEP102"', "", Flow(expense_slips=2))
        assert inspect(content).scope is SignatureScope.WHOLE_FILE

    def test_no_id_at_all_means_not_signable(self) -> None:
        facts = inspect(make_pes(Flow(slip_ids=False, root_id=False)))
        assert facts.scope is SignatureScope.NO_SIGNABLE_ID
        assert "pes_no_signable_id" in codes(facts)

    def test_attachments_alone_are_nothing_to_sign(self) -> None:
        facts = inspect(make_pes(Flow(expense_slips=0, attachments=1)))
        assert facts.scope is SignatureScope.NOTHING_TO_SIGN


class TestIntakeKind:
    def test_an_unsigned_flow_with_slips_is_to_sign(self) -> None:
        assert pes.intake_kind(inspect(make_pes())) is IntakeKind.TO_SIGN

    def test_a_signed_flow_was_signed_elsewhere(self) -> None:
        assert pes.intake_kind(inspect(sign_flow(make_pes()))) is IntakeKind.SIGNED_ELSEWHERE

    def test_attachments_alone_are_nothing_to_sign(self) -> None:
        facts = inspect(make_pes(Flow(expense_slips=0, attachments=1)))
        assert pes.intake_kind(facts) is IntakeKind.NOTHING_TO_SIGN

    def test_an_ormc_flow_is_nothing_to_sign(self) -> None:
        facts = inspect(make_pes(Flow(file_type="PESORMC")))
        assert pes.intake_kind(facts) is IntakeKind.NOTHING_TO_SIGN


class TestRefusals:
    def test_empty_file(self) -> None:
        assert refusal(b"").code == "empty_file"

    def test_cut_file_with_its_line(self) -> None:
        caught = refusal(make_pes()[:1500])
        assert (caught.code, caught.line) == (
            "xml_not_well_formed",
            make_pes()[:1500].count(b"\n") + 1,
        )

    @pytest.mark.parametrize("content", [b"%PDF-1.7 not xml", b"\x00\x01\x02", b"hello"])
    def test_what_is_not_xml(self, content: bytes) -> None:
        assert refusal(content).code in {"xml_not_well_formed", "pes_encoding"}

    def test_unknown_root_names_it(self) -> None:
        caught = refusal(b'<?xml version="1.0" encoding="ISO-8859-1"?><Autre/>')
        assert (caught.code, caught.element) == ("pes_unknown_root", "Autre")

    def test_another_encoding_than_latin1(self) -> None:
        assert refusal(make_pes(Flow(encoding="UTF-8"))).code == "pes_encoding"

    def test_another_encoding_is_taken_when_the_tenant_says_so(self) -> None:
        facts = pes.inspect([make_pes(Flow(encoding="UTF-8"))], require_latin1=False)
        assert facts.encoding == "UTF-8"

    def test_an_encoding_declared_too_far_for_the_tdt(self) -> None:
        content = edited(r' encoding="ISO', '                                   encoding="ISO')
        assert refusal(content).code == "pes_encoding"

    def test_utf16_is_never_taken(self) -> None:
        content = make_pes(Flow(encoding="UTF-16"))
        with pytest.raises(UnsupportedDocument) as caught:
            pes.inspect([content], require_latin1=False)
        assert caught.value.code == "pes_encoding"

    @pytest.mark.parametrize("name", ["NomFic", "CodCol", "IdPost", "CodBud", "IdColl"])
    def test_missing_field(self, name: str) -> None:
        caught = refusal(edited(rf'\s*<{name} V="[^"]*"/>', ""))
        assert (caught.code, caught.element) == ("pes_missing_field", name)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("CodCol", "1234"),
            ("IdColl", "123456789000190"),
            ("CodBud", "001"),
            ("IdPost", "03400012"),
            ("NomFic", "N" * 101),
        ],
    )
    def test_field_too_long(self, name: str, value: str) -> None:
        caught = refusal(edited(rf'<{name} V="[^"]*"/>', f'<{name} V="{value}"/>'))
        assert (caught.code, caught.element) == ("pes_field_too_long", name)

    def test_field_that_would_break_the_transport_message(self) -> None:
        caught = refusal(edited(r'<CodCol V="[^"]*"/>', '<CodCol V="1#2"/>'))
        assert caught.code == "pes_field_invalid"

    def test_field_given_twice(self) -> None:
        caught = refusal(edited(r'(<NomFic V="[^"]*"/>)', r"\1\1"))
        assert (caught.code, caught.element) == ("pes_field_invalid", "NomFic")

    def test_flow_without_domain(self) -> None:
        assert refusal(make_pes(Flow(expense_slips=0))).code == "pes_no_domain"

    def test_duplicate_id_with_its_line(self) -> None:
        content = edited(r'Id="BORDDEP102"', 'Id="BORDDEP101"', Flow(expense_slips=2))
        caught = refusal(content)
        assert (caught.code, caught.element) == ("pes_duplicate_id", "Bordereau")
        assert caught.line == content[: content.rindex(b'Id="BORDDEP101"')].count(b"\n") + 1

    def test_more_slips_than_a_flow_may_hold(self) -> None:
        content = make_pes(Flow(expense_slips=3))
        assert refusal(content, limits=Limits(max_slips=2)).code == "pes_too_complex"

    def test_unknown_encoding(self) -> None:
        assert (
            refusal(b'<?xml version="1.0" encoding="klingon"?><a/>').code == "xml_not_well_formed"
        )

    def test_each_refusal_is_a_french_sentence(self) -> None:
        assert refusal(b"").detail.endswith(".")


ENTITY = '<!DOCTYPE n:PES_Aller [<!ENTITY a "aaaaaaaaaa">]>'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
DOCTYPES = {
    "bare": "<!DOCTYPE n:PES_Aller>",
    "internal entity": ENTITY,
    "external entity": '<!DOCTYPE n:PES_Aller [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "external subset": '<!DOCTYPE n:PES_Aller SYSTEM "http://127.0.0.1:9/x.dtd">',
    "parameter entity": '<!DOCTYPE n:PES_Aller [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
    "billion laughs": f'<!DOCTYPE n:PES_Aller [<!ENTITY l0 "lol">{LAUGHS}]>',
}


class TestHostileFiles:
    @pytest.mark.parametrize("doctype", DOCTYPES.values(), ids=DOCTYPES.keys())
    def test_threat_16_any_doctype_is_refused_before_expansion(self, doctype: str) -> None:
        content = edited("<n:PES_Aller", f"{doctype}<n:PES_Aller").replace(
            b"DEMONSTRATION", b"&l11;"
        )
        assert refusal(content).code == "xml_doctype"

    def test_threat_17_a_hundred_thousand_nested_elements(self) -> None:
        content = edited("<EnTetePES>", "<EnTetePES>" + "<a>" * 100_000)
        assert refusal(content).code == "xml_too_deep"

    def test_threat_17_a_tag_that_never_ends(self) -> None:
        start = make_pes().split(b"<Enveloppe>")[0] + b'<Enveloppe x="'
        inspector = pes.PesInspector()
        inspector.feed(start)
        with pytest.raises(UnsupportedDocument) as caught:
            inspector.feed(b"y" * 3_000_000)
        assert caught.value.code == "xml_tag_too_long"

    def test_threat_17_too_many_identifiers(self) -> None:
        many = "".join(f'<x Id="i{n}"/>' for n in range(60))
        content = edited("</n:PES_Aller>", f"<Autre>{many}</Autre></n:PES_Aller>")
        assert refusal(content, limits=Limits(max_identifiers=50)).code == "pes_too_complex"

    def test_threat_17_a_hundred_megabytes_are_inspected_in_constant_memory(
        self, tmp_path: Path, scaled: Callable[[int, int], int]
    ) -> None:
        path = tmp_path / "big.xml"
        flow = grown_to(Flow(expense_slips=20, items_per_slip=10), scaled(100, 25) * 1_000_000)
        with path.open("wb") as target:
            write_pes(flow, target)
        grown_kb = _growth_of_inspection(path)
        assert grown_kb < 16 * 1024


def _growth_of_inspection(path: Path) -> int:
    """Kilobytes that inspecting a file adds to the peak memory of a fresh process."""
    program = """
import resource, sys
from functools import partial
from signing import pes
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open(sys.argv[1], "rb") as source:
    facts = pes.inspect(iter(partial(source.read, 65536), b""))
assert len(facts.slips) == 20
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


class TestWarnings:
    @pytest.mark.parametrize(
        ("name", "value"), [("IdPost", "03400"), ("CodCol", "000"), ("IdColl", "123")]
    )
    def test_a_field_of_unexpected_form(self, name: str, value: str) -> None:
        content = edited(rf'<{name} V="[^"]*"/>', f'<{name} V="{value}"/>')
        assert "pes_field_form" in codes(inspect(content))

    def test_a_flag_without_signature(self) -> None:
        assert "pes_dematerialised_unsigned" in codes(inspect(make_pes()))

    def test_a_flow_to_sign_without_the_flag(self) -> None:
        facts = inspect(make_pes(Flow(dematerialised=False)))
        assert "pes_not_dematerialised" in codes(facts)

    def test_sums_that_differ_from_the_declared_total(self) -> None:
        content = edited(r'MtBordHT V="88.37"', 'MtBordHT V="99.00"')
        assert "pes_amount_mismatch" in codes(inspect(content))

    def test_an_unreadable_amount(self) -> None:
        content = edited(r'MtHT V="37.50"', 'MtHT V="1E999999"')
        assert "pes_amount_unreadable" in codes(inspect(content))

    def test_a_reference_without_attachment_and_an_attachment_without_reference(self) -> None:
        content = edited(r'(<PJ>[\s\S]*?<IdUnique V=)"[^"]*"', r'\1"AUTRE"', Flow(attachments=1))
        assert {"pes_attachment_missing", "pes_attachment_orphan"} <= set(codes(inspect(content)))

    def test_an_attachment_that_stands_alone_is_no_orphan(self) -> None:
        facts = inspect(make_pes(Flow(attachments=4)))
        assert not {"pes_attachment_missing", "pes_attachment_orphan"} & set(codes(facts))

    def test_a_slip_without_id(self) -> None:
        assert "pes_slip_without_id" in codes(inspect(make_pes(Flow(slip_ids=False))))


class TestSamples:
    @pytest.mark.parametrize("name", ["A01", "A03", "A05", "A06"])
    def test_sound_samples_are_taken(self, sample: Callable[[str], bytes], name: str) -> None:
        assert inspect(sample(name)).scope is SignatureScope.PER_SLIP

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("A02", "pes_encoding"),
            ("M01", "pes_unknown_root"),
            ("M02", "pes_missing_field"),
            ("M03", "pes_field_too_long"),
            ("M04", "pes_field_too_long"),
            ("M05", "pes_no_domain"),
            ("M06", "xml_not_well_formed"),
            ("M07", "pes_encoding"),
            ("M08", "pes_duplicate_id"),
            ("M09", "xml_doctype"),
        ],
    )
    def test_defects_are_refused(
        self, sample: Callable[[str], bytes], name: str, code: str
    ) -> None:
        assert refusal(sample(name)).code == code

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("A01", "pes_amount_mismatch"),
            ("A03", "pes_attachment_missing"),
            ("A04", "pes_no_signable_id"),
            ("M10", "pes_field_form"),
            ("M11", "pes_dematerialised_unsigned"),
            ("M12", "pes_attachment_orphan"),
        ],
    )
    def test_defects_are_only_told(
        self, sample: Callable[[str], bytes], name: str, code: str
    ) -> None:
        assert code in codes(inspect(sample(name)))

    def test_a05_amounts(self, sample: Callable[[str], bytes]) -> None:
        slip = inspect(sample("A05")).slips[0]
        assert (slip.declared_excl_tax, slip.declared_tax) == (Decimal("320.00"), Decimal("40.00"))

    def test_a_whole_file_signature_is_seen(self, sample: Callable[[str], bytes]) -> None:
        facts = inspect(sample("S04"))
        assert (facts.scope, facts.signature_count) == (SignatureScope.WHOLE_FILE, 1)
