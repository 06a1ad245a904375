"""Routes of a host organisation: the settings and certificate orders of its members, never their
documents."""

from __future__ import annotations

import uuid

from fastapi import APIRouter

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.kit.pagination import PAGE, Cursor, Page, PageSize, read_cursor
from app.kit.problems import problem_responses
from app.members import service
from app.members.schemas import MemberCertificateOrderRead, MemberRead, MemberSettingsRead
from app.models import CertificateOrderState

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


@router.get(
    "/members/certificate-orders",
    response_model=Page[MemberCertificateOrderRead],
    summary="Lister les commandes de certificats de toutes les collectivités membres",
    responses=problem_responses(401, 403, 422),
)
async def list_certificate_orders_of_members(
    state: CertificateOrderState | None = None,
    cursor: str | None = None,
    size: PageSize = PAGE,
    caller: Caller = permit(Permission.HOST_ADMIN),
) -> Page[MemberCertificateOrderRead]:
    """Newest first, in every state or in one, to order for all of them at once; written in the
    journals of the host and of each member shown."""
    wanted = service.WantedOrders(state, read_cursor(cursor), size)
    found = await service.list_orders_of_members(caller.context, caller.principal, wanted)
    return _page(found, size)


@router.get(
    "/members/{tenant_id}/certificate-orders",
    response_model=Page[MemberCertificateOrderRead],
    summary="Lister les commandes de certificats d'une collectivité membre",
    responses=problem_responses(401, 403, 404, 422),
)
async def list_certificate_orders_of_member(
    tenant_id: uuid.UUID,
    state: CertificateOrderState | None = None,
    cursor: str | None = None,
    size: PageSize = PAGE,
    caller: Caller = permit(Permission.HOST_ADMIN),
) -> Page[MemberCertificateOrderRead]:
    """Newest first; written in the journals of both."""
    wanted = service.WantedOrders(state, read_cursor(cursor), size)
    found = await service.list_certificate_orders(
        caller.context, caller.principal, tenant_id, wanted
    )
    return _page(found, size)


def _page(found: list[MemberCertificateOrderRead], size: int) -> Page[MemberCertificateOrderRead]:
    return Page.of(found, size, at=lambda one: Cursor(one.requested_at, one.id))
