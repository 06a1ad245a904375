"""Routes of a folder's life: lists, reading, acts of people."""

from __future__ import annotations

import urllib.parse
import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission, PrincipalKind
from app.documents.detached import MEDIA_TYPE, read_signatures
from app.documents.repository import DocumentRepository
from app.errors import NotFound
from app.folders import details, service
from app.folders.acting import act, mark_before, outcome_of
from app.folders.acts import BulkAct, BulkRead, FolderAct
from app.folders.reading import read_acted, read_folder, summary
from app.folders.readings import record_reading
from app.folders.repository import FolderRepository
from app.folders.schemas import (
    FolderEventRead,
    FolderRead,
    FolderSummary,
    FolderUpdate,
    OutsideAnswer,
    Publication,
)
from app.kit.pagination import PAGE, Cursor, Page, PageSize, read_cursor
from app.kit.problems import problem_responses
from app.models import Document, Revision
from app.storage import StoredBlob
from workflows.actions import RecordOutside
from workflows.definition import StepId
from workflows.register import Authorship

router = APIRouter(tags=["folders"], route_class=IdempotentRoute)

Administered = Annotated[
    bool,
    Query(
        description="Seulement les dossiers en circuit que l'appelant administre, et dont il peut "
        "débloquer les étapes, au lieu de ceux qu'il lit."
    ),
]


@router.get(
    "/folders",
    response_model=Page[FolderSummary],
    summary="Lister les dossiers",
    responses=problem_responses(401, 403, 422),
)
async def list_folders(
    status: Annotated[str | None, Query(max_length=30)] = None,
    waiting: bool = False,  # noqa: FBT001, FBT002  a query parameter
    administered: Administered = False,  # noqa: FBT002  a query parameter
    cursor: str | None = None,
    size: PageSize = PAGE,
    caller: Caller = permit(Permission.FOLDER_READ),
) -> Page[FolderSummary]:
    """Newest first. `waiting`: only those whose current step one of the caller's desks holds."""
    async with caller.unit() as session:
        rows = await FolderRepository(session).page(
            caller.principal,
            status=status,
            waiting=waiting,
            administered=administered,
            after=read_cursor(cursor),
            size=size,
        )
    found = [summary(row) for row in rows]
    return Page.of(found, size, at=lambda one: Cursor(one.created_at, one.id))


@router.get(
    "/folders/{folder_id}",
    response_model=FolderRead,
    summary="Lire un dossier",
    responses=problem_responses(401, 403, 404),
)
async def get_folder(
    folder_id: uuid.UUID, caller: Caller = permit(Permission.FOLDER_READ)
) -> FolderRead:
    """Documents, steps, and what the caller may do now. Who only looks after its stuck steps sees
    neither documents nor metadata."""
    async with caller.unit() as session:
        folder = await service.visible(session, caller.principal, folder_id)
        return await read_folder(session, caller.context, caller.principal, folder)


@router.post(
    "/folders/{folder_id}/actions",
    response_model=FolderRead,
    summary="Agir sur un dossier",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def act_on_folder(
    folder_id: uuid.UUID,
    asked: FolderAct,
    caller: Caller = permit(Permission.FOLDER_ACT),
) -> FolderRead:
    """One act of a person through a desk. Two people acting at once: one wins, the other gets a
    409."""
    context, principal = caller.context, caller.principal
    marked = await mark_before(context, principal, folder_id, asked)
    async with caller.unit() as session:
        acted = await act(session, context, principal, folder_id, asked, marked)
        return await read_acted(session, context, principal, acted)


@router.post(
    "/folder-actions",
    response_model=BulkRead,
    summary="Agir sur plusieurs dossiers",
    responses=problem_responses(401, 403, 422),
)
async def act_on_folders(
    asked: BulkAct, caller: Caller = permit(Permission.FOLDER_ACT)
) -> BulkRead:
    """The same act on 1 to 200 folders: each in its own transaction, with its own outcome. One
    that fails holds no other back."""
    async with caller.unit():
        pass
    outcomes = [
        await outcome_of(caller.context, caller.principal, one.folder_id, one.act)
        for one in asked.items
    ]
    await caller.context.wake()
    return BulkRead(outcomes=outcomes)


@router.patch(
    "/folders/{folder_id}",
    response_model=FolderRead,
    summary="Modifier un dossier",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def update_folder(
    folder_id: uuid.UUID,
    new: FolderUpdate,
    caller: Caller = permit(Permission.FOLDER_DEPOSIT),
) -> FolderRead:
    """Title of a draft or of a folder that came back, metadata while the folder lives."""
    async with caller.unit() as session:
        folder = await details.update_folder(
            session, caller.context, caller.principal, folder_id, new
        )
        return await read_folder(session, caller.context, caller.principal, folder)


@router.put(
    "/folders/{folder_id}/publication",
    response_model=FolderRead,
    summary="Enregistrer la publication d'un acte",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def publish_act(
    folder_id: uuid.UUID,
    new: Publication,
    caller: Caller = permit(Permission.FOLDER_DEPOSIT),
) -> FolderRead:
    """An act is « exécutoire » once received by the legality control and published."""
    async with caller.unit() as session:
        folder = await details.publish(
            session, caller.context, caller.principal, folder_id, new.published_on
        )
        return await read_folder(session, caller.context, caller.principal, folder)


@router.post(
    "/folders/{folder_id}/outside-answer",
    response_model=FolderRead,
    summary="Enregistrer la réponse de l'extérieur",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def record_outside_answer(
    folder_id: uuid.UUID,
    answer: OutsideAnswer,
    caller: Caller = permit(Permission.OUTSIDE_ANSWER),
) -> FolderRead:
    """For the program that carries an external step: accepted, the circuit goes on; refused, the
    folder comes back to its submitter."""
    async with caller.unit() as session:
        folder = await service.lock_readable(session, caller.principal, folder_id)
        action = RecordOutside(
            StepId(answer.step), answer.accepted, answer.reference, answer.reason
        )
        acted = await service.apply(
            session, caller.context, folder, action, reported_by=caller.principal.actor
        )
        return await read_acted(session, caller.context, caller.principal, acted)


@router.get(
    "/folders/{folder_id}/history",
    response_model=list[FolderEventRead],
    summary="Lire l'historique",
    responses=problem_responses(401, 403, 404),
)
async def get_folder_history(
    folder_id: uuid.UUID, caller: Caller = permit(Permission.FOLDER_READ)
) -> list[FolderEventRead]:
    """Every event since the creation, oldest first."""
    async with caller.unit() as session:
        await service.readable(session, caller.principal, folder_id)
        rows = await FolderRepository(session).events(folder_id)
    lines = []
    for row in rows:
        by: Authorship | None = getattr(service.event_of(row), "by", None)
        lines.append(
            FolderEventRead(
                seq=row.seq,
                kind=row.kind,
                occurred_at=row.occurred_at,
                actor_id=by.person if by else None,
                on_behalf_of=by.power.on_behalf_of if by else None,
                power=by.power.kind.value if by else None,
                mention=by.power.mention if by else None,
                payload=row.payload["payload"],
            )
        )
    return lines


@router.get(
    "/folders/{folder_id}/revisions/{revision_id}/content",
    response_class=StreamingResponse,
    summary="Télécharger une révision",
    responses=problem_responses(401, 403, 404),
)
async def get_revision_content(
    folder_id: uuid.UUID,
    revision_id: uuid.UUID,
    caller: Caller = permit(Permission.FOLDER_READ),
) -> StreamingResponse:
    """The exact bytes: deposited, marked or signed. Always an attachment (threat 18)."""
    async with caller.unit() as session:
        document, revision = await _revision(session, caller, folder_id, revision_id)
    if caller.principal.kind is PrincipalKind.PERSON:
        await record_reading(caller.context, caller.principal, folder_id, revision_id)
    blob = StoredBlob(revision.sha256, revision.size_bytes)
    return await _attachment(caller, blob, name=document.name, media_type=document.media_type)


@router.get(
    "/folders/{folder_id}/revisions/{revision_id}/signature",
    response_class=StreamingResponse,
    summary="Télécharger la signature détachée d'une révision",
    responses=problem_responses(401, 403, 404),
)
async def get_revision_signature(
    folder_id: uuid.UUID,
    revision_id: uuid.UUID,
    caller: Caller = permit(Permission.FOLDER_READ),
) -> StreamingResponse:
    """The detached signature (CMS, DER) that stands beside the bytes of the revision."""
    async with caller.unit() as session:
        document, revision = await _revision(session, caller, folder_id, revision_id)
        every = await DocumentRepository(session).revisions([document.id])
        found = (await read_signatures(session, [document], every)).get(revision.id)
        if found is None:
            raise NotFound
    blob = StoredBlob(found.sha256, found.size_bytes)
    return await _attachment(caller, blob, name=found.name, media_type=MEDIA_TYPE)


async def _revision(
    session: AsyncSession, caller: Caller, folder_id: uuid.UUID, revision_id: uuid.UUID
) -> tuple[Document, Revision]:
    """Raises NotFound."""
    await service.readable(session, caller.principal, folder_id)
    repository = DocumentRepository(session)
    revision = await repository.revision(revision_id)
    document = await repository.document(revision.document_id) if revision else None
    if revision is None or document is None or document.folder_id != folder_id:
        raise NotFound
    return document, revision


async def _attachment(
    caller: Caller, blob: StoredBlob, *, name: str, media_type: str
) -> StreamingResponse:
    """Stored bytes, never shown in place (threat 18)."""
    shown = urllib.parse.quote(name, safe="")
    return StreamingResponse(
        await caller.context.store.open(blob.sha256),
        media_type=media_type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{shown}",
            "Content-Length": str(blob.size_bytes),
            "ETag": f'"{blob.sha256}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )
