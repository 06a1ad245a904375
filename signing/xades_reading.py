"""Reads one ds:Signature into plain facts; refuses what does not have the shape of XAdES."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from signing.policies import XADES_1_1_1, XADES_1_2_2, XADES_1_3_2
from signing.xmldsig import DS, SHA1, SIGNATURE, Canonicalization, decode_base64

_XADES = (XADES_1_3_2, XADES_1_2_2, XADES_1_1_1)
_EXCLUSIVE_PREFIXES = "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces"
MAX_REFERENCES = 100
MAX_CERTIFICATES = 20


class MalformedSignature(Exception):
    """The element is not a XAdES signature that can be judged; `detail` is a French sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Transform:
    """A ds:Transform; `bare` when it has no other parameter than inclusive prefixes."""

    algorithm: str
    prefixes: tuple[str, ...]
    bare: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """A ds:Reference as written."""

    uri: str | None
    type: str | None
    transforms: tuple[Transform, ...]
    digest_method: str
    digest_value: bytes

    @property
    def algorithms(self) -> tuple[str, ...]:
        return tuple(transform.algorithm for transform in self.transforms)


@dataclass(frozen=True, slots=True)
class CertificateDigest:
    """A CertDigest of SigningCertificate(V2); `foreign_digest` for xad: elements in v1.2.2."""

    method: str
    value: bytes
    foreign_digest: bool


@dataclass(frozen=True, slots=True)
class Properties:
    """Qualifying properties; None where the element is absent."""

    namespace: str
    target: str | None
    signed: etree._Element
    signed_id: str | None
    signing_time: datetime | None
    signing_time_text: str | None
    certificate_digests: tuple[CertificateDigest, ...]
    policy_oid: str | None
    policy_digest: bytes | None
    claimed_role: str | None
    city: str | None
    has_unsigned: bool


@dataclass(frozen=True, slots=True)
class ReadSignature:
    """A ds:Signature with exactly one set of signed properties."""

    element: etree._Element
    id: str | None
    signed_info: etree._Element
    canonicalization: Canonicalization
    method: str
    references: tuple[Reference, ...]
    value: bytes
    value_id: str | None
    certificates: tuple[bytes, ...]
    objects: tuple[etree._Element, ...]
    properties: Properties


def read(signature: etree._Element) -> ReadSignature:
    """Facts of a signature (XML-DSig §4, ETSI TS 101 903 §6.2). Raises MalformedSignature."""
    children = list(signature.iterchildren("*"))
    names = [child.tag for child in children]
    expected = [_ds("SignedInfo"), _ds("SignatureValue"), _ds("KeyInfo")]
    if names[:3] != expected or any(name != _ds("Object") for name in names[3:]):
        raise MalformedSignature(
            "xml_signature_shape",
            "La signature n'a pas exactement SignedInfo, SignatureValue, KeyInfo puis Object.",
        )
    signed_info, value, key_info = children[:3]
    decoded = decode_base64(value.text)
    if not decoded:
        raise MalformedSignature("xml_signature_value", "La valeur de signature est illisible.")
    objects = tuple(children[3:])
    return ReadSignature(
        element=signature,
        id=signature.get("Id"),
        signed_info=signed_info,
        canonicalization=_canonicalization(signed_info),
        method=_algorithm(signed_info, "SignatureMethod"),
        references=_references(signed_info),
        value=decoded,
        value_id=value.get("Id"),
        certificates=_certificates(key_info),
        objects=objects,
        properties=_properties(signature, objects),
    )


def own_descendants(signature: etree._Element) -> Iterator[etree._Element]:
    """Elements of a signature, without those of a signature nested in it."""
    pending = list(signature.iterchildren("*"))
    while pending:
        element = pending.pop()
        if element.tag == SIGNATURE:
            continue
        yield element
        pending.extend(element.iterchildren("*"))


def _canonicalization(signed_info: etree._Element) -> Canonicalization:
    found = signed_info.find(_ds("CanonicalizationMethod"))
    if found is None:
        raise MalformedSignature("xml_signed_info", "La méthode de canonicalisation manque.")
    return Canonicalization(found.get("Algorithm", ""), _prefixes(found))


def _algorithm(parent: etree._Element, name: str) -> str:
    found = parent.findall(_ds(name))
    if len(found) != 1 or not found[0].get("Algorithm"):
        raise MalformedSignature("xml_signed_info", f"L'élément {name} manque ou est répété.")
    return found[0].get("Algorithm", "")


def _references(signed_info: etree._Element) -> tuple[Reference, ...]:
    found = signed_info.findall(_ds("Reference"))
    if not found or len(found) > MAX_REFERENCES:
        raise MalformedSignature(
            "xml_reference_count",
            f"La signature doit porter de 1 à {MAX_REFERENCES} références.",
        )
    return tuple(_reference(one) for one in found)


def _reference(element: etree._Element) -> Reference:
    transforms = element.findall(f"{_ds('Transforms')}/{_ds('Transform')}")
    return Reference(
        uri=element.get("URI"),
        type=element.get("Type"),
        transforms=tuple(
            Transform(
                one.get("Algorithm", ""),
                _prefixes(one),
                bare=all(child.tag == _EXCLUSIVE_PREFIXES for child in one.iterchildren("*"))
                and not (one.text or "").strip(),
            )
            for one in transforms
        ),
        digest_method=_algorithm(element, "DigestMethod"),
        # An unreadable digest matches nothing: the reference is broken, the rest is still judged.
        digest_value=decode_base64(element.findtext(_ds("DigestValue"))) or b"",
    )


def _prefixes(method: etree._Element) -> tuple[str, ...]:
    found = method.find(_EXCLUSIVE_PREFIXES)
    return () if found is None else tuple((found.get("PrefixList") or "").split())


def _certificates(key_info: etree._Element) -> tuple[bytes, ...]:
    found = key_info.findall(f"{_ds('X509Data')}/{_ds('X509Certificate')}")
    decoded = [decode_base64(one.text) for one in found[:MAX_CERTIFICATES]]
    if not decoded or not all(decoded):
        raise MalformedSignature(
            "xml_key_info", "Le certificat du signataire manque dans KeyInfo ou est illisible."
        )
    return tuple(one for one in decoded if one)


def _properties(signature: etree._Element, objects: tuple[etree._Element, ...]) -> Properties:
    counts = {"QualifyingProperties": 0, "SignedProperties": 0}
    for element in own_descendants(signature):
        name = etree.QName(element)
        if name.localname in counts and name.namespace in _XADES:
            counts[name.localname] += 1
    placed = [
        (namespace, qualifying)
        for one in objects
        for namespace in _XADES
        for qualifying in one.findall(f"{{{namespace}}}QualifyingProperties")
    ]
    if len(placed) != 1 or set(counts.values()) != {1}:
        raise MalformedSignature(
            "xades_properties_count",
            "La signature doit porter un seul QualifyingProperties et un seul SignedProperties.",
        )
    namespace, qualifying = placed[0]
    signed = qualifying.find(f"{{{namespace}}}SignedProperties")
    if signed is None:
        raise MalformedSignature(
            "xades_properties_count", "SignedProperties n'est pas à sa place dans la signature."
        )
    return _read_properties(namespace, qualifying, signed)


def _read_properties(
    namespace: str, qualifying: etree._Element, signed: etree._Element
) -> Properties:
    ns = {"x": namespace, "ds": DS}
    own = signed.find("x:SignedSignatureProperties", ns)
    if own is None:
        raise MalformedSignature(
            "xades_properties_count", "SignedSignatureProperties manque dans la signature."
        )
    time_text = own.findtext("x:SigningTime", namespaces=ns)
    policy = own.find("x:SignaturePolicyIdentifier/x:SignaturePolicyId", ns)
    role = _first_text(own, ("x:SignerRole", "x:SignerRoleV2"), "/x:ClaimedRoles/x:ClaimedRole", ns)
    return Properties(
        namespace=namespace,
        target=qualifying.get("Target"),
        signed=signed,
        signed_id=signed.get("Id"),
        signing_time=_time(time_text),
        signing_time_text=time_text,
        certificate_digests=_certificate_digests(own, ns),
        policy_oid=_policy_oid(policy, ns),
        policy_digest=_policy_digest(policy, ns),
        claimed_role=role,
        city=own.findtext("x:SignatureProductionPlace/x:City", namespaces=ns),
        has_unsigned=qualifying.find("x:UnsignedProperties", ns) is not None,
    )


def _first_text(
    parent: etree._Element, heads: tuple[str, ...], path: str, ns: dict[str, str]
) -> str | None:
    for head in heads:
        found = parent.find(head + path, ns)
        if found is not None:
            return "".join(found.itertext("*")).strip() or (found.text or "").strip() or None
    return None


def _certificate_digests(own: etree._Element, ns: dict[str, str]) -> tuple[CertificateDigest, ...]:
    digests = []
    for name in ("SigningCertificate", "SigningCertificateV2"):
        for one in own.findall(f"x:{name}/x:Cert/x:CertDigest", ns):
            method = one.find("ds:DigestMethod", ns)
            value = one.findtext("ds:DigestValue", namespaces=ns)
            foreign = method is None
            if foreign:
                method = one.find("x:DigestMethod", ns)
                value = one.findtext("x:DigestValue", namespaces=ns)
            decoded = decode_base64(value)
            if method is not None and decoded:
                digests.append(CertificateDigest(method.get("Algorithm", ""), decoded, foreign))
    return tuple(digests)


def digest_matches(digest: CertificateDigest, certificate: bytes) -> bool:
    """Whether a CertDigest is the digest of this certificate; SHA-1 is read, not trusted."""
    names = {
        SHA1: "sha1",
        "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
        "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
        "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
    }
    name = names.get(digest.method)
    if name is None:
        return False
    return hashlib.new(name, certificate, usedforsecurity=False).digest() == digest.value


def _policy_oid(policy: etree._Element | None, ns: dict[str, str]) -> str | None:
    if policy is None:
        return None
    text = (policy.findtext("x:SigPolicyId/x:Identifier", namespaces=ns) or "").strip()
    return text.removeprefix("urn:oid:") or None


def _policy_digest(policy: etree._Element | None, ns: dict[str, str]) -> bytes | None:
    if policy is None:
        return None
    for prefix in ("ds", "x"):
        text = policy.findtext(f"x:SigPolicyHash/{prefix}:DigestValue", namespaces=ns)
        if text:
            return decode_base64(text)
    return None


def _time(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat((text or "").strip())
        # xs:dateTime without zone: read as UTC, which is what the policy asks for.
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return zoned.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _ds(name: str) -> str:
    return f"{{{DS}}}{name}"
