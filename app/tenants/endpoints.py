"""Routes about the local authority: itself, its trust, its journal."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from app.audit import service as audit
from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.kit.problems import problem_responses
from app.models import Tenant, TrustAnchor
from app.tenants import service
from app.tenants.repository import TenantRepository
from app.tenants.schemas import (
    TenantRead,
    TenantUpdate,
    TrustAnchorCreate,
    TrustAnchorRead,
    TrustKind,
)

router = APIRouter(tags=["tenants"], route_class=IdempotentRoute)


@router.get(
    "/tenant",
    response_model=TenantRead,
    summary="Lire sa collectivité",
    responses=problem_responses(401, 403),
)
async def get_tenant(caller: Caller = permit(Permission.CATALOG_READ)) -> TenantRead:
    """The caller's local authority."""
    async with caller.unit() as session:
        return _read_tenant(await TenantRepository(session).current())


@router.patch(
    "/tenant",
    response_model=TenantRead,
    summary="Régler sa collectivité",
    responses=problem_responses(401, 403, 409, 422),
)
async def update_tenant(
    update: TenantUpdate, caller: Caller = permit(Permission.TENANT_ADMIN)
) -> TenantRead:
    """Place and role of its signatures, time zone, encoding of its flows."""
    async with caller.unit() as session:
        row = await service.update_tenant(session, update)
        given: dict[str, str | bool] = dict.fromkeys(sorted(update.model_fields_set), True)
        if "host_id" in given:
            given["host_id"] = str(row.host_id or "-")
        caller.tell(session, "tenant.updated", given)
        return _read_tenant(row)


@router.post(
    "/trust-anchors",
    status_code=201,
    response_model=TrustAnchorRead,
    summary="Ajouter une autorité de confiance",
    responses=problem_responses(401, 403, 409, 422),
)
async def add_trust_anchor(
    new: TrustAnchorCreate, caller: Caller = permit(Permission.TRUST_ADMIN)
) -> TrustAnchorRead:
    """An anchor, an intermediate or a revocation list."""
    async with caller.unit() as session:
        row = await service.add_trust(
            session,
            kind=new.kind,
            label=new.label,
            content=new.content,
            now=caller.context.clock(),
        )
        caller.tell(session, "trust.added", {"sha256": row.sha256, "kind": row.kind})
    return _read(row)


@router.get(
    "/trust-anchors",
    response_model=list[TrustAnchorRead],
    summary="Lister ce qui est de confiance",
    responses=problem_responses(401, 403),
)
async def list_trust_anchors(
    caller: Caller = permit(Permission.TRUST_ADMIN),
) -> list[TrustAnchorRead]:
    """Anchors, intermediates and revocation lists of the tenant."""
    async with caller.unit() as session:
        return [_read(row) for row in await TenantRepository(session).trust_anchors()]


@router.get(
    "/journal",
    response_class=StreamingResponse,
    summary="Exporter le journal",
    responses=problem_responses(401, 403),
)
async def export_journal(
    caller: Caller = permit(Permission.JOURNAL_READ),
) -> StreamingResponse:
    """One canonical JSON object per line, the last one a signed checkpoint; verified offline by
    `parapheur journal verify`."""

    async def lines() -> AsyncIterator[bytes]:
        context = caller.context
        async with context.unit(caller.principal.tenant_id) as session:
            exported = audit.export(session, at=context.clock(), key=context.keyring.journal_key)
            async for line in exported:
                yield line

    return StreamingResponse(
        lines(),
        media_type="application/jsonl",
        headers={"Content-Disposition": 'attachment; filename="journal.jsonl"'},
    )


def _read(row: TrustAnchor) -> TrustAnchorRead:
    return TrustAnchorRead(
        id=row.id,
        kind=TrustKind(row.kind),
        label=row.label,
        sha256=row.sha256,
        created_at=row.created_at,
    )


def _read_tenant(row: Tenant) -> TenantRead:
    return TenantRead(
        id=row.id,
        siret=row.siret,
        name=row.name,
        timezone=row.timezone,
        city=row.city,
        postal_code=row.postal_code,
        country=row.country,
        default_role=row.default_role,
        requires_latin1_pes=row.requires_latin1_pes,
        subdivision=row.subdivision,
        mentions=dict(row.mentions),
        host_id=row.host_id,
    )
