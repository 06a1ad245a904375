"""The job of an office that changes hands: what becomes of the folders that wait there."""

from __future__ import annotations

import uuid

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.audit.chain import Occurrence
from app.audit.service import SYSTEM, record
from app.context import Context
from app.errors import AppError, Conflict
from app.folders.facts import state_of
from app.folders.repository import FOLDER_BUSY, FolderRepository
from app.folders.service import apply
from app.handovers.plan import Decision
from app.handovers.repository import HandoverRepository
from app.handovers.service import decision_at, is_overtaken
from app.models import CouncilInstallation
from app.notifications.recipients import administrators
from app.notifications.schemas import NotificationKind
from app.notifications.service import News, notify
from app.register.service import review_at
from app.reviews.repository import ReviewRepository
from app.reviews.service import each_folder
from workflows.definition import DeskId
from workflows.errors import Refused
from workflows.handover import PendingFolders

KEPT = "handover.folder_kept"
_log = structlog.get_logger()


async def hand_over(context: Context, job: jobs.ClaimedJob) -> None:
    """Each folder that waited at the office at that instant is kept, returned or transferred, in
    a transaction of its own. Nothing is lost: a folder whose act is refused, or whose office did
    not change hands as planned, stays where it is, the journal says why and the administrators are
    told. Running twice is harmless: a folder moved away does not wait there any more, and those
    that came later are the new holder's. Raises FoldersLeft once every folder had its try."""
    async with context.unit(job.tenant_id) as session:
        _, decision = await _planned(session, job)
        waiting: list[uuid.UUID] = []
        if decision is not None and decision.pending is not PendingFolders.KEEP:
            repository = ReviewRepository(session)
            waiting = await repository.waiting_at(_office(decision), by=decision.at)

    async def settle(folder_id: uuid.UUID) -> None:
        assert decision is not None
        await _decide(context, job, decision.office, folder_id)

    await each_folder(waiting, settle)
    async with context.unit(job.tenant_id) as session:
        if decision is not None:
            await review_at(session, [_office(decision)], context.clock())
        await jobs.finish(session, job)


async def _planned(
    session: AsyncSession, job: jobs.ClaimedJob
) -> tuple[CouncilInstallation, Decision | None]:
    """The plan, and what it decides of the office; nothing once it is cancelled."""
    installation_id = uuid.UUID(job.object_ids["installation_id"])
    row = await HandoverRepository(session).installation(installation_id)
    assert row is not None
    return row, decision_at(row, _place(job))


async def _decide(
    context: Context, job: jobs.ClaimedJob, office: DeskId, folder_id: uuid.UUID
) -> None:
    """The plan is read with the locked folder: cancelled or corrected until then, it moves nothing
    any more."""
    try:
        async with context.unit(job.tenant_id) as session:
            folder = await FolderRepository(session).lock(folder_id)
            assert folder is not None
            row, decision = await _planned(session, job)
            step = (await state_of(session, folder_id)).current_step
            desk_id = uuid.UUID(office)
            if decision is None or step is None or desk_id not in folder.waiting_desk_ids:
                return
            if await HandoverRepository(session).came_later(folder_id, desk_id, decision.at):
                return
            if await is_overtaken(session, row, _place(job)):
                raise Conflict(
                    "Le départ prévu a été corrigé depuis : décidez vous-même de ce dossier.",
                    code="installation_changed",
                )
            action = decision.action_at(step.id)
            if action is not None:
                await apply(session, context, folder, action)
    except (Refused, AppError) as e:
        if e.code == FOLDER_BUSY:
            raise
        _log.warning("handover_kept", folder=str(folder_id), code=e.code)
        await _report(context, job, office, folder_id, e.code)


async def _report(
    context: Context, job: jobs.ClaimedJob, office: DeskId, folder_id: uuid.UUID, code: str
) -> None:
    """Once, however often the job runs."""
    details = {"installation": job.object_ids["installation_id"], "office": office}
    async with context.unit(job.tenant_id) as session:
        if await HandoverRepository(session).is_recorded(KEPT, folder_id, details):
            return
        what = Occurrence(
            kind=KEPT,
            actor=SYSTEM,
            folder=str(folder_id),
            details={**details, "code": code},
        )
        record(session, what, at=context.clock())
        folder = await FolderRepository(session).folder(folder_id)
        assert folder is not None
        news = News(folder_id, folder.version, NotificationKind.FOLDER_KEPT)
        await notify(session, context, news, await administrators(session))


def _office(decision: Decision) -> uuid.UUID:
    return uuid.UUID(decision.office)


def _place(job: jobs.ClaimedJob) -> int:
    """Which office of the plan the job is about."""
    return int(job.object_ids["office"])
