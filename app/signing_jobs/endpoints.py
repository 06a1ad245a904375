"""Routes of signature sessions (people) and of signing jobs (agents)."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.kit.problems import problem_responses
from app.preparations.schemas import SignatureSessionCreate
from app.preparations.service import open_session, own_session, prepare_session
from app.signing_jobs import service
from app.signing_jobs.schemas import (
    ItemFinish,
    ItemFinished,
    JobAccept,
    JobEnd,
    Lease,
    SignatureSessionRead,
    SignedJob,
)

router = APIRouter(tags=["signatures"], route_class=IdempotentRoute)


@router.post(
    "/signature-sessions",
    status_code=201,
    response_model=SignatureSessionRead,
    summary="Ouvrir une session de signature",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def open_signature_session(
    new: SignatureSessionCreate, caller: Caller = permit(Permission.FOLDER_SIGN)
) -> SignatureSessionRead:
    """Prepares each document on its own and offers one job to the caller's agent; those that
    could not be prepared say why."""
    async with caller.unit() as session:
        row = await open_session(caller.context, caller.principal, new, session)
    return await _prepare_and_offer(caller, row.id)


@router.post(
    "/signature-sessions/{session_id}/resume",
    response_model=SignatureSessionRead,
    summary="Reprendre une session de signature",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def resume_signature_session(
    session_id: uuid.UUID, caller: Caller = permit(Permission.FOLDER_SIGN)
) -> SignatureSessionRead:
    """A new job with the documents that have no value yet."""
    return await _prepare_and_offer(caller, session_id)


async def _prepare_and_offer(caller: Caller, session_id: uuid.UUID) -> SignatureSessionRead:
    ready = await prepare_session(caller.context, caller.principal, session_id)
    async with caller.unit(claims=False) as session:
        if ready:
            row = await own_session(session, caller.principal, session_id)
            await service.offer(session, caller.context, row, ready)
        return await service.read_session(session, caller.principal, session_id)


@router.get(
    "/signature-sessions/{session_id}",
    response_model=SignatureSessionRead,
    summary="Suivre une session de signature",
    responses=problem_responses(401, 403, 404),
)
async def get_signature_session(
    session_id: uuid.UUID, caller: Caller = permit(Permission.FOLDER_SIGN)
) -> SignatureSessionRead:
    """The state of each document."""
    async with caller.unit() as session:
        return await service.read_session(session, caller.principal, session_id)


@router.put(
    "/signature-sessions/{session_id}/items/{n}",
    response_model=ItemFinished,
    summary="Rendre la signature d'un document",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def finish_signature_item(
    session_id: uuid.UUID,
    n: int,
    given: ItemFinish,
    caller: Caller = permit(Permission.AGENT),
) -> ItemFinished:
    """The agent's values for one document, verified before anything is stored."""
    state = await service.finish(caller.context, caller.principal, session_id, n, given)
    await caller.context.wake()
    return ItemFinished.model_validate({"state": state})


@router.get(
    "/agent/jobs/next",
    response_model=SignedJob,
    summary="Attendre un ordre de signature",
    responses={204: {"description": "Nothing to sign now"}, **problem_responses(401, 403, 422)},
)
async def next_signing_job(
    wait_s: Annotated[float, Query(ge=0, le=60)] = 25,
    caller: Caller = permit(Permission.AGENT),
) -> SignedJob | Response:
    """Long poll; 204 when nothing came."""
    job = await service.next_job(caller.context, caller.principal, wait_s=wait_s)
    return job if job is not None else Response(status_code=204)


@router.post(
    "/agent/jobs/{job_id}/accept",
    response_model=Lease,
    summary="Accepter un ordre de signature",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def accept_signing_job(
    job_id: uuid.UUID, accepted: JobAccept, caller: Caller = permit(Permission.AGENT)
) -> Lease:
    """Once, before its time is over."""
    async with caller.unit() as session:
        lease_until = await service.accept(
            session, caller.context, caller.principal, job_id, accepted.nonce
        )
    return Lease(lease_until=lease_until)


@router.post(
    "/agent/jobs/{job_id}/renew",
    response_model=Lease,
    summary="Garder un ordre de signature",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def renew_signing_job(job_id: uuid.UUID, caller: Caller = permit(Permission.AGENT)) -> Lease:
    """Every minute while the agent works."""
    async with caller.unit() as session:
        lease_until = await service.renew(session, caller.context, caller.principal, job_id)
    return Lease(lease_until=lease_until)


@router.get(
    "/agent/jobs/{job_id}/items/{n}/document",
    response_class=StreamingResponse,
    summary="Télécharger ce qui sera signé",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def get_job_document(
    job_id: uuid.UUID, n: int, caller: Caller = permit(Permission.AGENT)
) -> StreamingResponse:
    """The exact bytes, for the agent to recompute what it signs."""
    async with caller.unit() as session:
        sha256, size_bytes = await service.prepared_document(
            session, caller.context, caller.principal, job_id, n
        )
    chunks = await caller.context.store.open(sha256)
    return StreamingResponse(
        chunks,
        media_type="application/octet-stream",
        headers={"Content-Length": str(size_bytes)},
    )


@router.post(
    "/agent/jobs/{job_id}/end",
    status_code=204,
    summary="Terminer un ordre de signature",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def end_signing_job(
    job_id: uuid.UUID, ended: JobEnd, caller: Caller = permit(Permission.AGENT)
) -> None:
    """Documents without value may be prepared again, in a new job."""
    async with caller.unit() as session:
        await service.end(session, caller.context, caller.principal, job_id, ended)
