"""Inspection of a PDF as JSON values, for a child process bounded by its caller (threat 17)."""

from __future__ import annotations

from pathlib import Path

from signing import pdf_inspection
from signing.errors import SigningError
from signing.inspection import plain, refusal
from signing.types import JsonValue


def inspect_pdf(path: str) -> dict[str, JsonValue]:
    """`{"facts": …}`, or `{"refused": {code, detail, line, element}}`."""
    try:
        return {"facts": plain(pdf_inspection.inspect(Path(path)))}
    except SigningError as e:
        return {"refused": refusal(e)}
