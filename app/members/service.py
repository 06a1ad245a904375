"""A host organisation looks at a member: each look is journaled on both sides."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Actor, Occurrence
from app.audit.service import record
from app.auth.principal import Principal
from app.context import Context
from app.errors import NotFound
from app.members.repository import MemberRepository
from app.members.schemas import (
    MemberConnectorRead,
    MemberRead,
    MemberSettingsRead,
    MemberSubtypeRead,
    MemberTypeRead,
    MemberWorkflowRead,
)
from app.models import Tenant
from app.tenants.repository import TenantRepository


async def list_members(session: AsyncSession) -> list[MemberRead]:
    """Names only, read as the host."""
    return [
        MemberRead(id=row.id, siret=row.siret, name=row.name)
        for row in await MemberRepository(session).members()
    ]


async def read_settings(
    context: Context, principal: Principal, member_id: uuid.UUID
) -> MemberSettingsRead:
    """The settings of a member. Raises NotFound for whoever is not one.

    Three transactions, each bound to one tenant from its start to its end:
    1. the host's: `member_tenants()` says whether it is a member; the look is journaled;
    2. the member's: its own row names this host, or nothing follows; the look is journaled;
    3. the member's again, read-only: the settings, and nothing else.
    """
    # 1
    async with context.unit(principal.tenant_id) as session:
        if member_id not in {one.id for one in await list_members(session)}:
            raise NotFound
        _journal(session, context, "member.settings_read", principal.actor, member_id)
    # 2
    async with context.unit(member_id) as session:
        await _refuse_stranger(session, principal)
        actor = Actor("host", str(principal.id))
        _journal(session, context, "host.settings_read", actor, principal.tenant_id)
    # 3
    async with context.unit(member_id) as session:
        await MemberRepository(session).forbid_writing()
        return await _settings(session, await _refuse_stranger(session, principal))


async def _refuse_stranger(session: AsyncSession, principal: Principal) -> Tenant:
    tenant = await TenantRepository(session).current()
    if tenant.host_id != principal.tenant_id:
        raise NotFound
    return tenant


def _journal(
    session: AsyncSession, context: Context, kind: str, actor: Actor, other: uuid.UUID
) -> None:
    what = Occurrence(kind=kind, actor=actor, details={"tenant": str(other)})
    record(session, what, at=context.clock())


async def _settings(session: AsyncSession, tenant: Tenant) -> MemberSettingsRead:
    repository = MemberRepository(session)
    counts = await repository.counts()
    return MemberSettingsRead(
        tenant=MemberRead(id=tenant.id, siret=tenant.siret, name=tenant.name),
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
