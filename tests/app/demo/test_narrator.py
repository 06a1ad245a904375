"""One line per step: done, done in part, or failed."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from app.demo.narrator import Narrator


@pytest.fixture
def said() -> StringIO:
    return StringIO()


@pytest.fixture
def narrator(said: StringIO) -> Narrator:
    return Narrator(Console(file=said, width=80))


def test_a_step_done_ends_with_what_was_noted(narrator: Narrator, said: StringIO) -> None:
    with narrator.step("Dépôt") as step:
        step.note("12 ko")
    assert said.getvalue().startswith("✓ Dépôt : 12 ko (")


def test_a_step_done_in_part_is_not_marked_as_done(narrator: Narrator, said: StringIO) -> None:
    with narrator.step("Signature") as step:
        step.note("1 document(s) signé(s) sur 2", is_partial=True)
    assert said.getvalue().startswith("! Signature : 1 document(s) signé(s) sur 2 (")


def test_a_step_that_failed_is_marked(narrator: Narrator, said: StringIO) -> None:
    with pytest.raises(ValueError, match="rien"), narrator.step("Envoi"):
        raise ValueError("rien")
    assert said.getvalue().startswith("✗ Envoi (")
