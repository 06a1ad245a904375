"""The life of a folder: every act is decided by `workflows`, written in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.audit.chain import Actor
from app.audit.service import SYSTEM
from app.auth.principal import Principal, PrincipalKind
from app.context import Context
from app.documents.repository import DocumentRepository
from app.errors import Conflict, Forbidden, NotFound
from app.folders.facts import Situation, situation_of, state_of
from app.folders.integrity import refuse_frozen
from app.folders.journal import NO_TRACE, Trace, journal
from app.folders.places import place
from app.folders.references import hold_reference, release_reference
from app.folders.repository import FolderRepository
from app.models import Folder, FolderEvent
from app.register.service import as_desk, as_person
from workflows import event_encoding, events, outside_events
from workflows import folder as domain
from workflows.actions import Action, ActionKind
from workflows.circumstances import with_history
from workflows.definition import DeskId, Step, entrusted
from workflows.engine import AllowedAction, allowed_actions, decide
from workflows.errors import NotEntitled, PersonRecused
from workflows.events import Event
from workflows.evolution import evolve
from workflows.folder import BACK_STATUSES, FolderState, FolderStatus
from workflows.powers import desk_power, step_power
from workflows.register import Authorship, PersonAtDesk, Power, PowerKind
from workflows.returns import correction

INSPECTING, INSPECTION_REFUSED = "inspecting", "inspection_refused"
WITH_SUBMITTER = BACK_STATUSES | {FolderStatus.DRAFT.value, INSPECTION_REFUSED}
"""The folder is with the desk that deposits it, which corrects it whole."""
REACT = "folders.react"
_RELEASING = (
    events.Cancelled,
    outside_events.RemoteRefused,
    outside_events.TransmissionFailed,
)


@dataclass(frozen=True, slots=True)
class Acted:
    """A folder after an act: its row, its state, what happened, what it was judged upon."""

    folder: Folder
    state: FolderState
    happened: tuple[Event, ...]
    judged: Situation


def seat(principal: Principal, desk_id: uuid.UUID) -> PersonAtDesk:
    """The caller at one of his desks, as the engine names him."""
    return PersonAtDesk(as_person(principal.id), as_desk(desk_id))


@dataclass(frozen=True, slots=True)
class Turn:
    """A desk to whose hands a folder comes: for a step, or to deposit it where there is none."""

    desk: DeskId
    step: Step | None = None


def submitter_turn(folder: Folder) -> Turn:
    """The desk that deposited the folder."""
    return Turn(as_desk(folder.submitter_desk_id))


def step_turns(state: FolderState) -> list[Turn]:
    """The desks that have the folder to pass it on: those only asked for an opinion do not."""
    current = state.current_step
    if current is None:
        return []
    return [Turn(desk, current.step) for desk in state.desks_awaited_at(current.id)]


async def has_turn(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder: Folder,
    turns: Iterable[Turn],
) -> bool:
    """Whether the caller has the folder through one of these turns."""
    return await _authorship(session, context, principal, folder, turns) is not None


async def _authorship(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder: Folder,
    turns: Iterable[Turn],
) -> Authorship | None:
    """The power of the caller that the engine accepts now, for this very folder, at one of these
    desks: to speak at the step, else to deposit for the desk; his own rather than in the name of
    another. Programs act for their desks."""
    person = as_person(principal.id)
    within = [one for one in turns if uuid.UUID(one.desk) in principal.desk_ids]
    if not within:
        return None
    if principal.kind is PrincipalKind.PROGRAM:
        return Authorship(person, Power(PowerKind.PROGRAM, within[0].desk))
    situation = await situation_of(session, context, folder, person=principal.id)
    found = (
        _accepted(PersonAtDesk(person, one.desk), one, situation, context.clock()) for one in within
    )
    powers = [one for one in found if one is not None]
    power = min(powers, key=lambda one: one.on_behalf_of is not None, default=None)
    return None if power is None else Authorship(person, power)


def _accepted(
    actor: PersonAtDesk, turn: Turn, situation: Situation, instant: datetime
) -> Power | None:
    try:
        if turn.step is None:
            return desk_power(situation.register, actor, instant, situation.facts)
        facts = with_history(situation.state, turn.step, situation.facts)
        step = entrusted(turn.step, (turn.desk,))
        return step_power(situation.register, actor, step, instant, facts)
    except NotEntitled:
        return None


async def refuse_stranger(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder: Folder,
    turns: Iterable[Turn],
) -> Authorship:
    """By which power the caller has the folder through one of these turns. Raises Forbidden
    (`folder_not_with_you`) where he has it not."""
    by = await _authorship(session, context, principal, folder, turns)
    if by is None:
        raise Forbidden(
            "Ce dossier n'est pas dans vos bureaux en ce moment, ou vos pouvoirs ne le couvrent "
            "pas : demandez à celui qui l'a.",
            code="folder_not_with_you",
        )
    return by


def refuse_recused(principal: Principal, state: FolderState) -> None:
    """Raises PersonRecused: the caller stood back from this folder, whatever his desks."""
    if as_person(principal.id) in state.recused:
        raise PersonRecused


def event_of(row: FolderEvent) -> Event:
    """The event that a row keeps."""
    return event_encoding.from_json(row.payload)


async def readable(session: AsyncSession, principal: Principal, folder_id: uuid.UUID) -> Folder:
    """Raises NotFound: someone else's folder does not exist for this caller."""
    folder = await FolderRepository(session).readable(folder_id, principal)
    if folder is None:
        raise NotFound
    return folder


async def visible(session: AsyncSession, principal: Principal, folder_id: uuid.UUID) -> Folder:
    """The same for who reads a folder or looks after its stuck steps. Raises NotFound."""
    folder = await FolderRepository(session).visible(folder_id, principal)
    if folder is None:
        raise NotFound
    return folder


async def lock_visible(session: AsyncSession, principal: Principal, folder_id: uuid.UUID) -> Folder:
    """The same, locked until the transaction ends."""
    await visible(session, principal, folder_id)
    return await _locked(session, folder_id)


async def lock_readable(
    session: AsyncSession, principal: Principal, folder_id: uuid.UUID
) -> Folder:
    """A readable folder, locked until the transaction ends."""
    await readable(session, principal, folder_id)
    return await _locked(session, folder_id)


async def _locked(session: AsyncSession, folder_id: uuid.UUID) -> Folder:
    folder = await FolderRepository(session).lock(folder_id)
    assert folder is not None
    return folder


async def apply(
    session: AsyncSession,
    context: Context,
    folder: Folder,
    action: Action,
    *,
    certificate_sha256: str | None = None,
    reported_by: Actor = SYSTEM,
) -> Acted:
    """Decides an act on a locked folder and writes what follows: state, events, journal, jobs.
    `reported_by`: who told what nobody of the folder did, for the journal.

    Raises the engine's refusals, and then nothing is written."""
    refuse_frozen(folder)
    if _is_held_back(folder, action.kind):
        raise Conflict(
            "Le contrôle de ce dossier n'est pas favorable ou pas terminé : attendez, ou "
            "déposez un fichier corrigé.",
            code=f"folder_{folder.status}",
        )
    situation = await situation_of(session, context, folder)
    happened = decide(situation.state, action, situation.register, situation.facts, context.clock())
    state = situation.state
    for event in happened:
        state = evolve(state, event)
    if not happened:
        return Acted(folder, state, happened, situation)
    folder.amount_cents = max((one.cents for one in situation.facts.amounts), default=None)
    await append(
        session,
        folder,
        happened,
        Trace(state.signable_documents, certificate_sha256, reported_by),
    )
    await place(session, folder, state, now=happened[-1].occurred_at)
    await _follow(session, folder, state, happened)
    return Acted(folder, state, happened, situation)


async def note_correction(
    session: AsyncSession, context: Context, by: Authorship, folder: Folder
) -> None:
    """Somebody changes what is deposited in a locked folder: he is one of those who did, and a
    rejection is not taken back any more."""
    state, status = await state_of(session, folder.id), folder.status
    for event in correction(state, by, context.clock()):
        await append(session, folder, (event,))
        await place(session, folder, evolve(state, event), now=event.occurred_at)
        # A flow that is inspected, or was refused, still holds the folder back.
        folder.status = status


async def append(
    session: AsyncSession,
    folder: Folder,
    happened: Sequence[Event],
    trace: Trace = NO_TRACE,
) -> None:
    """Event rows, journal entries and the job that reacts, together."""
    first = folder.version + 1
    await FolderRepository(session).append(folder, happened)
    await journal(session, folder, happened, trace)
    await jobs.enqueue(
        session,
        REACT,
        folder.tenant_id,
        {"folder_id": str(folder.id), "first": str(first), "last": str(folder.version)},
        run_after=happened[-1].occurred_at,
        dedupe_key=f"{REACT}:{folder.id}:{folder.version}",
    )


async def _follow(
    session: AsyncSession, folder: Folder, state: FolderState, happened: Sequence[Event]
) -> None:
    """Repeats in the documents' tables what they must know of the events."""
    documents = DocumentRepository(session)
    for event in happened:
        if isinstance(event, events.Retracted | events.Rejected) and event.restored:
            taken_back = [uuid.UUID(change.before.id) for change in event.restored]
            await documents.mark_retracted(taken_back, event.occurred_at)
        if isinstance(event, events.Retracted) and event.act is domain.ActKind.REJECT:
            await hold_reference(session, folder, state.documents, event.occurred_at)
        if isinstance(event, _RELEASING) or _returns_to_submitter(event):
            await release_reference(session, folder, event.occurred_at)
    await session.flush()


def _returns_to_submitter(event: Event) -> bool:
    return isinstance(event, events.Rejected) and event.returned_to is None


def allowed(
    context: Context, principal: Principal, folder: Folder, situation: Situation
) -> tuple[AllowedAction, ...]:
    """What the caller may do in this situation of the folder."""
    if folder.frozen_at is not None:
        return ()
    person = as_person(principal.id)
    found = allowed_actions(
        situation.state, person, situation.register, situation.facts, context.clock()
    )
    return tuple(one for one in found if not _is_held_back(folder, one.kind))


def _is_held_back(folder: Folder, kind: ActionKind) -> bool:
    """A folder whose flow is inspected waits; one whose flow was refused may only be cancelled,
    until a corrected flow comes."""
    if folder.status == INSPECTION_REFUSED:
        return kind is not ActionKind.CANCEL
    return folder.status == INSPECTING
