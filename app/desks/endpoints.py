"""Routes about desks."""

from __future__ import annotations

import uuid

from fastapi import APIRouter

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.desks import service
from app.desks.schemas import (
    DeskCreate,
    DeskRead,
    DeskUpdate,
    HierarchyRead,
    HolderCreate,
    HolderUpdate,
    StaffCreate,
)
from app.kit.clock import in_journal
from app.kit.problems import problem_responses

router = APIRouter(tags=["desks"], route_class=IdempotentRoute)


@router.post(
    "/desks",
    status_code=201,
    response_model=DeskRead,
    summary="Créer un bureau",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def create_desk(new: DeskCreate, caller: Caller = permit(Permission.DESK_ADMIN)) -> DeskRead:
    """A desk is the actor of steps; persons hold it."""
    async with caller.unit() as session:
        desk = await service.create_desk(session, new)
        caller.tell(session, "desk.created", {"desk": str(desk.id)})
        return desk


@router.get(
    "/desks",
    response_model=list[DeskRead],
    summary="Lister les bureaux",
    responses=problem_responses(401, 403),
)
async def list_desks(caller: Caller = permit(Permission.CATALOG_READ)) -> list[DeskRead]:
    """Every desk of the tenant with its holders."""
    async with caller.unit() as session:
        return await service.list_desks(session)


@router.get(
    "/desks/hierarchy",
    response_model=list[HierarchyRead],
    summary="Lister les bureaux par hiérarchie",
    responses=problem_responses(401, 403),
)
async def list_hierarchy(caller: Caller = permit(Permission.CATALOG_READ)) -> list[HierarchyRead]:
    """Each desk below its superior: what `boss_of` steps follow."""
    async with caller.unit() as session:
        return await service.list_hierarchy(session)


@router.patch(
    "/desks/{desk_id}",
    response_model=DeskRead,
    summary="Modifier un bureau",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def update_desk(
    desk_id: uuid.UUID, update: DeskUpdate, caller: Caller = permit(Permission.DESK_ADMIN)
) -> DeskRead:
    """A desk that folders under way, circuits in force or subtypes need is not put out of use."""
    async with caller.unit() as session:
        desk = await service.update_desk(session, desk_id, update)
        changed = dict.fromkeys(sorted(update.model_fields_set), True)
        caller.tell(session, "desk.updated", {"desk": str(desk_id), **changed})
        return desk


@router.delete(
    "/desks/{desk_id}",
    status_code=204,
    summary="Supprimer un bureau",
    responses=problem_responses(401, 403, 404, 409),
)
async def delete_desk(desk_id: uuid.UUID, caller: Caller = permit(Permission.DESK_ADMIN)) -> None:
    """Refused with the list of its uses while something names it."""
    async with caller.unit() as session:
        desk = await service.delete_desk(session, desk_id, now=caller.context.clock())
        caller.tell(session, "desk.deleted", {"desk": str(desk.id)})


@router.post(
    "/desks/{desk_id}/holders",
    status_code=201,
    response_model=DeskRead,
    summary="Affecter une personne à un bureau",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def add_desk_holder(
    desk_id: uuid.UUID, new: HolderCreate, caller: Caller = permit(Permission.HOLDER_ADMIN)
) -> DeskRead:
    """From an instant (now by default), until another or for now."""
    now = caller.context.clock()
    async with caller.unit() as session:
        await service.administered_desk(session, caller.principal, desk_id)
        desk = await service.add_holder(session, desk_id, new, by=caller.principal, now=now)
        details = {
            "desk": str(desk_id),
            "person": str(new.user_id),
            "starts_at": in_journal(new.starts_at or now),
            "ends_at": in_journal(new.ends_at) if new.ends_at else None,
        }
        caller.tell(session, "desk.holder_added", details)
        return desk


@router.patch(
    "/desks/{desk_id}/holders/{holder_id}",
    response_model=DeskRead,
    summary="Mettre fin à une affectation",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def end_desk_holder(
    desk_id: uuid.UUID,
    holder_id: uuid.UUID,
    update: HolderUpdate,
    caller: Caller = permit(Permission.HOLDER_ADMIN),
) -> DeskRead:
    """Delegations that the person gave or received in this office end with it; who would leave
    before he comes is withdrawn."""
    async with caller.unit() as session:
        await service.administered_desk(session, caller.principal, desk_id)
        moved = await service.end_holder(
            session, desk_id, holder_id, update, by=caller.principal, clock=caller.context.clock
        )
        details = {
            "desk": str(desk_id),
            "person": str(moved.user_id),
            "ends_at": in_journal(moved.ends_at) if moved.ends_at else None,
        }
        caller.tell(session, moved.change.value, details)
        return moved.desk


@router.post(
    "/desks/{desk_id}/staff",
    status_code=201,
    response_model=DeskRead,
    summary="Ajouter un assistant ou un superviseur",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def add_desk_staff(
    desk_id: uuid.UUID, new: StaffCreate, caller: Caller = permit(Permission.DESK_ADMIN)
) -> DeskRead:
    """They read the desk's folders; they never act in its name."""
    async with caller.unit() as session:
        desk = await service.add_staff(session, caller.principal, desk_id, new)
        details = {
            "desk": str(desk_id),
            "person": str(new.user_id),
            "role": new.role.value,
            "may_declare_absence": new.may_declare_absence,
        }
        caller.tell(session, "desk.staff_added", details)
        return desk


@router.delete(
    "/desks/{desk_id}/staff/{staff_id}",
    status_code=204,
    summary="Retirer un assistant ou un superviseur",
    responses=problem_responses(401, 403, 404),
)
async def remove_desk_staff(
    desk_id: uuid.UUID, staff_id: uuid.UUID, caller: Caller = permit(Permission.DESK_ADMIN)
) -> None:
    """From now on he does not see the desk any more."""
    async with caller.unit() as session:
        row = await service.remove_staff(session, desk_id, staff_id)
        details = {"desk": str(desk_id), "person": str(row.user_id), "role": row.role}
        caller.tell(session, "desk.staff_removed", details)
