"""How a folder comes in: draft, documents as they arrive, submission."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.audit.chain import Occurrence
from app.audit.service import record
from app.auth.principal import Principal
from app.catalog.service import Resolved, refuse_deposit_desk, resolve
from app.context import Context
from app.db.session import tenant_of
from app.deposits.intake import refuse_unless_open
from app.documents.repository import DocumentRepository
from app.documents.service import Intake, Received, add_document
from app.errors import Conflict, TooLarge
from app.folders.details import refuse_act
from app.folders.facts import binding_of
from app.folders.marking import Marked, mark
from app.folders.places import place
from app.folders.references import FlowName, flow_name, name_used, take_reference
from app.folders.repository import FolderRepository
from app.folders.schemas import FolderCreate, Submission, chosen_desks
from app.folders.service import (
    INSPECTING,
    INSPECTION_REFUSED,
    Acted,
    append,
    lock_readable,
    note_correction,
    readable,
    seat,
)
from app.folders.submission import enter_workflow, flow_entering, index, takes_one_main
from app.kit.ids import new_id
from app.models import Document, Folder, Revision
from app.register.service import load_register
from app.storage import StoredBlob
from signing.facts import PesHeader
from workflows.engine import open_draft
from workflows.evolution import replay
from workflows.folder import DocumentRole, FolderId, FolderStatus
from workflows.metadata import MetadataField, complete

INSPECT = "deposits.inspect"


async def create(
    session: AsyncSession, context: Context, principal: Principal, new: FolderCreate
) -> Folder:
    """Opens a draft. Raises Unprocessable, Forbidden, or a refusal of the engine."""
    # First: from then on nobody changes or deletes the subtype.
    register = await load_register(session)
    resolved = await resolve(session, new.subtype_id)
    refuse_deposit_desk(resolved, new.desk_id)
    await refuse_act(session, context, resolved.protocol, new.act)
    now = context.clock()
    folder_id = new_id()
    created = open_draft(FolderId(str(folder_id)), seat(principal, new.desk_id), register, now)
    folder = Folder(
        id=folder_id,
        tenant_id=tenant_of(session),
        subtype_id=new.subtype_id,
        title=new.title,
        status=FolderStatus.DRAFT.value,
        version=0,
        submitter_kind=principal.kind.value,
        submitter_id=principal.id,
        submitter_desk_id=new.desk_id,
        waiting_desk_ids=[],
        participant_desk_ids=[],
        folder_metadata=dict(complete(_optional(resolved), new.metadata)),
        act=new.act.model_dump(mode="json") if new.act else None,
        updated_at=now,
        created_at=now,
    )
    FolderRepository(session).add(folder)
    await session.flush()
    await append(session, folder, (created,))
    await place(session, folder, replay((created,)), now=now)
    await index(session, folder)
    return folder


def _optional(resolved: Resolved) -> tuple[MetadataField, ...]:
    """A draft may lack what its submission demands."""
    return tuple(replace(one, required_at_deposit=False) for one in resolved.metadata_fields)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A document whose bytes stand in the store, ready to be named by rows."""

    name: str
    intake: Intake
    received: Received


async def record_document(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder: Folder,
    arrival: Arrival,
) -> tuple[Document, Revision]:
    """Writes the rows of a received document in a locked folder. Raises what the plan did,
    again: the folder may have changed while the bytes arrived."""
    document, revision = await _keep(session, context, principal, folder, arrival)
    await follow(session, context, folder, revision, deferred=arrival.received.deferred)
    return document, revision


async def _keep(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder: Folder,
    arrival: Arrival,
) -> tuple[Document, Revision]:
    intake, received = arrival.intake, arrival.received
    by = await refuse_unless_open(session, context, principal, folder)
    await _refuse_excess(session, context, folder, arrival)
    if received.pes is not None:
        await take_name(session, folder, received.pes.header, context.clock())
    document, revision = await add_document(
        session, folder.id, name=arrival.name, intake=intake, received=received
    )
    folder.refusal = None
    if folder.status == INSPECTION_REFUSED:
        folder.status = FolderStatus.DRAFT.value
    folder.updated_at = context.clock()
    _journal_deposit(session, context, principal, document, revision)
    await note_correction(session, context, by, folder)
    return document, revision


async def follow(
    session: AsyncSession, context: Context, folder: Folder, revision: Revision, *, deferred: bool
) -> None:
    """What comes after a document: lists and search know it, or a job reads the rest of a large
    file first."""
    if deferred:
        folder.status = INSPECTING
        await _defer(session, context, folder, revision)
        return
    await index(session, folder)


async def _refuse_excess(
    session: AsyncSession, context: Context, folder: Folder, arrival: Arrival
) -> None:
    repository = DocumentRepository(session)
    if arrival.intake.role is DocumentRole.MAIN_DOCUMENT:
        await _refuse_second_main(session, folder)
    if arrival.intake.is_pes:
        return
    used = await repository.size_of_folder(folder.id)
    if used + arrival.received.blob.size_bytes > context.settings.limits.folder_bytes:
        raise TooLarge(
            "Ce dossier dépasserait la taille permise : retirez des annexes.",
            code="folder_too_large",
        )


async def _refuse_second_main(session: AsyncSession, folder: Folder) -> None:
    if not takes_one_main(*await binding_of(session, folder)):
        return
    rows = await DocumentRepository(session).documents(folder.id)
    if any(row.kind == DocumentRole.MAIN_DOCUMENT.value for row in rows):
        raise Conflict(
            "Ce dossier a déjà son document principal : remplacez-le par une nouvelle révision, "
            "joignez celui-ci en annexe, ou faites un dossier par document, par acte ou par flux.",
            code="one_main_document",
        )


async def take_name(
    session: AsyncSession, folder: Folder, header: PesHeader, now: datetime
) -> None:
    """Raises Conflict (`pes_file_name_used`) when another living folder has the flow's name."""
    await take_reference(session, folder, _name(header), now)


def _name(header: PesHeader) -> FlowName:
    return flow_name(header.body_siret, header.body_code, header.file_name)


async def refuse_used_name(
    context: Context, principal: Principal, header: PesHeader, folder_id: uuid.UUID | None
) -> None:
    """Refuses a flow whose name another folder holds, before its bytes are kept: `take_name` does
    it again. Raises Conflict (`pes_file_name_used`)."""
    async with context.unit(principal.tenant_id) as session:
        holder = await DocumentRepository(session).holder_of(**asdict(_name(header)))
        folder = await FolderRepository(session).folder(folder_id) if folder_id else None
    followed = folder.chained_from_id if folder is not None else None
    if holder not in (None, folder_id, followed):
        raise name_used(header.file_name)


def _journal_deposit(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    document: Document,
    revision: Revision,
) -> None:
    record(
        session,
        Occurrence(
            kind="document.deposited",
            actor=principal.actor,
            folder=str(document.folder_id),
            document=str(document.id),
            document_sha256=revision.sha256,
            details={"size_bytes": revision.size_bytes},
        ),
        at=context.clock(),
        values={"name": document.name},
    )


async def _defer(
    session: AsyncSession, context: Context, folder: Folder, revision: Revision
) -> None:
    """Leaves the rest of the inspection of a large file to a job."""
    await jobs.enqueue(
        session,
        INSPECT,
        folder.tenant_id,
        {"folder_id": str(folder.id), "revision_id": str(revision.id)},
        run_after=context.clock(),
        dedupe_key=f"{INSPECT}:{revision.id}",
    )


async def mark_before_submission(
    context: Context, principal: Principal, folder_id: uuid.UUID
) -> Marked | None:
    """The flow that the circuit will sign, marked outside the transaction of the submission
    (DESIGN D9). Raises NotFound."""
    async with context.unit(principal.tenant_id) as session:
        folder = await readable(session, principal, folder_id)
        flow = await flow_entering(session, folder)
    return await mark(context, flow)


async def submit(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder_id: uuid.UUID,
    asked: Submission,
    marked: Marked | None,
) -> Acted:
    """Sends the folder in its circuit. Raises NotFound and the refusals of `enter_workflow`."""
    folder = await lock_readable(session, principal, folder_id)
    actor = seat(principal, asked.desk_id)
    chosen = chosen_desks(asked)
    return await enter_workflow(session, context, folder, actor, chosen, marked=marked)


@dataclass(frozen=True, slots=True)
class WholeDeposit:
    """Everything of a one-shot deposit, its bytes already in the store. `marked`: the flow as
    its circuit will sign it, None where it says so already."""

    new: FolderCreate
    arrivals: tuple[Arrival, ...]
    marked: StoredBlob | None


async def deposit_whole(
    session: AsyncSession, context: Context, principal: Principal, whole: WholeDeposit
) -> Folder:
    """Draft, documents and submission in one transaction: all of it or nothing. A folder of which
    a job reads a document stays `inspecting`, to be submitted later."""
    folder = await create(session, context, principal, whole.new)
    kept = [(await _keep(session, context, principal, folder, one))[1] for one in whole.arrivals]
    for arrival, revision in zip(whole.arrivals, kept, strict=True):
        await follow(session, context, folder, revision, deferred=arrival.received.deferred)
    if folder.status == INSPECTING:
        return folder
    flow = await flow_entering(session, folder)
    marked = Marked(flow, whole.marked) if flow is not None else None
    actor = seat(principal, whole.new.desk_id)
    chosen = chosen_desks(whole.new)
    acted = await enter_workflow(session, context, folder, actor, chosen, marked=marked)
    return acted.folder
