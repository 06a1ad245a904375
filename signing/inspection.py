"""Inspections as JSON values, for a child process bounded by its caller (threat 17)."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from signing import pdf_inspection, pes
from signing.errors import SigningError, UnsupportedDocument
from signing.report import to_json as report_json
from signing.trust import TrustMaterial
from signing.types import JsonValue
from signing.verification import verify

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


def trust_to_json(trust: TrustMaterial) -> dict[str, JsonValue]:
    """Trust material as a child process receives it."""
    return {
        one.name: [base64.b64encode(der).decode() for der in getattr(trust, one.name)]
        for one in fields(trust)
    }


def trust_from_json(data: Mapping[str, Sequence[str]]) -> TrustMaterial:
    """The inverse of `trust_to_json`."""
    return TrustMaterial(
        **{name: tuple(base64.b64decode(one) for one in items) for name, items in data.items()}
    )


def inspect_pdf(path: str) -> dict[str, JsonValue]:
    """`{"facts": …}`, or `{"refused": {code, detail, line, element}}`."""
    try:
        return {"facts": plain(pdf_inspection.inspect(Path(path)))}
    except SigningError as e:
        return {"refused": refusal(e)}


def inspect_pes(path: str, options: Mapping[str, bool]) -> dict[str, JsonValue]:
    """Facts of a flow with its slips; same shape. `options`: `require_latin1`."""
    try:
        with Path(path).open("rb") as stream:
            facts = pes.inspect(
                iter(lambda: stream.read(_BLOCK), b""), **options
            )
    except SigningError as e:
        return {"refused": refusal(e)}
    return {"facts": plain(facts)}


def schema_findings(path: str, schema_dir: str) -> list[JsonValue]:
    """What the official schema says of a flow, as warnings."""
    found: list[JsonValue] = plain(pes.schema_findings(Path(path), Path(schema_dir)))
    return found


def verify_file(path: str, trust: Mapping[str, Sequence[str]], now: str) -> dict[str, JsonValue]:
    """The verification report of a file, in the words of `signing.report.to_json`."""
    report = verify(
        Path(path).read_bytes(), trust=trust_from_json(trust), now=datetime.fromisoformat(now)
    )
    return report_json(report)


def refusal(error: SigningError) -> dict[str, JsonValue]:
    """A refusal as plain data: what crosses the process boundary."""
    line, element = None, None
    if isinstance(error, UnsupportedDocument):
        line, element = error.line, error.element
    return {"code": error.code, "detail": error.detail, "line": line, "element": element}
