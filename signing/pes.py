"""PES v2 flows: the public face of inspection, marking, signature and verification at deposit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from signing.errors import UnsupportedDocument
from signing.pes_inspection import DEFAULT_LIMITS, Limits, PesInspector, inspect, intake_kind
from signing.pes_marking import Edit, dematerialised_edits, mark_dematerialised
from signing.pes_schema import schema_findings
from signing.pes_signature import finish, prepare
from signing.policies import HELIOS_POLICIES, SignaturePolicy
from signing.report import ChainJudge, Verdict, VerificationReport
from signing.xades_verification import verify_xml

__all__ = [
    "DEFAULT_LIMITS",
    "Edit",
    "Limits",
    "PesInspector",
    "check_signed_elsewhere",
    "dematerialised_edits",
    "finish",
    "inspect",
    "intake_kind",
    "mark_dematerialised",
    "prepare",
    "schema_findings",
]


def check_signed_elsewhere(
    content: bytes,
    *,
    judge_chain: ChainJudge,
    now: datetime,
    policies: Sequence[SignaturePolicy] = HELIOS_POLICIES,
) -> VerificationReport:
    """The report of a flow deposited signed, by the gentler list of pes-v2.md §2.7.

    Raises UnsupportedDocument (`pes_signature_invalid`) when a signature is invalid or missing;
    an unknown chain is only reported."""
    report = verify_xml(content, judge_chain=judge_chain, now=now, policies=policies)
    if report.verdict in {Verdict.VALID, Verdict.CANNOT_VOUCH}:
        return report
    findings = (*report.findings, *(one for each in report.signatures for one in each.findings))
    reason = next((one.detail for one in findings if one.blocking), "aucune signature trouvée")
    raise UnsupportedDocument(
        f"La signature de ce flux n'est pas valable, il est refusé. {reason} "
        "Faites-le signer de nouveau, ou déposez-le sans signature.",
        code="pes_signature_invalid",
    )
