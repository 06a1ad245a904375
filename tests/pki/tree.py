"""One certificate of each kind under a fictional authority, and a look-alike authority beside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.demo.pki import (
    Issued,
    PrivateKey,
    Validity,
    make_authority,
    make_crl,
    make_signer,
    make_tls_client,
    rsa_key,
    valid_for,
)
from signing.trust import TrustMaterial

SIREN = "213499999"
ORGANISATION = "Commune de Saint-Modèle"


@dataclass(frozen=True, slots=True)
class PkiTree:
    """The certificates, all judged at `now`."""

    now: datetime
    root: Issued
    authority: Issued
    good: Issued
    other: Issued
    p256: Issued
    p384: Issued
    rsa_1024: Issued
    expired: Issued
    not_yet_valid: Issued
    revoked: Issued
    auth_only: Issued
    under_non_ca: Issued
    rogue_authority: Issued
    rogue: Issued
    tsa: Issued
    crls: tuple[bytes, ...]

    @property
    def chain(self) -> tuple[bytes, ...]:
        return (self.authority.der,)

    @property
    def trust(self) -> TrustMaterial:
        return TrustMaterial((self.root.der,), (self.authority.der,), self.crls)


@cache
def shared_tree() -> PkiTree:
    """The tree of this test run; keys cost seconds, so it is made once."""
    now = datetime.now(UTC).replace(microsecond=0)
    root = make_authority("Racine d'essai", validity=valid_for(3650, now=now))
    authority = make_authority("AC d'essai", issuer=root, validity=valid_for(1800, now=now))
    rogue_root = make_authority("Racine d'essai", validity=valid_for(3650, now=now))
    rogue_authority = make_authority(
        "AC d'essai", issuer=rogue_root, validity=valid_for(1800, now=now)
    )
    good = _signer(authority, now, "Camille EXEMPLE")
    revoked = _signer(authority, now, "Dominique RÉVOQUÉ", key=good.key)
    year = timedelta(days=365)
    past, future = Validity(now - 2 * year, now - year), Validity(now + year, now + 2 * year)
    return PkiTree(
        now=now,
        root=root,
        authority=authority,
        good=good,
        other=_signer(authority, now, "Sacha AUTRE"),
        p256=_signer(authority, now, "Alex COURBE", key=ec.generate_private_key(ec.SECP256R1())),
        p384=_signer(authority, now, "Lou COURBE", key=ec.generate_private_key(ec.SECP384R1())),
        rsa_1024=_signer(authority, now, "Noa FAIBLE", key=rsa_key(1024)),
        expired=_signer(authority, now, "Max PÉRIMÉ", key=good.key, validity=past),
        not_yet_valid=_signer(authority, now, "Eden FUTUR", key=good.key, validity=future),
        revoked=revoked,
        auth_only=make_tls_client(
            "Camille EXEMPLE", issuer=authority, validity=valid_for(300, now=now)
        ),
        under_non_ca=_signer(good, now, "Charlie SOUS-SIGNATAIRE", key=good.key),
        rogue_authority=rogue_authority,
        rogue=_signer(rogue_authority, now, "Camille EXEMPLE", key=good.key),
        tsa=make_tsa(authority, now=now),
        crls=(
            make_crl(root, now=now),
            make_crl(authority, revoked=[revoked.certificate], now=now),
        ),
    )


def make_tsa(issuer: Issued, *, now: datetime) -> Issued:
    """A time-stamping unit's certificate: the one extended usage, critical (RFC 3161 §2.3)."""
    key = rsa_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Horodatage d'essai")])
    validity = valid_for(1000, now=now)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.start)
        .not_valid_after(validity.end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
            critical=False,
        )
    )
    return Issued(builder.sign(issuer.key, hashes.SHA256()), key)


def _signer(
    issuer: Issued,
    now: datetime,
    name: str,
    *,
    key: PrivateKey | None = None,
    validity: Validity | None = None,
) -> Issued:
    return make_signer(
        name,
        issuer=issuer,
        validity=validity or valid_for(700, now=now),
        organisation=ORGANISATION,
        siren=SIREN,
        key=key,
    )
