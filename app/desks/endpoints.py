"""Routes about desks."""

from __future__ import annotations

import uuid

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Actor, Occurrence
from app.audit.service import record
from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.desks import service
from app.desks.schemas import DeskCreate, DeskRead, HolderCreate
from app.kit.problems import problem_responses

router = APIRouter(tags=["desks"], route_class=IdempotentRoute)


@router.post(
    "/desks",
    status_code=201,
    response_model=DeskRead,
    summary="Créer un bureau",
    responses=problem_responses(401, 403, 409, 422),
)
async def create_desk(new: DeskCreate, caller: Caller = permit(Permission.DESK_ADMIN)) -> DeskRead:
    """A desk is the actor of steps; persons hold it."""
    async with caller.unit() as session:
        desk = await service.create_desk(session, new)
        await _journal(session, caller, "desk.created", {"desk": str(desk.id)})
        return desk


@router.get(
    "/desks",
    response_model=list[DeskRead],
    summary="Lister les bureaux",
    responses=problem_responses(401, 403),
)
async def list_desks(caller: Caller = permit(Permission.CATALOG_READ)) -> list[DeskRead]:
    """Every desk of the tenant with its holders."""
    async with caller.unit() as session:
        return await service.list_desks(session)


@router.post(
    "/desks/{desk_id}/holders",
    status_code=201,
    response_model=DeskRead,
    summary="Affecter une personne à un bureau",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def add_desk_holder(
    desk_id: uuid.UUID, new: HolderCreate, caller: Caller = permit(Permission.DESK_ADMIN)
) -> DeskRead:
    """From an instant (now by default), until another or for now."""
    now = caller.context.clock()
    async with caller.unit() as session:
        desk = await service.add_holder(session, desk_id, new, now=now)
        await _journal(
            session,
            caller,
            "desk.holder_added",
            {"desk": str(desk_id), "person": str(new.user_id)},
        )
        return desk


async def _journal(
    session: AsyncSession, caller: Caller, kind: str, details: dict[str, str]
) -> None:
    actor = Actor(caller.principal.kind.value, str(caller.principal.id))
    await record(
        session, Occurrence(kind=kind, actor=actor, details=details), at=caller.context.clock()
    )
