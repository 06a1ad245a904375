"""Signs PDFs with a software key through the product's own two phases."""

from __future__ import annotations

from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from app.demo.pki import Issued
from signing import pades
from signing.types import (
    Mechanism,
    Place,
    Prepared,
    SignatureParameters,
    SignatureValue,
    ToSign,
)
from tests.pki.tree import shared_tree

PLACE = Place("Saint-Modèle", "34999")


def parameters(
    signer: Issued,
    *,
    chain: tuple[bytes, ...] = (),
    claimed_role: str = "Maire",
    signing_time: datetime | None = None,
) -> SignatureParameters:
    """What prepare needs, for this certificate."""
    return SignatureParameters(
        certificate=signer.der,
        chain=chain,
        signing_time=signing_time or shared_tree().now,
        place=PLACE,
        claimed_role=claimed_role,
        signer_name="Camille EXEMPLE",
    )


def value_of(signer: Issued, item: ToSign) -> SignatureValue:
    """What a token holding the signer's key would return."""
    digest = hashes.SHA384() if item.mechanism is Mechanism.ECDSA_SHA384 else hashes.SHA256()
    if isinstance(signer.key, rsa.RSAPrivateKey):
        return SignatureValue(item.id, signer.key.sign(item.tbs, padding.PKCS1v15(), digest))
    return SignatureValue(item.id, signer.key.sign(item.tbs, ec.ECDSA(digest)))


def completed(prepared: Prepared, signer: Issued) -> bytes:
    """Phase 2 of what was prepared."""
    values = [value_of(signer, item) for item in prepared.to_sign]
    return pades.finish(prepared.document, prepared.resume, values)


def signed_pdf(document: bytes, signer: Issued, *, chain: tuple[bytes, ...] = ()) -> bytes:
    """Both phases."""
    return completed(pades.prepare(document, parameters(signer, chain=chain)), signer)
