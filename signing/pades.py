"""Makes PAdES signatures in two phases: prepare here, sign elsewhere, finish here (DESIGN D8).

Levels B-B for now (EN 319 142-1 §6); pyHanko writes the PDF and the CMS, `signing.md` §1.1.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import new as new_digest
from hashlib import sha256
from io import BytesIO
from typing import Any

from asn1crypto import cms
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.general import SigningError as PyHankoSigningError
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest
from pyhanko.sign.signers.pdf_cms import ExternalSigner
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner, PdfTBSDocument
from pyhanko.stamp import BaseStampStyle

from signing.blocking import run_to_end
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
from signing.errors import BadSignatureValue, UnsupportedDocument
from signing.keys import check_value
from signing.pdf_appearance import Appearance, appearance_of
from signing.pdf_increment import AddedField, IncrementWriter, check_increment
from signing.pdf_locks import forbids_signature
from signing.pdf_reading import (
    DEFAULT_LIMITS,
    HOSTILE_PDF,
    BoundedReader,
    broken,
    form_fields,
    open_pdf,
    signature_fields,
)
from signing.stamp_obstacles import stamp_obstacle
from signing.stamp_placing import find_place
from signing.types import (
    JsonObject,
    Mechanism,
    Prepared,
    SignatureFormat,
    SignatureParameters,
    SignatureValue,
    Stamp,
    ToSign,
)

TO_SIGN_ID = "pdf"
# Hexadecimal characters of /Contents: 8192 bytes of CMS, twice what B-B needs (signing.md §1.4).
BYTES_RESERVED = 16384
_RESUME_VERSION = 1


@dataclass(frozen=True, slots=True)
class _Resume:
    """What phase 2 needs, plain."""

    certificate: bytes
    chain: tuple[bytes, ...]
    mechanism: Mechanism
    prepared_sha256: str
    range_digest: PreparedByteRangeDigest
    signed_attributes: bytes


def prepare(
    document: bytes, parameters: SignatureParameters, stamp: Stamp | None = None
) -> Prepared:
    """Phase 1: add a signature field and its placeholder, and tell what to sign. The field shows
    the stamp where there is one that the document can take (`stamp_obstacle`, `find_place`), and
    is invisible otherwise.

    The prepared file begins with the exact bytes of `document` (an increment, ISO 32000-2
    §7.5.6). `to_sign` is the DER SET OF of the CMS signed attributes: contentType,
    messageDigest, signingCertificateV2 (EN 319 142-1 §6.3); place and capacity stand in
    /Location and /Reason, the time in /M.

    What was prepared is read again first: `pdf_increment.check_increment`.

    Raises UnsupportedDocument (codes of `open_pdf`, `pdf_locked`, `pdf_not_preserved`),
    UnsuitableCertificate."""
    mechanism = mechanism_for(parameters.certificate)
    read_certificate(parameters.certificate)
    digest = DIGESTS[mechanism]
    reader = _signable(document)
    signer = external_signer(parameters.certificate, parameters.chain, mechanism, value=None)
    try:
        appearance = None if stamp is None else _appearance(reader, stamp)
        field = AddedField(_free_field_name(reader), appearance)
        range_digest, prepared = _with_placeholder(reader, signer, parameters, field, digest)
        attributes = run_to_end(
            signer.signed_attrs(range_digest.document_digest, digest, use_pades=True)
        ).dump()
    except (*HOSTILE_PDF, PyHankoSigningError) as e:
        raise broken(e) from e
    gap = slice(range_digest.reserved_region_start, range_digest.reserved_region_end)
    check_increment(document, prepared, field, gap)
    return _prepared(document, prepared, mechanism, range_digest, parameters, attributes)


def finish(prepared_document: bytes, resume: JsonObject, values: Sequence[SignatureValue]) -> bytes:
    """Phase 2: the signed PDF, from the prepared file, the resume of phase 1 and the one value.

    Checked before anything is returned (DESIGN D8): the prepared file is the one prepared, the
    value is the certificate's over the exact signed attributes, the digest recomputed on the
    final file is the messageDigest, the attributes embedded are byte-equal.

    Raises BadSignatureValue; the file is unchanged then."""
    state = _read_resume(resume)
    refuse_changed(prepared_document, state.prepared_sha256)
    value = only_value(values, TO_SIGN_ID)
    check_value(state.certificate, value, state.signed_attributes, state.mechanism)
    digest = DIGESTS[state.mechanism]
    signer = external_signer(state.certificate, state.chain, state.mechanism, value=value)
    output = BytesIO(prepared_document)
    try:
        run_to_end(_complete(signer, state, digest, output))
    except PyHankoSigningError as e:
        raise BadSignatureValue(
            "La chaîne de certificats est trop longue pour tenir dans la signature : retirez les "
            "certificats inutiles.",
            code="signature_too_large",
        ) from e
    signed = output.getvalue()
    _self_check(signed, prepared_document, state, digest)
    return signed


def _signable(document: bytes) -> BoundedReader:
    reader = open_pdf(document)
    try:
        locked = forbids_signature(reader, signature_fields(reader, DEFAULT_LIMITS))
    except HOSTILE_PDF as e:
        raise broken(e) from e
    if locked:
        raise UnsupportedDocument(
            "Une signature existante verrouille ce PDF : une de plus la rendrait invalide. "
            "Demandez un document non verrouillé à son auteur.",
            code="pdf_locked",
        )
    # pyHanko refuses to sign any hybrid-reference file in strict mode, those of Word included;
    # everything strict mode checks at opening has been checked by now.
    reader.strict = False
    return reader


def _free_field_name(reader: BoundedReader) -> str:
    taken = {name for name, _ in form_fields(reader, DEFAULT_LIMITS)}
    number = 1
    while f"Signature{number}" in taken:
        number += 1
    return f"Signature{number}"


def _appearance(reader: BoundedReader, stamp: Stamp) -> Appearance | None:
    if stamp_obstacle(reader, signature_fields(reader, DEFAULT_LIMITS)) is not None:
        return None
    place = find_place(reader, stamp)
    return appearance_of(stamp, place) if place else None


class _DrawnApart(BaseStampStyle):
    """Keeps pyHanko from drawing a stamp of its own."""

    def create_stamp(self, writer: Any, box: Any, text_params: Any) -> None:
        return


def _with_placeholder(
    reader: BoundedReader,
    signer: ExternalSigner,
    parameters: SignatureParameters,
    field: AddedField,
    digest: str,
) -> tuple[PreparedByteRangeDigest, bytes]:
    metadata = PdfSignatureMetadata(
        field_name=field.name,
        md_algorithm=digest,
        subfilter=SigSeedSubFilter.PADES,
        location=parameters.place.city,
        reason=parameters.claimed_role,
        name=parameters.signer_name,
    )
    writer = IncrementWriter.on(reader)
    spec = writer.spec_of(field)
    pdf_signer = PdfSigner(metadata, signer=signer, stamp_style=_DrawnApart(), new_field_spec=spec)
    session = pdf_signer.init_signing_session(writer)
    if field.appearance is not None:
        writer.draw(session.sig_field, field.appearance)
    session.system_time = parameters.signing_time
    tbs = session.prepare_tbs_document(validation_info=None, bytes_reserved=BYTES_RESERVED)
    output = BytesIO()
    range_digest, _ = tbs.digest_tbs_document(output=output)
    return range_digest, output.getvalue()


def _prepared(
    document: bytes,
    prepared: bytes,
    mechanism: Mechanism,
    range_digest: PreparedByteRangeDigest,
    parameters: SignatureParameters,
    attributes: bytes,
) -> Prepared:
    prepared_sha256 = sha256(prepared).hexdigest()
    resume: JsonObject = {
        "version": _RESUME_VERSION,
        "certificate": _text(parameters.certificate),
        "chain": [_text(issuer) for issuer in parameters.chain],
        "mechanism": mechanism.value,
        "prepared_sha256": prepared_sha256,
        "document_digest": _text(range_digest.document_digest),
        "reserved_region_start": range_digest.reserved_region_start,
        "reserved_region_end": range_digest.reserved_region_end,
        "signed_attributes": _text(attributes),
    }
    return Prepared(
        format=SignatureFormat.PADES,
        document=prepared,
        document_sha256=prepared_sha256,
        source_sha256=sha256(document).hexdigest(),
        to_sign=(ToSign(TO_SIGN_ID, attributes, mechanism),),
        resume=resume,
    )


def _read_resume(resume: JsonObject) -> _Resume:
    state: dict[str, Any] = dict(resume)
    refuse_version(state.get("version"), _RESUME_VERSION)
    return _Resume(
        certificate=b64decode(state["certificate"]),
        chain=tuple(b64decode(issuer) for issuer in state["chain"]),
        mechanism=Mechanism(state["mechanism"]),
        prepared_sha256=state["prepared_sha256"],
        range_digest=PreparedByteRangeDigest(
            document_digest=b64decode(state["document_digest"]),
            reserved_region_start=state["reserved_region_start"],
            reserved_region_end=state["reserved_region_end"],
        ),
        signed_attributes=b64decode(state["signed_attributes"]),
    )


async def _complete(signer: ExternalSigner, state: _Resume, digest: str, output: BytesIO) -> None:
    signature = await signer.async_sign_prescribed_attributes(
        digest, signed_attrs=cms.CMSAttributes.load(state.signed_attributes)
    )
    await PdfTBSDocument.async_finish_signing(output, state.range_digest, signature)


def _self_check(signed: bytes, prepared: bytes, state: _Resume, digest: str) -> None:
    """The final file says what was signed, and nothing else moved."""
    start, end = state.range_digest.reserved_region_start, state.range_digest.reserved_region_end
    view = memoryview(signed)
    recomputed = new_digest(digest, view[:start], usedforsecurity=True)
    recomputed.update(view[end:])
    contents = bytes.fromhex(signed[start + 1 : end - 1].decode("ascii"))
    embedded = embedded_attributes(contents)
    byte_range = b"/ByteRange [0 %d %d %d]" % (start, end, len(signed) - end)
    sound = (
        len(signed) == len(prepared)
        and view[:start] == memoryview(prepared)[:start]
        and view[end:] == memoryview(prepared)[end:]
        and signed[:start].count(byte_range) + signed[end:].count(byte_range) == 1
        and embedded == state.signed_attributes
        and message_digest(embedded) == recomputed.digest()
    )
    if not sound:
        raise self_check_failed()


def _text(value: bytes) -> str:
    return b64encode(value).decode("ascii")
