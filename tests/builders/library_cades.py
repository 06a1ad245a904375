"""Detached CAdES signatures of an act, made by pyHanko."""

from __future__ import annotations

from io import BytesIO

from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes

from app.demo.acts import deliberation
from app.demo.pki import Issued
from signing.blocking import run_to_end
from tests.builders.library_pdf import library_signer, timestamper
from tests.pki.tree import PkiTree

CONTENT = deliberation()


def cades(tree: PkiTree, *, signer: Issued | None = None, stamped: bool = False) -> bytes:
    """A signature of CONTENT."""
    signing = library_signer(signer or tree.good, tree).async_sign_general_data(
        BytesIO(CONTENT),
        "sha256",
        use_cades=True,
        timestamper=timestamper(tree) if stamped else None,
        signed_attr_settings=PdfCMSSignedAttributes(signing_time=tree.now),
    )
    encoded: bytes = run_to_end(signing).dump()
    return encoded
