"""Routes of identification: sessions of people, tokens of programs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.service import listed
from app.auth import service
from app.auth.http import (
    COOKIE,
    Caller,
    IdempotentRoute,
    address_of,
    anyone,
    checker_of,
    permit,
    refuse_other_origin,
)
from app.auth.principal import Permission
from app.auth.repository import AuthRepository
from app.auth.schemas import LogIn, PasswordChange, SessionRead, TokenCreate, TokenIssued, TokenRead
from app.context import Context
from app.errors import NotFound
from app.kit.clock import in_journal
from app.kit.problems import problem_responses
from app.models import ApiToken

router = APIRouter(tags=["auth"], route_class=IdempotentRoute)


@router.post(
    "/session",
    status_code=204,
    summary="Ouvrir une session",
    responses=problem_responses(401, 403, 422, 429),
)
async def log_in(
    credentials: LogIn, request: Request, response: Response, context: Context = anyone()
) -> None:
    """Sets an HttpOnly cookie naming a new server-side session."""
    refuse_other_origin(request, context)
    secret = await service.open_session(
        context,
        checker_of(request),
        credentials.login,
        credentials.password.get_secret_value(),
        address=address_of(request),
    )
    response.set_cookie(
        COOKIE,
        secret.value,
        expires=secret.expires_at,
        httponly=True,
        secure=context.settings.server.origin.startswith("https://"),
        samesite="lax",
        path="/",
    )


@router.get(
    "/session",
    response_model=SessionRead,
    summary="Savoir qui est connecté",
    responses=problem_responses(401, 403),
)
async def get_session(caller: Caller = permit(Permission.SESSION)) -> SessionRead:
    """The signed-in person, his desks and permissions."""
    principal = caller.principal
    async with caller.unit() as session:
        user = await AuthRepository(session).user(principal.id)
        if user is None:
            raise NotFound
    return SessionRead(
        user_id=user.id,
        full_name=user.full_name,
        desk_ids=sorted(principal.desk_ids),
        permissions=sorted(principal.permissions),
    )


@router.delete(
    "/session",
    status_code=204,
    summary="Fermer la session",
    responses=problem_responses(401, 403),
)
async def log_out(response: Response, caller: Caller = permit(Permission.SESSION)) -> None:
    """Revokes the session on the server and drops the cookie."""
    assert caller.session_id is not None
    await service.close_session(caller.context, caller.principal.tenant_id, caller.session_id)
    response.delete_cookie(COOKIE, path="/")


@router.put(
    "/session/password",
    status_code=204,
    summary="Changer son mot de passe",
    responses=problem_responses(401, 403, 422, 429),
)
async def change_password(
    change: PasswordChange, request: Request, caller: Caller = permit(Permission.SESSION)
) -> None:
    """Asks for the present one again; one's other sessions end."""
    checker = checker_of(request)
    # The unit of the request, which claims its Idempotency-Key, is the one that changes something.
    async with caller.context.unit(caller.principal.tenant_id) as session:
        user = await AuthRepository(session).user(caller.principal.id)
        if user is None:
            raise NotFound
    await service.check_own_password(
        caller.context, checker, user, change.current.get_secret_value()
    )
    password_hash = await checker.hash(change.new.get_secret_value())
    async with caller.unit() as session:
        now = caller.context.clock()
        own = await AuthRepository(session).user(user.id)
        assert own is not None
        await service.set_password(session, own, password_hash, now=now, kept=caller.session_id)
        caller.tell(session, "password.changed", {})


@router.post(
    "/api-tokens",
    status_code=201,
    response_model=TokenIssued,
    summary="Créer un jeton d'API",
    responses=problem_responses(401, 403, 409, 422),
)
async def create_token(
    new: TokenCreate, caller: Caller = permit(Permission.TOKEN_ADMIN, keeps_answer=False)
) -> TokenIssued:
    """The value is shown in this answer only."""
    request = service.TokenRequest(new.label, tuple(new.desk_ids), tuple(new.verbs), new.expires_at)
    async with caller.unit() as session:
        row, value = await service.issue_token(caller.context, session, caller.principal, request)
        given = {"verbs": "/".join(row.verbs), "expires_at": in_journal(row.expires_at)}
        _tell(session, caller, "token.issued", row, given)
    return TokenIssued(**_read(row).model_dump(), value=value)


@router.get(
    "/api-tokens",
    response_model=list[TokenRead],
    summary="Lister les jetons d'API",
    responses=problem_responses(401, 403),
)
async def list_tokens(caller: Caller = permit(Permission.TOKEN_ADMIN)) -> list[TokenRead]:
    """Without their values."""
    async with caller.unit() as session:
        return [_read(row) for row in await AuthRepository(session).tokens()]


@router.delete(
    "/api-tokens/{token_id}",
    response_model=TokenRead,
    summary="Révoquer un jeton d'API",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def revoke_token(
    token_id: uuid.UUID, caller: Caller = permit(Permission.TOKEN_ADMIN)
) -> TokenRead:
    """From this answer on, the token opens nothing."""
    async with caller.unit() as session:
        row = await service.revoke_token(caller.context, session, token_id)
        _tell(session, caller, "token.revoked", row)
    return _read(row)


def _tell(
    session: AsyncSession,
    caller: Caller,
    kind: str,
    row: ApiToken,
    given: Mapping[str, str] | None = None,
) -> None:
    caller.tell(
        session,
        kind,
        {"token": str(row.id), **(given or {})},
        {"label": row.label, **listed("desks", row.desk_ids)},
    )


def _read(row: ApiToken) -> TokenRead:
    return TokenRead(
        id=row.id,
        label=row.label,
        desk_ids=list(row.desk_ids),
        verbs=list(row.verbs),
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
