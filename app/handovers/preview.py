"""What a plan would do, as things stand: nothing of it is done."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from app.context import Context
from app.folders.facts import situation_of
from app.handovers import plan
from app.handovers.repository import HandoverRepository
from app.handovers.schemas import (
    EffectsRead,
    HoldingRead,
    LapsingRead,
    OfficeInput,
    PendingRead,
    StrandedRead,
    VacancyRead,
)
from app.models import Folder
from app.register.service import as_person, load_register
from app.users.service import fit_signers
from workflows.circumstances import with_history
from workflows.definition import entrusted
from workflows.folder import FolderId
from workflows.handover import OfficeHandOver, PendingFolders, Waiting, leaves_at
from workflows.handover import effects as effects_of_plan
from workflows.handover import stranded as stranded_by_plan
from workflows.register import DeskHolder, PersonId

LOOKED_AT = 100
"""Folders judged one by one; those beyond are counted, not judged."""


async def effects_read(
    session: AsyncSession, context: Context, offices: Sequence[OfficeInput]
) -> EffectsRead:
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
    waiting = await _waiting(session, context, kept[:LOOKED_AT], plan.persons_of(offices))
    return EffectsRead(
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


async def _pending(session: AsyncSession, one: OfficeHandOver) -> PendingRead:
    desk_id = uuid.UUID(one.office)
    return PendingRead(
        desk_id=desk_id,
        at=leaves_at(one),
        decision=one.pending,
        transfer_desk_id=uuid.UUID(one.transfer_to) if one.transfer_to else None,
        folder_ids=await HandoverRepository(session).waiting_at(desk_id),
    )


async def _waiting(
    session: AsyncSession,
    context: Context,
    folder_ids: Sequence[uuid.UUID],
    coming: frozenset[uuid.UUID],
) -> list[Waiting]:
    """What stays to be done on each folder; those who come count with their certificates."""
    fit = await fit_signers(session, now=context.clock(), rsa_only=False, among=coming)
    signers = frozenset(as_person(one) for one in fit)
    rows = await HandoverRepository(session).folders(folder_ids)
    found = [await _waiting_of(session, context, row, signers) for row in rows]
    return [one for one in found if one is not None]


async def _waiting_of(
    session: AsyncSession, context: Context, folder: Folder, signers: frozenset[PersonId]
) -> Waiting | None:
    now = await situation_of(session, context, folder)
    current = now.state.current_step
    if current is None:
        return None
    step = entrusted(current.step, now.state.desks_awaited_at(current.id))
    facts = with_history(now.state, step, now.facts)
    facts = replace(facts, fit_signers=facts.fit_signers | signers)
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
