"""Routes of comparisons: what changed from one revision of a document to another."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from app.auth.http import Caller, permit
from app.auth.principal import Permission
from app.comparisons import service
from app.comparisons.schemas import ChangesRead
from app.kit.problems import problem_responses

router = APIRouter(tags=["folders"])


@router.get(
    "/folders/{folder_id}/documents/{document_id}/changes",
    response_model=ChangesRead,
    summary="Comparer deux révisions",
    responses=problem_responses(401, 403, 404, 422),
)
async def get_document_changes(
    folder_id: uuid.UUID,
    document_id: uuid.UUID,
    before: Annotated[uuid.UUID | None, Query()] = None,
    after: Annotated[uuid.UUID | None, Query()] = None,
    caller: Caller = permit(Permission.FOLDER_READ),
) -> ChangesRead:
    """Lines of a flow, pages of a PDF. By default the newest unsigned revision against the one
    that it replaced."""
    async with caller.unit() as session:
        pair = await service.pair_to_compare(
            session, caller.principal, folder_id, document_id, before=before, after=after
        )
    return await service.compute_changes(caller.context, pair)
