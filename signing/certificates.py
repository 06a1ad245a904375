"""Reads a signer's certificate and says whether it may be used to sign (DESIGN D6)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from asn1crypto import x509

from signing.errors import UnsuitableCertificate
from signing.report import Chain, Finding
from signing.trust import TrustMaterial, chain_judge

MIN_RSA_BITS = 2048
SIGNING_CURVES = ("secp256r1", "secp384r1")

_ORGANISATION_IDENTIFIER = "organization_identifier"
_SIREN_PATTERNS = (
    re.compile(r"^(?:NTRFR-|SI:FR-|VATFR-..)\s*(?P<siren>\d{9})(?:\d{5})?$"),
    re.compile(r"^000?[12]\s*(?P<siren>\d{9})(?:\d{5})?$"),
)
_HOSTILE_DER = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says of itself; nothing here is judged.

    `serial` is in decimal, as in XAdES IssuerSerial. `key_type` is `rsa`, `ec:<curve>` or another
    algorithm's name; `key_bits` its size. Instants are aware UTC."""

    common_name: str | None
    organisation: str | None
    siren: str | None
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    key_type: str
    key_bits: int
    key_usages: frozenset[str]
    policy_oids: tuple[str, ...]
    is_authority: bool
    sha256: str


@dataclass(frozen=True, slots=True)
class Fitness:
    """Whether a certificate may sign; `reasons` lists what speaks against it, and notes."""

    fit: bool
    reasons: tuple[Finding, ...]


def read_certificate(der: bytes) -> CertificateFacts:
    """The facts of a DER certificate (RFC 5280 §4; SIREN forms of EN 319 412-1 §5.1.4 and of
    the French profiles: organizationIdentifier `NTRFR-`, or an OU of ICD 0002).

    Raises UnsuitableCertificate (`certificate_unreadable`)."""
    try:
        return _facts(x509.Certificate.load(der, strict=True), der)
    except _HOSTILE_DER as e:
        raise UnsuitableCertificate(
            "Ce certificat est illisible : demandez à son fournisseur un certificat X.509.",
            code="certificate_unreadable",
        ) from e


def fitness(
    certificate: CertificateFacts | bytes,
    *,
    anchors: Sequence[bytes],
    chain: Sequence[bytes],
    now: datetime,
    crls: Sequence[bytes] = (),
    rsa_only: bool = False,
) -> Fitness:
    """Whether the DER `certificate` may sign at `now`: nonRepudiation, not an authority's, in
    date, strong key, issued under one of `anchors` with the help of `chain`; not revoked when
    `crls` are given. `rsa_only` is for the PES, whose policy allows rsa-sha256 alone.

    Given facts instead of DER, the issuer cannot be judged: that is then a reason. Never raises."""
    if isinstance(certificate, CertificateFacts):
        own = (*_own_reasons(certificate, now=now, rsa_only=rsa_only), _finding("issuer_unproved"))
        return Fitness(fit=False, reasons=own)
    try:
        facts = read_certificate(certificate)
    except UnsuitableCertificate as e:
        return Fitness(fit=False, reasons=(Finding(e.code, e.detail, blocking=True),))
    material = TrustMaterial(tuple(anchors), tuple(chain), tuple(crls))
    reasons = _own_reasons(facts, now=now, rsa_only=rsa_only)
    reasons += _chain_reasons(certificate, material, now=now, known={r.code for r in reasons})
    return Fitness(fit=not any(reason.blocking for reason in reasons), reasons=reasons)


def common_name(certificate: bytes | None) -> str | None:
    """The subject's common name, None when there is none to read. Never raises."""
    if certificate is None:
        return None
    try:
        return _first(_attributes(x509.Certificate.load(certificate).subject), "common_name")
    except _HOSTILE_DER:
        return None


def _facts(certificate: x509.Certificate, der: bytes) -> CertificateFacts:
    subject = _attributes(certificate.subject)
    validity = certificate["tbs_certificate"]["validity"]
    public_key = certificate.public_key
    usages = certificate.key_usage_value
    policies = certificate.certificate_policies_value
    return CertificateFacts(
        common_name=_first(subject, "common_name"),
        organisation=_first(subject, "organization_name"),
        siren=_siren(subject),
        issuer=certificate.issuer.human_friendly,
        serial=str(certificate.serial_number),
        not_before=validity["not_before"].native,
        not_after=validity["not_after"].native,
        key_type=f"ec:{public_key.curve[1]}"
        if public_key.algorithm == "ec"
        else public_key.algorithm,
        key_bits=public_key.bit_size,
        key_usages=frozenset(usages.native) if usages is not None else frozenset(),
        policy_oids=tuple(p["policy_identifier"].dotted for p in policies or ()),
        is_authority=bool(certificate.ca),
        sha256=sha256(der).hexdigest(),
    )


def _attributes(name: x509.Name) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for rdn in name.chosen:
        found.extend((str(pair["type"].native), str(pair["value"].native)) for pair in rdn)
    return found


def _first(attributes: list[tuple[str, str]], wanted: str) -> str | None:
    return next((value for kind, value in attributes if kind == wanted), None)


def _siren(attributes: list[tuple[str, str]]) -> str | None:
    candidates = [v for kind, v in attributes if kind == _ORGANISATION_IDENTIFIER]
    candidates += [v for kind, v in attributes if kind == "organizational_unit_name"]
    for value in candidates:
        for pattern in _SIREN_PATTERNS:
            if match := pattern.match(value.strip()):
                return match["siren"]
    return None


def _own_reasons(facts: CertificateFacts, *, now: datetime, rsa_only: bool) -> tuple[Finding, ...]:
    codes = []
    if "non_repudiation" not in facts.key_usages:
        codes.append("certificate_wrong_usage")
    if facts.is_authority:
        codes.append("certificate_of_authority")
    if now < facts.not_before:
        codes.append("certificate_not_yet_valid")
    if now > facts.not_after:
        codes.append("certificate_expired")
    if not _strong_key(facts):
        codes.append("weak_key")
    if rsa_only and facts.key_type != "rsa":
        codes.append("key_not_rsa")
    return tuple(_finding(code) for code in codes)


def _strong_key(facts: CertificateFacts) -> bool:
    if facts.key_type == "rsa":
        return facts.key_bits >= MIN_RSA_BITS
    return facts.key_type in {f"ec:{curve}" for curve in SIGNING_CURVES}


def _chain_reasons(
    certificate: bytes, material: TrustMaterial, *, now: datetime, known: set[str]
) -> tuple[Finding, ...]:
    chain, _, findings = chain_judge(material)(certificate, (), now)
    if chain is Chain.TRUSTED:
        return ()
    # Without a revocation list nothing more is asked here: the list is fetched and judged by the
    # callers that have one (DESIGN D6).
    blocking = chain is not Chain.REVOCATION_UNKNOWN or bool(material.crls)
    return tuple(
        Finding(f.code, f.detail, blocking=blocking) for f in findings if f.code not in known
    )


_SENTENCES = {
    "certificate_wrong_usage": (
        "Ce certificat n'est pas un certificat de signature (usage « non-répudiation » absent) : "
        "choisissez celui qui sert à signer."
    ),
    "certificate_of_authority": (
        "Ce certificat est celui d'une autorité : choisissez un certificat de personne."
    ),
    "certificate_not_yet_valid": (
        "Ce certificat n'est pas encore valable : attendez sa date de début ou prenez-en un autre."
    ),
    "certificate_expired": "Ce certificat est expiré : renouvelez-le ou choisissez-en un autre.",
    "weak_key": (
        "La clé de ce certificat est trop faible : il faut une clé RSA d'au moins 2048 bits, "
        "P-256 ou P-384."
    ),
    "key_not_rsa": ("Un flux PES se signe avec une clé RSA : choisissez un certificat à clé RSA."),
    "issuer_unproved": (
        "L'autorité de ce certificat n'a pas pu être vérifiée : branchez la clé ou déposez le "
        "certificat lui-même."
    ),
}


def _finding(code: str) -> Finding:
    return Finding(code, _SENTENCES[code], blocking=True)
