"""What agents receive: signed, single-use jobs, kept by a lease (DESIGN D11)."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Occurrence
from app.audit.service import record
from app.auth.principal import Principal
from app.context import Context
from app.db.session import tenant_of
from app.documents.repository import DocumentRepository
from app.errors import Conflict, NotFound
from app.folders.repository import FolderRepository
from app.kit.ids import new_id
from app.models import ItemState, JobState, SignatureItem, SignatureSession, SigningJob
from app.preparations.repository import PreparationRepository
from app.preparations.schemas import Failure, SessionItemRead
from app.preparations.service import fail_item, lock_item, own_session
from app.signatures.service import finish_item
from app.signing_jobs.repository import SigningJobRepository
from app.signing_jobs.schemas import (
    ItemFinish,
    JobEnd,
    JobRead,
    SignatureSessionRead,
    SignedJob,
)
from app.tenants.repository import TenantRepository
from app.users.service import user_of
from signing.policies import policy_for
from signing.types import SignatureFormat, SignatureValue

_LABEL = b"parapheur-signing-job-v1\n"
_LOOK_AGAIN_S = 0.3


async def offer(
    session: AsyncSession, context: Context, row: SignatureSession, ns: list[int]
) -> None:
    """Signs a job for those of these documents that are still prepared: somebody else may have
    asked for one meanwhile. It waits for the session's agent, in place of one that waits: of two
    requests at once for a session, the agent asks the person once."""
    now, repository = context.clock(), PreparationRepository(session)
    await repository.lock_session(row.id)
    await repository.withdraw_offers(row.id, now)
    items = [
        one
        for one in await repository.items(row.id)
        if one.n in ns and one.state == ItemState.PREPARED.value
    ]
    if not items:
        return
    job_id, nonce = new_id(), secrets.token_urlsafe(24)
    accept_before = now + timedelta(seconds=context.settings.signing.accept_s)
    payload = json.dumps(
        {
            "job_id": str(job_id),
            "session_id": str(row.id),
            "device_id": str(row.device_id),
            "server": context.settings.server.origin,
            **await _names(session, row),
            "nonce": nonce,
            "issued_at": instant(now),
            "accept_before": instant(accept_before),
            "items": [await _job_item(session, one) for one in items],
        },
        ensure_ascii=False,
    ).encode()
    job = SigningJob(
        id=job_id,
        tenant_id=tenant_of(session),
        session_id=row.id,
        device_id=row.device_id,
        state=JobState.OFFERED.value,
        item_ns=[one.n for one in items],
        nonce=nonce,
        payload=base64.b64encode(payload).decode(),
        signature=base64.b64encode(context.keyring.job_key.sign(_LABEL + payload)).decode(),
        issued_at=now,
        accept_before=accept_before,
    )
    SigningJobRepository(session).add(job)
    await session.flush()


async def _names(session: AsyncSession, row: SignatureSession) -> dict[str, str]:
    tenant = await TenantRepository(session).current()
    user = await user_of(session, row.user_id)
    certificate = await PreparationRepository(session).certificate(row.certificate_id)
    assert certificate is not None
    return {
        "tenant_name": tenant.name,
        "user_name": user.full_name,
        "certificate_sha256": certificate.sha256,
    }


async def _job_item(session: AsyncSession, item: SignatureItem) -> dict[str, Any]:
    folder = await FolderRepository(session).folder(item.folder_id)
    documents = DocumentRepository(session)
    document = await documents.document(item.document_id)
    assert folder is not None
    assert document is not None
    assert item.prepared is not None
    assert item.signing_time is not None
    prepared = {key: value for key, value in item.prepared.items() if key != "resume"}
    is_pes = prepared["format"] == SignatureFormat.PES_V2.value
    revisions = await documents.revisions([document.id])
    facts = next((one.facts for one in revisions if one.sha256 == item.source_sha256), None)
    return {
        **prepared,
        "n": item.n,
        "item_id": str(item.id),
        "folder_title": folder.title,
        "document_name": document.name,
        "download_sha256": item.prepared_sha256,
        "source_sha256": item.source_sha256,
        "signing_time": instant(item.signing_time),
        "summary": summary_of(facts if is_pes else None),
        "policy": _policy(item.signing_time) if is_pes else None,
    }


def summary_of(facts: dict[str, Any] | None) -> dict[str, Any]:
    """The figures shown to the person before the PIN, exact: the agent counts them again in the
    flow itself and refuses a difference. Both are None for what is no flow."""
    if facts is None:
        return {"slips": None, "amount_incl_tax": None}
    slips = facts["slips"]
    total = sum((Decimal(slip["amount_incl_tax"]) for slip in slips), start=Decimal(0))
    return {"slips": len(slips), "amount_incl_tax": format(total, "f")}


def _policy(day: datetime) -> dict[str, str]:
    policy = policy_for(day.date())
    return {"oid": policy.oid, "digest_b64": policy.digest_b64}


def instant(moment: datetime) -> str:
    """RFC 3339 UTC with Z, as the agent protocol wants."""
    return moment.isoformat().replace("+00:00", "Z")


async def next_job(context: Context, principal: Principal, *, wait_s: float) -> SignedJob | None:
    """The oldest job this agent may accept, waiting for one at most `wait_s` seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + min(wait_s, context.settings.signing.long_poll_s)
    while True:
        async with context.unit(principal.tenant_id) as session:
            job = await SigningJobRepository(session).offered_job(principal.id, context.clock())
        if job is not None:
            return SignedJob(payload=job.payload, signature=job.signature)
        if loop.time() >= until:
            return None
        await asyncio.sleep(_LOOK_AGAIN_S)


async def accept(
    session: AsyncSession, context: Context, principal: Principal, job_id: uuid.UUID, nonce: str
) -> datetime:
    """The agent takes the job, once, before its time; documents still prepared become its own.

    Raises NotFound, Conflict (`job_not_available`)."""
    job = await _own_job(session, principal, job_id)
    now = context.clock()
    right = secrets.compare_digest(job.nonce, nonce)
    if not right or job.state != JobState.OFFERED.value or now >= job.accept_before:
        raise _not_available()
    items = await _lock_items(session, job)
    prepared = [one for one in items if one.state == ItemState.PREPARED.value]
    if not prepared:
        raise _not_available()
    for item in prepared:
        item.state = ItemState.ACCEPTED.value
    job.state = JobState.ACCEPTED.value
    job.accepted_at = now
    job.lease_until = now + timedelta(seconds=context.settings.signing.lease_s)
    record(
        session,
        Occurrence(
            kind="signing_job.accepted",
            actor=principal.actor,
            on_behalf_of=str(principal.user_id),
            details={"job": str(job.id), "documents": len(job.item_ns)},
        ),
        at=now,
    )
    return job.lease_until


def _not_available() -> Conflict:
    return Conflict(
        "Cet ordre de signature n'est plus disponible : relancez la signature.",
        code="job_not_available",
    )


async def renew(
    session: AsyncSession, context: Context, principal: Principal, job_id: uuid.UUID
) -> datetime:
    """Keeps the lease, two hours at most after acceptance. Raises NotFound, Conflict."""
    job = await _leased_job(session, context, principal, job_id)
    assert job.accepted_at is not None
    clocks = context.settings.signing
    latest = job.accepted_at + timedelta(seconds=clocks.work_s)
    job.lease_until = min(context.clock() + timedelta(seconds=clocks.lease_s), latest)
    return job.lease_until


async def _own_job(session: AsyncSession, principal: Principal, job_id: uuid.UUID) -> SigningJob:
    job = await SigningJobRepository(session).lock_job(job_id)
    if job is None or job.device_id != principal.id:
        raise NotFound
    return job


async def _leased_job(
    session: AsyncSession, context: Context, principal: Principal, job_id: uuid.UUID
) -> SigningJob:
    job = await _own_job(session, principal, job_id)
    alive = job.lease_until is not None and context.clock() < job.lease_until
    if job.state != JobState.ACCEPTED.value or not alive:
        raise Conflict(
            "Cet ordre de signature n'a plus cours : relancez la signature.", code="job_lapsed"
        )
    return job


async def _lock_items(session: AsyncSession, job: SigningJob) -> list[SignatureItem]:
    """The documents of a job, their folders locked in one order for all jobs: two of them never
    wait for each other."""
    items = await PreparationRepository(session).items(job.session_id)
    order = sorted((one.folder_id, one.n) for one in items if one.n in job.item_ns)
    return [(await lock_item(session, job.session_id, n))[1] for _, n in order]


async def prepared_document(
    session: AsyncSession, context: Context, principal: Principal, job_id: uuid.UUID, n: int
) -> tuple[str, int]:
    """Digest and size of the exact bytes that will be signed. Raises NotFound, Conflict."""
    job = await _leased_job(session, context, principal, job_id)
    item = await PreparationRepository(session).item(job.session_id, n)
    if item is None or n not in job.item_ns or item.prepared_sha256 is None:
        raise NotFound
    if item.prepared is None:
        raise Conflict(
            "Ce document n'attend plus de signature : rechargez le dossier pour voir où il en est.",
            code="preparation_lapsed",
        )
    return item.prepared_sha256, int(item.prepared["size_bytes"])


async def finish(
    context: Context,
    principal: Principal,
    session_id: uuid.UUID,
    n: int,
    given: ItemFinish,
) -> ItemState:
    """One document's outcome, in its own transaction. The same answer given twice is taken once.

    Raises NotFound, Conflict, and what `finish_item` refuses."""
    async with context.unit(principal.tenant_id) as session:
        job = await _leased_job(session, context, principal, given.job_id)
        if job.session_id != session_id or n not in job.item_ns:
            raise NotFound
        _, item = await lock_item(session, session_id, n)
        if item.state == ItemState.SIGNED.value:
            return ItemState.SIGNED
        if given.failure is not None:
            await fail_item(
                session,
                context,
                session_id,
                n,
                code=given.failure.code,
                detail=given.failure.detail,
            )
            return ItemState.FAILED
    values = tuple(SignatureValue(one.id, one.value) for one in given.values or [])
    await finish_item(context, principal, session_id, n, values)
    return ItemState.SIGNED


async def end(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    job_id: uuid.UUID,
    ended: JobEnd,
) -> None:
    """The agent gives the job back; documents without value may be prepared again."""
    job = await _own_job(session, principal, job_id)
    if job.state == JobState.ENDED.value:
        return
    job.state = JobState.ENDED.value
    job.ended_at = context.clock()
    job.lease_until = None
    job.outcome = ended.model_dump(mode="json")
    for item in await _lock_items(session, job):
        if item.state in (ItemState.PREPARED.value, ItemState.ACCEPTED.value):
            item.state = ItemState.LAPSED.value
            item.prepared = None
            item.failure = _why(ended)
    record(
        session,
        Occurrence(
            kind="signing_job.ended",
            actor=principal.actor,
            on_behalf_of=str(principal.user_id),
            details={"job": str(job.id), "outcome": ended.outcome.value},
        ),
        at=context.clock(),
    )


def _why(ended: JobEnd) -> dict[str, str] | None:
    if ended.code is None:
        return None
    return {"code": ended.code, "detail": ended.detail or ""}


async def read_session(
    session: AsyncSession, principal: Principal, session_id: uuid.UUID
) -> SignatureSessionRead:
    """The state of each document. Raises NotFound."""
    row = await own_session(session, principal, session_id)
    repository = PreparationRepository(session)
    certificate = await repository.certificate(row.certificate_id)
    assert certificate is not None
    return SignatureSessionRead(
        id=row.id,
        certificate_sha256=certificate.sha256,
        device_id=row.device_id,
        items=[
            SessionItemRead(
                n=one.n,
                folder_id=one.folder_id,
                document_id=one.document_id,
                state=ItemState(one.state),
                failure=Failure.model_validate(one.failure) if one.failure else None,
            )
            for one in await repository.items(row.id)
        ],
        jobs=[
            JobRead(
                id=one.id,
                state=JobState(one.state),
                accept_before=one.accept_before,
                lease_until=one.lease_until,
                outcome=one.outcome["outcome"] if one.outcome else None,
            )
            for one in await SigningJobRepository(session).jobs(row.id)
        ],
    )
