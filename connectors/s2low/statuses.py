"""S²LOW's status codes as data (s2low-api.md §2.10 and §3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.base import RemoteState


@dataclass(frozen=True, slots=True)
class StatusMeaning:
    """The French label shown to people, and our reading."""

    label: str
    state: RemoteState


_UNKNOWN = StatusMeaning("Statut inconnu du TdT", RemoteState.UNKNOWN)

# An act's AR precedes statuses 5, 7-15, 19, 20, 22: the AR is there to fetch, and only the AR
# acknowledges. 17, 18, 21 and 999 say nothing about one.
ACTES: Mapping[int, StatusMeaning] = {
    -1: StatusMeaning("Erreur", RemoteState.ERROR),
    0: StatusMeaning("Annulé", RemoteState.CANCELLED),
    1: StatusMeaning("Posté", RemoteState.SENT),
    2: StatusMeaning("En attente de transmission", RemoteState.SENT),
    3: StatusMeaning("Transmis", RemoteState.TRANSMITTED),
    4: StatusMeaning("Acquittement reçu", RemoteState.ANSWER_AVAILABLE),
    5: StatusMeaning("Validé", RemoteState.ANSWER_AVAILABLE),
    6: StatusMeaning("Refusé", RemoteState.ERROR),
    7: StatusMeaning("Courrier reçu", RemoteState.ANSWER_AVAILABLE),
    8: StatusMeaning("Accusé du courrier envoyé", RemoteState.ANSWER_AVAILABLE),
    9: StatusMeaning("Document envoyé", RemoteState.ANSWER_AVAILABLE),
    10: StatusMeaning("Refus envoyé", RemoteState.ANSWER_AVAILABLE),
    11: StatusMeaning("Accusé de la réponse reçu", RemoteState.ANSWER_AVAILABLE),
    12: StatusMeaning("Envoyé au SAE", RemoteState.ANSWER_AVAILABLE),
    13: StatusMeaning("Archivé par le SAE", RemoteState.ANSWER_AVAILABLE),
    14: StatusMeaning("Erreur d'archivage", RemoteState.ANSWER_AVAILABLE),
    15: StatusMeaning("Reçu par le SAE", RemoteState.ANSWER_AVAILABLE),
    16: StatusMeaning("Détruit", RemoteState.DONE_WITHOUT_ANSWER),
    17: StatusMeaning("En attente d'être posté", RemoteState.WAITING_AT_REMOTE),
    18: StatusMeaning("En attente d'être signé", RemoteState.WAITING_AT_REMOTE),
    19: StatusMeaning("En attente de versement au SAE", RemoteState.ANSWER_AVAILABLE),
    20: StatusMeaning("Erreur d'envoi au SAE", RemoteState.ANSWER_AVAILABLE),
    21: StatusMeaning("Courrier reçu sans accusé", RemoteState.TRANSMITTED),
    22: StatusMeaning("Archivage impossible", RemoteState.ANSWER_AVAILABLE),
    999: StatusMeaning("En cours", RemoteState.SENT),
}

# 8 means that an ACQUIT is there, whether it accepts or refuses: the file decides.
HELIOS: Mapping[int, StatusMeaning] = {
    -1: StatusMeaning("Erreur", RemoteState.ERROR),
    0: StatusMeaning("Annulé", RemoteState.CANCELLED),
    1: StatusMeaning("Posté", RemoteState.SENT),
    2: StatusMeaning("En attente de transmission", RemoteState.SENT),
    3: StatusMeaning("Transmis", RemoteState.TRANSMITTED),
    4: StatusMeaning("Acquitté", RemoteState.ANSWER_AVAILABLE),
    5: StatusMeaning("Validé", RemoteState.TRANSMITTED),
    6: StatusMeaning("Refusé", RemoteState.ANSWER_AVAILABLE),
    7: StatusMeaning("En traitement", RemoteState.TRANSMITTED),
    8: StatusMeaning("Information disponible", RemoteState.ANSWER_AVAILABLE),
    9: StatusMeaning("Envoyé au SAE", RemoteState.ANSWER_AVAILABLE),
    10: StatusMeaning("Accepté par le SAE", RemoteState.ANSWER_AVAILABLE),
    11: StatusMeaning("Refusé par le SAE", RemoteState.ANSWER_AVAILABLE),
    13: StatusMeaning("En attente d'être signé", RemoteState.WAITING_AT_REMOTE),
    14: StatusMeaning("En attente d'être posté", RemoteState.WAITING_AT_REMOTE),
    19: StatusMeaning("En attente de versement au SAE", RemoteState.ANSWER_AVAILABLE),
    20: StatusMeaning("Erreur d'envoi au SAE", RemoteState.ANSWER_AVAILABLE),
    22: StatusMeaning("Détruit", RemoteState.DONE_WITHOUT_ANSWER),
    24: StatusMeaning("Transmis, sans acquittement attendu", RemoteState.DONE_WITHOUT_ANSWER),
}

ACTES_LOOKUP_ORDER = (
    *(17, 18, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 21),
    *(12, 13, 14, 15, 19, 20, 22, 16, 6, -1, 0, 999),
)
"""The order of an act's life: one that moves during the reading is met later, never missed."""

HELIOS_LOOKUP_ORDER = (1, 2, 3, 7, 8, 4, 6, -1)


def actes_meaning(code: int) -> StatusMeaning:
    """What a status of an act means to us; an unknown one is never a success."""
    return ACTES.get(code, _UNKNOWN)


def helios_meaning(code: int) -> StatusMeaning:
    """What a status of a flow means to us; an unknown one is never a success."""
    return HELIOS.get(code, _UNKNOWN)
