"""PES v2: the target element, SignedProperties and SignedInfo are rebuilt and compared.

XAdES-EPES enveloped of the DGFiP policy (pes-v2.md §2.1-2.3), XMLDSig §4.4, exclusive C14N."""

from __future__ import annotations

import base64
import binascii
import hashlib
from contextlib import suppress
from datetime import UTC
from decimal import Decimal

from cryptography import x509
from lxml import etree

from agent.errors import JobRefused
from agent.fields import Malformed, amount_of, rfc3339
from agent.protocol import JobItem, PesToSign, Policy
from signing.errors import UnsupportedDocument
from signing.types import Mechanism
from signing.xml import parse

PES_ROOT = "{http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/aller}PES_Aller"
DOMAINS = ("PES_DepenseAller", "PES_RecetteAller")
DS = "http://www.w3.org/2000/09/xmldsig#"
XADES_NAMESPACES = ("http://uri.etsi.org/01903/v1.1.1#", "http://uri.etsi.org/01903/v1.2.2#")
EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_SIGNED_SIGNATURE_PROPERTIES = (
    "SigningTime",
    "SigningCertificate",
    "SignaturePolicyIdentifier",
    "SignatureProductionPlace",
    "SignerRole",
)
_POLICY_PARTS = ("SigPolicyId", "SigPolicyHash", "SigPolicyQualifiers")


def check_pes(item: JobItem, document: bytes, *, certificate: bytes) -> None:
    """Refuses unless every SignedInfo of `item` is that of this flow, certificate and place.

    Raises JobRefused (`source_differs`, `document_unreadable`, `target_unknown`,
    `summary_differs`, `signed_info_unexpected`, `algorithm_refused`, `digest_differs`,
    `signed_properties_differ`, `certificate_differs`, `policy_differs`, `role_differs`,
    `place_differs`, `time_differs`)."""
    if item.source_sha256 != item.download_sha256:
        raise _refused("source_differs", "Le flux PES téléchargé n'est pas celui du dossier")
    root = _flow(document)
    targets = _targets(root)
    for entry in item.pes:
        if entry.to_sign.mechanism is not Mechanism.RSA_SHA256:
            raise _algorithm()
        target = targets.get(entry.target_id)
        if target is None:
            raise _refused("target_unknown", "L'élément à signer n'est pas dans le flux PES")
        _check_signature(item, entry, target, certificate)
    _check_summary(item, root)


def canonical(element: etree._Element) -> bytes:
    """Exclusive C14N without comments of `element` and what it holds."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def _flow(document: bytes) -> etree._Element:
    try:
        root = parse(document)
    except UnsupportedDocument as e:
        raise _refused("document_unreadable", "Le flux PES téléchargé est illisible") from e
    if root.tag != PES_ROOT:
        raise _refused("document_unreadable", "Le document téléchargé n'est pas un flux PES")
    return root


def _slips(root: etree._Element) -> list[etree._Element]:
    return [slip for domain in DOMAINS for slip in root.iterfind(f"{domain}/Bordereau")]


def _targets(root: etree._Element) -> dict[str, etree._Element]:
    """The elements that may be signed, by Id; an Id met twice in the flow designates nothing."""
    seen: dict[str, int] = {}
    for element in root.iter(etree.Element):
        value = element.get("Id")
        if value is not None:
            seen[value] = seen.get(value, 0) + 1
    candidates = [root, *_slips(root)]
    return {i: e for e in candidates if (i := e.get("Id")) and seen[i] == 1}


def _check_summary(item: JobItem, root: etree._Element) -> None:
    """The figures shown to the person are those of the flow (pes-v2.md §1.3)."""
    slips = _slips(root)
    if item.summary.slips not in (None, len(slips)):
        raise _refused(
            "summary_differs", "Le nombre de bordereaux annoncé n'est pas celui du flux PES"
        )
    if item.summary.amount_incl_tax not in (None, sum(map(_amount, slips), Decimal(0))):
        raise _refused("summary_differs", "Le montant annoncé n'est pas celui du flux PES")


def _amount(slip: etree._Element) -> Decimal:
    """The larger of the declared amount and the sum of the lines, tax included."""
    head = slip.find("BlocBordereau")
    declared = Decimal(0) if head is None else _sum(head, ("MtBordHT", "MtBordHt", "MtBordTVA"))
    lines = (
        line
        for name in ("InfoLignePce", "InfoLignePiece")
        for line in slip.iterfind(f"Piece/LigneDePiece/BlocLignePiece/{name}")
    )
    return max(declared, sum((_sum(line, ("MtHT", "MtTVA")) for line in lines), Decimal(0)))


def _sum(parent: etree._Element, names: tuple[str, ...]) -> Decimal:
    """An unreadable amount counts for nothing, as it does for the server, which warns about it."""
    total = Decimal(0)
    for name in names:
        element = parent.find(name)
        with suppress(Malformed):
            total += Decimal(0) if element is None else amount_of(element.get("V", ""))
    return total


def _check_signature(
    item: JobItem, entry: PesToSign, target: etree._Element, certificate: bytes
) -> None:
    properties = _canonical_element(entry.signed_properties, "signed_properties_differ")
    namespace = _check_properties(item, properties, certificate)
    references = _check_signed_info(_canonical_element(entry.to_sign.tbs, "signed_info_unexpected"))
    _check_content_reference(references[0], entry.target_id, canonical(target))
    _check_properties_reference(references[1], properties, namespace, entry.signed_properties)


def _canonical_element(content: bytes, code: str) -> etree._Element:
    """The element whose exclusive C14N is exactly `content`."""
    try:
        element = parse(content)
    except UnsupportedDocument as e:
        raise _refused(code, "Les données à signer sont illisibles") from e
    if canonical(element) != content:
        raise _refused(code, "Les données à signer ne sont pas sous leur forme canonique")
    return element


def _check_signed_info(info: etree._Element) -> tuple[etree._Element, etree._Element]:
    """ds:SignedInfo with exactly two references; returns them."""
    children = list(info)
    expected = ["CanonicalizationMethod", "SignatureMethod", "Reference", "Reference"]
    if info.tag != _ds("SignedInfo") or [c.tag for c in children] != [_ds(n) for n in expected]:
        raise _signed_info()
    if not set(info.keys()) <= {"Id"} or _has_text(info):
        raise _signed_info()
    if _algorithm_of(children[0]) != EXCLUSIVE_C14N or _algorithm_of(children[1]) != RSA_SHA256:
        raise _algorithm()
    return children[2], children[3]


def _check_content_reference(reference: etree._Element, target_id: str, content: bytes) -> None:
    if reference.get("URI") != f"#{target_id}" or not set(reference.keys()) <= {"URI", "Id"}:
        raise _signed_info()
    if _reference_digest(reference, [ENVELOPED, EXCLUSIVE_C14N]) != _sha256(content):
        raise _refused(
            "digest_differs", "L'empreinte à signer n'est pas celle du bordereau téléchargé"
        )


def _check_properties_reference(
    reference: etree._Element, properties: etree._Element, namespace: str, content: bytes
) -> None:
    expected = {"URI": f"#{properties.get('Id')}", "Type": f"{namespace}SignedProperties"}
    if {k: v for k, v in reference.items() if k != "Id"} != expected:
        raise _signed_info()
    if _reference_digest(reference, [EXCLUSIVE_C14N]) != _sha256(content):
        raise _refused(
            "signed_properties_differ", "Les propriétés signées ne sont pas celles annoncées"
        )


def _reference_digest(reference: etree._Element, transforms: list[str]) -> bytes:
    children = list(reference)
    expected = [_ds("Transforms"), _ds("DigestMethod"), _ds("DigestValue")]
    if [c.tag for c in children] != expected or _has_text(reference):
        raise _signed_info()
    if any(t.tag != _ds("Transform") for t in children[0]) or _has_text(children[0]):
        raise _signed_info()
    if [_algorithm_of(t) for t in children[0]] != transforms:
        raise _signed_info()
    if _algorithm_of(children[1]) != SHA256:
        raise _algorithm()
    return _base64(children[2])


def _check_properties(item: JobItem, properties: etree._Element, certificate: bytes) -> str:
    """SignedProperties say the certificate, policy, place, role and time of the item."""
    tag = etree.QName(properties)
    namespace = tag.namespace or ""
    if tag.localname != "SignedProperties" or namespace not in XADES_NAMESPACES:
        raise _properties()
    if set(properties.keys()) != {"Id"} or len(properties) != 1:
        raise _properties()
    found = _children(properties[0], namespace, _SIGNED_SIGNATURE_PROPERTIES)
    if properties[0].tag != f"{{{namespace}}}SignedSignatureProperties":
        raise _properties()
    if found["SigningTime"].text != rfc3339(item.signing_time.astimezone(UTC)):
        raise _refused("time_differs", "La date de signature n'est pas celle annoncée")
    _check_certificate(found["SigningCertificate"], namespace, certificate)
    _check_policy(found["SignaturePolicyIdentifier"], namespace, item.policy)
    _check_place(found["SignatureProductionPlace"], namespace, item)
    _check_role(found["SignerRole"], namespace, item)
    return namespace


def _check_certificate(element: etree._Element, namespace: str, certificate: bytes) -> None:
    cert = _children(element, namespace, ("Cert",))["Cert"]
    parts = _children(cert, namespace, ("CertDigest", "IssuerSerial"))
    serial = parts["IssuerSerial"].findtext(_ds("X509SerialNumber"))
    expected = str(x509.load_der_x509_certificate(certificate).serial_number)
    if _digest(parts["CertDigest"], namespace) != _sha256(certificate) or serial != expected:
        raise _refused(
            "certificate_differs", "Les propriétés signées désignent un autre certificat"
        )


def _check_policy(element: etree._Element, namespace: str, policy: Policy | None) -> None:
    content = _children(element, namespace, ("SignaturePolicyId",))["SignaturePolicyId"]
    names = [etree.QName(c).localname for c in content]
    if names not in (["SigPolicyId", "SigPolicyHash"], [*_POLICY_PARTS]):
        raise _properties()
    identifier = content.findtext(f"{{{namespace}}}SigPolicyId/{{{namespace}}}Identifier")
    digest = content.find(f"{{{namespace}}}SigPolicyHash")
    if policy is None or identifier != f"urn:oid:{policy.oid}" or digest is None:
        raise _policy()
    if _digest(digest, namespace) != policy.digest:
        raise _policy()


def _check_place(element: etree._Element, namespace: str, item: JobItem) -> None:
    found = _children(element, namespace, ("City", "PostalCode", "CountryName"))
    said = tuple(found[n].text or "" for n in ("City", "PostalCode", "CountryName"))
    if said != (item.city, item.postal_code, item.country):
        raise _refused("place_differs", "Le lieu de signature n'est pas celui annoncé")


def _check_role(element: etree._Element, namespace: str, item: JobItem) -> None:
    roles = _children(element, namespace, ("ClaimedRoles",))["ClaimedRoles"]
    role = _children(roles, namespace, ("ClaimedRole",))["ClaimedRole"]
    if len(role) != 0 or (role.text or "") != item.claimed_role:
        raise _refused("role_differs", "La qualité du signataire n'est pas celle annoncée")


def _digest(element: etree._Element, namespace: str) -> bytes:
    """SHA-256 of a DigestMethod and DigestValue pair, in ds (v1.2.2) or in xad (v1.1.1)."""
    children = list(element)
    for space in (DS, namespace):
        if [c.tag for c in children] == [f"{{{space}}}DigestMethod", f"{{{space}}}DigestValue"]:
            if _algorithm_of(children[0]) != SHA256:
                raise _algorithm()
            return _base64(children[1])
    raise _properties()


def _children(
    element: etree._Element, namespace: str, names: tuple[str, ...]
) -> dict[str, etree._Element]:
    """The children of `element`, which must be exactly `names`, in this order."""
    if [c.tag for c in element] != [f"{{{namespace}}}{n}" for n in names]:
        raise _properties()
    return dict(zip(names, element, strict=True))


def _algorithm_of(element: etree._Element) -> str | None:
    """The Algorithm of an element that says nothing else."""
    if element.keys() != ["Algorithm"] or len(element) != 0 or (element.text or "").strip():
        raise _signed_info()
    return element.get("Algorithm")


def _has_text(element: etree._Element) -> bool:
    """Whether something else than white space stands between the children."""
    texts = [element.text, *(c.tail for c in element)]
    return any(t and t.strip() for t in texts)


def _base64(element: etree._Element) -> bytes:
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError) as e:
        raise _signed_info() from e


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _ds(name: str) -> str:
    return f"{{{DS}}}{name}"


def _refused(code: str, what: str) -> JobRefused:
    return JobRefused(f"{what} : rien n'est signé, prévenez votre administrateur.", code=code)


def _signed_info() -> JobRefused:
    return _refused("signed_info_unexpected", "Le bloc à signer n'a pas la forme attendue")


def _algorithm() -> JobRefused:
    return _refused("algorithm_refused", "Un algorithme demandé n'est pas admis")


def _properties() -> JobRefused:
    return _refused("signed_properties_differ", "Les propriétés signées sont inattendues")


def _policy() -> JobRefused:
    return _refused("policy_differs", "La politique de signature n'est pas celle annoncée")
