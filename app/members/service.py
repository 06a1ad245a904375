"""A host organisation looks at a member: each look is journaled on both sides."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Actor, Occurrence
from app.audit.service import record
from app.auth.principal import Principal
from app.certificate_orders.schemas import CertificateOrderRead
from app.certificate_orders.service import list_orders
from app.context import Context
from app.errors import NotFound
from app.kit.pagination import Cursor
from app.members.repository import MemberRepository
from app.members.schemas import (
    MemberCertificateOrderRead,
    MemberConnectorRead,
    MemberRead,
    MemberSettingsRead,
    MemberSubtypeRead,
    MemberTypeRead,
    MemberWorkflowRead,
)
from app.models import CertificateOrderState, Tenant
from app.tenants.repository import TenantRepository

_SETTINGS, _ORDERS = "settings", "certificate_orders"


@dataclass(frozen=True, slots=True)
class WantedOrders:
    """Which certificate orders: those of a state, after a place in the list, so many."""

    state: CertificateOrderState | None
    after: Cursor | None
    size: int


async def list_members(session: AsyncSession) -> list[MemberRead]:
    """Names only, read as the host."""
    return [
        MemberRead(id=row.id, siret=row.siret, name=row.name)
        for row in await MemberRepository(session).members()
    ]


async def read_settings(
    context: Context, principal: Principal, member_id: uuid.UUID
) -> MemberSettingsRead:
    """The settings of a member. Raises NotFound for whoever is not one."""
    async with _look(context, principal, member_id, _SETTINGS) as (session, member):
        return await _settings(session, member)


async def list_certificate_orders(
    context: Context,
    principal: Principal,
    member_id: uuid.UUID,
    wanted: WantedOrders,
) -> list[MemberCertificateOrderRead]:
    """The certificate orders of a member, newest first; one more than the size says that a page
    follows. Raises NotFound for whoever is not one."""
    async with _look(context, principal, member_id, _ORDERS) as (session, member):
        return await _orders(session, member, wanted)


async def list_orders_of_members(
    context: Context, principal: Principal, wanted: WantedOrders
) -> list[MemberCertificateOrderRead]:
    """The certificate orders of every member, newest first; one more than the size says that a
    page follows. A page costs one short transaction for each member.

    Each transaction is bound to one tenant from its start to its end:
    1. the host's: `member_tenants()` says who its members are;
    2. each member's, read-only, while its own row names this host;
    3. of each member with an order on this page, then the host's: the look is journaled.
    """
    # 1
    async with context.unit(principal.tenant_id) as session:
        members = await list_members(session)
    # 2
    found: list[MemberCertificateOrderRead] = []
    for one in members:
        found += await _orders_while_member(context, principal, one.id, wanted)
        found = sorted(found, key=_newest_first, reverse=True)[: wanted.size + 1]
    # 3
    seen = list(dict.fromkeys(one.tenant.id for one in found[: wanted.size]))
    for member_id in seen:
        async with context.unit(member_id) as session:
            _journal_of_member(session, context, principal, _ORDERS)
    async with context.unit(principal.tenant_id) as session:
        for member_id in seen:
            _journal_of_host(session, context, principal, _ORDERS, member_id)
    return found


def _newest_first(one: MemberCertificateOrderRead) -> tuple[datetime, uuid.UUID]:
    return one.requested_at, one.id


async def _orders_while_member(
    context: Context, principal: Principal, member_id: uuid.UUID, wanted: WantedOrders
) -> list[MemberCertificateOrderRead]:
    """Nothing of a tenant that left in the meantime."""
    async with context.unit(member_id) as session:
        await MemberRepository(session).forbid_writing()
        tenant = await TenantRepository(session).current()
        is_member = tenant.host_id == principal.tenant_id
        return await _orders(session, tenant, wanted) if is_member else []


async def _orders(
    session: AsyncSession, tenant: Tenant, wanted: WantedOrders
) -> list[MemberCertificateOrderRead]:
    found = await list_orders(session, state=wanted.state, after=wanted.after, size=wanted.size)
    return [_order_of(tenant, one) for one in found]


def _order_of(tenant: Tenant, one: CertificateOrderRead) -> MemberCertificateOrderRead:
    return MemberCertificateOrderRead(
        id=one.id,
        tenant=_member(tenant),
        person_name=one.person.full_name,
        usages=one.usages,
        rgs_level=one.rgs_level,
        eidas_level=one.eidas_level,
        wanted_by=one.wanted_by,
        state=one.state,
        requested_at=one.requested_at,
        ordered_at=one.ordered_at,
        delivered_at=one.delivered_at,
        cancelled_at=one.cancelled_at,
    )


@asynccontextmanager
async def _look(
    context: Context, principal: Principal, member_id: uuid.UUID, what: str
) -> AsyncIterator[tuple[AsyncSession, Tenant]]:
    """A session of the member, which only reads, and its row. Raises NotFound for whoever is not
    one.

    Three transactions, each bound to one tenant from its start to its end:
    1. the host's: `member_tenants()` says whether it is a member; the look is journaled;
    2. the member's: its own row names this host, or nothing follows; the look is journaled;
    3. the member's again, read-only: what was asked, and nothing else.
    """
    # 1
    async with context.unit(principal.tenant_id) as session:
        if member_id not in {one.id for one in await list_members(session)}:
            raise NotFound
        _journal_of_host(session, context, principal, what, member_id)
    # 2
    async with context.unit(member_id) as session:
        await _refuse_stranger(session, principal)
        _journal_of_member(session, context, principal, what)
    # 3
    async with context.unit(member_id) as session:
        await MemberRepository(session).forbid_writing()
        yield session, await _refuse_stranger(session, principal)


async def _refuse_stranger(session: AsyncSession, principal: Principal) -> Tenant:
    tenant = await TenantRepository(session).current()
    if tenant.host_id != principal.tenant_id:
        raise NotFound
    return tenant


def _journal_of_host(
    session: AsyncSession, context: Context, principal: Principal, what: str, member_id: uuid.UUID
) -> None:
    _journal(session, context, f"member.{what}_read", principal.actor, member_id)


def _journal_of_member(
    session: AsyncSession, context: Context, principal: Principal, what: str
) -> None:
    actor = Actor("host", str(principal.id))
    _journal(session, context, f"host.{what}_read", actor, principal.tenant_id)


def _journal(
    session: AsyncSession, context: Context, kind: str, actor: Actor, other: uuid.UUID
) -> None:
    what = Occurrence(kind=kind, actor=actor, details={"tenant": str(other)})
    record(session, what, at=context.clock())


async def _settings(session: AsyncSession, tenant: Tenant) -> MemberSettingsRead:
    repository = MemberRepository(session)
    counts = await repository.counts()
    return MemberSettingsRead(
        tenant=_member(tenant),
        timezone=tenant.timezone,
        subdivision=tenant.subdivision,
        desk_count=counts.desks,
        active_desk_count=counts.active_desks,
        person_count=counts.people,
        types=await _types(repository),
        workflows=[
            MemberWorkflowRead(name=row.name, active_version=row.number)
            for row in await repository.workflows()
        ],
        connectors=[
            MemberConnectorRead(connector=row.connector, label=row.label)
            for row in await repository.connectors()
        ],
    )


def _member(tenant: Tenant) -> MemberRead:
    return MemberRead(id=tenant.id, siret=tenant.siret, name=tenant.name)


async def _types(repository: MemberRepository) -> list[MemberTypeRead]:
    subtypes = await repository.subtypes()
    return [
        MemberTypeRead(
            name=kind.name,
            protocol=kind.protocol,
            signature_format=kind.signature_format,
            connector=kind.connector,
            subtypes=[
                MemberSubtypeRead(name=row.name, workflow=row.workflow, is_active=row.is_active)
                for row in subtypes
                if row.type_id == kind.id
            ],
        )
        for kind in await repository.types()
    ]
