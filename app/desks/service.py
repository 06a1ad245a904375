"""Desks: made by administrators, held by persons, assisted and watched by others."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.db.session import tenant_of
from app.desks.oneself import refuse_oneself, refuse_own_turn
from app.desks.repository import DeskRepository
from app.desks.schemas import (
    DeskCreate,
    DeskRead,
    DeskUpdate,
    HierarchyRead,
    HolderChange,
    HolderCreate,
    HolderMoved,
    HolderRead,
    HolderUpdate,
    StaffCreate,
    StaffRead,
)
from app.desks.uses import DeskUses
from app.errors import Conflict, Forbidden, NotFound, Unprocessable
from app.kit.clock import Clock
from app.kit.ids import new_id
from app.models import Desk, DeskHolder, DeskStaff, StaffRole
from app.register.service import as_desk, change_names, change_powers, owe_reviews
from app.users.service import active_person
from workflows.grants import check_hierarchy
from workflows.periods import Period
from workflows.register import Gender


async def create_desk(session: AsyncSession, new: DeskCreate) -> DeskRead:
    """Raises Conflict (`desk_name_taken`, `superior_out_of_use`), or NotFound for the superior."""
    await change_names(session)
    repository = DeskRepository(session)
    await _refuse_name(repository, new.name)
    if new.superior_id is not None:
        await _superior(session, new.superior_id)
    desk = Desk(
        id=new_id(),
        tenant_id=tenant_of(session),
        name=new.name,
        capacity=new.capacity,
        gender=new.gender.value,
        superior_id=new.superior_id,
        is_active=True,
    )
    repository.add(desk)
    await session.flush()
    return _read(desk, [], [])


async def desk_of(session: AsyncSession, desk_id: uuid.UUID) -> Desk:
    """Raises NotFound."""
    desk = await DeskRepository(session).desk(desk_id)
    if desk is None:
        raise NotFound
    return desk


async def administered_desk(
    session: AsyncSession, principal: Principal, desk_id: uuid.UUID
) -> Desk:
    """A desk that the caller looks after. Raises NotFound, or Forbidden for another's."""
    desk = await desk_of(session, desk_id)
    if not principal.administers(desk_id):
        raise Forbidden(
            f"Vous n'administrez pas le bureau « {desk.name} » : adressez-vous à "
            "l'administrateur des circuits.",
            code="desk_not_administered",
        )
    return desk


async def update_desk(session: AsyncSession, desk_id: uuid.UUID, update: DeskUpdate) -> DeskRead:
    """Changes what is given. Raises NotFound, or Conflict (`desk_name_taken`, `desk_in_use`,
    `superior_out_of_use`, `desk_cycle`)."""
    await change_powers(session)
    desk = await desk_of(session, desk_id)
    given = update.model_dump(exclude_unset=True)
    if update.name is not None and update.name != desk.name:
        await _refuse_name(DeskRepository(session), update.name, but=desk_id)
    if update.superior_id is not None and update.superior_id != desk.superior_id:
        await _refuse_cycle(session, desk, await _superior(session, update.superior_id))
    if update.is_active is False and desk.is_active:
        _refuse_uses(desk, await DeskUses(session, desk.id).that_block())
    for name, value in given.items():
        if value is not None or name in {"capacity", "superior_id"}:
            setattr(desk, name, value.value if isinstance(value, Gender) else value)
    await session.flush()
    return await read_desk(session, desk)


async def _refuse_name(
    repository: DeskRepository, name: str, *, but: uuid.UUID | None = None
) -> None:
    holder = await repository.desk_named(name)
    if holder is not None and holder.id != but:
        raise Conflict(
            f"Un bureau s'appelle déjà « {holder.name} » : choisissez un autre nom.",
            code="desk_name_taken",
        )


async def _superior(session: AsyncSession, superior_id: uuid.UUID) -> Desk:
    superior = await desk_of(session, superior_id)
    if not superior.is_active:
        raise Conflict(
            f"Le bureau « {superior.name} » ne sert plus et ne peut pas en diriger un autre : "
            "choisissez un autre bureau supérieur, ou remettez-le en service.",
            code="superior_out_of_use",
        )
    return superior


async def _refuse_cycle(session: AsyncSession, desk: Desk, superior: Desk) -> None:
    every = await DeskRepository(session).desks()
    superiors = {one.id: one.superior_id for one in every} | {desk.id: superior.id}
    cycle = check_hierarchy(
        {as_desk(below): as_desk(above) for below, above in superiors.items() if above}
    )
    if cycle is not None:
        names = {as_desk(one.id): one.name for one in every}
        circle = [names[one] for one in (*cycle, cycle[0])]
        raise Conflict(
            f"La hiérarchie tournerait en rond ({' → '.join(circle)}) : choisissez un autre "
            "bureau supérieur.",
            code="desk_cycle",
            extra={"cycle": circle},
        )


def _refuse_uses(desk: Desk, uses: list[str]) -> None:
    if uses:
        raise Conflict(
            f"Le bureau « {desk.name} » est utilisé ({', '.join(uses[:5])}"
            f"{'…' if len(uses) > 5 else ''}) : retirez-le d'abord de ces emplois.",
            code="desk_in_use",
            extra={"uses": uses},
        )


async def delete_desk(session: AsyncSession, desk_id: uuid.UUID, *, now: datetime) -> Desk:
    """Removes a desk that nothing names. Raises NotFound, or Conflict (`desk_in_use`, `uses`)."""
    await change_powers(session)
    desk = await desk_of(session, desk_id)
    _refuse_uses(desk, await DeskUses(session, desk.id).every_one(now))
    try:
        async with session.begin_nested():
            await DeskRepository(session).remove(desk)
    except IntegrityError as e:
        raise Conflict(
            f"Le bureau « {desk.name} » vient d'être employé ailleurs : rechargez la page.",
            code="desk_in_use",
            extra={"uses": []},
        ) from e
    return desk


async def add_holder(
    session: AsyncSession,
    desk_id: uuid.UUID,
    new: HolderCreate,
    *,
    by: Principal | None = None,
    now: datetime,
) -> DeskRead:
    """Raises NotFound, Forbidden (`self_granted`), Conflict (`already_holder`), or PeriodReversed
    when the end does not follow the start. `by` nobody while a town is being made."""
    if by is not None:
        refuse_oneself(by, new.user_id)
    await change_powers(session)
    desk = await desk_of(session, desk_id)
    await active_person(session, new.user_id)
    period = Period(new.starts_at or now, new.ends_at)
    await _refuse_twice(session, desk, new.user_id, period)
    DeskRepository(session).add(
        DeskHolder(
            id=new_id(),
            tenant_id=tenant_of(session),
            desk_id=desk_id,
            user_id=new.user_id,
            starts_at=period.start,
            ends_at=period.end,
        )
    )
    await session.flush()
    await owe_reviews(session, now, desk_ids=[desk_id], user_ids=[new.user_id])
    return await read_desk(session, desk)


async def _refuse_twice(
    session: AsyncSession,
    desk: Desk,
    user_id: uuid.UUID,
    period: Period,
    *,
    but: uuid.UUID | None = None,
) -> None:
    for one in await DeskRepository(session).holders(desk.id):
        if one.user_id != user_id or one.id == but:
            continue
        if period.meets(Period(one.starts_at, one.ends_at)):
            raise Conflict(
                f"Cette personne tient déjà le bureau « {desk.name} » à ces dates : "
                "corrigez la période.",
                code="already_holder",
            )


async def end_holder(
    session: AsyncSession,
    desk_id: uuid.UUID,
    holder_id: uuid.UUID,
    update: HolderUpdate | None,
    *,
    by: Principal,
    clock: Clock,
) -> HolderMoved:
    """The person leaves the desk at an instant that is not past, sooner or later than was said, or
    at none that is known (no `update`): the powers that rest on this holding go on. Who would leave
    before he comes never was to come. Raises NotFound, Forbidden (`self_granted`), Conflict
    (`holding_ended`, `already_holder`) or Unprocessable (`instant_past`)."""
    await change_powers(session)
    now = clock()
    desk = await desk_of(session, desk_id)
    row = await DeskRepository(session).holder(desk_id, holder_id)
    if row is None:
        raise NotFound
    if row.ends_at is not None and row.ends_at <= now:
        raise Conflict(
            "Cette personne a déjà quitté le bureau : rechargez la page.", code="holding_ended"
        )
    ends_at = None if update is None else update.ends_at or now
    if ends_at is not None and ends_at < now:
        raise Unprocessable(
            "La fin est déjà passée : donnez un instant à venir, ou aucun pour « maintenant ».",
            code="instant_past",
        )
    user_id = row.user_id
    change = await _move_end(session, by, desk, row, ends_at, now=now)
    await session.flush()
    await owe_reviews(session, now, desk_ids=[desk_id], user_ids=[user_id])
    left = None if change is HolderChange.WITHDRAWN else ends_at
    return HolderMoved(await read_desk(session, desk), change, user_id, left)


async def _move_end(
    session: AsyncSession,
    by: Principal,
    desk: Desk,
    row: DeskHolder,
    ends_at: datetime | None,
    *,
    now: datetime,
) -> HolderChange:
    if ends_at is None or (row.ends_at is not None and row.ends_at < ends_at):
        refuse_oneself(by, row.user_id)
        await _refuse_twice(session, desk, row.user_id, Period(row.starts_at, ends_at), but=row.id)
        row.ends_at = ends_at
        return HolderChange.PROLONGED
    if row.user_id != by.id:
        await refuse_own_turn(session, by, [desk.id], now)
    if ends_at <= row.starts_at:
        await DeskRepository(session).remove_holder(row)
        return HolderChange.WITHDRAWN
    row.ends_at = ends_at
    return HolderChange.ENDED


async def add_staff(
    session: AsyncSession, principal: Principal, desk_id: uuid.UUID, new: StaffCreate
) -> DeskRead:
    """Raises NotFound, Forbidden (`self_granted`), Conflict (`already_staff`) or Unprocessable
    (`supervisor_watches`)."""
    refuse_oneself(principal, new.user_id)
    await change_powers(session)
    desk = await desk_of(session, desk_id)
    person = await active_person(session, new.user_id)
    if new.may_declare_absence and new.role is not StaffRole.ASSISTANT:
        raise Unprocessable(
            "Un superviseur ne déclare pas d'absence : choisissez le rôle d'assistant.",
            code="supervisor_watches",
        )
    repository = DeskRepository(session)
    for one in await repository.staff(desk_id):
        if (one.user_id, one.role) == (new.user_id, new.role.value):
            raise Conflict(
                f"{person.full_name} a déjà ce rôle à « {desk.name} » : choisissez-en un autre.",
                code="already_staff",
            )
    repository.add(
        DeskStaff(
            id=new_id(),
            tenant_id=tenant_of(session),
            desk_id=desk_id,
            user_id=new.user_id,
            role=new.role.value,
            may_declare_absence=new.may_declare_absence,
        )
    )
    await session.flush()
    return await read_desk(session, desk)


async def remove_staff(session: AsyncSession, desk_id: uuid.UUID, staff_id: uuid.UUID) -> DeskStaff:
    """Raises NotFound."""
    await change_powers(session)
    repository = DeskRepository(session)
    row = await repository.staff_member(desk_id, staff_id)
    if row is None:
        raise NotFound
    await repository.remove_staff(row)
    return row


async def list_desks(session: AsyncSession) -> list[DeskRead]:
    """Every desk with its holders and its staff."""
    repository = DeskRepository(session)
    holders, staff = await repository.holders(), await repository.staff()
    return [
        _read(
            desk,
            [one for one in holders if one.desk_id == desk.id],
            [one for one in staff if one.desk_id == desk.id],
        )
        for desk in await repository.desks()
    ]


async def list_hierarchy(session: AsyncSession) -> list[HierarchyRead]:
    """Every desk below its superior, by name; what a cycle would hold stands at the top."""
    desks = {one.id: one for one in await DeskRepository(session).desks()}
    lines = {one.id: _line(one, desks) for one in desks.values()}
    return [
        HierarchyRead(
            id=one.id, name=one.name, superior_id=one.superior_id, level=len(lines[one.id]) - 1
        )
        for one in sorted(desks.values(), key=lambda one: lines[one.id])
    ]


def _line(desk: Desk, desks: Mapping[uuid.UUID, Desk]) -> list[tuple[str, str]]:
    """From the top down to the desk, by name."""
    line: dict[uuid.UUID, Desk] = {}
    above: Desk | None = desk
    while above is not None and above.id not in line:
        line[above.id] = above
        above = desks.get(above.superior_id) if above.superior_id else None
    return [(one.name, str(one.id)) for one in reversed(line.values())]


async def read_desk(session: AsyncSession, desk: Desk) -> DeskRead:
    """A desk as the API shows it."""
    repository = DeskRepository(session)
    return _read(desk, await repository.holders(desk.id), await repository.staff(desk.id))


def _read(desk: Desk, holders: list[DeskHolder], staff: list[DeskStaff]) -> DeskRead:
    return DeskRead(
        id=desk.id,
        name=desk.name,
        capacity=desk.capacity,
        gender=Gender(desk.gender),
        superior_id=desk.superior_id,
        is_active=desk.is_active,
        holders=[
            HolderRead(id=one.id, user_id=one.user_id, starts_at=one.starts_at, ends_at=one.ends_at)
            for one in holders
        ],
        staff=[
            StaffRead(
                id=one.id,
                user_id=one.user_id,
                role=StaffRole(one.role),
                may_declare_absence=one.may_declare_absence,
            )
            for one in staff
        ],
    )
