"""French text folded for search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.folding import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Œuvre", "oeuvre"),
        ("cœur  à\tcœur\n", "coeur a coeur"),
        ("ÉCOLE Élémentaire", "ecole elementaire"),
        ("Ægir et lætitia", "aegir et laetitia"),
        ("STRASSE straße", "strasse strasse"),
        ("n° 12 – 2ᵉ", "n° 12 – 2e"),
    ],
    ids=["oe", "blanks", "accents", "ae", "case", "compatibility"],
)
def test_folds(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)
