"""Reads a CMS SignedData and checks the signature values in it (RFC 5652, EN 319 122-1)."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import new as new_digest
from typing import Any

from asn1crypto import cms, core, tsp, x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from pyhanko_certvalidator.sig_validate import (
    DEFAULT_SIGNATURE_VALIDATOR,
    SignatureValidationContext,
)

from signing.ber import definite
from signing.cades_attributes import SIGNER_ATTRIBUTES_V2, read_claimed_capacity
from signing.report import Finding, Integrity, SubIndication

MIN_RSA_BITS = 2048
STRONG_CURVES = ("secp256r1", "secp384r1", "secp521r1")
STRONG_DIGESTS = ("sha256", "sha384", "sha512")
# Old digests are still computed, so that a report can tell broken from merely weak.
READABLE_DIGESTS = (*STRONG_DIGESTS, "sha1", "sha224")
MAX_SIGNERS = 20
_HOSTILE_DER = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)

DigestOf = Callable[[str], bytes]


class UnreadableCms(Exception):
    """The bytes are not a SignedData that can be checked."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """An RFC 3161 token: its own soundness, and whether it is about the expected bytes."""

    moment: datetime
    sound: bool
    certificate: bytes | None
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SignerCheck:
    """One SignerInfo checked. `failed` says that the signature must be refused;
    otherwise a `sub_indication` only keeps it from passing."""

    integrity: Integrity
    failed: bool
    sub_indication: SubIndication | None
    findings: tuple[Finding, ...]
    certificate: bytes | None
    certificates: tuple[bytes, ...]
    signing_time: datetime | None
    has_certificate_reference: bool
    timestamps: tuple[Timestamp, ...]
    claimed_role: str | None = None


@dataclass(frozen=True, slots=True)
class SignedData:
    """A parsed SignedData: `attached` is its own content when it carries one."""

    signer_infos: tuple[Any, ...]
    certificates: tuple[x509.Certificate, ...]
    content_type: str
    attached: bytes | None


def read_signed_data(der: bytes) -> SignedData:
    """Parse DER (or BER) bytes, zero padding after it allowed as PDF needs.

    Raises UnreadableCms."""
    try:
        encoded, length = definite(der)
        content_info = cms.ContentInfo.load(encoded)
        if content_info["content_type"].native != "signed_data":
            raise UnreadableCms("not a SignedData")
        if any(der[length:]):
            raise UnreadableCms("bytes after the SignedData")
        signed = content_info["content"]
        infos = tuple(signed["signer_infos"])
        if not 1 <= len(infos) <= MAX_SIGNERS:
            raise UnreadableCms("no signer, or too many")
        encapsulated = signed["encap_content_info"]
        content = encapsulated["content"]
        return SignedData(
            signer_infos=infos,
            certificates=_certificates(signed),
            content_type=str(encapsulated["content_type"].native),
            attached=None if isinstance(content, core.Void) else _octets(content),
        )
    except _HOSTILE_DER as e:
        raise UnreadableCms("the CMS cannot be read") from e


def check_signer(signed: SignedData, info: Any, *, digest_of: DigestOf) -> SignerCheck:
    """Check one SignerInfo against the content whose digest `digest_of(algorithm)` gives.

    Digest, signature value, contentType, messageDigest and the signing-certificate reference
    (RFC 5652 §5.4, §5.6, §11; RFC 5035; EN 319 122-1 §5.2.2). Never raises."""
    try:
        return _Check(signed, info, digest_of).outcome()
    except (*_HOSTILE_DER, UnsupportedAlgorithm):
        return _unusable(SubIndication.FORMAT_FAILURE, "cms_unreadable", Integrity.UNKNOWN)


def read_timestamp(token: bytes, *, stamped: DigestOf) -> Timestamp | None:
    """An RFC 3161 token about the bytes whose digest `stamped(algorithm)` gives (threat 13:
    imprint compared). None when it cannot be read at all. Never raises."""
    try:
        signed = read_signed_data(token)
        if signed.content_type != "tst_info" or signed.attached is None:
            return None
        info = tsp.TSTInfo.load(signed.attached)
        moment = info["gen_time"].native
        imprint = info["message_imprint"]
        algorithm = str(imprint["hash_algorithm"]["algorithm"].native)
        attached = signed.attached
        check = check_signer(
            signed, signed.signer_infos[0], digest_of=lambda name: _digest(name, attached)
        )
        right = algorithm in READABLE_DIGESTS and hmac.compare_digest(
            imprint["hashed_message"].native, stamped(algorithm)
        )
        sound = right and not check.failed and check.integrity is Integrity.INTACT
        return Timestamp(moment, sound, check.certificate, check.certificates)
    except (UnreadableCms, *_HOSTILE_DER):
        return None


class _Check:
    """The steps of `check_signer`, on one SignerInfo."""

    def __init__(self, signed: SignedData, info: Any, digest_of: DigestOf) -> None:
        self.signed = signed
        self.info = info
        self.digest_of = digest_of
        self.findings: list[Finding] = []

    def outcome(self) -> SignerCheck:
        certificate = _signer_certificate(self.signed, self.info["sid"])
        if certificate is None:
            return _unusable(
                SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
                "signing_certificate_missing",
                Integrity.UNKNOWN,
            )
        digest = str(self.info["digest_algorithm"]["algorithm"].native)
        if digest not in READABLE_DIGESTS:
            return self._result(
                certificate,
                Integrity.UNKNOWN,
                _fault(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "forbidden_algorithm"),
            )
        fault = self._mathematics(certificate, digest) or self._binding(certificate)
        if fault is not None:
            broken = fault.sub_indication is not SubIndication.SIG_CONSTRAINTS_FAILURE
            integrity = Integrity.BROKEN if broken else Integrity.INTACT
            return self._result(certificate, integrity, fault)
        weak = self._weakness(certificate, digest)
        return self._result(certificate, Integrity.INTACT, weak)

    def _mathematics(self, certificate: x509.Certificate, digest: str) -> _Fault | None:
        expected = self.digest_of(digest)
        attributes = self.info["signed_attrs"]
        if isinstance(attributes, core.Void) or not len(attributes):
            # The signature is then over the content itself, of which we only hold the digest.
            return _fault(SubIndication.FORMAT_FAILURE, "signed_attributes_missing")
        if _single(attributes, "content_type") != self.signed.content_type:
            return _fault(SubIndication.FORMAT_FAILURE, "signed_attributes_wrong")
        message_digest = _single(attributes, "message_digest")
        if not isinstance(message_digest, bytes):
            return _fault(SubIndication.FORMAT_FAILURE, "signed_attributes_wrong")
        if not self._value_holds(certificate, digest):
            return _fault(SubIndication.SIG_CRYPTO_FAILURE, "signature_value_wrong")
        if not hmac.compare_digest(message_digest, expected):
            return _fault(SubIndication.HASH_FAILURE, "content_changed")
        return None

    def _value_holds(self, certificate: x509.Certificate, digest: str) -> bool:
        raw = self.info["signed_attrs"].dump()
        to_be_signed = b"\x31" + raw[1:]  # SET OF in place of the implicit tag, RFC 5652 §5.4
        try:
            DEFAULT_SIGNATURE_VALIDATOR.validate_signature(
                self.info["signature"].native,
                to_be_signed,
                certificate.public_key,
                self.info["signature_algorithm"],
                SignatureValidationContext(contextual_md_algorithm=digest),
            )
        except InvalidSignature:
            return False
        return True

    def _binding(self, certificate: x509.Certificate) -> _Fault | None:
        references = _certificate_references(self.info["signed_attrs"])
        if not references:
            return None
        algorithm, expected = references[0]
        if algorithm not in READABLE_DIGESTS or not hmac.compare_digest(
            _digest(algorithm, certificate.dump()), expected
        ):
            return _fault(SubIndication.SIG_CONSTRAINTS_FAILURE, "signing_certificate_mismatch")
        return None

    def _weakness(self, certificate: x509.Certificate, digest: str) -> _Fault | None:
        try:
            signature_digest = str(self.info["signature_algorithm"].hash_algo)
        except ValueError:
            signature_digest = digest
        strong = {digest, signature_digest} <= set(STRONG_DIGESTS)
        if strong and _strong_key(certificate):
            return None
        return _fault(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "forbidden_algorithm", failed=False)

    def _result(
        self, certificate: x509.Certificate, integrity: Integrity, fault: _Fault | None
    ) -> SignerCheck:
        der = certificate.dump()
        attributes = self.info["signed_attrs"]
        present = not isinstance(attributes, core.Void)
        return SignerCheck(
            integrity=integrity,
            failed=fault is not None and fault.failed,
            sub_indication=fault.sub_indication if fault else None,
            findings=(fault.finding,) if fault else (),
            certificate=der,
            certificates=tuple(c.dump() for c in self.signed.certificates if c.dump() != der),
            signing_time=_moment(_single(attributes, "signing_time")) if present else None,
            has_certificate_reference=present and bool(_certificate_references(attributes)),
            timestamps=_signature_timestamps(self.info),
            claimed_role=_claimed_role(attributes) if present else None,
        )


@dataclass(frozen=True, slots=True)
class _Fault:
    sub_indication: SubIndication
    finding: Finding
    failed: bool


def _fault(sub: SubIndication, code: str, *, failed: bool | None = None) -> _Fault:
    refused = sub is not SubIndication.CRYPTO_CONSTRAINTS_FAILURE if failed is None else failed
    return _Fault(sub, Finding(code, _SENTENCES[code], blocking=refused), refused)


def _unusable(sub: SubIndication, code: str, integrity: Integrity) -> SignerCheck:
    finding = Finding(code, _SENTENCES[code], blocking=True)
    return SignerCheck(
        integrity=integrity,
        failed=True,
        sub_indication=sub,
        findings=(finding,),
        certificate=None,
        certificates=(),
        signing_time=None,
        has_certificate_reference=False,
        timestamps=(),
    )


def _certificates(signed: Any) -> tuple[x509.Certificate, ...]:
    choices = signed["certificates"]
    if isinstance(choices, core.Void):
        return ()
    return tuple(choice.chosen for choice in choices if choice.name == "certificate")


def _octets(content: Any) -> bytes:
    octets = content.native if isinstance(content, core.OctetString) else content.parsed.dump()
    return bytes(octets)


def _signer_certificate(signed: SignedData, sid: Any) -> x509.Certificate | None:
    for certificate in signed.certificates:
        if sid.name == "issuer_and_serial_number":
            wanted = sid.chosen
            if (
                certificate.serial_number == wanted["serial_number"].native
                and certificate.issuer == wanted["issuer"]
            ):
                return certificate
        elif certificate.key_identifier == sid.chosen.native:
            return certificate
    return None


def _single(attributes: Any, name: str) -> Any:
    found = [attribute["values"] for attribute in attributes if attribute["type"].native == name]
    if len(found) != 1 or len(found[0]) != 1:
        return None  # absent, or twice: never chosen between (RFC 5652 §11)
    return found[0][0].native


def _moment(value: Any) -> datetime | None:
    return value if isinstance(value, datetime) else None


def _certificate_references(attributes: Any) -> list[tuple[str, bytes]]:
    references: list[tuple[str, bytes]] = []
    for attribute in attributes:
        kind = attribute["type"].native
        if kind not in {"signing_certificate", "signing_certificate_v2"}:
            continue
        for value in attribute["values"]:
            first = value["certs"][0]
            algorithm = (
                str(first["hash_algorithm"]["algorithm"].native)
                if kind == "signing_certificate_v2"
                else "sha1"
            )
            references.append((algorithm, first["cert_hash"].native))
    return references


def _claimed_role(attributes: Any) -> str | None:
    """The capacity of signer-attributes-v2 (EN 319 122-1 §5.2.6.1)."""
    found = [one["values"] for one in attributes if one["type"].dotted == SIGNER_ATTRIBUTES_V2]
    if len(found) != 1 or len(found[0]) != 1:
        return None
    return read_claimed_capacity(found[0][0].dump())


def _signature_timestamps(info: Any) -> tuple[Timestamp, ...]:
    unsigned = info["unsigned_attrs"]
    if isinstance(unsigned, core.Void):
        return ()
    value = info["signature"].native
    found = []
    for attribute in unsigned:
        if attribute["type"].native != "signature_time_stamp_token":
            continue
        for token in attribute["values"]:
            stamp = read_timestamp(token.dump(), stamped=lambda name: _digest(name, value))
            if stamp is not None:
                found.append(stamp)
    return tuple(found)


def _strong_key(certificate: x509.Certificate) -> bool:
    key = certificate.public_key
    if key.algorithm in {"rsa", "rsassa_pss"}:
        return bool(key.bit_size >= MIN_RSA_BITS)
    return key.algorithm == "ec" and key.curve[1] in STRONG_CURVES


def _digest(algorithm: str, content: bytes) -> bytes:
    if algorithm not in READABLE_DIGESTS:
        raise ValueError("digest algorithm not allowed")
    return new_digest(algorithm, content, usedforsecurity=False).digest()


_SENTENCES = {
    "cms_unreadable": "Le bloc de signature est illisible : la signature ne peut pas être retenue.",
    "signing_certificate_missing": "Le certificat du signataire n'est pas dans la signature.",
    "forbidden_algorithm": (
        "La signature emploie un algorithme ou une clé qui n'est plus accepté (SHA-1, MD5, RSA de "
        "moins de 2048 bits…)."
    ),
    "signed_attributes_missing": "La signature ne contient pas les attributs signés obligatoires.",
    "signed_attributes_wrong": "Un attribut signé obligatoire manque ou figure deux fois.",
    "signature_value_wrong": (
        "La valeur de la signature ne correspond pas au certificat : elle est fausse."
    ),
    "content_changed": "Le contenu signé a été modifié après la signature.",
    "signing_certificate_mismatch": (
        "Le certificat joint n'est pas celui que le signataire a désigné dans sa signature."
    ),
}
