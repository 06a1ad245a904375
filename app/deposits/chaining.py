"""A folder that follows another: its documents, as they ended, enter a circuit of their own."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.catalog.service import Resolved, resolve
from app.context import Context
from app.db.session import tenant_of
from app.deposits.intake import Announced, is_stamped, refuse_type
from app.deposits.schemas import ChainCreate
from app.deposits.service import create
from app.documents.detached import detached_signature
from app.documents.repository import DocumentRepository
from app.documents.schemas import Origin
from app.documents.service import PDF, add_revision, owe_report
from app.documents.verdicts import told_of_stamp
from app.errors import Unprocessable
from app.folders.facts import binding_of, pes_facts_of, state_of
from app.folders.references import hold_reference
from app.folders.schemas import FolderCreate
from app.folders.service import apply, lock_readable, seat
from app.folders.submission import entering_documents, index
from app.kit.ids import new_id
from app.models import Document, Folder, Revision
from app.storage import StoredBlob
from workflows import folder as domain
from workflows.actions import Chain
from workflows.definition import HeliosIntake
from workflows.folder import DocumentRole, FolderId


async def chain(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder_id: uuid.UUID,
    new: ChainCreate,
) -> Folder:
    """Opens a draft that follows an ended folder, with its documents as they are now.

    Raises NotFound, the engine's refusals (NotEnded, AlreadyChained, NotEntitled), those of a
    deposit, or Unprocessable (`chained_flow_signed`): a signed flow is never signed again."""
    ended = await lock_readable(session, principal, folder_id)
    resolved = await resolve(session, new.subtype_id)
    await _refuse_other_kind(session, ended, resolved)
    follower = await create(
        session,
        context,
        principal,
        FolderCreate(
            subtype_id=new.subtype_id,
            desk_id=new.desk_id,
            title=new.title or ended.title,
            metadata=new.metadata,
            act=new.act,
        ),
    )
    follower.chained_from_id = ended.id
    action = Chain(seat(principal, new.desk_id), FolderId(str(follower.id)))
    acted = await apply(session, context, ended, action)
    for document in acted.state.documents:
        copy, source = await _copy(session, resolved, follower, document)
        await _first_revision(session, context, resolved, copy, source)
    documents = await entering_documents(session, follower.id)
    await hold_reference(session, follower, documents, context.clock())
    await index(session, follower)
    return follower


async def _refuse_other_kind(session: AsyncSession, ended: Folder, resolved: Resolved) -> None:
    """A flow that was signed, here or before, goes where signed flows go."""
    if resolved.intake is None:
        return
    subtype, _ = await binding_of(session, ended)
    signed_here = (await state_of(session, ended.id)).signed_revisions
    signed_before = (await pes_facts_of(session, ended.id)).get("signature_count")
    is_signed = bool(signed_here or signed_before)
    if is_signed and resolved.intake is HeliosIntake.TO_SIGN:
        raise Unprocessable(
            "Ce flux est déjà signé : enchaînez-le dans un sous-type de flux signés, qui ne le "
            "signe pas une seconde fois.",
            code="chained_flow_signed",
        )
    found = HeliosIntake.SIGNED_ELSEWHERE.value if is_signed else subtype.helios_intake
    if found is not None and found != resolved.intake.value:
        raise Unprocessable(
            "Ce sous-type prend d'autres flux que celui de ce dossier (à signer, déjà signés, sans "
            "signature) : choisissez le sous-type qui convient.",
            code="pes_wrong_intake",
        )


async def _copy(
    session: AsyncSession, resolved: Resolved, follower: Folder, document: domain.Document
) -> tuple[Document, Revision]:
    """The same document in the follower, and the revision whose bytes it will have: nothing of
    the ended folder moves."""
    repository = DocumentRepository(session)
    source = await repository.document(uuid.UUID(document.id))
    revision = await repository.revision(uuid.UUID(document.revision.id))
    assert source is not None
    assert revision is not None
    refuse_type(resolved, Announced(source.name, document.role, source.media_type, None, None))
    copy = Document(
        id=new_id(),
        tenant_id=tenant_of(session),
        folder_id=follower.id,
        kind=source.kind,
        position=source.position,
        name=source.name,
        media_type=source.media_type,
    )
    repository.add(copy)
    await session.flush()
    return copy, revision


async def _first_revision(
    session: AsyncSession, context: Context, resolved: Resolved, copy: Document, source: Revision
) -> None:
    """The same bytes, and the signature beside them. A signature whose report is not made yet is
    verified here too, before it is sent: the report comes beside the revision that was signed
    only."""
    blob = StoredBlob(source.sha256, source.size_bytes)
    facts = source.facts
    if source.origin == Origin.SIGNED.value and facts and "signature_count" in facts:
        # What was read at the deposit is older than the signature.
        facts = {**facts, "signature_count": facts["signature_count"] + 1}
    if facts and copy.media_type == PDF:
        facts = told_of_stamp(facts, stamped=is_stamped(resolved, DocumentRole(copy.kind)))
    made = await add_revision(
        session,
        copy.id,
        blob,
        Origin.DEPOSITED,
        facts=facts,
        signature=detached_signature(source),
    )
    made.report = source.report
    await session.flush()
    if source.origin == Origin.SIGNED.value and source.report is None:
        await owe_report(session, copy.folder_id, made.id, context.clock())
