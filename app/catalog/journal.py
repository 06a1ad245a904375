"""Journal entries of what administrators do to the catalog."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Occurrence
from app.audit.service import record
from app.auth.http import Caller


def journal(
    session: AsyncSession,
    caller: Caller,
    kind: str,
    details: Mapping[str, str | int],
    values: Mapping[str, str] | None = None,
) -> None:
    """One entry, by the caller, at the instant of the request."""
    occurrence = Occurrence(kind=kind, actor=caller.principal.actor, details=dict(details))
    record(session, occurrence, at=caller.context.clock(), values=values)
