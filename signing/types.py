"""The plain values that travel between prepare, sign and finish (standard library only)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

JsonValue: TypeAlias = (
    "str | int | float | bool | Mapping[str, JsonValue] | Sequence[JsonValue] | None"
)
JsonObject: TypeAlias = Mapping[str, JsonValue]


class SignatureFormat(StrEnum):
    """How a document is signed; the values are those of the folder types."""

    PADES = "PADES"
    CADES = "PKCS7"
    PES_V2 = "PES_V2"


class Mechanism(StrEnum):
    """Signature mechanisms we make; SHA-1, MD5 and RSA under 2048 bits have no name here."""

    RSA_SHA256 = "rsa-sha256"
    ECDSA_SHA256 = "ecdsa-sha256"
    ECDSA_SHA384 = "ecdsa-sha384"


@dataclass(frozen=True, slots=True)
class Place:
    """Signature production place (XAdES SignatureProductionPlace, CAdES signer-location, PDF
    /Location)."""

    city: str
    postal_code: str
    country: str = "France"


@dataclass(frozen=True, slots=True)
class SignatureParameters:
    """What prepare needs beside the document.

    `certificate` and `chain` are DER; `chain` holds the issuers that the token or the trust
    store gave, the issuer of `certificate` first. `signing_time` is aware UTC, second precision.
    `claimed_role` is the capacity mention or the capacity of the desk (DESIGN D9).
    """

    certificate: bytes
    chain: tuple[bytes, ...]
    signing_time: datetime
    place: Place
    claimed_role: str
    signer_name: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """The visible side of a PDF signature: lines of text in a box, all of them shown.

    `page` counts from 1, or from the end where negative (-1 is the last). `x` and `y` are the
    lower left corner of the box in the page as it is displayed, from its own lower left corner;
    both and the size of the box are in points.
    """

    lines: tuple[str, ...]
    page: int
    x: float
    y: float
    width: float = 200
    height: float = 70


@dataclass(frozen=True, slots=True)
class ToSign:
    """One value that the key must produce: the bytes whose digest is signed, never a bare hash.

    `id` is unique inside a document (the Id of a PES slip, `pdf` for a PDF, `document` for a
    detached signature). `tbs` is the exact DER SET OF of the CMS signed attributes (PAdES, CAdES)
    or the exclusive C14N of ds:SignedInfo (XAdES). XAdES alone fills `target_id` (Id of the element
    that the first reference names) and `signed_properties` (exclusive C14N of
    xad:SignedProperties), so that the agent can rebuild both references.
    """

    id: str
    tbs: bytes
    mechanism: Mechanism
    target_id: str | None = None
    signed_properties: bytes | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """Outcome of phase 1: plain data that survives a restart (DESIGN D8).

    `document` is what the agent downloads and what finish completes: for a PDF the prepared
    increment, for a PES or a detached signature the unchanged source bytes. `resume` is
    JSON-serialisable and private to the module that made it; it never holds a live object.
    """

    format: SignatureFormat
    document: bytes
    document_sha256: str
    source_sha256: str
    to_sign: tuple[ToSign, ...]
    resume: JsonObject


@dataclass(frozen=True, slots=True)
class SignatureValue:
    """A value returned by the key for the `ToSign` of the same `id`.

    RSA: PKCS#1 v1.5 block; ECDSA: DER SEQUENCE of r and s.
    """

    id: str
    value: bytes
