"""Signed PES flows: a fictional signer, the two phases in one call, and judges that trust it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from lxml import etree

from app.demo.flows import make_pes
from app.demo.pki import Issued, PrivateKey, make_authority, make_signer, valid_for
from signing import pes, xml
from signing.policies import HELIOS_2018, SignaturePolicy
from signing.report import Chain, Finding, SubIndication, VerificationReport
from signing.types import Place, Prepared, SignatureParameters, SignatureValue
from signing.xades import build, identify
from signing.xades_verification import verify_xml
from signing.xmldsig import SHA256, canonical, digest

NOW = datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate with its key, and the authority that issued it."""

    issued: Issued
    authority: Issued


@cache
def authority() -> Issued:
    return make_authority("AC Signature d'essai", validity=valid_for(400, now=NOW))


def make_pes_signer(name: str = "Jeanne Modèle", key: PrivateKey | None = None) -> Signer:
    issued = make_signer(
        name,
        issuer=authority(),
        validity=valid_for(300, now=NOW),
        organisation="Commune de Saint-Modèle",
        siren="213499999",
        key=key,
    )
    return Signer(issued, authority())


@cache
def signer() -> Signer:
    """The same signer for every test of a run: making an RSA key takes time."""
    return make_pes_signer()


def parameters(
    who: Signer | None = None, *, at: datetime = NOW, role: str = "Maire"
) -> SignatureParameters:
    chosen = who or signer()
    return SignatureParameters(
        certificate=chosen.issued.der,
        chain=(chosen.authority.der,),
        signing_time=at,
        place=Place("Saint-Modèle-lès-Essai", "34999"),
        claimed_role=role,
        signer_name="Jeanne Modèle",
    )


def values(prepared: Prepared, who: Signer | None = None) -> list[SignatureValue]:
    """What the key returns for a preparation."""
    key = (who or signer()).issued.key
    return [SignatureValue(one.id, rsa_value(key, one.tbs)) for one in prepared.to_sign]


def rsa_value(key: PrivateKey, tbs: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return key.sign(tbs, padding.PKCS1v15(), hashes.SHA256())


def sign_flow(document: bytes, policy: SignaturePolicy = HELIOS_2018) -> bytes:
    """Both phases, the state between them going through JSON as in the database."""
    prepared = pes.prepare(document, parameters(), policy)
    resume = json.loads(json.dumps(prepared.resume))
    return pes.finish(document, resume, values(prepared), certificate=signer().issued.der)


def trusting(
    _certificate: bytes, _extra: Sequence[bytes], _at: datetime
) -> tuple[Chain, SubIndication | None, tuple[Finding, ...]]:
    return Chain.TRUSTED, None, ()


def knowing_nobody(
    _certificate: bytes, _extra: Sequence[bytes], _at: datetime
) -> tuple[Chain, SubIndication | None, tuple[Finding, ...]]:
    return Chain.UNKNOWN, SubIndication.NO_CERTIFICATE_CHAIN_FOUND, ()


def judged(content: bytes, *, strict: bool = True, now: datetime = NOW) -> VerificationReport:
    """The report of a file whose signer is trusted."""
    return verify_xml(content, judge_chain=trusting, now=now + timedelta(seconds=1), strict=strict)


def codes(report: VerificationReport) -> set[str]:
    """Codes of everything that blocks, file and signatures together."""
    found = (*report.findings, *(one for each in report.signatures for one in each.findings))
    return {one.code for one in found if one.blocking}


def weak_rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)


def sign_without_guards(
    who: Signer,
    given: SignatureParameters | None = None,
    edit: Callable[[bytes], bytes] = bytes,
    policy: SignaturePolicy = HELIOS_2018,
) -> bytes:
    """A flow signed without the guards of `prepare`, its signature edited before it gets a value:
    the mathematics hold, the profile may not."""
    source = make_pes()
    identity = identify(given or parameters(who), policy)
    (target,) = xml.parse(source).iter("Bordereau")
    unvalued = build(target.get("Id", ""), digest(SHA256, (canonical(target),)), identity)
    root = xml.parse(edit(unvalued.xml))
    (info,), (properties,) = root.iter("{*}SignedInfo"), root.iter("{*}SignedProperties")
    _, own = info.iter("{*}DigestValue")
    own.text = b64encode(digest(SHA256, (canonical(properties),))).decode()
    (value,) = root.iter("{*}SignatureValue")
    value.text = b64encode(rsa_value(who.issued.key, canonical(info))).decode()
    signature = etree.tostring(root, encoding="US-ASCII")
    return source.replace(b"</Bordereau>", signature + b"</Bordereau>")
