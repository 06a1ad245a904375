"""The fictional signer of the measures: a certificate and its RSA-2048 key, in this process."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.demo import pki
from signing.types import Place, SignatureParameters, SignatureValue, ToSign


@dataclass(frozen=True, slots=True)
class BenchSigner:
    """Who signs. The chain holds the issuer alone, as a token gives it."""

    issuer: pki.Issued
    own: pki.Issued

    def parameters(self) -> SignatureParameters:
        return SignatureParameters(
            certificate=self.own.der,
            chain=(self.issuer.der,),
            signing_time=datetime.now(UTC).replace(microsecond=0),
            place=Place(city="Saint-Exemple", postal_code="99000"),
            claimed_role="Ordonnateur",
            signer_name="Camille Exemple",
        )

    def values(self, to_sign: Iterable[ToSign]) -> list[SignatureValue]:
        key = self.own.key
        assert isinstance(key, rsa.RSAPrivateKey)
        return [
            SignatureValue(one.id, key.sign(one.tbs, padding.PKCS1v15(), hashes.SHA256()))
            for one in to_sign
        ]


def make_signer() -> BenchSigner:
    """A chain made for this run."""
    validity = pki.valid_for(2)
    issuer = pki.make_authority("AC de mesure", validity=validity)
    own = pki.make_signer(
        "Camille Exemple",
        issuer=issuer,
        validity=validity,
        organisation="Commune fictive de Saint-Exemple",
        siren="219900016",
    )
    return BenchSigner(issuer, own)
