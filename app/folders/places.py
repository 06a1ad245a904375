"""Where a folder stands for each desk: what its row and the inboxes repeat of its events."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.folders.repository import FolderRepository
from app.kit.working_days import working_calendar, years_covering
from app.models import Folder, InboxEntry, InboxList
from app.tenants.repository import TenantRepository
from workflows import deadlines
from workflows.definition import PERSON_STEPS, Actor, ActorKind, DeskId, desks_of
from workflows.duties import barred
from workflows.folder import BACK_STATUSES, FolderState, FolderStatus, StepState
from workflows.register import BarredBy
from workflows.returns import retractable_act

OPINION = "opinion"


@dataclass(frozen=True, slots=True)
class Place:
    """The list in which a desk finds the folder, and what is awaited of it."""

    list: InboxList
    kind: str | None = None


def places_of(state: FolderState) -> Mapping[DeskId, Place]:
    """One place for each desk concerned by the folder so far. A desk whose turn is still to come
    has none: nothing can be done there yet."""
    if state.status is FolderStatus.DRAFT:
        return {state.submitter.desk: Place(InboxList.DRAFT)}
    if state.is_final:
        return {desk: Place(InboxList.FINISHED) for desk in (*_met(state), *_told_at_end(state))}
    under_way = {desk: Place(InboxList.UNDER_WAY) for desk in _met(state)}
    if state.status in BACK_STATUSES:
        return {**under_way, state.submitter.desk: Place(InboxList.REJECTED)}
    return {**under_way, **_asked(state), **_awaited(state)}


def _asked(state: FolderState) -> dict[DeskId, Place]:
    step = state.current_step
    desks = state.desks_asked_at(step.id) if step is not None else ()
    return {desk: Place(InboxList.TO_DO, OPINION) for desk in desks}


def _awaited(state: FolderState) -> dict[DeskId, Place]:
    step = state.current_step
    if step is None or step.kind not in PERSON_STEPS:
        return {}
    return {
        desk: Place(InboxList.TO_DO, step.kind.value) for desk in state.desks_awaited_at(step.id)
    }


def _met(state: FolderState) -> Iterator[DeskId]:
    """The desks that deposited, acted, or have had the folder before them or told of it."""
    yield state.submitter.desk
    for act in state.acts:
        yield act.by.power.desk
    for one in state.steps:
        if one.state is not StepState.WAITING:
            yield from desks_of(one.step)
            yield from named_desks(one.step.informed, state)
    for opinion in state.opinions:
        yield opinion.desk


def named_desks(actors: Iterable[Actor], state: FolderState) -> Iterator[DeskId]:
    """The desks of those who are only informed: given ones, or the submitter's."""
    for actor in actors:
        if actor.desk is not None:
            yield actor.desk
        elif actor.kind is ActorKind.SUBMITTER:
            yield state.submitter.desk


def _told_at_end(state: FolderState) -> Iterator[DeskId]:
    yield from named_desks(state.informed_at_end, state)
    if state.final_desk is not None:
        yield state.final_desk


async def place(
    session: AsyncSession, folder: Folder, state: FolderState, *, now: datetime
) -> None:
    """Repeats in the row and in the inboxes what lists need, so that none replays events."""
    step = state.current_step
    places = places_of(state)
    folder.status = state.status.value
    version = state.workflow_version
    folder.workflow_version_id = uuid.UUID(version) if version is not None else None
    folder.waiting_desk_ids = [
        uuid.UUID(desk) for desk, one in places.items() if one.list is InboxList.TO_DO
    ]
    folder.waiting_kind = step.kind.value if step is not None else None
    folder.participant_desk_ids = sorted({uuid.UUID(desk) for desk in _takes_part(state, places)})
    folder.in_preparation = state.in_preparation
    _set_retrievable(folder, state)
    await _set_due(session, folder, state)
    folder.updated_at = now
    await FolderRepository(session).replace_entries(
        folder, list(_entries(folder, state, places, now=now))
    )


def _takes_part(state: FolderState, places: Mapping[DeskId, Place]) -> Iterator[DeskId]:
    yield from places
    for one in state.steps:
        yield from desks_of(one.step)


def _set_retrievable(folder: Folder, state: FolderState) -> None:
    act = retractable_act(state)
    if act is not None and act.by.person in state.recused:
        act = None
    instance = state.step(act.step) if act is not None and act.step is not None else None
    folder.retrievable_by = uuid.UUID(act.by.person) if act else None
    folder.retrievable_desk_id = uuid.UUID(act.by.power.desk) if act else None
    folder.retrievable_kind = instance.kind.value if instance else None


async def _set_due(session: AsyncSession, folder: Folder, state: FolderState) -> None:
    step = state.current_step
    folder.waiting_since = step.started_at if step is not None else None
    folder.due_at = None
    if step is None or step.started_at is None or step.step.due_in_days is None:
        return
    days = step.step.due_in_days
    calendar = await calendar_of(session, step.started_at, working_days=days)
    folder.due_at = deadlines.due_at(calendar, step.started_at, days)


async def calendar_of(
    session: AsyncSession, around: datetime, *, working_days: int
) -> deadlines.WorkingCalendar:
    """The working days of the tenant, so many at least after that instant."""
    tenant = await TenantRepository(session).current()
    year = around.astimezone(ZoneInfo(tenant.timezone)).year
    years = years_covering(year, working_days)
    return working_calendar(tenant.timezone, tenant.subdivision, years)


def _entries(
    folder: Folder, state: FolderState, places: Mapping[DeskId, Place], *, now: datetime
) -> Iterator[InboxEntry]:
    apart = _kept_apart(state)
    recused = sorted(uuid.UUID(one) for one in state.recused)
    for desk, one in places.items():
        yield InboxEntry(
            tenant_id=folder.tenant_id,
            folder_id=folder.id,
            desk_id=uuid.UUID(desk),
            place=one.list.value,
            kind=one.kind,
            subtype_id=folder.subtype_id,
            amount_cents=folder.amount_cents,
            due_at=folder.due_at if one.list is InboxList.TO_DO else None,
            barred_ids=apart,
            recused_ids=recused,
            since=_since(folder, one, now),
        )


def _kept_apart(state: FolderState) -> list[uuid.UUID]:
    step = state.current_step
    if step is None:
        return []
    by_duty = (one for one in barred(state, step.step) if one.by is BarredBy.DUTY)
    return sorted({uuid.UUID(one.person) for one in by_duty})


def _since(folder: Folder, place: Place, now: datetime) -> datetime:
    """The same for every desk of a list: who reads several meets the folder once."""
    match place.list:
        case InboxList.TO_DO:
            return folder.waiting_since or now
        case InboxList.UNDER_WAY:
            return folder.created_at
        case _:
            return now
