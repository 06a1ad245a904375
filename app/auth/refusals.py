"""Refusals of a right, told in the journal: each once, and never so many as to fill it (ADR 0020).

A right is refused by a 403, or by `not_found`: what somebody else has does not exist either."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Occurrence
from app.audit.service import record
from app.auth.principal import Asked, Principal
from app.auth.repository import AuthRepository
from app.context import Context
from app.errors import Forbidden, NotFound
from app.kit.failures import Failure, failure_of

REFUSED: Final = "access.refused"
UNTOLD: Final = "access.refusals_untold"
WINDOW: Final = timedelta(hours=1)
TOLD_AT_MOST: Final = 20
"""Entries of one principal in a window; one more says that the following ones are not told."""
_log = structlog.get_logger()


async def tell_refusal(
    context: Context, principal: Principal, failure: Failure, *, folder_id: uuid.UUID | None
) -> None:
    """Tells the journal of the principal's tenant, in a transaction of its own, that a right was
    refused to him; of any other failure, and outside a request, nothing. Never raises: the refusal
    stands, told or not. `folder_id`: what he named, whoever has it."""
    if principal.asked is None or not _is_of_a_right(failure):
        return
    try:
        async with context.unit(principal.tenant_id) as session:
            await _tell(session, context, principal, principal.asked, failure.code, folder_id)
    except Exception as e:  # noqa: BLE001  the edge of a request that is answered anyway
        _log.error("refusal_untold", exc_info=e, principal=str(principal.id), code=failure.code)


async def failure_of_one(
    context: Context, principal: Principal, error: Exception, folder_id: uuid.UUID
) -> Failure:
    """What to say of one folder of a request that answers for each: where a right is refused, told
    as the refusal of a whole request is."""
    failure = failure_of(error, folder=str(folder_id))
    await tell_refusal(context, principal, failure, folder_id=folder_id)
    return failure


def _is_of_a_right(failure: Failure) -> bool:
    return failure.status == Forbidden.status or failure.code == NotFound.code


async def _tell(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    asked: Asked,
    code: str,
    folder_id: uuid.UUID | None,
) -> None:
    repository, now = AuthRepository(session), context.clock()
    alike = f"{principal.id}\n{asked.method} {asked.route}\n{code}"
    same = context.keyring.handle("refusal", alike)
    every = context.keyring.handle("refusals", str(principal.id))
    count = await _count(repository, same, every, now)
    if 0 < count <= TOLD_AT_MOST:
        folder = await repository.folder_id(principal.tenant_id, folder_id) if folder_id else None
        what = Occurrence(
            kind=REFUSED,
            actor=principal.actor,
            folder=str(folder) if folder else None,
            details={"code": code, "method": asked.method, "route": asked.route},
        )
        record(session, what, at=now)
    elif count == TOLD_AT_MOST + 1:
        about = {"told": TOLD_AT_MOST, "window_s": int(WINDOW.total_seconds())}
        record(session, Occurrence(kind=UNTOLD, actor=principal.actor, details=about), at=now)


async def _count(repository: AuthRepository, same: str, every: str, now: datetime) -> int:
    """Which one of the principal's refusals in the window this is; 0 where nothing is left to
    tell. Read first: most of a flood writes nothing, and waits for nothing."""
    since = now - WINDOW
    if await repository.failures(same, since):
        return 0
    if await repository.failures(every, since) > TOLD_AT_MOST:
        return 0
    if await repository.note_failure(same, now, WINDOW) > 1:
        return 0
    return await repository.note_failure(every, now, WINDOW)
