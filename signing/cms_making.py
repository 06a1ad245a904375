"""What PAdES and CAdES make alike: the signer that pyHanko wants, the digest, the attributes."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from asn1crypto import algos, cms, x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pyhanko.sign.signers.pdf_cms import ExternalSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signing.errors import BadSignatureValue
from signing.keys import public_key
from signing.types import Mechanism, SignatureValue

DIGESTS: Final = {
    Mechanism.RSA_SHA256: "sha256",
    Mechanism.ECDSA_SHA256: "sha256",
    Mechanism.ECDSA_SHA384: "sha384",
}
"""The function that digests the document, by the mechanism that signs it."""
_ALGORITHMS: Final = {
    Mechanism.RSA_SHA256: "sha256_rsa",
    Mechanism.ECDSA_SHA256: "sha256_ecdsa",
    Mechanism.ECDSA_SHA384: "sha384_ecdsa",
}


def mechanism_for(certificate: bytes) -> Mechanism:
    """The mechanism that a DER certificate's key makes: RSA or P-256 with SHA-256, P-384 with
    SHA-384; the document is digested with the same function.

    Raises UnsuitableCertificate when the key is weak or of another kind."""
    key = public_key(certificate)
    if isinstance(key, rsa.RSAPublicKey):
        return Mechanism.RSA_SHA256
    if isinstance(key.curve, ec.SECP384R1):
        return Mechanism.ECDSA_SHA384
    return Mechanism.ECDSA_SHA256


def external_signer(
    certificate: bytes, chain: Iterable[bytes], mechanism: Mechanism, *, value: bytes | None
) -> ExternalSigner:
    """The signer of a value that is made elsewhere: None in phase 1. `chain` goes into the CMS
    but for its roots."""
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register_multiple(x509.Certificate.load(issuer) for issuer in chain)
    algorithm = {"algorithm": _ALGORITHMS[mechanism]}
    return ExternalSigner(
        signing_cert=x509.Certificate.load(certificate),
        cert_registry=store,
        signature_value=value,
        signature_mechanism=algos.SignedDigestAlgorithm(algorithm),
        embed_roots=False,
    )


def only_value(values: Sequence[SignatureValue], expected_id: str) -> bytes:
    """The one value of a document. Raises BadSignatureValue (`signature_value_count`)."""
    if len(values) != 1 or values[0].id != expected_id:
        raise BadSignatureValue(
            "Une seule valeur de signature est attendue pour ce document : relancez la signature.",
            code="signature_value_count",
        )
    return values[0].value


def refuse_changed(document: bytes, expected_sha256: str) -> None:
    """Raises BadSignatureValue (`prepared_document_changed`)."""
    if not hmac.compare_digest(sha256(document).hexdigest(), expected_sha256):
        raise BadSignatureValue(
            "Le document préparé a changé entre la préparation et la signature : préparez-le à "
            "nouveau.",
            code="prepared_document_changed",
        )


def refuse_version(version: object, expected: int) -> None:
    """Raises BadSignatureValue (`resume_version_unknown`)."""
    if version != expected:
        raise BadSignatureValue(
            "La préparation date d'une autre version du logiciel : préparez le document à nouveau.",
            code="resume_version_unknown",
        )


def self_check_failed() -> BadSignatureValue:
    """The refusal of a signed document that is not what was prepared (DESIGN D8)."""
    return BadSignatureValue(
        "Le document signé ne correspond pas à ce qui a été préparé : préparez-le à nouveau.",
        code="self_check_failed",
    )


def embedded_attributes(signature: bytes) -> bytes:
    """The signed attributes of the first signer of a CMS, as the SET OF that is signed (RFC 5652
    §5.4)."""
    info = cms.ContentInfo.load(signature)["content"]["signer_infos"][0]
    return b"\x31" + bytes(info["signed_attrs"].dump()[1:])


def message_digest(attributes: bytes) -> bytes:
    """The messageDigest of signed attributes, empty when they have none."""
    for attribute in cms.CMSAttributes.load(attributes):
        if attribute["type"].native == "message_digest":
            return bytes(attribute["values"][0].native)
    return b""
