"""Makes detached CAdES signatures in two phases: prepare here, sign elsewhere, finish here.

Level B-B (EN 319 122-1 §6.3) of any file; pyHanko writes the CMS (`signing.md` §3, DESIGN D9).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import new as new_digest
from hashlib import sha256
from typing import Any

from asn1crypto import cms, core, x509
from pyhanko.sign.ades.asn1_util import register_cms_attribute
from pyhanko.sign.ades.cades_asn1 import SignerAttributesV2
from pyhanko.sign.attributes import (
    CMSAttributeProvider,
    SigningCertificateV2Provider,
    SigningTimeProvider,
)
from pyhanko.sign.signers.pdf_cms import format_signed_attributes

from signing.blocking import run_to_end
from signing.cades_attributes import (
    SIGNER_LOCATION,
    SignerLocation,
    claimed_capacity,
    signer_location,
)
from signing.certificates import read_certificate
from signing.cms_making import (
    DIGESTS,
    embedded_attributes,
    external_signer,
    mechanism_for,
    message_digest,
    only_value,
    refuse_changed,
    refuse_version,
    self_check_failed,
)
from signing.errors import UnsupportedDocument
from signing.keys import check_value
from signing.types import (
    JsonObject,
    Mechanism,
    Prepared,
    SignatureFormat,
    SignatureParameters,
    SignatureValue,
    ToSign,
)

TO_SIGN_ID = "document"
_RESUME_VERSION = 1

# pyHanko knows every attribute of EN 319 122-1 that a PDF may have, and this one is forbidden
# there.
register_cms_attribute(SIGNER_LOCATION, "signer_location", SignerLocation)


@dataclass(frozen=True, slots=True)
class _Resume:
    """What phase 2 needs, plain."""

    certificate: bytes
    chain: tuple[bytes, ...]
    mechanism: Mechanism
    source_sha256: str
    signed_attributes: bytes


class _Given(CMSAttributeProvider):
    """An attribute whose value is known already."""

    def __init__(self, name: str, value: core.Sequence) -> None:
        self.attribute_type = name
        self._value = value

    async def build_attr_value(self, dry_run: bool = False) -> core.Sequence:  # noqa: FBT001, FBT002
        del dry_run
        return self._value


def prepare(document: bytes, parameters: SignatureParameters) -> Prepared:
    """Phase 1: tell what to sign; the document stays as it is, whatever it is.

    `to_sign` is the DER SET OF of the CMS signed attributes: contentType (data), messageDigest,
    signingTime, signingCertificateV2, signerLocation and signerAttributesV2, which claims the
    capacity (EN 319 122-1 §5.1.1, §5.1.2, §5.2.1, §5.2.2.3, §5.2.5, §5.2.6.1).

    Raises UnsupportedDocument (`empty_file`), UnsuitableCertificate."""
    if not document:
        raise UnsupportedDocument(
            "Le fichier est vide : choisissez-en un autre.", code="empty_file"
        )
    mechanism = mechanism_for(parameters.certificate)
    read_certificate(parameters.certificate)
    digest = new_digest(DIGESTS[mechanism], document, usedforsecurity=True).digest()
    attributes = run_to_end(format_signed_attributes(digest, _said(parameters))).dump()
    source_sha256 = sha256(document).hexdigest()
    resume: JsonObject = {
        "version": _RESUME_VERSION,
        "certificate": _text(parameters.certificate),
        "chain": [_text(issuer) for issuer in parameters.chain],
        "mechanism": mechanism.value,
        "source_sha256": source_sha256,
        "signed_attributes": _text(attributes),
    }
    return Prepared(
        format=SignatureFormat.CADES,
        document=document,
        document_sha256=source_sha256,
        source_sha256=source_sha256,
        to_sign=(ToSign(TO_SIGN_ID, attributes, mechanism),),
        resume=resume,
    )


def finish(document: bytes, resume: JsonObject, values: Sequence[SignatureValue]) -> bytes:
    """Phase 2: the detached CMS in DER, from the unchanged document, the resume of phase 1 and the
    one value.

    Checked before anything is returned (DESIGN D8): the document is the one prepared, the value
    is the certificate's over the exact signed attributes, the digest recomputed on the document
    is the messageDigest, the attributes embedded are byte-equal, no content is embedded.

    Raises BadSignatureValue."""
    state = _read_resume(resume)
    refuse_changed(document, state.source_sha256)
    value = only_value(values, TO_SIGN_ID)
    check_value(state.certificate, value, state.signed_attributes, state.mechanism)
    signer = external_signer(state.certificate, state.chain, state.mechanism, value=value)
    making = signer.async_sign_prescribed_attributes(
        DIGESTS[state.mechanism], signed_attrs=cms.CMSAttributes.load(state.signed_attributes)
    )
    signature = bytes(run_to_end(making).dump())
    _self_check(signature, document, state)
    return signature


def _said(parameters: SignatureParameters) -> list[CMSAttributeProvider]:
    """The attributes beside contentType and messageDigest."""
    capacity = SignerAttributesV2.load(claimed_capacity(parameters.claimed_role).dump())
    return [
        SigningCertificateV2Provider(x509.Certificate.load(parameters.certificate)),
        SigningTimeProvider(parameters.signing_time),
        _Given("signer_location", signer_location(parameters.place)),
        _Given("signer_attributes_v2", capacity),
    ]


def _read_resume(resume: JsonObject) -> _Resume:
    state: dict[str, Any] = dict(resume)
    refuse_version(state.get("version"), _RESUME_VERSION)
    return _Resume(
        certificate=b64decode(state["certificate"]),
        chain=tuple(b64decode(issuer) for issuer in state["chain"]),
        mechanism=Mechanism(state["mechanism"]),
        source_sha256=state["source_sha256"],
        signed_attributes=b64decode(state["signed_attributes"]),
    )


def _self_check(signature: bytes, document: bytes, state: _Resume) -> None:
    """The final CMS says what was signed, and holds no content of its own."""
    encapsulated = cms.ContentInfo.load(signature)["content"]["encap_content_info"]
    recomputed = new_digest(DIGESTS[state.mechanism], document, usedforsecurity=True).digest()
    embedded = embedded_attributes(signature)
    sound = (
        encapsulated["content_type"].native == "data"
        and isinstance(encapsulated["content"], core.Void)
        and embedded == state.signed_attributes
        and message_digest(embedded) == recomputed
    )
    if not sound:
        raise self_check_failed()


def _text(value: bytes) -> str:
    return b64encode(value).decode("ascii")
