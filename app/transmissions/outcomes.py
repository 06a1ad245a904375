"""After a post: what its outcome proves, and what may be tried next."""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.context import Context
from app.errors import AppError
from app.folders.service import apply
from app.storage import StoredBlob
from app.transmissions.repository import TransmissionRepository
from app.transmissions.schemas import AttemptOutcome, ReceiptKind, TransmissionState
from app.transmissions.sending import (
    RUNNABLE,
    Dispatch,
    close,
    give_up,
    stop_for_person,
    wait_out,
)
from app.transmissions.service import Held, hold, keep_receipt, mark_sent, rest, store_bytes
from connectors.base import Receipt
from connectors.errors import (
    Ambiguous,
    ConnectorError,
    InvalidSubmission,
    RefusedByRemote,
    Unreachable,
)
from workflows.actions import RecordRemoteRefusal, RefusedBy
from workflows.definition import Protocol

_BACK_OFF_DOUBLINGS = 7  # 30 s becomes about an hour, and stays there
_SAME_FILE = (
    "Le TdT n'accepte jamais deux fois le même fichier : refaites l'export sous un nouveau nom "
    "(NomFic)."
)
_log = structlog.get_logger()


async def record_receipt(context: Context, dispatch: Dispatch, receipt: Receipt) -> None:
    """The remote says that it took the post: counts even when another worker has the job now."""
    blob = await _stored(context, receipt)
    tenant_id, remote_id = dispatch.job.tenant_id, receipt.remote_id
    try:
        async with context.unit(tenant_id) as session:
            await record_taken(
                session,
                context,
                dispatch,
                outcome=AttemptOutcome.TAKEN,
                remote_id=remote_id,
                receipt=blob,
            )
    except jobs.LostClaim:
        async with context.unit(tenant_id) as session:
            await _record_late(session, context, dispatch, remote_id=remote_id, receipt=blob)


async def _stored(context: Context, receipt: Receipt) -> StoredBlob | None:
    """The id matters more than the bytes around it: it is recorded even when they cannot be."""
    try:
        return await store_bytes(context, receipt.raw)
    except AppError:
        _log.exception("receipt_not_stored", remote_id=receipt.remote_id)
        return None


async def record_taken(
    session: AsyncSession,
    context: Context,
    dispatch: Dispatch,
    *,
    outcome: AttemptOutcome,
    remote_id: str | None,
    receipt: StoredBlob | None = None,
) -> None:
    """The remote holds the folder. `outcome` ends the open post, if any."""
    held = await _ended(session, context, dispatch, outcome, None)
    if held is None:
        return
    await _mark_taken(session, context, held, remote_id, receipt)
    await jobs.finish(session, dispatch.job)


async def _record_late(
    session: AsyncSession,
    context: Context,
    dispatch: Dispatch,
    *,
    remote_id: str,
    receipt: StoredBlob | None,
) -> None:
    """A receipt whose worker lost its lease meanwhile: the proof counts all the same, and the job
    that took over finds nothing left to send."""
    held = await hold(session, dispatch.transmission_id)
    if held is not None and held.is_due and held.row.state in RUNNABLE:
        attempts = await TransmissionRepository(session).attempts([held.row.id])
        close(attempts, context.clock(), AttemptOutcome.TAKEN, None)
        await _mark_taken(session, context, held, remote_id, receipt)


async def _mark_taken(
    session: AsyncSession,
    context: Context,
    held: Held,
    remote_id: str | None,
    receipt: StoredBlob | None,
) -> None:
    if receipt is not None:
        is_xml = held.row.protocol == Protocol.HELIOS.value
        media_type = "application/xml" if is_xml else "text/plain"
        await keep_receipt(
            session, context, held.row, ReceiptKind.SUBMISSION, receipt, media_type=media_type
        )
    held.row.job_id = None
    await mark_sent(session, context, held, remote_id)


async def record_failure(
    session: AsyncSession, context: Context, dispatch: Dispatch, error: ConnectorError
) -> None:
    """A post ended without being taken, or without saying so."""
    held = await _ended(session, context, dispatch, _outcome_of(error), _told(error))
    if held is None:
        return
    match error:
        case InvalidSubmission() if not dispatch.has_unknown:
            await give_up(session, context, held, dispatch.job, error.detail)
        case RefusedByRemote() if _refuses_folder(dispatch, error):
            await _refuse(session, context, held, dispatch.job, _reason(dispatch, error))
        case Ambiguous():
            attempts = await TransmissionRepository(session).attempts([held.row.id])
            await wait_out(session, context, held, dispatch.job, attempts[-1])
        case Unreachable(alert=False):
            await _back_off(session, context, held, dispatch, error)
        case _:
            await stop_for_person(session, context, held, dispatch.job, error.detail)


async def record_setback(
    session: AsyncSession, context: Context, dispatch: Dispatch, error: ConnectorError
) -> None:
    """Something failed before a post: the folder is not concerned, the account or the line is."""
    held = await hold(session, dispatch.transmission_id)
    assert held is not None
    if isinstance(error, Unreachable) and not error.alert:
        await _back_off(session, context, held, dispatch, error)
    else:
        await stop_for_person(session, context, held, dispatch.job, error.detail)


async def stop(
    session: AsyncSession,
    context: Context,
    dispatch: Dispatch,
    detail: str,
    *,
    outcome: AttemptOutcome = AttemptOutcome.AMBIGUOUS,
    state: TransmissionState = TransmissionState.NEEDS_PERSON,
) -> None:
    """Nothing more is tried: a person must look."""
    held = await _ended(session, context, dispatch, outcome, detail)
    if held is not None:
        await stop_for_person(session, context, held, dispatch.job, detail, state=state)


async def _ended(
    session: AsyncSession,
    context: Context,
    dispatch: Dispatch,
    outcome: AttemptOutcome,
    detail: str | None,
) -> Held | None:
    """Closes the open post; None, the job being finished, when an administrator settled the
    transmission while the post was under way."""
    held = await hold(session, dispatch.transmission_id)
    assert held is not None
    attempts = await TransmissionRepository(session).attempts([held.row.id])
    close(attempts, context.clock(), outcome, detail)
    await session.flush()
    if held.row.state in RUNNABLE:
        return held
    await jobs.finish(session, dispatch.job)
    return None


async def _back_off(
    session: AsyncSession,
    context: Context,
    held: Held,
    dispatch: Dispatch,
    error: ConnectorError,
) -> None:
    resting = TransmissionState.SCHEDULED
    if dispatch.has_unknown:
        resting = TransmissionState.AMBIGUOUS
    await rest(session, context, held, resting, error.detail)
    doublings = min(held.row.setbacks, _BACK_OFF_DOUBLINGS)
    held.row.setbacks += 1
    delay = timedelta(seconds=context.settings.tdt.retry_s * 2**doublings)
    await jobs.retry(session, dispatch.job, run_after=context.clock() + delay, error="unreachable")


async def _refuse(
    session: AsyncSession, context: Context, held: Held, job: jobs.ClaimedJob, reason: str
) -> None:
    refusal = RecordRemoteRefusal(held.id, RefusedBy.TRANSMISSION_OPERATOR, reason)
    await apply(session, context, held.folder, refusal)
    held.row.job_id = None
    await rest(session, context, held, TransmissionState.REFUSED, reason)
    await jobs.finish(session, job)


def _refuses_folder(dispatch: Dispatch, error: RefusedByRemote) -> bool:
    """After an unknown outcome, a refusal says nothing of the earlier post, except for an act that
    the look-up had shown absent."""
    if not dispatch.has_unknown:
        return True
    return dispatch.protocol is Protocol.ACTES and not error.duplicate


def _outcome_of(error: ConnectorError) -> AttemptOutcome:
    match error:
        case Ambiguous():
            return AttemptOutcome.AMBIGUOUS
        case RefusedByRemote():
            return AttemptOutcome.DUPLICATE if error.duplicate else AttemptOutcome.REFUSED
        case _:
            return AttemptOutcome.UNREACHABLE


def _told(error: ConnectorError) -> str:
    said = error.remote_text
    return f"{error.detail} [{said}]" if said and said not in error.detail else error.detail


def _reason(dispatch: Dispatch, error: RefusedByRemote) -> str:
    if dispatch.protocol is Protocol.HELIOS and error.duplicate:
        return f"{error.detail} {_SAME_FILE}"
    return error.detail
