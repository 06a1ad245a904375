"""Notes beside a folder: written by those who have it, read by those whom they are for."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Occurrence
from app.audit.service import record
from app.auth.principal import Principal
from app.context import Context
from app.documents.repository import DocumentRepository
from app.errors import Conflict, Forbidden, NotFound, Unprocessable
from app.folders.facts import state_of
from app.folders.repository import FolderRepository
from app.folders.service import (
    Turn,
    event_of,
    has_turn,
    lock_readable,
    readable,
    refuse_recused,
    seat,
)
from app.kit.ids import new_id
from app.models import FolderNote, NoteKind
from app.notes.repository import NoteRepository
from app.notes.schemas import FolderNoteCreate, NoteRead, PageNoteCreate
from app.register.service import load_register
from workflows.definition import PERSON_STEPS, DeskId
from workflows.events import (
    Created,
    Event,
    Rejected,
    Resubmitted,
    Retracted,
    StepStarted,
    Submitted,
    Transferred,
)
from workflows.evolution import replay
from workflows.folder import FolderState
from workflows.outside_events import OutsideAnswered, RemoteRefused, TransmissionFailed
from workflows.powers import powers_of
from workflows.side_acts import desks_taking_part

_PDF = "application/pdf"


async def add_note(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder_id: uuid.UUID,
    new: FolderNoteCreate | PageNoteCreate,
) -> NoteRead:
    """Raises NotFound, PersonRecused, Forbidden (`note_not_yours`), Conflict (`folder_final`) or
    Unprocessable."""
    folder = await lock_readable(session, principal, folder_id)
    state = await state_of(session, folder_id)
    refuse_recused(principal, state)
    if state.is_final:
        raise Conflict(
            "Ce dossier est terminé et ne reçoit plus d'annotation : annotez celui qui lui fait "
            "suite, s'il y en a un.",
            code="folder_final",
        )
    await _refuse_stranger(session, context, principal, state, new.desk_id)
    step = state.current_step
    note = FolderNote(
        id=new_id(),
        tenant_id=folder.tenant_id,
        folder_id=folder_id,
        author_id=principal.id,
        desk_id=new.desk_id,
        kind=new.kind,
        step=step.id if step is not None else None,
        folder_version=state.version,
        text=new.text,
        created_at=context.clock(),
    )
    if isinstance(new, PageNoteCreate):
        await _refuse_page(session, folder_id, new)
        note.document_id, note.page, note.x, note.y = new.document_id, new.page, new.x, new.y
    NoteRepository(session).add(note)
    _journal(session, principal, note)
    return _read(note)


def _journal(session: AsyncSession, principal: Principal, note: FolderNote) -> None:
    """Those who read the journal are not those whom a private note is for: its text stays out."""
    what = Occurrence(
        kind="folder.note_added",
        actor=principal.actor,
        folder=str(note.folder_id),
        document=str(note.document_id) if note.document_id else None,
        details={"note": str(note.id), "note_kind": note.kind, "characters": len(note.text)},
    )
    text = None if _is_private(note) else {"text": note.text}
    record(session, what, at=note.created_at, values=text)


def _is_private(note: FolderNote) -> bool:
    return note.kind == NoteKind.PRIVATE.value


async def _refuse_stranger(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    state: FolderState,
    desk_id: uuid.UUID,
) -> None:
    """Those who write have a power at a desk that takes part, or watch it (supervisors)."""
    actor = seat(principal, desk_id)
    register = await load_register(session)
    powers = powers_of(register, actor.person, context.clock())
    acts_there = any(power.desk == actor.desk for power in powers)
    if actor.desk in desks_taking_part(state) and (
        acts_there or desk_id in principal.watched_desk_ids
    ):
        return
    raise Forbidden(
        "Ce bureau n'a pas ce dossier, ou vous n'y avez pas de pouvoir : choisissez un de vos "
        "bureaux.",
        code="note_not_yours",
    )


async def _refuse_page(session: AsyncSession, folder_id: uuid.UUID, new: PageNoteCreate) -> None:
    repository = DocumentRepository(session)
    document = await repository.document(new.document_id)
    if document is None or document.folder_id != folder_id:
        raise NotFound
    revisions = await repository.revisions([document.id])
    pages = (revisions[-1].facts or {}).get("page_count") if revisions else None
    if document.media_type != _PDF or (pages is not None and new.page > pages):
        raise Unprocessable(
            "Cette page n'existe pas dans ce document : choisissez une page d'un PDF du dossier.",
            code="no_such_page",
        )


async def list_notes(
    session: AsyncSession, context: Context, principal: Principal, folder_id: uuid.UUID
) -> list[NoteRead]:
    """What the caller may see: private notes are for their author and for the desk that received
    the folder next, the submitter's where it went back to him; of those there, for whom a power
    over this folder lets act."""
    folder = await readable(session, principal, folder_id)
    rows = await FolderRepository(session).events(folder_id)
    happened = [(row.seq, event_of(row)) for row in rows]
    state = replay(event for _, event in happened)
    seen: list[NoteRead] = []
    for note in await NoteRepository(session).notes(folder_id):
        is_open = not _is_private(note) or note.author_id == principal.id
        turns = () if is_open else _received(note, happened, state)
        if is_open or await has_turn(session, context, principal, folder, turns):
            seen.append(_read(note))
    return seen


def _received(
    note: FolderNote, happened: Sequence[tuple[int, Event]], state: FolderState
) -> list[Turn]:
    """At the desks that received the folder next: for the step, or as those who hold them."""
    since = (event for seq, event in happened if seq > note.folder_version)
    submitter = _submitter_desk(event for seq, event in happened if seq <= note.folder_version)
    for event in since:
        if desks := _receiving(event, submitter):
            return [turn for desk in desks for turn in _turns(desk, event, state)]
    return []


def _turns(desk: DeskId, event: Event, state: FolderState) -> Iterator[Turn]:
    yield Turn(desk)
    if isinstance(event, StepStarted | Transferred | Retracted) and event.step is not None:
        instance = state.step(event.step)
        if instance is not None:
            yield Turn(desk, instance.step)


def _submitter_desk(happened: Iterable[Event]) -> DeskId:
    """The desk that had deposited the folder then."""
    by = [one.by for one in happened if isinstance(one, Created | Submitted | Resubmitted)]
    return by[-1].power.desk


def _receiving(event: Event, submitter: DeskId) -> tuple[DeskId, ...]:
    """The desks to whose hands an event brings the folder; an opinion holds nobody back and takes
    it out of no hands, the outside writes no note and reads none."""
    match event:
        case StepStarted(kind=kind, desks=desks) if kind in PERSON_STEPS:
            return desks
        case Transferred(to_desk=desk):
            return (desk,)
        case Retracted(by=by):
            return (by.power.desk,)
        case Rejected(returned_to=None) | OutsideAnswered(accepted=False):
            return (submitter,)
        case RemoteRefused() | TransmissionFailed():
            return (submitter,)
        case _:
            return ()


def _read(note: FolderNote) -> NoteRead:
    return NoteRead.model_validate(note, from_attributes=True)
