"""`parapheur openapi`: what is kept with the source is compared byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

from app.cli.openapi import describe
from tests.builders.command_line import call


def test_writes_what_it_then_finds_up_to_date(tmp_path: Path) -> None:
    file = tmp_path / "docs" / "openapi.json"
    assert call("openapi", "--file", file).status == 0
    assert call("openapi", "--check", "--file", file).status == 0


def test_says_when_the_kept_one_differs(tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    file.write_text(describe().replace("Parapheur", "Autre"), encoding="utf-8")
    assert call("openapi", "--check", "--file", file).status == 1


def test_says_when_none_is_kept(tmp_path: Path) -> None:
    assert call("openapi", "--check", "--file", tmp_path / "absent.json").status == 1


def test_gives_the_same_bytes_each_time() -> None:
    assert describe() == describe()


def test_is_sorted() -> None:
    paths = list(json.loads(describe())["paths"])
    assert paths == sorted(paths)
