"""What the documents name exists, and what an administrator must know is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
FOR_EXPERTS = {"limits", "signing", "tdt", "worker"}
"""Groups of settings that have sound values: documented by their prefix."""

_PATH = re.compile(r"`((?:app|workflows|signing|agent|connectors|tests|docs|deploy)/[\w./-]+)`")
_SETTING = re.compile(r"PARAPHEUR_[A-Z0-9_]+")
_OF_COMMANDS_AND_TESTS = {
    "PARAPHEUR_FULL",
    "PARAPHEUR_SHARED_DATA",
    "PARAPHEUR_TEST_S3_ENDPOINT",
}


def settings_of() -> Iterator[tuple[str, str]]:
    """Every setting: its group and the name of its variable."""
    for group, value in Settings():
        fields = getattr(type(value), "model_fields", None)
        for name in fields or [""]:
            yield group, f"PARAPHEUR_{group}_{name}".upper().rstrip("_")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: str(one.relative_to(ROOT)))
def test_the_files_that_a_document_names_exist(document: Path) -> None:
    named = _PATH.findall(document.read_text(encoding="utf-8"))
    assert [one for one in named if not exists(one)] == []


def exists(named: str) -> bool:
    """A file, a folder, or a name in a module: `app/register/service.load_register`."""
    if (ROOT / named).exists():
        return True
    module, _, name = named.rpartition(".")
    source = ROOT / f"{module}.py"
    return source.is_file() and re.search(rf"\b{name}\b", source.read_text("utf-8")) is not None


def test_every_setting_of_an_administrator_is_in_the_operating_manual() -> None:
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    named = set(_SETTING.findall(manual))
    wanted = {name for group, name in settings_of() if group not in FOR_EXPERTS}
    assert wanted - named == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: str(one.relative_to(ROOT)))
def test_the_settings_that_a_document_names_are_read(document: Path) -> None:
    known = {name for _, name in settings_of()} | _OF_COMMANDS_AND_TESTS
    named = set(_SETTING.findall(document.read_text(encoding="utf-8")))
    assert {one for one in named if not one.endswith("_")} - known == set()


_DECISION = re.compile(r"DESIGN (D[0-9]+)")
_THREATS = re.compile(r"(?:test_threat_|threats? )([0-9]+(?:(?:, | and )[0-9]+)*)")
_NOTE = re.compile(r"\b[a-z0-9-]+\.md(?= §)")


def cited(text: str) -> set[str]:
    """Decisions, threats and notes that a source speaks of, as the document of references names
    them."""
    numbers = (str(int(n)) for found in _THREATS.findall(text) for n in re.findall("[0-9]+", found))
    return {*_DECISION.findall(text), *numbers, *(f"`{one}`" for one in _NOTE.findall(text))}


def test_what_comments_and_tests_cite_is_explained() -> None:
    explained = (ROOT / "docs" / "references.md").read_text(encoding="utf-8")
    lines = set(re.findall(r"^\| (\S+) \|", explained, re.MULTILINE))
    sources = [
        file
        for folder in ("app", "workflows", "signing", "agent", "connectors", "tests")
        for file in (ROOT / folder).rglob("*.py")
    ]
    found = {one for file in sources for one in cited(file.read_text(encoding="utf-8"))}
    assert found - lines == set()
