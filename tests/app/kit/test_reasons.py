"""Faults of a request or of a file, said in French."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import (
    AfterValidator,
    AwareDatetime,
    Base64Bytes,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import core_schema

from app.auth.schemas import Input
from app.kit.reasons import french_faults, french_reason
from app.main import build


class Colour(StrEnum):
    RED = "rouge"
    BLUE = "bleu"


class Approve(BaseModel):
    kind: Literal["approve"]


class Reject(BaseModel):
    kind: Literal["reject"]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


class Shape(BaseModel):
    kind: Literal["shape"]
    name: str


class Solid(BaseModel):
    kind: Literal["solid"]
    name: str


def _refuse(_value: str) -> str:
    raise ValueError("ce nom est réservé")


Word = Annotated[str, Field(min_length=3, max_length=5, pattern="^a")]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=2)]
Figure = Annotated[int, Field(ge=1, le=9)]
Share = Annotated[float, Field(gt=0, lt=60)]
Amount = Annotated[Decimal, Field(max_digits=5, decimal_places=2)]
Few = Annotated[list[int], Field(min_length=2, max_length=3)]
One = Annotated[list[int], Field(min_length=1, max_length=1)]
Bytes = Annotated[bytes, Field(min_length=1, max_length=2)]
Own = Annotated[str, AfterValidator(_refuse)]
Act = Annotated[Approve | Reject, Field(discriminator="kind")]
Kinds = Annotated[Shape | Solid, Field(discriminator="kind")]
Value = bool | int | Annotated[str, Field(max_length=3)]
DATE = "une date est attendue (AAAA-MM-JJ)"
INSTANT = "une date et son heure sont attendues (AAAA-MM-JJThh:mm:ssZ)"
BOOLEAN = "oui ou non est attendu (true ou false)"
COLOUR = "cette valeur n'est pas dans la liste (« rouge » ou « bleu »)"


@pytest.mark.parametrize(
    ("expected", "given", "reason"),
    [
        (Word, "a", "3 caractères au moins"),
        (Word, "abcdef", "5 caractères au plus"),
        (Word, "bcd", "cette forme n'est pas admise"),
        (Word, 3, "un texte est attendu"),
        (Word, None, "un texte est attendu"),
        (Word, "\ud800", "un texte en Unicode est attendu"),
        (Secret, "", "1 caractère au moins"),
        (Secret, "abc", "2 caractères au plus"),
        (Figure, 0, "un nombre d'au moins 1 est attendu"),
        (Figure, 10, "un nombre d'au plus 9 est attendu"),
        (Figure, "x", "un nombre entier est attendu"),
        (Figure, 1.5, "un nombre entier est attendu"),
        (Figure, [], "un nombre entier est attendu"),
        (Figure, "9" * 5_000, "ce nombre est trop grand"),
        (Share, 0, "un nombre supérieur à 0 est attendu"),
        (Share, 60, "un nombre inférieur à 60 est attendu"),
        (Share, "x", "un nombre est attendu"),
        (Share, [], "un nombre est attendu"),
        (Amount, "x", "un nombre est attendu"),
        (Amount, [], "un nombre est attendu"),
        (Amount, "NaN", "un nombre fini est attendu"),
        (Amount, "1.234", "2 chiffres au plus après la virgule"),
        (Amount, "1234", "3 chiffres au plus avant la virgule"),
        (Amount, "1234567", "5 chiffres au plus"),
        (date, "2026-02-31", DATE),
        (date, "31/12/2026", DATE),
        (date, "2026-02-01T10:00", "une date sans heure est attendue (AAAA-MM-JJ)"),
        (date, [], DATE),
        (AwareDatetime, "demain", INSTANT),
        (AwareDatetime, "2026-02-31", INSTANT),
        (AwareDatetime, [], INSTANT),
        (AwareDatetime, "2026-02-01T00:00:00", "l'heure doit porter son fuseau (Z ou +01:00)"),
        (uuid.UUID, "x", "un identifiant est attendu"),
        (uuid.UUID, 3, "un identifiant est attendu"),
        (bool, "peut-être", BOOLEAN),
        (bool, [], BOOLEAN),
        (Colour, "vert", COLOUR),
        (Literal["rouge", "bleu"], "vert", COLOUR),
        (Literal["rouge"], "vert", "cette valeur n'est pas dans la liste (« rouge »)"),
        (Few, [1], "2 éléments au moins"),
        (Few, [1] * 4, "3 éléments au plus"),
        (One, [], "1 élément au moins"),
        (One, [1, 2], "1 élément au plus"),
        (Few, {}, "une liste est attendue"),
        (Bytes, b"", "1 octet au moins"),
        (Bytes, b"abc", "2 octets au plus"),
        (Bytes, 3, "du base64 est attendu"),
        (Base64Bytes, "a", "du base64 est attendu"),
        (dict[str, int], [], "un objet est attendu"),
        (Asked, 3, "un objet est attendu"),
        (Asked, {}, "il manque"),
        (Asked, {"name": "x", "autre": 1}, "ce mot n'est pas connu ici"),
        (Act, {}, "il manque ce qui dit le genre de cet élément"),
        (
            Act,
            {"kind": "x"},
            "cette valeur n'est pas dans la liste (« approve », « reject »)",
        ),
        (Own, "x", "ce nom est réservé"),
        (Value, "abcd", "3 caractères au plus"),
        (Value, [], f"{BOOLEAN}, ou un nombre entier est attendu, ou un texte est attendu"),
    ],
)
def test_says_what_is_expected(expected: Any, given: object, reason: str) -> None:
    assert [told for _, told in faults_of(expected, given)] == [reason]


def faults_of(expected: Any, given: object) -> list[tuple[tuple[int | str, ...], str]]:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(expected).validate_python(given)
    return french_faults(refused.value.errors(), given)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"metadata": {"objet": "abcd"}}, ("metadata", "objet")),
        ({"metadata": {"str": []}}, ("metadata", "str")),
        ({"int": 1}, ("int",)),
    ],
    ids=["union", "member named as a type", "extra"],
)
def test_a_place_is_made_of_names_of_the_request_alone(
    given: dict[str, Any], place: tuple[str, ...]
) -> None:
    class Deposit(Input):
        metadata: dict[str, Value] = {}

    assert [found for found, _ in faults_of(Deposit, given)] == [place]


def test_the_kind_of_an_element_is_no_part_of_a_place() -> None:
    given = {"kind": "shape", "name": 3}
    assert faults_of(Kinds, given) == [(("name",), "un texte est attendu")]
    assert faults_of(list[Kinds], [given, {"kind": "solid"}]) == [
        ((0, "name"), "un texte est attendu"),
        ((1, "name"), "il manque"),
    ]


def test_what_is_no_json_is_said_of_the_whole_body() -> None:
    fault = {"type": "json_invalid", "loc": ("body", 12), "ctx": {"error": "Expecting value"}}
    assert french_faults([fault]) == [(("body",), "ce n'est pas du JSON")]


def test_every_kind_of_value_that_the_api_takes_has_its_sentences() -> None:
    """Each kind of Pydantic's schemas that a request meets is in the table above; a new one asks
    for its sentences, there and here."""
    build()
    met = {kind for model in _inputs(Input) for kind in _kinds(model.__pydantic_core_schema__)}
    assert met - _CARRIERS == {
        *("bool", "bytes", "date", "datetime", "decimal", "dict", "enum", "float", "int"),
        *("list", "literal", "model", "str", "tagged-union", "union", "uuid"),
    }


_CARRIERS = frozenset(
    {
        *("default", "definition-ref", "definitions", "function-after", "function-before"),
        *("is-instance", "json-or-python", "lax-or-strict", "model-field", "model-fields"),
        *("no-info", "nullable", "with-info"),
    }
)
"""What holds or changes a value, and refuses nothing by itself."""


def _inputs(parent: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in parent.__subclasses__():
        yield model
        yield from _inputs(model)


def _kinds(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(kind := schema.get("type"), str):
            yield kind
        inner = [one for name, one in schema.items() if name not in {"serialization", "metadata"}]
        yield from (kind for one in inner for kind in _kinds(one))
    elif isinstance(schema, list | tuple):
        yield from (kind for one in schema for kind in _kinds(one))


def test_never_shows_the_words_of_a_library() -> None:
    numbers = ("gt", "ge", "lt", "le", "min_length", "max_length")
    digits = ("max_digits", "decimal_places", "whole_digits")
    context = dict.fromkeys((*numbers, *digits), 1) | {
        "expected": "x",
        "expected_tags": "x",
        "error": ValueError("x"),
    }
    for kind in get_args(core_schema.ErrorType):
        told = french_reason({"type": kind, "ctx": context, "msg": "English words"})
        assert told
        assert "{" not in told
        assert "English" not in told
