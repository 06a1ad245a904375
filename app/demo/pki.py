"""A fictional certification chain for the demonstration and the tests: never of legal value."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

MARK = "TEST sans valeur juridique"
_ORGANISATION_IDENTIFIER = x509.ObjectIdentifier("2.5.4.97")
_DEMO_POLICY = x509.ObjectIdentifier("1.3.6.1.4.1.32473.1.1")
_CRL_URL = "http://crl.parapheur.invalid/test.crl"
BACKDATE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


@dataclass(frozen=True, slots=True)
class Validity:
    """Period of a certificate, both ends aware UTC."""

    start: datetime
    end: datetime


def valid_for(days: int, *, now: datetime | None = None) -> Validity:
    """From an hour ago, so that a clock slightly late still accepts it, for `days` days."""
    moment = now or datetime.now(UTC)
    return Validity(moment - BACKDATE, moment + timedelta(days=days))


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def make_authority(name: str, *, issuer: Issued | None = None, validity: Validity) -> Issued:
    """A certification authority, self-signed when `issuer` is None."""
    key = rsa_key()
    subject = _name(name, organisation="Autorité fictive de démonstration")
    builder = _builder(subject, issuer, key, validity).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    builder = builder.add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
    return _signed(builder, key, issuer)


def make_signer(
    name: str,
    *,
    issuer: Issued,
    validity: Validity,
    organisation: str,
    siren: str,
    key: PrivateKey | None = None,
) -> Issued:
    """A signature certificate: nonRepudiation alone, as French tokens carry."""
    own_key = key or rsa_key()
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(_ORGANISATION_IDENTIFIER, f"NTRFR-{siren}"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"0002 {siren}"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, MARK),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    builder = _builder(subject, issuer, own_key, validity)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    builder = builder.add_extension(_key_usage(content_commitment=True), critical=True)
    builder = builder.add_extension(
        x509.CertificatePolicies([x509.PolicyInformation(_DEMO_POLICY, None)]), critical=False
    )
    builder = builder.add_extension(_crl_points(), critical=False)
    return _signed(builder, own_key, issuer)


def make_tls_server(host: str, *, issuer: Issued, validity: Validity) -> Issued:
    """A TLS server certificate for a loopback address or `localhost`."""
    key = rsa_key()
    builder = _builder(_name(host), issuer, key, validity)
    builder = builder.add_extension(
        x509.SubjectAlternativeName([_general_name(host)]), critical=False
    )
    return _signed(_tls(builder, ExtendedKeyUsageOID.SERVER_AUTH), key, issuer)


def make_tls_client(name: str, *, issuer: Issued, validity: Validity) -> Issued:
    """A TLS client certificate, as a TdT account needs."""
    key = rsa_key()
    builder = _builder(_name(name), issuer, key, validity)
    return _signed(_tls(builder, ExtendedKeyUsageOID.CLIENT_AUTH), key, issuer)


def make_crl(
    authority: Issued, *, revoked: Iterable[x509.Certificate] = (), now: datetime | None = None
) -> bytes:
    """A revocation list in DER, good for thirty days."""
    moment = now or datetime.now(UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(moment - BACKDATE)
        .next_update(moment + timedelta(days=30))
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
    )
    for certificate in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(certificate.serial_number)
            .revocation_date(moment - BACKDATE)
            .build()
        )
    crl = builder.sign(authority.key, hashes.SHA256())
    return crl.public_bytes(serialization.Encoding.DER)


def _name(common_name: str, *, organisation: str | None = None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")]
    if organisation:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, MARK))
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    return x509.Name(attributes)


def _builder(
    subject: x509.Name, issuer: Issued | None, key: PrivateKey, validity: Validity
) -> x509.CertificateBuilder:
    issuer_name = issuer.certificate.subject if issuer else subject
    issuer_key = issuer.key if issuer else key
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.start)
        .not_valid_after(validity.end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )


def _tls(
    builder: x509.CertificateBuilder, purpose: x509.ObjectIdentifier
) -> x509.CertificateBuilder:
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    builder = builder.add_extension(_key_usage(digital_signature=True), critical=True)
    return builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)


def _crl_points() -> x509.CRLDistributionPoints:
    point = x509.DistributionPoint(
        full_name=[x509.UniformResourceIdentifier(_CRL_URL)],
        relative_name=None,
        reasons=None,
        crl_issuer=None,
    )
    return x509.CRLDistributionPoints([point])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(builder: x509.CertificateBuilder, key: PrivateKey, issuer: Issued | None) -> Issued:
    signing_key = issuer.key if issuer else key
    return Issued(builder.sign(signing_key, hashes.SHA256()), key)
