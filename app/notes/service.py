"""Notes beside a folder: written by those who have it, read by those whom they are for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Actor, Occurrence
from app.audit.service import record
from app.auth.principal import Principal
from app.context import Context
from app.documents.repository import DocumentRepository
from app.errors import Conflict, Forbidden, NotFound, Unprocessable
from app.folders.facts import state_of
from app.folders.service import readable, seat
from app.kit.ids import new_id
from app.models import FolderNote, NoteKind
from app.notes.repository import NoteRepository
from app.notes.schemas import FolderNoteCreate, NoteRead, PageNoteCreate
from app.register.service import load_register
from workflows.definition import DeskId, StepId, desks_of
from workflows.folder import FolderState
from workflows.powers import powers_of

_PDF = "application/pdf"


async def add_note(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder_id: uuid.UUID,
    new: FolderNoteCreate | PageNoteCreate,
) -> NoteRead:
    """Raises NotFound, Forbidden (`note_not_yours`), Conflict (`folder_final`) or Unprocessable."""
    folder = await readable(session, principal, folder_id)
    state = await state_of(session, folder_id)
    if state.is_final:
        raise Conflict(
            "Ce dossier est terminé : il ne reçoit plus d'annotation.", code="folder_final"
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
        text=new.text,
        created_at=context.clock(),
    )
    if isinstance(new, PageNoteCreate):
        await _refuse_page(session, folder_id, new)
        note.document_id, note.page, note.x, note.y = new.document_id, new.page, new.x, new.y
    NoteRepository(session).add(note)
    record(
        session,
        Occurrence(
            kind="folder.note_added",
            actor=Actor(principal.kind.value, str(principal.id)),
            folder=str(folder_id),
            document=str(note.document_id) if note.document_id else None,
            details={"note": str(note.id), "note_kind": note.kind},
        ),
        at=note.created_at,
        values={"text": note.text},
    )
    return _read(note)


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
    if actor.desk in _taking_part(state) and (acts_there or desk_id in principal.watched_desk_ids):
        return
    raise Forbidden(
        "Ce bureau n'a pas ce dossier, ou vous n'y avez pas de pouvoir : choisissez un de vos "
        "bureaux.",
        code="note_not_yours",
    )


def _taking_part(state: FolderState) -> Iterator[DeskId]:
    yield state.submitter.desk
    for one in state.steps:
        yield from desks_of(one.step)
    for opinion in state.opinions:
        yield opinion.desk


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
    session: AsyncSession, principal: Principal, folder_id: uuid.UUID
) -> list[NoteRead]:
    """What the caller may see: private notes are for their author and for the desk that comes next
    after the step where they were written."""
    await readable(session, principal, folder_id)
    state = await state_of(session, folder_id)
    return [
        _read(note)
        for note in await NoteRepository(session).notes(folder_id)
        if note.kind != NoteKind.PRIVATE.value or _is_for(note, state, principal)
    ]


def _is_for(note: FolderNote, state: FolderState, principal: Principal) -> bool:
    if note.author_id == principal.id:
        return True
    following = _desks_after(state, StepId(note.step) if note.step else None)
    return any(uuid.UUID(desk) in principal.desk_ids for desk in following)


def _desks_after(state: FolderState, step: StepId | None) -> tuple[DeskId, ...]:
    """The desks of the step that follows; those of the first one for a note of the submitter."""
    ids = [one.id for one in state.steps]
    position = ids.index(step) + 1 if step in ids else 0
    return desks_of(state.steps[position].step) if position < len(ids) else ()


def _read(note: FolderNote) -> NoteRead:
    return NoteRead.model_validate(note, from_attributes=True)
