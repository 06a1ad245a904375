"""Once powers have changed: those who may now act are told, what nobody may pass is reported."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.context import Context
from app.folders.facts import situation_of
from app.folders.repository import FolderRepository
from app.kit.failures import failure_of
from app.models import Folder
from app.notifications.recipients import administrators, submitters
from app.notifications.repository import NotificationRepository
from app.notifications.schemas import ARRIVALS, NotificationKind
from app.notifications.service import News, call, notify
from app.register.service import as_desk
from app.reviews.repository import ReviewRepository
from workflows.engine import who_may_give_opinion, who_may_pass

ADMINISTRATORS_HEAR_OF = 20
"""Administrators get a mail for so many folders of a desk: they have understood by then. Every
submitter hears of his own."""
_log = structlog.get_logger()


class FoldersLeft(Exception):
    """Some folders could not be looked at now: the job is tried again, the others had their
    turn."""


async def each_folder(
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


async def review_folder(
    session: AsyncSession, context: Context, folder: Folder, *, place: int
) -> None:
    """One waiting folder, `place` being its rank at the desk. Running twice adds nothing."""
    situation = await situation_of(session, context, folder)
    step = situation.state.current_step
    if step is None or step.kind not in ARRIVALS:
        return
    able = who_may_pass(situation.state, situation.register, situation.facts, context.clock())
    # Under the event that started the step: whoever was told then is not told twice.
    turn = await FolderRepository(session).turn_of(folder.id, step.id)
    await call(
        session, context, News(folder.id, turn, ARRIVALS[step.kind]), able, situation.register
    )
    if able.nobody is not None:
        await _report(session, context, folder, place)


async def review_opinion(
    session: AsyncSession, context: Context, folder: Folder, desk_id: uuid.UUID
) -> None:
    """One folder that waits for the opinion of the desk. Running twice adds nothing."""
    situation = await situation_of(session, context, folder)
    step = situation.state.current_step
    if step is None:
        return
    able = who_may_give_opinion(
        situation.state, as_desk(desk_id), situation.register, situation.facts, context.clock()
    )
    asked = await ReviewRepository(session).question_to(folder.id, step.id, desk_id)
    news = News(folder.id, asked, NotificationKind.OPINION_ASKED)
    await call(session, context, news, able, situation.register)


async def _report(session: AsyncSession, context: Context, folder: Folder, place: int) -> None:
    """Once for as long as it lasts."""
    told = await submitters(session, context, folder.id)
    if place < ADMINISTRATORS_HEAR_OF:
        told |= await administrators(session)
    news = News(folder.id, folder.version, NotificationKind.NOBODY_ABLE)
    known = await NotificationRepository(session).still_told(folder.id, news.kind)
    await notify(session, context, news, told - known)
