"""Verification as JSON values, for a child process bounded by its caller (threat 17)."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path

from signing.report import to_json as report_json
from signing.trust import TrustMaterial
from signing.types import JsonValue
from signing.verification import verify, verify_with_content


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


def verify_file(path: str, trust: Mapping[str, Sequence[str]], now: str) -> dict[str, JsonValue]:
    """The verification report of a file, in the words of `signing.report.to_json`."""
    report = verify(
        Path(path).read_bytes(), trust=trust_from_json(trust), now=datetime.fromisoformat(now)
    )
    return report_json(report)


def verify_detached_file(
    path: str, signature_path: str, trust: Mapping[str, Sequence[str]], now: str
) -> dict[str, JsonValue]:
    """The report of a detached signature with the file that it signs, in the same words."""
    report = verify_with_content(
        Path(signature_path).read_bytes(),
        Path(path).read_bytes(),
        trust=trust_from_json(trust),
        now=datetime.fromisoformat(now),
    )
    return report_json(report)
