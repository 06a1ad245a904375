"""Signature formats of types: which protocol takes which, and which one a document then gets."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from app.errors import Unprocessable
from signing.types import SignatureFormat
from workflows.definition import Protocol

PDF = "application/pdf"


class TypeFormat(StrEnum):
    """How the documents of a type are signed; `AUTO` follows each document."""

    AUTO = "AUTO"
    PKCS7 = "PKCS7"
    PADES = "PADES"
    PES_V2 = "PES_V2"
    XADES_DETACHED = "XADES_DETACHED"


ALLOWED: Mapping[Protocol, tuple[TypeFormat, ...]] = {
    Protocol.ACTES: (TypeFormat.PADES, TypeFormat.PKCS7),
    Protocol.HELIOS: (TypeFormat.PES_V2,),
    Protocol.NONE: (
        TypeFormat.AUTO,
        TypeFormat.PADES,
        TypeFormat.PKCS7,
        TypeFormat.XADES_DETACHED,
    ),
}
"""The formats of each protocol; for acts those of actes.md §8."""

EXECUTABLE = frozenset({TypeFormat.AUTO, TypeFormat.PADES, TypeFormat.PES_V2})
"""The formats in which this version signs: a type may name another one, a circuit that signs may
not be bound to it (docs/adr/0015)."""

STAMPED = frozenset({TypeFormat.AUTO, TypeFormat.PADES})
"""The formats in which a signature may be PAdES, hence show a stamp."""


def resolved_format(chosen: TypeFormat, media_type: str) -> SignatureFormat:
    """The format in which a document is signed. Raises Unprocessable (`format_not_available`) for
    one that this version does not make."""
    if chosen is TypeFormat.PES_V2:
        return SignatureFormat.PES_V2
    if chosen is TypeFormat.PADES or (chosen is TypeFormat.AUTO and media_type == PDF):
        return SignatureFormat.PADES
    raise Unprocessable(
        "La signature détachée de ce document n'est pas encore proposée : convertissez-le en PDF, "
        "ou déposez-le dans un sous-type sans signature.",
        code="format_not_available",
    )
