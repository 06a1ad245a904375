"""Routes of the catalog: types, subtypes and their rule tables."""

from __future__ import annotations

import uuid

from fastapi import APIRouter

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.catalog import folder_subtypes, folder_types
from app.catalog.repository import CatalogRepository
from app.catalog.schemas import (
    FolderSubtypeChange,
    FolderSubtypeCreate,
    FolderSubtypeRead,
    FolderTypeChange,
    FolderTypeCreate,
    FolderTypeRead,
    RuleTrial,
    RuleTrialRead,
)
from app.catalog.trial import try_rules
from app.kit.problems import problem_responses

router = APIRouter(tags=["catalog"], route_class=IdempotentRoute)


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
        row = await folder_types.create_type(session, new)
        caller.tell(session, "folder_type.created", {"folder_type": str(row.id)})
        return folder_types.read_type(row)


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
        rows = await CatalogRepository(session).folder_types()
        return [folder_types.read_type(row) for row in rows]


@router.patch(
    "/folder-types/{type_id}",
    response_model=FolderTypeRead,
    summary="Modifier un type de dossier",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def change_folder_type(
    type_id: uuid.UUID,
    change: FolderTypeChange,
    caller: Caller = permit(Permission.CATALOG_ADMIN),
) -> FolderTypeRead:
    """What is given changes; the signature format only while no folder is under way."""
    async with caller.unit() as session:
        row = await folder_types.change_type(session, type_id, change)
        given = dict.fromkeys(sorted(change.model_fields_set), True)
        caller.tell(session, "folder_type.changed", {"folder_type": str(type_id), **given})
        return folder_types.read_type(row)


@router.delete(
    "/folder-types/{type_id}",
    status_code=204,
    summary="Supprimer un type de dossier",
    responses=problem_responses(401, 403, 404, 409),
)
async def delete_folder_type(
    type_id: uuid.UUID, caller: Caller = permit(Permission.CATALOG_ADMIN)
) -> None:
    """Refused with the list of its uses while a subtype or a delegation needs it."""
    async with caller.unit() as session:
        await folder_types.delete_type(session, type_id)
        caller.tell(session, "folder_type.deleted", {"folder_type": str(type_id)})


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
        row = await folder_subtypes.create_subtype(
            session, new, by=caller.principal, now=caller.context.clock()
        )
        caller.tell(session, "folder_subtype.created", {"folder_subtype": str(row.id)})
        return await folder_subtypes.get_subtype(session, row.id)


@router.get(
    "/folder-subtypes",
    response_model=list[FolderSubtypeRead],
    summary="Lister les sous-types de dossier",
    responses=problem_responses(401, 403),
)
async def list_folder_subtypes(
    caller: Caller = permit(Permission.CATALOG_READ),
) -> list[FolderSubtypeRead]:
    """Those in which the caller may deposit; every one for those who administer circuits."""
    principal = caller.principal
    async with caller.unit() as session:
        every = await folder_subtypes.list_subtypes(session)
    if principal.may(Permission.CATALOG_ADMIN) or principal.may(Permission.JOURNAL_READ):
        return every
    return [one for one in every if _is_open_to(one, principal.desk_ids)]


def _is_open_to(one: FolderSubtypeRead, desk_ids: frozenset[uuid.UUID]) -> bool:
    """No list of desks means every desk; an empty one means none."""
    allowed = one.deposit_desk_ids
    return allowed is None or not desk_ids.isdisjoint(allowed)


@router.get(
    "/folder-subtypes/{subtype_id}",
    response_model=FolderSubtypeRead,
    summary="Lire un sous-type de dossier",
    responses=problem_responses(401, 403, 404),
)
async def get_folder_subtype(
    subtype_id: uuid.UUID, caller: Caller = permit(Permission.CATALOG_READ)
) -> FolderSubtypeRead:
    """Its settings, and what its rule table makes doubtful."""
    async with caller.unit() as session:
        return await folder_subtypes.get_subtype(session, subtype_id)


@router.patch(
    "/folder-subtypes/{subtype_id}",
    response_model=FolderSubtypeRead,
    summary="Modifier un sous-type de dossier",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def change_folder_subtype(
    subtype_id: uuid.UUID,
    change: FolderSubtypeChange,
    caller: Caller = permit(Permission.CATALOG_ADMIN),
) -> FolderSubtypeRead:
    """What is given changes; folders under way keep the demands that they were submitted with."""
    async with caller.unit() as session:
        await folder_subtypes.change_subtype(
            session, subtype_id, change, by=caller.principal, now=caller.context.clock()
        )
        given = dict.fromkeys(sorted(change.model_fields_set), True)
        caller.tell(session, "folder_subtype.changed", {"folder_subtype": str(subtype_id), **given})
        return await folder_subtypes.get_subtype(session, subtype_id)


@router.delete(
    "/folder-subtypes/{subtype_id}",
    status_code=204,
    summary="Supprimer un sous-type de dossier",
    responses=problem_responses(401, 403, 404, 409),
)
async def delete_folder_subtype(
    subtype_id: uuid.UUID, caller: Caller = permit(Permission.CATALOG_ADMIN)
) -> None:
    """Refused with the list of its uses while a folder or a delegation needs it."""
    async with caller.unit() as session:
        await folder_subtypes.delete_subtype(session, subtype_id)
        caller.tell(session, "folder_subtype.deleted", {"folder_subtype": str(subtype_id)})


@router.post(
    "/folder-subtypes/{subtype_id}/rules/try",
    response_model=RuleTrialRead,
    summary="Essayer des règles sur des exemples",
    responses=problem_responses(401, 403, 404, 422),
)
async def try_subtype_rules(
    subtype_id: uuid.UUID,
    trial: RuleTrial,
    caller: Caller = permit(Permission.CATALOG_ADMIN),
) -> RuleTrialRead:
    """Which row, which circuit and which desks each sample would get; nothing is saved."""
    async with caller.unit() as session:
        return await try_rules(session, subtype_id, trial)
