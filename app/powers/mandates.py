"""Elected mandates: the functions that a person holds in bodies, with their dates.

They give no power, but plans of hand-over date them, and one is recorded once: they change as
powers do."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import tenant_of
from app.desks.service import desk_of
from app.errors import Conflict, NotFound
from app.kit.ids import new_id
from app.models import ElectedMandate
from app.powers.repository import PowerRepository
from app.powers.schemas import MandateCreate, MandateRead, MandateUpdate
from app.register.service import change_powers
from app.users.repository import UserRepository
from workflows.errors import PeriodReversed

_REMOVABLE = frozenset({"ends_on", "desk_id"})


async def record_mandate(session: AsyncSession, new: MandateCreate) -> MandateRead:
    """Raises NotFound, PeriodReversed when the last day precedes the first, or Conflict
    (`mandate_exists`) for a mandate that is recorded already."""
    await change_powers(session)
    if await UserRepository(session).user(new.user_id) is None:
        raise NotFound
    if new.desk_id is not None:
        await desk_of(session, new.desk_id)
    row = ElectedMandate(id=new_id(), tenant_id=tenant_of(session), **new.model_dump())
    _refuse_reversed(row)
    await _refuse_twice(session, row)
    PowerRepository(session).add(row)
    await session.flush()
    return _read(row)


async def update_mandate(
    session: AsyncSession, mandate_id: uuid.UUID, update: MandateUpdate
) -> MandateRead:
    """Changes what is given. Raises as `record_mandate`."""
    await change_powers(session)
    row = await PowerRepository(session).mandate(mandate_id)
    if row is None:
        raise NotFound
    if update.desk_id is not None:
        await desk_of(session, update.desk_id)
    for name, value in update.model_dump(exclude_unset=True).items():
        if value is not None or name in _REMOVABLE:
            setattr(row, name, value)
    _refuse_reversed(row)
    if update.model_fields_set - _REMOVABLE:
        await _refuse_twice(session, row)
    await session.flush()
    return _read(row)


async def remove_mandate(session: AsyncSession, mandate_id: uuid.UUID) -> MandateRead:
    """What was removed: a mandate gives no power, one entered by mistake is no history. Raises
    NotFound."""
    await change_powers(session)
    repository = PowerRepository(session)
    row = await repository.mandate(mandate_id)
    if row is None:
        raise NotFound
    await repository.remove_mandate(row)
    return _read(row)


async def list_mandates(session: AsyncSession) -> list[MandateRead]:
    """By body, then by date."""
    return [_read(row) for row in await PowerRepository(session).mandates()]


def _refuse_reversed(row: ElectedMandate) -> None:
    if row.ends_on is not None and row.ends_on < row.starts_on:
        raise PeriodReversed


async def _refuse_twice(session: AsyncSession, row: ElectedMandate) -> None:
    """One person has one function in one body from one day on, once."""
    if await PowerRepository(session).same_mandate(row) is not None:
        raise Conflict(
            "Ce mandat est déjà enregistré : la même personne, la même fonction dans la même "
            "assemblée, à compter du même jour. Modifiez celui qui existe.",
            code="mandate_exists",
        )


def _read(row: ElectedMandate) -> MandateRead:
    return MandateRead(
        id=row.id,
        user_id=row.user_id,
        body=row.body,
        function=row.function,
        desk_id=row.desk_id,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
    )
