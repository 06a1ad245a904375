"""Judges whether a certificate leads to the anchors that we were given, and was still good.

Built on pyhanko-certvalidator, which never fetches here: anchors, intermediates, CRLs and OCSP
answers come in as bytes (DESIGN D4).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from asn1crypto import crl, ocsp, pem, x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import (
    DisallowedAlgorithmError,
    ExpiredError,
    InsufficientRevinfoError,
    InvalidCertificateError,
    NotYetValidError,
    PathBuildingError,
    PathValidationError,
    RevokedError,
    ValidationError,
)

from signing.blocking import run_to_end
from signing.report import Chain, ChainJudge, Finding, SubIndication

# A document may carry certificates that all issue one another: path building would then explode.
MAX_EXTRA_CERTIFICATES = 60
MAX_PER_SUBJECT = 4
TIME_TOLERANCE = timedelta(seconds=1)
"""By how much the clocks of authorities may differ from ours."""

_PEM_BLOCK = re.compile(
    rb"-----BEGIN (?P<label>[A-Z0-9 ]+)-----.*?-----END (?P=label)-----", re.DOTALL
)
_HOSTILE_DER = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)

Judgement = tuple[Chain, SubIndication | None, tuple[Finding, ...]]


class Purpose(StrEnum):
    """What the certificate was used for; decides the key usage that is asked of it."""

    SIGNATURE = "signature"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True, slots=True)
class TrustMaterial:
    """Everything a judgement may rest on, in DER. `anchors` are trusted as they stand; the rest
    only helps to reach them. Without any CRL or OCSP answer, revocation stays unknown."""

    anchors: tuple[bytes, ...] = ()
    intermediates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()


def chain_judge(material: TrustMaterial, *, purpose: Purpose = Purpose.SIGNATURE) -> ChainJudge:
    """A judge over this material (RFC 5280 §6; revocation is hard-fail; no network).

    The judge never raises: a certificate that cannot be read, expired, revoked, of another usage
    or of an unknown authority is a `Chain`, a sub-indication and a finding of its own code."""

    def judge(certificate: bytes, others: Sequence[bytes], moment: datetime) -> Judgement:
        try:
            return _judge(material, purpose, certificate, others=others, moment=moment)
        except _HOSTILE_DER:
            return _verdict(Chain.UNKNOWN, "certificate_unreadable")

    return judge


def with_evidence(
    material: TrustMaterial, *, crls: Iterable[bytes], ocsps: Iterable[bytes]
) -> TrustMaterial:
    """`material` completed by revocation answers found in the document; they are signed by their
    issuer, so their origin does not matter."""
    return replace(material, crls=(*material.crls, *crls), ocsps=(*material.ocsps, *ocsps))


def read_trust_file(content: bytes) -> TrustMaterial:
    """Trust material of a PEM bundle or of one DER certificate: self-issued certificates are
    anchors, the others intermediates, `X509 CRL` blocks revocation lists.

    Raises ValueError when nothing in it can be used."""
    blocks = [match.group(0) for match in _PEM_BLOCK.finditer(content)]
    if not blocks:
        return TrustMaterial(anchors=(x509.Certificate.load(content, strict=True).dump(),))
    anchors: list[bytes] = []
    intermediates: list[bytes] = []
    crls: list[bytes] = []
    for block in blocks:
        label, _, der = pem.unarmor(block)
        if label == "CERTIFICATE":
            parsed = x509.Certificate.load(der, strict=True)
            (anchors if parsed.issuer == parsed.subject else intermediates).append(der)
        elif label == "X509 CRL":
            crls.append(der)
    if not anchors:
        raise ValueError("no trust anchor in this file")
    return TrustMaterial(tuple(anchors), tuple(intermediates), tuple(crls))


def lapse_of(revocation_list: bytes) -> datetime | None:
    """The first instant at which a DER revocation list proves nothing any more (RFC 5280
    §5.1.2.5, `nextUpdate`); None where it names none or cannot be read."""
    try:
        told = crl.CertificateList.load(revocation_list, strict=True)["tbs_cert_list"]
        end: datetime | None = told["next_update"].native
    except _HOSTILE_DER:
        return None
    return end + TIME_TOLERANCE + timedelta.resolution if end is not None else None


def _judge(
    material: TrustMaterial,
    purpose: Purpose,
    certificate: bytes,
    *,
    others: Sequence[bytes],
    moment: datetime,
) -> Judgement:
    leaf = _readable(certificate)
    if not material.anchors:
        return _verdict(Chain.UNKNOWN, "no_trust_anchor")
    revocation_given = bool(material.crls or material.ocsps)
    outcome = _path_outcome(
        leaf,
        purpose,
        _context(material, others, moment=moment, check_revocation=revocation_given),
    )
    if outcome[0] is not Chain.TRUSTED or revocation_given or _is_anchor(material, leaf):
        return outcome
    return _verdict(Chain.REVOCATION_UNKNOWN, "revocation_unknown")


def _context(
    material: TrustMaterial,
    others: Sequence[bytes],
    *,
    moment: datetime,
    check_revocation: bool,
) -> ValidationContext:
    return ValidationContext(
        trust_roots=_loaded(material.anchors),
        other_certs=_bounded([*_loaded(material.intermediates), *_loaded(others)]),
        moment=moment,
        allow_fetching=False,
        crls=list(_lists(material.crls)) if check_revocation else None,
        ocsps=list(_answers(material.ocsps)) if check_revocation else None,
        revocation_mode="hard-fail" if check_revocation else "soft-fail",
        time_tolerance=TIME_TOLERANCE,
        # A list of today still tells that the certificate had not been revoked at `moment`.
        retroactive_revinfo=True,
    )


def _path_outcome(
    leaf: x509.Certificate, purpose: Purpose, context: ValidationContext
) -> Judgement:
    validator = CertificateValidator(leaf, validation_context=context)
    try:
        run_to_end(_validated(validator, purpose))
    except PathBuildingError:
        return _verdict(Chain.UNKNOWN, "issuer_unknown")
    except ValidationError as e:
        return _refused(e)
    except _HOSTILE_DER:
        # certvalidator's own way of saying that the revocation data at hand cannot be used
        return _verdict(Chain.REVOCATION_UNKNOWN, "revocation_unknown")
    return Chain.TRUSTED, None, ()


async def _validated(validator: CertificateValidator, purpose: Purpose) -> None:
    usages = {"non_repudiation"} if purpose is Purpose.SIGNATURE else set()
    extended = {"time_stamping"} if purpose is Purpose.TIMESTAMP else set()
    await validator.async_validate_usage(usages, extended)  # type: ignore[no-untyped-call]


def _refused(error: ValidationError) -> Judgement:
    for kind, judgement in _REFUSALS:
        if isinstance(error, kind):
            return judgement()
    if isinstance(error, PathValidationError) and "signature" in error.failure_msg:
        # same names as a known authority, another key: a look-alike
        return _verdict(Chain.UNKNOWN, "issuer_unknown")
    return _verdict(Chain.UNSUITABLE, "chain_not_acceptable")


def _is_anchor(material: TrustMaterial, leaf: x509.Certificate) -> bool:
    return leaf.dump() in material.anchors


def _loaded(certificates: Iterable[bytes]) -> list[x509.Certificate]:
    loaded = []
    for der in certificates:
        try:
            loaded.append(_readable(der))
        except _HOSTILE_DER:
            continue  # an unreadable certificate helps nobody
    return loaded


def _readable(der: bytes) -> x509.Certificate:
    certificate = x509.Certificate.load(der, strict=True)
    # asn1crypto parses late: these are what path building will read
    _ = certificate.subject.native, certificate.issuer.native, certificate.key_identifier
    return certificate


def _lists(crls: Iterable[bytes]) -> Iterator[crl.CertificateList]:
    for der in crls:
        try:
            answer = crl.CertificateList.load(der, strict=True)
            _ = answer.issuer.native, answer["tbs_cert_list"]["this_update"].native
        except _HOSTILE_DER:
            continue  # an unreadable answer is no answer
        yield answer


def _answers(ocsps: Iterable[bytes]) -> Iterator[ocsp.OCSPResponse]:
    for der in ocsps:
        try:
            answer = ocsp.OCSPResponse.load(der, strict=True)
            _ = answer["response_status"].native, answer.response_data
        except _HOSTILE_DER:
            continue  # an unreadable answer is no answer
        yield answer


def _bounded(certificates: list[x509.Certificate]) -> list[x509.Certificate]:
    kept: list[x509.Certificate] = []
    seen: set[bytes] = set()
    per_subject: Counter[bytes] = Counter()
    for certificate in certificates:
        subject = certificate.subject.dump()
        if certificate.sha256 in seen or per_subject[subject] >= MAX_PER_SUBJECT:
            continue
        seen.add(certificate.sha256)
        per_subject[subject] += 1
        kept.append(certificate)
    return kept[:MAX_EXTRA_CERTIFICATES]


_SENTENCES = {
    "certificate_unreadable": "Le certificat du signataire est illisible : demandez-en un autre.",
    "no_trust_anchor": (
        "Aucune autorité de confiance n'a été fournie : indiquez celles que vous acceptez."
    ),
    "issuer_unknown": (
        "L'autorité qui a délivré le certificat n'est pas parmi celles qui sont acceptées : "
        "vérifiez le magasin de confiance."
    ),
    "certificate_expired": (
        "Le certificat, ou celui d'une de ses autorités, est expiré et aucun horodatage ne prouve "
        "que la signature est antérieure."
    ),
    "certificate_not_yet_valid": (
        "Le certificat, ou celui d'une de ses autorités, n'est pas encore valable à cette date."
    ),
    "certificate_revoked": (
        "Le certificat, ou celui d'une de ses autorités, est révoqué : il ne peut plus engager "
        "son titulaire."
    ),
    "certificate_wrong_usage": (
        "Le certificat n'est pas délivré pour cet usage : il faut un certificat de signature "
        "(non-répudiation)."
    ),
    "weak_algorithm": ("Un certificat de la chaîne emploie un algorithme ou une clé trop faible."),
    "revocation_unknown": (
        "L'état de révocation du certificat n'a pas pu être établi : fournissez la liste de "
        "révocation de l'autorité."
    ),
    "chain_not_acceptable": (
        "La chaîne du certificat contient un certificat qui n'est pas celui d'une autorité, ou "
        "sort de ses contraintes."
    ),
}

_SUB_INDICATIONS = {
    "certificate_expired": SubIndication.OUT_OF_BOUNDS_NO_POE,
    "certificate_not_yet_valid": SubIndication.NOT_YET_VALID,
    "certificate_revoked": SubIndication.REVOKED_NO_POE,
    "certificate_wrong_usage": SubIndication.CHAIN_CONSTRAINTS_FAILURE,
    "weak_algorithm": SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
    "revocation_unknown": SubIndication.TRY_LATER,
    "chain_not_acceptable": SubIndication.CHAIN_CONSTRAINTS_FAILURE,
}


def _verdict(chain: Chain, code: str) -> Judgement:
    sub = _SUB_INDICATIONS.get(code, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)
    return chain, sub, (Finding(code, _SENTENCES[code]),)


_REFUSALS: tuple[tuple[type[ValidationError], Callable[[], Judgement]], ...] = (
    (ExpiredError, lambda: _verdict(Chain.EXPIRED, "certificate_expired")),
    (NotYetValidError, lambda: _verdict(Chain.UNSUITABLE, "certificate_not_yet_valid")),
    (RevokedError, lambda: _verdict(Chain.REVOKED, "certificate_revoked")),
    (InsufficientRevinfoError, lambda: _verdict(Chain.REVOCATION_UNKNOWN, "revocation_unknown")),
    (DisallowedAlgorithmError, lambda: _verdict(Chain.UNSUITABLE, "weak_algorithm")),
    (InvalidCertificateError, lambda: _verdict(Chain.UNSUITABLE, "certificate_wrong_usage")),
)
