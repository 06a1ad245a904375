"""The jobs of powers that change hands: the folders of an office, those that wait at a desk."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable

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
from app.handovers.review import review_folder, review_opinion
from app.handovers.service import decision_at, is_overtaken
from app.kit.failures import failure_of
from app.models import CouncilInstallation
from app.notifications.recipients import administrators
from app.notifications.schemas import NotificationKind
from app.notifications.service import News, notify
from app.register.service import owe_reviews_of_signers, review_at
from workflows.definition import DeskId
from workflows.errors import Refused
from workflows.handover import PendingFolders

KEPT = "handover.folder_kept"
_log = structlog.get_logger()


class FoldersLeft(Exception):
    """Some folders could not be looked at now: the job is tried again, the others had their
    turn."""


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
            repository = HandoverRepository(session)
            waiting = await repository.waiting_at(_office(decision), by=decision.at)

    async def settle(folder_id: uuid.UUID) -> None:
        assert decision is not None
        await _decide(context, job, decision.office, folder_id)

    await _each(waiting, settle)
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


async def review(context: Context, job: jobs.ClaimedJob) -> None:
    """Looks at each folder that waits at a desk whose powers have changed, or for its opinion, in
    a transaction of its own: running twice is harmless. Raises FoldersLeft."""
    desk_id = uuid.UUID(job.object_ids["desk_id"])
    async with context.unit(job.tenant_id) as session:
        repository = HandoverRepository(session)
        waiting, asked = await repository.waiting_at(desk_id), await repository.asked_at(desk_id)
    places = {folder_id: place for place, folder_id in enumerate(waiting)}

    async def look(folder_id: uuid.UUID) -> None:
        async with context.unit(job.tenant_id) as session:
            folder = await FolderRepository(session).folder(folder_id)
            if folder is not None and folder_id in places:
                await review_folder(session, context, folder, place=places[folder_id])
            if folder is not None and folder_id in asked:
                await review_opinion(session, context, folder, desk_id)

    await _each(dict.fromkeys([*waiting, *asked]), look)
    async with context.unit(job.tenant_id) as session:
        await jobs.finish(session, job)


async def review_signers(context: Context, job: jobs.ClaimedJob) -> None:
    """What certificates are judged by has changed: the desks of those who have one are looked
    at."""
    async with context.unit(job.tenant_id) as session:
        await owe_reviews_of_signers(session, context.clock())
        await jobs.finish(session, job)


async def _each(
    folder_ids: Iterable[uuid.UUID], do: Callable[[uuid.UUID], Awaitable[None]]
) -> None:
    """One folder never holds the others back. Raises FoldersLeft where some failed."""
    left: list[Exception] = []
    for folder_id in folder_ids:
        try:
            await do(folder_id)
        except Exception as e:  # noqa: BLE001  the edge of one folder among others
            code = failure_of(e, folder=str(folder_id)).code
            _log.warning("folder_left", folder=str(folder_id), code=code)
            left.append(e)
    if left:
        raise FoldersLeft from left[0]


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
