"""Event -> what follows: the one place to learn what happens after an act."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.context import Context
from app.documents.repository import DocumentRepository
from app.folders.facts import state_of
from app.folders.integrity import LOOKED_AT_EVERY, are_sound, unfreeze
from app.folders.places import calendar_of, named_desks
from app.folders.repository import FolderRepository
from app.folders.service import event_of
from app.models import Folder
from app.notifications.recipients import (
    administrators,
    capacities,
    holders,
    persons,
    submitters,
    those_able,
)
from app.notifications.schemas import NotificationKind
from app.notifications.service import News, notify
from app.transmissions.service import schedule
from workflows import events, outside_events
from workflows.deadlines import remind_at
from workflows.definition import StepKind
from workflows.events import Event

REPORT = "signatures.report"
REMIND = "folders.remind"
_ARRIVALS = {
    StepKind.APPROVAL: NotificationKind.TO_APPROVE,
    StepKind.SIGNATURE: NotificationKind.TO_SIGN,
    StepKind.SEAL: NotificationKind.TO_SEAL,
    StepKind.ARCHIVE: NotificationKind.TO_ARCHIVE,
}
_NEWS: dict[type[Event], NotificationKind] = {
    events.Rejected: NotificationKind.REJECTED,
    outside_events.Acknowledged: NotificationKind.ACKNOWLEDGED,
    outside_events.RemoteRefused: NotificationKind.REMOTE_REFUSED,
    outside_events.TransmissionFailed: NotificationKind.TRANSMISSION_FAILED,
}


async def react(context: Context, job: jobs.ClaimedJob) -> None:
    """Follows the events that the job names; running twice adds nothing (unique rows)."""
    folder_id = uuid.UUID(job.object_ids["folder_id"])
    first, last = int(job.object_ids["first"]), int(job.object_ids["last"])
    async with context.unit(job.tenant_id) as session:
        repository = FolderRepository(session)
        folder = await repository.folder(folder_id)
        assert folder is not None
        for row in await repository.events(folder_id):
            if first <= row.seq <= last:
                await _follow(session, context, folder, row.seq, event_of(row))
        await jobs.finish(session, job)


async def react_to_refusal(context: Context, job: jobs.ClaimedJob) -> None:
    """A deferred inspection refused the flow: its submitter is told (DESIGN D17)."""
    folder_id = uuid.UUID(job.object_ids["folder_id"])
    async with context.unit(job.tenant_id) as session:
        folder = await FolderRepository(session).folder(folder_id)
        assert folder is not None
        told = await submitters(session, context, folder_id)
        kind = NotificationKind.INSPECTION_REFUSED
        await notify(session, context, News(folder_id, folder.version, kind), told)
        await jobs.finish(session, job)


async def remind(context: Context, job: jobs.ClaimedJob) -> None:
    """A step has waited as long as its circuit allows in silence: those able are told again."""
    folder_id = uuid.UUID(job.object_ids["folder_id"])
    seq = int(job.object_ids["seq"])
    async with context.unit(job.tenant_id) as session:
        repository = FolderRepository(session)
        folder = await repository.folder(folder_id)
        started = next((row for row in await repository.events(folder_id) if row.seq == seq), None)
        if folder is not None and started is not None:
            event = event_of(started)
            assert isinstance(event, events.StepStarted)
            if await _still_waits(session, folder, event):
                kind = NotificationKind.REMINDER
                await _tell_those_able(session, context, folder, seq, kind)
        await jobs.finish(session, job)


async def react_to_freeze(context: Context, job: jobs.ClaimedJob) -> None:
    """Bytes of a folder were found altered: the administrators are told, and the folder stays
    frozen an hour at least, until its bytes are again what its rows say (threat 6)."""
    folder_id = uuid.UUID(job.object_ids["folder_id"])
    async with context.unit(job.tenant_id) as session:
        folder = await FolderRepository(session).folder(folder_id)
        assert folder is not None
        told = await administrators(session)
        kind = NotificationKind.FOLDER_FROZEN
        await notify(session, context, News(folder_id, folder.version, kind), told)
        digests = await DocumentRepository(session).digests(folder_id)
        frozen_at = folder.frozen_at
    now = context.clock()
    waits = frozen_at is not None and now < frozen_at + LOOKED_AT_EVERY
    is_over = not waits and await are_sound(context.store, digests)
    async with context.unit(job.tenant_id) as session:
        if not is_over:
            await jobs.retry(session, job, run_after=now + LOOKED_AT_EVERY, error="frozen")
            return
        folder = await FolderRepository(session).lock(folder_id)
        assert folder is not None
        await unfreeze(session, context, folder)
        await jobs.finish(session, job)


async def _follow(
    session: AsyncSession, context: Context, folder: Folder, seq: int, event: Event
) -> None:
    match event:
        case events.StepStarted(kind=StepKind.TRANSMISSION):
            await schedule(session, context, folder.id)
        case events.StepStarted():
            await _on_arrival(session, context, folder, seq, event)
        case events.Transferred() | events.Recused():
            await _tell_the_next(session, context, folder)
        case events.OpinionAsked(desk=desk):
            told = await holders(session, context, (desk,))
            await notify(
                session, context, News(folder.id, seq, NotificationKind.OPINION_ASKED), told
            )
        case events.OpinionGiven():
            told = await _askers(session, folder, event)
            await notify(
                session, context, News(folder.id, seq, NotificationKind.OPINION_GIVEN), told
            )
        case events.Completed():
            await _on_end(session, context, folder, seq)
        case events.Signed():
            await _report(session, folder, event)
        case outside_events.OutsideAnswered(accepted=False):
            told = await submitters(session, context, folder.id)
            await notify(
                session, context, News(folder.id, seq, NotificationKind.REMOTE_REFUSED), told
            )
        case _ if type(event) in _NEWS:
            told = await submitters(session, context, folder.id)
            await notify(session, context, News(folder.id, seq, _NEWS[type(event)]), told)
        case _:
            return


async def _on_arrival(
    session: AsyncSession, context: Context, folder: Folder, seq: int, event: events.StepStarted
) -> None:
    state = await state_of(session, folder.id)
    instance = state.step(event.step)
    if instance is not None and instance.step.informed:
        told = await holders(session, context, named_desks(instance.step.informed, state))
        await notify(session, context, News(folder.id, seq, NotificationKind.INFORMED), told)
    if not await _still_waits(session, folder, event):
        return
    if event.kind in _ARRIVALS:
        await _tell_those_able(session, context, folder, seq, _ARRIVALS[event.kind])
    if instance is not None and instance.step.remind_after_days is not None:
        await _owe_reminder(session, folder, seq, event, instance.step.remind_after_days)


async def _still_waits(session: AsyncSession, folder: Folder, event: events.StepStarted) -> bool:
    """A step passed meanwhile is no news any more."""
    step = (await state_of(session, folder.id)).current_step
    return step is not None and step.id == event.step and step.started_at == event.occurred_at


async def _owe_reminder(
    session: AsyncSession, folder: Folder, seq: int, event: events.StepStarted, days: int
) -> None:
    calendar = await calendar_of(session, event.occurred_at)
    await jobs.enqueue(
        session,
        REMIND,
        folder.tenant_id,
        {"folder_id": str(folder.id), "seq": str(seq)},
        run_after=remind_at(calendar, event.occurred_at, days),
        dedupe_key=f"{REMIND}:{folder.id}:{seq}",
    )


async def _tell_the_next(session: AsyncSession, context: Context, folder: Folder) -> None:
    """The step went to others: they are told as at its start, under the folder's version."""
    step = (await state_of(session, folder.id)).current_step
    if step is not None and step.kind in _ARRIVALS:
        kind = _ARRIVALS[step.kind]
        await _tell_those_able(session, context, folder, await _start_of(session, folder), kind)


async def _start_of(session: AsyncSession, folder: Folder) -> int:
    """The number of the event by which the current step started."""
    rows = await FolderRepository(session).events(folder.id)
    return max(row.seq for row in rows if row.kind == events.StepStarted.type)


async def _askers(
    session: AsyncSession, folder: Folder, given: events.OpinionGiven
) -> frozenset[uuid.UUID]:
    """Those who asked this opinion; other answers of the folder are no news to anybody."""
    state = await state_of(session, folder.id)
    return frozenset(
        uuid.UUID(one.asked_by.person)
        for one in state.opinions
        if (one.step, one.answered_by, one.answer) == (given.step, given.by, given.answer)
    )


async def _on_end(session: AsyncSession, context: Context, folder: Folder, seq: int) -> None:
    state = await state_of(session, folder.id)
    final = (state.final_desk,) if state.final_desk is not None else (state.submitter.desk,)
    desks = (*final, *named_desks(state.informed_at_end, state))
    told = await holders(session, context, desks)
    await notify(session, context, News(folder.id, seq, NotificationKind.ENDED), told)


async def _tell_those_able(
    session: AsyncSession, context: Context, folder: Folder, seq: int, kind: NotificationKind
) -> None:
    """Nobody able is reported, never silently stuck (DESIGN D6)."""
    able = await those_able(session, context, folder.id)
    if able is None:
        return
    await notify(session, context, News(folder.id, seq, kind), persons(able), capacities(able))
    if able.nobody is not None:
        # Where every desk must pass, some may be able and the step stuck all the same.
        told = await administrators(session) | await submitters(session, context, folder.id)
        await notify(session, context, News(folder.id, seq, NotificationKind.NOBODY_ABLE), told)


async def _report(session: AsyncSession, folder: Folder, event: events.Signed) -> None:
    for change in event.changes:
        await jobs.enqueue(
            session,
            REPORT,
            folder.tenant_id,
            {"folder_id": str(folder.id), "revision_id": change.after.id},
            run_after=event.occurred_at,
            dedupe_key=f"{REPORT}:{change.after.id}",
        )
