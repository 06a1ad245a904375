"""Phase 2 of a signature: values verified, documents assembled, the step passed (DESIGN D8)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Occurrence
from app.audit.service import record
from app.auth.principal import Principal
from app.catalog.service import resolve
from app.context import Context
from app.documents.detached import as_domain
from app.documents.repository import DocumentRepository
from app.documents.schemas import Origin
from app.documents.service import add_revision
from app.errors import AppError, Conflict
from app.folders.facts import state_of
from app.folders.integrity import freeze
from app.folders.service import Acted, apply
from app.kit.threads import in_thread
from app.models import Certificate, ItemState, SignatureItem
from app.preparations.repository import PreparationRepository
from app.preparations.service import MAX_DOCUMENT, chunks_of, lock_item, refuse_unfit
from app.register.service import as_desk, as_person
from app.storage import Corrupted, StoredBlob
from signing import phases
from signing.errors import SigningError
from signing.types import (
    SignatureFormat,
    SignatureValue,
)
from workflows import folder as domain
from workflows.actions import Sign
from workflows.errors import Refused
from workflows.events import Signed
from workflows.moments import NotInWorkflow
from workflows.register import PersonAtDesk


@dataclass(frozen=True, slots=True)
class _Pending:
    """What phase 2 of a document needs, read in one transaction and used outside it."""

    format: SignatureFormat
    prepared_sha256: str
    resume: dict[str, Any]
    certificate: Certificate
    user_id: uuid.UUID
    mention: str | None


@dataclass(frozen=True, slots=True)
class _Signed:
    """What phase 2 made, in the store: a document that holds its signature, or the unchanged one
    with the signature made apart."""

    document: StoredBlob
    signature: StoredBlob | None = None


async def finish_item(
    context: Context,
    principal: Principal,
    session_id: uuid.UUID,
    n: int,
    values: tuple[SignatureValue, ...],
) -> None:
    """Assembles, checks and stores one signed document; the folder's step passes with its last
    one. A wrong value or a power lost meanwhile changes nothing, and is journaled (D8).

    Raises what refused it: SigningError, AppError, Refused."""
    try:
        async with context.unit(principal.tenant_id) as session:
            pending = await _pending(session, context, session_id, n)
        if pending is None:
            return
        document = await context.store.read_verified(
            pending.prepared_sha256, limit_bytes=MAX_DOCUMENT
        )
        made = await in_thread(lambda: _finish(pending, document, values))
        blob = await context.store.write(chunks_of(made), limit_bytes=len(made))
        signed = _Signed(blob)
        if pending.format is SignatureFormat.CADES:
            signed = _Signed(StoredBlob(pending.prepared_sha256, len(document)), signature=blob)
        async with context.unit(principal.tenant_id) as session:
            await _keep_signed(session, context, session_id, n, pending, signed)
    except (AppError, SigningError, Refused) as e:
        async with context.unit(principal.tenant_id) as session:
            await _refuse_value(session, context, principal, session_id, n, e)
        raise


async def _pending(
    session: AsyncSession, context: Context, session_id: uuid.UUID, n: int
) -> _Pending | None:
    repository = PreparationRepository(session)
    _, item = await lock_item(session, session_id, n)
    if not _awaits_value(item):
        return None
    row = await repository.signature_session(session_id)
    assert row is not None
    certificate = await repository.certificate(row.certificate_id)
    assert certificate is not None
    assert item.prepared is not None
    assert item.prepared_sha256 is not None
    assert item.signing_time is not None
    age = context.clock() - item.signing_time
    if age > timedelta(seconds=context.settings.signing.prepared_s):
        raise Conflict(
            "La préparation de ce document est trop ancienne : relancez la signature.",
            code="preparation_too_old",
        )
    return _Pending(
        SignatureFormat(item.prepared["format"]),
        item.prepared_sha256,
        item.prepared["resume"],
        certificate,
        row.user_id,
        item.prepared.get("mention"),
    )


def _awaits_value(item: SignatureItem) -> bool:
    """Whether the value of a locked item is still to come: it is taken once, and what an agent
    sends again, even before its first answer, changes nothing. Raises Conflict
    (`preparation_lapsed`)."""
    if item.state == ItemState.SIGNED.value:
        return False
    if item.state != ItemState.ACCEPTED.value or item.prepared is None:
        raise Conflict(
            "La préparation de ce document n'a plus cours : relancez la signature.",
            code="preparation_lapsed",
        )
    return True


def _finish(pending: _Pending, document: bytes, values: tuple[SignatureValue, ...]) -> bytes:
    """The signed document, or the signature made apart."""
    return phases.finish(
        pending.format,
        document,
        pending.resume,
        values,
        certificate=pending.certificate.content,
    )


async def _keep_signed(
    session: AsyncSession,
    context: Context,
    session_id: uuid.UUID,
    n: int,
    pending: _Pending,
    made: _Signed,
) -> None:
    """Powers and fitness are judged again, at the instant of the act."""
    folder, item = await lock_item(session, session_id, n)
    if not _awaits_value(item):
        return
    resolved = await resolve(session, folder.subtype_id, even_retired=True)
    await refuse_unfit(session, context, pending.certificate, resolved)
    item.state = ItemState.SIGNED.value
    item.signed_sha256 = made.document.sha256
    item.signed_size_bytes = made.document.size_bytes
    item.signature_sha256 = made.signature.sha256 if made.signature else None
    item.signature_size_bytes = made.signature.size_bytes if made.signature else None
    item.prepared = None
    item.updated_at = context.clock()
    await session.flush()
    state = await state_of(session, folder.id)
    signed = {
        str(one.document_id): one
        for one in await PreparationRepository(session).signed_items(session_id, folder.id)
    }
    if any(document.id not in signed for document in state.signable_documents):
        return
    changes = tuple(
        [await _change(session, one, signed[one.id]) for one in state.signable_documents]
    )
    step = state.current_step
    if step is None:
        raise NotInWorkflow
    actor = PersonAtDesk(as_person(pending.user_id), as_desk(item.desk_id))
    acted = await apply(
        session,
        context,
        folder,
        Sign(actor, step.id, changes),
        certificate_sha256=pending.certificate.sha256,
    )
    _refuse_other_mention(acted, pending)


def _refuse_other_mention(acted: Acted, pending: _Pending) -> None:
    """What was signed says in whose name: a power that changed since is prepared and shown again.

    Raises Conflict (`capacity_changed`), and nothing of the act stays."""
    signed = next(one for one in acted.happened if isinstance(one, Signed))
    if signed.by.power.mention != pending.mention:
        raise Conflict(
            "Le pouvoir par lequel vous signez a changé pendant la signature : relancez-la.",
            code="capacity_changed",
        )


async def _change(
    session: AsyncSession, document: domain.Document, item: SignatureItem
) -> domain.RevisionChange:
    assert item.signed_sha256 is not None
    assert item.signed_size_bytes is not None
    source = await DocumentRepository(session).revision(uuid.UUID(document.revision.id))
    facts = source.facts if source is not None else None
    revision = await add_revision(
        session,
        item.document_id,
        StoredBlob(item.signed_sha256, item.signed_size_bytes),
        Origin.SIGNED,
        facts=facts,
        signature=_detached(item),
    )
    before = domain.Revision(
        document.revision.id, item.source_sha256 or "", item.source_signature_sha256
    )
    return domain.RevisionChange(document.id, before=before, after=as_domain(revision))


def _detached(item: SignatureItem) -> StoredBlob | None:
    if item.signature_sha256 is None or item.signature_size_bytes is None:
        return None
    return StoredBlob(item.signature_sha256, item.signature_size_bytes)


async def _refuse_value(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    session_id: uuid.UUID,
    n: int,
    error: AppError | SigningError | Refused,
) -> None:
    folder, item = await lock_item(session, session_id, n)
    if isinstance(error, Corrupted):
        await freeze(session, context, folder, document_id=item.document_id)
    if item.state != ItemState.ACCEPTED.value:
        return
    item.state = ItemState.FAILED.value
    item.failure = {"code": error.code, "detail": error.detail}
    record(
        session,
        Occurrence(
            kind="signature.refused",
            actor=principal.actor,
            on_behalf_of=str(principal.user_id),
            folder=str(folder.id),
            document=str(item.document_id),
            document_sha256=item.source_sha256,
            details={"code": error.code},
        ),
        at=context.clock(),
    )
