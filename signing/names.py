"""Distinguished names as Java prints them (RFC 2253), which TdTs compare as strings."""

from __future__ import annotations

from typing import Any

from asn1crypto import x509

from signing.errors import UnsuitableCertificate

# RFC 2253 §2.3: the nine types printed by name; Java prints every other one as its OID.
_KEYWORDS = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
}
_STRING_TAGS = frozenset({12, 19, 20, 22, 27, 28, 30})
_ESCAPED = frozenset(',=+<>#;"\\')


def issuer_rfc2253(certificate: bytes) -> str:
    """Issuer of a DER certificate as `X500Principal.getName(RFC2253)` of Java prints it.

    Raises UnsuitableCertificate when the bytes are not a certificate."""
    try:
        issuer = x509.Certificate.load(certificate).issuer
        return _name(issuer)
    except (ValueError, TypeError) as e:
        raise UnsuitableCertificate("Le certificat est illisible.") from e


def _name(name: Any) -> str:
    relative_names = list(name.chosen)
    return ",".join(
        "+".join(_attribute(attribute) for attribute in relative)
        for relative in reversed(relative_names)
    )


def _attribute(attribute: Any) -> str:
    oid = attribute["type"].dotted
    value = attribute["value"]
    keyword = _KEYWORDS.get(oid)
    der = value.dump()
    if keyword is None or der[0] not in _STRING_TAGS:
        return f"{keyword or oid}=#{der.hex()}"
    return f"{keyword}={_escape(value.native)}"


def _escape(text: str) -> str:
    escaped = "".join(_escape_character(character) for character in text)
    body = escaped.strip(" \r")
    if not body:
        return "".join(f"\\{character}" for character in escaped)
    lead, trail = escaped.split(body, 1)
    return "".join(f"\\{c}" for c in lead) + body + "".join(f"\\{c}" for c in trail)


def _escape_character(character: str) -> str:
    if character in _ESCAPED:
        return f"\\{character}"
    return "\\00" if character == "\x00" else character
