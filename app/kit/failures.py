"""What became of something that failed: the only table from errors to status, code and sentence.

A request that fails answers with it (`app/kit/problems.py`); in a bulk request, so does each of
its acts, and the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import DataError, DBAPIError, OperationalError

from app.errors import AppError
from connectors.errors import ConnectorError
from signing.errors import SigningError, UnsupportedDocument
from workflows.errors import NotEntitled, Refused, Unacceptable

_BUSY = (
    "busy_try_again",
    "D'autres demandes changeaient les mêmes éléments au même moment : recommencez.",
)
# By SQLSTATE: what others did in the meantime, to be looked at and asked again.
_MEANWHILE = {
    "23503": (
        "object_gone",
        "Un élément nommé par la demande vient d'être supprimé, ou sert depuis peu à un autre : "
        "rechargez, puis recommencez.",
    ),
    "23505": ("already_exists", "Cet élément vient d'être créé : rechargez, puis vérifiez."),
    "40P01": _BUSY,
    "55P03": _BUSY,
}
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
    out of range), what others committed meanwhile, a database that does not answer."""
    if isinstance(error, DataError):
        return Failure(
            422,
            "unstorable_value",
            "Une valeur de la demande ne peut pas être enregistrée : retirez les caractères de "
            "contrôle et les nombres hors limites.",
        )
    meanwhile = _MEANWHILE.get(getattr(error.orig, "sqlstate", None) or "")
    if meanwhile is not None:
        code, detail = meanwhile
        return Failure(409, code, detail)
    if isinstance(error, OperationalError):
        _log.error("database_unavailable", exc_info=error, **where)
        return Failure(
            503, "database_unavailable", "La base de données ne répond pas : réessayez bientôt."
        )
    return _unexpected(error, where)


def _unexpected(error: Exception, where: Mapping[str, str]) -> Failure:
    _log.error("unexpected_error", exc_info=error, **where)
    return Failure(
        500,
        "internal_error",
        "Une erreur interne s'est produite : réessayez, puis transmettez l'heure à l'exploitant.",
    )
