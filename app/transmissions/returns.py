"""What comes back: statuses and answers, each attached to one emission or kept aside."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.catalog.repository import CatalogRepository
from app.context import Context
from app.folders.service import apply
from app.storage import StoredBlob
from app.transmissions.remote import RemoteAccount, remote_account, submission_of
from app.transmissions.repository import TransmissionRepository
from app.transmissions.schemas import ReceiptKind, TransmissionState
from app.transmissions.service import Held, hold, keep_receipt, mark_sent, rest
from connectors.base import (
    Answer,
    AnswerError,
    Lookup,
    Outcome,
    RemoteState,
    RemoteStatus,
    Submission,
)
from connectors.errors import ConnectorError, UnreadableAnswer
from workflows.actions import RecordAcknowledged, RecordRemoteRefusal, RefusedBy
from workflows.definition import Protocol
from workflows.folder import TransmissionId

# Questions asked so far, and the pace until then in units of tdt.poll_s: each minute for ten
# minutes, each quarter of an hour for a day, then each hour.
_PACE = ((10, 1), (106, 15))
_LAST_PACE = 60
_SHOWN_ERRORS = 20
_UNREADABLE_KEPT = 5
_SAME_NAME = "Refaites l'export sous un nouveau nom (NomFic) : le TdT n'acceptera plus ce fichier."
CLOSING = frozenset({RemoteState.ERROR, RemoteState.CANCELLED})
"""Statuses that close an emission by themselves when no answer comes with them."""

_CANCELLED = "L'envoi a été annulé sur la plateforme de télétransmission."
_NO_ANSWER = (
    "Le TdT a clos cet envoi sans rendre d'accusé : cherchez-le sur la plateforme, puis "
    "remettez-le ici."
)
_log = structlog.get_logger()

Conclusion: TypeAlias = RecordAcknowledged | RecordRemoteRefusal


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What a polling job works on between its transactions."""

    job: jobs.ClaimedJob
    transmission_id: uuid.UUID
    account: RemoteAccount
    submission: Submission
    remote_id: str | None
    highest_known_id: int | None


@dataclass(frozen=True, slots=True)
class Return:
    """What the remote said: a status, and its answer when there is one."""

    status: RemoteStatus
    answer: Answer | None


async def inquire(session: AsyncSession, context: Context, job: jobs.ClaimedJob) -> Inquiry | None:
    """What to ask about an emission; None, the job being finished, when nothing is awaited."""
    held = await hold(session, uuid.UUID(job.object_ids["transmission_id"]))
    if held is None or not _is_awaited(held, job.object_ids["remote_id"]):
        await jobs.finish(session, job)
        return None
    assert held.row.account_id is not None
    account = await CatalogRepository(session).account(held.row.account_id)
    assert account is not None
    return Inquiry(
        job=job,
        transmission_id=held.row.id,
        account=remote_account(account),
        submission=await submission_of(session, context, held.folder, held.state, held.row),
        remote_id=held.row.remote_id,
        highest_known_id=held.row.highest_known_id,
    )


def _is_awaited(held: Held, remote_id: str) -> bool:
    """An answer counts only for the emission that the folder is waiting for (threat 29)."""
    return held.is_transmitted and (held.row.remote_id or "") == remote_id


async def note_lookup(
    session: AsyncSession, context: Context, inquiry: Inquiry, lookup: Lookup
) -> None:
    """The id that was not known, or another look later."""
    held = await _still_awaited(session, inquiry)
    if held is None:
        return
    if lookup.remote_id is None:
        await _ask_again(session, context, inquiry, held)
        return
    await mark_sent(session, context, held, lookup.remote_id)
    await jobs.finish(session, inquiry.job)


async def note_return(
    session: AsyncSession,
    context: Context,
    inquiry: Inquiry,
    heard: Return,
    receipt: StoredBlob | None,
) -> None:
    """A status without conclusion is asked again; an answer closes the folder."""
    held = await _still_awaited(session, inquiry)
    if held is None:
        return
    status = heard.status
    held.row.remote_code = status.code
    if status.state is RemoteState.UNKNOWN:
        _log.warning("unknown_remote_status", transmission=str(held.row.id), code=status.code)
    concluded = conclusion(held.id, Protocol(held.row.protocol), heard)
    if concluded is None:
        is_over = status.state is RemoteState.DONE_WITHOUT_ANSWER
        resting = TransmissionState.NEEDS_PERSON if is_over else TransmissionState.SENT
        detail = _NO_ANSWER if is_over else status.message
        await rest(session, context, held, resting, detail)
        await _ask_again(session, context, inquiry, held)
        return
    if receipt is not None:
        kind = ReceiptKind.ANSWER if heard.answer else ReceiptKind.STATUS
        media_type = heard.answer.media_type if heard.answer else "application/octet-stream"
        await keep_receipt(session, context, held.row, kind, receipt, media_type=media_type)
    await conclude(session, context, held, concluded)
    await jobs.finish(session, inquiry.job)


async def note_silence(
    session: AsyncSession,
    context: Context,
    inquiry: Inquiry,
    error: ConnectorError,
    unreadable: StoredBlob | None,
) -> None:
    """The question failed, or its answer cannot be attached to this emission: asked again, and in
    the second case a person is shown what came."""
    held = await _still_awaited(session, inquiry)
    if held is None:
        return
    state = TransmissionState(held.row.state)
    if isinstance(error, UnreadableAnswer):
        state = TransmissionState.NEEDS_PERSON
    if unreadable is not None and await _may_keep_more(session, held):
        await keep_receipt(
            session,
            context,
            held.row,
            ReceiptKind.UNREADABLE,
            unreadable,
            media_type="application/octet-stream",
        )
    await rest(session, context, held, state, error.detail)
    await _ask_again(session, context, inquiry, held)


async def _may_keep_more(session: AsyncSession, held: Held) -> bool:
    receipts = await TransmissionRepository(session).receipts([held.row.id])
    return sum(one.kind == ReceiptKind.UNREADABLE.value for one in receipts) < _UNREADABLE_KEPT


async def conclude(
    session: AsyncSession, context: Context, held: Held, concluded: Conclusion
) -> None:
    """Closes a transmitted folder on its answer. Raises the engine's refusals."""
    await apply(session, context, held.folder, concluded)
    match concluded:
        case RecordAcknowledged():
            held.row.reference = concluded.reference
            held.row.received_on = concluded.received_on
            await rest(session, context, held, TransmissionState.ACKNOWLEDGED, None)
        case RecordRemoteRefusal():
            await rest(session, context, held, TransmissionState.REFUSED, concluded.reason)


def conclusion(
    transmission: TransmissionId, protocol: Protocol, heard: Return
) -> Conclusion | None:
    """What a return decides: the answer first, whatever the number that came with it."""
    if heard.answer is not None:
        return conclusion_of_answer(transmission, heard.answer)
    refused_by = RefusedBy.TRANSMISSION_OPERATOR
    match heard.status.state:
        case RemoteState.ERROR:
            reason = f"Le TdT signale une erreur : {heard.status.message}"
            if protocol is Protocol.HELIOS:
                reason = f"{reason.rstrip('. ')}. {_SAME_NAME}"
            return RecordRemoteRefusal(transmission, refused_by, reason)
        case RemoteState.CANCELLED:
            return RecordRemoteRefusal(transmission, refused_by, _CANCELLED)
        case _:
            return None


def conclusion_of_answer(transmission: TransmissionId, answer: Answer) -> Conclusion:
    """An AR or an ACQUIT, accepted or not."""
    if answer.outcome is Outcome.ACKNOWLEDGED:
        return RecordAcknowledged(transmission, answer.reference, answer.received_on)
    reason = refusal_reason(answer.errors)
    return RecordRemoteRefusal(transmission, RefusedBy.RECIPIENT, reason)


def refusal_reason(errors: tuple[AnswerError, ...]) -> str:
    """The errors of an answer in one text for people, the first ones when there are many."""
    if not errors:
        return "Refusé sans motif par le destinataire : demandez-lui la raison."
    shown = "\n".join(_error_line(one) for one in errors[:_SHOWN_ERRORS])
    more = len(errors) - _SHOWN_ERRORS
    return shown if more <= 0 else f"{shown}\nEt {more} autre(s) anomalie(s), voir l'accusé."


def _error_line(error: AnswerError) -> str:
    code = f" ({error.code})" if error.code and error.code != error.label else ""
    return f"{error.where} : {error.label}{code}"


def poll_delay(polls: int, poll_s: float) -> timedelta:
    """How long until the next question, after so many."""
    pace = next((units for until, units in _PACE if polls < until), _LAST_PACE)
    return timedelta(seconds=poll_s * pace)


async def _still_awaited(session: AsyncSession, inquiry: Inquiry) -> Held | None:
    """The emission, unless its folder was closed meanwhile: the job is then finished."""
    held = await hold(session, inquiry.transmission_id)
    if held is not None and _is_awaited(held, inquiry.remote_id or ""):
        return held
    await jobs.finish(session, inquiry.job)
    return None


async def _ask_again(session: AsyncSession, context: Context, inquiry: Inquiry, held: Held) -> None:
    delay = poll_delay(held.row.polls, context.settings.tdt.poll_s)
    held.row.polls += 1
    await session.flush()
    await jobs.retry(
        session, inquiry.job, run_after=context.clock() + delay, error="awaiting_answer"
    )
