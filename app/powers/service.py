"""Loads what gives power in a tenant, for the one pure function that decides (DESIGN D6)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.desks.repository import DeskRepository
from app.models import ApiToken
from workflows.definition import DeskId
from workflows.powers import DeskHolder, DeskProgram, Period, PersonId, PowerRegister


async def load_register(session: AsyncSession) -> PowerRegister:
    """Desks, holders and programs of the session's tenant, frozen."""
    repository = DeskRepository(session)
    return PowerRegister(
        desks=frozenset(
            DeskId(str(desk.id)) for desk in await repository.desks() if desk.is_active
        ),
        holders=tuple(
            DeskHolder(
                DeskId(str(row.desk_id)),
                PersonId(str(row.user_id)),
                Period(row.starts_at, row.ends_at),
            )
            for row in await repository.holders()
        ),
        programs=tuple(
            program for token in await repository.tokens() for program in _programs(token)
        ),
    )


def _programs(token: ApiToken) -> tuple[DeskProgram, ...]:
    end = min(_ends(token))
    if end <= token.created_at:
        return ()
    period = Period(token.created_at, end)
    program = PersonId(str(token.id))
    return tuple(DeskProgram(DeskId(str(desk)), program, period) for desk in token.desk_ids)


def _ends(token: ApiToken) -> list[datetime]:
    return [token.expires_at] + ([token.revoked_at] if token.revoked_at else [])
