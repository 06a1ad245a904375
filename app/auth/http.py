"""The HTTP edge of identification: the caller of a route, its permission, its one transaction."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Occurrence
from app.audit.service import record
from app.auth import idempotency
from app.auth.device_requests import principal_of_device
from app.auth.passwords import PasswordChecker
from app.auth.principal import Asked, Permission, Principal
from app.auth.refusals import tell_refusal
from app.auth.service import (
    note_failure,
    principal_of_session,
    principal_of_token,
    refuse_when_slowed,
)
from app.context import Context
from app.errors import Forbidden, Unauthenticated
from app.kit.canonical import JsonScalar
from app.kit.failures import Failure

COOKIE = "parapheur_session"
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_BEARER = "Bearer "
_PARAMETER = re.compile(r"\{(\w+)\}")


def context_of(request: Request) -> Context:
    """The process's context, set once by the entry point."""
    context: Context = request.app.state.context
    return context


def checker_of(request: Request) -> PasswordChecker:
    """The process's password checker."""
    checker: PasswordChecker = request.app.state.password_checker
    return checker


@dataclass(slots=True)
class Caller:
    """Who asks, with what."""

    principal: Principal
    context: Context
    request: Request
    session_id: uuid.UUID | None = None
    claim: idempotency.Claim | None = field(default=None)
    keeps_answer: bool = True

    @asynccontextmanager
    async def unit(self, *, claims: bool = True) -> AsyncIterator[AsyncSession]:
        """One transaction bound to the caller's tenant. The one that changes something claims the
        idempotency key, and wakes the workers once committed."""
        async with self.context.unit(self.principal.tenant_id) as session:
            if claims and self.claim is not None:
                await idempotency.take(session, self.claim, self.context.clock())
                if self.keeps_answer:
                    self.request.state.claim = self.claim
            yield session
        if claims and self.request.method in UNSAFE:
            await self.context.wake()

    def tell(
        self,
        session: AsyncSession,
        kind: str,
        details: Mapping[str, JsonScalar],
        values: Mapping[str, str] | None = None,
    ) -> None:
        """One entry of the journal, by the caller, at the instant of the request; a detail that is
        None is left out."""
        given = {name: detail for name, detail in details.items() if detail is not None}
        what = Occurrence(kind=kind, actor=self.principal.actor, details=given)
        record(session, what, at=self.context.clock(), values=values)

    def claim_body(self, sha256: str) -> None:
        """For streamed bodies: the digest is known only once the bytes have arrived."""
        key = self.request.headers.get("Idempotency-Key")
        if key is not None:
            self.claim = _claim(self.request, self.context, self.principal, key, sha256)


class Permit:
    """Dependency that identifies the caller and demands a permission; one per route."""

    def __init__(
        self, permission: Permission, *, reads_body: bool = True, keeps_answer: bool = True
    ) -> None:
        self.permission = permission
        self._reads_body = reads_body
        self._keeps_answer = keeps_answer

    async def __call__(self, request: Request) -> Caller:
        context = context_of(request)
        if not self._reads_body and "Parapheur-Device" in request.headers:
            # A device signs its whole body: a stream would be read before it is known.
            raise Forbidden(
                "Un poste de signature n'a pas le droit de faire cette action : connectez-vous au "
                "parapheur pour la faire."
            )
        principal, session_id = await _identify(request, context)
        principal = replace(principal, asked=_asked(request))
        request.state.principal = principal
        if not principal.may(self.permission):
            raise Forbidden(
                "Vous n'avez pas le droit de faire cette action : adressez-vous à l'administrateur "
                "de la collectivité."
            )
        claim = await self._claim(request, context, principal)
        return Caller(principal, context, request, session_id, claim, self._keeps_answer)

    async def _claim(
        self, request: Request, context: Context, principal: Principal
    ) -> idempotency.Claim | None:
        key = request.headers.get("Idempotency-Key")
        if key is None or not self._reads_body or request.method not in UNSAFE:
            return None
        digest = hashlib.sha256(await request.body()).hexdigest()
        return _claim(request, context, principal, key, digest)


class Anyone:
    """Marks a route open to the world; the tests hold the list of these."""

    permission = Permission.PUBLIC

    async def __call__(self, request: Request) -> Context:
        return context_of(request)


def permit(permission: Permission, *, reads_body: bool = True, keeps_answer: bool = True) -> Any:
    """`Depends` on the caller; `reads_body` is false where the body is streamed, `keeps_answer`
    where the answer holds a secret: a repeated request is then refused, not answered again."""
    return Depends(Permit(permission, reads_body=reads_body, keeps_answer=keeps_answer))


def anyone() -> Any:
    """`Depends` on the context, for public routes."""
    return Depends(Anyone())


def _claim(
    request: Request, context: Context, principal: Principal, key: str, body_sha256: str
) -> idempotency.Claim:
    """The digest is keyed: a body may hold a password, which a plain hash would let guess."""
    target = f"{request.method} {request.url.path}?{request.url.query}"
    digest = context.keyring.handle("idempotency", f"{target}\n{body_sha256}")
    return idempotency.Claim(principal.tenant_id, principal.id, key, digest)


async def _identify(request: Request, context: Context) -> tuple[Principal, uuid.UUID | None]:
    if "Parapheur-Device" in request.headers:
        return await principal_of_device(context, await device_fields(request)), None
    authorization = request.headers.get("Authorization", "")
    if authorization.startswith(_BEARER):
        return await _program(request, context, authorization.removeprefix(_BEARER)), None
    cookie = request.cookies.get(COOKIE)
    if cookie is None:
        raise Unauthenticated("Identifiez-vous pour continuer.")
    refuse_other_origin(request, context)
    return await principal_of_session(context, cookie)


async def _program(request: Request, context: Context, value: str) -> Principal:
    guards = (context.keyring.handle("guard-token-address", address_of(request)),)
    await refuse_when_slowed(context, guards)
    try:
        return await principal_of_token(context, value)
    except Unauthenticated:
        await note_failure(context, guards)
        raise


def _asked(request: Request) -> Asked:
    """The declared route: an address would bear identifiers, and anything else."""
    return Asked(request.method, _PARAMETER.sub(r":\1", request.scope["route"].path))


async def watch_refusals(request: Request, failure: Failure) -> None:
    """Whatever refuses a right to somebody identified is told in the journal, on every route."""
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is not None:
        context = context_of(request)
        await tell_refusal(context, principal, failure, folder_id=_folder_of(request))


def _folder_of(request: Request) -> uuid.UUID | None:
    """The folder that the address names. Rights are judged before addresses are read."""
    try:
        return uuid.UUID(request.path_params.get("folder_id", ""))
    except ValueError:
        return None


def address_of(request: Request) -> str:
    """The peer's address; forwarded headers are not believed (threat 24)."""
    return request.client.host if request.client else "local"


async def device_fields(request: Request) -> dict[str, str]:
    """What a device signed, as this request carries it."""
    query = f"?{request.url.query}" if request.url.query else ""
    return {
        "device": request.headers.get("Parapheur-Device", ""),
        "date": request.headers.get("Parapheur-Date", ""),
        "nonce": request.headers.get("Parapheur-Nonce", ""),
        "signature": request.headers.get("Parapheur-Signature", ""),
        "method": request.method,
        "target": request.url.path + query,
        "body_sha256": hashlib.sha256(await request.body()).hexdigest(),
    }


def refuse_other_origin(request: Request, context: Context) -> None:
    """A browser names the page that asks; another site may not (threat 27)."""
    if request.method not in UNSAFE:
        return
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if origin not in (None, context.settings.server.origin) or site not in (
        "same-origin",
        "none",
    ):
        raise Forbidden(
            f"La demande vient d'un autre site : ouvrez {context.settings.server.origin} et "
            "recommencez.",
            code="other_origin",
        )


class IdempotentRoute(APIRoute):
    """Stores the answer of a claimed request, and gives it again when the key comes back."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        answer = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                response = await answer(request)
            except idempotency.Replay as replay:
                return Response(
                    replay.body,
                    status_code=replay.status,
                    media_type=replay.media_type,
                    headers={"Idempotency-Replayed": "true"},
                )
            claim: idempotency.Claim | None = getattr(request.state, "claim", None)
            if claim is not None:
                await idempotency.keep(
                    context_of(request),
                    claim,
                    status=response.status_code,
                    media_type=response.media_type,
                    body=bytes(response.body),
                )
            return response

        return handler
