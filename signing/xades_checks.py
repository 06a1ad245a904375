"""Checks shared by every XML signature: references, value, certificate, time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from signing.errors import UnsupportedDocument
from signing.report import (
    Finding,
    Integrity,
    SubIndication,
)
from signing.xades_reading import ReadSignature, Reference, digest_matches
from signing.xmldsig import (
    BASE64,
    CANONICALIZATIONS,
    DIGESTS,
    ENVELOPED,
    INCLUSIVE,
    SHA1,
    SIGNATURE_METHODS,
    Canonicalization,
    canonical,
    canonical_without,
    decode_base64,
    digest,
    value_matches,
)

CLOCK_SKEW = timedelta(minutes=5)
MIN_RSA_BITS = 2048
# Canonical bytes of a sound file: its size twice (slips, then the whole), times what empty tags
# and accents grow by.
_BUDGET_FACTOR = 6
_BUDGET_FLOOR = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """A remark with the sub-indication it leads to; None when it does not decide."""

    sub_indication: SubIndication | None
    finding: Finding


def fatal(sub_indication: SubIndication, code: str, detail: str) -> Fault:
    """A fault that makes the signature fail."""
    return Fault(sub_indication, Finding(code, detail, blocking=True))


def remark(code: str, detail: str) -> Fault:
    """A fault that is only told."""
    return Fault(None, Finding(code, detail))


@dataclass(slots=True)
class Budget:
    """How many canonical bytes one verification may still make: hostile references that all name
    the root would otherwise cost the file a hundred times (threats 17)."""

    left: int

    def spend(self, pieces: Sequence[bytes | memoryview]) -> None:
        self.left -= sum(len(piece) for piece in pieces)


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: `ids` maps each identifier to the elements that carry it; `marker` is a name
    that cannot stand in the file, being drawn from its own digest."""

    root: etree._Element
    ids: Mapping[str, Sequence[etree._Element]]
    marker: str
    budget: Budget


def open_document(root: etree._Element, content: bytes, id_names: Sequence[str]) -> Document:
    """Index the identifiers of a parsed file under the attribute names given."""
    ids: dict[str, list[etree._Element]] = {}
    for name in id_names:
        find = etree.XPath(
            f"/descendant-or-self::*/@{name}/..",
            namespaces={"xml": "http://www.w3.org/XML/1998/namespace"},
        )
        attribute = name.replace("xml:", "{http://www.w3.org/XML/1998/namespace}")
        for element in find(root):
            ids.setdefault(element.get(attribute, ""), []).append(element)
    budget = Budget(_BUDGET_FACTOR * len(content) + _BUDGET_FLOOR)
    return Document(root, ids, f"p{hashlib.sha256(content).hexdigest()}", budget)


@dataclass(frozen=True, slots=True)
class Mathematics:
    """Outcome of the cryptographic part for one signature."""

    integrity: Integrity
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """What a reference names: an element, or with `whole` the document around the root."""

    element: etree._Element
    whole: bool

    @property
    def node(self) -> etree._Element | etree._ElementTree:
        return self.element.getroottree() if self.whole else self.element


def resolve(document: Document, uri: str | None) -> Target | None:
    """The one node that a same-document URI names; None for anything else, never fetched."""
    if uri == "":
        return Target(document.root, whole=True)
    if uri is None or not uri.startswith("#"):
        return None
    found = document.ids.get(uri[1:], ())
    return Target(found[0], whole=False) if len(found) == 1 else None


def check_mathematics(
    document: Document, read: ReadSignature, certificate: x509.Certificate | None
) -> Mathematics:
    """Algorithms, then digests, then the value (ETSI EN 319 102-1 §5.2.7)."""
    faults = list(_algorithm_faults(read))
    if faults:
        return Mathematics(Integrity.UNKNOWN, tuple(faults))
    try:
        for reference in read.references:
            faults.extend(_reference_faults(document, read, reference))
        faults.extend(_value_faults(read, certificate))
    except UnsupportedDocument as e:
        faults.append(fatal(SubIndication.FORMAT_FAILURE, e.code, e.detail))
    integrity = Integrity.BROKEN if faults else Integrity.INTACT
    return Mathematics(integrity, tuple(faults))


def load_certificate(der: bytes) -> x509.Certificate | None:
    """A certificate whose dates and names can be read, or None."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        # The library reads lazily: what is used afterwards is tried here.
        readable = (
            certificate.not_valid_before_utc <= certificate.not_valid_after_utc,
            certificate.subject,
        )
    except (ValueError, OverflowError, x509.InvalidVersion):
        return None
    return certificate if readable else None


def certificate_faults(read: ReadSignature, certificate: bytes) -> tuple[Fault, ...]:
    """The certificate of KeyInfo must be the one that the signed properties name."""
    digests = read.properties.certificate_digests
    if not digests:
        return (
            fatal(
                SubIndication.SIG_CONSTRAINTS_FAILURE,
                "signing_certificate_missing",
                "La signature ne désigne pas le certificat du signataire (SigningCertificate).",
            ),
        )
    if not any(digest_matches(one, certificate) for one in digests):
        return (
            fatal(
                SubIndication.SIG_CONSTRAINTS_FAILURE,
                "signing_certificate_mismatch",
                "Le certificat joint n'est pas celui que la signature désigne.",
            ),
        )
    if any(one.method == SHA1 for one in digests):
        return (
            remark(
                "certificate_digest_sha1",
                "L'empreinte du certificat dans la signature est en SHA-1.",
            ),
        )
    return ()


def time_faults(
    read: ReadSignature, certificate: x509.Certificate | None, now: datetime
) -> tuple[Fault, ...]:
    """SigningTime must be readable, past, and inside the validity of the certificate."""
    at = read.properties.signing_time
    if at is None:
        return (
            fatal(
                SubIndication.SIG_CONSTRAINTS_FAILURE,
                "signing_time_unreadable",
                "La date de signature manque ou est illisible.",
            ),
        )
    if at > now + CLOCK_SKEW:
        return (
            fatal(
                SubIndication.SIG_CONSTRAINTS_FAILURE,
                "signing_time_in_future",
                "La date de signature est dans le futur.",
            ),
        )
    if certificate is None:
        return ()
    if at > certificate.not_valid_after_utc:
        return (
            fatal(
                SubIndication.EXPIRED,
                "certificate_expired_at_signing",
                "Le certificat était expiré à la date de signature "
                f"({certificate.not_valid_after_utc:%d/%m/%Y}).",
            ),
        )
    if at < certificate.not_valid_before_utc:
        return (
            fatal(
                SubIndication.NOT_YET_VALID,
                "certificate_not_yet_valid_at_signing",
                "Le certificat n'était pas encore valide à la date de signature.",
            ),
        )
    return ()


def _algorithm_faults(read: ReadSignature) -> tuple[Fault, ...]:
    refused_methods = [
        method
        for method in [read.method, *(one.digest_method for one in read.references)]
        if method not in SIGNATURE_METHODS and method not in DIGESTS
    ]
    if refused_methods or read.method not in SIGNATURE_METHODS:
        return (
            fatal(
                SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
                "algorithm_forbidden",
                "La signature emploie un algorithme interdit ou affaibli "
                f"({_short(refused_methods[0] if refused_methods else read.method)}).",
            ),
        )
    if read.canonicalization.method not in CANONICALIZATIONS:
        return (
            fatal(
                SubIndication.FORMAT_FAILURE,
                "canonicalization_forbidden",
                "La signature emploie une canonicalisation non admise "
                f"({_short(read.canonicalization.method)}).",
            ),
        )
    return ()


def _reference_faults(
    document: Document, read: ReadSignature, reference: Reference
) -> tuple[Fault, ...]:
    if not _transforms_allowed(reference):
        return (
            fatal(
                SubIndication.FORMAT_FAILURE,
                "transform_forbidden",
                "La signature emploie une transformation interdite, ou dans un ordre interdit.",
            ),
        )
    target = resolve(document, reference.uri)
    if target is None:
        return (
            fatal(
                SubIndication.SIGNED_DATA_NOT_FOUND,
                "reference_unresolved",
                f"La référence « {_short(reference.uri or '')} » ne désigne pas un élément unique "
                "du fichier.",
            ),
        )
    if document.budget.left <= 0:
        return (
            fatal(
                SubIndication.FORMAT_FAILURE,
                "xml_too_much_work",
                "Les signatures du fichier demandent un calcul démesuré : il n'est pas jugé.",
            ),
        )
    pieces = _transformed(document, read, reference, target)
    document.budget.spend(pieces or ())
    if pieces is None or digest(reference.digest_method, pieces) != reference.digest_value:
        return (
            fatal(
                SubIndication.HASH_FAILURE,
                "content_modified",
                "Le contenu signé a été modifié après la signature "
                f"(référence « {_short(reference.uri or 'fichier entier')} »).",
            ),
        )
    return ()


def _transforms_allowed(reference: Reference) -> bool:
    algorithms = list(reference.algorithms)
    if not all(one.bare for one in reference.transforms):
        return False
    if algorithms == [BASE64]:
        return True
    if algorithms[:1] == [ENVELOPED]:
        algorithms = algorithms[1:]
    return not algorithms or (len(algorithms) == 1 and algorithms[0] in CANONICALIZATIONS)


def _transformed(
    document: Document,
    read: ReadSignature,
    reference: Reference,
    target: Target,
) -> Sequence[bytes | memoryview] | None:
    algorithms = reference.algorithms
    if algorithms == (BASE64,):
        decoded = decode_base64("".join(target.element.itertext()))
        return None if decoded is None else (decoded,)
    last = reference.transforms[-1] if reference.transforms else None
    # XML-DSig §4.4.3.2: a node-set left at the end is canonicalised inclusively.
    how = (
        Canonicalization(last.algorithm, last.prefixes)
        if last is not None and last.algorithm in CANONICALIZATIONS
        else Canonicalization(INCLUSIVE)
    )
    if ENVELOPED in algorithms:
        return canonical_without(target.node, read.element, how, document.marker)
    return (canonical(target.node, how),)


def _value_faults(read: ReadSignature, certificate: x509.Certificate | None) -> tuple[Fault, ...]:
    try:
        key = certificate.public_key() if certificate is not None else None
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if key is None:
        return (
            fatal(
                SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
                "certificate_unreadable",
                "Le certificat du signataire est illisible.",
            ),
        )
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        return (
            fatal(
                SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
                "key_too_short",
                f"La clé RSA du signataire n'a que {key.key_size} bits.",
            ),
        )
    tbs = canonical(read.signed_info, read.canonicalization)
    if not value_matches(read.method, key, read.value, tbs):
        return (
            fatal(
                SubIndication.SIG_CRYPTO_FAILURE,
                "signature_value_wrong",
                "La valeur de signature ne correspond pas au certificat et au contenu signé.",
            ),
        )
    return ()


def _short(text: str) -> str:
    return text.rsplit("/", 1)[-1][:60]
