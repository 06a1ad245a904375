"""Routes about folders under way that another version of their circuit concerns."""

from __future__ import annotations

import uuid

from fastapi import APIRouter

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.catalog.drawing import chosen_desk
from app.catalog.workflows import version_of
from app.kit.problems import problem_responses
from app.workflow_changes import service
from app.workflow_changes.schemas import (
    ImpactRead,
    MigrationOutcome,
    MigrationsCreate,
    MigrationsUndo,
)

router = APIRouter(tags=["catalog"], route_class=IdempotentRoute)


@router.get(
    "/workflows/{workflow_id}/versions/{number}/impact",
    response_model=ImpactRead,
    summary="Mesurer l'effet d'une version sur les dossiers en cours",
    responses=problem_responses(401, 403, 404, 422),
)
async def preview_impact(
    workflow_id: uuid.UUID,
    number: int,
    caller: Caller = permit(Permission.CATALOG_ADMIN),
) -> ImpactRead:
    """How many folders stay as they are, stand at a step that changes, or cannot follow."""
    async with caller.unit() as session:
        return await service.preview(session, workflow_id, number, now=caller.context.clock())


@router.post(
    "/workflows/{workflow_id}/versions/{number}/migrations",
    response_model=list[MigrationOutcome],
    summary="Amener des dossiers en cours à une version",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def migrate_folders(
    workflow_id: uuid.UUID,
    number: int,
    asked: MigrationsCreate,
    caller: Caller = permit(Permission.CATALOG_ADMIN),
) -> list[MigrationOutcome]:
    """Each folder on its own: one that cannot follow does not hold the others back."""
    async with caller.unit() as session:
        target = await service.target_of(session, workflow_id, number)
        folder_ids = asked.folder_ids or await service.folders_that_follow(
            session, workflow_id, number, now=caller.context.clock()
        )
    chosen = [chosen_desk(one) for one in asked.chosen_desks]
    outcomes = [
        await service.migrate(caller.context, caller.principal, target, one, chosen)
        for one in dict.fromkeys(folder_ids)
    ]
    await caller.context.wake()
    return outcomes


@router.post(
    "/workflows/{workflow_id}/versions/{number}/migrations/undo",
    response_model=list[MigrationOutcome],
    summary="Ramener des dossiers à la version d'où ils viennent",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def undo_migrations(
    workflow_id: uuid.UUID,
    number: int,
    asked: MigrationsUndo,
    caller: Caller = permit(Permission.CATALOG_ADMIN),
) -> list[MigrationOutcome]:
    """Each folder goes back to the version that its last migration took it from."""
    async with caller.unit() as session:
        brought_to = await version_of(session, workflow_id, number)
        folder_ids = asked.folder_ids or await service.folders_brought_to(
            session, workflow_id, number
        )
    outcomes = [
        await service.bring_back(caller.context, caller.principal, brought_to, one)
        for one in dict.fromkeys(folder_ids)
    ]
    await caller.context.wake()
    return outcomes
