"""Documents that change after their deposit: a new revision, or a document taken out."""

from __future__ import annotations

import uuid
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Occurrence
from app.audit.service import record
from app.auth.principal import Principal
from app.context import Context
from app.deposits.intake import Announced, plan_intake, refuse_unless_open
from app.deposits.service import Arrival, follow, take_name
from app.documents.repository import DocumentRepository
from app.documents.schemas import Origin
from app.documents.service import Intake, add_revision
from app.errors import Conflict, NotFound
from app.folders.references import release_reference
from app.folders.repository import FolderRepository
from app.folders.service import event_of, lock_readable, note_correction, readable
from app.folders.submission import index
from app.models import Document, Folder, Revision
from workflows import events
from workflows.evolution import evolve
from workflows.folder import DocumentRole, FolderState, FolderStatus
from workflows.outside_events import OutsideAnswered, TransmissionClaimed

_ACTS_UPON = (
    events.PassingEvent
    | events.Rejected
    | events.OpinionGiven
    | events.StepSkipped
    | events.StepForced
    | OutsideAnswered
    | TransmissionClaimed
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
    await refuse_unless_open(session, context, principal, folder)
    used = await DocumentRepository(session).size_of_folder(folder_id)
    same_role = replace(announced, role=DocumentRole(document.kind))
    return await plan_intake(
        session,
        context,
        folder.subtype_id,
        same_role,
        used_bytes=used,
        even_retired=folder.status != FolderStatus.DRAFT.value,
    )


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
    by = await refuse_unless_open(session, context, principal, folder)
    received = arrival.received
    if received.pes is not None:
        await take_name(session, folder, received.pes.header, context.clock())
    revision = await add_revision(
        session, document.id, received.blob, Origin.DEPOSITED, facts=received.facts
    )
    revision.report = received.report
    document.name, document.media_type = arrival.name, arrival.intake.media_type
    folder.refusal = None
    folder.updated_at = context.clock()
    _journal(session, context, principal, document, revision)
    await note_correction(session, context, by, folder)
    await follow(session, context, folder, revision, deferred=received.deferred)
    return revision


async def remove_document(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder_id: uuid.UUID,
    document_id: uuid.UUID,
) -> None:
    """Takes a document out of a draft, a preparation or what came back, unless somebody acted
    upon it in a validation. Raises NotFound, Forbidden, Conflict (`document_acted_upon` among
    others)."""
    folder = await lock_readable(session, principal, folder_id)
    document = await _document(session, folder_id, document_id)
    by = await refuse_unless_open(session, context, principal, folder)
    if str(document.id) in await _acted_upon(session, folder_id):
        raise Conflict(
            "Des personnes ont déjà agi sur ce document : il reste au dossier. Remplacez-le par "
            "une nouvelle révision, ou ouvrez un nouveau dossier.",
            code="document_acted_upon",
        )
    repository = DocumentRepository(session)
    last = (await repository.revisions([document.id]))[-1]
    _journal(session, context, principal, document, last, kind="document.removed")
    if document.kind == DocumentRole.MAIN_DOCUMENT.value:
        await release_reference(session, folder, context.clock())
    await repository.remove_document(document)
    folder.updated_at = context.clock()
    await note_correction(session, context, by, folder)
    await index(session, folder)


async def _acted_upon(session: AsyncSession, folder_id: uuid.UUID) -> set[str]:
    """The documents that a validation circuit had when somebody acted in it, undone or not."""
    found: set[str] = set()
    state: FolderState | None = None
    for row in await FolderRepository(session).events(folder_id):
        event = event_of(row)
        if state is not None and not state.in_preparation and isinstance(event, _ACTS_UPON):
            found.update(one.id for one in state.documents)
        state = evolve(state, event)
    return found


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
            actor=principal.actor,
            folder=str(document.folder_id),
            document=str(document.id),
            document_sha256=revision.sha256,
            details={"revision": revision.number, "size_bytes": revision.size_bytes},
        ),
        at=context.clock(),
        values={"name": document.name},
    )
