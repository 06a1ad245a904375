"""What a plan would do, as things stand: nothing of it is done."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.context import Context
from app.folders.facts import situation_of
from app.handovers import plan
from app.handovers.repository import HandoverRepository
from app.handovers.schemas import (
    HoldingRead,
    InstallationEffectsRead,
    LapsingRead,
    MandateEndRead,
    OfficeInput,
    PendingRead,
    StrandedRead,
    VacancyRead,
)
from app.models import ElectedMandate, Folder
from app.register.service import as_person, load_register
from app.reviews.repository import ReviewRepository
from app.tenants.service import timezone_of
from app.users.service import fit_signers
from workflows.circumstances import with_history
from workflows.definition import Protocol, entrusted
from workflows.folder import FolderId
from workflows.handover import OfficeHandover, PendingFolders, Waiting, leaves_at
from workflows.handover import effects as effects_of_plan
from workflows.handover import stranded as stranded_by_plan
from workflows.register import DeskHolder, Grant, PersonId

LOOKED_AT = 100
"""Folders judged one by one; those beyond are counted, not judged."""


async def effects_read(
    session: AsyncSession, context: Context, offices: Sequence[OfficeInput]
) -> InstallationEffectsRead:
    """Raises as `check_handover`."""
    register = await load_register(session)
    handover = plan.handover_of(offices)
    found = effects_of_plan(register, handover)
    pending = [await _pending(session, one) for one in handover.offices]
    kept = [
        folder
        for one in pending
        if one.decision is PendingFolders.KEEP
        for folder in one.folder_ids
    ]
    kept += await _waiting_elsewhere(session, found.lapsing, pending)
    coming = frozenset(as_person(one) for one in plan.persons_of(offices))
    waiting = await _waiting(session, context, kept[:LOOKED_AT], coming)
    return InstallationEffectsRead(
        ending=_holdings(found.ending),
        starting=_holdings(found.starting),
        lapsing=[
            LapsingRead(
                grant_id=uuid.UUID(one.id),
                power=one.kind,
                office_desk_id=uuid.UUID(one.office),
                grantee_id=uuid.UUID(one.grantee),
            )
            for one in found.lapsing
        ],
        vacancies=[
            VacancyRead(desk_id=uuid.UUID(one.office), since=one.since, until=one.until)
            for one in found.vacancies
        ],
        mandates=[
            MandateEndRead(mandate_id=row.id, function=row.function, ends_on=last_day)
            for one in handover.offices
            for row, last_day in await mandates_ending(session, one)
        ],
        pending=pending,
        stranded=[
            StrandedRead(
                folder_id=uuid.UUID(one.folder),
                since=one.since,
                reason=one.nobody.value,
                detail=one.detail,
            )
            for one in stranded_by_plan(register, handover, waiting)
        ],
    )


async def _waiting_elsewhere(
    session: AsyncSession, lapsing: Iterable[Grant], pending: Sequence[PendingRead]
) -> list[uuid.UUID]:
    """The folders of the other offices where a power that lapses served."""
    offices = {uuid.UUID(one.office) for one in lapsing} - {one.desk_id for one in pending}
    repository = ReviewRepository(session)
    return [one for desk in sorted(offices) for one in await repository.waiting_at(desk)]


async def mandates_ending(
    session: AsyncSession, office: OfficeHandover
) -> list[tuple[ElectedMandate, date]]:
    """The mandates of the outgoing person for this office, each with its last day."""
    last_day = await last_day_at(session, office)
    rows = await HandoverRepository(session).mandates(
        uuid.UUID(office.office), uuid.UUID(office.outgoing)
    )
    return [
        (row, last_day)
        for row in rows
        if row.starts_on <= last_day and (row.ends_on is None or last_day < row.ends_on)
    ]


async def last_day_at(session: AsyncSession, office: OfficeHandover) -> date:
    """The day on which the office changes hands, or the day before where it does at midnight."""
    last_instant = leaves_at(office) - timedelta(microseconds=1)
    return last_instant.astimezone(await timezone_of(session)).date()


async def _pending(session: AsyncSession, one: OfficeHandover) -> PendingRead:
    desk_id = uuid.UUID(one.office)
    return PendingRead(
        desk_id=desk_id,
        at=leaves_at(one),
        decision=one.pending,
        transfer_desk_id=uuid.UUID(one.transfer_to) if one.transfer_to else None,
        folder_ids=await ReviewRepository(session).waiting_at(desk_id),
    )


async def _waiting(
    session: AsyncSession,
    context: Context,
    folder_ids: Sequence[uuid.UUID],
    coming: frozenset[PersonId],
) -> list[Waiting]:
    """What stays to be done on each folder; those who come count with their certificates."""
    now = context.clock()
    signers = await fit_signers(session, now=now, rsa_only=False, among=coming)
    of_flows = await fit_signers(session, now=now, rsa_only=True, among=coming)
    rows = await HandoverRepository(session).folders(folder_ids)
    found = [await _waiting_of(session, context, row, signers, of_flows) for row in rows]
    return [one for one in found if one is not None]


async def _waiting_of(
    session: AsyncSession,
    context: Context,
    folder: Folder,
    signers: frozenset[PersonId],
    signers_of_flows: frozenset[PersonId],
) -> Waiting | None:
    situation = await situation_of(session, context, folder)
    current = situation.state.current_step
    if current is None:
        return None
    step = entrusted(current.step, situation.state.desks_awaited_at(current.id))
    facts = with_history(situation.state, step, situation.facts)
    coming = signers_of_flows if situation.protocol is Protocol.HELIOS else signers
    facts = replace(facts, fit_signers=facts.fit_signers | coming)
    return Waiting(FolderId(str(folder.id)), step, facts)


def _holdings(rows: Iterable[DeskHolder]) -> list[HoldingRead]:
    return [
        HoldingRead(
            desk_id=uuid.UUID(row.desk),
            user_id=uuid.UUID(row.person),
            starts_at=row.period.start,
            ends_at=row.period.end,
        )
        for row in rows
    ]
