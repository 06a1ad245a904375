"""PAdES: the prepared PDF gives the message digest, and the attributes say nothing else.

ISO 32000-1 §12.8.1 (ByteRange), ETSI EN 319 142-1 §4.2 and §6.3 (attributes of a B-B signature).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from asn1crypto import cms, tsp

from agent.errors import JobRefused
from signing.types import Mechanism, ToSign

_BYTE_RANGE = re.compile(
    rb"/ByteRange\s*\[\s*(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]"
)
_CONTENTS_KEY = re.compile(rb"/Contents\s*\Z")
_EXPECTED = frozenset({"content_type", "message_digest", "signing_certificate_v2"})
_KEY_WINDOW = 64


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The two signed segments: [0, gap_start) and [gap_end, size)."""

    gap_start: int
    gap_end: int


def check_pdf(document: bytes, to_sign: ToSign, *, certificate: bytes) -> None:
    """Refuses unless `to_sign` is the signed attributes of exactly this document and certificate.

    The document is digested with the function of the signature mechanism.

    Raises JobRefused (`byte_range`, `attributes_unexpected`, `digest_differs`,
    `certificate_differs`)."""
    gap = last_byte_range(document)
    is_sha384 = to_sign.mechanism is Mechanism.ECDSA_SHA384
    signed = hashlib.sha384() if is_sha384 else hashlib.sha256()
    signed.update(memoryview(document)[: gap.gap_start])
    signed.update(memoryview(document)[gap.gap_end :])
    attributes = _attributes(to_sign.tbs)
    if attributes["content_type"] != "data":
        raise _unexpected("contentType")
    if attributes["message_digest"] != signed.digest():
        raise JobRefused(
            "L'empreinte à signer n'est pas celle du PDF téléchargé : rien n'est signé, prévenez "
            "votre administrateur.",
            code="digest_differs",
        )
    _check_certificate(attributes["signing_certificate_v2"], certificate)


def last_byte_range(document: bytes) -> ByteRange:
    """The last /ByteRange, if it covers the whole file but the empty hexadecimal gap of /Contents.

    Raises JobRefused (`byte_range`)."""
    at = document.rfind(b"/ByteRange")
    found = _BYTE_RANGE.match(document, at) if at >= 0 else None
    if found is None:
        raise _bad_range()
    start, gap_start, gap_end, length = (int(g) for g in found.groups())
    if start != 0 or not 0 < gap_start < gap_end or gap_end + length != len(document):
        raise _bad_range()
    gap = document[gap_start:gap_end]
    if gap[:1] != b"<" or gap[-1:] != b">" or gap[1:-1].strip(b"0"):
        raise _bad_range()
    if not _CONTENTS_KEY.search(document[max(0, gap_start - _KEY_WINDOW) : gap_start]):
        raise _bad_range()
    return ByteRange(gap_start, gap_end)


def _attributes(tbs: bytes) -> dict[str, object]:
    """The three attributes of RFC 5652 §5.3, each present once with one value, DER."""
    try:
        parsed = cms.CMSAttributes.load(tbs, strict=True)
        names = [attribute["type"].native for attribute in parsed]
        single = all(len(attribute["values"]) == 1 for attribute in parsed)
        values = {a["type"].native: a["values"][0] for a in parsed}
        canonical = parsed.dump(force=True)
    except (ValueError, TypeError, KeyError) as e:
        raise _unexpected("DER") from e
    if not single or len(names) != len(_EXPECTED) or set(names) != _EXPECTED or canonical != tbs:
        raise _unexpected("liste")
    return {
        "content_type": values["content_type"].native,
        "message_digest": values["message_digest"].native,
        "signing_certificate_v2": values["signing_certificate_v2"],
    }


def _check_certificate(attribute: object, certificate: bytes) -> None:
    """ESS signing-certificate-v2 (RFC 5035 §3) names the selected certificate, and only it."""
    if not isinstance(attribute, tsp.SigningCertificateV2):
        raise _unexpected("signingCertificateV2")
    try:
        identifiers = attribute["certs"]
        count, first = len(identifiers), identifiers[0]
        algorithm = first["hash_algorithm"]["algorithm"].native
        digest = first["cert_hash"].native
    except (ValueError, TypeError, KeyError, IndexError) as e:
        raise _unexpected("signingCertificateV2") from e
    if count != 1 or algorithm != "sha256" or digest != hashlib.sha256(certificate).digest():
        raise JobRefused(
            "Les attributs à signer désignent un autre certificat que celui choisi : rien n'est "
            "signé.",
            code="certificate_differs",
        )


def _bad_range() -> JobRefused:
    return JobRefused(
        "La zone à signer du PDF ne couvre pas le document entier : rien n'est signé, prévenez "
        "votre administrateur.",
        code="byte_range",
    )


def _unexpected(what: str) -> JobRefused:
    return JobRefused(
        f"Les attributs à signer ne sont pas ceux attendus ({what}) : rien n'est signé, prévenez "
        "votre administrateur.",
        code="attributes_unexpected",
    )
