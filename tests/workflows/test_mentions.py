from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.registers import REGISTER, TOWN_HALL
from workflows.errors import Refused
from workflows.mentions import (
    DEFAULT_MENTIONS,
    TEMPLATE_MAX,
    MentionCharacters,
    MentionLength,
    MentionPlaceholderUnknown,
    capacity_mention,
    check_template,
    is_one_line,
    of_the,
    office_of,
    with_article,
)
from workflows.register import Gender, Office, PowerKind, PowerRegister

DELEGATION = PowerKind.SIGNATURE_DELEGATION


def titled(title: str, gender: Gender = Gender.MASCULINE) -> PowerRegister:
    return replace(REGISTER, offices=(Office(TOWN_HALL, title, gender),))


def templated(template: str, kind: PowerKind = DELEGATION) -> PowerRegister:
    return replace(titled("Présidente", Gender.FEMININE), mentions={kind: template})


def said(register: PowerRegister, kind: PowerKind = DELEGATION, capacity: str = "le DGS") -> str:
    mention = capacity_mention(register, kind, TOWN_HALL, capacity)
    assert mention is not None
    return mention


class TestShippedTemplates:
    @pytest.mark.parametrize(
        ("kind", "man", "woman"),
        [
            (
                PowerKind.SIGNATURE_DELEGATION,
                "Pour le Maire et par délégation, le DGS",
                "Pour la Présidente et par délégation, le DGS",
            ),
            (
                PowerKind.FUNCTION_DELEGATION,
                "Pour le Maire et par délégation, le DGS",
                "Pour la Présidente et par délégation, le DGS",
            ),
            (
                PowerKind.POWER_DELEGATION,
                "Par délégation du Maire, le DGS",
                "Par délégation de la Présidente, le DGS",
            ),
            (
                PowerKind.SUBSTITUTION,
                "Pour le Maire empêché, le DGS",
                "Pour la Présidente empêchée, le DGS",
            ),
            (PowerKind.INTERIM, "Le Maire par intérim", "La Présidente par intérim"),
            (PowerKind.REPLACEMENT, "En l'absence du Maire", "En l'absence de la Présidente"),
        ],
    )
    def test_take_article_and_gender_from_the_office(
        self, kind: PowerKind, man: str, woman: str
    ) -> None:
        assert said(titled("Maire"), kind) == man
        assert said(titled("Présidente", Gender.FEMININE), kind) == woman

    @pytest.mark.parametrize("template", DEFAULT_MENTIONS.values(), ids=list(DEFAULT_MENTIONS))
    def test_are_such_as_a_tenant_could_write(self, template: str) -> None:
        check_template(template)

    @pytest.mark.parametrize("kind", [PowerKind.HOLDER, PowerKind.PROGRAM, PowerKind.ADMINISTRATOR])
    def test_are_silent_where_one_acts_in_his_own_name(self, kind: PowerKind) -> None:
        register = replace(REGISTER, mentions={kind: "Pour moi"})
        assert capacity_mention(register, kind, TOWN_HALL, "") is None

    def test_end_cleanly_without_capacity(self) -> None:
        assert said(titled("Maire"), capacity="") == "Pour le Maire et par délégation"

    def test_an_office_that_nobody_described_is_that_of_its_holder(self) -> None:
        undescribed = replace(REGISTER, offices=())
        assert (
            said(undescribed) == said(titled(" ")) == "Pour le titulaire et par délégation, le DGS"
        )


@pytest.mark.parametrize(
    ("title", "gender", "the", "of"),
    [
        ("Maire", Gender.MASCULINE, "le Maire", "du Maire"),
        ("Maire", Gender.FEMININE, "la Maire", "de la Maire"),
        ("adjoint aux finances", Gender.MASCULINE, "l'adjoint aux finances", None),
        ("Élue déléguée", Gender.FEMININE, "l'Élue déléguée", None),
        ("huissier", Gender.MASCULINE, "l'huissier", None),
        ("Haut fonctionnaire", Gender.MASCULINE, "le Haut fonctionnaire", "du Haut fonctionnaire"),
        ("onzième adjoint", Gender.MASCULINE, "le onzième adjoint", "du onzième adjoint"),
        ("huitième adjointe", Gender.FEMININE, "la huitième adjointe", "de la huitième adjointe"),
    ],
)
def test_elision_follows_the_first_letter(
    title: str, gender: Gender, the: str, of: str | None
) -> None:
    office = Office(TOWN_HALL, title, gender)
    assert (with_article(office), of_the(office)) == (the, of or f"de {the}")


class TestTenantTemplates:
    @pytest.mark.parametrize(
        ("template", "text"),
        [
            ("{Le_titre}, par {qualité}", "La Présidente, par le DGS"),
            ("{qualité}, délégué{e} {du_titre}", "le DGS, déléguée de la Présidente"),
            ("Adressé {au_titre} ({titre})", "Adressé à la Présidente (Présidente)"),
            (unicodedata.normalize("NFD", "P/{le_titre}, {qualité}"), "P/la Présidente, le DGS"),
        ],
    )
    def test_are_used_in_the_place_of_those_shipped(self, template: str, text: str) -> None:
        check_template(template)
        assert said(templated(template)) == text

    def test_say_to_a_man_au(self) -> None:
        register = replace(titled("Maire"), mentions={DELEGATION: "Adressé {au_titre}"})
        assert said(register) == "Adressé au Maire"

    @pytest.mark.parametrize(
        ("template", "refusal"),
        [
            ("", MentionLength),
            ("   ", MentionLength),
            ("é" * (TEMPLATE_MAX + 1), MentionLength),
            ("Pour {le_titre}\net {qualité}", MentionCharacters),
            ("Pour {le_titre}\u2028", MentionCharacters),
            ("Pour \u202e{le_titre}", MentionCharacters),
            ("Pour \x00", MentionCharacters),
            ("Pour {la_mairie}", MentionPlaceholderUnknown),
            ("Pour {}", MentionPlaceholderUnknown),
            ("Pour {titre", MentionPlaceholderUnknown),
            ("Pour titre}", MentionPlaceholderUnknown),
            ("Pour {{titre}}", MentionPlaceholderUnknown),
            ("Pour {titre!r}", MentionPlaceholderUnknown),
            ("Pour {titre.__class__}", MentionPlaceholderUnknown),
        ],
        ids=[
            "empty",
            "blank",
            "long",
            "line break",
            "line separator",
            "direction",
            "nul",
            "unknown",
            "nameless",
            "open",
            "closed",
            "double",
            "conversion",
            "attribute",
        ],
    )
    def test_are_refused_when_they_could_not_be_signed(
        self, template: str, refusal: type[Refused]
    ) -> None:
        with pytest.raises(refusal) as refused:
            check_template(template)
        assert refused.value.detail.endswith(".")

    def test_may_be_as_long_as_allowed(self) -> None:
        check_template("é" * TEMPLATE_MAX)

    def test_the_refusal_names_the_field(self) -> None:
        with pytest.raises(MentionPlaceholderUnknown, match="la_mairie") as refused:
            check_template("Pour {la_mairie}")
        assert refused.value.code == "mention_placeholder_unknown"
        assert "{le_titre}" in refused.value.detail

    def test_that_were_stored_badly_give_way_to_those_shipped(self) -> None:
        assert said(templated("Pour {la_mairie}")).startswith("Pour la Présidente et par délég")


@given(template=st.text(max_size=40), title=st.text(max_size=20), capacity=st.text(max_size=20))
def test_a_mention_always_is_one_clean_line(template: str, title: str, capacity: str) -> None:
    register = replace(titled(title), mentions={DELEGATION: template})
    mention = said(register, capacity=capacity)
    assert is_one_line(mention)
    assert mention == mention.strip()
    assert office_of(register, TOWN_HALL).title.strip()


def test_a_capacity_is_never_read_as_a_template() -> None:
    assert said(titled("{qualité}"), capacity="{titre}") == (
        "Pour le {qualité} et par délégation, {titre}"
    )
