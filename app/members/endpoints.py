"""Routes of a host organisation: the settings of its members, never their documents."""

from __future__ import annotations

import uuid

from fastapi import APIRouter

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.kit.problems import problem_responses
from app.members import service
from app.members.schemas import MemberRead, MemberSettingsRead

router = APIRouter(tags=["members"], route_class=IdempotentRoute)


@router.get(
    "/members",
    response_model=list[MemberRead],
    summary="Lister les collectivités membres",
    responses=problem_responses(401, 403),
)
async def list_members(caller: Caller = permit(Permission.HOST_ADMIN)) -> list[MemberRead]:
    """Those that named the caller's organisation as their host."""
    async with caller.unit() as session:
        return await service.list_members(session)


@router.get(
    "/members/{tenant_id}/settings",
    response_model=MemberSettingsRead,
    summary="Lire les réglages d'une collectivité membre",
    responses=problem_responses(401, 403, 404),
)
async def get_member_settings(
    tenant_id: uuid.UUID, caller: Caller = permit(Permission.HOST_ADMIN)
) -> MemberSettingsRead:
    """Types, circuits, counts and connector labels; written in the journals of both."""
    return await service.read_settings(caller.context, caller.principal, tenant_id)
