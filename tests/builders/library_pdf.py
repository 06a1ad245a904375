"""Signed and time-stamped PDFs made by pyHanko alone: shapes that others produce."""

from __future__ import annotations

from io import BytesIO

from asn1crypto import crl, keys, x509
from cryptography.hazmat.primitives import serialization
from pyhanko.sign.fields import (
    FieldMDPSpec,
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
    append_signature_field,
)
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, PdfTimeStamper
from pyhanko.sign.signers.pdf_cms import SimpleSigner
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator.registry import SimpleCertificateStore

from app.demo.pki import Issued
from tests.builders.pdf import incremented, output_of
from tests.pki.tree import PkiTree

RESERVED = 32768


def certificate_store(*issued: Issued) -> SimpleCertificateStore:
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register_multiple(x509.Certificate.load(one.der) for one in issued)
    return store


def library_signer(signer: Issued, tree: PkiTree) -> SimpleSigner:
    """pyHanko's own software signer."""
    return SimpleSigner(
        signing_cert=x509.Certificate.load(signer.der),
        signing_key=private_key(signer),
        cert_registry=certificate_store(tree.authority),
    )


def timestamper(tree: PkiTree) -> DummyTimeStamper:
    """A time-stamping authority in the same process, at the tree's moment."""
    return DummyTimeStamper(
        tsa_cert=x509.Certificate.load(tree.tsa.der),
        tsa_key=private_key(tree.tsa),
        certs_to_embed=certificate_store(tree.authority),
        fixed_dt=tree.now,
    )


def private_key(issued: Issued) -> keys.PrivateKeyInfo:
    return keys.PrivateKeyInfo.load(
        issued.key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def library_signed(
    document: bytes,
    tree: PkiTree,
    metadata: PdfSignatureMetadata,
    *,
    signer: Issued | None = None,
    stamped: bool = False,
    box: tuple[int, int, int, int] | None = None,
) -> bytes:
    """`document` signed by pyHanko in one go."""
    spec = SigFieldSpec(metadata.field_name or "Sig", box=box) if box else None
    output = BytesIO()
    PdfSigner(
        metadata,
        signer=library_signer(signer or tree.good, tree),
        timestamper=timestamper(tree) if stamped else None,
        new_field_spec=spec,
    ).sign_pdf(incremented(document), output=output, bytes_reserved=RESERVED)
    return output.getvalue()


def approved(
    document: bytes,
    tree: PkiTree,
    *,
    field: str = "Visa",
    signer: Issued | None = None,
    stamped: bool = False,
    box: tuple[int, int, int, int] | None = None,
) -> bytes:
    """A PAdES approval signature, time-stamped or visible when asked."""
    metadata = PdfSignatureMetadata(field_name=field, subfilter=SigSeedSubFilter.PADES)
    return library_signed(document, tree, metadata, signer=signer, stamped=stamped, box=box)


def certified(document: bytes, tree: PkiTree, permission: MDPPerm) -> bytes:
    """A certification signature (DocMDP)."""
    metadata = PdfSignatureMetadata(
        field_name="Certification",
        certify=True,
        docmdp_permissions=permission,
        subfilter=SigSeedSubFilter.PADES,
    )
    return library_signed(document, tree, metadata)


def approved_with_lock(
    document: bytes,
    tree: PkiTree,
    *,
    permission: MDPPerm | None = None,
    fields: FieldMDPSpec | None = None,
) -> bytes:
    """An approval signature in a field that locks the document or its fields."""
    spec = SigFieldSpec("Visa", doc_mdp_update_value=permission, field_mdp_spec=fields)
    return approved(with_field(document, spec), tree)


def with_field(document: bytes, spec: SigFieldSpec) -> bytes:
    """An empty signature field, prepared ahead."""
    writer = incremented(document)
    append_signature_field(writer, spec)
    return output_of(writer)


def with_dss(document: bytes, tree: PkiTree) -> bytes:
    """Validation data added after the signatures: certificates and revocation lists."""
    output = BytesIO(document)
    DocumentSecurityStore.add_dss(
        output,
        sig_contents=None,
        certs=[x509.Certificate.load(one.der) for one in (tree.root, tree.authority)],
        crls=[crl.CertificateList.load(one) for one in tree.crls],
        ocsps=[],
    )
    return output.getvalue()


def with_document_timestamp(document: bytes, tree: PkiTree, *, field: str = "Horodatage") -> bytes:
    """A document time-stamp over everything so far."""
    output = BytesIO()
    PdfTimeStamper(timestamper(tree), field_name=field).timestamp_pdf(
        incremented(document), "sha256", bytes_reserved=RESERVED, output=output
    )
    return output.getvalue()
