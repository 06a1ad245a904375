"""Event -> what follows: the one place to learn what happens after an act."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.auth.principal import PrincipalKind
from app.context import Context
from app.desks.repository import DeskRepository
from app.folders.repository import FolderRepository
from app.folders.service import event_of
from app.models import Folder
from app.notifications.service import NotificationKind, notify
from app.transmissions.service import schedule
from workflows import events
from workflows.definition import StepKind
from workflows.events import Event

REPORT = "signatures.report"


async def react(context: Context, job: jobs.ClaimedJob) -> None:
    """Follows the events up to the job's number; running twice adds nothing (unique rows)."""
    folder_id = uuid.UUID(job.object_ids["folder_id"])
    last = int(job.object_ids["seq"])
    async with context.unit(job.tenant_id) as session:
        repository = FolderRepository(session)
        folder = await repository.folder(folder_id)
        assert folder is not None
        for row in await repository.events(folder_id):
            if row.seq <= last:
                await _follow(session, context, folder, row.seq, event_of(row))
        await jobs.finish(session, job)


async def react_to_refusal(context: Context, job: jobs.ClaimedJob) -> None:
    """A deferred inspection refused the flow: its submitter is told (DESIGN D17)."""
    folder_id = uuid.UUID(job.object_ids["folder_id"])
    async with context.unit(job.tenant_id) as session:
        folder = await FolderRepository(session).folder(folder_id)
        assert folder is not None
        kind = NotificationKind.INSPECTION_REFUSED
        await _tell_submitter(session, context, folder, folder.version, kind)
        await jobs.finish(session, job)


async def _follow(
    session: AsyncSession, context: Context, folder: Folder, seq: int, event: Event
) -> None:
    match event:
        case events.StepStarted(kind=StepKind.TRANSMISSION):
            await schedule(session, context, folder.id)
        case events.StepStarted():
            holders = await _holders(session, context, [uuid.UUID(one) for one in event.desks])
            await notify(session, context, folder.id, seq, NotificationKind.TO_DO, holders)
        case events.Signed():
            await _report(session, folder, event)
        case events.Rejected():
            await _tell_submitter(session, context, folder, seq, NotificationKind.REJECTED)
        case events.Acknowledged():
            await _tell_submitter(session, context, folder, seq, NotificationKind.ACKNOWLEDGED)
        case events.RemoteRefused() | events.TransmissionFailed():
            await _tell_submitter(session, context, folder, seq, NotificationKind.REMOTE_REFUSED)
        case _:
            return


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


async def _tell_submitter(
    session: AsyncSession, context: Context, folder: Folder, seq: int, kind: NotificationKind
) -> None:
    if folder.submitter_kind == PrincipalKind.PERSON.value:
        told = frozenset({folder.submitter_id})
    else:
        told = await _holders(session, context, [folder.submitter_desk_id])
    await notify(session, context, folder.id, seq, kind, told)


async def _holders(
    session: AsyncSession, context: Context, desk_ids: list[uuid.UUID]
) -> frozenset[uuid.UUID]:
    now = context.clock()
    return frozenset(
        row.user_id
        for row in await DeskRepository(session).holders()
        if row.desk_id in desk_ids
        and row.starts_at <= now
        and (row.ends_at is None or now < row.ends_at)
    )
