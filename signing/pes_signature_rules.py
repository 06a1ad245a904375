"""What one signature of a PES flow must look like (pes-v2.md §2.1 to §2.3, §2.7)."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from lxml import etree

from signing.keys import allows_signature
from signing.pes_structure import Slip
from signing.policies import HELIOS_POLICIES, XADES_1_1_1, SignaturePolicy
from signing.report import SubIndication
from signing.xades_checks import Fault, fatal, remark
from signing.xades_reading import ReadSignature, own_descendants
from signing.xmldsig import (
    CANONICALIZATIONS,
    ENVELOPED,
    EXCLUSIVE,
    RSA_METHODS,
    RSA_SHA256,
    SHA256,
)

_FORMAT = SubIndication.FORMAT_FAILURE


@dataclass(frozen=True, slots=True)
class Rules:
    """How severely a flow is judged."""

    strict: bool
    policies: Sequence[SignaturePolicy] = HELIOS_POLICIES


@dataclass(frozen=True, slots=True)
class Place:
    """A signature at a legal place: its parent is the root (`slip` None) or a slip."""

    signature: etree._Element
    parent: etree._Element
    slip: Slip | None


def signature_faults(
    signature: ReadSignature, place: Place, certificate: x509.Certificate | None, rules: Rules
) -> tuple[Fault, ...]:
    """Everything in the form of a signature that the profile objects to, structure first."""
    return (
        *_shape_faults(signature, place, rules),
        *_reference_rules(signature, place, rules),
        *_algorithm_rules(signature, rules),
        *_property_rules(signature, rules),
        *_usage_faults(certificate, rules),
    )


def _shape_faults(signature: ReadSignature, place: Place, rules: Rules) -> list[Fault]:
    faults = []
    if any(_is_flow_content(element) for element in own_descendants(place.signature)):
        faults.append(
            fatal(
                _FORMAT,
                "pes_content_in_signature",
                "La signature renferme des éléments du flux : elle a été détournée.",
            )
        )
    if len(signature.objects) != 1:
        faults.append(
            fatal(_FORMAT, "pes_several_objects", "La signature porte plusieurs ds:Object.")
        )
    if place.signature.getnext() is not None:
        faults.append(
            _by_strictness(
                rules,
                "pes_signature_not_last",
                "La signature n'est pas le dernier élément de ce qu'elle signe.",
            )
        )
    if rules.strict and not _is_ours(signature, place):
        faults.append(
            fatal(
                _FORMAT,
                "pes_signature_form",
                "La signature n'a pas exactement la forme de celles que produit le parapheur.",
            )
        )
    return faults


def _is_flow_content(element: etree._Element) -> bool:
    namespace = etree.QName(element).namespace
    return namespace is None or namespace.startswith("http://www.minefi.gouv.fr/")


def _is_ours(signature: ReadSignature, place: Place) -> bool:
    """Identifiers and single occurrences of pes-v2.md §2.3."""
    own = signature.id
    return (
        own == f"{place.parent.get('Id')}_SIG_1"
        and signature.value_id == f"{own}_SV"
        and signature.properties.signed_id == f"{own}_SP"
        and signature.properties.target == f"#{own}"
        and len(signature.certificates) == 1
        and not signature.properties.has_unsigned
        and len(signature.properties.certificate_digests) == 1
        and place.signature.tail is None
    )


def _reference_rules(signature: ReadSignature, place: Place, rules: Rules) -> list[Fault]:
    if len(signature.references) != 2:
        return [
            fatal(
                _FORMAT,
                "pes_reference_count",
                "La signature doit porter exactement deux références.",
            )
        ]
    content, own = signature.references
    faults = []
    target = place.parent.get("Id")
    if not target or content.uri != f"#{target}":
        faults.append(
            fatal(
                _FORMAT,
                "pes_reference_elsewhere",
                "La signature ne porte pas sur l'élément qui la contient.",
            )
        )
    properties_id = signature.properties.signed_id
    if not properties_id or own.uri != f"#{properties_id}":
        faults.append(
            fatal(
                _FORMAT,
                "pes_properties_not_signed",
                "La seconde référence ne porte pas sur les propriétés signées.",
            )
        )
    if not _transforms_fit(content.algorithms, rules, enveloped=True) or not _transforms_fit(
        own.algorithms, rules, enveloped=False
    ):
        faults.append(
            fatal(_FORMAT, "pes_transforms", "Les transformations ne sont pas celles du profil.")
        )
    if own.type != f"{signature.properties.namespace}SignedProperties":
        faults.append(
            _by_strictness(
                rules,
                "pes_reference_type",
                "La référence aux propriétés signées n'indique pas son type.",
            )
        )
    return faults


def _transforms_fit(algorithms: tuple[str, ...], rules: Rules, *, enveloped: bool) -> bool:
    """Exact in the strict list; field files vary in canonicalisation, and S03's tool puts the
    enveloped transform on its properties, where it changes nothing."""
    if rules.strict:
        return algorithms == ((ENVELOPED, EXCLUSIVE) if enveloped else (EXCLUSIVE,))
    if algorithms[:1] == (ENVELOPED,):
        algorithms = algorithms[1:]
    elif enveloped:
        return False
    return len(algorithms) == 1 and algorithms[0] in CANONICALIZATIONS


def _algorithm_rules(signature: ReadSignature, rules: Rules) -> list[Fault]:
    if signature.method not in RSA_METHODS:
        return [
            fatal(
                SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
                "pes_algorithm",
                "La politique Hélios n'admet que RSA (PKCS #1 v1.5) avec SHA-256.",
            )
        ]
    digests = {reference.digest_method for reference in signature.references}
    exact = (
        signature.method == RSA_SHA256
        and digests == {SHA256}
        and signature.canonicalization.method == EXCLUSIVE
        and not signature.canonicalization.prefixes
        and not any(one.prefixes for ref in signature.references for one in ref.transforms)
    )
    if exact:
        return []
    return [
        _by_strictness(
            rules,
            "pes_algorithm_form",
            "Les algorithmes ne sont pas ceux de la politique Hélios (RSA-SHA256, exc-c14n).",
        )
    ]


def _property_rules(signature: ReadSignature, rules: Rules) -> list[Fault]:
    properties = signature.properties
    faults = []
    policy = next(
        (one for one in rules.policies if one.oid == properties.policy_oid and one.may_sign), None
    )
    if policy is None:
        faults.append(
            _by_strictness(
                rules, "pes_policy_unknown", "La politique de signature Hélios n'est pas indiquée."
            )
        )
    elif properties.policy_digest != b64decode(policy.digest_b64):
        faults.append(
            _by_strictness(
                rules,
                "pes_policy_digest",
                "L'empreinte de la politique de signature n'est pas celle du document publié.",
            )
        )
    if not properties.claimed_role or not properties.city:
        faults.append(
            _by_strictness(
                rules, "pes_role_or_place_missing", "La qualité du signataire ou le lieu manque."
            )
        )
    if not (properties.signing_time_text or "").strip().endswith("Z"):
        faults.append(
            _by_strictness(
                rules, "pes_time_not_utc", "La date de signature n'est pas exprimée en UTC (Z)."
            )
        )
    foreign = any(one.foreign_digest for one in properties.certificate_digests)
    if foreign and properties.namespace != XADES_1_1_1:
        faults.append(
            _by_strictness(
                rules,
                "pes_digest_namespace",
                "Les empreintes des propriétés ne suivent pas le schéma XAdES.",
            )
        )
    return faults


def _usage_faults(certificate: x509.Certificate | None, rules: Rules) -> list[Fault]:
    if certificate is None or allows_signature(certificate):
        return []
    return [
        _by_strictness(
            rules,
            "certificate_usage",
            "Le certificat n'est pas prévu pour signer (usage nonRepudiation absent).",
        )
    ]


def _by_strictness(rules: Rules, code: str, detail: str) -> Fault:
    return fatal(_FORMAT, code, detail) if rules.strict else remark(code, detail)
