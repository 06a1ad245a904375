from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import app
from app.errors import Conflict, Forbidden, Unprocessable

PACKAGE = Path(app.__file__).parent
REFUSALS = {one.__name__ for one in (Conflict, Forbidden, Unprocessable)}

SEPARATOR = re.compile(r"(?: [:;—]|[,.;]) ")
ABOUT_THE_READER = re.compile(r"\bvous (?:ne |n'|y |en |l')*\w+ez\b", re.IGNORECASE)
AN_ACT = re.compile(r"\b(?!(?:assez|chez)\b)\w+ez\b|\b(?:re)?faites\b|\bdoit\b", re.IGNORECASE)
"""An imperative, or what somebody else must do."""


def test_each_refusal_says_what_is_wrong_and_what_to_do() -> None:
    assert [one for one in _sentences() if not _says_both(one[1])] == []


def test_each_refusal_ends_as_a_sentence() -> None:
    assert [one for one in _sentences() if not one[1].endswith((".", "…"))] == []


def test_the_refusals_of_the_features_are_read() -> None:
    features = {place.split("/")[1] for place, _ in _sentences()}
    assert {"auth", "catalog", "cli", "desks", "folders", "powers", "transmissions"} <= features


@pytest.mark.parametrize(
    "text",
    [
        "Ce circuit n'existe pas : choisissez-en un dans la liste.",
        "Ce flux est déjà signé. Remettez-le à son signataire.",
        "Ce circuit n'est pas en vigueur : un administrateur doit l'activer.",
        "Le titre est figé : faites revenir le dossier.",
        "Un jour ou un instant : pas les deux, choisissez.",
    ],
)
def test_two_parts_are_enough(text: str) -> None:
    assert _says_both(text)


@pytest.mark.parametrize(
    "text",
    [
        "Ce circuit n'existe pas.",
        "Choisissez un circuit dans la liste.",
        "Ce dossier est terminé : il ne change plus.",
        "Vous ne pouvez pas lire ce dossier, que vous avez rejeté.",
    ],
)
def test_one_part_is_not_enough(text: str) -> None:
    assert not _says_both(text)


def _says_both(text: str) -> bool:
    parts = SEPARATOR.split(ABOUT_THE_READER.sub("", text))
    told = [AN_ACT.search(one) is not None for one in parts]
    return any(told) and not all(told)


@cache
def _sentences() -> tuple[tuple[str, str], ...]:
    """The place and the text of each refusal written in place; what is put in it is « … »."""
    return tuple(
        (f"{file.relative_to(PACKAGE.parent)}:{call.lineno}", text)
        for file in sorted(PACKAGE.rglob("*.py"))
        for call in _refusals_in(ast.parse(file.read_text(encoding="utf-8")))
        if (text := _text(call.args[0])) is not None
    )


def _refusals_in(module: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[_, *_]) if name in REFUSALS:
                yield node


def _text(sentence: ast.expr) -> str | None:
    """None for a sentence that was made elsewhere, or that quotes another refusal."""
    match sentence:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts) if not any(map(_is_quoted_refusal, parts)):
            return "".join(
                str(one.value) if isinstance(one, ast.Constant) else "…" for one in parts
            )
    return None


def _is_quoted_refusal(part: ast.expr) -> bool:
    match part:
        case ast.FormattedValue(value=ast.Attribute(attr="detail")):
            return True
    return False
