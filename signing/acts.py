"""Verifies detached CMS signatures of acts and other files (.p7s; RFC 5652, EN 319 122-1)."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from hashlib import new as new_digest
from hashlib import sha256

from signing.certificates import common_name
from signing.cms import (
    READABLE_DIGESTS,
    SignedData,
    SignerCheck,
    UnreadableCms,
    check_signer,
    read_signed_data,
)
from signing.report import (
    Chain,
    Coverage,
    Finding,
    Indication,
    Integrity,
    LaterChanges,
    SignatureReport,
    SubIndication,
    VerificationReport,
    verdict_of,
)
from signing.signature_outcome import Outcome, signature_outcome
from signing.trust import TrustMaterial

FORMAT = "CMS"
_PEM_LABELS = (b"PKCS7", b"CMS")

_UNREADABLE = Finding(
    "cms_unreadable",
    "Le fichier de signature est illisible ou altéré : demandez-le à nouveau à son auteur.",
    blocking=True,
)
_CONTENT_MISSING = Finding(
    "signed_content_missing",
    "Cette signature est détachée : indiquez aussi le fichier signé pour qu'elle soit vérifiée.",
)


def verify_detached(
    signature: bytes, content: bytes | None, *, trust: TrustMaterial, now: datetime
) -> VerificationReport:
    """The report of a CMS signature (DER or PEM) over `content`, every signer judged.

    An attached signature is judged over its own content, which must then equal `content` when
    that is given. Without content a detached signature is INDETERMINATE. Never raises."""
    digest = sha256(signature).hexdigest()
    try:
        signed = read_signed_data(decoded(signature))
    except UnreadableCms:
        return VerificationReport(
            verdict_of((), (_UNREADABLE,)), FORMAT, digest, (), (_UNREADABLE,)
        )
    subject = content if signed.attached is None else signed.attached
    reports = tuple(
        _report(signed, info, subject, name=f"signer-{number}", trust=trust, now=now)
        for number, info in enumerate(signed.signer_infos, start=1)
    )
    findings = _content_findings(signed, content)
    return VerificationReport(verdict_of(reports, findings), FORMAT, digest, reports, findings)


def decoded(signature: bytes) -> bytes:
    """The DER inside PEM armour, or the bytes as they are.

    Raises UnreadableCms when the armour is broken."""
    text = signature.strip()
    for label in _PEM_LABELS:
        head, tail = b"-----BEGIN %s-----" % label, b"-----END %s-----" % label
        if text.startswith(head) and text.endswith(tail):
            try:
                return b64decode(b"".join(text[len(head) : -len(tail)].split()), validate=True)
            except NotBase64 as e:
                raise UnreadableCms("broken PEM armour") from e
    return signature


def _report(
    signed: SignedData,
    info: object,
    subject: bytes | None,
    *,
    name: str,
    trust: TrustMaterial,
    now: datetime,
) -> SignatureReport:
    check = check_signer(signed, info, digest_of=_digest_of(subject or b""))
    if subject is None:
        return _indeterminate(check, name)
    outcome = signature_outcome(check, trust, now=now)
    return _assembled(check, outcome, name, Coverage.WHOLE)


def _assembled(
    check: SignerCheck, outcome: Outcome, name: str, coverage: Coverage
) -> SignatureReport:
    return SignatureReport(
        id=name,
        scope="document",
        indication=outcome.indication,
        sub_indication=outcome.sub_indication,
        integrity=check.integrity,
        coverage=coverage,
        later_changes=LaterChanges.NONE,
        chain=outcome.chain,
        signer=common_name(check.certificate),
        signed_at=check.signing_time,
        level=_level(check),
        certificate_sha256=sha256(check.certificate).hexdigest() if check.certificate else None,
        claimed_role=check.claimed_role,
        findings=outcome.findings,
    )


def _indeterminate(check: SignerCheck, name: str) -> SignatureReport:
    outcome = Outcome(
        Indication.INDETERMINATE,
        SubIndication.SIGNED_DATA_NOT_FOUND,
        Chain.UNKNOWN,
        (_CONTENT_MISSING,),
    )
    unknown = replace(check, integrity=Integrity.UNKNOWN)
    return _assembled(unknown, outcome, name, Coverage.NONE)


def _level(check: SignerCheck) -> str:
    if not check.has_certificate_reference:
        return "PKCS7"
    if check.signing_time is None:
        return "CAdES-BES"  # signing-time is mandatory in the baseline (EN 319 122-1 §6.3)
    stamped = any(stamp.sound for stamp in check.timestamps)
    return "CAdES-BASELINE-T" if stamped else "CAdES-BASELINE-B"


def _content_findings(signed: SignedData, content: bytes | None) -> tuple[Finding, ...]:
    if signed.attached is None or content is None or signed.attached == content:
        return ()
    return (
        Finding(
            "signed_content_differs",
            "Le contenu joint à la signature n'est pas le fichier fourni : vérifiez la paire.",
            blocking=True,
        ),
    )


def _digest_of(content: bytes) -> Callable[[str], bytes]:
    def digest_of(algorithm: str) -> bytes:
        if algorithm not in READABLE_DIGESTS:
            raise ValueError("digest algorithm not allowed")
        return new_digest(algorithm, content, usedforsecurity=False).digest()

    return digest_of
