"""Turns a checked CMS signature and the trust material into an indication (EN 319 102-1 §5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from signing.cms import SignerCheck, Timestamp
from signing.report import Chain, Finding, Indication, SubIndication
from signing.trust import Purpose, TrustMaterial, chain_judge

# A time-stamp may run ahead of our clock by this much (threat 13).
MAX_CLOCK_SKEW = timedelta(minutes=5)

_TIMESTAMP_BROKEN = Finding(
    "timestamp_wrong",
    "L'horodatage joint ne porte pas sur cette signature ou est altéré : il n'est pas retenu.",
)
_TIMESTAMP_UNKNOWN = Finding(
    "timestamp_authority_unknown",
    "L'autorité d'horodatage n'est pas parmi celles qui sont acceptées : l'heure n'est pas "
    "prouvée.",
)
_PROVED = {
    Chain.EXPIRED: (SubIndication.EXPIRED, "signed_after_expiry"),
    Chain.REVOKED: (SubIndication.REVOKED, "signed_after_revocation"),
}
_PROVED_SENTENCES = {
    "signed_after_expiry": "L'horodatage prouve que la signature est postérieure à l'expiration.",
    "signed_after_revocation": (
        "L'horodatage prouve que la signature est postérieure à la révocation du certificat."
    ),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a signature is worth, its chain apart (DESIGN D10)."""

    indication: Indication
    sub_indication: SubIndication | None
    chain: Chain
    findings: tuple[Finding, ...]


def signature_outcome(
    check: SignerCheck, trust: TrustMaterial, *, now: datetime, timestamps: Iterable[Timestamp] = ()
) -> Outcome:
    """The outcome of a signature: what failed first, else its certificate's chain at `now`, or at
    the earliest proved time when it expired or was revoked since. Never raises."""
    stamps = (*check.timestamps, *timestamps)
    chain, sub, findings = _chain(check, trust, now=now)
    if check.failed:
        return Outcome(Indication.TOTAL_FAILED, check.sub_indication, chain, check.findings)
    findings = (*check.findings, *findings, *_timestamp_findings(stamps, trust, now=now))
    proved = _earliest_proof(stamps, trust, now=now)
    if chain in _PROVED and proved is not None:
        then, sub, _ = _chain(check, trust, now=proved)
        if then in _PROVED:
            sub, code = _PROVED[then]
            late = Finding(code, _PROVED_SENTENCES[code], blocking=True)
            return Outcome(Indication.TOTAL_FAILED, sub, then, (*check.findings, late))
        chain, findings = then, check.findings
    sub = check.sub_indication or sub
    passed = chain is Chain.TRUSTED and sub is None
    indication = Indication.TOTAL_PASSED if passed else Indication.INDETERMINATE
    return Outcome(indication, sub, chain, findings)


def timestamp_outcome(stamp: Timestamp | None, trust: TrustMaterial, *, now: datetime) -> Outcome:
    """The outcome of a document time-stamp (EN 319 102-1 §5.4). Never raises."""
    if stamp is None or not stamp.sound or stamp.certificate is None:
        broken = Finding(_TIMESTAMP_BROKEN.code, _TIMESTAMP_BROKEN.detail, blocking=True)
        sub = SubIndication.FORMAT_FAILURE if stamp is None else SubIndication.HASH_FAILURE
        return Outcome(Indication.TOTAL_FAILED, sub, Chain.UNKNOWN, (broken,))
    chain, reason, findings = chain_judge(trust, purpose=Purpose.TIMESTAMP)(
        stamp.certificate, stamp.certificates, now
    )
    if chain is not Chain.TRUSTED:
        return Outcome(Indication.INDETERMINATE, reason, chain, findings)
    if stamp.moment > now + MAX_CLOCK_SKEW:
        return Outcome(Indication.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE, chain, ())
    return Outcome(Indication.TOTAL_PASSED, None, chain, ())


def _chain(
    check: SignerCheck, trust: TrustMaterial, *, now: datetime
) -> tuple[Chain, SubIndication | None, tuple[Finding, ...]]:
    if check.certificate is None:
        return Chain.UNKNOWN, SubIndication.NO_SIGNING_CERTIFICATE_FOUND, ()
    return chain_judge(trust)(check.certificate, check.certificates, now)


def _earliest_proof(
    stamps: Iterable[Timestamp], trust: TrustMaterial, *, now: datetime
) -> datetime | None:
    proved = [
        stamp.moment
        for stamp in stamps
        if timestamp_outcome(stamp, trust, now=now).indication is Indication.TOTAL_PASSED
    ]
    return min(proved, default=None)


def _timestamp_findings(
    stamps: Iterable[Timestamp], trust: TrustMaterial, *, now: datetime
) -> tuple[Finding, ...]:
    found = set()
    for stamp in stamps:
        indication = timestamp_outcome(stamp, trust, now=now).indication
        if indication is Indication.TOTAL_FAILED:
            found.add(_TIMESTAMP_BROKEN)
        elif indication is Indication.INDETERMINATE:
            found.add(_TIMESTAMP_UNKNOWN)
    return tuple(sorted(found, key=lambda finding: finding.code))
