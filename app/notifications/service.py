"""Mails owed to people: one per event and person, written from what is true when they leave."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.context import Context
from app.folders.repository import FolderRepository
from app.folders.service import event_of
from app.kit.ids import new_id
from app.models import Folder, Notification
from app.notifications.news import told_of
from app.notifications.recipients import present, those_able
from app.notifications.repository import NotificationRepository
from app.notifications.schemas import ARRIVALS, NotificationKind, NotificationState
from app.notifications.texts import Told, one_line, write
from app.register.service import as_person
from app.tenants.repository import TenantRepository
from app.users.repository import UserRepository
from app.users.service import names_of
from connectors.errors import Ambiguous, ConnectorError, Unreachable
from connectors.mail import Mail
from workflows.obstacles import WhoMayAct, naming
from workflows.register import PersonId, PowerRegister

SEND = "notifications.send"
EXPIRES_AFTER = timedelta(days=5)
"""A mail that no relay took for so long would tell old news: it is dropped."""

HOURLY = timedelta(hours=1)
_FIRST_RETRY = timedelta(seconds=30)
_IN_OWN_NAME: Mapping[uuid.UUID, str] = {}
_OWED = frozenset({NotificationState.WAITING, NotificationState.REPEATED})
_WITHOUT_EVENT = frozenset(
    {
        NotificationKind.INSPECTION_REFUSED,
        NotificationKind.NOBODY_ABLE,
        NotificationKind.FOLDER_FROZEN,
        NotificationKind.FOLDER_KEPT,
        NotificationKind.SIGNATURE_INVALID,
    }
)
_ARRIVALS = frozenset(ARRIVALS.values())
_AWAITED = frozenset({*_ARRIVALS, NotificationKind.REMINDER, NotificationKind.OPINION_ASKED})


@dataclass(frozen=True, slots=True)
class News:
    """What is told: `seq` is the number of the event, or the folder's version where no event tells
    it, or what stands for one of its revisions. `told` is the sentence that only whoever tells it
    knows."""

    folder_id: uuid.UUID
    seq: int
    kind: NotificationKind
    told: str | None = None


async def notify(
    session: AsyncSession,
    context: Context,
    news: News,
    user_ids: Iterable[uuid.UUID],
    capacities: Mapping[uuid.UUID, str] = _IN_OWN_NAME,
) -> None:
    """Owes one mail to each person; called again it adds nothing. `capacities` are the mentions of
    those who will act by another's power."""
    folder = await FolderRepository(session).folder(news.folder_id)
    if folder is None:
        return
    now = context.clock()
    told = news.told or await _sentence(session, context, folder, news.kind)
    for user_id in sorted(set(user_ids)):
        row = Notification(
            id=new_id(),
            tenant_id=folder.tenant_id,
            folder_id=folder.id,
            user_id=user_id,
            event_seq=news.seq,
            kind=news.kind.value,
            state=NotificationState.WAITING.value,
            told=capacities.get(user_id, told),
            created_at=now,
        )
        if await NotificationRepository(session).owe(row):
            await jobs.enqueue(
                session,
                SEND,
                folder.tenant_id,
                {"notification_id": str(row.id)},
                run_after=now,
                dedupe_key=f"{SEND}:{row.id}",
            )


async def call(
    session: AsyncSession,
    context: Context,
    news: News,
    able: WhoMayAct,
    register: PowerRegister,
) -> None:
    """Owes a mail to each who may act and is not away; whoever would act by another's power reads
    the mention that says so. Who may act no more is told again once he may, and nobody being able
    is reported again once somebody was."""
    if news.kind in _ARRIVALS:
        await _end_what_was(session, news.folder_id, able, context.clock())
    there = present(able, register, context.clock())
    mentions = {uuid.UUID(one.person): one.power.mention for one in there if one.power.mention}
    await notify(session, context, news, {uuid.UUID(one.person) for one in there}, mentions)


async def _end_what_was(
    session: AsyncSession, folder_id: uuid.UUID, able: WhoMayAct, now: datetime
) -> None:
    repository = NotificationRepository(session)
    still = {uuid.UUID(one.person) for one in able.able}
    await repository.end(folder_id, sorted(_ARRIVALS), but=still, now=now)
    if able.nobody is None:
        await repository.end(folder_id, [NotificationKind.NOBODY_ABLE], but=(), now=now)


async def _sentence(
    session: AsyncSession, context: Context, folder: Folder, kind: NotificationKind
) -> str | None:
    """What no event keeps is kept with the notification."""
    match kind:
        case NotificationKind.INSPECTION_REFUSED:
            return str((folder.refusal or {}).get("detail", ""))
        case NotificationKind.NOBODY_ABLE:
            able = await those_able(session, context, folder.id)
            return naming(able, await _names(session)).detail if able else ""
        case _:
            return None


async def _names(session: AsyncSession) -> Mapping[PersonId, str]:
    return {as_person(one): name for one, name in (await names_of(session)).items()}


async def owed(session: AsyncSession, context: Context, job: jobs.ClaimedJob) -> Mail | None:
    """The mail to hand over now; None, the job being finished, when there is none any more."""
    row = await NotificationRepository(session).lock(_id_of(job))
    if row is None or row.state not in _OWED:
        await jobs.finish(session, job)
        return None
    if context.clock() >= row.created_at + EXPIRES_AFTER:
        await _end(session, job, row, NotificationState.EXPIRED)
        return None
    user = await UserRepository(session).user(row.user_id)
    told = await _told(session, context, row) if row.over_at is None else None
    if told is None or user is None or not user.is_active or not user.email:
        await _end(session, job, row, NotificationState.SUPERSEDED)
        return None
    subject, text = write(NotificationKind(row.kind), told)
    sender = context.settings.smtp.sender
    domain = sender.rpartition("@")[2]
    return Mail(
        sender=sender,
        sender_name=one_line(f"Parapheur {told.tenant}"),
        recipient=user.email,
        subject=subject,
        text=text,
        message_id=f"<{row.id}@{domain}>",
        list_id=f"<{row.tenant_id}.{domain}>",
        written_at=row.created_at,
    )


def _id_of(job: jobs.ClaimedJob) -> uuid.UUID:
    return uuid.UUID(job.object_ids["notification_id"])


async def _end(
    session: AsyncSession,
    job: jobs.ClaimedJob,
    row: Notification,
    state: NotificationState,
    failure: str | None = None,
) -> None:
    row.state, row.failure = state.value, failure
    await session.flush()
    await jobs.finish(session, job)


async def _told(session: AsyncSession, context: Context, row: Notification) -> Told | None:
    """What is true now; None when the news is over, such as a step that was passed meanwhile."""
    folder = await FolderRepository(session).folder(row.folder_id)
    if folder is None:
        return None
    tenant = await TenantRepository(session).current()
    told = Told(
        title=folder.title,
        tenant=tenant.name,
        link=f"{context.settings.server.origin.rstrip('/')}/folders/{folder.id}",
        reason="" if row.kind in _AWAITED else row.told or "",
        capacity=(row.told or "") if row.kind in _AWAITED else "",
    )
    if row.kind in _WITHOUT_EVENT:
        return told
    stored = await NotificationRepository(session).event(folder.id, row.event_seq)
    if stored is None:
        return None
    kind = NotificationKind(row.kind)
    return await told_of(session, folder, event_of(stored), told, kind)


async def record_sent(session: AsyncSession, job: jobs.ClaimedJob, *, now: datetime) -> None:
    """The relay took the mail."""
    row = await NotificationRepository(session).lock(_id_of(job))
    assert row is not None
    row.sent_at = now
    await _end(session, job, row, NotificationState.SENT)


async def record_failure(
    session: AsyncSession, job: jobs.ClaimedJob, error: ConnectorError, *, now: datetime
) -> None:
    """Not taken: later. Perhaps taken: once more under the same Message-ID, so that a double shows
    as one. Refused: over."""
    row = await NotificationRepository(session).lock(_id_of(job))
    assert row is not None
    is_second = row.state == NotificationState.REPEATED.value
    match error:
        case Unreachable():
            pause = HOURLY if error.alert else _pause(row, now)
            row.failure = error.detail
            await session.flush()
            await jobs.retry(session, job, run_after=now + pause, error="unreachable")
        case Ambiguous() if not is_second:
            row.state, row.failure = NotificationState.REPEATED.value, error.detail
            await session.flush()
            run_after = now + _pause(row, now)
            await jobs.retry(session, job, run_after=run_after, error="ambiguous")
        case Ambiguous():
            await _end(session, job, row, NotificationState.UNKNOWN, error.detail)
        case _:
            await _end(session, job, row, NotificationState.REFUSED, error.detail)


def _pause(row: Notification, now: datetime) -> timedelta:
    """As long as the mail has waited already: half a minute at least, an hour at most."""
    return min(max(_FIRST_RETRY, now - row.created_at), HOURLY)
