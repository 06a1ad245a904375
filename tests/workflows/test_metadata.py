from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.errors import MetadataMissing
from workflows.metadata import (
    MAX_KEY,
    MAX_TEXT,
    MAX_UNKNOWN,
    MAX_URL,
    FieldType,
    MetadataField,
    MetadataMistyped,
    MetadataNotAChoice,
    MetadataNotEditable,
    MetadataTooLong,
    MetadataValue,
    amount_cents,
    changed,
    checked,
    complete,
    filled,
    labels,
)

AMOUNT = MetadataField("montant", "Montant TTC", FieldType.DECIMAL, required_at_deposit=True)
URGENT = MetadataField("urgent", "Urgent", FieldType.BOOLEAN, required_at_deposit=True)
SERVICE = MetadataField(
    "service", "Service", FieldType.TEXT, choices=("Finances", "Écoles"), default="Finances"
)


def a_field(kind: FieldType, *, choices: tuple[str, ...] = ()) -> MetadataField:
    return MetadataField("champ", "Champ", kind, choices)


class TestChecked:
    @pytest.mark.parametrize("kind", list(FieldType))
    @pytest.mark.parametrize("blank", [None, "", " \t\u00a0"], ids=["absent", "empty", "spaces"])
    def test_a_blank_value_is_no_value(self, kind: FieldType, blank: str | None) -> None:
        assert checked(a_field(kind), blank) is None

    @pytest.mark.parametrize(
        ("kind", "value", "kept"),
        [
            (FieldType.TEXT, "  Marché : lot 1, / 2\nsuite ", "Marché : lot 1, / 2\nsuite"),
            (FieldType.TEXT, unicodedata.normalize("NFD", "Écoles"), "Écoles"),
            (FieldType.DATE, " 2026-03-31 ", "2026-03-31"),
            (FieldType.DATE, date(2026, 3, 31), "2026-03-31"),
            (FieldType.INTEGER, 0, 0),
            (FieldType.INTEGER, "-12", -12),
            (FieldType.INTEGER, "+0012", 12),
            (FieldType.INTEGER, 12.0, 12),
            (FieldType.INTEGER, "999999999999999", 999_999_999_999_999),
            (FieldType.BOOLEAN, False, False),
            (FieldType.BOOLEAN, "Oui", True),
            (FieldType.BOOLEAN, "0", False),
            (FieldType.URL, " https://exemple.fr/a?b=1#c ", "https://exemple.fr/a?b=1#c"),
        ],
    )
    def test_keeps_one_form_of_a_value(
        self, kind: FieldType, value: object, kept: MetadataValue
    ) -> None:
        found = checked(a_field(kind), value)
        assert (found, type(found)) == (kept, type(kept))

    @pytest.mark.parametrize(
        ("value", "kept"),
        [
            ("12.5", "12.50"),
            ("12,50", "12.50"),
            ("12 500,5", "12500.50"),
            ("1\u202f012\u00a0500", "1012500.00"),
            ("0012.1250", "12.125"),
            ("-0,00", "0.00"),
            ("-3", "-3.00"),
            ("+3", "3.00"),
            (12, "12.00"),
            (0, "0.00"),
            (1250.5, "1250.50"),
            (0.000001, "0.000001"),
            (-0.00002, "-0.00002"),
            (Decimal("12.5"), "12.50"),
            (Decimal("1E+3"), "1000.00"),
            ("123456789.123456", "123456789.123456"),
        ],
    )
    def test_a_number_has_one_decimal_text(self, value: object, kept: str) -> None:
        assert checked(AMOUNT, value) == kept

    @pytest.mark.parametrize(
        "value",
        [
            "NaN",
            "Infinity",
            "-inf",
            "1_000",
            "1e3",
            "1E+999999999",
            "0x10",
            "١٢",
            "1,234.56",
            "12 50",
            "1 2345",
            ".5",
            "5.",
            "--5",
            "1" * 16,
            "0.1234567",
            "9" * 10_000,
            10**15,
            10**5000,
            1e16,
            1e-7,
            float("nan"),
            float("inf"),
            Decimal("NaN"),
            Decimal("sNaN"),
            Decimal("-Infinity"),
            Decimal("1E+999999"),
            Decimal("1E-999999"),
            True,
            [12],
        ],
        ids=lambda value: str(type(value).__name__),
    )
    @pytest.mark.parametrize("kind", [FieldType.INTEGER, FieldType.DECIMAL])
    def test_refuses_what_is_no_number_that_it_keeps(self, kind: FieldType, value: object) -> None:
        with pytest.raises(MetadataMistyped, match="« Champ » doit être un nombre"):
            checked(a_field(kind), value)

    @pytest.mark.parametrize("value", ["12.5", 12.5])
    def test_an_integer_has_no_decimals(self, value: object) -> None:
        with pytest.raises(MetadataMistyped, match="entier"):
            checked(a_field(FieldType.INTEGER), value)

    @pytest.mark.parametrize(
        "value",
        [
            "31/03/2026",
            "20260331",
            "2026-W14-2",
            "2026-02-29",
            "2026-03-31T10:00",
            20260331,
            datetime(2026, 3, 31, tzinfo=UTC),
        ],
        ids=str,
    )
    def test_refuses_what_is_no_date(self, value: object) -> None:
        with pytest.raises(MetadataMistyped, match="« Champ » doit être une date"):
            checked(a_field(FieldType.DATE), value)

    @pytest.mark.parametrize("value", ["peut-être", "2", 1, 0, [True]], ids=str)
    def test_refuses_what_is_neither_yes_nor_no(self, value: object) -> None:
        with pytest.raises(MetadataMistyped, match="oui ou non"):
            checked(a_field(FieldType.BOOLEAN), value)

    @pytest.mark.parametrize(
        "value",
        [
            "exemple.fr",
            "javascript:alert(1)",
            "ftp://exemple.fr/a",
            "https://",
            "https://mairie.fr@exemple.fr/",
            "https://exemple.fr/a b",
            "https://exemple.fr/a\nb",
            "https://exemple.fr/délibération",
            "https://[exemple/",
            12,
        ],
        ids=str,
    )
    def test_refuses_what_is_no_web_address(self, value: object) -> None:
        with pytest.raises(MetadataMistyped, match="une adresse"):
            checked(a_field(FieldType.URL), value)

    @pytest.mark.parametrize("value", [12, True, ["a"]], ids=str)
    def test_refuses_what_is_no_text(self, value: object) -> None:
        with pytest.raises(MetadataMistyped, match="doit être un texte"):
            checked(a_field(FieldType.TEXT), value)

    @pytest.mark.parametrize("value", ["a\x00b", "a\x1bb", "a\ud800b"], ids=["NUL", "ESC", "half"])
    def test_refuses_a_text_that_no_database_keeps(self, value: str) -> None:
        with pytest.raises(MetadataMistyped, match="caractère invisible"):
            checked(a_field(FieldType.TEXT), value)

    def test_keeps_texts_and_addresses_to_their_last_character(self) -> None:
        text, url = "é" * MAX_TEXT, "https://exemple.fr/".ljust(MAX_URL, "a")
        kept = (checked(a_field(FieldType.TEXT), text), checked(a_field(FieldType.URL), url))
        assert kept == (text, url)

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            (FieldType.TEXT, "é" * (MAX_TEXT + 1)),
            (FieldType.URL, "https://exemple.fr/".ljust(MAX_URL + 1, "a")),
        ],
        ids=["text", "url"],
    )
    def test_refuses_one_character_more(self, kind: FieldType, value: str) -> None:
        with pytest.raises(MetadataTooLong, match="dépasse"):
            checked(a_field(kind), value)

    @pytest.mark.parametrize(
        ("kind", "choices", "value", "kept"),
        [
            (FieldType.TEXT, ("Finances", "Écoles"), "Écoles", "Écoles"),
            (FieldType.INTEGER, ("0", "10"), 0, 0),
            (FieldType.DECIMAL, ("5,5", "20"), "20.00", "20.00"),
            (FieldType.BOOLEAN, ("non",), False, False),
        ],
        ids=["text", "integer", "decimal", "boolean"],
    )
    def test_a_choice_is_known_in_any_of_its_forms(
        self, kind: FieldType, choices: tuple[str, ...], value: object, kept: MetadataValue
    ) -> None:
        assert checked(a_field(kind, choices=choices), value) == kept

    def test_refuses_what_is_not_in_the_list_and_shows_the_list(self) -> None:
        with pytest.raises(MetadataNotAChoice, match="« Finances », « Écoles »"):
            checked(SERVICE, "finances")

    @given(st.decimals(-(10**9) + 1, 10**9 - 1, places=4))
    def test_a_decimal_text_is_the_number_given(self, number: Decimal) -> None:
        kept = checked(AMOUNT, number)
        assert isinstance(kept, str)
        assert (Decimal(kept), checked(AMOUNT, kept)) == (number, kept)

    @given(st.integers(-(10**14), 10**14))
    def test_fifteen_figures_of_a_client_arrive_unchanged(self, tenths: int) -> None:
        sent = (
            f"{tenths // 10}.{tenths % 10}" if tenths >= 0 else f"-{-tenths // 10}.{-tenths % 10}"
        )
        assert checked(AMOUNT, float(sent)) == checked(AMOUNT, sent)

    @given(st.sampled_from(FieldType), st.none() | st.text() | st.integers() | st.floats())
    def test_what_is_kept_is_kept_again(self, kind: FieldType, value: object) -> None:
        try:
            kept = checked(a_field(kind), value)
        except (MetadataMistyped, MetadataTooLong):
            return
        assert checked(a_field(kind), kept) == kept


class TestComplete:
    def test_a_field_not_given_takes_its_default(self) -> None:
        values = complete((AMOUNT, SERVICE), {"montant": "10"})
        assert values == {"montant": "10.00", "service": "Finances"}

    def test_a_field_emptied_on_purpose_keeps_no_value(self) -> None:
        values = complete((AMOUNT, SERVICE), {"montant": "10", "service": ""})
        assert values == {"montant": "10.00", "service": None}

    def test_false_and_zero_satisfy_a_required_field(self) -> None:
        values = complete((AMOUNT, URGENT), {"montant": 0, "urgent": False})
        assert values == {"montant": "0.00", "urgent": False}

    def test_names_every_required_field_without_value(self) -> None:
        with pytest.raises(MetadataMissing, match="« Montant TTC », « Urgent »"):
            complete((AMOUNT, URGENT, SERVICE), {"montant": " "})

    def test_keeps_as_text_what_no_field_describes(self) -> None:
        given = {"n": 12, "vrai": True, "faux": False, "texte": " a ", "rien": None, "part": 1.5}
        kept = {"n": "12", "vrai": "true", "faux": "false", "texte": "a"}
        assert complete((), given) == {**kept, "rien": None, "part": "1.5"}

    def test_an_unknown_key_never_takes_the_place_of_a_field(self) -> None:
        values = complete((SERVICE,), {"service": "Écoles", " service": "autre"})
        assert values["service"] == "Écoles"

    @pytest.mark.parametrize(
        "value",
        [["a"], {"a": 1}, 10**15, "a\x00"],
        ids=lambda one: type(one).__name__,
    )
    def test_refuses_an_unknown_value_that_is_no_plain_text(self, value: object) -> None:
        with pytest.raises(MetadataMistyped):
            complete((), {"autre": value})

    @pytest.mark.parametrize(
        "given_values",
        [
            {"k" * (MAX_KEY + 1): "a"},
            {"autre": "a" * (MAX_TEXT + 1)},
            {f"k{n}": "a" for n in range(MAX_UNKNOWN + 1)},
        ],
        ids=["key", "value", "number of keys"],
    )
    def test_refuses_more_unknown_metadata_than_is_kept(self, given_values: dict[str, str]) -> None:
        with pytest.raises(MetadataTooLong):
            complete((), given_values)

    def test_refuses_an_unknown_key_that_no_database_keeps(self) -> None:
        with pytest.raises(MetadataMistyped, match="caractère invisible"):
            complete((), {"a\x00": "b"})


class TestChanged:
    FIELDS = (AMOUNT, MetadataField("origine", "Origine", FieldType.TEXT, editable=False))
    CURRENT: dict[str, MetadataValue] = {"montant": "10.00", "origine": "Logiciel", "autre": "x"}

    def test_writes_what_is_given_and_keeps_the_rest(self) -> None:
        values = changed(self.FIELDS, self.CURRENT, {"montant": "12", "autre": "y"})
        assert values == {"montant": "12.00", "origine": "Logiciel", "autre": "y"}

    def test_the_same_value_may_come_again_in_a_field_that_keeps_its_own(self) -> None:
        assert changed(self.FIELDS, self.CURRENT, {"origine": " Logiciel "}) == self.CURRENT

    @pytest.mark.parametrize("empty", [{}, {"origine": None}, {"origine": " "}], ids=str)
    def test_a_field_that_keeps_its_value_takes_one_while_it_has_none(
        self, empty: dict[str, MetadataValue]
    ) -> None:
        values = changed(self.FIELDS, empty, {"origine": "Autre"})
        assert values["origine"] == "Autre"

    @pytest.mark.parametrize("value", ["Autre", None])
    def test_its_submitter_changes_every_field_while_he_has_the_folder(
        self, value: str | None
    ) -> None:
        values = changed(self.FIELDS, self.CURRENT, {"origine": value}, is_with_submitter=True)
        assert values["origine"] == value

    @pytest.mark.parametrize("value", ["Autre", None])
    def test_refuses_another_value_in_a_field_that_keeps_its_own(self, value: str | None) -> None:
        with pytest.raises(MetadataNotEditable, match="« Origine »"):
            changed(self.FIELDS, self.CURRENT, {"origine": value})

    @pytest.mark.parametrize("blank", [None, " "])
    def test_what_the_deposit_demands_is_not_emptied_afterwards(self, blank: str | None) -> None:
        with pytest.raises(MetadataMissing, match="« Montant TTC »"):
            changed(self.FIELDS, self.CURRENT, {"montant": blank})

    def test_its_submitter_empties_even_that_while_he_has_the_folder(self) -> None:
        values = changed(self.FIELDS, self.CURRENT, {"montant": ""}, is_with_submitter=True)
        assert values["montant"] is None

    def test_what_was_demanded_only_since_may_stay_empty(self) -> None:
        assert changed(self.FIELDS, {}, {"montant": None}) == {"montant": None}

    def test_leaves_the_values_it_was_given_untouched(self) -> None:
        current = dict(self.CURRENT)
        changed(self.FIELDS, current, {"montant": "12"})
        assert current == self.CURRENT


class TestFilled:
    def test_false_and_zero_are_values_and_blanks_are_not(self) -> None:
        values: dict[str, MetadataValue] = {"a": False, "b": 0, "c": "0", "d": "", "e": None}
        assert filled({**values, "f": " "}) == {"a", "b", "c"}


class TestLabels:
    def test_are_what_people_call_each_field(self) -> None:
        assert labels((AMOUNT, SERVICE)) == {"montant": AMOUNT.label, "service": SERVICE.label}


class TestAmountCents:
    @pytest.mark.parametrize(
        ("value", "cents"),
        [
            ("12.50", 1250),
            ("12.5", 1250),
            ("1 200,05", 120_005),
            ("-0.01", -1),
            ("0.00", 0),
            (0, 0),
            (12, 1200),
            ("9999999999999.99", 999_999_999_999_999),
        ],
    )
    def test_counts_euros_in_cents(self, value: MetadataValue, cents: int) -> None:
        assert amount_cents(value) == cents

    @pytest.mark.parametrize(
        "value", [None, "", True, False, "douze", "12.505", "NaN", "1e3", 10**15], ids=str
    )
    def test_knows_no_amount_otherwise(self, value: MetadataValue) -> None:
        assert amount_cents(value) is None
