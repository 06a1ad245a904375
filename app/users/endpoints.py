"""Routes about persons and their certificates."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request

from app.auth.http import Caller, IdempotentRoute, checker_of, permit
from app.auth.principal import Permission
from app.auth.service import set_password
from app.kit.problems import problem_responses
from app.users import service
from app.users.schemas import (
    CertificateRead,
    PasswordGiven,
    PersonRead,
    UserCreate,
    UserRead,
    UserUpdate,
)

router = APIRouter(tags=["users"], route_class=IdempotentRoute)


@router.post(
    "/users",
    status_code=201,
    response_model=UserRead,
    summary="Créer une personne",
    responses=problem_responses(401, 403, 409, 422),
)
async def create_user(
    new: UserCreate, request: Request, caller: Caller = permit(Permission.USER_ADMIN)
) -> UserRead:
    """Log-in names are unique on the platform; a password has at least twelve characters."""
    password_hash = (
        await checker_of(request).hash(new.password.get_secret_value()) if new.password else None
    )
    async with caller.unit() as session:
        user = await service.create_user(session, caller.context, new, password_hash=password_hash)
        details = {"user": str(user.id), "roles": "/".join(user.roles) or "-"}
        caller.tell(session, "user.created", details)
    return user


@router.get(
    "/users",
    response_model=list[UserRead],
    summary="Lister les personnes",
    responses=problem_responses(401, 403),
)
async def list_users(caller: Caller = permit(Permission.USER_ADMIN)) -> list[UserRead]:
    """Every person of the tenant."""
    async with caller.unit() as session:
        return await service.list_users(session)


@router.patch(
    "/users/{user_id}",
    response_model=UserRead,
    summary="Modifier une personne",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def update_user(
    user_id: uuid.UUID, update: UserUpdate, caller: Caller = permit(Permission.USER_ADMIN)
) -> UserRead:
    """Roles, desks administered, activity: the sessions of that person end, but the caller's own.
    The last administrator stays one."""
    async with caller.unit() as session:
        user = await service.update_user(
            session, user_id, update, now=caller.context.clock(), kept=caller.session_id
        )
        caller.tell(
            session,
            "user.updated",
            {
                "user": str(user_id),
                "is_active": user.is_active,
                "roles": "/".join(user.roles) or "-",
                **{f"{name}_given": True for name in sorted(update.model_fields_set)},
            },
        )
    return user


@router.put(
    "/users/{user_id}/password",
    status_code=204,
    summary="Donner un mot de passe à une personne",
    responses=problem_responses(401, 403, 404, 422),
)
async def give_password(
    user_id: uuid.UUID,
    given: PasswordGiven,
    request: Request,
    caller: Caller = permit(Permission.USER_ADMIN),
) -> None:
    """For an account that has none yet, or whose password is lost; its sessions end."""
    password_hash = await checker_of(request).hash(given.password.get_secret_value())
    async with caller.unit() as session:
        user = await service.user_of(session, user_id)
        await set_password(session, user, password_hash, now=caller.context.clock())
        caller.tell(session, "password.given", {"user": str(user_id)})


@router.get(
    "/people",
    response_model=list[PersonRead],
    summary="Lister les noms des personnes",
    responses=problem_responses(401, 403),
)
async def list_people(caller: Caller = permit(Permission.SESSION)) -> list[PersonRead]:
    """Names only, of those whose account is active: to choose a replacement or a delegate."""
    async with caller.unit() as session:
        return await service.list_people(session)


@router.get(
    "/certificates",
    response_model=list[CertificateRead],
    summary="Lister ses certificats",
    responses=problem_responses(401, 403),
)
async def list_certificates(
    caller: Caller = permit(Permission.SESSION),
) -> list[CertificateRead]:
    """The caller's own certificates, with their fitness now."""
    user_id: uuid.UUID = caller.principal.id
    async with caller.unit() as session:
        return await service.list_certificates(session, user_id, now=caller.context.clock())
