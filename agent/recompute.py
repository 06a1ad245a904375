"""Rebuild from the document what the key is asked to sign, and refuse any difference.

docs/agent-protocol.md, "What the agent checks" 3 to 6. Nothing here trusts a digest that the
server announces (threat 28): each one is computed again from the downloaded bytes."""

from __future__ import annotations

import hashlib
from typing import assert_never

from agent.errors import JobRefused
from agent.protocol import JobItem
from agent.recompute_cades import check_detached
from agent.recompute_pdf import check_pdf
from agent.recompute_pes import check_pes
from signing.errors import UnsuitableCertificate
from signing.keys import check_mechanism, public_key
from signing.types import SignatureFormat


def check_item(item: JobItem, document: bytes, *, certificate: bytes) -> None:
    """Returns only if every value to sign of `item` is what `document` and `certificate` give.

    `certificate` is the DER of the selected certificate. Raises JobRefused with the code of the
    first difference."""
    if hashlib.sha256(document).hexdigest() != item.download_sha256:
        raise JobRefused(
            "Le document téléchargé n'est pas celui de l'ordre de signature : relancez la "
            "signature depuis le parapheur.",
            code="document_differs",
        )
    _check_mechanisms(item, certificate)
    match item.format:
        case SignatureFormat.PADES:
            if item.pdf is not None:
                check_pdf(document, item.pdf, certificate=certificate)
        case SignatureFormat.CADES:
            if item.detached is not None:
                check_detached(item, item.detached, document, certificate=certificate)
        case SignatureFormat.PES_V2:
            check_pes(item, document, certificate=certificate)
        case _:
            assert_never(item.format)


def _check_mechanisms(item: JobItem, certificate: bytes) -> None:
    try:
        key = public_key(certificate)
        for entry in item.to_sign:
            check_mechanism(key, entry.mechanism)
    except UnsuitableCertificate as e:
        raise JobRefused(e.detail, code="algorithm_refused") from e
