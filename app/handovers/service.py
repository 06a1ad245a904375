"""Installation of a council: planned, shown, applied at its instants, cancelled before them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.auth.principal import Principal
from app.context import Context
from app.db.session import tenant_of
from app.desks.service import refuse_oneself
from app.errors import Conflict, NotFound, Unprocessable
from app.handovers import plan
from app.handovers.preview import effects_read, mandates_ending
from app.handovers.repository import HandoverRepository
from app.handovers.schemas import (
    InstallationCreate,
    InstallationRead,
    InstallationState,
    InstallationSummary,
    OfficeInput,
)
from app.kit.ids import new_id
from app.models import CouncilInstallation, DeskHolder
from app.powers.service import active_person
from app.register.service import as_person, change_powers, load_register, owe_reviews
from workflows.handover import (
    HandOver,
    HandOverRefused,
    OfficeHandOver,
    check_handover,
    leaves_at,
)

HAND_OVER = "powers.hand_over"
_UNDO, _BY = "undo", "applied_by"


async def prepare(
    session: AsyncSession, context: Context, principal: Principal, new: InstallationCreate
) -> InstallationRead:
    """Keeps a plan and tells what it would do. Raises NotFound, Forbidden (`self_granted`),
    Conflict, Unprocessable (`instant_past`) and the refusals of `check_handover`."""
    handover = plan.handover_of(new.offices)
    check_handover(await load_register(session), handover)
    _refuse_past(handover, context.clock())
    await _refuse_persons(session, principal, new.offices)
    row = CouncilInstallation(
        id=new_id(),
        tenant_id=tenant_of(session),
        label=new.label,
        installed_at=min(plan.instants_of(handover)),
        offices=plan.written(new.offices),
        state=InstallationState.PLANNED.value,
        created_by=principal.id,
        created_at=context.clock(),
        applied_at=None,
    )
    HandoverRepository(session).add(row)
    await session.flush()
    return await read_installation(session, context, row)


async def _refuse_persons(
    session: AsyncSession, principal: Principal, offices: Sequence[OfficeInput]
) -> None:
    for one in sorted(plan.persons_of(offices)):
        await active_person(session, one)
        refuse_oneself(principal, one)


def _refuse_past(handover: HandOver, now: datetime) -> None:
    if min(plan.instants_of(handover)) < now:
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
    offices, effects, refusal = plan.offices_in(row.offices), None, None
    if row.state == InstallationState.PLANNED.value:
        try:
            effects = await effects_read(session, context, offices)
        except HandOverRefused as e:
            refusal = e.detail
    return InstallationRead(
        **_summary(row).model_dump(), offices=offices, effects=effects, refusal=refusal
    )


async def apply(
    session: AsyncSession, context: Context, principal: Principal, installation_id: uuid.UUID
) -> InstallationRead:
    """Dates the holders at once; powers are judged by date, so that it counts at the instants of
    the plan, to the second. Jobs then decide the folders that wait.

    Raises NotFound, Forbidden (`self_granted`), Conflict (`installation_not_planned`,
    `person_inactive`), Unprocessable (`instant_past`) and the refusals of `check_handover`."""
    await change_powers(session)
    now = context.clock()
    row = await _locked(session, installation_id)
    _refuse_unless(row, InstallationState.PLANNED)
    offices = plan.offices_in(row.offices)
    handover = plan.handover_of(offices)
    check_handover(await load_register(session, since=now), handover)
    _refuse_past(handover, now)
    await _refuse_persons(session, principal, offices)
    row.offices = [
        await _apply_office(session, stored, one, by=principal.id)
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


async def _apply_office(
    session: AsyncSession, stored: dict[str, Any], one: OfficeHandOver, *, by: uuid.UUID
) -> dict[str, Any]:
    """The stored office with what cancelling needs."""
    repository, end = HandoverRepository(session), leaves_at(one)
    desk_id = uuid.UUID(one.office)
    ended: dict[str, str | None] = {}
    for row in await repository.holders(desk_id, uuid.UUID(one.outgoing)):
        if row.starts_at < end and (row.ends_at is None or end <= row.ends_at):
            ended[str(row.id)] = row.ends_at.isoformat() if row.ends_at else None
            row.ends_at = end
    mandates: dict[str, str | None] = {}
    for mandate, last_day in await mandates_ending(session, one):
        mandates[str(mandate.id)] = mandate.ends_on.isoformat() if mandate.ends_on else None
        mandate.ends_on = last_day
    started = []
    for holder in _arrivals(one, tenant_of(session)):
        repository.add(holder)
        started.append(str(holder.id))
    undo = {"ended": ended, "started": started, "mandates": mandates}
    return {**stored, _UNDO: undo, _BY: str(by)}


def _arrivals(one: OfficeHandOver, tenant_id: uuid.UUID) -> list[DeskHolder]:
    found: list[tuple[str, datetime, datetime | None]] = []
    if one.bridging is not None:
        period = one.bridging.period
        found.append((one.bridging.person, period.start, period.end))
    if one.incoming is not None and one.starts_at is not None:
        found.append((one.incoming, one.starts_at, None))
    return [
        DeskHolder(
            id=new_id(),
            tenant_id=tenant_id,
            desk_id=uuid.UUID(one.office),
            user_id=uuid.UUID(person),
            starts_at=starts_at,
            ends_at=ends_at,
        )
        for person, starts_at, ends_at in found
    ]


async def cancel(
    session: AsyncSession, context: Context, installation_id: uuid.UUID
) -> InstallationRead:
    """Before the first instant of the plan, as if it had never been. Raises NotFound, or Conflict
    (`installation_cancelled`, `installation_started`)."""
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
        for stored in row.offices:
            await _undo(session, stored[_UNDO])
    row.state = InstallationState.CANCELLED.value
    await session.flush()
    return await read_installation(session, context, row)


async def _undo(session: AsyncSession, undo: dict[str, Any]) -> None:
    repository = HandoverRepository(session)
    await repository.remove_holders([uuid.UUID(one) for one in undo["started"]])
    for holder_id, ends_at in undo["ended"].items():
        holder = await repository.holder(uuid.UUID(holder_id))
        if holder is not None:
            holder.ends_at = datetime.fromisoformat(ends_at) if ends_at else None
    for mandate_id, ends_on in undo.get("mandates", {}).items():
        mandate = await repository.mandate(uuid.UUID(mandate_id))
        if mandate is not None:
            mandate.ends_on = date.fromisoformat(ends_on) if ends_on else None


def decision_at(row: CouncilInstallation, place: int) -> plan.Decision | None:
    """What an applied plan says of the folders of one office; None once it is cancelled."""
    if row.state != InstallationState.APPLIED.value:
        return None
    office: OfficeInput = plan.offices_in([row.offices[place]])[0]
    handover = plan.handover_of([office])
    administrator = as_person(uuid.UUID(row.offices[place][_BY]))
    return plan.decision_of(handover.offices[0], administrator)


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
