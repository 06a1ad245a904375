"""RFC 9457 problems: the only table from errors to HTTP status and code."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError
from starlette.exceptions import HTTPException

from app.errors import AppError
from app.kit.middleware import HEADERS
from connectors.errors import ConnectorError
from signing.errors import SigningError, UnsupportedDocument
from workflows.errors import NotEntitled, Refused, Unacceptable, WorkflowError

MEDIA_TYPE = "application/problem+json"
_UNIQUE_VIOLATION = "23505"
_log = structlog.get_logger()

_WORKFLOW_STATUS: tuple[tuple[type[Refused], int], ...] = (
    (NotEntitled, 403),
    (Unacceptable, 422),
    (Refused, 409),
)


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
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **(extra or {}),
    }
    return JSONResponse(content, status_code=status, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Registers the handlers; nothing else turns an error into an answer."""
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(WorkflowError, _workflow_error)
    app.add_exception_handler(SigningError, _signing_error)
    app.add_exception_handler(ConnectorError, _connector_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(DBAPIError, _database_error)
    app.add_exception_handler(Exception, _unexpected)


async def _app_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)
    return problem(error.status, error.code, error.detail, title=error.title, extra=error.extra)


async def _workflow_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, Refused):
        return await _unexpected(request, error)
    status = next(status for kind, status in _WORKFLOW_STATUS if isinstance(error, kind))
    return problem(status, error.code, error.detail)


async def _signing_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SigningError)
    extra: dict[str, object] = {}
    if isinstance(error, UnsupportedDocument):
        extra = {"line": error.line, "element": error.element}
    return problem(422, error.code, error.detail, extra=extra)


async def _connector_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ConnectorError)
    return problem(502, "remote_error", error.detail)


async def _validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"field": ".".join(str(part) for part in one["loc"]), "reason": one["msg"]}
        for one in error.errors()
    ]
    names = ", ".join(fault["field"] for fault in faults)
    return problem(
        422,
        "invalid_request",
        f"La demande est mal formée : corrigez {names}.",
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


async def _database_error(request: Request, error: Exception) -> JSONResponse:
    """What the checks before a statement cannot see: a value that no column takes (NUL, a number
    out of range), a twin committed meanwhile, a database that does not answer."""
    if isinstance(error, DataError):
        return problem(
            422,
            "unstorable_value",
            "Une valeur de la demande ne peut pas être enregistrée : retirez les caractères de "
            "contrôle et les nombres hors limites.",
        )
    if isinstance(error, IntegrityError) and _sqlstate(error) == _UNIQUE_VIOLATION:
        return problem(
            409, "already_exists", "Cet élément vient d'être créé : rechargez, puis vérifiez."
        )
    if isinstance(error, OperationalError):
        _log.error("database_unavailable", path=request.url.path, exc_info=error)
        return problem(
            503, "database_unavailable", "La base de données ne répond pas : réessayez bientôt."
        )
    return await _unexpected(request, error)


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.exception("unexpected_error", path=request.url.path, exc_info=error)
    answer = problem(
        500,
        "internal_error",
        "Une erreur interne s'est produite : réessayez, puis transmettez l'heure à l'exploitant.",
    )
    # This answer is made outside every middleware (Starlette), so it carries its headers itself.
    answer.headers.update(HEADERS)
    return answer
