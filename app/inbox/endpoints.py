"""Routes of lists, counters and search."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from app.auth.http import Caller, permit
from app.auth.principal import Permission
from app.folders.reading import summary
from app.folders.schemas import FolderSummary
from app.inbox import service
from app.inbox.schemas import InboxCounters, InboxItem, ListName
from app.kit.pagination import PAGE, Cursor, Page, PageSize, read_cursor
from app.kit.problems import problem_responses

router = APIRouter(tags=["inbox"])


@router.get(
    "/inbox",
    response_model=InboxCounters,
    summary="Compter les dossiers de chaque bannette",
    responses=problem_responses(401, 403),
)
async def count_inbox(caller: Caller = permit(Permission.FOLDER_READ)) -> InboxCounters:
    """One counter per list; each agrees with its list."""
    async with caller.unit() as session:
        return await service.counters_of(session, caller.context, caller.principal)


@router.get(
    "/inbox/{list_name}",
    response_model=Page[InboxItem],
    summary="Lister une bannette",
    responses=problem_responses(401, 403, 422),
)
async def list_inbox(
    list_name: ListName,
    cursor: str | None = None,
    size: PageSize = PAGE,
    caller: Caller = permit(Permission.FOLDER_READ),
) -> Page[InboxItem]:
    """Newest arrivals first. `delegated`: what others' powers open to the caller."""
    async with caller.unit() as session:
        items = await service.items_of(
            session,
            caller.context,
            caller.principal,
            list_name,
            after=read_cursor(cursor),
            size=size,
        )
    return Page.of(items, size, at=lambda one: Cursor(one.since, one.folder.id))


@router.get(
    "/search",
    response_model=Page[FolderSummary],
    summary="Chercher des dossiers",
    responses=problem_responses(401, 403, 422),
)
async def search_folders(
    text: Annotated[str, Query(min_length=1, max_length=200)],
    before: uuid.UUID | None = None,
    size: PageSize = PAGE,
    caller: Caller = permit(Permission.FOLDER_READ),
) -> Page[FolderSummary]:
    """Title, third party, NomFic, number, metadata: without case nor accents, newest first."""
    async with caller.unit() as session:
        rows, following = await service.search(
            session, caller.principal, text, before=before, size=size
        )
    return Page(
        items=[summary(row) for row in rows],
        next_cursor=str(following) if following else None,
    )
