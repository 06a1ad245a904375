"""Routes about the installation of a council."""

from __future__ import annotations

import uuid

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.handovers import service
from app.handovers.schemas import InstallationCreate, InstallationRead, InstallationSummary
from app.kit.clock import in_journal
from app.kit.problems import problem_responses

router = APIRouter(tags=["handovers"], route_class=IdempotentRoute)


@router.post(
    "/council-installations",
    status_code=201,
    response_model=InstallationRead,
    summary="Préparer l'installation d'un conseil",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def prepare_installation(
    new: InstallationCreate, caller: Caller = permit(Permission.POWER_ADMIN)
) -> InstallationRead:
    """Keeps the plan and tells what it would do: holders, delegations that lapse, vacancies,
    folders that wait. Nothing changes yet."""
    async with caller.unit() as session:
        read = await service.prepare(session, caller.context, caller.principal, new)
        _tell(session, caller, "installation.planned", read)
        return read


@router.get(
    "/council-installations",
    response_model=list[InstallationSummary],
    summary="Lister les installations de conseil",
    responses=problem_responses(401, 403),
)
async def list_installations(
    caller: Caller = permit(Permission.POWER_ADMIN),
) -> list[InstallationSummary]:
    """The latest first."""
    async with caller.unit() as session:
        return await service.list_installations(session)


@router.get(
    "/council-installations/{installation_id}",
    response_model=InstallationRead,
    summary="Lire une installation de conseil",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def get_installation(
    installation_id: uuid.UUID, caller: Caller = permit(Permission.POWER_ADMIN)
) -> InstallationRead:
    """The plan, and its effects as things stand now."""
    async with caller.unit() as session:
        row = await service.installation_of(session, installation_id)
        return await service.read_installation(session, caller.context, row)


@router.post(
    "/council-installations/{installation_id}/apply",
    response_model=InstallationRead,
    summary="Appliquer une installation de conseil",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def apply_installation(
    installation_id: uuid.UUID, caller: Caller = permit(Permission.POWER_ADMIN)
) -> InstallationRead:
    """It counts at the instants of the plan, to the second."""
    async with caller.unit() as session:
        read = await service.apply(session, caller.context, caller.principal, installation_id)
        _tell(session, caller, "installation.applied", read)
        return read


@router.post(
    "/council-installations/{installation_id}/cancel",
    response_model=InstallationRead,
    summary="Annuler une installation de conseil",
    responses=problem_responses(401, 403, 404, 409),
)
async def cancel_installation(
    installation_id: uuid.UUID, caller: Caller = permit(Permission.POWER_ADMIN)
) -> InstallationRead:
    """Before its first instant only."""
    async with caller.unit() as session:
        read = await service.cancel(session, caller.context, installation_id)
        _tell(session, caller, "installation.cancelled", read)
        return read


def _tell(session: AsyncSession, caller: Caller, kind: str, read: InstallationRead) -> None:
    caller.tell(
        session,
        kind,
        {
            "installation": str(read.id),
            "offices": len(read.offices),
            "installed_at": in_journal(read.installed_at),
        },
    )
