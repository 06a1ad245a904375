"""Comparisons in a bounded child: plain values in, plain values out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.demo.acts import Act, deliberation
from app.demo.flows import Flow, make_pes
from app.kit.bounded import run_bounded
from signing.bounded_comparison import compare_pdf, compare_pes

MIB = 1024 * 1024
COMPARE_PES = "signing.bounded_comparison:compare_pes"


@pytest.fixture
def flows(tmp_path: Path) -> tuple[str, str]:
    """Two flows, of which the second has one more piece."""
    paths = (tmp_path / "before.xml", tmp_path / "after.xml")
    for path, items in zip(paths, (1, 2), strict=True):
        path.write_bytes(make_pes(Flow(items_per_slip=items)))
    return str(paths[0]), str(paths[1])


class TestComparePes:
    async def test_answers_the_same_in_a_child(self, flows: tuple[str, str]) -> None:
        told = await run_bounded(
            COMPARE_PES,
            *flows,
            memory_bytes=256 * MIB,
            cpu_s=20,
            wall_s=60,
        )
        assert told == json.loads(json.dumps(compare_pes(*flows)))
        assert [one["kind"] for one in told["changes"]["added"]] == ["item"]

    def test_a_refusal_is_a_value(self, tmp_path: Path) -> None:
        path = tmp_path / "annex.xml"
        path.write_bytes(b"<annexe/>")
        told = compare_pes(str(path), str(path))
        assert told["refused"] == {
            "code": "pes_unknown_root",
            "detail": "La comparaison n'est pas calculée : ce fichier n'est pas un PES Aller.",
            "line": None,
            "element": None,
        }


class TestComparePdf:
    def test_answers_plain_values(self, tmp_path: Path) -> None:
        before, after = tmp_path / "before.pdf", tmp_path / "after.pdf"
        before.write_bytes(deliberation())
        after.write_bytes(deliberation(Act(number="2026-015")))
        told = compare_pdf(str(before), str(after))
        assert told["summary"] == ["Page 1 modifiée."]
        assert told["changes"] == {
            "pages_before": 1,
            "pages_after": 1,
            "added": [],
            "removed": [],
            "changed": [1],
            "fonts_changed": [],
            "shared_changed": False,
        }
