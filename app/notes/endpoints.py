"""Routes of notes."""

from __future__ import annotations

import uuid

from fastapi import APIRouter

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.kit.problems import problem_responses
from app.notes import service
from app.notes.schemas import NoteCreate, NoteRead

router = APIRouter(tags=["notes"], route_class=IdempotentRoute)


@router.post(
    "/folders/{folder_id}/notes",
    response_model=NoteRead,
    status_code=201,
    summary="Annoter un dossier",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def add_note(
    folder_id: uuid.UUID,
    new: NoteCreate,
    caller: Caller = permit(Permission.FOLDER_ACT),
) -> NoteRead:
    """Public for all, private for the next desk, or on a page of a PDF."""
    async with caller.unit() as session:
        return await service.add_note(session, caller.context, caller.principal, folder_id, new)


@router.get(
    "/folders/{folder_id}/notes",
    response_model=list[NoteRead],
    summary="Lire les annotations",
    responses=problem_responses(401, 403, 404),
)
async def list_notes(
    folder_id: uuid.UUID, caller: Caller = permit(Permission.FOLDER_READ)
) -> list[NoteRead]:
    """Oldest first; a private note is seen by its author and by the desk that received the folder
    next."""
    async with caller.unit() as session:
        return await service.list_notes(session, caller.context, caller.principal, folder_id)
