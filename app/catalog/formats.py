"""Signature formats of types: which protocol takes which, and which one a document then gets."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import assert_never

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

EXECUTABLE = frozenset({TypeFormat.AUTO, TypeFormat.PADES, TypeFormat.PES_V2, TypeFormat.PKCS7})
"""The formats in which this version signs: a type may name another one, a circuit that signs may
not be bound to it (docs/adr/0015)."""

STAMPED = frozenset({TypeFormat.AUTO, TypeFormat.PADES})
"""The formats in which a signature may be PAdES, hence show a stamp."""


def takes_any_file(protocol: Protocol, chosen: TypeFormat) -> bool:
    """Whether main documents may be other files than PDF: where what is signed apart is not
    transmitted as an act."""
    return protocol is Protocol.NONE and chosen in {TypeFormat.AUTO, TypeFormat.PKCS7}


def resolved_format(
    chosen: TypeFormat, media_type: str, *, has_detached_signature: bool
) -> SignatureFormat:
    """The format in which a document is signed. AUTO: a PDF gets its signature inside, any other
    file apart, and so does a document that came with a signature apart, which a byte more would
    break. Raises Unprocessable (`format_not_available`) for a format that this version does not
    make."""
    match chosen:
        case TypeFormat.PES_V2:
            return SignatureFormat.PES_V2
        case TypeFormat.PADES:
            return SignatureFormat.PADES
        case TypeFormat.PKCS7:
            return SignatureFormat.CADES
        case TypeFormat.AUTO:
            is_inside = media_type == PDF and not has_detached_signature
            return SignatureFormat.PADES if is_inside else SignatureFormat.CADES
        case TypeFormat.XADES_DETACHED:
            raise Unprocessable(
                "La signature XAdES détachée n'est pas encore proposée : déposez ce document dans "
                "un sous-type dont le type se signe au format AUTO ou PKCS7.",
                code="format_not_available",
            )
        case _:
            assert_never(chosen)
