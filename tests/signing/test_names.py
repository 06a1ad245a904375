"""Issuer names as Java's X500Principal prints them (RFC 2253)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from signing.errors import UnsuitableCertificate
from signing.names import issuer_rfc2253

ORGANISATION_IDENTIFIER = x509.ObjectIdentifier("2.5.4.97")
START = datetime(2026, 1, 1, tzinfo=UTC)


def certificate_issued_by(*names: x509.RelativeDistinguishedName) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sujet")]))
        .issuer_name(x509.Name(list(names)))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def named(oid: x509.ObjectIdentifier, value: str) -> x509.RelativeDistinguishedName:
    return x509.RelativeDistinguishedName([x509.NameAttribute(oid, value)])


def test_relative_names_are_reversed_and_joined_without_spaces() -> None:
    der = certificate_issued_by(
        named(NameOID.COUNTRY_NAME, "FR"),
        named(NameOID.ORGANIZATION_NAME, "AC Fictive"),
        named(NameOID.COMMON_NAME, "AC Essai"),
    )
    assert issuer_rfc2253(der) == "CN=AC Essai,O=AC Fictive,C=FR"


def test_an_organisation_identifier_is_its_oid_and_its_der_in_lower_case_hex() -> None:
    der = certificate_issued_by(named(ORGANISATION_IDENTIFIER, "NTRFR-1"))
    assert issuer_rfc2253(der) == "2.5.4.97=#0c074e545246522d31"


def test_a_serial_number_and_an_address_keep_the_tag_of_their_value() -> None:
    der = certificate_issued_by(
        named(NameOID.SERIAL_NUMBER, "S12"), named(NameOID.EMAIL_ADDRESS, "a@b.fr")
    )
    assert issuer_rfc2253(der) == "1.2.840.113549.1.9.1=#16066140622e6672,2.5.4.5=#1303533132"


def test_accents_are_kept() -> None:
    der = certificate_issued_by(named(NameOID.LOCALITY_NAME, "Saint-Modèle"))
    assert issuer_rfc2253(der) == "L=Saint-Modèle"


@pytest.mark.parametrize("character", list(',=+<>#;"\\'))
def test_special_characters_are_escaped_wherever_they_stand(character: str) -> None:
    der = certificate_issued_by(named(NameOID.ORGANIZATION_NAME, f"A{character}B"))
    assert issuer_rfc2253(der) == f"O=A\\{character}B"


def test_spaces_at_both_ends_are_escaped() -> None:
    der = certificate_issued_by(named(NameOID.ORGANIZATION_NAME, " A B "))
    assert issuer_rfc2253(der) == "O=\\ A B\\ "


def test_several_values_of_one_relative_name_are_joined_by_plus() -> None:
    pair = x509.RelativeDistinguishedName(
        [
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "A"),
            x509.NameAttribute(NameOID.USER_ID, "B"),
        ]
    )
    assert sorted(issuer_rfc2253(certificate_issued_by(pair)).split("+")) == ["OU=A", "UID=B"]


def test_a_printable_string_is_printed_like_a_utf8_one() -> None:
    rdn = x509.RelativeDistinguishedName(
        [x509.NameAttribute(NameOID.COMMON_NAME, "AC", _type=_ASN1Type.PrintableString)]
    )
    assert issuer_rfc2253(certificate_issued_by(rdn)) == "CN=AC"


def test_bytes_that_are_no_certificate_are_refused() -> None:
    with pytest.raises(UnsuitableCertificate):
        issuer_rfc2253(b"\x30\x03\x02\x01\x01")
