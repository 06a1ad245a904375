"""Signature of a PES flow in two phases: build the signatures apart, then splice their bytes in.

DGFiP policy 1.2.250.1.131.1.5.18.21.1.7: one XAdES-EPES signature per slip, or one over the whole
file. The source is never serialised again: every byte outside the signatures stays as deposited.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from signing import xades, xml
from signing.errors import (
    BadSignatureValue,
    SigningError,
    UnsuitableCertificate,
    UnsupportedDocument,
)
from signing.facts import SlipKind
from signing.keys import MIN_RSA_BITS, allows_signature, check_value
from signing.pes_bytes import (
    EXPAT_ROOT,
    Insertion,
    end_offsets,
    only_inserted,
    refuse_unspliceable,
    splice,
)
from signing.pes_signature_rules import Rules
from signing.pes_structure import (
    ROOT,
    Slip,
    is_ncname,
    misplaced_slips,
    slips_of,
    undeclared_domains,
)
from signing.pes_verification import verify_flow
from signing.policies import SignaturePolicy
from signing.report import Chain, Finding, SubIndication
from signing.types import (
    JsonObject,
    JsonValue,
    Mechanism,
    Prepared,
    SignatureFormat,
    SignatureParameters,
    SignatureValue,
    ToSign,
)
from signing.xades_checks import open_document
from signing.xades_report import Judge
from signing.xmldsig import DS, SHA256, SIGNATURE, canonical, digest

_FORM = "pes-xades-1"


@dataclass(frozen=True, slots=True)
class _Stored:
    """One signature of a stored preparation: where its bytes go and what it lacks."""

    id: str
    offset: int
    xml: bytes
    tbs: bytes


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What the self-check holds the signatures to, as it was at preparation."""

    signing_time: datetime
    policy: SignaturePolicy


def prepare(document: bytes, parameters: SignatureParameters, policy: SignaturePolicy) -> Prepared:
    """Phase 1: what the key must sign so that `finish` can sign the flow (pes-v2.md §2).

    Signs each slip when every Bordereau has an Id, else the whole file when the root has one.
    Raises UnsuitableCertificate (`pes_needs_rsa`, `certificate_not_in_date`,
    `certificate_not_for_signature`), UnsupportedDocument (`pes_no_signable_id`,
    `pes_nothing_to_sign`, `pes_already_signed`, `pes_not_dematerialised`, ...)."""
    _check_certificate(parameters)
    refuse_unspliceable(document)
    root = xml.parse(document)
    targets = _targets(root)
    names = [target.get("Id", "") for target in targets]
    offsets = end_offsets(document, EXPAT_ROOT if targets[0] is root else "Bordereau")
    identity = xades.identify(parameters, policy)
    signatures = [
        xades.build(name, digest(SHA256, (canonical(target),)), identity)
        for name, target in zip(names, targets, strict=True)
    ]
    source_sha256 = hashlib.sha256(document).hexdigest()
    return Prepared(
        format=SignatureFormat.PES_V2,
        document=document,
        document_sha256=source_sha256,
        source_sha256=source_sha256,
        to_sign=tuple(
            ToSign(
                id=one.target_id,
                tbs=one.tbs,
                mechanism=Mechanism.RSA_SHA256,
                target_id=one.target_id,
                signed_properties=one.signed_properties,
            )
            for one in signatures
        ),
        resume={
            "form": _FORM,
            "source_sha256": source_sha256,
            "certificate_sha256": hashlib.sha256(parameters.certificate).hexdigest(),
            "signing_time": parameters.signing_time.isoformat(),
            "policy": {
                "oid": policy.oid,
                "description": policy.description,
                "digest_b64": policy.digest_b64,
                "uri": policy.uri,
                "xades_namespace": policy.xades_namespace,
            },
            "signatures": [
                {"target_id": one.target_id, "offset": offset, "xml": one.xml.decode("ascii")}
                for one, offset in zip(signatures, offsets, strict=True)
            ],
        },
    )


def finish(
    document: bytes,
    resume: JsonObject,
    values: Sequence[SignatureValue],
    *,
    certificate: bytes,
) -> bytes:
    """Phase 2: the signed flow, checked again from its final bytes before it is returned.

    Raises BadSignatureValue (`bad_signature_value`, `values_do_not_match`,
    `certificate_of_other_preparation`, `self_check_failed`), UnsupportedDocument
    (`document_changed`) when `document` is not what was prepared, SigningError
    (`resume_unreadable`)."""
    stored = _read_resume(resume)
    if hashlib.sha256(document).hexdigest() != resume.get("source_sha256"):
        raise UnsupportedDocument(
            "Le document a changé depuis la préparation de la signature : préparez-la de nouveau.",
            code="document_changed",
        )
    if hashlib.sha256(certificate).hexdigest() != resume.get("certificate_sha256"):
        raise BadSignatureValue(
            "Le certificat n'est pas celui de la préparation : préparez de nouveau la signature.",
            code="certificate_of_other_preparation",
        )
    by_id = _values_by_id(stored, values)
    for one in stored:
        check_value(certificate, by_id[one.id], one.tbs, Mechanism.RSA_SHA256)
    completed = [(one.offset, xades.complete(one.xml, by_id[one.id])) for one in stored]
    signed = splice(document, completed)
    _self_check(document, signed, completed, _remembered(resume))
    return signed


def _check_certificate(parameters: SignatureParameters) -> None:
    try:
        certificate = x509.load_der_x509_certificate(parameters.certificate)
        key = certificate.public_key()
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm) as e:
        raise UnsuitableCertificate("Le certificat est illisible.") from e
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < MIN_RSA_BITS:
        raise UnsuitableCertificate(
            "La trésorerie n'accepte sur un flux PES qu'une signature RSA d'au moins 2048 bits : "
            "choisissez un autre certificat.",
            code="pes_needs_rsa",
        )
    if not allows_signature(certificate):
        raise UnsuitableCertificate(
            "Ce certificat n'est pas prévu pour signer : choisissez un certificat de signature.",
            code="certificate_not_for_signature",
        )
    at = parameters.signing_time
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise UnsuitableCertificate(
            "Ce certificat n'est pas en cours de validité : choisissez-en un autre.",
            code="certificate_not_in_date",
        )


def _targets(root: etree._Element) -> list[etree._Element]:
    """What is signed, by the Id rule (pes-v2.md §2.4), or the reason why nothing can be."""
    if root.tag != ROOT:
        raise _refusal("pes_unknown_root", "Ce fichier n'est pas un PES Aller.")
    slips = slips_of(root)
    if not slips:
        raise _refusal("pes_nothing_to_sign", "Ce flux n'a aucun bordereau à signer.")
    if misplaced_slips(root, slips):
        raise _refusal(
            "pes_slip_misplaced",
            "Un bordereau du flux est hors de son domaine : refaites l'export.",
        )
    if next(root.iter(SIGNATURE), None) is not None:
        raise _refusal("pes_already_signed", "Ce flux porte déjà une signature.")
    if undeclared_domains(root, slips):
        raise _refusal(
            "pes_not_dematerialised",
            "InfoDematerialisee n'est pas à 1 : la trésorerie refuserait ce flux une fois signé. "
            "Soumettez de nouveau le dossier.",
        )
    targets = _by_id_rule(root, slips)
    _check_ids(root, targets)
    return targets


def _by_id_rule(root: etree._Element, slips: Sequence[Slip]) -> list[etree._Element]:
    if all(slip.id for slip in slips):
        order = {SlipKind.EXPENSE: 0, SlipKind.REVENUE: 1}
        return [slip.element for slip in sorted(slips, key=lambda slip: order[slip.kind])]
    if root.get("Id"):
        return [root]
    raise _refusal(
        "pes_no_signable_id",
        "Ce flux ne peut pas être signé : ni ses bordereaux ni sa racine ne portent d'identifiant "
        "(Id). Demandez à l'éditeur du logiciel financier de les produire, puis redéposez.",
    )


def _check_ids(root: etree._Element, targets: Sequence[etree._Element]) -> None:
    present = [
        str(value) for value in etree.XPath("/descendant-or-self::*/@Id", smart_strings=False)(root)
    ]
    known = set(present)
    if len(known) != len(present):
        raise _refusal("pes_duplicate_id", "Un identifiant est en double : refaites l'export.")
    for target in targets:
        name = target.get("Id", "")
        if not is_ncname(name):
            raise _refusal(
                "pes_invalid_id",
                f"L'identifiant « {name[:60]} » n'est pas un nom XML : refaites l'export.",
            )
        if known & {f"{name}_SIG_1", f"{name}_SIG_1_SV", f"{name}_SIG_1_SP"}:
            raise _refusal(
                "pes_duplicate_id", f"Un identifiant du flux commence par « {name}_SIG_1 »."
            )


def _refusal(code: str, detail: str) -> UnsupportedDocument:
    return UnsupportedDocument(detail, code=code)


def _read_resume(resume: JsonObject) -> list[_Stored]:
    stored = resume.get("signatures")
    if resume.get("form") != _FORM or not isinstance(stored, Sequence) or not stored:
        raise _unreadable()
    return [_insertion(one) for one in stored]


def _insertion(stored: JsonValue) -> _Stored:
    if not isinstance(stored, Mapping):
        raise _unreadable()
    target_id, offset, content = stored.get("target_id"), stored.get("offset"), stored.get("xml")
    if not (isinstance(target_id, str) and isinstance(offset, int) and isinstance(content, str)):
        raise _unreadable()
    signature = xml.parse(content.encode())
    signed_info = signature.find(f"{{{DS}}}SignedInfo")
    if signed_info is None:
        raise _unreadable()
    return _Stored(target_id, offset, content.encode(), canonical(signed_info))


def _unreadable() -> SigningError:
    return SigningError(
        "La préparation de la signature est illisible : préparez-la de nouveau.",
        code="resume_unreadable",
    )


def _remembered(resume: JsonObject) -> _Remembered:
    policy, signing_time = resume.get("policy"), resume.get("signing_time")
    if not isinstance(policy, Mapping) or not isinstance(signing_time, str):
        raise _unreadable()
    try:
        return _Remembered(
            datetime.fromisoformat(signing_time),
            SignaturePolicy(
                oid=str(policy["oid"]),
                description=str(policy["description"]),
                digest_b64=str(policy["digest_b64"]),
                uri=str(policy["uri"]),
                xades_namespace=str(policy["xades_namespace"]),
            ),
        )
    except (KeyError, ValueError) as e:
        raise _unreadable() from e


def _values_by_id(
    insertions: Sequence[_Stored], values: Sequence[SignatureValue]
) -> dict[str, bytes]:
    by_id = {value.id: value.value for value in values}
    if len(by_id) != len(values) or set(by_id) != {one.id for one in insertions}:
        raise BadSignatureValue(
            "Les valeurs rendues ne sont pas celles des éléments préparés : "
            "préparez de nouveau la signature.",
            code="values_do_not_match",
        )
    return by_id


def _self_check(
    source: bytes, signed: bytes, insertions: Sequence[Insertion], expected: _Remembered
) -> None:
    """DESIGN D8: digests and values from the final bytes, every other byte that of the source."""
    if not only_inserted(source, signed, insertions):
        raise _failed_check("d'autres octets que les signatures ont changé")
    document = open_document(xml.parse(signed), signed, ("Id",))
    judge = Judge(_without_chain, expected.signing_time)
    reports, findings = verify_flow(
        document, judge, Rules(strict=True, policies=(expected.policy,))
    )
    faults = [
        one
        for one in (*findings, *(each for report in reports for each in report.findings))
        if one.blocking
    ]
    if faults or len(reports) != len(insertions):
        raise _failed_check(faults[0].code if faults else "nombre de signatures inattendu")


def _without_chain(
    _certificate: bytes, _extra: Sequence[bytes], _at: datetime
) -> tuple[Chain, SubIndication | None, tuple[Finding, ...]]:
    """The chain was judged before the signature; the self-check is about bytes alone."""
    return Chain.UNKNOWN, None, ()


def _failed_check(reason: str) -> BadSignatureValue:
    return BadSignatureValue(
        f"Le flux signé n'a pas passé le contrôle final ({reason}) : il n'est pas conservé.",
        code="self_check_failed",
    )
