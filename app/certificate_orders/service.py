"""Certificate orders: requested for a person, ordered from a supplier, delivered or cancelled."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Final, assert_never

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Occurrence
from app.audit.service import record
from app.auth.principal import Principal
from app.certificate_orders.repository import CertificateOrderRepository, Found
from app.certificate_orders.schemas import (
    CertificateDelivered,
    CertificateOrderCancelled,
    CertificateOrderCreate,
    CertificateOrdered,
    CertificateOrderRead,
)
from app.context import Context
from app.db.session import tenant_of
from app.errors import Conflict, NotFound, Unprocessable
from app.kit.ids import new_id
from app.kit.pagination import Cursor
from app.models import CertificateOrder, CertificateOrderState, CertificateUsage
from app.tenants.service import today_of
from app.users.repository import UserRepository
from app.users.schemas import PersonRead
from app.users.service import active_person

REACHED_FROM: Final[Mapping[CertificateOrderState, frozenset[CertificateOrderState]]] = {
    CertificateOrderState.REQUESTED: frozenset(),
    CertificateOrderState.ORDERED: frozenset({CertificateOrderState.REQUESTED}),
    CertificateOrderState.DELIVERED: frozenset({CertificateOrderState.ORDERED}),
    CertificateOrderState.CANCELLED: frozenset(
        {CertificateOrderState.REQUESTED, CertificateOrderState.ORDERED}
    ),
}
"""The states that lead to each one; there is no other way."""


async def request(
    session: AsyncSession, context: Context, principal: Principal, new: CertificateOrderCreate
) -> CertificateOrderRead:
    """A new order. Raises NotFound (nobody has this identifier), Conflict (`person_inactive`) or
    Unprocessable (`certificate_level_missing`, `wanted_by_past`)."""
    await active_person(session, new.user_id)
    now = context.clock()
    _refuse_without_level(new)
    await _refuse_past(session, new, now)
    row = CertificateOrder(
        id=new_id(),
        tenant_id=tenant_of(session),
        user_id=new.user_id,
        usages=[one.value for one in CertificateUsage if one in new.usages],
        rgs_level=new.rgs_level,
        eidas_level=new.eidas_level,
        wanted_by=new.wanted_by,
        state=CertificateOrderState.REQUESTED.value,
        requested_by=principal.id,
        requested_at=now,
    )
    CertificateOrderRepository(session).add(row)
    _tell(session, principal, row, at=now)
    return await _saved(session, row)


def _refuse_without_level(new: CertificateOrderCreate) -> None:
    if new.rgs_level is None and new.eidas_level is None:
        raise Unprocessable(
            "Le niveau du certificat manque : demandez un niveau RGS, le niveau qualifié eIDAS, "
            "ou les deux.",
            code="certificate_level_missing",
        )


async def _refuse_past(session: AsyncSession, new: CertificateOrderCreate, now: datetime) -> None:
    if new.wanted_by is not None and new.wanted_by < await today_of(session, now):
        raise Unprocessable(
            "La date souhaitée est passée : donnez-en une à venir, ou n'en donnez pas.",
            code="wanted_by_past",
        )


async def order(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    order_id: uuid.UUID,
    ordered: CertificateOrdered,
) -> CertificateOrderRead:
    """It was ordered from a supplier. Raises NotFound or the Conflict of its state."""
    row = await _about_to_be(session, order_id, CertificateOrderState.ORDERED)
    row.supplier, row.supplier_reference = ordered.supplier, ordered.supplier_reference
    row.ordered_at = context.clock()
    _move(session, principal, row, CertificateOrderState.ORDERED, at=row.ordered_at)
    return await _saved(session, row)


async def deliver(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    order_id: uuid.UUID,
    delivered: CertificateDelivered,
) -> CertificateOrderRead:
    """The person has his certificate, named where his register knows it already. Raises NotFound,
    the Conflict of its state, or Unprocessable (`certificate_not_of_person`)."""
    row = await _about_to_be(session, order_id, CertificateOrderState.DELIVERED)
    sha256 = delivered.certificate_sha256
    if sha256 is not None:
        row.certificate_id = await _certificate_of(session, row.user_id, sha256)
    row.delivered_at = context.clock()
    _move(
        session,
        principal,
        row,
        CertificateOrderState.DELIVERED,
        at=row.delivered_at,
        certificate_sha256=sha256,
    )
    return await _saved(session, row)


async def _certificate_of(session: AsyncSession, user_id: uuid.UUID, sha256: str) -> uuid.UUID:
    certificate = await UserRepository(session).certificate(user_id, sha256)
    if certificate is None:
        raise Unprocessable(
            "Ce certificat n'est pas au registre de cette personne : choisissez l'un des siens, "
            "ou enregistrez la remise sans le nommer.",
            code="certificate_not_of_person",
        )
    return certificate.id


async def cancel(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    order_id: uuid.UUID,
    cancelled: CertificateOrderCancelled,
) -> CertificateOrderRead:
    """Nothing is awaited any more. Raises NotFound or the Conflict of its state."""
    row = await _about_to_be(session, order_id, CertificateOrderState.CANCELLED)
    row.cancellation_reason, row.cancelled_at = cancelled.reason, context.clock()
    _move(session, principal, row, CertificateOrderState.CANCELLED, at=row.cancelled_at)
    return await _saved(session, row)


async def list_orders(
    session: AsyncSession,
    *,
    state: CertificateOrderState | None,
    after: Cursor | None,
    size: int,
) -> list[CertificateOrderRead]:
    """Newest first, those of closed accounts included; one more than `size` says that a page
    follows."""
    found = await CertificateOrderRepository(session).page(state=state, after=after, size=size)
    return [_read(one) for one in found]


async def order_of(session: AsyncSession, order_id: uuid.UUID) -> CertificateOrderRead:
    """Raises NotFound."""
    found = await CertificateOrderRepository(session).order(order_id)
    if found is None:
        raise NotFound
    return _read(found)


async def _about_to_be(
    session: AsyncSession, order_id: uuid.UUID, state: CertificateOrderState
) -> CertificateOrder:
    """The order, locked, where it may pass to this state."""
    row = await CertificateOrderRepository(session).lock(order_id)
    if row is None:
        raise NotFound
    if row.state not in REACHED_FROM[state]:
        raise _refusal(CertificateOrderState(row.state))
    return row


def _refusal(state: CertificateOrderState) -> Conflict:
    """Why an order in this state does not make the move that was asked."""
    match state:
        case CertificateOrderState.REQUESTED:
            return Conflict(
                "Cette commande n'est pas encore passée : enregistrez d'abord le fournisseur.",
                code="certificate_not_ordered",
            )
        case CertificateOrderState.ORDERED:
            return Conflict(
                "Cette commande est déjà passée : enregistrez sa remise, ou annulez-la.",
                code="certificate_already_ordered",
            )
        case CertificateOrderState.DELIVERED:
            return Conflict(
                "Le certificat de cette commande est déjà remis : s'il en faut un autre, "
                "enregistrez une nouvelle commande.",
                code="certificate_already_delivered",
            )
        case CertificateOrderState.CANCELLED:
            return Conflict(
                "Cette commande est annulée : enregistrez-en une nouvelle.",
                code="certificate_order_cancelled",
            )
        case _:
            assert_never(state)


def _move(
    session: AsyncSession,
    principal: Principal,
    row: CertificateOrder,
    state: CertificateOrderState,
    *,
    at: datetime,
    certificate_sha256: str | None = None,
) -> None:
    former, row.state = row.state, state.value
    _tell(session, principal, row, at=at, former=former, certificate_sha256=certificate_sha256)


def _tell(
    session: AsyncSession,
    principal: Principal,
    row: CertificateOrder,
    *,
    at: datetime,
    former: str | None = None,
    certificate_sha256: str | None = None,
) -> None:
    """One entry of the journal; what people wrote stands beside it, in `rows` (ADR 0022)."""
    details = {"certificate_order": str(row.id), "person": str(row.user_id), "state": row.state}
    what = Occurrence(
        kind=f"certificate_order.{row.state}",
        actor=principal.actor,
        certificate_sha256=certificate_sha256,
        details=details if former is None else {**details, "former_state": former},
    )
    record(session, what, at=at)


async def _saved(session: AsyncSession, row: CertificateOrder) -> CertificateOrderRead:
    await session.flush()
    return await order_of(session, row.id)


def _read(found: Found) -> CertificateOrderRead:
    row, person, certificate_sha256 = found
    return CertificateOrderRead(
        id=row.id,
        person=PersonRead(id=person.id, full_name=person.full_name),
        usages=[CertificateUsage(one) for one in row.usages],
        rgs_level=row.rgs_level,
        eidas_level=row.eidas_level,
        wanted_by=row.wanted_by,
        supplier=row.supplier,
        supplier_reference=row.supplier_reference,
        state=CertificateOrderState(row.state),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        ordered_at=row.ordered_at,
        delivered_at=row.delivered_at,
        cancelled_at=row.cancelled_at,
        cancellation_reason=row.cancellation_reason,
        certificate_sha256=certificate_sha256,
    )
