"""The life of a folder: every act is decided by `workflows`, written in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.auth.principal import Principal
from app.catalog.service import Resolved, resolve
from app.context import Context
from app.db.session import tenant_of
from app.documents.repository import DocumentRepository
from app.documents.schemas import Origin
from app.documents.service import read_documents
from app.errors import Conflict, NotFound, Unprocessable
from app.folders.journal import journal
from app.folders.repository import FolderRepository
from app.folders.schemas import (
    ActInput,
    AllowedActionRead,
    FolderRead,
    FolderSummary,
    StepRead,
)
from app.kit.ids import new_id
from app.models import Folder, FolderEvent, PesReference
from app.powers.service import load_register
from app.users.service import fit_signers
from workflows import events
from workflows import folder as domain
from workflows.actions import Action, Resubmit, Submit
from workflows.definition import DeskId, Protocol, StepKind
from workflows.engine import AllowedAction, allowed_actions, decide
from workflows.events import Event
from workflows.evolution import evolve, replay
from workflows.folder import FolderState, FolderStatus
from workflows.powers import Facts, PersonAtDesk, PersonId, desks_of

INSPECTING, INSPECTION_REFUSED = "inspecting", "inspection_refused"
REACT = "folders.react"
_RELEASING = (
    events.Rejected,
    events.Cancelled,
    events.RemoteRefused,
    events.TransmissionFailed,
)


@dataclass(frozen=True, slots=True)
class Acted:
    """A folder after an act: its row, its state, what happened."""

    folder: Folder
    state: FolderState
    happened: tuple[Event, ...]


def seat(principal: Principal, desk_id: uuid.UUID) -> PersonAtDesk:
    """The caller at one of his desks, as the engine names him."""
    return PersonAtDesk(PersonId(str(principal.id)), DeskId(str(desk_id)))


async def state_of(session: AsyncSession, folder_id: uuid.UUID) -> FolderState:
    """The folder's state, replayed from its events."""
    rows = await FolderRepository(session).events(folder_id)
    return replay(event_of(row) for row in rows)


def event_of(row: FolderEvent) -> Event:
    """The event that a row keeps."""
    return events.from_json(row.payload)


async def readable(session: AsyncSession, principal: Principal, folder_id: uuid.UUID) -> Folder:
    """Raises NotFound: someone else's folder does not exist for this caller."""
    folder = await FolderRepository(session).readable(folder_id, principal)
    if folder is None:
        raise NotFound
    return folder


async def lock_readable(
    session: AsyncSession, principal: Principal, folder_id: uuid.UUID
) -> Folder:
    """The same, locked until the transaction ends."""
    await readable(session, principal, folder_id)
    folder = await FolderRepository(session).lock(folder_id)
    assert folder is not None
    return folder


async def facts_of(
    session: AsyncSession, context: Context, folder: Folder, state: FolderState
) -> Facts:
    """What the engine must know beside the folder: who can sign it, when a signature is due."""
    step = state.current_step
    if step is None or step.kind is not StepKind.SIGNATURE:
        return Facts()
    resolved = await resolve(session, folder.subtype_id)
    fit = await fit_signers(
        session, now=context.clock(), rsa_only=resolved.protocol is Protocol.HELIOS
    )
    return Facts(fit_signers=frozenset(PersonId(str(one)) for one in fit))


async def apply(
    session: AsyncSession,
    context: Context,
    folder: Folder,
    action: Action,
    *,
    certificate_sha256: str | None = None,
) -> Acted:
    """Decides an act on a locked folder and writes what follows: state, events, journal, jobs.

    Raises the engine's refusals, and then nothing is written."""
    if folder.status in (INSPECTING, INSPECTION_REFUSED):
        raise Conflict(
            "Le contrôle de ce dossier n'est pas favorable ou pas terminé : attendez, ou "
            "déposez un fichier corrigé.",
            code=f"folder_{folder.status}",
        )
    state = await state_of(session, folder.id)
    register = await load_register(session)
    facts = await facts_of(session, context, folder, state)
    happened = decide(state, action, register, facts, context.clock())
    for event in happened:
        state = evolve(state, event)
    await append(
        session,
        folder,
        happened,
        certificate_sha256=certificate_sha256,
        documents=state.signable_documents,
    )
    await _follow(session, folder, state, happened)
    return Acted(folder, state, happened)


async def append(
    session: AsyncSession,
    folder: Folder,
    happened: Sequence[Event],
    *,
    certificate_sha256: str | None = None,
    documents: tuple[domain.Document, ...] = (),
) -> None:
    """Event rows, journal entries and the job that reacts, together. `documents` are those the
    folder has now."""
    first = folder.version + 1
    await FolderRepository(session).append(folder, happened)
    for event in happened:
        await journal(session, folder, event, documents, certificate_sha256)
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
    """Repeats in the row what lists need, and what the documents' tables must know."""
    step = state.current_step
    desks = desks_of(step.step) if step is not None else ()
    folder.status = state.status.value
    folder.waiting_desk_ids = [uuid.UUID(desk) for desk in desks]
    folder.waiting_kind = step.kind.value if step is not None else None
    folder.participant_desk_ids = sorted(
        {uuid.UUID(desk) for one in state.steps for desk in desks_of(one.step)}
    )
    folder.updated_at = happened[-1].occurred_at
    documents = DocumentRepository(session)
    for event in happened:
        if isinstance(event, events.Retracted) and event.restored:
            taken_back = [uuid.UUID(change.before.id) for change in event.restored]
            await documents.mark_retracted(taken_back, event.occurred_at)
        if isinstance(event, events.Retracted) and event.act is domain.ActKind.REJECT:
            await _hold_reference(session, folder, state.documents)
        if isinstance(event, _RELEASING):
            await documents.release_references(folder.id, event.occurred_at)
    await session.flush()


async def entering_documents(
    session: AsyncSession, folder_id: uuid.UUID
) -> tuple[domain.Document, ...]:
    """What enters a circuit: the newest unsigned revision of each document."""
    repository = DocumentRepository(session)
    rows = await repository.documents(folder_id)
    revisions = await repository.revisions(row.id for row in rows)
    newest = {one.document_id: one for one in revisions if one.origin != Origin.SIGNED.value}
    return tuple(
        domain.Document(
            domain.DocumentId(str(row.id)),
            domain.DocumentRole(row.kind),
            domain.Revision(domain.RevisionId(str(newest[row.id].id)), newest[row.id].sha256),
        )
        for row in rows
    )


async def enter_circuit(
    session: AsyncSession, context: Context, folder: Folder, actor: PersonAtDesk
) -> Acted:
    """Submits a draft, pinned to the version in force, or resubmits what came back.

    Raises Conflict (`pes_file_name_used`) and the engine's refusals."""
    resolved = await resolve(session, folder.subtype_id)
    documents = await entering_documents(session, folder.id)
    _refuse_several_main(resolved, documents)
    await _hold_reference(session, folder, documents)
    if folder.workflow_version_id is not None and folder.status != FolderStatus.DRAFT.value:
        return await apply(session, context, folder, Resubmit(actor, documents))
    folder.workflow_version_id = resolved.version.id
    version = domain.WorkflowVersionId(str(resolved.version.id))
    action = Submit(actor, version, resolved.workflow, documents)
    return await apply(session, context, folder, action)


def _refuse_several_main(resolved: Resolved, documents: tuple[domain.Document, ...]) -> None:
    main = [one for one in documents if one.role is domain.DocumentRole.MAIN_DOCUMENT]
    if resolved.protocol is not Protocol.NONE and len(main) > 1:
        raise Unprocessable(
            "Un dossier télétransmis n'a qu'un document principal : faites un dossier par acte "
            "ou par flux.",
            code="one_main_document",
        )


async def _hold_reference(
    session: AsyncSession, folder: Folder, documents: tuple[domain.Document, ...]
) -> None:
    """A flow that comes back takes its NomFic again, unless another folder has it now."""
    repository = DocumentRepository(session)
    if await repository.reference_of(folder.id) is not None:
        return
    for one in documents:
        revision = await repository.revision(uuid.UUID(one.revision.id))
        header = (revision.facts or {}).get("header") if revision else None
        if header is not None:
            await take_reference(
                session,
                folder.id,
                siren=header["body_siret"][:9],
                body_code=header["body_code"],
                file_name=header["file_name"],
            )


async def take_reference(
    session: AsyncSession, folder_id: uuid.UUID, *, siren: str, body_code: str, file_name: str
) -> None:
    """Raises Conflict (`pes_file_name_used`) when a living folder holds this NomFic."""
    holder = await DocumentRepository(session).take_reference(
        PesReference(
            id=new_id(),
            tenant_id=tenant_of(session),
            folder_id=folder_id,
            siren=siren,
            body_code=body_code,
            file_name=file_name,
        )
    )
    if holder != folder_id:
        raise name_used(file_name)


def name_used(file_name: str) -> Conflict:
    """The refusal of a flow whose NomFic a living folder holds."""
    return Conflict(
        f"Un flux nommé « {file_name} » a déjà été déposé pour cette collectivité : "
        "refaites l'export sous un nouveau nom (NomFic).",
        code="pes_file_name_used",
    )


async def allowed(
    session: AsyncSession, context: Context, principal: Principal, folder: Folder
) -> tuple[AllowedAction, ...]:
    """What the caller may do now."""
    if folder.status in (INSPECTING, INSPECTION_REFUSED):
        return ()
    state = await state_of(session, folder.id)
    return allowed_actions(
        state,
        PersonId(str(principal.id)),
        await load_register(session),
        await facts_of(session, context, folder, state),
        context.clock(),
    )


async def read_folder(
    session: AsyncSession, context: Context, principal: Principal, folder: Folder
) -> FolderRead:
    """A folder whole, as the API shows it."""
    state = await state_of(session, folder.id)
    resolved = await resolve(session, folder.subtype_id)
    return FolderRead(
        **summary(folder).model_dump(),
        version=folder.version,
        metadata=folder.folder_metadata,
        act=ActInput.model_validate(folder.act) if folder.act else None,
        refusal=folder.refusal,
        reception=reception_sentence(resolved.protocol, state),
        steps=[
            StepRead(
                id=one.id,
                name=one.step.name,
                kind=one.kind.value,
                state=one.state.value,
                desk_ids=[uuid.UUID(desk) for desk in desks_of(one.step)],
            )
            for one in state.steps
        ],
        documents=await read_documents(session, folder.id),
        allowed_actions=[
            AllowedActionRead(action=one.kind.value, desk_id=uuid.UUID(one.desk), step=one.step)
            for one in await allowed(session, context, principal, folder)
        ],
    )


def summary(folder: Folder) -> FolderSummary:
    """A folder in a list."""
    return FolderSummary(
        id=folder.id,
        title=folder.title,
        status=folder.status,
        subtype_id=folder.subtype_id,
        submitter_desk_id=folder.submitter_desk_id,
        waiting_desk_ids=list(folder.waiting_desk_ids),
        waiting_kind=folder.waiting_kind,
        created_at=folder.created_at,
        updated_at=folder.updated_at,
    )


def reception_sentence(protocol: Protocol, state: FolderState) -> str | None:
    """What the answer of the outside allows to say: an act is received, never « exécutoire » on
    its acknowledgement alone (actes.md §4)."""
    if state.status is not FolderStatus.ACKNOWLEDGED or state.transmission is None:
        return None
    received_on = state.transmission.received_on
    day = f" le {received_on:%d/%m/%Y}" if received_on else ""
    if protocol is Protocol.ACTES:
        return f"Reçu en préfecture{day}"
    return f"Acquitté par la trésorerie{day}"
