"""Idempotency-Key: a repeated request changes nothing and gets the first answer (threat 39)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.context import Context
from app.errors import Conflict, Unprocessable
from app.models import IdempotencyKey

MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class Claim:
    """A key of this principal, bound to one method, path and body."""

    tenant_id: uuid.UUID
    principal_id: uuid.UUID
    key: str
    request_sha256: str


class Replay(Exception):
    """The request was already answered: here is that answer."""

    def __init__(self, status: int, media_type: str | None, body: bytes) -> None:
        super().__init__("replayed")
        self.status = status
        self.media_type = media_type
        self.body = body


async def take(session: AsyncSession, claim: Claim, now: datetime) -> None:
    """Claims the key in the transaction of the effect: a concurrent twin waits for it.

    Raises Replay, Unprocessable (`idempotency_key_reused`) or Conflict (`already_done`)."""
    if len(claim.key) > MAX_KEY:
        raise Unprocessable(
            f"Idempotency-Key est trop longue : prenez-en une d'au plus {MAX_KEY} caractères.",
            code="idempotency_key_too_long",
        )
    inserted = await session.execute(
        insert(IdempotencyKey)
        .values(
            tenant_id=claim.tenant_id,
            principal_id=claim.principal_id,
            key=claim.key,
            request_sha256=claim.request_sha256,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    )
    if inserted.scalar_one_or_none() is None:
        await _refuse_or_replay(session, claim)


async def _refuse_or_replay(session: AsyncSession, claim: Claim) -> None:
    row = await session.get_one(IdempotencyKey, (claim.principal_id, claim.key))
    if row.request_sha256 != claim.request_sha256:
        raise Unprocessable(
            "Cette Idempotency-Key a déjà servi pour une autre demande : prenez-en une nouvelle.",
            code="idempotency_key_reused",
        )
    if row.status is None or row.body is None:
        raise Conflict(
            "Cette demande a déjà été exécutée : relisez l'état avant de recommencer.",
            code="already_done",
        )
    raise Replay(row.status, row.media_type, row.body)


async def keep(
    context: Context, claim: Claim, *, status: int, media_type: str | None, body: bytes
) -> None:
    """Stores the answer; lost between the two transactions, the effect still stands once."""
    async with context.unit(claim.tenant_id) as session:
        row = await session.get_one(IdempotencyKey, (claim.principal_id, claim.key))
        row.status = status
        row.media_type = media_type
        row.body = body
