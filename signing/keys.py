"""What the key of a certificate may sign, and whether a value is really its own."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from signing.errors import BadSignatureValue, UnsuitableCertificate
from signing.types import Mechanism

MIN_RSA_BITS = 2048
_CURVES = (ec.SECP256R1.name, ec.SECP384R1.name)

SignerKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


def reasons_against(certificate: bytes, *, now: datetime) -> tuple[str, ...]:
    """Why this DER certificate may not sign at `now`, as French phrases; empty when it may.

    nonRepudiation (RFC 5280 §4.2.1.3), not a CA, in its validity, RSA ≥ 2048 or P-256/P-384."""
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        key = parsed.public_key()
    except (ValueError, UnsupportedAlgorithm) as e:
        return (f"certificat illisible ({type(e).__name__})",)
    reasons: list[str] = []
    if not allows_signature(parsed):
        reasons.append("usage « signature » (nonRepudiation) absent")
    if now < parsed.not_valid_before_utc:
        reasons.append("certificat pas encore valide")
    if now > parsed.not_valid_after_utc:
        reasons.append("certificat expiré")
    if not strong(key):
        reasons.append("clé trop faible ou d'un type non pris en charge")
    return tuple(reasons)


def strong(key: object) -> bool:
    """Whether the public key is RSA of at least 2048 bits, P-256 or P-384."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= MIN_RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES


def allows_signature(certificate: x509.Certificate) -> bool:
    """Whether the certificate carries nonRepudiation and is not an authority's."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
    return usage.content_commitment and not is_authority(certificate)


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether basicConstraints says CA (RFC 5280 §4.2.1.9)."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
    return found.value.ca


def certificate_der(certificate: x509.Certificate) -> bytes:
    """The certificate's own bytes."""
    return certificate.public_bytes(Encoding.DER)


def issuers_of(
    certificate: x509.Certificate, authorities: list[x509.Certificate]
) -> tuple[bytes, ...]:
    """The chain of `certificate` found among `authorities`, its issuer first, by name only."""
    chain: list[x509.Certificate] = []
    current = certificate
    while current.subject != current.issuer:
        issuers = [a for a in authorities if a.subject == current.issuer and a not in chain]
        if not issuers:
            break
        current = issuers[0]
        chain.append(current)
    return tuple(certificate_der(c) for c in chain)


def public_key(certificate: bytes) -> SignerKey:
    """The key of a DER certificate. Raises UnsuitableCertificate when weak or of another kind."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm) as e:
        raise UnsuitableCertificate("Le certificat de la clé est illisible.") from e
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) and strong(key):
        return key
    raise UnsuitableCertificate(
        "La clé de ce certificat est trop faible ou d'un type non pris en charge : utilisez un "
        "certificat RSA d'au moins 2048 bits, P-256 ou P-384."
    )


def check_mechanism(key: SignerKey, mechanism: Mechanism) -> None:
    """Raises UnsuitableCertificate (`mechanism_of_other_key`) when the key cannot make it."""
    if isinstance(key, rsa.RSAPublicKey) is not (mechanism is Mechanism.RSA_SHA256):
        raise UnsuitableCertificate(
            "L'algorithme demandé n'est pas celui de la clé de ce certificat.",
            code="mechanism_of_other_key",
        )


def check_value(certificate: bytes, value: bytes, tbs: bytes, mechanism: Mechanism) -> None:
    """Verify `value` over `tbs` with the public key of the DER `certificate`.

    Raises BadSignatureValue, UnsuitableCertificate."""
    key = public_key(certificate)
    check_mechanism(key, mechanism)
    digest = hashes.SHA384() if mechanism is Mechanism.ECDSA_SHA384 else hashes.SHA256()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, tbs, padding.PKCS1v15(), digest)
        else:
            key.verify(value, tbs, ec.ECDSA(digest))
    except InvalidSignature as e:
        raise BadSignatureValue(
            "La valeur rendue ne correspond pas au certificat choisi : la clé et le certificat ne "
            "vont pas ensemble."
        ) from e
