"""RFC 9457 problems: how every refusal of a request looks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from app.errors import (
    AppError,
    Conflict,
    Forbidden,
    NotFound,
    TooLarge,
    TooManyAttempts,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from app.kit.failures import Failure, failure_of
from app.kit.middleware import HEADERS
from app.kit.reasons import french_faults
from connectors.errors import ConnectorError
from signing.errors import SigningError
from workflows.errors import WorkflowError

Watch: TypeAlias = Callable[[Request, Failure], Awaitable[None]]
MEDIA_TYPE = "application/problem+json"
_FAULTS_SHOWN = 10
_KINDS: tuple[type[AppError], ...] = (
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    TooLarge,
    Unprocessable,
    TooManyAttempts,
    Unavailable,
)
_TITLES = {one.status: one.title for one in _KINDS} | {
    405: "Méthode non permise",
    500: "Erreur interne",
    502: "Service extérieur en erreur",
}


class Problem(BaseModel):
    """What every refusal looks like: `code` is stable, `detail` a French sentence."""

    type: str
    title: str
    status: int
    code: str
    detail: str


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals a route declares; 400 stands everywhere (an unreadable body)."""
    return {
        status: {"model": Problem, "description": HTTPStatus(status).phrase}
        for status in sorted({400, *statuses})
    }


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    title: str | None = None,
    extra: Mapping[str, object] | None = None,
) -> JSONResponse:
    """The response of a refusal."""
    content = {
        "type": "about:blank",
        "title": title or _TITLES.get(status, AppError.title),
        "status": status,
        "code": code,
        "detail": detail,
        **(extra or {}),
    }
    return JSONResponse(content, status_code=status, media_type=MEDIA_TYPE)


def install(app: FastAPI, watch: Watch) -> None:
    """Registers the handlers; nothing else turns an error into an answer. `watch` is shown what
    each foreseen error becomes, before it is answered."""

    async def foreseen(request: Request, error: Exception) -> JSONResponse:
        failure = failure_of(error, path=request.url.path)
        await watch(request, failure)
        return _answer(failure)

    for kind in (AppError, WorkflowError, SigningError, ConnectorError, DBAPIError):
        app.add_exception_handler(kind, foreseen)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _unforeseen)


def _answer(failure: Failure) -> JSONResponse:
    return problem(
        failure.status, failure.code, failure.detail, title=failure.title, extra=failure.extra
    )


async def _validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"field": ".".join(map(str, place)), "reason": reason}
        for place, reason in french_faults(error.errors(), {"body": error.body})
    ]
    told = " ; ".join(f"« {one['field']} » ({one['reason']})" for one in faults[:_FAULTS_SHOWN])
    return problem(
        422,
        "invalid_request",
        f"La demande est mal formée : corrigez {told}.",
        extra={"faults": faults},
    )


async def _http_exception(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    sentences = {
        404: "Cette adresse n'existe pas.",
        405: "Cette méthode n'est pas permise à cette adresse.",
        413: "La demande est trop volumineuse : réduisez-la.",
    }
    detail = sentences.get(error.status_code, "La demande ne peut pas être lue : corrigez-la.")
    return problem(error.status_code, f"http_{error.status_code}", detail)


async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    answer = _answer(failure_of(error, path=request.url.path))
    # This answer is made outside every middleware (Starlette), so it carries its headers itself.
    answer.headers.update(HEADERS)
    return answer
