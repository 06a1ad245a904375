"""A document over what stands: what it changes, what it leaves, in sentences."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.configuration.comparison import Standing, changes
from app.configuration.document import AbsencePart, Configuration, WorkflowPart
from app.configuration.merging import merged
from app.configuration.moments import as_end, as_start, ending, is_over, period_of, starting
from app.configuration.remainder import left_alone
from app.configuration.shipped import TEMPLATES, template
from app.configuration.text import read_text
from tests.builders.configurations import HEAD, desk

PARIS, TAHITI = ZoneInfo("Europe/Paris"), ZoneInfo("Pacific/Tahiti")
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
REDELEGATED = """powers:
  - {kind: power_delegation, office: Présidente, grantor: andrea, grantee: morgan,
     capacity: déléguée, types: [Actes],
     document: {number: DEL-1, signed_on: 2026-04-16}, may_be_regranted: true}
  - {kind: power_delegation, office: Présidente, grantor: morgan, grantee: charlie,
     capacity: délégué, types: [Actes],
     document: {number: DEL-2, signed_on: 2026-04-16}, regrants: DEL-1}
"""


def sentences(
    before: Configuration, wanted: Configuration, drafts: dict[str, WorkflowPart] | None = None
) -> list[str]:
    result = merged(before, wanted, PARIS, NOW)
    found = changes(Standing(before, drafts or {}), result, PARIS, NOW)
    return [one.sentence for one in found]


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_document_over_itself_changes_nothing(name: str) -> None:
    assert sentences(template(name), template(name)) == []
    assert merged(template(name), template(name), PARIS, NOW) == template(name)


def test_a_template_over_nothing_adds_all_of_it() -> None:
    empty = read_text(HEAD.encode())

    told = sentences(empty, template("petite-commune"))

    assert all(one.endswith(" : à ajouter.") for one in told)
    assert "Le sous-type « Finances / Dépenses » : à ajouter." in told
    assert (
        "Le pouvoir donné à alix.specimen@saint-exemple.example pour le bureau « Maire » "
        "(acte 2026-12) : à ajouter." in told
    )


def test_what_is_written_otherwise_is_the_same() -> None:
    """Ways of writing that mean the same thing are no change."""
    other = template("petite-commune")
    rows = other.types[1].subtypes[0].rules
    assert rows is not None
    rows[0].conditions[0].values = [20000]
    other.types[1].subtypes[0].deposit_desks = ["Comptabilité"]
    other.powers[2].starts = date(2026, 1, 1)
    other.powers[1].executory_from = starting(date(2026, 4, 3), PARIS)
    for person in other.persons:
        person.email = None
        person.roles = None

    assert sentences(template("petite-commune"), other) == []


def test_a_holding_that_has_begun_keeps_its_start_whatever_the_file_says() -> None:
    before, other = template("petite-commune"), template("petite-commune")
    (held,) = before.desks[0].holders
    held.starts = date(2020, 7, 3)

    for starts in (None, date(2026, 4, 3)):
        other.desks[0].holders[0].starts = starts
        assert merged(before, other, PARIS, NOW).desks[0].holders == [held]


def test_what_was_re_delegated_changes_with_the_power_that_it_comes_from() -> None:
    standing = merged(
        template("communaute-de-communes"), read_text(f"{HEAD}{REDELEGATED}".encode()), PARIS, NOW
    )
    about = "Le pouvoir donné à {} pour le bureau « Présidente » (acte {}) : à modifier ({})."
    anew = about.format("charlie", "DEL-2", "redonné avec celui dont il vient")
    for change, told in (
        ("may_be_regranted: true, until: 2027-12-31", "dates"),
        ("may_be_regranted: true, ceiling_cents: 100", "plafond"),
    ):
        other = read_text(f"{HEAD}{REDELEGATED}".replace("may_be_regranted: true", change).encode())
        assert sentences(standing, other) == [about.format("morgan", "DEL-1", told), anew]
    child = read_text(f"{HEAD}{REDELEGATED}".replace("délégué,", "délégué général,").encode())
    assert sentences(standing, child) == [about.format("charlie", "DEL-2", "qualité")]


def test_a_change_says_what_changes() -> None:
    other = template("petite-commune")
    other.desks[0].capacity = "Maire délégué"
    other.workflows[0].steps[0].due_in_days = 9
    other.types[1].subtypes[0].mandatory_reading = True
    other.powers[0].ceiling_cents = None
    other.desks[4].holders[0].until = date(2027, 1, 31)

    assert sentences(template("petite-commune"), other) == [
        "Le bureau « Maire » : à modifier (qualité).",
        "La personne sacha.canevas@saint-exemple.example, titulaire du bureau « Comptabilité » : "
        "à modifier (dates).",
        "Le circuit « Arrêtés » : à modifier (L'étape « Visa du secrétariat » change : échéance).",
        "Le sous-type « Finances / Dépenses » : à modifier (lecture obligatoire).",
        "Le pouvoir donné à alix.specimen@saint-exemple.example pour le bureau « Maire » "
        "(acte 2026-12) : à modifier (plafond).",
    ]


def test_what_changes_of_the_authority_is_told_with_its_values() -> None:
    before, after = template("petite-commune"), template("petite-commune")
    assert before.tenant is not None
    assert after.tenant is not None
    before.tenant.city, before.tenant.requires_latin1_pes = "Bourg-Exemple", False
    before.tenant.mentions, before.tenant.default_role = None, None
    after.tenant.requires_latin1_pes = True

    assert sentences(before, after) == [
        "La collectivité : à modifier (ville : « Saint-Exemple » au lieu de « Bourg-Exemple » ; "
        "qualité portée à défaut : « Ordonnateur » au lieu de rien ; flux PES en ISO-8859-1 "
        "exigés : oui au lieu de non ; formules des signatures).",
    ]


def test_what_is_not_listed_stays_unless_the_document_prunes_its_section() -> None:
    whole = template("petite-commune")
    before = Configuration(version=1, persons=whole.persons, desks=whole.desks)
    text = f"{HEAD}desks:\n{desk('Maire', capacity='Maire')}"
    kept, pruned = read_text(text.encode()), read_text(f"{text}prune: true\n".encode())

    assert sentences(before, kept) == []
    assert "Le bureau « Comptabilité » n'est pas dans le fichier : rien ne change pour lui." in (
        left_alone(before, kept, PARIS, NOW)
    )
    assert sentences(before, pruned) == [
        "Le bureau « Première adjointe » : à retirer.",
        "Le bureau « Adjoint aux finances » : à retirer.",
        "Le bureau « Secrétariat de mairie » : à retirer.",
        "Le bureau « Comptabilité » : à retirer.",
        "La personne camille.exemple@saint-exemple.example, titulaire du bureau « Maire » : "
        "à retirer.",
        "La personne claude.gabarit@saint-exemple.example, auprès du bureau « Maire » : à retirer.",
    ]
    assert left_alone(before, pruned, PARIS, NOW) == []


def test_a_draft_that_is_asked_for_again_is_not_drawn_again() -> None:
    """The version in force stands beside a draft that the document asks for."""
    before, wanted = template("petite-commune"), template("petite-commune")
    wanted.workflows[0].steps[0].due_in_days = 9
    draft = {"Arrêtés": wanted.workflows[0]}

    asked = sentences(before, wanted, draft)
    wanted.workflows[0].active = False
    not_asked = sentences(before, wanted, draft)

    assert asked == ["Le circuit « Arrêtés » : à modifier (mise en vigueur)."]
    assert not_asked == []


def test_what_is_over_is_nothing_to_set_up() -> None:
    before = template("petite-commune")
    text = HEAD + "absences: [{person: sacha.canevas@saint-exemple.example, until: 2026-11-21}]"

    assert sentences(before, read_text(text.encode())) == []


def test_an_end_that_has_come_ends_what_stands() -> None:
    before, wanted = template("petite-commune"), template("petite-commune")
    before.powers[0].starts = before.desks[4].holders[0].starts = date(2026, 5, 1)
    wanted.powers[0].until = wanted.desks[4].holders[0].until = date(2026, 11, 20)
    earlier = template("petite-commune")
    earlier.powers[0].until = date(2026, 4, 30)

    assert sentences(before, wanted) == [
        "La personne sacha.canevas@saint-exemple.example, titulaire du bureau « Comptabilité » : "
        "à retirer.",
        "Le pouvoir donné à alix.specimen@saint-exemple.example pour le bureau « Maire » "
        "(acte 2026-12) : à retirer.",
    ]
    assert sentences(before, earlier) == []


@pytest.mark.parametrize("zone", [PARIS, TAHITI], ids=["Paris", "Tahiti"])
@pytest.mark.parametrize(
    "day", [date(2027, 3, 28), date(2026, 10, 25), date(2027, 1, 1)], ids=["spring", "fall", "new"]
)
def test_days_and_instants_say_each_other(zone: ZoneInfo, day: date) -> None:
    first, last = starting(day, zone), ending(day, zone)
    assert first is not None
    assert last is not None

    assert (as_start(first, zone), as_end(last, zone)) == (day, day)
    later = as_start(first + SECOND, zone)
    assert isinstance(later, datetime)
    assert later == first + SECOND
    assert starting(later, zone) == first + SECOND


def test_a_period_ends_with_its_last_day_to_the_second() -> None:
    absence = AbsencePart(person="anne", until=date(2026, 11, 22))
    end = period_of(absence, PARIS, NOW).end

    assert end == datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert not is_over(absence, PARIS, end - SECOND)
    assert is_over(absence, PARIS, end)


def test_powers_of_one_order_for_two_periods_are_two() -> None:
    first = template("petite-commune")
    again = first.powers[0].model_copy(
        update={"starts": date(2028, 7, 1), "until": date(2028, 9, 30)}
    )
    both = first.model_copy(update={"powers": [*first.powers, again]})

    [added] = sentences(first, both)
    longer = both.model_copy(deep=True)
    longer.powers[-1].until = date(2028, 10, 31)

    assert added.endswith("(acte 2026-12) : à ajouter.")
    assert sentences(both, both.model_copy(deep=True)) == []
    assert [one.endswith("(dates).") for one in sentences(both, longer)] == [True]


def test_what_stands_twice_is_matched_once_each() -> None:
    """Two powers begun under one order have one key: only the end that changes is a change."""
    before = template("petite-commune")
    before.powers.append(before.powers[0].model_copy(update={"until": date(2029, 1, 1)}))
    wanted = before.model_copy(deep=True)
    wanted.powers.reverse()
    longer = before.model_copy(deep=True)
    longer.powers[-1].until = date(2029, 2, 1)

    assert sentences(before, wanted) == []
    assert sentences(before, read_text(HEAD.encode())) == []
    assert [one.endswith("(dates).") for one in sentences(before, longer)] == [True]


def test_a_mandate_that_stands_twice_stays_so() -> None:
    mandate = {
        "person": "anne",
        "body": "Conseil",
        "function": "Maire",
        "starts_on": date(2026, 3, 22),
    }
    before = Configuration.model_validate({"version": 1, "mandates": [mandate, mandate]})
    ended = Configuration.model_validate(
        {"version": 1, "mandates": [mandate, mandate | {"ends_on": date(2026, 12, 31)}]}
    )

    assert sentences(before, read_text(HEAD.encode())) == []
    assert sentences(before, before.model_copy(deep=True)) == []
    assert sentences(before, ended) == ["Le mandat de anne, Maire (Conseil) : à modifier (fin)."]
