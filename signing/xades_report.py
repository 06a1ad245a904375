"""The report of one XML signature, from its faults, its mathematics and its chain."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from signing.policies import XADES_1_3_2
from signing.report import (
    Chain,
    ChainJudge,
    Coverage,
    Finding,
    Indication,
    Integrity,
    LaterChanges,
    SignatureReport,
    SubIndication,
)
from signing.xades_checks import Fault, Mathematics, load_certificate
from signing.xades_reading import ReadSignature

MAX_CHAINS = 50  # building a chain is slow; no sound file has that many signers
_TOO_MANY = (
    Finding("too_many_certificates", "Le fichier porte trop de certificats pour tous les juger."),
)
_FAILED = frozenset({SubIndication.REVOKED, SubIndication.EXPIRED, SubIndication.NOT_YET_VALID})
_ChainAnswer = tuple[Chain, SubIndication | None, tuple[Finding, ...]]


@dataclass(slots=True)
class Judge:
    """The chain function and the clock of one verification; equal questions are asked once."""

    judge_chain: ChainJudge
    now: datetime
    _answers: dict[tuple[bytes, datetime], _ChainAnswer] = field(default_factory=dict)

    def chain(self, read: ReadSignature, certificate: bytes) -> _ChainAnswer:
        at = read.properties.signing_time or self.now
        key = (certificate, at)
        if key not in self._answers:
            if len(self._answers) >= MAX_CHAINS:
                return Chain.UNKNOWN, SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, _TOO_MANY
            extra = [one for one in read.certificates if one != certificate]
            self._answers[key] = self.judge_chain(certificate, extra, at)
        return self._answers[key]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about: the scope, what it covers, and the faults found before."""

    scope: str
    coverage: Coverage
    faults: tuple[Fault, ...]


def report(
    read: ReadSignature,
    certificate: bytes,
    mathematics: Mathematics,
    subject: Subject,
    judge: Judge,
) -> SignatureReport:
    """The report of one signature: structure faults first, then mathematics, then chain."""
    parsed = load_certificate(certificate)
    chain, chain_sub, chain_findings = judge.chain(read, certificate)
    faults = (*subject.faults, *mathematics.faults)
    deciding = next((one.sub_indication for one in faults if one.sub_indication), None)
    if deciding is SubIndication.EXPIRED:
        chain = Chain.EXPIRED
    indication, sub = _indication(deciding, chain, chain_sub, chain_findings)
    intact = mathematics.integrity is Integrity.INTACT
    return SignatureReport(
        id=read.id or "",
        scope=subject.scope,
        indication=indication,
        sub_indication=sub,
        integrity=mathematics.integrity,
        coverage=subject.coverage,
        later_changes=LaterChanges.NONE if intact else LaterChanges.UNKNOWN,
        chain=chain,
        signer=_common_name(parsed),
        signed_at=read.properties.signing_time,
        level=_level(read),
        certificate_sha256=hashlib.sha256(certificate).hexdigest(),
        claimed_role=read.properties.claimed_role,
        findings=(*(one.finding for one in faults), *chain_findings),
    )


def refused(signature_id: str, scope: str, findings: tuple[Finding, ...]) -> SignatureReport:
    """A signature, or a whole file, that cannot even be read: TOTAL-FAILED, FORMAT_FAILURE."""
    return SignatureReport(
        id=signature_id,
        scope=scope,
        indication=Indication.TOTAL_FAILED,
        sub_indication=SubIndication.FORMAT_FAILURE,
        integrity=Integrity.UNKNOWN,
        coverage=Coverage.UNCLEAR,
        later_changes=LaterChanges.UNKNOWN,
        chain=Chain.UNKNOWN,
        signer=None,
        signed_at=None,
        level=None,
        findings=findings,
    )


def _indication(
    deciding: SubIndication | None,
    chain: Chain,
    chain_sub: SubIndication | None,
    chain_findings: tuple[Finding, ...],
) -> tuple[Indication, SubIndication | None]:
    if deciding is not None:
        return Indication.TOTAL_FAILED, deciding
    if chain_sub in _FAILED or any(one.blocking for one in chain_findings):
        return Indication.TOTAL_FAILED, chain_sub
    if chain is Chain.TRUSTED:
        return Indication.TOTAL_PASSED, None
    return Indication.INDETERMINATE, chain_sub or SubIndication.NO_CERTIFICATE_CHAIN_FOUND


def _level(read: ReadSignature) -> str:
    if read.properties.policy_oid:
        return "XAdES-EPES"
    return "XAdES-BASELINE-B" if read.properties.namespace == XADES_1_3_2 else "XAdES-BES"


def _common_name(certificate: x509.Certificate | None) -> str | None:
    """Common name of the subject, else the whole subject."""
    if certificate is None:
        return None
    try:
        found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(found[0].value) if found else certificate.subject.rfc4514_string() or None
    except ValueError:
        return None
