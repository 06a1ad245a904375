"""Signatures that stand in files of their own beside the bytes that they sign: how they are named,
and which one a revision has."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.documents.repository import DocumentRepository
from app.documents.schemas import SignatureRead
from app.models import Document, Revision
from app.storage import StoredBlob
from workflows import folder as domain

MEDIA_TYPE: Final = "application/pkcs7-signature"
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,8}$")
_UNSAFE = re.compile(r"[^\w .()'-]")
_BASE_BYTES, _SIGNER_BYTES = 150, 80


def detached_signature(revision: Revision) -> StoredBlob | None:
    """The file of the signature that stands beside a revision, if any."""
    if revision.signature_sha256 is None or revision.signature_size_bytes is None:
        return None
    return StoredBlob(revision.signature_sha256, revision.signature_size_bytes)


def signature_digest(revision: Revision | domain.Revision) -> dict[str, str]:
    """What the journal says beside the digest of a revision: that of the signature made apart."""
    sha256 = revision.signature_sha256
    return {} if sha256 is None else {"signature_sha256": sha256}


def as_domain(revision: Revision) -> domain.Revision:
    """A revision as the engine knows it."""
    return domain.Revision(
        domain.RevisionId(str(revision.id)), revision.sha256, revision.signature_sha256
    )


async def read_signatures(
    session: AsyncSession, documents: Sequence[Document], revisions: Sequence[Revision]
) -> dict[uuid.UUID, SignatureRead]:
    """The detached signatures of these documents, by the revision that each stands beside.
    `revisions`: all those of each document, oldest first."""
    signed = [one for one in revisions if one.signature_sha256 is not None]
    if not signed:
        return {}
    signers = await DocumentRepository(session).signers(one.signature_sha256 for one in signed)
    names = {one.id: one.name for one in documents}
    found: dict[uuid.UUID, SignatureRead] = {}
    ranks: dict[uuid.UUID, int] = {}
    for one in signed:
        blob = detached_signature(one)
        assert blob is not None
        rank = ranks[one.document_id] = ranks.get(one.document_id, 0) + 1
        name = file_name(names[one.document_id], rank, signers.get(blob.sha256))
        found[one.id] = SignatureRead(sha256=blob.sha256, size_bytes=blob.size_bytes, name=name)
    return found


def file_name(document_name: str, rank: int, signer: str | None) -> str:
    """`<base>-<rank>-<First Last>.p7s`; `rank` counts the signatures of a document from 1, oldest
    first, those taken back included, so that a name never changes hands. Letters, digits, spaces
    and `. _ - ( ) '` alone, 255 bytes at most (threat 18)."""
    base = _safe(_EXTENSION.sub("", document_name), _BASE_BYTES) or "document"
    parts = [base, str(rank), *([_safe(signer, _SIGNER_BYTES)] if signer else [])]
    return f"{'-'.join(one for one in parts if one)}.p7s"


def _safe(text: str, limit_bytes: int) -> str:
    kept = _UNSAFE.sub("_", unicodedata.normalize("NFC", text))
    cut = kept.encode()[:limit_bytes].decode(errors="ignore")
    return cut.strip(" .")
