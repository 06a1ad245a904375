"""Documents: bytes arrive and are inspected; revisions are kept and read."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.context import Context
from app.db.session import tenant_of
from app.documents.detached import read_signatures
from app.documents.inspection import detached_report_of, in_child, inspected, report_of
from app.documents.repository import DocumentRepository
from app.documents.schemas import (
    REPORT,
    DocumentRead,
    Origin,
    RevisionRead,
    SignatureRead,
    report_key,
)
from app.documents.verdicts import (
    UNJUDGED,
    invalid_signatures,
    refuse_invalid,
    told_of_stamp,
)
from app.errors import Unprocessable
from app.kit.ids import new_id
from app.models import Document, Revision
from app.storage import StoredBlob
from signing.bounded_pdf import inspect_pdf
from signing.errors import UnsupportedDocument
from signing.facts import IntakeKind, PesFacts
from signing.inspection import inspect_pes, plain, schema_findings
from signing.pes import PesInspector, intake_kind
from signing.trust import TrustMaterial
from workflows.definition import HeliosIntake
from workflows.folder import DocumentRole

PDF, XML = "application/pdf", "application/xml"
ANNEX_TYPES = frozenset({PDF, XML, "image/png", "image/jpeg", "application/zip", "text/plain"})
_MAGIC = {
    PDF: b"%PDF-",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "application/zip": b"PK",
}
_INTAKE_WORDS = {
    "to_sign": "à signer",
    "signed_elsewhere": "déjà signé",
    "nothing_to_sign": "sans signature",
}


@dataclass(frozen=True, slots=True)
class Intake:
    """What a document must be to enter this folder. `announced_bytes` is Content-Length, a hint
    that decides whether the slips are read now or by a job; `stamped`: its signatures are to show
    on a page."""

    role: DocumentRole
    media_type: str
    limit_bytes: int
    helios: HeliosIntake | None
    requires_latin1: bool
    announced_bytes: int | None
    announced_sha256: str | None
    trust: TrustMaterial
    stamped: bool

    @property
    def is_pes(self) -> bool:
        return self.helios is not None and self.role is DocumentRole.MAIN_DOCUMENT


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes that passed inspection and stand in the store. `deferred`: a job reads the rest."""

    blob: StoredBlob
    facts: dict[str, Any] | None = None
    report: dict[str, Any] | None = None
    pes: PesFacts | None = None
    deferred: bool = False


Acceptance = Callable[[PesFacts], Awaitable[None]]


async def receive(
    context: Context, intake: Intake, chunks: AsyncIterator[bytes], *, accept: Acceptance
) -> Received:
    """Streams a document into the store while inspecting it; a refusal keeps nothing. `accept`
    may refuse a flow by its header, before its bytes are kept.

    Raises UnsupportedDocument, Unprocessable, TooLarge, DigestMismatch, or what `accept` does."""
    if intake.is_pes:
        return await _receive_pes(context, intake, chunks, accept)
    found: list[Received] = []

    async def inspect(path: Path, blob: StoredBlob) -> None:
        is_pdf = intake.media_type == PDF
        found.append(await _read_pdf(context, path, blob, intake) if is_pdf else Received(blob))

    await context.store.write(
        _checked_start(chunks, intake.media_type),
        limit_bytes=intake.limit_bytes,
        expected_sha256=intake.announced_sha256,
        inspect=inspect,
    )
    return found[0]


async def _read_pdf(context: Context, path: Path, blob: StoredBlob, intake: Intake) -> Received:
    facts = await inspected(path, inspect_pdf)
    received = Received(blob, facts=told_of_stamp(facts, stamped=intake.stamped))
    if not facts["signatures"]:
        return received
    if blob.size_bytes <= context.settings.limits.inline_pes_bytes:
        return await _judged(context, path, received, intake.trust)
    if intake.role is DocumentRole.MAIN_DOCUMENT:
        return replace(received, deferred=True)
    return _warned(received, [UNJUDGED])


async def _judged(
    context: Context, path: Path, received: Received, trust: TrustMaterial
) -> Received:
    """With the report of the signatures that a PDF bears already. Nothing is refused for them:
    whoever deposits it is warned, and nothing condemned is transmitted (threats 1 to 5)."""
    try:
        report = await report_of(context, path, received.blob, trust)
    except UnsupportedDocument:
        return _warned(received, [UNJUDGED])
    return replace(_warned(received, invalid_signatures(report)), report=report)


def _warned(received: Received, findings: Sequence[Mapping[str, Any]]) -> Received:
    facts = received.facts or {}
    return replace(received, facts={**facts, "findings": [*facts["findings"], *findings]})


async def _checked_start(chunks: AsyncIterator[bytes], media_type: str) -> AsyncIterator[bytes]:
    start = b""
    magic = _MAGIC.get(media_type, b"")
    async for chunk in chunks:
        if len(start) < 1024:
            start += chunk[:1024]
            if len(start) >= len(magic) and not _starts_as(start, media_type):
                raise _not_as_declared(media_type)
        yield chunk
    if not start:
        raise UnsupportedDocument(
            "Le fichier est vide : choisissez-en un autre.", code="empty_file"
        )
    if not _starts_as(start, media_type):
        raise _not_as_declared(media_type)


def _starts_as(start: bytes, media_type: str) -> bool:
    return start.startswith(_MAGIC.get(media_type, b""))


def _not_as_declared(media_type: str) -> UnsupportedDocument:
    return UnsupportedDocument(
        f"Le fichier n'est pas du type annoncé ({media_type}) : vérifiez le fichier choisi.",
        code="not_as_declared",
    )


async def _receive_pes(
    context: Context, intake: Intake, chunks: AsyncIterator[bytes], accept: Acceptance
) -> Received:
    inline = intake.announced_bytes is not None and (
        intake.announced_bytes <= context.settings.limits.inline_pes_bytes
    )
    inspector = PesInspector(require_latin1=intake.requires_latin1, slip_facts=inline)
    found: list[Received] = []

    async def inspect(path: Path, blob: StoredBlob) -> None:
        facts = inspector.close()
        assert intake.helios is not None
        refuse_other_kind(intake_kind(facts), intake.helios)
        await accept(facts)
        received = Received(blob, pes=facts, deferred=not inline)
        if inline:
            received = await _complete(context, path, received, plain(facts), intake.trust)
        found.append(received)

    await context.store.write(
        _fed(chunks, inspector),
        limit_bytes=intake.limit_bytes,
        expected_sha256=intake.announced_sha256,
        inspect=inspect,
    )
    return found[0]


async def _fed(chunks: AsyncIterator[bytes], inspector: PesInspector) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        inspector.feed(chunk)
        yield chunk


def refuse_other_kind(kind: IntakeKind, expected: HeliosIntake) -> None:
    """Raises Unprocessable (`pes_wrong_intake`), naming both kinds (DESIGN D21)."""
    if kind.value == expected.value:
        return
    raise Unprocessable(
        f"Ce flux est « {_INTAKE_WORDS[kind.value]} » mais le sous-type prend des flux "
        f"« {_INTAKE_WORDS[expected.value]} » : choisissez le sous-type qui convient.",
        code="pes_wrong_intake",
    )


async def complete_pes(
    context: Context, blob: StoredBlob, trust: TrustMaterial, *, requires_latin1: bool
) -> Received:
    """What the streaming pass of a large flow leaves to a job: slips, the schema's findings, the
    signatures of a flow deposited signed. Raises UnsupportedDocument or Unprocessable."""
    async with context.store.materialise(blob.sha256) as path:
        facts = await inspected(path, inspect_pes, {"require_latin1": requires_latin1})
        return await _complete(context, path, Received(blob), facts, trust)


async def complete_pdf(
    context: Context, blob: StoredBlob, facts: dict[str, Any], trust: TrustMaterial
) -> Received:
    """What the deposit of a large PDF leaves to a job: the report of its signatures."""
    async with context.store.materialise(blob.sha256) as path:
        return await _judged(context, path, Received(blob, facts=facts), trust)


async def _complete(
    context: Context, path: Path, received: Received, facts: dict[str, Any], trust: TrustMaterial
) -> Received:
    schema_dir = context.settings.schemas.dir
    if schema_dir is not None:
        more = await in_child(path, schema_findings, str(schema_dir))
        facts = {**facts, "findings": [*facts["findings"], *more]}
    report = None
    if facts["signature_count"]:
        report = await report_of(context, path, received.blob, trust)
        refuse_invalid(report)
    return replace(received, facts=facts, report=report, deferred=False)


async def owe_report(
    session: AsyncSession, folder_id: uuid.UUID, revision_id: uuid.UUID, at: datetime
) -> None:
    """Owes the verification of a revision that is signed, from that instant on."""
    await jobs.enqueue(
        session,
        REPORT,
        tenant_of(session),
        {"folder_id": str(folder_id), "revision_id": str(revision_id)},
        run_after=at,
        dedupe_key=report_key(str(revision_id)),
    )


async def verification_report(
    context: Context, blob: StoredBlob, signature: StoredBlob | None, trust: TrustMaterial
) -> dict[str, Any]:
    """The full report of stored bytes, or of the signature that stands beside them."""
    async with context.store.materialise(blob.sha256) as path:
        if signature is None:
            return await report_of(context, path, blob, trust)
        async with context.store.materialise(signature.sha256) as beside:
            return await detached_report_of(context, path, beside, blob, trust)


async def add_document(
    session: AsyncSession,
    folder_id: uuid.UUID,
    *,
    name: str,
    intake: Intake,
    received: Received,
) -> tuple[Document, Revision]:
    """The rows of a document that was received: its first revision."""
    repository = DocumentRepository(session)
    document = Document(
        id=new_id(),
        tenant_id=tenant_of(session),
        folder_id=folder_id,
        kind=intake.role.value,
        position=len(await repository.documents(folder_id)),
        name=name,
        media_type=intake.media_type,
    )
    repository.add(document)
    await session.flush()
    revision = await add_revision(
        session, document.id, received.blob, Origin.DEPOSITED, facts=received.facts
    )
    revision.report = received.report
    await session.flush()
    return document, revision


async def add_revision(
    session: AsyncSession,
    document_id: uuid.UUID,
    blob: StoredBlob,
    origin: Origin,
    *,
    facts: dict[str, Any] | None,
    signature: StoredBlob | None = None,
) -> Revision:
    """A new state of a document; earlier ones stay. `signature`: the one made apart from `blob`."""
    repository = DocumentRepository(session)
    revision = Revision(
        id=new_id(),
        tenant_id=tenant_of(session),
        document_id=document_id,
        number=len(await repository.revisions([document_id])) + 1,
        origin=origin.value,
        sha256=blob.sha256,
        size_bytes=blob.size_bytes,
        signature_sha256=signature.sha256 if signature else None,
        signature_size_bytes=signature.size_bytes if signature else None,
        facts=facts,
    )
    repository.add(revision)
    await session.flush()
    return revision


async def read_documents(session: AsyncSession, folder_id: uuid.UUID) -> list[DocumentRead]:
    """Every document of a folder with its revisions."""
    repository = DocumentRepository(session)
    documents = await repository.documents(folder_id)
    revisions = await repository.revisions(document.id for document in documents)
    signatures = await read_signatures(session, documents, revisions)
    return [
        DocumentRead(
            id=document.id,
            kind=DocumentRole(document.kind),
            position=document.position,
            name=document.name,
            media_type=document.media_type,
            revisions=[
                read_revision(one, signatures.get(one.id))
                for one in revisions
                if one.document_id == document.id
            ],
        )
        for document in documents
    ]


def read_revision(row: Revision, signature: SignatureRead | None) -> RevisionRead:
    """A revision as the API shows it."""
    return RevisionRead(
        id=row.id,
        number=row.number,
        origin=Origin(row.origin),
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        signature=signature,
        facts=row.facts,
        report=row.report,
        created_at=row.created_at,
        retracted_at=row.retracted_at,
    )
