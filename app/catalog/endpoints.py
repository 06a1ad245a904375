"""Routes of the catalog: circuits and TdT accounts; those of types and subtypes stand beside."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.catalog import service, workflows
from app.catalog.repository import CatalogRepository
from app.catalog.schemas import (
    ConnectorAccountCreate,
    ConnectorAccountRead,
    DifferenceRead,
    WorkflowChange,
    WorkflowCreate,
    WorkflowRead,
    WorkflowVersionCreate,
)
from app.kit.problems import problem_responses

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
        workflow = await workflows.create_workflow(session, new, now=caller.context.clock())
        caller.tell(session, "workflow.created", {"workflow": str(workflow.id)})
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
        return await workflows.list_workflows(session, now=caller.context.clock())


@router.get(
    "/workflows/{workflow_id}",
    response_model=WorkflowRead,
    summary="Lire un circuit",
    responses=problem_responses(401, 403, 404),
)
async def get_workflow(
    workflow_id: uuid.UUID, caller: Caller = permit(Permission.CATALOG_READ)
) -> WorkflowRead:
    """The circuit with its versions, newest first, and their findings as of now."""
    async with caller.unit() as session:
        return await workflows.get_workflow(session, workflow_id, now=caller.context.clock())


@router.patch(
    "/workflows/{workflow_id}",
    response_model=WorkflowRead,
    summary="Renommer un circuit",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def rename_workflow(
    workflow_id: uuid.UUID,
    change: WorkflowChange,
    caller: Caller = permit(Permission.CATALOG_ADMIN),
) -> WorkflowRead:
    """Names are unique whatever their case and accents; versions stay as they were."""
    async with caller.unit() as session:
        workflow = await workflows.rename_workflow(
            session, workflow_id, change.name, now=caller.context.clock()
        )
        caller.tell(session, "workflow.renamed", {"workflow": str(workflow_id)})
        return workflow


@router.delete(
    "/workflows/{workflow_id}",
    status_code=204,
    summary="Supprimer un circuit",
    responses=problem_responses(401, 403, 404, 409),
)
async def delete_workflow(
    workflow_id: uuid.UUID, caller: Caller = permit(Permission.CATALOG_ADMIN)
) -> None:
    """Refused with the list of its uses while a subtype, a rule or a folder needs it."""
    async with caller.unit() as session:
        await workflows.delete_workflow(session, workflow_id)
        caller.tell(session, "workflow.deleted", {"workflow": str(workflow_id)})


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
        workflow = await workflows.add_version(
            session, workflow_id, new, now=caller.context.clock()
        )
        caller.tell(session, "workflow.versioned", {"workflow": str(workflow_id)})
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
        workflow = await workflows.activate(session, workflow_id, number, now=now)
        caller.tell(session, "workflow.activated", {"workflow": str(workflow_id), "number": number})
        return workflow


@router.get(
    "/workflows/{workflow_id}/versions/{number}/differences",
    response_model=list[DifferenceRead],
    summary="Comparer deux versions d'un circuit",
    responses=problem_responses(401, 403, 404, 422),
)
async def compare_workflow_versions(
    workflow_id: uuid.UUID,
    number: int,
    earlier: Annotated[int | None, Query(alias="from")] = None,
    caller: Caller = permit(Permission.CATALOG_READ),
) -> list[DifferenceRead]:
    """What this version changes to `from`, to the one before it where `from` is not given."""
    async with caller.unit() as session:
        return await workflows.compare_versions(session, workflow_id, number, earlier)


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
        caller.tell(session, "connector_account.created", {"account": str(account.id)})
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
