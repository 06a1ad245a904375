"""The fictional deliberations: same bytes every time, marked on each page, of the wanted size."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from app.demo.acts import Act, deliberation
from app.demo.typesetting import BOLD, ROMAN, text_width, wrapped
from signing.pdf_inspection import inspect


def words_of(document: bytes, folder: Path, tool: str) -> str:
    path = folder / "acte.pdf"
    path.write_bytes(document)
    said = subprocess.run(
        [tool, "-layout", str(path), "-"], capture_output=True, check=True, timeout=60
    )
    return said.stdout.decode()


def test_the_same_act_gives_the_same_bytes() -> None:
    assert deliberation(Act(pages=2)) == deliberation(Act(pages=2))


def test_two_acts_differ() -> None:
    assert deliberation(Act(number="2026-001")) != deliberation(Act(number="2026-002"))


@pytest.mark.parametrize("pages", [1, 2, 5])
def test_has_the_pages_asked_for(pages: int) -> None:
    assert inspect(deliberation(Act(pages=pages))).page_count == pages


@pytest.mark.parametrize("size", [100_000, 3_000_000])
def test_reaches_the_size_asked_for(size: int) -> None:
    assert size <= len(deliberation(Act(size_bytes=size))) < size * 1.1


def test_every_page_says_that_it_is_fictional(
    tmp_path: Path, require_tool: Callable[[str], str]
) -> None:
    text = words_of(deliberation(Act(pages=3)), tmp_path, require_tool("pdftotext"))
    assert text.count("DOCUMENT FICTIF – SANS VALEUR JURIDIQUE") == 3


def test_french_characters_are_read_back(
    tmp_path: Path, require_tool: Callable[[str], str]
) -> None:
    text = words_of(deliberation(), tmp_path, require_tool("pdftotext"))
    assert "48 600,00\u00a0€" in text or "48 600,00 €" in text


@pytest.mark.parametrize("font", [ROMAN, BOLD])
def test_no_line_is_longer_than_the_space(font: str) -> None:
    lines = list(wrapped("Une délibération « exemplaire » : n° 4 ; oui ! " * 9, font, 10.5, 200))
    assert all(text_width(line, font, 10.5) <= 200 for line in lines)
