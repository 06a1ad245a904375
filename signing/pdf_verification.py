"""Verifies every signature of a PDF: structure first, then cryptography, later changes, chain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import new as new_digest
from hashlib import sha256

from pyhanko.pdf_utils import generic

from signing.certificates import common_name
from signing.cms import (
    READABLE_DIGESTS,
    SignerCheck,
    Timestamp,
    UnreadableCms,
    check_signer,
    read_signed_data,
    read_timestamp,
)
from signing.errors import UnsupportedDocument
from signing.pdf_byte_range import BadStructure, SignedRange, signed_range
from signing.pdf_evidence import Dss, level_of, read_dss
from signing.pdf_later import LaterRevisions, later_revisions
from signing.pdf_reading import (
    DEFAULT_LIMITS,
    HOSTILE_PDF,
    BoundedReader,
    PdfLimits,
    SignatureField,
    broken,
    entry,
    open_pdf,
    signature_fields,
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
    Verdict,
    VerificationReport,
    verdict_of,
)
from signing.signature_outcome import Outcome, signature_outcome, timestamp_outcome
from signing.trust import TrustMaterial, with_evidence

FORMAT = "PDF"
DOCUMENT_TIMESTAMP = "DOCUMENT-TIMESTAMP"


@dataclass(frozen=True, slots=True)
class _Checked:
    """A signature whose structure holds, its cryptography checked."""

    field: SignatureField
    range: SignedRange
    later: LaterRevisions
    signer: SignerCheck | None
    stamp: Timestamp | None


@dataclass(frozen=True, slots=True)
class _Case:
    """The file under verification and what it is judged with."""

    document: bytes
    reader: BoundedReader
    trust: TrustMaterial
    now: datetime
    limits: PdfLimits
    dss: Dss


def verify_pdf(
    content: bytes, *, trust: TrustMaterial, now: datetime, limits: PdfLimits = DEFAULT_LIMITS
) -> VerificationReport:
    """The report of a PDF (EN 319 102-1, EN 319 142-1; threats 1 to 5 and 10 to 13).

    Document time-stamps are reported as signatures of level `DOCUMENT-TIMESTAMP`. A file that
    the parser refuses is `invalid`, one that would cost too much `cannot_vouch`. Never raises."""
    digest = sha256(content).hexdigest()
    try:
        reader = open_pdf(content, limits)
        fields = signature_fields(reader, limits)
        case = _Case(content, reader, trust, now, limits, read_dss(reader))
        reports = _reports(case, fields)
    except UnsupportedDocument as e:
        return _refusal(e, digest)
    except HOSTILE_PDF as e:
        return _refusal(broken(e), digest)
    return VerificationReport(verdict_of(reports), FORMAT, digest, reports)


def _refusal(error: UnsupportedDocument, digest: str) -> VerificationReport:
    finding = Finding(error.code, error.detail, blocking=True)
    too_costly = error.code == "pdf_too_complex"
    verdict = Verdict.CANNOT_VOUCH if too_costly else Verdict.INVALID
    return VerificationReport(verdict, FORMAT, digest, (), (finding,))


def _reports(case: _Case, fields: list[SignatureField]) -> tuple[SignatureReport, ...]:
    checked: list[_Checked | SignatureReport] = [_checked(case, field) for field in fields]
    sound = [one for one in checked if isinstance(one, _Checked)]
    return tuple(_report(case, one, sound) if isinstance(one, _Checked) else one for one in checked)


def _checked(case: _Case, field: SignatureField) -> _Checked | SignatureReport:
    try:
        covered = signed_range(case.document, field.signature)
        signed = read_signed_data(covered.contents)
    except BadStructure as e:
        return _malformed(field, e.finding)
    except UnreadableCms:
        return _malformed(field, _UNREADABLE)

    def digest_of(algorithm: str) -> bytes:
        return _range_digest(case.document, covered, algorithm)

    later = later_revisions(case.document, covered, field, case.reader, case.limits)
    if field.is_timestamp:
        stamp = read_timestamp(covered.contents, stamped=digest_of)
        return _Checked(field, covered, later, None, stamp)
    if len(signed.signer_infos) != 1 or signed.content_type != "data":
        return _malformed(field, _UNREADABLE)
    check = check_signer(signed, signed.signer_infos[0], digest_of=digest_of)
    return _Checked(field, covered, later, check, None)


def _report(case: _Case, one: _Checked, all_checked: Iterable[_Checked]) -> SignatureReport:
    stamps = [
        (other.range, other.stamp)
        for other in all_checked
        if other.stamp is not None and other.range.end > one.range.end and other.stamp.sound
    ]
    trust = with_evidence(case.trust, crls=case.dss.crls, ocsps=case.dss.ocsps)
    if one.signer is None:
        outcome = timestamp_outcome(one.stamp, trust, now=case.now)
        return _assembled(case, one, outcome, level=DOCUMENT_TIMESTAMP)
    outcome = signature_outcome(
        one.signer, trust, now=case.now, timestamps=[stamp for _, stamp in stamps]
    )
    level = level_of(
        str(entry(one.field.signature, "/SubFilter")),
        one.signer,
        case.dss,
        document=case.document,
        later_timestamps=[covered for covered, _ in stamps],
    )
    missing = _missing_reference(one, outcome)
    return _assembled(case, one, missing or outcome, level=level)


def _missing_reference(one: _Checked, outcome: Outcome) -> Outcome | None:
    """PAdES demands the signing-certificate reference (EN 319 142-1 §6.3)."""
    signer = one.signer
    if signer is None or signer.has_certificate_reference or signer.failed:
        return None
    if entry(one.field.signature, "/SubFilter") != "/ETSI.CAdES.detached":
        return None
    return Outcome(
        Indication.INDETERMINATE,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
        outcome.chain,
        (*outcome.findings, _NO_REFERENCE),
    )


def _assembled(case: _Case, one: _Checked, outcome: Outcome, *, level: str) -> SignatureReport:
    forbidden = one.later.changes is LaterChanges.FORBIDDEN
    failed = outcome.indication is Indication.TOTAL_FAILED
    certificate = _certificate(one)
    whole = not case.document[one.range.end :].strip()
    return SignatureReport(
        id=one.field.name,
        scope="document",
        indication=Indication.TOTAL_FAILED if forbidden else outcome.indication,
        sub_indication=SubIndication.FORMAT_FAILURE
        if forbidden and not failed
        else outcome.sub_indication,
        integrity=_integrity(one),
        coverage=Coverage.WHOLE if whole else Coverage.PART,
        later_changes=one.later.changes,
        chain=outcome.chain,
        signer=common_name(certificate),
        signed_at=_claimed_time(one),
        level=level,
        certificate_sha256=sha256(certificate).hexdigest() if certificate else None,
        findings=(*outcome.findings, *one.later.findings),
    )


def _certificate(one: _Checked) -> bytes | None:
    if one.signer is not None:
        return one.signer.certificate
    return one.stamp.certificate if one.stamp else None


def _integrity(one: _Checked) -> Integrity:
    if one.signer is not None:
        return one.signer.integrity
    if one.stamp is None:
        return Integrity.UNKNOWN
    return Integrity.INTACT if one.stamp.sound else Integrity.BROKEN


def _claimed_time(one: _Checked) -> datetime | None:
    if one.stamp is not None:
        return one.stamp.moment
    try:
        claimed = generic.parse_pdf_date(str(entry(one.field.signature, "/M")), strict=False)
    except HOSTILE_PDF:
        return one.signer.signing_time if one.signer else None
    return claimed if claimed.tzinfo is not None else None


def _malformed(field: SignatureField, finding: Finding) -> SignatureReport:
    return SignatureReport(
        id=field.name,
        scope="document",
        indication=Indication.TOTAL_FAILED,
        sub_indication=SubIndication.FORMAT_FAILURE,
        integrity=Integrity.UNKNOWN,
        coverage=Coverage.UNCLEAR,
        later_changes=LaterChanges.UNKNOWN,
        chain=Chain.UNKNOWN,
        signer=None,
        signed_at=None,
        level=None,
        findings=(finding,),
    )


def _range_digest(document: bytes, covered: SignedRange, algorithm: str) -> bytes:
    if algorithm not in READABLE_DIGESTS:
        raise ValueError("digest algorithm not allowed")
    digest = new_digest(algorithm, usedforsecurity=False)
    for segment in covered.covered(document):
        digest.update(segment)
    return digest.digest()


_UNREADABLE = Finding(
    "cms_unreadable",
    "Le bloc de signature est illisible : la signature ne peut pas être retenue.",
    blocking=True,
)
_NO_REFERENCE = Finding(
    "signing_certificate_not_referenced",
    "La signature ne désigne pas son certificat : elle n'est pas au format PAdES.",
)
