"""Installation of a council: planned, shown, applied at its instants, cancelled before them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.auth.principal import Principal
from app.context import Context
from app.db.session import tenant_of
from app.desks.oneself import refuse_oneself, refuse_own_desks, refuse_own_turn
from app.desks.service import desk_of
from app.errors import Conflict, NotFound, Unprocessable
from app.handovers import plan
from app.handovers.dates import (
    awaited,
    changed_since,
    give_back,
    set_dates,
    still_leaves,
    undo_in,
    undo_written,
)
from app.handovers.preview import effects_read
from app.handovers.repository import HandoverRepository
from app.handovers.schemas import (
    InstallationCreate,
    InstallationRead,
    InstallationState,
    InstallationSummary,
    OfficeInput,
)
from app.kit.ids import new_id
from app.models import CouncilInstallation
from app.register.service import as_person, change_powers, load_register, owe_reviews
from app.users.service import active_person, names_of
from workflows.handover import (
    Handover,
    HandoverRefused,
    OfficeHandover,
    effects,
    instants_of,
    leaves_at,
)

HAND_OVER = "powers.hand_over"
_UNDO, _BY = "undo", "applied_by"


async def prepare(
    session: AsyncSession, context: Context, principal: Principal, new: InstallationCreate
) -> InstallationRead:
    """Keeps a plan and tells what it would do. Raises NotFound, Forbidden (`self_granted`),
    Conflict (`office_awaits_plan`, `person_inactive`), Unprocessable (`instant_past`) and the
    refusals of `check_handover`."""
    handover = await _judged(session, principal, new.offices, context.clock())
    row = CouncilInstallation(
        id=new_id(),
        tenant_id=tenant_of(session),
        label=new.label,
        installed_at=_first_instant(handover),
        offices=plan.written(new.offices),
        state=InstallationState.PLANNED.value,
        created_by=principal.id,
        created_at=context.clock(),
        applied_at=None,
    )
    HandoverRepository(session).add(row)
    await session.flush()
    return await read_installation(session, context, row)


async def _judged(
    session: AsyncSession, principal: Principal, offices: Sequence[OfficeInput], now: datetime
) -> Handover:
    handover = plan.handover_of(offices)
    await _refuse_awaited(session, handover, now)
    found = effects(await load_register(session, since=now), handover)
    _refuse_past(handover, now)
    await _refuse_persons(session, principal, offices)
    vacant = [uuid.UUID(one.office) for one in found.vacancies]
    await refuse_own_turn(session, principal, vacant, now)
    targets = [one.transfer_desk_id for one in offices if one.transfer_desk_id is not None]
    await refuse_own_desks(session, principal, targets, now)
    return handover


async def _refuse_awaited(session: AsyncSession, handover: Handover, now: datetime) -> None:
    """What two plans do to one office one after the other could not be undone one by one."""
    asked = {one.office for one in handover.offices}
    for row in await HandoverRepository(session).installations():
        if row.state != InstallationState.APPLIED.value:
            continue
        applied = plan.handover_of(plan.offices_in(row.offices)).offices
        for stored, one in zip(row.offices, applied, strict=True):
            if one.office in asked and await awaited(session, undo_in(stored[_UNDO]), one, now):
                desk = await desk_of(session, uuid.UUID(one.office))
                raise Conflict(
                    f"Le bureau « {desk.name} » attend encore les changements du plan "
                    f"« {row.label} », déjà appliqué : annulez ce plan ou, s'il a commencé, "
                    "retirez d'abord les titulaires à venir de ce bureau.",
                    code="office_awaits_plan",
                )


async def _refuse_persons(
    session: AsyncSession, principal: Principal, offices: Sequence[OfficeInput]
) -> None:
    for one in sorted(plan.persons_of(offices)):
        await active_person(session, one)
        refuse_oneself(principal, one)


def _first_instant(handover: Handover) -> datetime:
    return min(instant for one in handover.offices for instant in instants_of(one))


def _refuse_past(handover: Handover, now: datetime) -> None:
    if _first_instant(handover) < now:
        raise Unprocessable(
            "Un instant du plan est déjà passé : donnez des instants à venir, ce qui a été signé "
            "reste signé.",
            code="instant_past",
        )


async def list_installations(session: AsyncSession) -> list[InstallationSummary]:
    """The latest first."""
    return [_summary(row) for row in await HandoverRepository(session).installations()]


async def installation_of(session: AsyncSession, installation_id: uuid.UUID) -> CouncilInstallation:
    """Raises NotFound."""
    row = await HandoverRepository(session).installation(installation_id)
    if row is None:
        raise NotFound
    return row


async def read_installation(
    session: AsyncSession, context: Context, row: CouncilInstallation
) -> InstallationRead:
    """A plan whole, with its effects as long as it is not applied."""
    offices, told, refusal = plan.offices_in(row.offices), None, None
    if row.state == InstallationState.PLANNED.value:
        try:
            await _refuse_awaited(session, plan.handover_of(offices), context.clock())
            told = await effects_read(session, context, offices)
        except (HandoverRefused, Conflict) as e:
            refusal = e.detail
    return InstallationRead(
        **_summary(row).model_dump(), offices=offices, effects=told, refusal=refusal
    )


async def apply(
    session: AsyncSession, context: Context, principal: Principal, installation_id: uuid.UUID
) -> InstallationRead:
    """Dates the holders at once; powers are judged by date, so that it counts at the instants of
    the plan, to the second. Jobs then decide the folders that wait.

    Raises NotFound, Forbidden (`self_granted`), Conflict (`installation_not_planned`,
    `office_awaits_plan`, `person_inactive`), Unprocessable (`instant_past`) and the refusals of
    `check_handover`."""
    await change_powers(session)
    now = context.clock()
    row = await _locked(session, installation_id)
    _refuse_unless(row, InstallationState.PLANNED)
    offices = plan.offices_in(row.offices)
    handover = await _judged(session, principal, offices, now)
    row.offices = [
        {**stored, _UNDO: undo_written(await set_dates(session, one)), _BY: str(principal.id)}
        for stored, one in zip(row.offices, handover.offices, strict=True)
    ]
    row.state, row.applied_at = InstallationState.APPLIED.value, now
    await session.flush()
    for place, one in enumerate(handover.offices):
        await jobs.enqueue(
            session,
            HAND_OVER,
            row.tenant_id,
            {"installation_id": str(row.id), "office": str(place)},
            run_after=leaves_at(one),
            dedupe_key=f"{HAND_OVER}:{row.id}:{place}",
        )
    concerned = plan.persons_of(offices) | {one.outgoing_id for one in offices}
    await owe_reviews(session, now, desk_ids=[one.desk_id for one in offices], user_ids=concerned)
    return await read_installation(session, context, row)


async def cancel(
    session: AsyncSession, context: Context, installation_id: uuid.UUID
) -> InstallationRead:
    """Before the first instant of the plan, as if it had never been. Raises NotFound, or Conflict
    (`installation_cancelled`, `installation_started`, `installation_changed`)."""
    await change_powers(session)
    row = await _locked(session, installation_id)
    if row.state == InstallationState.CANCELLED.value:
        raise Conflict(
            "Ce plan est déjà annulé : rechargez la page.", code="installation_cancelled"
        )
    if row.state == InstallationState.APPLIED.value:
        if row.installed_at <= context.clock():
            raise Conflict(
                "Le premier instant de ce plan est passé : faites un nouveau plan, ou corrigez "
                "les titulaires un à un.",
                code="installation_started",
            )
        handover = plan.handover_of(plan.offices_in(row.offices))
        for stored, one in zip(row.offices, handover.offices, strict=True):
            await _refuse_changed(session, stored, one)
        for stored in row.offices:
            await give_back(session, undo_in(stored[_UNDO]))
    row.state = InstallationState.CANCELLED.value
    await session.flush()
    return await read_installation(session, context, row)


async def _refuse_changed(
    session: AsyncSession, stored: Mapping[str, Any], one: OfficeHandover
) -> None:
    names = {str(user_id): name for user_id, name in (await names_of(session)).items()}
    changed = await changed_since(session, undo_in(stored[_UNDO]), one, names)
    if changed is not None:
        desk = await desk_of(session, uuid.UUID(one.office))
        raise Conflict(
            f"{changed} au bureau « {desk.name} » n'a plus les dates que ce plan lui avait "
            "données : remettez-les puis annulez, ou corrigez les titulaires un à un.",
            code="installation_changed",
        )


def decision_at(row: CouncilInstallation, place: int) -> plan.Decision | None:
    """What an applied plan says of the folders of one office; None once it is cancelled."""
    if row.state != InstallationState.APPLIED.value:
        return None
    administrator = as_person(uuid.UUID(row.offices[place][_BY]))
    return plan.decision_of(_office(row, place), administrator)


async def is_overtaken(session: AsyncSession, row: CouncilInstallation, place: int) -> bool:
    """Whether the departure that an applied plan set at an office was corrected since: what waits
    there is no longer the plan's to decide."""
    undo = undo_in(row.offices[place][_UNDO])
    return not await still_leaves(session, undo, _office(row, place))


def _office(row: CouncilInstallation, place: int) -> OfficeHandover:
    return plan.handover_of(plan.offices_in([row.offices[place]])).offices[0]


async def _locked(session: AsyncSession, installation_id: uuid.UUID) -> CouncilInstallation:
    row = await HandoverRepository(session).lock(installation_id)
    if row is None:
        raise NotFound
    return row


def _refuse_unless(row: CouncilInstallation, state: InstallationState) -> None:
    if row.state != state.value:
        raise Conflict(
            "Ce plan est déjà appliqué ou annulé : rechargez la page.",
            code="installation_not_planned",
        )


def _summary(row: CouncilInstallation) -> InstallationSummary:
    return InstallationSummary(
        id=row.id,
        label=row.label,
        state=InstallationState(row.state),
        installed_at=row.installed_at,
        created_at=row.created_at,
        applied_at=row.applied_at,
    )
