"""What verification says, in three layers: facts, checks, verdict (ETSI EN 319 102-1 words)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from signing.types import JsonValue


class Verdict(StrEnum):
    """The simple answer about a file (DESIGN D10)."""

    VALID = "valid"
    INVALID = "invalid"
    CANNOT_VOUCH = "cannot_vouch"
    UNSIGNED = "unsigned"


class Indication(StrEnum):
    """Main indication, ETSI EN 319 102-1 §5.1.3."""

    TOTAL_PASSED = "TOTAL-PASSED"
    TOTAL_FAILED = "TOTAL-FAILED"
    INDETERMINATE = "INDETERMINATE"


class SubIndication(StrEnum):
    """Sub-indications that we use, spelled as in ETSI EN 319 102-1 table 5 and 6."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    TRY_LATER = "TRY_LATER"


class Integrity(StrEnum):
    """Do the mathematics hold, for the bytes that the signature names?"""

    INTACT = "intact"
    BROKEN = "broken"
    UNKNOWN = "unknown"


class Coverage(StrEnum):
    """What part of the file the signature covers."""

    WHOLE = "whole"
    PART = "part"
    NONE = "none"
    UNCLEAR = "unclear"


class LaterChanges(StrEnum):
    """What was added to the file after this signature."""

    NONE = "none"
    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"
    UNKNOWN = "unknown"


class Chain(StrEnum):
    """Does the certificate lead to an anchor that we were given?"""

    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"
    REVOCATION_UNKNOWN = "revocation_unknown"
    UNSUITABLE = "unsuitable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark of a check: stable code, French sentence; `blocking` ones decide the verdict."""

    code: str
    detail: str
    blocking: bool = False


# Judges a certificate (DER) with the other certificates found beside it, at an instant.
# Never raises: what it cannot decide is `Chain.UNKNOWN` with a sub-indication and findings.
ChainJudge: TypeAlias = Callable[
    [bytes, Sequence[bytes], datetime], tuple[Chain, SubIndication | None, tuple[Finding, ...]]
]


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """One signature. `scope` names what it covers (a slip's Id, `document`); `signer` is the
    subject's common name; `signed_at` is what the signature claims; `level` such as
    `PAdES-BASELINE-B`, `XAdES-EPES`, `CAdES-BASELINE-B`."""

    id: str
    scope: str
    indication: Indication
    sub_indication: SubIndication | None
    integrity: Integrity
    coverage: Coverage
    later_changes: LaterChanges
    chain: Chain
    signer: str | None
    signed_at: datetime | None
    level: str | None
    certificate_sha256: str | None = None
    claimed_role: str | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """A file. `verdict` is the worst of its signatures; `findings` are about the whole file."""

    verdict: Verdict
    format: str
    sha256: str
    signatures: tuple[SignatureReport, ...] = ()
    findings: tuple[Finding, ...] = field(default=())


_SEVERITY = {Indication.TOTAL_PASSED: 0, Indication.INDETERMINATE: 1, Indication.TOTAL_FAILED: 2}
_VERDICT = {0: Verdict.VALID, 1: Verdict.CANNOT_VOUCH, 2: Verdict.INVALID}


def verdict_of(
    signatures: tuple[SignatureReport, ...], findings: tuple[Finding, ...] = ()
) -> Verdict:
    """Worst signature decides (validation INDEX rule 1); a blocking file finding is `invalid`."""
    if any(finding.blocking for finding in findings):
        return Verdict.INVALID
    if not signatures:
        return Verdict.UNSIGNED
    return _VERDICT[max(_SEVERITY[report.indication] for report in signatures)]


def to_json(report: VerificationReport) -> dict[str, JsonValue]:
    """The report as the CLI and the API print it."""
    return {
        "verdict": report.verdict.value,
        "format": report.format,
        "sha256": report.sha256,
        "signatures": [_signature_json(one) for one in report.signatures],
        "findings": [_finding_json(one) for one in report.findings],
    }


def _signature_json(one: SignatureReport) -> dict[str, JsonValue]:
    return {
        "id": one.id,
        "scope": one.scope,
        "indication": one.indication.value,
        "sub_indication": one.sub_indication.value if one.sub_indication else None,
        "integrity": one.integrity.value,
        "coverage": one.coverage.value,
        "later_changes": one.later_changes.value,
        "chain": one.chain.value,
        "signer": one.signer,
        "signed_at": one.signed_at.isoformat() if one.signed_at else None,
        "level": one.level,
        "certificate_sha256": one.certificate_sha256,
        "claimed_role": one.claimed_role,
        "findings": [_finding_json(finding) for finding in one.findings],
    }


def _finding_json(finding: Finding) -> dict[str, JsonValue]:
    return {"code": finding.code, "detail": finding.detail, "blocking": finding.blocking}
