"""Phase 1 of a signature: sessions, and each document prepared on its own (DESIGN D8)."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.auth.refusals import failure_of_one
from app.catalog.service import Resolved, resolve
from app.context import Context
from app.desks.repository import DeskRepository
from app.documents.repository import DocumentRepository
from app.errors import AppError, Conflict, NotFound, Unprocessable
from app.folders.facts import situation_of
from app.folders.integrity import freeze, refuse_frozen
from app.folders.repository import FolderRepository
from app.folders.service import readable, seat
from app.kit.ids import new_id
from app.kit.threads import in_thread
from app.models import Certificate, Folder, ItemState, SignatureItem, SignatureSession
from app.preparations.repository import PreparationRepository
from app.preparations.schemas import ItemCreate, SignatureSessionCreate
from app.preparations.stamping import stamp_for
from app.settings import MIB
from app.storage import BlobStore, Corrupted
from app.tenants.repository import TenantRepository
from app.tenants.service import trust_material
from app.users.repository import UserRepository
from app.users.service import chain_of, fitness_of
from signing import phases
from signing.errors import SigningError
from signing.types import (
    Place,
    Prepared,
    SignatureFormat,
    SignatureParameters,
    Stamp,
)
from workflows import folder as domain
from workflows.actions import ActionKind
from workflows.definition import Protocol
from workflows.engine import acting
from workflows.errors import Refused
from workflows.register import Power

MAX_DOCUMENT = 160 * MIB


async def open_session(
    context: Context, principal: Principal, new: SignatureSessionCreate, session: AsyncSession
) -> SignatureSession:
    """The session and its items, nothing prepared yet. Raises NotFound or Unprocessable."""
    _refuse_repetition(new)
    repository = PreparationRepository(session)
    certificate = await UserRepository(session).certificate(principal.id, new.certificate_sha256)
    if certificate is None:
        raise Unprocessable(
            "Ce certificat n'est pas enregistré à votre nom : branchez votre clé, lancez l'agent.",
            code="unknown_certificate",
        )
    device = (
        await repository.device(new.device_id)
        if new.device_id
        else await repository.last_device(principal.id)
    )
    if device is None or device.user_id != principal.id or device.revoked_at is not None:
        raise Unprocessable(
            "Aucun agent de signature n'est appairé à votre nom : appairez votre poste.",
            code="no_device",
        )
    row = SignatureSession(
        id=new_id(),
        tenant_id=principal.tenant_id,
        user_id=principal.id,
        certificate_id=certificate.id,
        device_id=device.id,
    )
    repository.add(row)
    await session.flush()
    for n, item in enumerate(new.items, start=1):
        repository.add(await _item(session, principal, row, n, item))
    await session.flush()
    return row


def _refuse_repetition(new: SignatureSessionCreate) -> None:
    if len({one.document_id for one in new.items}) != len(new.items):
        raise Unprocessable(
            "Un document figure deux fois dans cette demande : ne le choisissez qu'une fois.",
            code="document_twice",
        )


async def _item(
    session: AsyncSession,
    principal: Principal,
    row: SignatureSession,
    n: int,
    item: ItemCreate,
) -> SignatureItem:
    folder = await readable(session, principal, item.folder_id)
    document = await DocumentRepository(session).document(item.document_id)
    if document is None or document.folder_id != folder.id:
        raise NotFound
    if await DeskRepository(session).desk(item.desk_id) is None:
        raise NotFound
    return SignatureItem(
        id=new_id(),
        tenant_id=row.tenant_id,
        session_id=row.id,
        n=n,
        folder_id=folder.id,
        document_id=document.id,
        desk_id=item.desk_id,
        state=ItemState.LAPSED.value,
    )


async def prepare_session(
    context: Context, principal: Principal, session_id: uuid.UUID
) -> list[int]:
    """Prepares every document without a value, each on its own; the numbers of those that could
    be. What an agent works on is left to it. Raises NotFound."""
    async with context.unit(principal.tenant_id) as session:
        row = await own_session(session, principal, session_id)
        repository = PreparationRepository(session)
        await repository.withdraw_offers(row.id, context.clock())
        waiting = [
            one.n
            for one in await repository.items(row.id)
            if not await _is_settled(repository, context, one)
        ]
    return [n for n in waiting if await _prepare_item(context, principal, row, n)]


async def _is_settled(
    repository: PreparationRepository, context: Context, item: SignatureItem
) -> bool:
    """Signed, or in the hands of an agent whose lease is alive."""
    if item.state == ItemState.SIGNED.value:
        return True
    if item.state != ItemState.ACCEPTED.value:
        return False
    job = await repository.leased_job_of(item.session_id, item.n, context.clock())
    return job is not None


async def own_session(
    session: AsyncSession, principal: Principal, session_id: uuid.UUID
) -> SignatureSession:
    """Raises NotFound: another person's session does not exist for this caller."""
    row = await PreparationRepository(session).signature_session(session_id)
    if row is None or row.user_id != principal.user_id:
        raise NotFound
    return row


async def lock_item(
    session: AsyncSession, session_id: uuid.UUID, n: int
) -> tuple[Folder, SignatureItem]:
    """The folder, then the item: always in this order. Raises NotFound."""
    repository = PreparationRepository(session)
    item = await repository.item(session_id, n)
    folder = await FolderRepository(session).lock(item.folder_id) if item else None
    locked = await repository.lock_item(session_id, n)
    if folder is None or locked is None:
        raise NotFound
    return folder, locked


@dataclass(frozen=True, slots=True)
class _Plan:
    """What phase 1 of a document needs, read in one transaction and used outside it."""

    format: SignatureFormat
    parameters: SignatureParameters
    stamp: Stamp | None
    mention: str | None
    source: domain.Revision


@dataclass(frozen=True, slots=True)
class _Made:
    """What phase 1 made of a document, its bytes kept in the storage."""

    plan: _Plan
    prepared: Prepared
    sha256: str


async def _prepare_item(
    context: Context, principal: Principal, row: SignatureSession, n: int
) -> bool:
    try:
        async with context.unit(principal.tenant_id) as session:
            plan = await _plan(session, context, principal, row, n)
        prepared = await _prepare(context.store, plan)
        blob = await context.store.write(
            chunks_of(prepared.document), limit_bytes=len(prepared.document)
        )
        async with context.unit(principal.tenant_id) as session:
            made = _Made(plan, prepared, blob.sha256)
            return await _keep_preparation(session, context, row, n, made)
    except (AppError, SigningError, Refused) as e:
        async with context.unit(principal.tenant_id) as session:
            folder, item = await lock_item(session, row.id, n)
            if isinstance(e, Corrupted):
                await freeze(session, context, folder, document_id=item.document_id)
            await fail_item(session, context, row.id, n, code=e.code, detail=e.detail)
        await failure_of_one(context, principal, e, item.folder_id)
        return False


async def _plan(
    session: AsyncSession, context: Context, principal: Principal, row: SignatureSession, n: int
) -> _Plan:
    """Powers, fitness and document at the instant of prepare (DESIGN D6): what would refuse the
    signature refuses its preparation, in the same words."""
    folder, item = await lock_item(session, row.id, n)
    await readable(session, principal, folder.id)
    refuse_frozen(folder)
    resolved = await resolve(session, folder.subtype_id, even_retired=True)
    situation = await situation_of(session, context, folder)
    signer = seat(principal, item.desk_id)
    power = acting(
        situation.state,
        ActionKind.SIGN,
        signer,
        situation.register,
        situation.facts,
        context.clock(),
    ).power
    certificate = await PreparationRepository(session).certificate(row.certificate_id)
    assert certificate is not None
    await refuse_unfit(session, context, certificate, resolved)
    document = next(
        (one for one in situation.state.signable_documents if one.id == str(item.document_id)), None
    )
    if document is None:
        raise Unprocessable(
            "Ce document ne se signe pas : choisissez un document principal.",
            code="not_signable",
        )
    row_of_document = await DocumentRepository(session).document(item.document_id)
    assert row_of_document is not None
    parameters = await _parameters(session, context, item, certificate, power)
    return _Plan(
        format=resolved.signature_format(
            row_of_document.media_type,
            has_detached_signature=document.revision.signature_sha256 is not None,
        ),
        parameters=parameters,
        stamp=await stamp_for(session, resolved, parameters),
        mention=power.mention,
        source=document.revision,
    )


async def refuse_unfit(
    session: AsyncSession, context: Context, certificate: Certificate, resolved: Resolved
) -> None:
    """Raises Unprocessable (`unfit_certificate`) with every reason."""
    judged = await fitness_of(
        certificate,
        await trust_material(session),
        now=context.clock(),
        rsa_only=resolved.protocol is Protocol.HELIOS,
    )
    if not judged.fit:
        raise Unprocessable(
            " ".join(reason.detail for reason in judged.reasons),
            code="unfit_certificate",
            extra={"reasons": [reason.code for reason in judged.reasons]},
        )


async def _parameters(
    session: AsyncSession,
    context: Context,
    item: SignatureItem,
    certificate: Certificate,
    power: Power,
) -> SignatureParameters:
    """ClaimedRole is the mention of the power, else the desk's capacity (DESIGN D9)."""
    tenant = await TenantRepository(session).current()
    desk = await DeskRepository(session).desk(item.desk_id)
    assert desk is not None
    trust = await trust_material(session)
    return SignatureParameters(
        certificate=certificate.content,
        chain=chain_of(certificate) or trust.intermediates,
        signing_time=context.clock().replace(microsecond=0),
        place=Place(tenant.city, tenant.postal_code, tenant.country),
        claimed_role=power.mention or desk.capacity or tenant.default_role,
        signer_name=certificate.subject,
    )


async def _prepare(store: BlobStore, plan: _Plan) -> Prepared:
    source = await store.read_verified(plan.source.sha256, limit_bytes=MAX_DOCUMENT)
    return await in_thread(lambda: phases.prepare(plan.format, source, plan.parameters, plan.stamp))


async def chunks_of(document: bytes) -> Any:
    for start in range(0, len(document), MIB):
        yield document[start : start + MIB]


async def _keep_preparation(
    session: AsyncSession,
    context: Context,
    row: SignatureSession,
    n: int,
    made: _Made,
) -> bool:
    _, item = await lock_item(session, row.id, n)
    if await _is_settled(PreparationRepository(session), context, item):
        return False
    await _lapse_earlier(session, context, item)
    item.state = ItemState.PREPARED.value
    item.failure = None
    item.source_sha256 = made.plan.source.sha256
    item.source_signature_sha256 = made.plan.source.signature_sha256
    item.prepared_sha256 = made.sha256
    item.signing_time = made.plan.parameters.signing_time
    item.prepared = _to_json(made.plan, made.prepared)
    item.updated_at = context.clock()
    await session.flush()
    return True


async def _lapse_earlier(session: AsyncSession, context: Context, item: SignatureItem) -> None:
    """One pending preparation per document: an earlier one lapses unless an agent works on it.

    Raises Conflict (`document_being_signed`)."""
    repository = PreparationRepository(session)
    earlier = await repository.pending_item(item.document_id)
    if earlier is None or earlier.id == item.id:
        return
    if await repository.leased_job_of(earlier.session_id, earlier.n, context.clock()):
        raise Conflict(
            "Ce document est en cours de signature sur un autre poste : attendez sa fin.",
            code="document_being_signed",
        )
    earlier.state = ItemState.LAPSED.value
    earlier.prepared = None
    await session.flush()


def _to_json(plan: _Plan, prepared: Prepared) -> dict[str, Any]:
    parameters = plan.parameters
    return {
        "format": prepared.format.value,
        "resume": dict(prepared.resume),
        "size_bytes": len(prepared.document),
        "claimed_role": parameters.claimed_role,
        "mention": plan.mention,
        "city": parameters.place.city,
        "postal_code": parameters.place.postal_code,
        "country": parameters.place.country,
        "to_sign": [
            {
                "id": one.id,
                "tbs": base64.b64encode(one.tbs).decode(),
                "mechanism": one.mechanism.value,
                "target_id": one.target_id,
                "signed_properties": base64.b64encode(one.signed_properties).decode()
                if one.signed_properties is not None
                else None,
            }
            for one in prepared.to_sign
        ],
    }


async def fail_item(
    session: AsyncSession,
    context: Context,
    session_id: uuid.UUID,
    n: int,
    *,
    code: str,
    detail: str,
) -> None:
    """The document was not signed: why stays readable, and it may be prepared again."""
    _, item = await lock_item(session, session_id, n)
    if item.state == ItemState.SIGNED.value:
        return
    item.state = ItemState.FAILED.value
    item.failure = {"code": code, "detail": detail}
    item.prepared = None
    item.updated_at = context.clock()
    await session.flush()
