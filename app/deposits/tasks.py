"""The deferred inspection of a large flow, or of the signatures of a large PDF (DESIGN D17)."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.audit.chain import Occurrence
from app.audit.service import SYSTEM, record
from app.context import Context
from app.documents.disposal import discard_documents
from app.documents.repository import DocumentRepository
from app.documents.service import Received, complete_pdf, complete_pes
from app.errors import Conflict, Unprocessable
from app.folders.facts import state_of
from app.folders.references import hold_reference, release_reference
from app.folders.repository import FolderRepository
from app.folders.service import INSPECTING, INSPECTION_REFUSED
from app.folders.submission import entering_documents, index
from app.models import Folder
from app.storage import BlobMissing, Corrupted, StoredBlob
from app.tenants.repository import TenantRepository
from app.tenants.service import trust_material
from signing.errors import UnsupportedDocument
from workflows.folder import FolderStatus

REFUSED = "folders.inspection_refused"


async def inspect(context: Context, job: jobs.ClaimedJob) -> None:
    """Reads slips, schema and signatures, or the signatures of a PDF; the folder becomes a draft
    again or is refused, as when its bytes are lost or altered: deposited again, it goes on."""
    folder_id = uuid.UUID(job.object_ids["folder_id"])
    revision_id = uuid.UUID(job.object_ids["revision_id"])
    async with context.unit(job.tenant_id) as session:
        waiting = await _waiting(session, folder_id, revision_id)
        tenant = await TenantRepository(session).current()
        trust = await trust_material(session)
        if waiting is None:
            await jobs.finish(session, job)
            return
    try:
        if waiting.facts is not None:
            received = await complete_pdf(context, waiting.blob, waiting.facts, trust)
        else:
            received = await complete_pes(
                context, waiting.blob, trust, requires_latin1=tenant.requires_latin1_pes
            )
    except (UnsupportedDocument, Unprocessable, BlobMissing, Corrupted) as e:
        async with context.unit(job.tenant_id) as session:
            refusal = {"code": e.code, "detail": e.detail}
            await _refuse(session, context, folder_id, revision_id, refusal)
            await jobs.finish(session, job)
        return
    async with context.unit(job.tenant_id) as session:
        await _accept(session, folder_id, revision_id, received)
        await jobs.finish(session, job)


async def _accept(
    session: AsyncSession, folder_id: uuid.UUID, revision_id: uuid.UUID, received: Received
) -> None:
    """The deferred inspection went well: the facts stand, the folder is a draft again."""
    folder = await FolderRepository(session).lock(folder_id)
    revision = await DocumentRepository(session).revision(revision_id)
    if folder is None or revision is None or folder.status != INSPECTING:
        return
    revision.facts = received.facts
    revision.report = received.report
    # A draft, or the state in which a new revision found the folder.
    folder.status = (await state_of(session, folder_id)).status.value
    await index(session, folder)
    await session.flush()


async def _refuse(
    session: AsyncSession,
    context: Context,
    folder_id: uuid.UUID,
    revision_id: uuid.UUID,
    refusal: dict[str, str],
) -> None:
    """The deferred inspection refused: documents deleted, the submitter is told (D17). Where a new
    revision was brought to a folder that has a history, it alone is forgotten."""
    folder = await FolderRepository(session).lock(folder_id)
    if folder is None or folder.status != INSPECTING:
        return
    now = context.clock()
    state = await state_of(session, folder_id)
    if state.status is FolderStatus.DRAFT:
        await discard_documents(session, context, folder_id)
        await release_reference(session, folder, now)
        folder.status = INSPECTION_REFUSED
    else:
        await _forget(session, folder, revision_id, now)
        folder.status = state.status.value
    folder.refusal = dict(refusal)
    folder.updated_at = now
    await jobs.enqueue(
        session,
        REFUSED,
        folder.tenant_id,
        {"folder_id": str(folder_id)},
        run_after=now,
        dedupe_key=f"{REFUSED}:{folder_id}:{now.isoformat()}",
    )
    record(
        session,
        Occurrence(
            kind="folder.inspection_refused",
            actor=SYSTEM,
            folder=str(folder_id),
            details={"code": refusal["code"]},
        ),
        at=now,
    )


async def _forget(
    session: AsyncSession, folder: Folder, revision_id: uuid.UUID, now: datetime
) -> None:
    """The folder has the documents it had, and the NomFic of its flow unless another took it
    meanwhile: it is then refused when the folder is sent."""
    repository = DocumentRepository(session)
    revision = await repository.revision(revision_id)
    assert revision is not None
    document = await repository.document(revision.document_id)
    assert document is not None
    await repository.remove_revision(revision_id)
    if not await repository.revisions([document.id]):
        await repository.remove_document(document)
    await release_reference(session, folder, now)
    with suppress(Conflict):
        await hold_reference(session, folder, await entering_documents(session, folder.id), now)
    await index(session, folder)


async def _waiting(
    session: AsyncSession, folder_id: uuid.UUID, revision_id: uuid.UUID
) -> Received | None:
    """The bytes that a deferred inspection reads, with what is known of a PDF; None when it is no
    longer needed."""
    folder = await FolderRepository(session).folder(folder_id)
    revision = await DocumentRepository(session).revision(revision_id)
    if folder is None or revision is None or folder.status != INSPECTING:
        return None
    return Received(StoredBlob(revision.sha256, revision.size_bytes), facts=revision.facts)
