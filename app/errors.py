"""The refusals of the service: a status, a stable code, a French sentence (RFC 9457).

AppError
├── Unauthenticated (401)   ├── Forbidden (403)     ├── NotFound (404)
├── Conflict (409)          ├── TooLarge (413)      ├── Unprocessable (422)
├── TooManyAttempts (429)   └── Unavailable (503)
"""

from __future__ import annotations

from collections.abc import Mapping


class AppError(Exception):
    """Root. `extra` are members added to the problem: plain values, never document content."""

    status = 400
    code = "bad_request"
    title = "Demande refusée"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        extra: Mapping[str, str | int | list[str] | None] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = dict(extra or {})
        if code is not None:
            self.code = code


class Unauthenticated(AppError):
    """Nobody is known behind the request."""

    status = 401
    code = "unauthenticated"
    title = "Identification nécessaire"


class Forbidden(AppError):
    """The person or program is known and may not."""

    status = 403
    code = "forbidden"
    title = "Droit insuffisant"


class NotFound(AppError):
    """The object does not exist, or belongs to someone else (never told apart)."""

    status = 404
    code = "not_found"
    title = "Introuvable"

    def __init__(self, detail: str = "Cet élément n'existe pas ou n'est pas accessible.") -> None:
        super().__init__(detail)


class Conflict(AppError):
    """The state of the object forbids it now."""

    status = 409
    code = "conflict"
    title = "Action impossible dans l'état actuel"


class TooLarge(AppError):
    """The bytes exceed the limit of this subtype."""

    status = 413
    code = "too_large"
    title = "Fichier trop volumineux"


class Unprocessable(AppError):
    """Well-formed request whose content is refused."""

    status = 422
    code = "unprocessable"
    title = "Contenu refusé"


class TooManyAttempts(AppError):
    """Rate limit of log-in or token failures."""

    status = 429
    code = "too_many_attempts"
    title = "Trop de tentatives"


class Unavailable(AppError):
    """A service that we need does not answer."""

    status = 503
    code = "unavailable"
    title = "Service momentanément indisponible"
