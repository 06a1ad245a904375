"""InfoDematerialisee in the flows that a circuit will sign: a new revision (DESIGN D9)."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Occurrence
from app.audit.service import SYSTEM, record
from app.catalog.service import resolve
from app.context import Context
from app.documents.repository import DocumentRepository, unsigned
from app.documents.schemas import Origin
from app.documents.service import add_revision
from app.errors import Conflict, Unprocessable
from app.kit.threads import in_thread
from app.models import Folder
from app.storage import StoredBlob
from signing.facts import SignatureScope
from signing.pes import Edit, dematerialised_edits
from workflows.definition import HeliosIntake
from workflows.folder import DocumentRole


@dataclass(frozen=True, slots=True)
class ToMark:
    """A flow whose InfoDematerialisee must be written before it enters its circuit (D9)."""

    revision_id: uuid.UUID
    document_id: uuid.UUID
    blob: StoredBlob
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Marked:
    """A flow, and its bytes once marked, in the storage; None where it said so already."""

    flow: ToMark
    blob: StoredBlob | None


async def flow_to_mark(session: AsyncSession, folder: Folder) -> ToMark | None:
    """The newest unsigned revision of a flow that this circuit will sign, unless it was marked.

    Raises Unprocessable (`pes_no_signable_id`) for a flow that nobody could sign."""
    resolved = await resolve(session, folder.subtype_id, even_retired=True)
    if resolved.intake is not HeliosIntake.TO_SIGN:
        return None
    repository = DocumentRepository(session)
    for document in await repository.documents(folder.id):
        if document.kind != DocumentRole.MAIN_DOCUMENT.value:
            continue
        rows = await repository.revisions([document.id])
        newest = unsigned(rows)[-1]
        _refuse_unsignable(newest.facts)
        if newest.origin == Origin.DEPOSITED.value and newest.facts is not None:
            return ToMark(
                newest.id,
                document.id,
                StoredBlob(newest.sha256, newest.size_bytes),
                newest.facts,
            )
    return None


def _refuse_unsignable(facts: Mapping[str, Any] | None) -> None:
    if facts and facts.get("scope") == SignatureScope.NO_SIGNABLE_ID.value:
        raise Unprocessable(
            "Ce flux ne peut pas être signé : ni tous ses bordereaux ni sa racine ne portent "
            "d'identifiant (Id). Demandez à l'éditeur du logiciel financier de les produire, puis "
            "déposez le nouveau flux à la place de celui-ci.",
            code="pes_no_signable_id",
        )


async def mark(context: Context, flow: ToMark | None) -> Marked | None:
    """The marked bytes, written outside any transaction: a flow may be long."""
    return None if flow is None else Marked(flow, await dematerialise(context, flow.blob))


async def keep_marked(
    session: AsyncSession, context: Context, folder: Folder, marked: Marked | None
) -> None:
    """Adds the marked revision to a locked folder whose validation begins; the deposited one
    stays. Raises as `flow_to_mark`, and Conflict (`folder_busy`) where it has another flow than the
    one that was marked: that one would be signed as it is."""
    found = await flow_to_mark(session, folder)
    if found is None:
        return
    if marked is None or marked.flow.revision_id != found.revision_id:
        raise Conflict(
            "D'autres personnes agissent sur ce dossier : rechargez-le, puis recommencez.",
            code="folder_busy",
        )
    if marked.blob is not None:
        await _add_marked(session, context, folder, marked.flow, marked.blob)


async def _add_marked(
    session: AsyncSession, context: Context, folder: Folder, flow: ToMark, blob: StoredBlob
) -> None:
    facts = {**flow.facts}
    facts["dematerialised"] = [[domain, True] for domain, _ in facts["dematerialised"]]
    revision = await add_revision(
        session, flow.document_id, blob, Origin.DEMATERIALISED, facts=facts
    )
    record(
        session,
        Occurrence(
            kind="document.dematerialised",
            actor=SYSTEM,
            folder=str(folder.id),
            document=str(flow.document_id),
            document_sha256=revision.sha256,
            details={"source_sha256": flow.blob.sha256},
        ),
        at=context.clock(),
    )


async def dematerialise(context: Context, blob: StoredBlob) -> StoredBlob | None:
    """The flow with InfoDematerialisee at 1 where it was not (DESIGN D9), streamed; None when it
    already says so. Raises UnsupportedDocument."""
    async with context.store.materialise(blob.sha256) as path:
        edits = await in_thread(lambda: dematerialised_edits(path))
        if not edits:
            return None
        growth = sum(len(edit.replacement) for edit in edits)
        return await context.store.write(
            _edited(context, blob, edits), limit_bytes=blob.size_bytes + growth
        )


async def _edited(
    context: Context, blob: StoredBlob, edits: tuple[Edit, ...]
) -> AsyncIterator[bytes]:
    position = 0
    for edit in edits:
        if edit.start > position:
            async for chunk in await context.store.open(
                blob.sha256, start=position, end=edit.start
            ):
                yield chunk
        yield edit.replacement
        position = edit.end
    if position < blob.size_bytes:
        async for chunk in await context.store.open(blob.sha256, start=position):
            yield chunk
