"""The signed attributes of a CMS: exactly those expected, each with the one value that the document
and the selected certificate give (RFC 5652 §5.3, RFC 5035 §3)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from asn1crypto import core, tsp

from agent.errors import JobRefused
from signing.types import Mechanism

CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
EVERYWHERE: Final = frozenset({CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE_V2})
"""The attributes of every signature made here (EN 319 122-1 §6.3, EN 319 142-1 §6.3)."""
_DATA: Final = "1.2.840.113549.1.7.1"


class _Values(core.SetOf):  # type: ignore[misc]
    _child_spec = core.Any


class _Attribute(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar[Sequence[tuple[Any, ...]]] = [
        ("type", core.ObjectIdentifier),
        ("values", _Values),
    ]


class _Attributes(core.SetOf):  # type: ignore[misc]
    _child_spec = _Attribute


def check_attributes(
    tbs: bytes,
    segments: Iterable[memoryview],
    *,
    mechanism: Mechanism,
    certificate: bytes,
    others: frozenset[str] = frozenset(),
) -> Mapping[str, bytes]:
    """The DER value of each attribute of `tbs`, once it is proved that they are those of
    `EVERYWHERE` and `others` and no more, that the digest is that of `segments` by the function of
    `mechanism`, and that the certificate is this one.

    Raises JobRefused (`attributes_unexpected`, `digest_differs`, `certificate_differs`)."""
    values = _read(tbs, EVERYWHERE | others)
    if values[CONTENT_TYPE] != core.ObjectIdentifier(_DATA).dump():
        raise unexpected("contentType")
    signed = hashlib.sha384() if mechanism is Mechanism.ECDSA_SHA384 else hashlib.sha256()
    for segment in segments:
        signed.update(segment)
    if values[MESSAGE_DIGEST] != core.OctetString(signed.digest()).dump():
        raise JobRefused(
            "L'empreinte à signer n'est pas celle du document téléchargé : rien n'est signé, "
            "prévenez votre administrateur.",
            code="digest_differs",
        )
    _check_certificate(values[SIGNING_CERTIFICATE_V2], certificate)
    return values


def unexpected(what: str) -> JobRefused:
    """The refusal of attributes that are not those of such a signature."""
    return JobRefused(
        f"Les attributs à signer ne sont pas ceux attendus ({what}) : rien n'est signé, prévenez "
        "votre administrateur.",
        code="attributes_unexpected",
    )


def _read(tbs: bytes, expected: frozenset[str]) -> dict[str, bytes]:
    """Each attribute present once with one value, in DER."""
    try:
        parsed = _Attributes.load(tbs, strict=True)
        names = [one["type"].dotted for one in parsed]
        single = all(len(one["values"]) == 1 for one in parsed)
        values = {one["type"].dotted: bytes(one["values"][0].dump()) for one in parsed}
        canonical = parsed.dump(force=True)
    except (ValueError, TypeError, KeyError, IndexError) as e:
        raise unexpected("DER") from e
    if not single or len(names) != len(expected) or set(names) != expected or canonical != tbs:
        raise unexpected("liste")
    return values


def _check_certificate(value: bytes, certificate: bytes) -> None:
    """ESS signing-certificate-v2 names the selected certificate, and only it."""
    try:
        named = tsp.SigningCertificateV2.load(value, strict=True)
        identifiers = named["certs"]
        count, first = len(identifiers), identifiers[0]
        algorithm = first["hash_algorithm"]["algorithm"].native
        digest = first["cert_hash"].native
    except (ValueError, TypeError, KeyError, IndexError) as e:
        raise unexpected("signingCertificateV2") from e
    if count != 1 or algorithm != "sha256" or digest != hashlib.sha256(certificate).digest():
        raise JobRefused(
            "Les attributs à signer désignent un autre certificat que celui choisi : rien n'est "
            "signé.",
            code="certificate_differs",
        )
