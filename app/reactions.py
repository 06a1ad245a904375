"""Event -> what follows: the one place to learn what happens after an act."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.context import Context
from app.documents.repository import DocumentRepository
from app.documents.service import owe_report
from app.documents.verdicts import reason_not_valid
from app.folders.facts import Situation, situation_of, state_of
from app.folders.integrity import LOOKED_AT_EVERY, are_sound, unfreeze
from app.folders.places import calendar_of, named_desks
from app.folders.repository import FolderRepository
from app.folders.service import event_of
from app.models import Folder
from app.notifications.recipients import administrators, holders, submitters
from app.notifications.schemas import ARRIVALS, NotificationKind
from app.notifications.service import News, call, notify
from app.transmissions.service import schedule
from workflows import events, outside_events
from workflows.deadlines import remind_at
from workflows.definition import PERSON_STEPS, DeskId, StepKind
from workflows.engine import who_may_give_opinion, who_may_pass
from workflows.events import Event
from workflows.evolution import replay
from workflows.folder import FolderState, StepInstance
from workflows.obstacles import Lacking, WhoMayAct

REMIND = "folders.remind"
_NEWS: dict[type[Event], NotificationKind] = {
    events.Rejected: NotificationKind.REJECTED,
    outside_events.Acknowledged: NotificationKind.ACKNOWLEDGED,
    outside_events.RemoteRefused: NotificationKind.REMOTE_REFUSED,
    outside_events.TransmissionFailed: NotificationKind.TRANSMISSION_FAILED,
}
_BESIDE = (events.DocumentsRead, events.OpinionAsked, events.OpinionGiven)
"""Events that change nothing of who may pass the current step."""


async def react(context: Context, job: jobs.ClaimedJob) -> None:
    """Follows the events that the job names; running twice adds nothing (unique rows)."""
    folder_id = uuid.UUID(job.object_ids["folder_id"])
    first, last = int(job.object_ids["first"]), int(job.object_ids["last"])
    async with context.unit(job.tenant_id) as session:
        repository = FolderRepository(session)
        folder = await repository.folder(folder_id)
        assert folder is not None
        rows = [row for row in await repository.events(folder_id) if row.seq <= last]
        history = tuple(event_of(row) for row in rows)
        for row, event in zip(rows, history, strict=True):
            if first <= row.seq:
                await _follow(session, context, folder, row.seq, event)
        before = sum(row.seq < first for row in rows)
        if await _leaves_nobody(session, context, folder, history[:before], history[before:]):
            await _report_nobody(session, context, folder, last)
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
            due = await _reminder_due(session, folder, event)
            if due is not None and context.clock() < due:
                await jobs.retry(session, job, run_after=due, error="later since a migration")
                return
            if due is not None:
                kind = NotificationKind.REMINDER
                if (await _tell_those_able(session, context, folder, seq, kind)).nobody is not None:
                    await _report_nobody(session, context, folder, seq)
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


async def react_to_condemnation(context: Context, job: jobs.ClaimedJob) -> None:
    """A document signed here was verified, and is not valid: the submitter and the administrators
    are told, unless the folder waits for its transmission, which tells it itself."""
    folder_id = uuid.UUID(job.object_ids["folder_id"])
    revision_id = uuid.UUID(job.object_ids["revision_id"])
    async with context.unit(job.tenant_id) as session:
        revision = await DocumentRepository(session).revision(revision_id)
        step = (await state_of(session, folder_id)).current_step
        is_sent = step is not None and step.kind is StepKind.TRANSMISSION
        if revision is not None and revision.retracted_at is None and not is_sent:
            told = await administrators(session) | await submitters(session, context, folder_id)
            kind = NotificationKind.SIGNATURE_INVALID
            news = News(folder_id, _number_of(revision_id), kind, reason_not_valid(revision))
            await notify(session, context, news, told)
        await jobs.finish(session, job)


def _number_of(revision_id: uuid.UUID) -> int:
    """What tells the revision from the others of its folder: 31 of its random bits."""
    return revision_id.int & 0x7FFFFFFF


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
            await _tell_those_asked(session, context, folder, seq, desk)
        case events.OpinionGiven():
            told = await _askers(session, folder, event)
            await notify(
                session, context, News(folder.id, seq, NotificationKind.OPINION_GIVEN), told
            )
        case events.Migrated() | events.Retracted():
            await _owe_reminder_anew(session, folder, seq)
        case events.Completed():
            await _on_end(session, context, folder, seq)
        case events.Signed():
            await _report(session, folder, event)
        case _:
            await _tell_the_submitter(session, context, folder, seq, event)


async def _tell_the_submitter(
    session: AsyncSession, context: Context, folder: Folder, seq: int, event: Event
) -> None:
    kind = _NEWS.get(type(event))
    if isinstance(event, events.Rejected) and event.returned_to is not None:
        kind = NotificationKind.RETURNED
    if isinstance(event, outside_events.OutsideAnswered) and not event.accepted:
        kind = NotificationKind.REMOTE_REFUSED
    if kind is not None:
        told = await submitters(session, context, folder.id)
        await notify(session, context, News(folder.id, seq, kind), told)


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
    if event.kind in ARRIVALS:
        await _tell_those_able(session, context, folder, seq, ARRIVALS[event.kind])
    await _owe_reminder(session, folder, seq, event, f"{REMIND}:{folder.id}:{seq}")


async def _still_waits(session: AsyncSession, folder: Folder, event: events.StepStarted) -> bool:
    """A step passed meanwhile is no news any more."""
    return _is_start_of((await state_of(session, folder.id)).current_step, event)


def _is_start_of(step: StepInstance | None, event: events.StepStarted) -> bool:
    return step is not None and step.id == event.step and step.started_at == event.occurred_at


async def _owe_reminder(
    session: AsyncSession,
    folder: Folder,
    seq: int,
    event: events.StepStarted,
    dedupe_key: str,
) -> None:
    """Owes it where the circuit says so; `seq` is the number of the start."""
    due = await _reminder_due(session, folder, event)
    if due is not None:
        await jobs.enqueue(
            session,
            REMIND,
            folder.tenant_id,
            {"folder_id": str(folder.id), "seq": str(seq)},
            run_after=due,
            dedupe_key=dedupe_key,
        )


async def _owe_reminder_anew(session: AsyncSession, folder: Folder, since: int) -> None:
    """The step goes on in another version, which may remind of it on another day, or waits again
    because what passed it was taken back. The reminder is that of its start all the same: nobody
    is told twice."""
    step = (await state_of(session, folder.id)).current_step
    for row in await FolderRepository(session).events(folder.id):
        event = event_of(row)
        if isinstance(event, events.StepStarted) and _is_start_of(step, event):
            await _owe_reminder(session, folder, row.seq, event, f"{REMIND}:{folder.id}:{since}")


async def _reminder_due(
    session: AsyncSession, folder: Folder, event: events.StepStarted
) -> datetime | None:
    """When those able are reminded of the step that started then, as its circuit says now; None
    where it does not wait any more or its circuit reminds nobody."""
    step = (await state_of(session, folder.id)).current_step
    if step is None or not _is_start_of(step, event) or step.step.remind_after_days is None:
        return None
    days = step.step.remind_after_days
    calendar = await calendar_of(session, event.occurred_at, working_days=days)
    return remind_at(calendar, event.occurred_at, days)


async def _tell_the_next(session: AsyncSession, context: Context, folder: Folder) -> None:
    """The step went to others: they are told as at its start, under the event that started it."""
    step = (await state_of(session, folder.id)).current_step
    if step is not None and step.kind in ARRIVALS:
        turn = await FolderRepository(session).turn_of(folder.id, step.id)
        await _tell_those_able(session, context, folder, turn, ARRIVALS[step.kind])


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
) -> WhoMayAct:
    """Where every desk must pass, some may be able and the step stuck all the same."""
    situation = await situation_of(session, context, folder)
    able = who_may_pass(situation.state, situation.register, situation.facts, context.clock())
    await call(session, context, News(folder.id, seq, kind), able, situation.register)
    return able


async def _tell_those_asked(
    session: AsyncSession, context: Context, folder: Folder, seq: int, desk: DeskId
) -> None:
    situation = await situation_of(session, context, folder)
    able = who_may_give_opinion(
        situation.state, desk, situation.register, situation.facts, context.clock()
    )
    news = News(folder.id, seq, NotificationKind.OPINION_ASKED)
    await call(session, context, news, able, situation.register)


async def _leaves_nobody(
    session: AsyncSession,
    context: Context,
    folder: Folder,
    past: Sequence[Event],
    happened: Sequence[Event],
) -> bool:
    """Whether what happened leaves the folder at a step that nobody can pass, for another reason
    than before it. What changed in powers is seen by their own review."""
    if all(isinstance(one, _BESIDE) for one in happened):
        return False
    situation = await situation_of(session, context, folder)
    if _lacking_in(situation.state, situation, context) == ():
        return False
    after = replay((*past, *happened))
    lacking = _lacking_in(after, situation, context)
    if lacking == () or any(isinstance(one, events.StepStarted) for one in happened):
        return lacking != ()
    return _lacking_in(replay(past), situation, context) != lacking


def _lacking_in(state: FolderState, situation: Situation, context: Context) -> tuple[Lacking, ...]:
    """What holds back a step of persons in this state of the folder."""
    step = state.current_step
    if step is None or step.kind not in PERSON_STEPS:
        return ()
    return who_may_pass(state, situation.register, situation.facts, context.clock()).lacking


async def _report_nobody(session: AsyncSession, context: Context, folder: Folder, seq: int) -> None:
    """Nobody able is reported, never silently stuck (DESIGN D6)."""
    told = await administrators(session) | await submitters(session, context, folder.id)
    await notify(session, context, News(folder.id, seq, NotificationKind.NOBODY_ABLE), told)


async def _report(session: AsyncSession, folder: Folder, event: events.Signed) -> None:
    for change in event.changes:
        await owe_report(session, folder.id, uuid.UUID(change.after.id), event.occurred_at)
