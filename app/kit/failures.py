"""What became of something that failed: the only table from errors to status, code and sentence.

A request that fails answers with it (`app/kit/problems.py`); in a bulk request, so does each of
its acts, and the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from app.errors import AppError
from connectors.errors import ConnectorError
from signing.errors import SigningError, UnsupportedDocument
from workflows.errors import NotEntitled, Refused, Unacceptable

_UNIQUE_VIOLATION = "23505"
_log = structlog.get_logger()

_WORKFLOW_STATUS: tuple[tuple[type[Refused], int], ...] = (
    (NotEntitled, 403),
    (Unacceptable, 422),
    (Refused, 409),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """`code` is stable, `detail` a French sentence; `extra` are members added to the problem."""

    status: int
    code: str
    detail: str
    title: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict)


def failure_of(error: Exception, **where: str) -> Failure:
    """What to say of this error. What nobody foresaw, and a database that does not answer, are
    logged with `where`: nothing of them is said to whoever asked."""
    match error:
        case AppError():
            return Failure(error.status, error.code, error.detail, error.title, error.extra)
        case Refused():
            status = next(status for kind, status in _WORKFLOW_STATUS if isinstance(error, kind))
            return Failure(status, error.code, error.detail)
        case UnsupportedDocument():
            place = {"line": error.line, "element": error.element}
            return Failure(422, error.code, error.detail, extra=place)
        case SigningError():
            return Failure(422, error.code, error.detail)
        case ConnectorError():
            return Failure(502, "remote_error", error.detail)
        case DBAPIError():
            return _of_the_database(error, where)
        case _:
            return _unexpected(error, where)


def _of_the_database(error: DBAPIError, where: Mapping[str, str]) -> Failure:
    """What the checks before a statement cannot see: a value that no column takes (NUL, a number
    out of range), a twin committed meanwhile, a database that does not answer."""
    if isinstance(error, DataError):
        return Failure(
            422,
            "unstorable_value",
            "Une valeur de la demande ne peut pas être enregistrée : retirez les caractères de "
            "contrôle et les nombres hors limites.",
        )
    if isinstance(error, IntegrityError) and _sqlstate(error) == _UNIQUE_VIOLATION:
        return Failure(
            409, "already_exists", "Cet élément vient d'être créé : rechargez, puis vérifiez."
        )
    if isinstance(error, OperationalError):
        _log.error("database_unavailable", exc_info=error, **where)
        return Failure(
            503, "database_unavailable", "La base de données ne répond pas : réessayez bientôt."
        )
    return _unexpected(error, where)


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _unexpected(error: Exception, where: Mapping[str, str]) -> Failure:
    _log.error("unexpected_error", exc_info=error, **where)
    return Failure(
        500,
        "internal_error",
        "Une erreur interne s'est produite : réessayez, puis transmettez l'heure à l'exploitant.",
    )
