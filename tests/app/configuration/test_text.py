"""A small, safe part of YAML: what is read, what is refused, what is written."""

from __future__ import annotations

import time
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.configuration.document import Configuration, DeskPart
from app.configuration.shipped import TEMPLATES, template, template_text
from app.configuration.text import MAX_BYTES, read_text, written
from app.errors import NotFound, TooLarge, Unprocessable
from tests.builders.configurations import HEAD, desk

BOMB = "version: 1\na: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def refusal(text: str) -> Unprocessable:
    with pytest.raises(Unprocessable) as refused:
        read_text(text.encode())
    return refused.value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "ligne 2, retirez les ancres"),
        ("version: &a 1\ndesks: *a\n", "ligne 1, retirez les ancres"),
        ("version: 1\ndesks: *unknown\n", "ligne 2, retirez les ancres"),
        ("version: 1\n<<: *a\n", "ligne 2, retirez les ancres"),
    ],
    ids=["bomb", "anchor", "alias", "merge"],
)
def test_threat_48_anchors_and_aliases_are_refused_where_they_stand(text: str, said: str) -> None:
    refused = refusal(text)

    assert refused.code == "configuration_unreadable"
    assert said in refused.detail


def test_a_character_that_no_database_keeps_is_refused_where_it_stands() -> None:
    refused = refusal('version: 1\ndesks:\n  - name: "Mai\\0re"\n')

    assert refused.code == "configuration_unreadable"
    assert "ligne 3" in refused.detail


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\n" + "desks: " + "[" * 900 + "]" * 900,
        "version: 1\nmandates: [" + "0," * 300_000 + "]",
        "version: 1\n" + "? " * 900 + "a",
    ],
    ids=["deep", "long", "keys_within_keys"],
)
def test_threat_48_depth_and_length_are_bounded(text: str) -> None:
    started = time.process_time()

    assert refusal(text).code == "configuration_unreadable"
    assert time.process_time() - started < 10


def test_threat_48_a_file_above_the_bound_is_not_parsed() -> None:
    with pytest.raises(TooLarge):
        read_text(b"version: 1\n" + b"#" * MAX_BYTES)


@pytest.mark.parametrize(
    "text",
    [
        "version: !!python/object/apply:os.system [id]\n",
        "version: !!int '1'\n",
        "version: 1\ndesks: !own []\n",
        "%TAG ! tag:example,2000:\n---\nversion: 1\n",
        "%YAML 1.1\n---\nversion: 1\n",
    ],
    ids=["object", "standard", "own", "tag_directive", "version_directive"],
)
def test_threat_44_tags_and_directives_are_refused(text: str) -> None:
    assert refusal(text).code == "configuration_unreadable"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "---\nversion: 1\n---\nversion: 1\n",
        "version: 1\nversion: 1\n",
        "version: 1\n[a]: 1\n",
        "version: [1\n",
        "version: \x00\n",
    ],
    ids=["empty", "two_documents", "repeated_key", "list_as_key", "unclosed", "control"],
)
def test_what_is_not_one_plain_document_is_refused_with_a_sentence(text: str) -> None:
    refused = refusal(text)

    assert refused.code == "configuration_unreadable"
    assert refused.detail.startswith(
        "Ce fichier de configuration ne peut pas être lu, corrigez-le : "
    )


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(Unprocessable, match="UTF-8"):
        read_text("version: 1\n# é".encode("latin-1"))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[]", "le document"),
        ("{}", "version"),
        ("version: 2", "version"),
        (HEAD + "desk: []", "desk"),
        (HEAD + "desks:\n" + desk("Maire", id="1"), "desks 1, id"),
        (HEAD + "desks:\n" + desk("Maire", active="oui"), "desks 1, active"),
        (HEAD + "persons: [{login: abc, first_name: A, last_name: B, password: x}]", "password"),
        (HEAD + "persons: [{login: abc, first_name: A, last_name: B, roles: [dieu]}]", "roles 1"),
        (HEAD + "absences: [{person: abc, from: 2026-04-01T10:00:00}]", "absences 1, from"),
        (HEAD + "absences: [{person: abc, from: demain}]", "absences 1, from"),
        (HEAD + "mandates: [{person: abc, body: C, function: M, starts_on: 2026-02-30}]", "starts"),
    ],
    ids=[
        "list",
        "nothing",
        "version",
        "section",
        "id",
        "word_for_boolean",
        "password",
        "role",
        "no_time_zone",
        "word_for_date",
        "impossible_day",
    ],
)
def test_threat_35_what_the_document_does_not_know_is_refused_by_its_place(
    text: str, place: str
) -> None:
    refused = refusal(text)

    assert refused.code == "configuration_malformed"
    assert place in refused.detail


def test_scalars_are_read_as_people_mean_them() -> None:
    text = (
        HEAD
        + """
tenant: {city: non, postal_code: 01990, subdivision: ~}
powers:
  - kind: substitution
    office: 12
    grantee: Mairie@Exemple.example
    capacity: "oui"
    from: 2026-04-01
    until: 2026-04-02T08:30:00+02:00
    document: {number: 1_000, signed_on: 2026-04-01}
"""
    )

    read = read_text(text.encode())

    power = read.powers[0]
    assert read.tenant is not None
    assert (read.tenant.city, read.tenant.postal_code) == ("non", "01990")
    assert "subdivision" in read.tenant.model_fields_set
    assert (power.office, power.grantee, power.capacity) == ("12", "mairie@exemple.example", "oui")
    assert power.starts == date(2026, 4, 1)
    assert type(power.starts) is date
    assert power.until == datetime.fromisoformat("2026-04-02T08:30:00+02:00")
    assert power.document is not None
    assert power.document.number == "1_000"


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60),
    st.booleans(),
)
def test_any_name_survives_writing_and_reading(text: str, is_active: bool) -> None:
    name = text.strip() or "x"
    document = Configuration(
        version=1, desks=[DeskPart(name=name, capacity=name, active=is_active)]
    )

    again = read_text(written(document).encode())

    assert again == document


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_is_written_as_it_was_read(name: str) -> None:
    document = template(name)

    text = written(document)

    assert read_text(text.encode()) == document
    assert written(read_text(text.encode())) == text
    assert "&" not in text
    assert "*" not in text


def test_templates_are_commented_and_named_one_by_one() -> None:
    assert template_text("petite-commune").startswith("# Modèle « Petite commune »")
    with pytest.raises(NotFound):
        template_text("../shipped")
