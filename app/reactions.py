"""Event -> what follows: the one place to learn what happens after an act."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.context import Context
from app.folders.repository import FolderRepository
from app.folders.service import event_of, state_of
from app.models import Folder
from app.notifications.recipients import administrators, persons, submitters, those_able
from app.notifications.schemas import NotificationKind
from app.notifications.service import notify
from app.transmissions.service import schedule
from workflows import events
from workflows.definition import StepKind
from workflows.events import Event

REPORT = "signatures.report"
_ARRIVALS = {
    StepKind.APPROVAL: NotificationKind.TO_APPROVE,
    StepKind.SIGNATURE: NotificationKind.TO_SIGN,
}
_NEWS: dict[type[Event], NotificationKind] = {
    events.Rejected: NotificationKind.REJECTED,
    events.Acknowledged: NotificationKind.ACKNOWLEDGED,
    events.RemoteRefused: NotificationKind.REMOTE_REFUSED,
    events.TransmissionFailed: NotificationKind.TRANSMISSION_FAILED,
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
        await notify(session, context, folder_id, folder.version, kind, told)
        await jobs.finish(session, job)


async def _follow(
    session: AsyncSession, context: Context, folder: Folder, seq: int, event: Event
) -> None:
    match event:
        case events.StepStarted(kind=StepKind.TRANSMISSION):
            await schedule(session, context, folder.id)
        case events.StepStarted():
            await _tell_those_able(session, context, folder, seq, event)
        case events.Signed():
            await _report(session, folder, event)
        case _ if type(event) in _NEWS:
            told = await submitters(session, context, folder.id)
            await notify(session, context, folder.id, seq, _NEWS[type(event)], told)
        case _:
            return


async def _tell_those_able(
    session: AsyncSession,
    context: Context,
    folder: Folder,
    seq: int,
    event: events.StepStarted,
) -> None:
    """Nobody able is reported, never silently stuck (DESIGN D6). A step passed meanwhile is no
    news any more."""
    step = (await state_of(session, folder.id)).current_step
    if step is None or step.id != event.step:
        return
    able = await those_able(session, context, folder.id)
    if able is None:
        return
    if able.nobody is None:
        told = persons(able)
        await notify(session, context, folder.id, seq, _ARRIVALS[event.kind], told)
        return
    told = await administrators(session) | await submitters(session, context, folder.id)
    await notify(session, context, folder.id, seq, NotificationKind.NOBODY_ABLE, told)


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
