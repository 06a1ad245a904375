"""Routes of the catalog: circuits, types, subtypes, TdT accounts."""

from __future__ import annotations

import uuid

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Actor, Occurrence
from app.audit.service import record
from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.catalog import service
from app.catalog.repository import CatalogRepository
from app.catalog.schemas import (
    ConnectorAccountCreate,
    ConnectorAccountRead,
    FolderSubtypeCreate,
    FolderSubtypeRead,
    FolderTypeCreate,
    FolderTypeRead,
    WorkflowCreate,
    WorkflowRead,
    WorkflowVersionCreate,
)
from app.kit.problems import problem_responses
from app.models import FolderSubtype, FolderType
from signing.types import SignatureFormat
from workflows.definition import HeliosIntake, Protocol

router = APIRouter(tags=["catalog"], route_class=IdempotentRoute)


@router.post(
    "/workflows",
    status_code=201,
    response_model=WorkflowRead,
    summary="Créer un circuit",
    responses=problem_responses(401, 403, 409, 422),
)
async def create_workflow(
    new: WorkflowCreate, caller: Caller = permit(Permission.CATALOG_ADMIN)
) -> WorkflowRead:
    """Its first version is a draft: findings are listed, nothing is refused yet."""
    async with caller.unit() as session:
        workflow = await service.create_workflow(session, new)
        await _journal(session, caller, "workflow.created", {"workflow": str(workflow.id)})
        return workflow


@router.get(
    "/workflows",
    response_model=list[WorkflowRead],
    summary="Lister les circuits",
    responses=problem_responses(401, 403),
)
async def list_workflows(
    caller: Caller = permit(Permission.CATALOG_READ),
) -> list[WorkflowRead]:
    """Every circuit with its versions."""
    async with caller.unit() as session:
        return await service.list_workflows(session)


@router.post(
    "/workflows/{workflow_id}/versions",
    status_code=201,
    response_model=WorkflowRead,
    summary="Créer une version de circuit",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def create_workflow_version(
    workflow_id: uuid.UUID,
    new: WorkflowVersionCreate,
    caller: Caller = permit(Permission.CATALOG_ADMIN),
) -> WorkflowRead:
    """Versions are immutable: editing makes a new one."""
    async with caller.unit() as session:
        workflow = await service.add_version(session, workflow_id, new.steps)
        await _journal(session, caller, "workflow.versioned", {"workflow": str(workflow_id)})
        return workflow


@router.post(
    "/workflows/{workflow_id}/versions/{number}/activate",
    response_model=WorkflowRead,
    summary="Activer une version de circuit",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def activate_workflow_version(
    workflow_id: uuid.UUID,
    number: int,
    caller: Caller = permit(Permission.CATALOG_ADMIN),
) -> WorkflowRead:
    """Refused on any error, for any subtype that uses the circuit."""
    now = caller.context.clock()
    async with caller.unit() as session:
        workflow = await service.activate(session, workflow_id, number, now=now)
        details: dict[str, str | int] = {"workflow": str(workflow_id), "number": number}
        await _journal(session, caller, "workflow.activated", details)
        return workflow


@router.post(
    "/folder-types",
    status_code=201,
    response_model=FolderTypeRead,
    summary="Créer un type de dossier",
    responses=problem_responses(401, 403, 409, 422),
)
async def create_folder_type(
    new: FolderTypeCreate, caller: Caller = permit(Permission.CATALOG_ADMIN)
) -> FolderTypeRead:
    """Protocol, signature format and TdT account."""
    async with caller.unit() as session:
        row = await service.create_type(session, new)
        await _journal(session, caller, "folder_type.created", {"folder_type": str(row.id)})
        return _read_type(row)


@router.get(
    "/folder-types",
    response_model=list[FolderTypeRead],
    summary="Lister les types de dossier",
    responses=problem_responses(401, 403),
)
async def list_folder_types(
    caller: Caller = permit(Permission.CATALOG_READ),
) -> list[FolderTypeRead]:
    """Every type of the tenant."""
    async with caller.unit() as session:
        return [_read_type(row) for row in await CatalogRepository(session).folder_types()]


@router.post(
    "/folder-subtypes",
    status_code=201,
    response_model=FolderSubtypeRead,
    summary="Créer un sous-type de dossier",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def create_folder_subtype(
    new: FolderSubtypeCreate, caller: Caller = permit(Permission.CATALOG_ADMIN)
) -> FolderSubtypeRead:
    """Binds a circuit to a type; refused when the version in force has errors for it."""
    async with caller.unit() as session:
        row = await service.create_subtype(session, new)
        await _journal(session, caller, "folder_subtype.created", {"folder_subtype": str(row.id)})
        return _read_subtype(row)


@router.get(
    "/folder-subtypes",
    response_model=list[FolderSubtypeRead],
    summary="Lister les sous-types de dossier",
    responses=problem_responses(401, 403),
)
async def list_folder_subtypes(
    caller: Caller = permit(Permission.CATALOG_READ),
) -> list[FolderSubtypeRead]:
    """Every subtype of the tenant."""
    async with caller.unit() as session:
        return [_read_subtype(row) for row in await CatalogRepository(session).subtypes()]


@router.post(
    "/connector-accounts",
    status_code=201,
    response_model=ConnectorAccountRead,
    summary="Créer un compte de télétransmission",
    responses=problem_responses(401, 403, 409, 422),
)
async def create_connector_account(
    new: ConnectorAccountCreate, caller: Caller = permit(Permission.CONNECTOR_ADMIN)
) -> ConnectorAccountRead:
    """Keys and passwords are sealed; no answer ever shows them."""
    async with caller.unit() as session:
        account = await service.create_account(session, caller.context, new)
        await _journal(session, caller, "connector_account.created", {"account": str(account.id)})
        return account


@router.get(
    "/connector-accounts",
    response_model=list[ConnectorAccountRead],
    summary="Lister les comptes de télétransmission",
    responses=problem_responses(401, 403),
)
async def list_connector_accounts(
    caller: Caller = permit(Permission.CONNECTOR_ADMIN),
) -> list[ConnectorAccountRead]:
    """Without their secrets."""
    async with caller.unit() as session:
        rows = await CatalogRepository(session).accounts()
        return [service.read_account(row) for row in rows]


async def _journal(
    session: AsyncSession, caller: Caller, kind: str, details: dict[str, str | int] | dict[str, str]
) -> None:
    actor = Actor(caller.principal.kind.value, str(caller.principal.id))
    await record(
        session,
        Occurrence(kind=kind, actor=actor, details=dict(details)),
        at=caller.context.clock(),
    )


def _read_type(row: FolderType) -> FolderTypeRead:
    return FolderTypeRead(
        id=row.id,
        name=row.name,
        protocol=Protocol(row.protocol),
        signature_format=SignatureFormat(row.signature_format),
        connector_account_id=row.connector_account_id,
    )


def _read_subtype(row: FolderSubtype) -> FolderSubtypeRead:
    return FolderSubtypeRead(
        id=row.id,
        type_id=row.type_id,
        name=row.name,
        workflow_id=row.workflow_id,
        helios_intake=HeliosIntake(row.helios_intake) if row.helios_intake else None,
        deposit_desk_ids=row.deposit_desk_ids,
    )
