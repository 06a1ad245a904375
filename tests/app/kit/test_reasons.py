"""Faults of a request or of a file, said in French."""

from __future__ import annotations

import uuid
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import core_schema

from app.kit.reasons import french_reason


class Colour(StrEnum):
    RED = "rouge"
    BLUE = "bleu"


def _refuse(_value: str) -> str:
    raise ValueError("ce nom est réservé")


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=3, max_length=5, pattern="^a")] = "abc"
    count: Annotated[int, Field(ge=1, le=9)] = 1
    day: date | None = None
    at: AwareDatetime | None = None
    colour: Colour = Colour.RED
    word: Literal["un"] = "un"
    ids: Annotated[list[uuid.UUID], Field(max_length=1)] = []
    flag: bool = False
    own: Annotated[str, AfterValidator(_refuse)] = ""


def reason_of(**given: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        Asked.model_validate(given)
    (fault,) = refused.value.errors()
    return french_reason(fault)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"name": "a"}, "3 caractère(s) au moins"),
        ({"name": "abcdef"}, "5 caractères au plus"),
        ({"name": "bcd"}, "cette forme n'est pas admise"),
        ({"name": 3}, "un texte est attendu"),
        ({"count": 0}, "un nombre d'au moins 1 est attendu"),
        ({"count": "x"}, "un nombre entier est attendu"),
        ({"day": "2026-02-31"}, "une date est attendue (AAAA-MM-JJ)"),
        ({"at": "2026-02-01T00:00:00"}, "l'heure doit porter son fuseau (Z ou +01:00)"),
        ({"colour": "vert"}, "cette valeur n'est pas dans la liste ('rouge' ou 'bleu')"),
        ({"word": "deux"}, "cette valeur n'est pas dans la liste ('un')"),
        ({"ids": ["x"]}, "un identifiant est attendu"),
        ({"ids": [str(uuid.UUID(int=1))] * 2}, "1 éléments au plus"),
        ({"flag": "peut-être"}, "oui ou non est attendu (true ou false)"),
        ({"own": "x"}, "ce nom est réservé"),
        ({"autre": 1}, "ce mot n'est pas connu ici"),
    ],
)
def test_says_what_is_expected(given: dict[str, Any], reason: str) -> None:
    assert reason_of(**given) == reason


def test_never_shows_the_words_of_a_library() -> None:
    context = dict.fromkeys(("gt", "ge", "lt", "le", "min_length", "max_length"), 1) | {
        "expected": "x",
        "expected_tags": "x",
        "error": ValueError("x"),
    }
    for kind in get_args(core_schema.ErrorType):
        told = french_reason({"type": kind, "ctx": context, "msg": "English words"})
        assert told
        assert "{" not in told
        assert "English" not in told
