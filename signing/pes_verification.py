"""Verification of the signatures of a PES flow: structure before mathematics (pes-v2.md §2.7).

Libraries and general validators accept slips that were moved, wrapped, added or left unsigned;
the rules here are what makes a valid signature mean a signed flow. `strict` binds what we make;
flows signed elsewhere are judged by the gentler list of the same paragraph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lxml import etree

from signing.pes_signature_rules import Place, Rules, signature_faults
from signing.pes_structure import (
    Slip,
    in_wrong_domain,
    misplaced_slips,
    repeated_domains,
    signatures_in,
    slips_of,
    undeclared_domains,
)
from signing.report import Coverage, Finding, SignatureReport, SubIndication
from signing.xades_checks import (
    Document,
    certificate_faults,
    check_mathematics,
    load_certificate,
    time_faults,
)
from signing.xades_reading import MalformedSignature, read
from signing.xades_report import Judge, Subject, refused, report
from signing.xmldsig import (
    SIGNATURE,
)

FlowReport = tuple[tuple[SignatureReport, ...], tuple[Finding, ...]]
_FORMAT = SubIndication.FORMAT_FAILURE


def verify_flow(document: Document, judge: Judge, rules: Rules) -> FlowReport:
    """Reports of every ds:Signature, and what is wrong with the flow as a whole.

    No signature at all gives no report and no blocking finding."""
    root = document.root
    slips = slips_of(root)
    found = list(root.iter(SIGNATURE))
    if not found:
        return (), ()
    places = _places(root, slips)
    findings = [
        *_identity_findings(document),
        *_slip_findings(root, slips),
        *_coverage_findings(root, slips, rules),
        *_placement_findings(found, places),
    ]
    reports = [_judge_place(document, place, judge, rules) for place in places]
    legal = {place.signature for place in places}
    reports += [_misplaced(one) for one in found if one not in legal]
    return tuple(reports), tuple(findings)


def _places(root: etree._Element, slips: tuple[Slip, ...]) -> list[Place]:
    in_slips = [
        Place(signature, slip.element, slip)
        for slip in slips
        for signature in signatures_in(slip.element)
    ]
    return in_slips + [Place(signature, root, None) for signature in signatures_in(root)]


def _identity_findings(document: Document) -> list[Finding]:
    doubled = [name for name, elements in document.ids.items() if len(elements) > 1]
    if not doubled:
        return []
    return [_blocking("pes_duplicate_id", f"L'identifiant « {doubled[0]} » est en double.")]


def _slip_findings(root: etree._Element, slips: tuple[Slip, ...]) -> list[Finding]:
    findings = []
    if misplaced_slips(root, slips):
        findings.append(
            _blocking(
                "pes_slip_misplaced",
                "Un bordereau se trouve hors de PES_DepenseAller et de PES_RecetteAller.",
            )
        )
    if repeated_domains(root):
        findings.append(_blocking("pes_domain_repeated", "Un domaine du flux apparaît deux fois."))
    findings += [
        _blocking(
            "pes_slip_in_wrong_domain",
            f"Le bordereau « {slip.id or 'sans Id'} » n'est pas dans le domaine qui est le sien.",
        )
        for slip in slips
        if in_wrong_domain(slip)
    ]
    findings += [
        Finding(
            "pes_not_dematerialised",
            f"InfoDematerialisee n'est pas à 1 dans {domain} alors que le flux est signé.",
        )
        for domain in undeclared_domains(root, slips)
    ]
    return findings


def _coverage_findings(
    root: etree._Element, slips: tuple[Slip, ...], rules: Rules
) -> list[Finding]:
    whole = bool(signatures_in(root))
    signed = [slip for slip in slips if signatures_in(slip.element)]
    if whole and signed and rules.strict:
        return [
            _blocking(
                "pes_signed_twice",
                "Le flux porte à la fois une signature globale et des signatures de bordereau.",
            )
        ]
    if whole:
        return []
    return [
        _blocking(
            "pes_slip_unsigned",
            f"Le bordereau « {slip.id or 'sans Id'} » n'est pas signé : "
            "la signature du flux est incomplète.",
        )
        for slip in slips
        if not signatures_in(slip.element)
    ]


def _placement_findings(found: Sequence[etree._Element], places: Sequence[Place]) -> list[Finding]:
    findings = []
    if len(found) != len(places):
        findings.append(
            _blocking(
                "pes_signature_misplaced",
                "Une signature n'est portée ni par la racine ni par un bordereau du flux.",
            )
        )
    per_parent = Counter(place.parent for place in places)
    if any(count > 1 for count in per_parent.values()):
        findings.append(
            _blocking("pes_several_signatures", "Un même élément porte plusieurs signatures.")
        )
    return findings


def _misplaced(signature: etree._Element) -> SignatureReport:
    finding = _blocking(
        "pes_signature_misplaced",
        "Cette signature n'est portée ni par la racine ni par un bordereau du flux.",
    )
    return refused(signature.get("Id") or "", "unknown", (finding,))


def _judge_place(document: Document, place: Place, judge: Judge, rules: Rules) -> SignatureReport:
    scope = (place.slip.id or "") if place.slip else "document"
    try:
        signature = read(place.signature)
    except MalformedSignature as e:
        finding = _blocking(e.code, e.detail)
        return refused(place.signature.get("Id") or "", scope, (finding,))
    certificate = signature.certificates[0]
    parsed = load_certificate(certificate)
    faults = (
        *signature_faults(signature, place, parsed, rules),
        *certificate_faults(signature, certificate),
        *time_faults(signature, parsed, judge.now),
    )
    mathematics = check_mathematics(document, signature, parsed)
    coverage = Coverage.PART if place.slip else Coverage.WHOLE
    return report(signature, certificate, mathematics, Subject(scope, coverage, faults), judge)


def _blocking(code: str, detail: str) -> Finding:
    return Finding(code, detail, blocking=True)
