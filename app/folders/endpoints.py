"""Routes of a folder's life: lists, reading, acts of people."""

from __future__ import annotations

import urllib.parse
import uuid
from typing import Annotated, assert_never

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.documents.repository import DocumentRepository
from app.errors import NotFound
from app.folders import service
from app.folders.repository import FolderRepository
from app.folders.schemas import (
    ApproveAction,
    CancelAction,
    FolderAction,
    FolderEventRead,
    FolderRead,
    FolderSummary,
    RejectAction,
    ResubmitAction,
    RetractAction,
)
from app.kit.pagination import MAX_PAGE, Cursor, Page, read_cursor
from app.kit.problems import problem_responses
from workflows.actions import Action, Approve, Cancel, Reject, Retract
from workflows.definition import StepId
from workflows.errors import NotResubmittable
from workflows.folder import FolderStatus
from workflows.powers import Authorship, PersonAtDesk

router = APIRouter(tags=["folders"], route_class=IdempotentRoute)


@router.get(
    "/folders",
    response_model=Page[FolderSummary],
    summary="Lister les dossiers",
    responses=problem_responses(401, 403, 422),
)
async def list_folders(
    status: Annotated[str | None, Query(max_length=30)] = None,
    waiting: bool = False,  # noqa: FBT001, FBT002  a query parameter
    cursor: str | None = None,
    size: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    caller: Caller = permit(Permission.FOLDER_READ),
) -> Page[FolderSummary]:
    """Newest first. `waiting`: only those whose current step one of the caller's desks holds."""
    async with caller.unit() as session:
        rows = await FolderRepository(session).page(
            caller.principal, status=status, waiting=waiting, after=read_cursor(cursor), size=size
        )
    page = rows[:size]
    last = page[-1] if len(rows) > size else None
    return Page(
        items=[service.summary(row) for row in page],
        next_cursor=Cursor(last.created_at, last.id).encode() if last else None,
    )


@router.get(
    "/folders/{folder_id}",
    response_model=FolderRead,
    summary="Lire un dossier",
    responses=problem_responses(401, 403, 404),
)
async def get_folder(
    folder_id: uuid.UUID, caller: Caller = permit(Permission.FOLDER_READ)
) -> FolderRead:
    """Documents, steps, and what the caller may do now."""
    async with caller.unit() as session:
        folder = await service.readable(session, caller.principal, folder_id)
        return await service.read_folder(session, caller.context, caller.principal, folder)


@router.post(
    "/folders/{folder_id}/actions",
    response_model=FolderRead,
    summary="Agir sur un dossier",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def act_on_folder(
    folder_id: uuid.UUID,
    action: FolderAction,
    caller: Caller = permit(Permission.FOLDER_ACT),
) -> FolderRead:
    """Approve, reject, retract, resubmit or cancel. Two people acting at once: one wins, the
    other gets a 409."""
    async with caller.unit() as session:
        folder = await service.lock_readable(session, caller.principal, folder_id)
        actor = service.seat(caller.principal, action.desk_id)
        match action:
            case ResubmitAction():
                # A draft is submitted by its own route, which marks the flow first (DESIGN D9).
                if folder.status == FolderStatus.DRAFT.value:
                    raise NotResubmittable
                acted = await service.enter_circuit(session, caller.context, folder, actor)
            case _:
                acted = await service.apply(
                    session, caller.context, folder, _domain_action(action, actor)
                )
        return await service.read_folder(session, caller.context, caller.principal, acted.folder)


def _domain_action(
    action: ApproveAction | RejectAction | RetractAction | CancelAction, actor: PersonAtDesk
) -> Action:
    match action:
        case ApproveAction():
            return Approve(actor, StepId(action.step))
        case RejectAction():
            return Reject(actor, StepId(action.step), action.reason)
        case RetractAction():
            return Retract(actor, StepId(action.step) if action.step else None)
        case CancelAction():
            return Cancel(actor)
        case _:
            assert_never(action)


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
        await service.readable(session, caller.principal, folder_id)
        repository = DocumentRepository(session)
        revision = await repository.revision(revision_id)
        document = await repository.document(revision.document_id) if revision else None
        if revision is None or document is None or document.folder_id != folder_id:
            raise NotFound
    chunks = await caller.context.store.open(revision.sha256)
    name = urllib.parse.quote(document.name, safe="")
    return StreamingResponse(
        chunks,
        media_type=document.media_type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "Content-Length": str(revision.size_bytes),
            "ETag": f'"{revision.sha256}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )
