"""Verification of the signatures of any XML file, to facts: a bad one is a report, not an error.

1. the file is refused when it is not well formed or carries a DOCTYPE;
2. structure: what each signature covers, by the rules of PES or of a generic document;
3. algorithms, digests and signature value;
4. the certificate that the signature names, its dates, then its chain, judged by the caller.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from lxml import etree

from signing import xml
from signing.errors import UnsupportedDocument
from signing.pes_signature_rules import Rules
from signing.pes_structure import ROOT
from signing.pes_verification import FlowReport, verify_flow
from signing.policies import HELIOS_POLICIES, SignaturePolicy
from signing.report import (
    ChainJudge,
    Coverage,
    Finding,
    SignatureReport,
    SubIndication,
    VerificationReport,
    verdict_of,
)
from signing.xades_checks import (
    Document,
    Fault,
    certificate_faults,
    check_mathematics,
    fatal,
    load_certificate,
    open_document,
    remark,
    resolve,
    time_faults,
)
from signing.xades_reading import (
    MalformedSignature,
    ReadSignature,
    Reference,
    digest_matches,
    read,
)
from signing.xades_report import Judge, Subject, refused, report
from signing.xmldsig import DS, ENVELOPED, SIGNATURE

MAX_SIGNATURES = 20
_OBJECT = f"{{{DS}}}Object"
_KEY_INFO = f"{{{DS}}}KeyInfo"
_ANY_ID = ("Id", "ID", "id", "xml:id")
_FORMAT = SubIndication.FORMAT_FAILURE


def verify_xml(
    content: bytes,
    *,
    judge_chain: ChainJudge,
    now: datetime,
    strict: bool = False,
    policies: Sequence[SignaturePolicy] = HELIOS_POLICIES,
) -> VerificationReport:
    """Judge every signature of an XML file, offline, never raising for what the file contains.

    `now` is aware. `strict` holds a PES to the exact profile that we produce; without it a flow
    signed elsewhere is judged by the list of pes-v2.md §2.7. Generic files: XML-DSig, XAdES
    v1.1.1 to v1.3.2 (ETSI TS 101 903, EN 319 132-1), enveloped or enveloping."""
    try:
        root = xml.parse(content)
    except UnsupportedDocument as e:
        finding = Finding(e.code, e.detail, blocking=True)
        return _report(content, "XML", (refused("", "document", (finding,)),), (finding,))
    judge = Judge(judge_chain, now)
    if root.tag == ROOT:
        document = open_document(root, content, ("Id",))
        rules = Rules(strict=strict, policies=tuple(policies))
        return _report(content, "PES_V2", *verify_flow(document, judge, rules))
    return _report(content, "XML", *_verify_generic(root, content, judge))


def _report(
    content: bytes,
    name: str,
    signatures: tuple[SignatureReport, ...],
    findings: tuple[Finding, ...],
) -> VerificationReport:
    return VerificationReport(
        verdict=verdict_of(signatures, findings),
        format=name,
        sha256=hashlib.sha256(content).hexdigest(),
        signatures=signatures,
        findings=findings,
    )


def _verify_generic(root: etree._Element, content: bytes, judge: Judge) -> FlowReport:
    found = list(root.iter(SIGNATURE))
    if not found:
        return (), ()
    outer = [one for one in found if next(one.iterancestors(SIGNATURE), None) is None]
    if len(outer) > MAX_SIGNATURES:
        finding = Finding(
            "xml_too_many_signatures",
            f"Le fichier porte plus de {MAX_SIGNATURES} signatures.",
            blocking=True,
        )
        return (refused("", "document", (finding,)),), (finding,)
    document = open_document(root, content, _ANY_ID)
    findings = _duplicate_findings(root)
    if len(outer) != len(found):
        findings.append(
            Finding(
                "xml_nested_signature", "Une signature en contient une autre, qui n'est pas jugée."
            )
        )
    return tuple(_judge_generic(document, one, judge) for one in outer), tuple(findings)


def _duplicate_findings(root: etree._Element) -> list[Finding]:
    values = [str(value) for value in etree.XPath("//@Id", smart_strings=False)(root)]
    if len(values) == len(set(values)):
        return []
    return [
        Finding("xml_duplicate_id", "Un identifiant est en double dans le fichier.", blocking=True)
    ]


def _judge_generic(document: Document, signature: etree._Element, judge: Judge) -> SignatureReport:
    try:
        facts = read(signature)
    except MalformedSignature as e:
        finding = Finding(e.code, e.detail, blocking=True)
        return refused(signature.get("Id") or "", "document", (finding,))
    certificate = _named_certificate(facts)
    parsed = load_certificate(certificate)
    faults = (
        *_scope_faults(document, facts),
        *certificate_faults(facts, certificate),
        *time_faults(facts, parsed, judge.now),
        *_unsigned_remarks(facts),
    )
    coverage = Coverage.NONE if _uncovered(faults) else Coverage.WHOLE
    mathematics = check_mathematics(document, facts, parsed)
    return report(facts, certificate, mathematics, Subject("document", coverage, faults), judge)


def _named_certificate(facts: ReadSignature) -> bytes:
    """The certificate of KeyInfo that SigningCertificate names, else the first."""
    for certificate in facts.certificates:
        if any(digest_matches(one, certificate) for one in facts.properties.certificate_digests):
            return certificate
    return facts.certificates[0]


def _scope_faults(document: Document, facts: ReadSignature) -> list[Fault]:
    """The references must be those of the whole content and of this signature's own properties."""
    properties_id = facts.properties.signed_id
    own = [one for one in facts.references if properties_id and one.uri == f"#{properties_id}"]
    contents = [
        one for one in facts.references if one not in own and not _is_key_info(document, facts, one)
    ]
    faults = []
    named = resolve(document, own[0].uri) if len(own) == 1 else None
    if named is None or named.element is not facts.properties.signed:
        faults.append(
            fatal(
                SubIndication.SIG_CONSTRAINTS_FAILURE,
                "signed_properties_not_signed",
                "Les propriétés signées ne sont pas couvertes par la signature.",
            )
        )
    if not _covers_content(document, facts, contents):
        faults.append(
            fatal(
                SubIndication.SIGNED_DATA_NOT_FOUND,
                "signed_data_missing",
                "La signature ne couvre pas le contenu du document.",
            )
        )
    return faults


def _is_key_info(document: Document, facts: ReadSignature, reference: Reference) -> bool:
    """A signature may cover its own KeyInfo as well (XML-DSig §4.5)."""
    target = resolve(document, reference.uri)
    if target is None or target.whole:
        return False
    return target.element.tag == _KEY_INFO and target.element.getparent() is facts.element


def _covers_content(
    document: Document, facts: ReadSignature, contents: Sequence[Reference]
) -> bool:
    targets = [resolve(document, one.uri) for one in contents]
    nodes = [one.element for one in targets if one is not None]
    if not nodes or len(nodes) != len(targets):
        return False
    if facts.element is document.root:
        return _covers_objects(facts, nodes)
    return all(node is document.root for node in nodes) and any(
        ENVELOPED in one.algorithms for one in contents
    )


def _covers_objects(facts: ReadSignature, nodes: Sequence[etree._Element]) -> bool:
    """Enveloping signature: every ds:Object but the one of the properties is referenced, and
    nothing else is, so that no other object can be shown in place of the signed one."""
    signed = facts.properties.signed
    payload = [one for one in facts.objects if not _contains(one, signed)]
    return (
        bool(payload)
        and len(nodes) == len(payload)
        and all(any(node is one for node in nodes) for one in payload)
    )


def _contains(ancestor: etree._Element, element: etree._Element) -> bool:
    return any(one is ancestor for one in element.iterancestors(_OBJECT))


def _uncovered(faults: Sequence[Fault]) -> bool:
    return any(one.sub_indication is SubIndication.SIGNED_DATA_NOT_FOUND for one in faults)


def _unsigned_remarks(facts: ReadSignature) -> list[Fault]:
    if not facts.properties.has_unsigned:
        return []
    return [
        remark(
            "unsigned_properties_not_judged",
            "Les propriétés non signées (horodatage, données de révocation) ne sont pas jugées.",
        )
    ]
