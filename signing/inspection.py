"""Inspections as JSON values, for a child process bounded by its caller (threat 17).

What the child imports is memory that every deposit pays: nothing here needs pyHanko. PDF and
verification have entry points of their own (`bounded_pdf`, `bounded_verification`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from signing import pes_inspection, pes_schema
from signing.errors import SigningError, UnsupportedDocument
from signing.types import JsonValue

_BLOCK = 64 * 1024


def plain(value: object) -> Any:
    """Frozen facts as JSON values: dates in ISO 8601, amounts as decimal text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal | date | datetime):
        return str(value) if isinstance(value, Decimal) else value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(one) for one in value]
    return value


def inspect_pes(path: str, options: Mapping[str, bool]) -> dict[str, JsonValue]:
    """`{"facts": …}` of a flow with its slips, or `{"refused": {code, detail, line, element}}`.
    `options`: `require_latin1`."""
    try:
        with Path(path).open("rb") as stream:
            facts = pes_inspection.inspect(
                iter(lambda: stream.read(_BLOCK), b""), require_latin1=options["require_latin1"]
            )
    except SigningError as e:
        return {"refused": refusal(e)}
    return {"facts": plain(facts)}


def schema_findings(path: str, schema_dir: str) -> list[JsonValue]:
    """What the official schema says of a flow, as warnings."""
    found: list[JsonValue] = plain(pes_schema.schema_findings(Path(path), Path(schema_dir)))
    return found


def refusal(error: SigningError) -> dict[str, JsonValue]:
    """A refusal as plain data: what crosses the process boundary."""
    line, element = None, None
    if isinstance(error, UnsupportedDocument):
        line, element = error.line, error.element
    return {"code": error.code, "detail": error.detail, "line": line, "element": element}
