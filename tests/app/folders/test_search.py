"""The text by which a folder is found: what comes first where all of it is too much."""

from __future__ import annotations

from typing import Any

from app.folders.search import folded_text
from app.models import Folder

_HEADER = {"file_name": "NOMFIC_1", "body_label": "Saint-Exemple"}


def words_of(facts: dict[str, Any], **metadata: str) -> list[str]:
    folder = Folder(title="Mandats de l'été", folder_metadata=metadata, act=None)
    return folded_text(folder, facts).split(" ")


def test_the_last_third_party_of_a_long_slip_is_there_with_its_number() -> None:
    items = [
        {
            "number": f"N{number}",
            "subject": f"Fournitures scolaires de l'école maternelle numéro {number:05d}",
            "third_parties": [f"ENTREPRISE MARTIN {number:05d}TP"],
        }
        for number in range(1500)
    ]
    words = words_of({"header": _HEADER, "slips": [{"number": "101", "items": items}]})
    assert {"101", "nomfic_1", "01499tp", "n1499"} <= set(words)


def test_long_metadata_leave_the_name_of_the_flow_in() -> None:
    long = {f"champ{n}": " ".join(f"mot{n}_{word}" for word in range(500)) for n in range(12)}
    words = words_of({"header": _HEADER}, **long)
    assert {"mot0_0", "nomfic_1"} <= set(words)


def test_each_word_is_there_once_as_search_asks_for_each_by_itself() -> None:
    twice = words_of({"header": {"body_label": "L'Été à Saint-Exemple"}}, lieu="SAINT-EXEMPLE")
    assert twice == ["mandats", "de", "l'ete", "a", "saint-exemple"]
