"""What an administrator does about an emission: reads it, names it, closes it, sends it again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.audit.chain import Occurrence
from app.audit.service import record
from app.auth.principal import Principal
from app.catalog.repository import CatalogRepository
from app.context import Context
from app.documents.schemas import report_key
from app.errors import Conflict, NotFound, Unprocessable
from app.folders.facts import state_of
from app.folders.reading import reception_sentence
from app.folders.service import apply
from app.kit.threads import in_thread
from app.models import Transmission, TransmissionAttempt
from app.storage import StoredBlob
from app.transmissions import returns
from app.transmissions.remote import (
    RemoteAccount,
    connected,
    main_document,
    remote_account,
    submission_of,
)
from app.transmissions.repository import TransmissionRepository
from app.transmissions.schemas import (
    AttemptOutcome,
    AttemptRead,
    ReceiptKind,
    ReceiptRead,
    TransmissionRead,
    TransmissionState,
)
from app.transmissions.sending import RUNNABLE
from app.transmissions.service import (
    POSTS_ALLOWED,
    Held,
    enqueue,
    hold,
    keep_receipt,
    mark_sent,
    poll_key,
)
from connectors.base import Answer, LookupResult, PesSubmission, Submission
from connectors.errors import ConnectorError, UnreadableAnswer
from connectors.helios import acquit
from workflows.actions import RecordTransmitted
from workflows.definition import Protocol
from workflows.folder import FolderStatus

MAX_ACQUIT_BYTES = 8 * 1024 * 1024
WAITING = frozenset(
    {
        TransmissionState.NEEDS_PERSON,
        TransmissionState.AMBIGUOUS,
        TransmissionState.SENT_ID_UNKNOWN,
    }
)
WAITING_FOLDERS = frozenset(
    {
        FolderStatus.AWAITING_TRANSMISSION,
        FolderStatus.TRANSMITTING,
        FolderStatus.TRANSMITTED,
    }
)
GOING_ON = frozenset(
    {TransmissionState.SCHEDULED, TransmissionState.SENDING, TransmissionState.SENT}
)
"""Where a job goes on by itself; a person looks once it was buried."""
_RETRIABLE = RUNNABLE | {TransmissionState.NEEDS_PERSON}
_PERHAPS_TAKEN = frozenset({AttemptOutcome.AMBIGUOUS, AttemptOutcome.DUPLICATE})


async def held_or_404(session: AsyncSession, transmission_id: uuid.UUID) -> Held:
    """Raises NotFound."""
    held = await hold(session, transmission_id)
    if held is None:
        raise NotFound
    return held


async def read(session: AsyncSession, rows: Sequence[Transmission]) -> list[TransmissionRead]:
    """Emissions with their posts and receipts, in the order given."""
    repository = TransmissionRepository(session)
    ids = [row.id for row in rows]
    attempts = await repository.attempts(ids)
    receipts = await repository.receipts(ids)
    return [
        TransmissionRead(
            id=row.id,
            folder_id=row.folder_id,
            round=row.round,
            protocol=Protocol(row.protocol),
            state=TransmissionState(row.state),
            document_sha256=row.document_sha256,
            file_name=row.file_name,
            body_code=row.body_code,
            remote_id=row.remote_id,
            remote_code=row.remote_code,
            reference=row.reference,
            received_on=row.received_on,
            reception=await _reception(session, row),
            detail=row.detail,
            created_at=row.created_at,
            updated_at=row.updated_at,
            attempts=[_attempt(one) for one in attempts if one.transmission_id == row.id],
            receipts=[
                ReceiptRead(
                    id=one.id,
                    kind=ReceiptKind(one.kind),
                    sha256=one.sha256,
                    media_type=one.media_type,
                    received_at=one.received_at,
                )
                for one in receipts
                if one.transmission_id == row.id
            ],
        )
        for row in rows
    ]


async def _reception(session: AsyncSession, row: Transmission) -> str | None:
    if row.state != TransmissionState.ACKNOWLEDGED.value:
        return None
    return reception_sentence(Protocol(row.protocol), await state_of(session, row.folder_id))


def _attempt(row: TransmissionAttempt) -> AttemptRead:
    return AttemptRead(
        number=row.number,
        document_sha256=row.document_sha256,
        outcome=AttemptOutcome(row.outcome) if row.outcome else None,
        detail=row.detail,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


async def account_of(session: AsyncSession, account_id: uuid.UUID) -> RemoteAccount:
    """Raises NotFound."""
    row = await CatalogRepository(session).account(account_id)
    if row is None:
        raise NotFound
    return remote_account(row)


async def check_account(context: Context, account: RemoteAccount) -> str | None:
    """What is wrong with an account, nothing when it can transmit."""
    try:
        async with connected(context, account) as connector:
            await connector.probe()
    except ConnectorError as e:
        return e.detail
    return None


@dataclass(frozen=True, slots=True)
class Nameable:
    """An emission without id, as the remote can be asked about it."""

    account: RemoteAccount
    submission: Submission
    highest_known_id: int | None


async def nameable(
    session: AsyncSession, context: Context, transmission_id: uuid.UUID, remote_id: str
) -> Nameable:
    """What an id entered by a person is compared with. Raises NotFound or Conflict."""
    held = await held_or_404(session, transmission_id)
    await _refuse_unnameable(session, held, remote_id)
    assert held.row.account_id is not None
    account = await account_of(session, held.row.account_id)
    submission = await submission_of(session, context, held.folder, held.state, held.row)
    return Nameable(account, submission, held.row.highest_known_id)


async def _refuse_unnameable(session: AsyncSession, held: Held, remote_id: str) -> None:
    is_open = held.is_transmitted or held.state.status is FolderStatus.TRANSMITTING
    if not is_open or held.row.remote_id is not None:
        raise Conflict(
            "Cet envoi n'attend pas d'identifiant : rechargez-le pour voir où il en est.",
            code="remote_id_not_awaited",
        )
    await _refuse_never_sent(session, held)
    if await TransmissionRepository(session).holds_remote_id(held.row, remote_id):
        raise Conflict(
            "Cet identifiant est celui d'un autre dossier : vérifiez-le sur la plateforme.",
            code="remote_id_taken",
        )


async def _refuse_never_sent(session: AsyncSession, held: Held) -> None:
    """A return counts only for what perhaps reached the remote (threat 29)."""
    attempts = await TransmissionRepository(session).attempts([held.row.id])
    if any(one.outcome is None for one in attempts):
        raise Conflict(
            "Un envoi est en cours : attendez qu'il se termine.", code="transmission_running"
        )
    if held.is_transmitted or any(one.outcome in _PERHAPS_TAKEN for one in attempts):
        return
    raise Conflict(
        "Ce dossier n'a pas été transmis, aucune réponse ne peut lui être rattachée : choisissez "
        "le dossier qu'elle concerne.",
        code="not_transmitted",
    )


async def confirm_remote_id(context: Context, asked: Nameable, remote_id: str) -> None:
    """Asks the remote whether this id can be this folder's: it could not be corrected afterwards.

    Raises Conflict, or a ConnectorError when the remote does not answer."""
    async with connected(context, asked.account) as connector:
        await connector.status(asked.submission, remote_id)
        try:
            await connector.answer(asked.submission, remote_id)
        except UnreadableAnswer as e:
            raise _not_this_one() from e
        if isinstance(asked.submission, PesSubmission):
            return  # its look-up downloads flows: too long for a person who waits
        lookup = await connector.look_up(asked.submission, above_id=asked.highest_known_id)
    is_other = lookup.result is LookupResult.FOUND and lookup.remote_id != remote_id
    if is_other or lookup.result is LookupResult.ABSENT:
        raise _not_this_one()


def _not_this_one() -> Conflict:
    return Conflict(
        "Le TdT tient sous cet identifiant autre chose que ce dossier : vérifiez-le sur la "
        "plateforme.",
        code="remote_id_mismatch",
    )


async def enter_remote_id(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    transmission_id: uuid.UUID,
    remote_id: str,
) -> Held:
    """Gives an emission the id that a person read at the remote. Raises NotFound or Conflict."""
    held = await held_or_404(session, transmission_id)
    await _refuse_unnameable(session, held, remote_id)
    await mark_sent(session, context, held, remote_id)
    what = _occurrence(principal, held, "transmission.remote_id_entered", remote_id=remote_id)
    record(session, what, at=context.clock())
    return held


async def read_acknowledgement(content: bytes) -> Answer:
    """A PES_ACQUIT handed in by a person. Raises Unprocessable (`not_a_pes_acquit`)."""
    try:
        return await in_thread(lambda: acquit.read_answer(content))
    except UnreadableAnswer as e:
        raise Unprocessable(
            f"{e.detail} Remettez le fichier d'acquittement tel que la trésorerie l'a rendu.",
            code="not_a_pes_acquit",
        ) from e


async def hand_in(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    transmission_id: uuid.UUID,
    answer: Answer,
    blob: StoredBlob,
) -> Held:
    """Closes a flow on the ACQUIT that a person brought, matched by NomFic and CodCol.

    Raises NotFound, Unprocessable (`acknowledgement_mismatch`) or Conflict."""
    held = await held_or_404(session, transmission_id)
    if (answer.file_name, answer.body_code) != (held.row.file_name, held.row.body_code):
        raise Unprocessable(
            "Cet acquittement est celui d'un autre flux (NomFic ou CodCol différent) : remettez-le "
            "au dossier qu'il nomme.",
            code="acknowledgement_mismatch",
        )
    if not held.is_transmitted and held.state.status is not FolderStatus.TRANSMITTING:
        raise Conflict(
            "Ce dossier n'attend pas d'acquittement : rechargez-le pour voir où il en est.",
            code="acknowledgement_not_awaited",
        )
    await _refuse_never_sent(session, held)
    if not held.is_transmitted:
        await apply(session, context, held.folder, RecordTransmitted(held.id, None))
    await keep_receipt(
        session, context, held.row, ReceiptKind.HANDED_IN, blob, media_type=answer.media_type
    )
    kind = "transmission.acknowledgement_handed_in"
    what = _occurrence(principal, held, kind, receipt_sha256=blob.sha256)
    record(session, what, at=context.clock())
    concluded = returns.conclusion_of_answer(held.id, answer)
    await returns.conclude(session, context, held, concluded)
    return held


async def retry(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    transmission_id: uuid.UUID,
    reason: str,
) -> Held:
    """Sends again what waits for a person, or died, with one post more than were made. After an
    unknown outcome the remote is still asked first; a verification that failed is made again. Of
    what was transmitted, the question that died is asked again.

    Raises NotFound or Conflict."""
    held = await held_or_404(session, transmission_id)
    repository = TransmissionRepository(session)
    if await repository.is_owed(held.row) or not await _may_go_on(session, held):
        raise Conflict(
            "Cet envoi ne se relance pas : il est en cours, transmis ou retiré. Rechargez-le.",
            code="not_retriable",
        )
    attempts = await repository.attempts([held.row.id])
    posts = sum(one.outcome != AttemptOutcome.UNREACHABLE.value for one in attempts)
    what = _occurrence(principal, held, "transmission.retried", posts=posts)
    record(session, what, at=context.clock(), values={"reason": reason})
    now = context.clock()
    if held.is_transmitted:
        await jobs.revive(session, poll_key(held.row), run_after=now)
        return held
    held.row.posts_allowed = max(POSTS_ALLOWED, posts + 1)
    if posts == 0:
        await _take_account(session, held)
    await jobs.revive(session, report_key(main_document(held.state).revision.id), run_after=now)
    await enqueue(session, context, held.row, dedupe=now.isoformat())
    return held


async def _may_go_on(session: AsyncSession, held: Held) -> bool:
    if held.is_transmitted:
        return await jobs.is_dead(session, poll_key(held.row))
    return held.is_due and held.row.state in _RETRIABLE


async def _take_account(session: AsyncSession, held: Held) -> None:
    """Nothing was posted yet: the account chosen for the type since then is the one to use."""
    catalog = CatalogRepository(session)
    subtype = await catalog.subtype(held.folder.subtype_id)
    assert subtype is not None
    kind = await catalog.folder_type(subtype.type_id)
    assert kind is not None
    held.row.account_id = kind.connector_account_id


def _occurrence(principal: Principal, held: Held, kind: str, **details: str | int) -> Occurrence:
    return Occurrence(
        kind=kind,
        actor=principal.actor,
        folder=str(held.folder.id),
        document_sha256=held.row.document_sha256,
        details={"transmission": str(held.row.id), **details},
    )
