"""Routes of the register of certificate orders; what a host sees of them is in `app/members`."""

from __future__ import annotations

import uuid

from fastapi import APIRouter

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.certificate_orders import service
from app.certificate_orders.schemas import (
    CertificateDelivered,
    CertificateOrderCancelled,
    CertificateOrderCreate,
    CertificateOrdered,
    CertificateOrderRead,
)
from app.kit.pagination import PAGE, Cursor, Page, PageSize, read_cursor
from app.kit.problems import problem_responses
from app.models import CertificateOrderState

router = APIRouter(tags=["certificate_orders"], route_class=IdempotentRoute)


@router.post(
    "/certificate-orders",
    status_code=201,
    response_model=CertificateOrderRead,
    summary="Demander un certificat pour une personne",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def request_certificate(
    new: CertificateOrderCreate, caller: Caller = permit(Permission.CERTIFICATE_ORDER_ADMIN)
) -> CertificateOrderRead:
    """For somebody whose account is active: for which usages, at which level, by when."""
    async with caller.unit() as session:
        return await service.request(session, caller.context, caller.principal, new)


@router.get(
    "/certificate-orders",
    response_model=Page[CertificateOrderRead],
    summary="Lister les commandes de certificats",
    responses=problem_responses(401, 403, 422),
)
async def list_certificate_orders(
    state: CertificateOrderState | None = None,
    cursor: str | None = None,
    size: PageSize = PAGE,
    caller: Caller = permit(Permission.CERTIFICATE_ORDER_ADMIN),
) -> Page[CertificateOrderRead]:
    """Newest first, in every state or in one; those of closed accounts stay."""
    async with caller.unit() as session:
        found = await service.list_orders(
            session, state=state, after=read_cursor(cursor), size=size
        )
    return Page.of(found, size, at=lambda one: Cursor(one.requested_at, one.id))


@router.get(
    "/certificate-orders/{order_id}",
    response_model=CertificateOrderRead,
    summary="Lire une commande de certificat",
    responses=problem_responses(401, 403, 404, 422),
)
async def get_certificate_order(
    order_id: uuid.UUID, caller: Caller = permit(Permission.CERTIFICATE_ORDER_ADMIN)
) -> CertificateOrderRead:
    """Where it stands, and the instant of each state that it reached."""
    async with caller.unit() as session:
        return await service.order_of(session, order_id)


@router.post(
    "/certificate-orders/{order_id}/order",
    response_model=CertificateOrderRead,
    summary="Enregistrer qu'un certificat est commandé",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def order_certificate(
    order_id: uuid.UUID,
    ordered: CertificateOrdered,
    caller: Caller = permit(Permission.CERTIFICATE_ORDER_ADMIN),
) -> CertificateOrderRead:
    """From requested only: names the supplier and his reference."""
    async with caller.unit() as session:
        return await service.order(session, caller.context, caller.principal, order_id, ordered)


@router.post(
    "/certificate-orders/{order_id}/deliver",
    response_model=CertificateOrderRead,
    summary="Enregistrer la remise d'un certificat",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def deliver_certificate(
    order_id: uuid.UUID,
    delivered: CertificateDelivered,
    caller: Caller = permit(Permission.CERTIFICATE_ORDER_ADMIN),
) -> CertificateOrderRead:
    """From ordered only. The certificate is named where that person's register has it already."""
    async with caller.unit() as session:
        return await service.deliver(session, caller.context, caller.principal, order_id, delivered)


@router.post(
    "/certificate-orders/{order_id}/cancel",
    response_model=CertificateOrderRead,
    summary="Annuler une commande de certificat",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def cancel_certificate_order(
    order_id: uuid.UUID,
    cancelled: CertificateOrderCancelled,
    caller: Caller = permit(Permission.CERTIFICATE_ORDER_ADMIN),
) -> CertificateOrderRead:
    """Until it is delivered; the reason is kept."""
    async with caller.unit() as session:
        return await service.cancel(session, caller.context, caller.principal, order_id, cancelled)
