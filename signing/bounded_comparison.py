"""Comparisons as JSON values, for a child process bounded by its caller (threat 17)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from signing import pdf_comparison, pes_comparison
from signing.errors import SigningError
from signing.inspection import plain, refusal
from signing.pdf_comparison import PdfChanges
from signing.pes_comparison import PesChanges
from signing.types import JsonValue


def compare_pes(before: str, after: str) -> dict[str, JsonValue]:
    """`{"changes": …, "summary": […]}` of two flows, or `{"refused": {code, detail, …}}`."""
    return _compared(lambda: pes_comparison.compare(Path(before), Path(after)))


def compare_pdf(before: str, after: str) -> dict[str, JsonValue]:
    """The same for two PDF files."""
    return _compared(lambda: pdf_comparison.compare(Path(before), Path(after)))


def _compared(compare: Callable[[], PesChanges | PdfChanges]) -> dict[str, JsonValue]:
    try:
        changes = compare()
    except SigningError as e:
        return {"refused": refusal(e)}
    return {"changes": plain(changes), "summary": list(changes.summary)}
