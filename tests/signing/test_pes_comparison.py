"""What changed between two flows: nothing is missed, and each change is said in a line."""

from __future__ import annotations

import random
import re
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.demo.flows import Flow, grown_to, make_pes
from signing.errors import UnsupportedDocument
from signing.pes_comparison import PesChanges, compare
from signing.pes_units import UnitKind, UnitLimits
from tests.builders.pes import sign_flow

MIB = 1024 * 1024
NO_CHANGE = ("Aucune différence de contenu entre les deux versions.",)
SMALL = Flow(revenue_slips=1, items_per_slip=1, attachments=1)
FLOW = Flow(expense_slips=2, revenue_slips=1, attachments=2)


def edited(content: bytes, old: str, new: str, *, count: int = 1) -> bytes:
    """The flow with the first `count` occurrences replaced, which must be there."""
    sought = old.encode("latin-1")
    assert sought in content
    return content.replace(sought, new.encode("latin-1"), count)


def without_item(content: bytes, number: str) -> bytes:
    """The flow without its first piece of this number."""
    pattern = rb'<Piece>(?:(?!</Piece>).)*<IdPce V="%b"/>.*?</Piece>' % number.encode()
    kept, count = re.subn(pattern, b"", content, count=1, flags=re.DOTALL)
    assert count == 1
    return kept


def refusal(before: bytes, after: bytes, limits: UnitLimits | None = None) -> str:
    with pytest.raises(UnsupportedDocument) as caught:
        compare(before, after, limits=limits or UnitLimits())
    return caught.value.code


def summary(before: bytes, after: bytes) -> tuple[str, ...]:
    return tuple(line.replace("\u00a0", " ") for line in compare(before, after).summary)


class TestNoChange:
    def test_the_same_bytes(self) -> None:
        assert compare(make_pes(FLOW), make_pes(FLOW)) == PesChanges((), (), ())

    @pytest.mark.parametrize(
        "flow",
        [
            pytest.param(replace(FLOW, newline="\r\n"), id="line_ends"),
            pytest.param(replace(FLOW, newline="\n   "), id="indentation"),
            pytest.param(replace(FLOW, encoding="UTF-8"), id="encoding"),
        ],
    )
    def test_another_writing_of_the_same_flow(self, flow: Flow) -> None:
        assert summary(make_pes(FLOW), make_pes(flow)) == NO_CHANGE

    def test_pieces_in_another_order(self) -> None:
        flow = make_pes(Flow())
        first, second = re.findall(rb"<Piece>.*?</Piece>", flow, re.DOTALL)
        swapped = flow.replace(first, b"*").replace(second, first).replace(b"*", second)
        assert summary(flow, swapped) == NO_CHANGE

    def test_the_base64_of_an_attachment_cut_elsewhere(self) -> None:
        flow = make_pes(FLOW)
        cut = re.sub(rb"(<Fichier[^>]*>.{60})", rb"\1\n", flow)
        assert cut != flow
        assert summary(flow, cut) == NO_CHANGE

    def test_comments_are_never_signed_nor_compared(self) -> None:
        flow = make_pes(FLOW)
        assert summary(flow, edited(flow, "<Enveloppe>", "<!-- v2 --><Enveloppe>")) == NO_CHANGE


class TestLines:
    def test_an_amount_is_said_incl_tax_then_without(self) -> None:
        flow = make_pes(Flow(items_per_slip=1))
        (change,) = compare(flow, edited(flow, '<MtHT V="37.50"', '<MtHT V="137.50"')).changed
        assert change.summary.replace("\u00a0", " ") == (
            "Mandat 1, bordereau 101 : montant TTC 45,00 € → 145,00 €, "
            "montant HT 37,50 € → 137,50 €"
        )
        total, excl_tax = change.fields
        assert (total.before_cents, total.after_cents) == (4500, 14500)
        assert (excl_tax.before_cents, excl_tax.after_cents) == (3750, 13750)

    def test_without_tax_there_is_one_amount(self) -> None:
        flow = re.sub(rb"<MtTVA[^>]*>", b"", make_pes(Flow(items_per_slip=1)))
        assert summary(flow, edited(flow, '<MtHT V="37.50"', '<MtHT V="1240.50"')) == (
            "Mandat 1, bordereau 101 : montant 37,50 € → 1 240,50 €",
        )

    def test_tax_that_appears_changes_the_amount_incl_tax(self) -> None:
        flow = make_pes(Flow(items_per_slip=1))
        bare = re.sub(rb"<MtTVA[^>]*>", b"", flow)
        assert summary(bare, flow) == (
            "Mandat 1, bordereau 101 : montant TTC 37,50 € → 45,00 €, TVA (absent) → 7,50 €",
        )

    def test_an_amount_that_cannot_be_read_is_shown_as_written(self) -> None:
        flow = make_pes(Flow(items_per_slip=1))
        (change,) = compare(flow, edited(flow, '<MtHT V="37.50"', '<MtHT V="cher"')).changed
        (field,) = change.fields
        assert (field.after, field.after_cents) == ("cher", None)

    def test_the_line_is_named_where_a_piece_has_several(self) -> None:
        flow = make_pes(Flow(items_per_slip=1))
        (line,) = re.findall(rb"<LigneDePiece>.*?</LigneDePiece>", flow, re.DOTALL)
        second = line.replace(b'<IdLigne V="1"', b'<IdLigne V="2"')
        several = flow.replace(line, line + second)
        moved = several.replace(second, second.replace(b'"60632"', b'"6156"'))
        assert summary(flow, several) == ("Mandat 1, bordereau 101, ligne 2 : ajout (45,00 €)",)
        assert summary(several, moved) == (
            "Mandat 1, bordereau 101, ligne 2 : imputation (nature) 60632 → 6156",
        )

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ('Nom V="PAPETERIE EXEMPLE"', 'Nom V="AUTRE TIERS"', "tiers PAPETERIE EXEMPLE → AUTRE"),
            ('Fonction V="020"', 'Fonction V="021"', "imputation (fonction) 020 → 021"),
            ('ModRegl V="03"', 'ModRegl V="02"', "mode de règlement 03 → 02"),
            ('Ville V="SAINT MODELE"', 'Ville V="AILLEURS"', "ville SAINT MODELE → AILLEURS"),
        ],
        ids=["third_party", "function", "payment", "town"],
    )
    def test_fields_have_the_names_that_people_use(self, old: str, new: str, said: str) -> None:
        flow = make_pes(Flow())
        (line,) = summary(flow, edited(flow, old, new))
        assert line.startswith(f"Mandat 1, bordereau 101 : {said}")

    def test_an_account_shows_its_last_characters_only(self) -> None:
        flow = make_pes(Flow())
        changed = edited(flow, "FR7630006000011234567890189", "FR7630006000019999999990189")
        (change,) = compare(flow, changed).changed
        (field,) = change.fields
        assert (field.before, field.after) == ("•••• 0189", "•••• 0189 (différent)")
        assert "9999" not in repr(change)

    def test_the_number_of_a_person_is_masked_that_of_a_company_is_not(self) -> None:
        flow = make_pes(Flow())
        company = edited(flow, "<RefTiers", '<IdTiers V="21349999900017"/><RefTiers')
        person = edited(flow, "<RefTiers", '<IdTiers V="285017512345612"/><RefTiers')
        assert summary(company, person) == (
            "Mandat 1, bordereau 101 : identifiant du tiers 21349999900017 → •••• 5612",
        )

    def test_what_hides_or_reverses_text_is_not_repeated(self) -> None:
        flow = make_pes(Flow())
        (line,) = summary(flow, edited(flow, "PAPETERIE EXEMPLE", "A&#x202E;B&#10;C"))
        assert "tiers PAPETERIE EXEMPLE → A B C" in line

    def test_a_long_value_that_differs_at_its_end_only_is_told(self) -> None:
        flow = edited(make_pes(Flow()), "PAPETERIE EXEMPLE", "X" * 300)
        (change,) = compare(flow, edited(flow, "X" * 300, "X" * 300 + "Y")).changed
        assert change.fields[0].after == f"{'X' * 119}… (différent)"


class TestPiecesAndSlips:
    def test_a_piece_that_came_or_went_is_said_once_with_its_amount(self) -> None:
        flow = make_pes(Flow(items_per_slip=3))
        without = without_item(flow, "3")
        assert summary(flow, without) == ("Mandat 3, bordereau 101 : retrait (77,09 €)",)
        assert summary(without, flow) == ("Mandat 3, bordereau 101 : ajout (77,09 €)",)
        assert compare(without, flow).added[0].amount_cents == 7709

    def test_a_slip_that_came_is_said_once(self) -> None:
        changes = compare(make_pes(Flow(expense_slips=1)), make_pes(Flow(expense_slips=2)))
        assert [(one.kind, one.place.slip, one.amount_cents) for one in changes.added] == [
            (UnitKind.SLIP, "102", 17022)
        ]
        assert (changes.removed, changes.changed) == ((), ())

    def test_the_object_of_a_piece(self) -> None:
        flow = make_pes(Flow(revenue_slips=1, expense_slips=0))
        (first, *_) = summary(flow, edited(flow, "(fictive)", "(corrigée)"))
        assert first == (
            "Titre 1, bordereau 101 : objet Redevance d'occupation du domaine public (fictive) → "
            "Redevance d'occupation du domaine public (corrigée)"
        )

    def test_a_slip_of_another_number_is_another_slip(self) -> None:
        flow = make_pes(Flow())
        assert summary(flow, edited(flow, '<IdBord V="101"', '<IdBord V="104"')) == (
            "Bordereau 104 (dépenses) : ajout (106,04 €)",
            "Bordereau 101 (dépenses) : retrait (106,04 €)",
        )

    def test_equal_numbers_are_told_apart_by_their_rank(self) -> None:
        flow = edited(make_pes(Flow(items_per_slip=2)), '<IdPce V="2"', '<IdPce V="1"')
        without = without_item(flow, "1")
        assert len(compare(flow, without).removed) == 1

    def test_fields_in_another_order_are_said_to_be(self) -> None:
        flow = make_pes(Flow())
        nature = '<TypPce V="01"/>\n            <NatPce V="01"/>'
        swapped = edited(flow, nature, '<NatPce V="01"/>\n            <TypPce V="01"/>')
        (line,) = summary(flow, swapped)
        assert line.startswith("Mandat 1, bordereau 101 : ordre ou structure des champs")

    def test_more_fields_than_a_line_holds_are_counted(self) -> None:
        flow = make_pes(Flow())
        changed = re.sub(rb"<InfoTiers>.*?</InfoTiers>", b"", flow, count=1, flags=re.DOTALL)
        changed = re.sub(rb"<Adresse>.*?</Adresse>", b"", changed, count=1, flags=re.DOTALL)
        (line,) = summary(flow, changed)
        assert line.endswith(", et 5 autres")


class TestHeaderAndAttachments:
    def test_the_header_is_named(self) -> None:
        flow = make_pes(FLOW)
        changed = edited(edited(flow, "_000001", "_000002"), 'CodBud V="00"', 'CodBud V="01"')
        assert summary(flow, changed) == (
            "Enveloppe : nom du flux DEMO_PES_20260316_000001 → DEMO_PES_20260316_000002",
            "En-tête : code budget 00 → 01",
        )

    def test_the_marking_of_the_flow_is_a_change_of_its_domain(self) -> None:
        flow = make_pes(replace(FLOW, dematerialised=False, revenue_slips=0))
        assert summary(flow, make_pes(replace(FLOW, revenue_slips=0))) == (
            "Dépenses : dématérialisation 0 → 1",
        )

    def test_the_content_of_an_attachment(self) -> None:
        flow = make_pes(FLOW)
        start = flow.index(b"octet-stream") + 14
        changed = flow[: start + 400] + b"AAAA" + flow[start + 404 :]
        (change,) = compare(flow, changed).changed
        assert (change.kind, change.fields[0].label) == (
            UnitKind.ATTACHMENT,
            "contenu du fichier",
        )

    def test_an_attachment_that_came(self) -> None:
        before, after = make_pes(replace(FLOW, attachments=0)), make_pes(FLOW)
        lines = summary(before, after)
        assert "Pièce jointe PJ20260316N1R1 : ajout" in lines
        assert "Pièces jointes : ajout" in lines

    def test_a_signature_is_one_field(self) -> None:
        flow = make_pes()
        (change,) = compare(flow, sign_flow(flow)).changed
        (field,) = change.fields
        assert (change.kind, field.label, field.before) == (UnitKind.SLIP, "signature", None)

    def test_a_domain_that_no_rule_names_is_compared(self) -> None:
        market = '<PES_Marche><Marche><Objet V="%s"/></Marche></PES_Marche></n:PES_Aller>'
        flow = edited(make_pes(), "</n:PES_Aller>", market % "Voirie")
        assert summary(flow, edited(flow, "Voirie", "Toiture")) == (
            "Marchés : objet Voirie → Toiture",
        )

    def test_text_between_elements_is_compared(self) -> None:
        flow = edited(make_pes(), "<EnTetePES>", "<EnTetePES> deux  mots ")
        assert summary(flow, edited(flow, "deux  mots", "deux\nmots")) == NO_CHANGE
        assert len(compare(flow, edited(flow, "deux  mots", "deuxmots")).changed) == 1


class TestNothingIsMissed:
    def test_every_value_of_a_flow_that_changes_is_reported(self) -> None:
        flow = make_pes(SMALL)
        places = [one.end() for one in re.finditer(rb' (?:V|Id|MIMEType)="', flow)]
        unreported = [
            at for at in places if summary(flow, flow[:at] + b"Z" + flow[at:]) == NO_CHANGE
        ]
        assert (len(places) > 70, unreported) == (True, [])

    def test_every_element_that_goes_is_reported(self) -> None:
        flow = make_pes(SMALL)
        elements = list(re.finditer(rb"<\w+ V=[^>]*/>", flow))
        unreported = [
            one[0]
            for one in elements
            if summary(flow, flow[: one.start()] + flow[one.end() :]) == NO_CHANGE
        ]
        assert (len(elements) > 70, unreported) == (True, [])

    def test_a_foreign_namespace_is_another_field(self) -> None:
        flow = make_pes()
        changed = edited(flow, "<IBAN V=", '<z:IBAN xmlns:z="urn:z" V=')
        assert [one.label for one in compare(flow, changed).changed[0].fields] == ["IBAN", "IBAN"]

    def test_a_number_given_after_what_it_numbers_is_refused(self) -> None:
        flow = make_pes()
        late = edited(flow, '<IdBord V="101"/>', "")
        late = edited(
            late, "</Bordereau>", '<BlocBordereau><IdBord V="1"/></BlocBordereau></Bordereau>'
        )
        assert refusal(flow, late) == "pes_out_of_order"

    def test_changes_past_the_list_are_counted(self) -> None:
        flow = make_pes(Flow(items_per_slip=10))
        changed = flow.replace(b'Fonction V="020"', b'Fonction V="021"')
        changes = compare(flow, changed, max_listed=3)
        assert (len(changes.changed), changes.unlisted) == (3, 7)
        assert changes.summary[-1] == "Et 7 autres changements, non détaillés."

    def test_pieces_past_the_list_are_counted(self) -> None:
        before, after = make_pes(Flow(expense_slips=1)), make_pes(Flow(expense_slips=6))
        changes = compare(before, after, max_listed=2)
        assert (len(changes.added), changes.unlisted) == (2, 3)

    def test_a_unit_with_thousands_of_fields_is_compared_to_its_last(self) -> None:
        marks = "".join(f'<Ligne V="{n}"/>' for n in range(6_000))
        flow = edited(
            make_pes(), "</n:PES_Aller>", f"<PES_Marche>{marks}</PES_Marche></n:PES_Aller>"
        )
        (change,) = compare(flow, edited(flow, '"5999"', '"0"')).changed
        assert change.fields[0].label == "ordre ou structure des champs"


class TestCost:
    def test_memory_does_not_grow_with_the_attachments(self, tmp_path: Path) -> None:
        flow = grown_to(Flow(), 4 * MIB)
        before, after = tmp_path / "before", tmp_path / "after"
        before.write_bytes(make_pes(flow))
        after.write_bytes(make_pes(replace(flow, attachment_bytes=flow.attachment_bytes - 1)))
        tracemalloc.start()
        changes = compare(before, after)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(changes.changed) == flow.attachments
        assert peak < 4 * MIB

    def test_noise_never_raises_anything_else(self, scaled: Callable[[int, int], int]) -> None:
        chance, source, outcomes = random.Random(11), make_pes(), set()
        for _ in range(scaled(1000, 60)):
            damaged = bytearray(source)
            for _ in range(chance.randint(1, 4)):
                damaged[chance.randrange(200, len(damaged))] = chance.randrange(32, 256)
            try:
                outcomes.add(bool(compare(source, bytes(damaged)).summary))
            except UnsupportedDocument as e:
                outcomes.add(e.code in {"xml_not_well_formed", "pes_out_of_order"})
        assert outcomes == {True}


class TestSamples:
    @pytest.fixture
    def sample(self, shared_data: Path) -> Callable[[str], bytes]:
        def read(name: str) -> bytes:
            return next((shared_data / "pes/samples").glob(f"{name}-*.xml")).read_bytes()

        return read

    def test_an_amount_changed_in_a_signed_flow(self, sample: Callable[[str], bytes]) -> None:
        assert summary(sample("S05"), sample("S09")) == (
            "Mandat 1003, bordereau 121 : montant TTC 2 160,00 € → 10 160,00 €, "
            "montant HT 1 800,00 € → 9 800,00 €",
        )

    def test_an_attachment_replaced_after_the_signature(
        self, sample: Callable[[str], bytes]
    ) -> None:
        (change,) = compare(sample("S05"), sample("S06")).changed
        assert change.kind is UnitKind.ATTACHMENT

    def test_the_number_of_an_attachment_changed(self, sample: Callable[[str], bytes]) -> None:
        changes = compare(sample("A06"), sample("M12"))
        assert (len(changes.added), len(changes.removed)) == (1, 1)
