from __future__ import annotations

import pytest

from workflows.definition import Severity
from workflows.metadata import MAX_KEY, FieldType, MetadataField
from workflows.metadata_findings import field_findings

GOOD = MetadataField("montant_ttc", "Montant TTC", FieldType.DECIMAL, ("10", "20"), "20,00")


def codes(*fields: MetadataField) -> list[str]:
    return [finding.code for finding in field_findings(fields)]


def test_says_nothing_of_good_fields() -> None:
    assert codes(GOOD, MetadataField("k" * MAX_KEY, "Autre", FieldType.TEXT)) == []


def test_a_key_is_given_once() -> None:
    found = field_findings((GOOD, GOOD, GOOD))
    assert [(one.code, one.severity) for one in found] == [
        ("metadata_key_duplicate", Severity.ERROR)
    ]


@pytest.mark.parametrize("key", ["", "Montant", "1er", "montant ttc", "é", "k" * (MAX_KEY + 1)])
def test_a_key_is_a_short_plain_word(key: str) -> None:
    assert codes(MetadataField(key, "Montant", FieldType.TEXT)) == ["metadata_key_malformed"]


def test_a_field_has_a_name() -> None:
    assert codes(MetadataField("a", " ", FieldType.TEXT)) == ["metadata_unnamed"]


def test_every_choice_is_of_the_type_and_is_said_once() -> None:
    field = MetadataField("a", "Année", FieldType.INTEGER, ("2025", "deux", "trois"), "quatre")
    assert codes(field) == ["metadata_value_unfit", "metadata_value_unfit"]


def test_a_choice_is_not_blank() -> None:
    assert codes(MetadataField("a", "A", FieldType.TEXT, ("x", " "))) == ["metadata_value_blank"]


def test_the_default_is_one_of_the_choices() -> None:
    field = MetadataField("a", "A", FieldType.TEXT, ("x", "y"), "z")
    (finding,) = field_findings((field,))
    assert (finding.code, "« x », « y »" in finding.detail) == ("metadata_value_unfit", True)
