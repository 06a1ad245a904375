"""Powers as the API asks for them: periods as people write them, powers of one person."""

from __future__ import annotations

import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import NotFound, Unprocessable
from app.powers.schemas import (
    FoundingDocumentRead,
    PeriodInput,
    PowerRead,
    PowersRead,
    ScopeRead,
    Standing,
)
from app.register.service import as_person, load_register
from app.users.repository import UserRepository
from workflows.judgement import scopes_of
from workflows.periods import Period, next_day, start_of_day
from workflows.powers import powers_of
from workflows.register import FoundingDocument, Power, PowerKind, PowerRegister, Scope


def period_of(asked: PeriodInput, timezone: ZoneInfo, now: datetime) -> Period:
    """Days from 00:00 of the first to 00:00 of the day after the last, excluded, or instants.

    What would start in the past starts now: no power, and no absence, is made after the fact.
    Raises Unprocessable (`period_ambiguous`, `period_over`), PeriodReversed or DayOutOfRange."""
    if (asked.first_day and asked.starts_at) or (asked.last_day and asked.ends_at):
        raise Unprocessable(
            "Donnez un jour ou un instant pour chaque borne de la période, pas les deux.",
            code="period_ambiguous",
        )
    start = asked.starts_at
    if asked.first_day is not None:
        start = start_of_day(asked.first_day, timezone)
    end = asked.ends_at
    if asked.last_day is not None:
        end = start_of_day(next_day(asked.last_day), timezone)
    if end is not None and end <= now and (start is None or start < end):
        raise Unprocessable(
            "Cette période est déjà passée : donnez une fin à venir.", code="period_over"
        )
    whole = Period(start or now, end)
    return Period(max(whole.start, now), whole.end)


def standing_of(
    starts_at: datetime, ends_at: datetime | None, repealed_at: datetime | None, now: datetime
) -> Standing:
    """Where a row stands by its own dates."""
    ends = [one for one in (ends_at, repealed_at) if one is not None]
    if ends and min(ends) <= now:
        return Standing.ENDED
    return Standing.IN_FORCE if starts_at <= now else Standing.PLANNED


async def powers_at(session: AsyncSession, user_id: uuid.UUID, at: datetime) -> PowersRead:
    """What gives power to a person at an instant. Raises NotFound."""
    if await UserRepository(session).user(user_id) is None:
        raise NotFound
    register = await load_register(session)
    powers = powers_of(register, as_person(user_id), at)
    return PowersRead(at=at, powers=[_read(register, one) for one in powers])


def _read(register: PowerRegister, power: Power) -> PowerRead:
    grant = next((one for one in register.grants if one.id == power.id), None)
    return PowerRead(
        power=power.kind,
        desk_id=uuid.UUID(power.desk),
        on_behalf_of=uuid.UUID(power.on_behalf_of) if power.on_behalf_of else None,
        grant_id=grant_of(power),
        mention=power.mention,
        document=_document(grant.document) if grant and grant.document else None,
        executory_at=grant.executory_at if grant else None,
        starts_at=grant.period.start if grant else None,
        ends_at=grant.period.end if grant else None,
        scopes=[_scope(one) for one in scopes_of(register, grant)] if grant else [],
    )


def _document(document: FoundingDocument) -> FoundingDocumentRead:
    return FoundingDocumentRead(
        number=document.number,
        signed_on=document.signed_on,
        published_on=document.published_on,
    )


def _scope(scope: Scope) -> ScopeRead:
    return ScopeRead(
        type_ids=sorted(uuid.UUID(one) for one in scope.types),
        subtype_ids=sorted(uuid.UUID(one) for one in scope.subtypes),
        ceiling_cents=scope.ceiling_cents,
    )


def grant_of(power: Power) -> uuid.UUID | None:
    """The grant that founds a power; an absence founds a replacement, which is no grant."""
    if power.id is None or power.kind is PowerKind.REPLACEMENT:
        return None
    return uuid.UUID(power.id)
