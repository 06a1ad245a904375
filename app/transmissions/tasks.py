"""Jobs: send a folder, ask what became of it. No call is made inside a transaction.

A worker killed at any line leaves one of these, and the next claim of the job goes on from it:
no attempt row (nothing was sent: start again), an attempt without outcome (unknown: ask, then
decide), a recorded outcome (go on from there, or nothing left to do).
"""

from __future__ import annotations

import asyncio

import structlog

from app import jobs
from app.context import Context
from app.storage import BlobMissing, Corrupted
from app.transmissions import outcomes, returns, sending
from app.transmissions.remote import SENDING_SHARE, connected
from app.transmissions.schemas import AttemptOutcome, TransmissionState
from app.transmissions.sending import Dispatch
from app.transmissions.service import store_bytes
from connectors.base import Connector, Lookup, LookupResult, RemoteState
from connectors.errors import (
    Ambiguous,
    ConnectorError,
    RefusedByRemote,
    UnreadableAnswer,
)
from workflows.definition import Protocol

_ANSWERED = frozenset({RemoteState.ANSWER_AVAILABLE, RemoteState.ERROR})
_SEVERAL = (
    "Le TdT détient plusieurs actes de ce numéro et de cette date : choisissez le bon sur la "
    "plateforme, puis saisissez son identifiant."
)
_ABSENT = (
    "Deux envois sont restés sans réponse et le TdT ne détient pas l'acte : vérifiez sur la "
    "plateforme, puis relancez l'envoi ou saisissez l'identifiant."
)
_CANNOT_TELL = (
    "L'issue de l'envoi reste inconnue : cherchez le flux sur la plateforme du TdT, puis saisissez "
    "son identifiant, ou relancez l'envoi s'il n'y est pas."
)
_NUMBER_USED = (
    "Le TdT dit que ce numéro d'acte existe déjà, sans que l'envoi y soit retrouvé : vérifiez sur "
    "la plateforme, puis saisissez l'identifiant de l'acte."
)
_log = structlog.get_logger()


async def submit(context: Context, job: jobs.ClaimedJob) -> None:
    """One step towards exactly one emission; see `app.transmissions.sending` for the rules."""
    async with context.unit(job.tenant_id) as session:
        dispatch = await sending.prepare(session, context, job)
    if dispatch is None or await _is_damaged(context, dispatch):
        return
    try:
        async with connected(context, dispatch.account) as connector:
            if dispatch.has_unknown and not await _is_to_post(context, dispatch, connector):
                return
            await connector.probe()
            highest = await _mark(dispatch, connector)
            await _post(context, dispatch, connector, highest)
    except ConnectorError as e:
        _log.warning("transmission_setback", transmission=_name(dispatch), error=type(e).__name__)
        async with context.unit(job.tenant_id) as session:
            await outcomes.record_setback(session, context, dispatch, e)


async def _is_damaged(context: Context, dispatch: Dispatch) -> bool:
    """Bytes that no longer hash to their row are never sent (threat 6)."""
    try:
        for one in dispatch.documents:
            for digest in filter(None, one.revision.content):
                await context.store.verify(digest)
    except (BlobMissing, Corrupted) as e:
        _log.exception("document_damaged", transmission=_name(dispatch))
        async with context.unit(dispatch.job.tenant_id) as session:
            await outcomes.stop(session, context, dispatch, e.detail)
        return True
    return False


async def _is_to_post(context: Context, dispatch: Dispatch, connector: Connector) -> bool:
    """After an unknown outcome: asks the remote, and settles what its answer settles."""
    lookup = await connector.look_up(dispatch.submission, above_id=dispatch.highest_known_id)
    is_unseen = lookup.result in {LookupResult.ABSENT, LookupResult.CANNOT_TELL}
    if is_unseen and dispatch.may_post:
        return True
    async with context.unit(dispatch.job.tenant_id) as session:
        match lookup.result:
            case LookupResult.FOUND:
                await outcomes.record_taken(
                    session,
                    context,
                    dispatch,
                    outcome=AttemptOutcome.AMBIGUOUS,
                    remote_id=lookup.remote_id,
                )
            case LookupResult.SEVERAL:
                await outcomes.stop(session, context, dispatch, _SEVERAL)
            case LookupResult.ABSENT:
                await outcomes.stop(session, context, dispatch, _ABSENT)
            case LookupResult.CANNOT_TELL:
                await outcomes.stop(
                    session, context, dispatch, _CANNOT_TELL, state=TransmissionState.AMBIGUOUS
                )
    return False


async def _mark(dispatch: Dispatch, connector: Connector) -> int | None:
    """The newest id before a first post: what it may leave at the remote stands above."""
    if dispatch.has_unknown:
        return dispatch.highest_known_id
    return await connector.highest_known_id(dispatch.submission)


async def _post(
    context: Context, dispatch: Dispatch, connector: Connector, highest: int | None
) -> None:
    """Records, commits, posts once, records how it ended."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + context.settings.tdt.send_s * SENDING_SHARE
    async with context.unit(dispatch.job.tenant_id) as session:
        if not await sending.claim(session, context, dispatch, highest):
            return
    try:
        # Absolute, from before the commit: a process frozen in between wakes up too late to send.
        async with asyncio.timeout_at(deadline):
            receipt = await connector.submit(dispatch.submission)
    except TimeoutError:
        late = Ambiguous("L'envoi n'a pas abouti dans le temps prévu.")
        await _record_failure(context, dispatch, connector, late)
    except ConnectorError as e:
        await _record_failure(context, dispatch, connector, e)
    else:
        await outcomes.record_receipt(context, dispatch, receipt)


async def _record_failure(
    context: Context, dispatch: Dispatch, connector: Connector, error: ConnectorError
) -> None:
    _log.warning("transmission_failed", transmission=_name(dispatch), error=type(error).__name__)
    if isinstance(error, RefusedByRemote) and error.duplicate and dispatch.has_unknown:
        await _record_duplicate(context, dispatch, connector)
        return
    async with context.unit(dispatch.job.tenant_id) as session:
        await outcomes.record_failure(session, context, dispatch, error)


async def _record_duplicate(context: Context, dispatch: Dispatch, connector: Connector) -> None:
    """A « doublon » after an unknown outcome proves that the earlier flow was taken; for an act,
    only its number is known to be used, so the act itself is looked for."""
    lookup = await _looked_up(dispatch, connector)
    is_proof = dispatch.protocol is Protocol.HELIOS or lookup.result is LookupResult.FOUND
    async with context.unit(dispatch.job.tenant_id) as session:
        if is_proof:
            await outcomes.record_taken(
                session,
                context,
                dispatch,
                outcome=AttemptOutcome.DUPLICATE,
                remote_id=lookup.remote_id,
            )
        else:
            await outcomes.stop(
                session, context, dispatch, _NUMBER_USED, outcome=AttemptOutcome.DUPLICATE
            )


async def _looked_up(dispatch: Dispatch, connector: Connector) -> Lookup:
    try:
        return await connector.look_up(dispatch.submission, above_id=dispatch.highest_known_id)
    except ConnectorError:
        return Lookup(LookupResult.CANNOT_TELL)


async def poll(context: Context, job: jobs.ClaimedJob) -> None:
    """Asks about one emission, once; the same job row comes back until the answer is there."""
    async with context.unit(job.tenant_id) as session:
        inquiry = await returns.inquire(session, context, job)
    if inquiry is None:
        return
    try:
        async with connected(context, inquiry.account) as connector:
            heard = await _ask(connector, inquiry)
    except ConnectorError as e:
        await _note_silence(context, inquiry, e)
        return
    if isinstance(heard, Lookup):
        async with context.unit(job.tenant_id) as session:
            await returns.note_lookup(session, context, inquiry, heard)
        return
    content = heard.answer.raw if heard.answer else heard.status.raw
    is_final = heard.answer is not None or heard.status.state in returns.CLOSING
    blob = await store_bytes(context, content) if is_final else None
    async with context.unit(job.tenant_id) as session:
        await returns.note_return(session, context, inquiry, heard, blob)


async def _ask(connector: Connector, inquiry: returns.Inquiry) -> returns.Return | Lookup:
    if inquiry.remote_id is None:
        return await connector.look_up(inquiry.submission, above_id=inquiry.highest_known_id)
    status = await connector.status(inquiry.submission, inquiry.remote_id)
    if status.state not in _ANSWERED:
        return returns.Return(status, None)
    return returns.Return(status, await connector.answer(inquiry.submission, inquiry.remote_id))


async def _note_silence(context: Context, inquiry: returns.Inquiry, error: ConnectorError) -> None:
    unreadable = error.raw if isinstance(error, UnreadableAnswer) else b""
    blob = await store_bytes(context, unreadable) if unreadable else None
    async with context.unit(inquiry.job.tenant_id) as session:
        await returns.note_silence(session, context, inquiry, error, blob)


def _name(dispatch: Dispatch) -> str:
    return str(dispatch.transmission_id)
