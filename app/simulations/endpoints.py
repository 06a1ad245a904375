"""The route that says in advance what a folder would meet."""

from __future__ import annotations

import uuid

from fastapi import APIRouter

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.kit.problems import problem_responses
from app.simulations.reading import read_simulation
from app.simulations.schemas import SimulationAsked, SimulationRead
from app.simulations.service import simulated

router = APIRouter(tags=["simulations"], route_class=IdempotentRoute)


@router.post(
    "/folder-subtypes/{subtype_id}/simulate",
    response_model=SimulationRead,
    summary="Simuler le parcours d'un dossier",
    responses=problem_responses(401, 403, 404, 422),
)
async def simulate_folder(
    subtype_id: uuid.UUID,
    asked: SimulationAsked,
    caller: Caller = permit(Permission.FOLDER_DEPOSIT),
) -> SimulationRead:
    """Who may act at each step and by which power, where the folder would wait and until when,
    decided by the code that decides real acts. For those who may deposit in the subtype, and for
    administrators of circuits. Nothing is kept."""
    async with caller.unit() as session:
        told = await simulated(session, caller.context, caller.principal, subtype_id, asked)
        return read_simulation(told)
