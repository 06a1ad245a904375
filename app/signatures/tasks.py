"""The full report of a signed revision: it blocks the transmission, not the signer (D8)."""

from __future__ import annotations

import uuid

from app import jobs
from app.audit.chain import Occurrence
from app.audit.service import SYSTEM, record
from app.context import Context
from app.documents.detached import detached_signature, signature_digest
from app.documents.repository import DocumentRepository
from app.documents.schemas import CONDEMNED
from app.documents.service import verification_report
from app.documents.verdicts import is_invalid
from app.storage import StoredBlob
from app.tenants.service import trust_material


async def report(context: Context, job: jobs.ClaimedJob) -> None:
    """Verifies a revision with the tenant's trust and keeps the report beside it. One that it
    condemns is told to people by a job of its own, once."""
    revision_id = uuid.UUID(job.object_ids["revision_id"])
    async with context.unit(job.tenant_id) as session:
        revision = await DocumentRepository(session).revision(revision_id)
        trust = await trust_material(session)
        if revision is None or revision.report is not None:
            await jobs.finish(session, job)
            return
        blob = StoredBlob(revision.sha256, revision.size_bytes)
        signature = detached_signature(revision)
    made = await verification_report(context, blob, signature, trust)
    async with context.unit(job.tenant_id) as session:
        revision = await DocumentRepository(session).revision(revision_id)
        assert revision is not None
        revision.report = made
        record(
            session,
            Occurrence(
                kind="signature.verified",
                actor=SYSTEM,
                folder=job.object_ids["folder_id"],
                document=str(revision.document_id),
                document_sha256=revision.sha256,
                details={"verdict": made["verdict"], **signature_digest(revision)},
            ),
            at=context.clock(),
        )
        if is_invalid(made):
            await jobs.enqueue(
                session,
                CONDEMNED,
                job.tenant_id,
                job.object_ids,
                run_after=context.clock(),
                dedupe_key=f"{CONDEMNED}:{revision_id}",
            )
        await jobs.finish(session, job)
