"""What a document leaves alone is said before it is applied."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from app.configuration.document import Configuration
from app.configuration.remainder import left_alone
from app.configuration.shipped import template

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
SAINT = "saint-exemple.example"


def test_every_part_taken_out_of_a_document_is_said_to_stay() -> None:
    standing, wanted = template("petite-commune"), template("petite-commune")
    for parts in (
        wanted.persons,
        wanted.desks,
        wanted.desks[0].holders,
        wanted.desks[0].staff,
        wanted.workflows,
        wanted.types,
        wanted.types[0].subtypes,
        wanted.powers,
        wanted.absences,
    ):
        parts.pop()

    assert left_alone(standing, wanted, PARIS, NOW) == [
        f"La personne « sacha.canevas@{SAINT} » n'est pas dans le fichier : rien ne change pour "
        "elle.",
        "Le bureau « Comptabilité » n'est pas dans le fichier : rien ne change pour lui.",
        f"La personne camille.exemple@{SAINT}, titulaire du bureau « Maire », n'est pas dans le "
        "fichier : rien ne change pour elle.",
        f"La personne claude.gabarit@{SAINT}, auprès du bureau « Maire », n'est pas dans le "
        "fichier : rien ne change pour elle.",
        "Le circuit « Convocations » n'est pas dans le fichier : rien ne change pour lui.",
        "Le type « Courriers » n'est pas dans le fichier : rien ne change pour lui.",
        "Le sous-type « Actes / Délibérations » n'est pas dans le fichier : rien ne change pour "
        "lui.",
        f"Le pouvoir donné à dominique.modele@{SAINT} pour le bureau « Maire » n'est pas dans le "
        "fichier : rien ne change pour lui.",
        f"L'absence de claude.gabarit@{SAINT} au bureau « Secrétariat de mairie » n'est pas dans "
        "le fichier : rien ne change pour elle.",
    ]
    assert left_alone(standing, wanted.model_copy(update={"prune": True}), PARIS, NOW) == []


def test_a_person_whose_account_is_closed_is_not_said_to_stay() -> None:
    standing, wanted = template("petite-commune"), template("petite-commune")
    wanted.persons.pop()
    standing.persons[-1].active = False

    assert left_alone(standing, wanted, PARIS, NOW) == []


def test_of_two_powers_alike_the_one_taken_out_is_said_to_stay() -> None:
    wanted = template("petite-commune")
    twice = wanted.model_copy(update={"powers": [*wanted.powers, wanted.powers[0]]})

    assert left_alone(twice, wanted, PARIS, NOW) == [
        f"Le pouvoir donné à alix.specimen@{SAINT} pour le bureau « Maire » (acte 2026-12) n'est "
        "pas dans le fichier : rien ne change pour lui."
    ]


def test_a_section_that_the_document_does_not_have_is_not_spoken_of() -> None:
    assert left_alone(template("petite-commune"), Configuration(version=1), PARIS, NOW) == []
    assert left_alone(template("petite-commune"), template("petite-commune"), PARIS, NOW) == []
