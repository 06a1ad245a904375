"""The jobs of powers that change hands: the folders of an office, those that wait at a desk."""

from __future__ import annotations

import uuid

import structlog

from app import jobs
from app.audit.chain import Occurrence
from app.audit.service import SYSTEM, record
from app.context import Context
from app.errors import AppError
from app.folders.facts import state_of
from app.folders.repository import FolderRepository
from app.folders.service import apply
from app.handovers.plan import Decision
from app.handovers.repository import HandoverRepository
from app.handovers.review import review_folder, review_opinion
from app.handovers.service import decision_at
from app.notifications.recipients import administrators
from app.notifications.schemas import NotificationKind
from app.notifications.service import News, notify
from app.register.service import review_at
from workflows.errors import Refused
from workflows.handover import PendingFolders

_log = structlog.get_logger()


async def hand_over(context: Context, job: jobs.ClaimedJob) -> None:
    """Each folder that waited at the office at that instant is kept, returned or transferred, in
    a transaction of its own. Nothing is lost: a folder whose act is refused stays where it is, the
    journal says why and the administrators are told. Running twice is harmless: a folder moved
    away does not wait there any more, and those that came later are the new holder's."""
    installation_id = uuid.UUID(job.object_ids["installation_id"])
    async with context.unit(job.tenant_id) as session:
        repository = HandoverRepository(session)
        row = await repository.installation(installation_id)
        assert row is not None
        decision = decision_at(row, int(job.object_ids["office"]))
        moves = decision is not None and decision.pending is not PendingFolders.KEEP
        waiting: list[uuid.UUID] = []
        if decision is not None and moves:
            waiting = await repository.waiting_at(_office(decision), by=decision.at)
    for folder_id in waiting:
        assert decision is not None
        await _decide(context, job, decision, folder_id)
    async with context.unit(job.tenant_id) as session:
        if decision is not None:
            await review_at(session, [_office(decision)], context.clock())
        await jobs.finish(session, job)


async def review(context: Context, job: jobs.ClaimedJob) -> None:
    """Looks at each folder that waits at a desk whose powers have changed, or for its opinion, in
    a transaction of its own: running twice is harmless."""
    desk_id = uuid.UUID(job.object_ids["desk_id"])
    async with context.unit(job.tenant_id) as session:
        repository = HandoverRepository(session)
        waiting, asked = await repository.waiting_at(desk_id), await repository.asked_at(desk_id)
    for place, folder_id in enumerate(waiting):
        async with context.unit(job.tenant_id) as session:
            folder = await FolderRepository(session).folder(folder_id)
            if folder is not None:
                await review_folder(session, context, folder, place=place)
    for folder_id in asked:
        async with context.unit(job.tenant_id) as session:
            folder = await FolderRepository(session).folder(folder_id)
            if folder is not None:
                await review_opinion(session, context, folder, desk_id)
    async with context.unit(job.tenant_id) as session:
        await jobs.finish(session, job)


async def _decide(
    context: Context, job: jobs.ClaimedJob, decision: Decision, folder_id: uuid.UUID
) -> None:
    try:
        async with context.unit(job.tenant_id) as session:
            folder = await FolderRepository(session).lock(folder_id)
            assert folder is not None
            step = (await state_of(session, folder_id)).current_step
            desk_id = _office(decision)
            if step is None or desk_id not in folder.waiting_desk_ids:
                return
            if await HandoverRepository(session).came_later(folder_id, desk_id, decision.at):
                return
            action = decision.action_at(step.id)
            if action is not None:
                await apply(session, context, folder, action)
    except (Refused, AppError) as e:
        _log.warning("handover_kept", folder=str(folder_id), code=e.code)
        await _report(context, job, folder_id, e.code)


async def _report(context: Context, job: jobs.ClaimedJob, folder_id: uuid.UUID, code: str) -> None:
    async with context.unit(job.tenant_id) as session:
        what = Occurrence(
            kind="handover.folder_kept",
            actor=SYSTEM,
            folder=str(folder_id),
            details={"installation": job.object_ids["installation_id"], "code": code},
        )
        record(session, what, at=context.clock())
        folder = await FolderRepository(session).folder(folder_id)
        assert folder is not None
        news = News(folder_id, folder.version, NotificationKind.FOLDER_KEPT)
        await notify(session, context, news, await administrators(session))


def _office(decision: Decision) -> uuid.UUID:
    return uuid.UUID(decision.office)
