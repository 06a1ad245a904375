"""Before a post: who is in charge, what may leave, and the record made before anything does.

1. Nothing leaves before the signed revision is verified and its bytes still hash to its row.
2. A post is written and committed before it is made, in the transaction that takes the folder
   (ClaimTransmission) and proves that this worker still owns the job: a worker that lost its lease
   sends nothing.
3. A post without outcome, because its worker died or the answer was lost, is unknown. Nothing is
   sent again before `tdt.send_s` has passed since it started, then the remote is asked.
4. An act that the remote does not hold, or a flow that it cannot look up, is posted once more, with
   identical bytes; a further post is an administrator's decision.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.audit.chain import Occurrence
from app.audit.service import SYSTEM, record
from app.catalog.repository import CatalogRepository
from app.context import Context
from app.documents.detached import signature_digest
from app.documents.repository import DocumentRepository
from app.documents.schemas import Origin, report_key
from app.documents.verdicts import is_invalid, reason_not_sent
from app.folders.service import apply
from app.kit.ids import new_id
from app.models import Transmission, TransmissionAttempt
from app.transmissions.remote import (
    RemoteAccount,
    main_document,
    remote_account,
    submission_of,
)
from app.transmissions.repository import TransmissionRepository
from app.transmissions.schemas import AttemptOutcome, TransmissionState
from app.transmissions.service import Held, hold, rest
from connectors.base import Submission
from workflows.actions import ClaimTransmission, RecordTransmissionError
from workflows.definition import Protocol
from workflows.folder import Document, FolderStatus

REPORT_WAIT = timedelta(milliseconds=500)
RUNNABLE = frozenset(
    {TransmissionState.SCHEDULED, TransmissionState.SENDING, TransmissionState.AMBIGUOUS}
)
_INTERRUPTED = "Le service s'est arrêté pendant cet envoi : son résultat est inconnu."
_AWAITING_ANSWER = "Issue de l'envoi inconnue : le TdT sera interrogé avant tout nouvel envoi."
_AWAITING_REPORT = "Attend la vérification de la signature."
_UNVERIFIED = (
    "La signature n'a pas pu être vérifiée : rien n'a été envoyé. L'administrateur de la "
    "plateforme en trouve la cause dans les traces du service ; relancez ensuite l'envoi, la "
    "vérification sera refaite."
)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What a submission job works on between its transactions. `posts`: bodies that reached, or
    may have reached, the remote; `has_unknown`: one of them ended without a usable answer."""

    job: jobs.ClaimedJob
    transmission_id: uuid.UUID
    protocol: Protocol
    account: RemoteAccount
    submission: Submission
    documents: tuple[Document, ...]
    posts: int
    posts_allowed: int
    has_unknown: bool
    highest_known_id: int | None

    @property
    def may_post(self) -> bool:
        return self.posts < self.posts_allowed


async def prepare(session: AsyncSession, context: Context, job: jobs.ClaimedJob) -> Dispatch | None:
    """Takes charge of a transmission; None when there is nothing to send now, the job being then
    finished or put off in this transaction."""
    held = await hold(session, uuid.UUID(job.object_ids["transmission_id"]))
    if held is None or not await _takes_charge(session, held.row, job):
        await jobs.finish(session, job)
        return None
    if not held.is_due:
        await _withdraw(session, context, held, job)
        return None
    repository = TransmissionRepository(session)
    attempts = await repository.attempts([held.row.id])
    close(attempts, context.clock(), AttemptOutcome.AMBIGUOUS, _INTERRUPTED)
    unknown = [one for one in attempts if one.outcome == AttemptOutcome.AMBIGUOUS.value]
    if unknown and context.clock() < _askable_at(context, unknown[-1]):
        await wait_out(session, context, held, job, unknown[-1])
        return None
    if not unknown and not await _is_verified(session, context, held, job):
        return None
    return await _dispatch(session, context, job, held, attempts)


async def _takes_charge(session: AsyncSession, row: Transmission, job: jobs.ClaimedJob) -> bool:
    """One job sends: a second one, scheduled after a retraction, leaves it to the first."""
    if row.state not in RUNNABLE:
        return False
    if row.job_id != job.id and await TransmissionRepository(session).is_in_hand(row.job_id):
        return False
    row.job_id = job.id
    return True


def close(
    attempts: Sequence[TransmissionAttempt],
    now: datetime,
    outcome: AttemptOutcome,
    detail: str | None,
) -> None:
    """Ends the attempt that has no outcome, if any."""
    for attempt in attempts:
        if attempt.outcome is None:
            attempt.outcome, attempt.detail, attempt.ended_at = outcome.value, detail, now


def _askable_at(context: Context, attempt: TransmissionAttempt) -> datetime:
    return attempt.started_at + timedelta(seconds=context.settings.tdt.send_s)


async def wait_out(
    session: AsyncSession,
    context: Context,
    held: Held,
    job: jobs.ClaimedJob,
    attempt: TransmissionAttempt,
) -> None:
    """Nothing before the remote's own limit has run out since this post started."""
    await rest(session, context, held, TransmissionState.AMBIGUOUS, _AWAITING_ANSWER)
    await jobs.retry(session, job, run_after=_askable_at(context, attempt), error="ambiguous")


async def _withdraw(
    session: AsyncSession, context: Context, held: Held, job: jobs.ClaimedJob
) -> None:
    held.row.job_id = None
    await rest(session, context, held, TransmissionState.WITHDRAWN, None)
    await jobs.finish(session, job)


async def _is_verified(
    session: AsyncSession, context: Context, held: Held, job: jobs.ClaimedJob
) -> bool:
    """The report of the signed revision decides before anything leaves (DESIGN D8)."""
    current = main_document(held.state).revision
    revision = await DocumentRepository(session).revision(uuid.UUID(current.id))
    assert revision is not None
    key = report_key(current.id)
    # The copy of a revision signed in the folder before is no signed one, but may owe its report.
    is_signed = revision.origin == Origin.SIGNED.value or await jobs.is_known(session, key)
    if revision.report is None and is_signed:
        if await jobs.is_dead(session, key):
            await stop_for_person(session, context, held, job, _UNVERIFIED)
            return False
        await rest(session, context, held, TransmissionState.SCHEDULED, _AWAITING_REPORT)
        await jobs.retry(
            session, job, run_after=context.clock() + REPORT_WAIT, error="report_missing"
        )
        return False
    if is_invalid(revision.report):
        await give_up(session, context, held, job, reason_not_sent(revision))
        return False
    return True


async def stop_for_person(
    session: AsyncSession,
    context: Context,
    held: Held,
    job: jobs.ClaimedJob,
    detail: str,
    *,
    state: TransmissionState = TransmissionState.NEEDS_PERSON,
) -> None:
    """Nothing more is tried until a person has looked."""
    held.row.job_id = None
    await rest(session, context, held, state, detail)
    await jobs.finish(session, job)


async def give_up(
    session: AsyncSession, context: Context, held: Held, job: jobs.ClaimedJob, reason: str
) -> None:
    """Nothing was sent and nothing will be."""
    if held.folder.status == FolderStatus.AWAITING_TRANSMISSION.value:
        await apply(session, context, held.folder, ClaimTransmission(held.id))
    await apply(session, context, held.folder, RecordTransmissionError(held.id, reason))
    held.row.job_id = None
    await rest(session, context, held, TransmissionState.ERROR, reason)
    await jobs.finish(session, job)


async def _dispatch(
    session: AsyncSession,
    context: Context,
    job: jobs.ClaimedJob,
    held: Held,
    attempts: list[TransmissionAttempt],
) -> Dispatch:
    assert held.row.account_id is not None
    account = await CatalogRepository(session).account(held.row.account_id)
    assert account is not None
    outcomes = [one.outcome for one in attempts]
    unreachable = AttemptOutcome.UNREACHABLE.value
    return Dispatch(
        job=job,
        transmission_id=held.row.id,
        protocol=Protocol(held.row.protocol),
        account=remote_account(account),
        submission=await submission_of(session, context, held.folder, held.state, held.row),
        documents=held.state.documents,
        posts=sum(outcome != unreachable for outcome in outcomes),
        posts_allowed=held.row.posts_allowed,
        has_unknown=AttemptOutcome.AMBIGUOUS.value in outcomes,
        highest_known_id=held.row.highest_known_id,
    )


async def claim(
    session: AsyncSession, context: Context, dispatch: Dispatch, highest_known_id: int | None
) -> bool:
    """Writes the post that is about to be made; false when it must not be made any more.

    Raises LostClaim when another worker has the job."""
    held = await hold(session, dispatch.transmission_id)
    assert held is not None
    now = context.clock()
    lease = timedelta(seconds=context.settings.worker.lease_s)
    await jobs.renew(session, dispatch.job, now, lease=lease)
    if held.row.state not in RUNNABLE:
        await jobs.finish(session, dispatch.job)
        return False
    if not held.is_due:
        await _withdraw(session, context, held, dispatch.job)
        return False
    if held.state.documents != dispatch.documents:
        await jobs.retry(session, dispatch.job, run_after=now, error="document_changed")
        return False
    if held.folder.status == FolderStatus.AWAITING_TRANSMISSION.value:
        await apply(session, context, held.folder, ClaimTransmission(held.id))
    if not dispatch.has_unknown:
        # Later posts keep the mark of the first: what it may have left stands above it.
        held.row.highest_known_id = highest_known_id
    held.row.document_sha256 = dispatch.submission.document.sha256
    await rest(session, context, held, TransmissionState.SENDING, None)
    await _add_attempt(session, held, now)
    return True


async def _add_attempt(session: AsyncSession, held: Held, now: datetime) -> None:
    repository = TransmissionRepository(session)
    number = len(await repository.attempts([held.row.id])) + 1
    repository.add(
        TransmissionAttempt(
            id=new_id(),
            tenant_id=held.row.tenant_id,
            transmission_id=held.row.id,
            number=number,
            document_sha256=held.row.document_sha256,
            started_at=now,
        )
    )
    await session.flush()
    main = main_document(held.state)
    record(
        session,
        Occurrence(
            kind="transmission.attempted",
            actor=SYSTEM,
            folder=str(held.folder.id),
            document=main.id,
            document_sha256=main.revision.sha256,
            details={
                "transmission": str(held.row.id),
                "number": number,
                **signature_digest(main.revision),
            },
        ),
        at=now,
    )
