"""Signs any file apart with a software key, through the product's own two phases."""

from __future__ import annotations

from app.demo.pki import Issued
from signing import cades
from signing.types import Prepared
from tests.builders.signed_pdf import parameters, value_of

LETTER = "Objet : réponse à votre courrier. Texte fictif.\n".encode()


def completed_detached(prepared: Prepared, signer: Issued) -> bytes:
    """Phase 2 of what was prepared."""
    values = [value_of(signer, item) for item in prepared.to_sign]
    return cades.finish(prepared.document, prepared.resume, values)


def detached_signature(
    document: bytes,
    signer: Issued,
    *,
    chain: tuple[bytes, ...] = (),
    claimed_role: str = "Maire",
) -> bytes:
    """Both phases."""
    asked = parameters(signer, chain=chain, claimed_role=claimed_role)
    return completed_detached(cades.prepare(document, asked), signer)
