"""Absences: declared, changed, ended, withdrawn; by whom."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Permission, Principal
from app.db.session import tenant_of
from app.desks.oneself import refuse_own_turn
from app.errors import Conflict, Forbidden, NotFound, Unprocessable
from app.kit.clock import Clock
from app.kit.ids import new_id
from app.models import Absence
from app.powers.repository import PowerRepository
from app.powers.schemas import (
    AbsenceCreate,
    AbsenceRead,
    AbsenceUpdate,
    PeriodInput,
    Standing,
)
from app.powers.service import period_of, standing_of
from app.register.service import (
    as_desk,
    as_person,
    change_powers,
    load_register,
    owe_reviews,
)
from app.tenants.service import timezone_of
from app.users.service import active_person
from workflows import register as domain
from workflows.grants import check_absence
from workflows.periods import Period


@dataclass(frozen=True, slots=True)
class Spokesman:
    """For whom a person may declare absences: himself, desks that he administers or assists."""

    principal: Principal
    spoken_for: frozenset[uuid.UUID]

    def speaks_for(
        self, user_id: uuid.UUID, desk_id: uuid.UUID | None, held: frozenset[uuid.UUID]
    ) -> bool:
        """An absence from one desk is that desk's affair; from all, that of each of them."""
        if user_id == self.principal.id or self.principal.administered_desk_ids is None:
            return True
        desks = held if desk_id is None else held & {desk_id}
        return bool(desks) and all(
            self.principal.administers(one) or one in self.spoken_for for one in desks
        )


async def spokesman(session: AsyncSession, principal: Principal) -> Spokesman:
    """What the caller may declare."""
    return Spokesman(principal, await PowerRepository(session).desks_spoken_for(principal.id))


async def declare(
    session: AsyncSession, principal: Principal, new: AbsenceCreate, *, clock: Clock
) -> AbsenceRead:
    """Raises NotFound, Forbidden (`not_your_absence`, `self_granted`), Conflict or Unprocessable,
    and the refusals of `check_absence`."""
    await change_powers(session)
    now = clock()
    user_id = new.user_id or principal.id
    await active_person(session, user_id)
    await _refuse_stranger(session, principal, user_id, new.desk_id, now)
    await _refuse_replacements(session, principal, user_id, new.replacement_ids)
    await _refuse_own_turn(session, principal, user_id, new.desk_id, now)
    period = period_of(new.period, await timezone_of(session), now)
    row = Absence(
        id=new_id(),
        tenant_id=tenant_of(session),
        user_id=user_id,
        desk_id=new.desk_id,
        starts_at=period.start,
        ends_at=period.end,
        replacement_ids=list(new.replacement_ids),
        declared_by=principal.id,
        repealed_at=None,
    )
    await _check(session, row, now)
    PowerRepository(session).add(row)
    await session.flush()
    await owe_reviews(session, now, user_ids=[user_id])
    return read_absence(row, now)


async def _refuse_stranger(
    session: AsyncSession,
    principal: Principal,
    user_id: uuid.UUID,
    desk_id: uuid.UUID | None,
    now: datetime,
) -> None:
    held = await PowerRepository(session).desks_held(user_id, now)
    if not (await spokesman(session, principal)).speaks_for(user_id, desk_id, held):
        raise Forbidden(
            "Vous ne pouvez pas déclarer l'absence de cette personne à ce bureau : demandez-la à "
            "elle-même ou à un administrateur.",
            code="not_your_absence",
        )
    if not held or (desk_id is not None and desk_id not in held):
        raise Unprocessable(
            "Cette personne ne tient pas ce bureau, ou n'en tient aucun : choisissez un titulaire "
            "et l'un de ses bureaux.",
            code="absence_without_desk",
        )


async def _refuse_replacements(
    session: AsyncSession,
    principal: Principal,
    user_id: uuid.UUID,
    replacement_ids: Sequence[uuid.UUID],
) -> None:
    """Nobody makes himself the replacement of somebody else (threat 36)."""
    for one in replacement_ids:
        await active_person(session, one)
    if principal.id != user_id and principal.id in replacement_ids:
        raise Forbidden(
            "Vous ne pouvez pas vous désigner vous-même comme remplaçant : la personne absente "
            "ou un autre administrateur doit le faire.",
            code="self_granted",
        )


async def _refuse_own_turn(
    session: AsyncSession,
    principal: Principal,
    user_id: uuid.UUID,
    desk_id: uuid.UUID | None,
    now: datetime,
) -> None:
    if user_id != principal.id:
        held = await PowerRepository(session).desks_held(user_id, now)
        desks = held if desk_id is None else {desk_id}
        await refuse_own_turn(session, principal, sorted(desks), now)


async def _refuse_prolonging(
    session: AsyncSession, principal: Principal, row: Absence, now: datetime
) -> None:
    """Nobody prolongs the absence by which he acts in somebody else's name (threat 36)."""
    if principal.id in row.replacement_ids and not principal.may(Permission.USER_ADMIN):
        raise Forbidden(
            "Vous remplacez cette personne : vous ne pouvez pas prolonger son absence. "
            "Demandez-le-lui, ou à un autre administrateur.",
            code="self_granted",
        )
    await _refuse_own_turn(session, principal, row.user_id, row.desk_id, now)


async def _check(session: AsyncSession, row: Absence, now: datetime) -> None:
    register = await load_register(session, since=now)
    check_absence(
        register,
        domain.Absence(
            id=domain.AbsenceId(str(row.id)),
            person=as_person(row.user_id),
            period=Period(row.starts_at, row.ends_at),
            desk=as_desk(row.desk_id) if row.desk_id is not None else None,
            replacements=tuple(as_person(one) for one in row.replacement_ids),
        ),
        await timezone_of(session),
    )


async def absence_of(
    session: AsyncSession, principal: Principal, absence_id: uuid.UUID, *, now: datetime
) -> Absence:
    """An absence that the caller may see and change. Raises NotFound."""
    repository = PowerRepository(session)
    row = await repository.absence(absence_id)
    if row is None:
        raise NotFound
    held = await repository.desks_held(row.user_id, now)
    if not (await spokesman(session, principal)).speaks_for(row.user_id, row.desk_id, held):
        raise NotFound
    return row


async def list_absences(
    session: AsyncSession, principal: Principal, *, since: datetime, now: datetime
) -> list[AbsenceRead]:
    """Those that the caller may see and that had not ended at `since`."""
    repository = PowerRepository(session)
    speaker = await spokesman(session, principal)
    rows = await repository.absences(since)
    held = {one: await repository.desks_held(one, now) for one in {row.user_id for row in rows}}
    return [
        read_absence(row, now)
        for row in rows
        if speaker.speaks_for(row.user_id, row.desk_id, held[row.user_id])
    ]


async def change(
    session: AsyncSession,
    principal: Principal,
    absence_id: uuid.UUID,
    update: AbsenceUpdate,
    *,
    clock: Clock,
) -> AbsenceRead:
    """Ends it now, moves or removes its end, or names other replacements. Raises NotFound,
    Forbidden (`self_granted`), Conflict (`absence_ended`, `absence_not_started`), Unprocessable
    (`absence_change_ambiguous`, `period_ambiguous`, `period_over`) or the refusals of
    `check_absence`."""
    await change_powers(session)
    now = clock()
    row = await absence_of(session, principal, absence_id, now=now)
    standing = standing_of(row.starts_at, row.ends_at, row.repealed_at, now)
    if standing is Standing.ENDED:
        raise Conflict(
            "Cette absence est déjà terminée : déclarez-en une autre.", code="absence_ended"
        )
    if update.ends_now and standing is Standing.PLANNED:
        raise Conflict("Cette absence n'a pas commencé : supprimez-la.", code="absence_not_started")
    _refuse_ambiguous(update)
    if update.ends_now:
        row.repealed_at = now
    else:
        await _move(session, principal, row, update, now)
    await session.flush()
    await owe_reviews(session, now, user_ids=[row.user_id])
    return read_absence(row, now)


def _refuse_ambiguous(update: AbsenceUpdate) -> None:
    others = (update.last_day, update.ends_at, update.replacement_ids)
    if update.ends_now and any(one is not None for one in others):
        raise Unprocessable(
            "Mettez fin à l'absence maintenant, ou changez sa fin et ses remplaçants : pas les "
            "deux à la fois.",
            code="absence_change_ambiguous",
        )


async def _move(
    session: AsyncSession,
    principal: Principal,
    row: Absence,
    update: AbsenceUpdate,
    now: datetime,
) -> None:
    prolonged = False
    if update.model_fields_set & {"last_day", "ends_at"}:
        asked = PeriodInput(
            starts_at=row.starts_at, last_day=update.last_day, ends_at=update.ends_at
        )
        ends_at = period_of(asked, await timezone_of(session), now).end
        prolonged = row.ends_at is not None and (ends_at is None or row.ends_at < ends_at)
        row.ends_at = ends_at
    if update.replacement_ids is not None:
        await _refuse_replacements(session, principal, row.user_id, update.replacement_ids)
        row.replacement_ids = list(update.replacement_ids)
    if prolonged:
        await _refuse_prolonging(session, principal, row, now)
    await _check(session, row, now)


async def withdraw(
    session: AsyncSession, principal: Principal, absence_id: uuid.UUID, *, clock: Clock
) -> Absence:
    """Before it starts it never was. Raises NotFound, or Conflict (`absence_started`)."""
    await change_powers(session)
    now = clock()
    row = await absence_of(session, principal, absence_id, now=now)
    if row.starts_at <= now:
        raise Conflict(
            "Cette absence a commencé : mettez-y fin au lieu de la supprimer.",
            code="absence_started",
        )
    await PowerRepository(session).remove_absence(row)
    return row


def read_absence(row: Absence, now: datetime) -> AbsenceRead:
    """An absence as the API shows it."""
    return AbsenceRead(
        id=row.id,
        user_id=row.user_id,
        desk_id=row.desk_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        replacement_ids=list(row.replacement_ids),
        declared_by=row.declared_by,
        repealed_at=row.repealed_at,
        standing=standing_of(row.starts_at, row.ends_at, row.repealed_at, now),
    )
