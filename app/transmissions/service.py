"""A transmission: scheduled once a round, locked with its folder, marked as it goes."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.catalog.repository import CatalogRepository
from app.context import Context
from app.documents.repository import DocumentRepository
from app.folders.facts import state_of
from app.folders.repository import FolderRepository
from app.folders.service import apply
from app.kit.ids import new_id
from app.models import Folder, Transmission, TransmissionReceipt
from app.storage import StoredBlob
from app.transmissions.remote import main_document
from app.transmissions.repository import TransmissionRepository
from app.transmissions.schemas import ReceiptKind, TransmissionState
from workflows.actions import RecordTransmitted
from workflows.folder import FolderState, FolderStatus, TransmissionId

SUBMIT, POLL = "transmissions.submit", "transmissions.poll"
POSTS_ALLOWED = 2
"""A first post and, once its outcome stayed unknown, one more: the rest is a person's decision."""

_RESCHEDULABLE = frozenset(
    {TransmissionState.SCHEDULED, TransmissionState.NEEDS_PERSON, TransmissionState.WITHDRAWN}
)
_NO_ACCOUNT = (
    "Ce type de dossier n'a pas de compte de télétransmission : l'administrateur en choisit un, "
    "puis relance l'envoi."
)
_ID_UNKNOWN = (
    "Le TdT détient ce flux sans avoir donné son identifiant : il sera clos par son acquittement, "
    "ou saisissez l'identifiant lu sur la plateforme."
)


@dataclass(frozen=True, slots=True)
class Held:
    """A transmission and its folder, locked until the transaction ends."""

    folder: Folder
    row: Transmission
    state: FolderState

    @property
    def id(self) -> TransmissionId:
        return TransmissionId(str(self.row.id))

    @property
    def is_due(self) -> bool:
        """Whether the folder still waits for this emission: nobody took it back."""
        if self.state.round != self.row.round:
            return False
        if self.state.status is FolderStatus.AWAITING_TRANSMISSION:
            return True
        return self.state.status is FolderStatus.TRANSMITTING and self._is_claimed

    @property
    def is_transmitted(self) -> bool:
        """Whether the remote has this emission and its answer is awaited."""
        return self.state.status is FolderStatus.TRANSMITTED and self._is_claimed

    @property
    def _is_claimed(self) -> bool:
        return self.state.transmission is not None and self.state.transmission.id == self.id


async def schedule(session: AsyncSession, context: Context, folder_id: uuid.UUID) -> None:
    """Owes the emission of a folder that reached its transmission step; called again for the same
    step it changes nothing. Without an account, the transmission waits for a person."""
    folder = await FolderRepository(session).lock(folder_id)
    if folder is None or folder.status != FolderStatus.AWAITING_TRANSMISSION.value:
        return
    state = await state_of(session, folder_id)
    row = await TransmissionRepository(session).of_round(folder_id, state.round)
    if row is None:
        row = await _new_transmission(session, context, folder, state)
    elif row.folder_version == folder.version or row.state not in _RESCHEDULABLE:
        return
    row.folder_version = folder.version
    row.document_sha256 = main_document(state).revision.sha256
    await enqueue(session, context, row, dedupe=str(folder.version))


async def _new_transmission(
    session: AsyncSession, context: Context, folder: Folder, state: FolderState
) -> Transmission:
    catalog = CatalogRepository(session)
    subtype = await catalog.subtype(folder.subtype_id)
    assert subtype is not None
    kind = await catalog.folder_type(subtype.type_id)
    assert kind is not None
    reference = await DocumentRepository(session).reference_of(folder.id)
    now = context.clock()
    row = Transmission(
        id=new_id(),
        tenant_id=folder.tenant_id,
        folder_id=folder.id,
        round=state.round,
        folder_version=folder.version,
        protocol=kind.protocol,
        account_id=kind.connector_account_id,
        state=TransmissionState.SCHEDULED.value,
        posts_allowed=POSTS_ALLOWED,
        document_sha256=main_document(state).revision.sha256,
        file_name=reference.file_name if reference else None,
        body_code=reference.body_code if reference else None,
        setbacks=0,
        polls=0,
        created_at=now,
        updated_at=now,
    )
    TransmissionRepository(session).add(row)
    await session.flush()
    return row


async def enqueue(
    session: AsyncSession, context: Context, row: Transmission, *, dedupe: str
) -> None:
    """Owes a submission job; `dedupe` tells this occasion from the earlier ones of the row."""
    now = context.clock()
    row.updated_at = now
    row.job_id, row.setbacks = None, 0
    if row.account_id is None:
        row.state, row.detail = TransmissionState.NEEDS_PERSON.value, _NO_ACCOUNT
        await session.flush()
        return
    row.state, row.detail = TransmissionState.SCHEDULED.value, None
    await session.flush()
    await jobs.enqueue(
        session,
        SUBMIT,
        row.tenant_id,
        {"transmission_id": str(row.id)},
        run_after=now,
        dedupe_key=f"{SUBMIT}:{row.id}:{dedupe}",
    )


async def store_bytes(context: Context, content: bytes) -> StoredBlob:
    """Bytes of the remote, in the store before a row names them."""

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    return await context.store.write(chunks(), limit_bytes=len(content))


async def enqueue_poll(session: AsyncSession, context: Context, row: Transmission) -> None:
    """Owes the polling of an emission under this id, or of one whose id is still sought."""
    await jobs.enqueue(
        session,
        POLL,
        row.tenant_id,
        {"transmission_id": str(row.id), "remote_id": row.remote_id or ""},
        run_after=context.clock() + timedelta(seconds=context.settings.tdt.poll_s),
        dedupe_key=poll_key(row),
    )


def poll_key(row: Transmission) -> str:
    """The `dedupe_key` of the job that asks about an emission under its present id."""
    return f"{POLL}:{row.id}:{row.remote_id or ''}"


async def hold(session: AsyncSession, transmission_id: uuid.UUID) -> Held | None:
    """The folder, then the transmission, locked: always in this order."""
    repository = TransmissionRepository(session)
    row = await repository.transmission(transmission_id)
    folder = await FolderRepository(session).lock(row.folder_id) if row else None
    if folder is None:
        return None
    return Held(folder, await repository.lock(transmission_id), await state_of(session, folder.id))


async def rest(
    session: AsyncSession,
    context: Context,
    held: Held,
    state: TransmissionState,
    detail: str | None,
) -> None:
    """Where the transmission stands from now, and what there is to say about it."""
    held.row.state, held.row.detail = state.value, detail
    held.row.updated_at = context.clock()
    await session.flush()


async def mark_sent(
    session: AsyncSession, context: Context, held: Held, remote_id: str | None
) -> None:
    """Records that the remote took it, or the id that was not known then, and polls from now."""
    await apply(session, context, held.folder, RecordTransmitted(held.id, remote_id))
    held.row.remote_id = remote_id
    held.row.polls = 0
    if remote_id is not None:
        await rest(session, context, held, TransmissionState.SENT, None)
    else:
        await rest(session, context, held, TransmissionState.SENT_ID_UNKNOWN, _ID_UNKNOWN)
    await enqueue_poll(session, context, held.row)


async def keep_receipt(
    session: AsyncSession,
    context: Context,
    row: Transmission,
    kind: ReceiptKind,
    blob: StoredBlob,
    *,
    media_type: str,
) -> None:
    """Names bytes of the remote that are already in the store."""
    await TransmissionRepository(session).keep(
        TransmissionReceipt(
            id=new_id(),
            tenant_id=row.tenant_id,
            transmission_id=row.id,
            kind=kind.value,
            sha256=blob.sha256,
            media_type=media_type,
            received_at=context.clock(),
        )
    )
