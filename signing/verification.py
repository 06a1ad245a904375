"""Says what the signatures of any file are worth: PDF, XML or CMS (DESIGN D10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from signing.acts import verify_detached
from signing.pdf_verification import verify_pdf
from signing.report import Finding, Verdict, VerificationReport, verdict_of
from signing.trust import TrustMaterial, chain_judge
from signing.xades_verification import verify_xml

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_PDF_WINDOW = 1024  # readers look for the header this far (ISO 32000-2 annex, implementation note)

_NO_CONTAINER = Finding(
    "no_signature_container",
    "Ce fichier n'est ni un PDF, ni un XML, ni une signature CMS : il ne porte pas de signature.",
)


def verify(
    content: bytes,
    *,
    trust: TrustMaterial,
    now: datetime,
    detached_content: bytes | None = None,
) -> VerificationReport:
    """The report of a file, whatever its format; the bytes decide, never a name (threat 18).

    `detached_content` is the file that a detached CMS signature is about. A file that can hold
    no signature is `unsigned`, with a finding. Never raises for what the bytes are."""
    if content.startswith(b"%PDF-"):
        return verify_pdf(content, trust=trust, now=now)
    if _looks_like_xml(content):
        return verify_xml(content, judge_chain=chain_judge(trust), now=now)
    if b"%PDF-" in content[:_PDF_WINDOW]:
        return verify_pdf(content, trust=trust, now=now)
    if _looks_like_cms(content):
        return verify_detached(content, detached_content, trust=trust, now=now)
    digest = sha256(content).hexdigest()
    return VerificationReport(Verdict.UNSIGNED, "unknown", digest, (), (_NO_CONTAINER,))


def verify_with_content(
    signature: bytes, content: bytes, *, trust: TrustMaterial, now: datetime
) -> VerificationReport:
    """The report of a detached CMS signature over the file that it was made for, and of the
    signatures that this file bears itself where it is a PDF: the worst of all decides. Never
    raises."""
    detached = verify_detached(signature, content, trust=trust, now=now)
    if b"%PDF-" not in content[:_PDF_WINDOW]:
        return detached
    borne = verify_pdf(content, trust=trust, now=now)
    if not borne.signatures:
        return detached
    signatures = (*detached.signatures, *borne.signatures)
    findings = (*detached.findings, *borne.findings)
    return replace(
        detached,
        verdict=verdict_of(signatures, findings),
        signatures=signatures,
        findings=findings,
    )


def _looks_like_xml(content: bytes) -> bool:
    head = content[:256]
    for mark in _BYTE_ORDER_MARKS:
        head = head.removeprefix(mark)
    return head.replace(b"\x00", b"").lstrip().startswith(b"<")


def _looks_like_cms(content: bytes) -> bool:
    return content[:1] == b"\x30" or content.lstrip().startswith(
        (b"-----BEGIN PKCS7-----", b"-----BEGIN CMS-----")
    )
