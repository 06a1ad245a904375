"""What mails say, without a relay."""

from __future__ import annotations

import pytest

from app.notifications.schemas import ARRIVALS, NotificationKind
from app.notifications.texts import Told, write
from workflows.definition import PERSON_STEPS

MENTION = "Pour le Maire et par délégation, le premier adjoint"


def told(**values: str) -> Told:
    return Told("Budget", "Ville d'essai", "http://parapheur.test/folders/1", **values)


def test_every_step_that_a_person_passes_is_announced() -> None:
    assert set(ARRIVALS) == PERSON_STEPS


@pytest.mark.parametrize(
    "kind",
    [*ARRIVALS.values(), NotificationKind.REMINDER, NotificationKind.OPINION_ASKED],
)
def test_whoever_acts_by_the_power_of_another_reads_under_which_mention(
    kind: NotificationKind,
) -> None:
    assert f"« {MENTION} »" in write(kind, told(capacity=MENTION))[1]
    assert "Vous agirez" not in write(kind, told())[1]


def test_a_return_to_an_earlier_step_asks_nothing_of_the_submitter() -> None:
    facts = told(actor="Dominique Modèle", step="Visa du service", reason="Montant faux")
    subject, text = write(NotificationKind.RETURNED, facts)
    assert subject == "Dossier renvoyé à une étape précédente : Budget"
    assert "renvoyé par Dominique Modèle à l'étape « Visa du service »" in text
    assert "Motif : Montant faux" in text
    assert "annulez" not in text


def test_a_signature_that_is_not_valid_is_told_with_what_to_do() -> None:
    subject, text = write(NotificationKind.SIGNATURE_INVALID, told(reason="Faites-le signer."))
    assert subject == "Signature non valide : Budget"
    assert "une signature qu'il porte n'est pas valide : ne le diffusez pas." in text
    assert "\n\nFaites-le signer.\n\n" in text
