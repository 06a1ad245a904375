"""Once powers have changed: those who may now act are told, what nobody may pass is reported."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.context import Context
from app.folders.facts import situation_of
from app.handovers.repository import HandoverRepository
from app.models import Folder
from app.notifications.recipients import administrators, capacities, submitters
from app.notifications.schemas import NotificationKind
from app.notifications.service import News, notify
from workflows.definition import StepKind
from workflows.engine import who_may_pass
from workflows.presence import is_away

ADMINISTRATORS_HEAR_OF = 20
"""Administrators get a mail for so many folders of a desk: they have understood by then. Every
submitter hears of his own."""

_ARRIVALS = {
    StepKind.APPROVAL: NotificationKind.TO_APPROVE,
    StepKind.SIGNATURE: NotificationKind.TO_SIGN,
}


async def review_folder(
    session: AsyncSession, context: Context, folder: Folder, *, place: int
) -> None:
    """One waiting folder, `place` being its rank at the desk. Running twice adds nothing."""
    now = await situation_of(session, context, folder)
    step = now.state.current_step
    if step is None or step.kind not in _ARRIVALS:
        return
    able = who_may_pass(now.state, now.register, now.facts, context.clock())
    if able.nobody is not None:
        await _report(session, context, folder, place)
        return
    present = {
        uuid.UUID(one.person)
        for one in able.able
        if not is_away(now.register, one.person, one.power.desk, context.clock())
    }
    # Under the event that started the step: whoever was told then is not told twice.
    turn = await HandoverRepository(session).turn_of(folder.id)
    news = News(folder.id, turn, _ARRIVALS[step.kind])
    await notify(session, context, news, present, capacities(able))


async def _report(session: AsyncSession, context: Context, folder: Folder, place: int) -> None:
    told = await submitters(session, context, folder.id)
    if place < ADMINISTRATORS_HEAR_OF:
        told |= await administrators(session)
    news = News(folder.id, folder.version, NotificationKind.NOBODY_ABLE)
    await notify(session, context, news, told)
