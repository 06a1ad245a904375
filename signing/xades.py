"""Enveloped XAdES-EPES signatures, profile-neutral: build one apart, complete it with a value.

The signature is a standalone element that declares its own prefixes; exclusive canonicalisation
makes what is signed independent of the place where its bytes are inserted afterwards.
ETSI TS 101 903 v1.1.1 and v1.2.2 (the difference is the namespace of the digest elements).
"""

from __future__ import annotations

import hashlib
import unicodedata
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import x509
from lxml import etree

from signing.errors import SigningError
from signing.names import issuer_rfc2253
from signing.policies import XADES_1_1_1, SignaturePolicy
from signing.types import SignatureParameters
from signing.xmldsig import DS, ENVELOPED, EXCLUSIVE, RSA_SHA256, SHA256, SIGNATURE, canonical

_PREFIX = "xad"  # the name by which a TdT's library looks the properties up (pes-v2.md §2.2)
_EMPTY_VALUE = b'_SV"></ds:SignatureValue>'


@dataclass(frozen=True, slots=True)
class UnvaluedSignature:
    """A signature that only lacks its value: `xml` is ASCII, `tbs` what the key signs."""

    id: str
    target_id: str
    xml: bytes
    tbs: bytes
    signed_properties: bytes


@dataclass(frozen=True, slots=True)
class SignerIdentity:
    """What every signature of one preparation says of its signer, computed once."""

    parameters: SignatureParameters
    policy: SignaturePolicy
    certificate_b64: str
    certificate_digest: str
    issuer: str
    serial: str


def identify(parameters: SignatureParameters, policy: SignaturePolicy) -> SignerIdentity:
    """Read the certificate once for a batch. Raises UnsuitableCertificate (unreadable) and
    SigningError (`signature_text_invalid`) for an empty or unprintable role or place."""
    for text in (parameters.claimed_role, parameters.place.city, parameters.place.postal_code):
        _check_text(text)
    certificate = parameters.certificate
    issuer = issuer_rfc2253(certificate)
    return SignerIdentity(
        parameters=parameters,
        policy=policy,
        certificate_b64=b64encode(certificate).decode("ascii"),
        certificate_digest=_sha256_b64(certificate),
        issuer=issuer,
        serial=str(x509.Certificate.load(certificate).serial_number),
    )


def build(target_id: str, target_digest: bytes, identity: SignerIdentity) -> UnvaluedSignature:
    """The signature of the element whose Id is `target_id` and whose exclusive C14N has the
    SHA-256 `target_digest`. Ids are `<target>_SIG_1`, `_SV`, `_SP` (pes-v2.md §2.3)."""
    signature_id = f"{target_id}_SIG_1"
    signature = etree.Element(SIGNATURE, nsmap={"ds": DS}, Id=signature_id)
    signed_info = etree.SubElement(signature, _ds("SignedInfo"))
    etree.SubElement(signature, _ds("SignatureValue"), Id=f"{signature_id}_SV").text = ""
    data = etree.SubElement(etree.SubElement(signature, _ds("KeyInfo")), _ds("X509Data"))
    etree.SubElement(data, _ds("X509Certificate")).text = identity.certificate_b64
    properties = canonical(_add_properties(signature, signature_id, identity))
    etree.SubElement(signed_info, _ds("CanonicalizationMethod"), Algorithm=EXCLUSIVE)
    etree.SubElement(signed_info, _ds("SignatureMethod"), Algorithm=RSA_SHA256)
    content = etree.SubElement(signed_info, _ds("Reference"), URI=f"#{target_id}")
    _complete_reference(content, (ENVELOPED, EXCLUSIVE), b64encode(target_digest).decode())
    own = etree.SubElement(
        signed_info,
        _ds("Reference"),
        Type=f"{identity.policy.xades_namespace}SignedProperties",
        URI=f"#{signature_id}_SP",
    )
    _complete_reference(own, (EXCLUSIVE,), _sha256_b64(properties))
    return UnvaluedSignature(
        id=signature_id,
        target_id=target_id,
        xml=etree.tostring(signature, encoding="US-ASCII"),
        tbs=canonical(signed_info),
        signed_properties=properties,
    )


def complete(xml: bytes, value: bytes) -> bytes:
    """The bytes of `UnvaluedSignature.xml` with the raw signature value written in."""
    head, found, rest = xml.partition(_EMPTY_VALUE)
    if not found:
        raise SigningError(
            "La préparation de la signature est illisible : préparez-la de nouveau.",
            code="resume_unreadable",
        )
    return b"".join((head, b'_SV">', b64encode(value), b"</ds:SignatureValue>", rest))


def time_text(moment: datetime) -> str:
    """SigningTime as the DGFiP policy asks: UTC, second precision, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _add_properties(
    signature: etree._Element, signature_id: str, identity: SignerIdentity
) -> etree._Element:
    namespace = identity.policy.xades_namespace
    qualifying = etree.SubElement(
        etree.SubElement(signature, _ds("Object")),
        f"{{{namespace}}}QualifyingProperties",
        nsmap={_PREFIX: namespace},
        Target=f"#{signature_id}",
    )
    signed = etree.SubElement(
        qualifying, f"{{{namespace}}}SignedProperties", Id=f"{signature_id}_SP"
    )
    own = etree.SubElement(signed, f"{{{namespace}}}SignedSignatureProperties")
    # Order imposed by the schema of XAdES (SignedSignaturePropertiesType).
    _add(own, "SigningTime", time_text(identity.parameters.signing_time))
    _add_certificate(own, identity)
    _add_policy(own, identity.policy)
    place = _add(own, "SignatureProductionPlace")
    _add(place, "City", identity.parameters.place.city)
    _add(place, "PostalCode", identity.parameters.place.postal_code)
    _add(place, "CountryName", identity.parameters.place.country)
    roles = _add(_add(own, "SignerRole"), "ClaimedRoles")
    _add(roles, "ClaimedRole", identity.parameters.claimed_role)
    return signed


def _add_certificate(parent: etree._Element, identity: SignerIdentity) -> None:
    certificate = _add(_add(parent, "SigningCertificate"), "Cert")
    digest = _add(certificate, "CertDigest")
    _add_digest(digest, identity.policy.xades_namespace, identity.certificate_digest)
    serial = _add(certificate, "IssuerSerial")
    etree.SubElement(serial, _ds("X509IssuerName")).text = identity.issuer
    etree.SubElement(serial, _ds("X509SerialNumber")).text = identity.serial


def _add_policy(parent: etree._Element, policy: SignaturePolicy) -> None:
    chosen = _add(_add(parent, "SignaturePolicyIdentifier"), "SignaturePolicyId")
    identifier = _add(chosen, "SigPolicyId")
    _add(identifier, "Identifier", policy.identifier)
    _add(identifier, "Description", policy.description)
    _add_digest(_add(chosen, "SigPolicyHash"), policy.xades_namespace, policy.digest_b64)
    qualifier = _add(_add(chosen, "SigPolicyQualifiers"), "SigPolicyQualifier")
    _add(qualifier, "SPURI", policy.uri)


def _add_digest(parent: etree._Element, xades_namespace: str, digest_b64: str) -> None:
    """v1.1.1 has its own digest elements; from v1.2.2 on they are those of XML-DSig."""
    namespace = xades_namespace if xades_namespace == XADES_1_1_1 else DS
    etree.SubElement(parent, f"{{{namespace}}}DigestMethod", Algorithm=SHA256)
    etree.SubElement(parent, f"{{{namespace}}}DigestValue").text = digest_b64


def _complete_reference(
    reference: etree._Element, transforms: tuple[str, ...], digest_b64: str
) -> None:
    listed = etree.SubElement(reference, _ds("Transforms"))
    for algorithm in transforms:
        etree.SubElement(listed, _ds("Transform"), Algorithm=algorithm)
    etree.SubElement(reference, _ds("DigestMethod"), Algorithm=SHA256)
    etree.SubElement(reference, _ds("DigestValue")).text = digest_b64


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    """A child in the namespace of its parent."""
    child = etree.SubElement(parent, f"{{{etree.QName(parent).namespace}}}{name}")
    child.text = text
    return child


def _check_text(text: str) -> None:
    if text.strip() and not any(unicodedata.category(one).startswith("C") for one in text):
        return
    raise SigningError(
        "La qualité du signataire ou le lieu de signature est vide ou contient un caractère "
        "interdit : corrigez la fiche du bureau ou de la collectivité.",
        code="signature_text_invalid",
    )


def _ds(name: str) -> str:
    return f"{{{DS}}}{name}"


def _sha256_b64(content: bytes) -> str:
    return b64encode(hashlib.sha256(content).digest()).decode("ascii")
