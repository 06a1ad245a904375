"""What people read of a simulation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.simulations.texts import Names, duration_in_words, explained, in_words
from tests.builders.scenarios import Scenario, scenarios
from workflows.simulation import simulate

PARIS = ZoneInfo("Europe/Paris")
BY_NAME = {one.name: one for one in scenarios()}


def told(scenario: Scenario) -> list[str]:
    names = Names(scenario.persons, scenario.desks, scenario.zone)
    paragraphs = explained(simulate(scenario.given), scenario.given, names)
    return [sentence for one in paragraphs for sentence in one.sentences]


class TestMoments:
    @pytest.mark.parametrize(
        ("instant", "words"),
        [
            (datetime(2026, 9, 1, 7, tzinfo=UTC), "mardi 1er septembre 2026 à 9 h"),
            (datetime(2026, 3, 2, 13, 5, tzinfo=UTC), "lundi 2 mars 2026 à 14 h 05"),
            (datetime(2026, 3, 9, 22, 59, 59, tzinfo=UTC), "lundi 9 mars 2026 à 23 h 59 min 59 s"),
        ],
        ids=["first", "minutes", "seconds"],
    )
    def test_an_instant_is_told_on_the_clocks_of_the_town(
        self, instant: datetime, words: str
    ) -> None:
        assert in_words(instant, PARIS) == words

    @pytest.mark.parametrize(
        ("hours", "words"),
        [(0.5, "moins d'une heure"), (1, "1 heure"), (26, "26 heures"), (49, "2 jours")],
        ids=["short", "hour", "day", "days"],
    )
    def test_a_duration_is_told_to_the_nearest(self, hours: float, words: str) -> None:
        assert duration_in_words(timedelta(hours=hours)) == words


class TestSentences:
    @pytest.mark.parametrize("scenario", scenarios(), ids=lambda one: one.key)
    def test_every_sentence_ends_and_names_no_identifier(self, scenario: Scenario) -> None:
        sentences = told(scenario)
        assert all(one.endswith(".") for one in sentences)
        assert not any(name in " ".join(sentences) for name in (*scenario.persons, *scenario.desks))

    def test_a_power_is_cited_with_its_act_and_its_words(self) -> None:
        assert (
            "Peuvent signer : Marc, titulaire du bureau « Mairie » ; Élise, par délégation de "
            "signature de Marc, acte 2020-31 du 8 juillet 2020, avec la formule « Pour le Maire et "
            "par délégation, première adjointe »."
        ) in told(BY_NAME["La première adjointe signe par délégation, le maire le peut encore"])

    def test_what_is_re_delegated_is_so_in_the_name_of_the_delegate(self) -> None:
        sentences = told(BY_NAME["La délibération permet de redonner la compétence"])
        assert any("par délégation de signature d'Élise" in one for one in sentences)

    def test_what_stays_blocked_asks_for_a_decision(self) -> None:
        sentences = told(
            BY_NAME["Le maire est absent, son remplaçant ne signe pas, personne n'a de délégation"]
        )
        assert "Rien de ce qui est enregistré n'y mettra fin : il faut une décision." in sentences

    def test_a_choice_of_persons_that_would_stop_the_folder_is_told(self) -> None:
        last = told(BY_NAME["Qui vise ne signe pas, une autre personne du bureau vise alors"])[-1]
        assert last.startswith(
            "Attention : si Marc agit à l'étape « Visa », le dossier s'arrêtera à l'étape "
            "« Signature »"
        )

    def test_so_is_one_whose_boss_is_missing_and_no_rule_is_blamed_for_it(self) -> None:
        assert told(BY_NAME["L'un des deux bureaux au choix n'a pas de supérieur"])[-1] == (
            "Attention : si Gaëlle agit à l'étape « Visa », le dossier s'arrêtera à l'étape "
            "« Chef », où plus personne ne pourrait agir."
        )

    def test_a_refusal_at_the_submission_is_told(self) -> None:
        sentences = told(BY_NAME["Un circuit vide ne se parcourt pas"])
        assert sentences[-1].startswith("Le dossier s'arrête dès l'envoi")

    def test_usual_durations_are_told(self) -> None:
        sentences = told(BY_NAME["Une étape extérieure attend une réponse"])
        assert (
            "D'après les dossiers passés, cette étape dure habituellement 2 jours."
        ) in sentences
