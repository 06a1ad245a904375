"""Documents that change after their deposit: a new revision, or a document taken out."""

from __future__ import annotations

import uuid
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Actor, Occurrence
from app.audit.service import record
from app.auth.principal import Principal
from app.context import Context
from app.deposits.intake import Announced, plan_intake, refuse_unless_open
from app.deposits.service import Arrival, follow, take_name
from app.documents.repository import DocumentRepository
from app.documents.schemas import Origin
from app.documents.service import Intake, add_revision
from app.errors import NotFound
from app.folders.service import lock_readable, readable
from app.folders.submission import index
from app.models import Document, Folder, Revision
from workflows.folder import DocumentRole, FolderStatus

_CAME_BACK = frozenset(
    {
        FolderStatus.REJECTED.value,
        FolderStatus.REMOTE_REFUSED.value,
        FolderStatus.TRANSMISSION_FAILED.value,
    }
)


async def plan_revision(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder_id: uuid.UUID,
    announced: Announced,
    document_id: uuid.UUID,
) -> Intake:
    """What a new revision must be to take the place of this document's last one, in the role of
    the document. Raises NotFound, Conflict, Forbidden, Unprocessable."""
    folder = await readable(session, principal, folder_id)
    document = await _document(session, folder_id, document_id)
    refuse_unless_open(folder, principal, _CAME_BACK)
    used = await DocumentRepository(session).size_of_folder(folder_id)
    same_role = replace(announced, role=DocumentRole(document.kind))
    return await plan_intake(session, context, folder.subtype_id, same_role, used_bytes=used)


async def record_revision(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder: Folder,
    document_id: uuid.UUID,
    arrival: Arrival,
) -> Revision:
    """Writes the new revision of a document in a locked folder; the earlier ones stay, and may be
    downloaded. Raises what the plan did, again: the folder may have changed meanwhile."""
    document = await _document(session, folder.id, document_id)
    refuse_unless_open(folder, principal, _CAME_BACK)
    received = arrival.received
    if received.pes is not None:
        await DocumentRepository(session).release_references(folder.id, context.clock())
        await take_name(session, folder.id, received.pes.header)
    revision = await add_revision(
        session, document.id, received.blob, Origin.DEPOSITED, facts=received.facts
    )
    revision.report = received.report
    document.name = arrival.name
    folder.refusal = None
    folder.updated_at = context.clock()
    _journal(session, context, principal, document, revision)
    await follow(session, context, folder, revision, deferred=received.deferred)
    return revision


async def remove_document(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder_id: uuid.UUID,
    document_id: uuid.UUID,
) -> None:
    """Takes a document out of a draft or of a preparation. Raises NotFound, Conflict, Forbidden."""
    folder = await lock_readable(session, principal, folder_id)
    document = await _document(session, folder_id, document_id)
    refuse_unless_open(folder, principal)
    repository = DocumentRepository(session)
    last = (await repository.revisions([document.id]))[-1]
    _journal(session, context, principal, document, last, kind="document.removed")
    if document.kind == DocumentRole.MAIN_DOCUMENT.value:
        await repository.release_references(folder_id, context.clock())
    await repository.remove_document(document)
    folder.updated_at = context.clock()
    await index(session, folder)


async def _document(
    session: AsyncSession, folder_id: uuid.UUID, document_id: uuid.UUID
) -> Document:
    document = await DocumentRepository(session).document(document_id)
    if document is None or document.folder_id != folder_id:
        raise NotFound
    return document


def _journal(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    document: Document,
    revision: Revision,
    *,
    kind: str = "document.revised",
) -> None:
    record(
        session,
        Occurrence(
            kind=kind,
            actor=Actor(principal.kind.value, str(principal.id)),
            folder=str(document.folder_id),
            document=str(document.id),
            document_sha256=revision.sha256,
            details={"revision": revision.number, "size_bytes": revision.size_bytes},
        ),
        at=context.clock(),
        values={"name": document.name},
    )
