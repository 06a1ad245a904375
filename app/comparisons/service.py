"""What changed between two revisions of a document: which ones, then a bounded computation."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.comparisons.schemas import (
    ChangesRead,
    ComparedRevision,
    ComparisonKind,
    NotComputedRead,
    PdfChangesRead,
    PesChangesRead,
)
from app.context import Context
from app.documents.repository import DocumentRepository, unsigned
from app.documents.schemas import Origin
from app.documents.service import PDF, XML
from app.errors import NotFound, Unprocessable
from app.folders.service import readable
from app.kit.bounded import BoundedFailure, run_bounded
from app.models import Revision
from app.settings import MIB

_log = structlog.get_logger()
_CHILD_MEMORY: Final = 512 * MIB
# Somebody waits for the answer: a pair that takes longer is not compared.
_CPU_S, _WALL_S = 60.0, 90.0
_KINDS = {PDF: ComparisonKind.PDF, XML: ComparisonKind.PES}
# Named, so that the service does not import what only the child uses.
_FUNCTIONS = {
    ComparisonKind.PES: "signing.bounded_comparison:compare_pes",
    ComparisonKind.PDF: "signing.bounded_comparison:compare_pdf",
}
_IDENTICAL = "Les deux versions sont identiques."
_CONTENT_CHANGED = "Le contenu a changé."


@dataclass(frozen=True, slots=True)
class Pair:
    """Two revisions of one document, and how they can be compared."""

    document_id: uuid.UUID
    kind: ComparisonKind
    before: ComparedRevision
    after: ComparedRevision
    largest_bytes: int


async def pair_to_compare(
    session: AsyncSession,
    principal: Principal,
    folder_id: uuid.UUID,
    document_id: uuid.UUID,
    *,
    before: uuid.UUID | None,
    after: uuid.UUID | None,
) -> Pair:
    """The revisions to compare: those named, else the newest unsigned one with the one that it
    replaced. Raises NotFound, or Unprocessable (`nothing_to_compare`)."""
    folder = await readable(session, principal, folder_id)
    repository = DocumentRepository(session)
    document = await repository.document(document_id)
    if document is None or document.folder_id != folder.id:
        raise NotFound
    revisions = await repository.revisions([document.id])
    later = _named(revisions, after) if after else _last(unsigned(revisions))
    earlier = _named(revisions, before) if before else _replaced_by(later, revisions)
    return Pair(
        document_id=document.id,
        kind=_KINDS.get(document.media_type, ComparisonKind.CONTENT),
        before=_compared(earlier),
        after=_compared(later),
        largest_bytes=max(earlier.size_bytes, later.size_bytes),
    )


def _named(revisions: Sequence[Revision], revision_id: uuid.UUID) -> Revision:
    found = next((one for one in revisions if one.id == revision_id), None)
    if found is None:
        raise NotFound
    return found


def _last(revisions: Sequence[Revision]) -> Revision:
    if not revisions:
        raise Unprocessable(
            "Ce document n'a pas de version antérieure à comparer : consultez-le tel quel.",
            code="nothing_to_compare",
        )
    return revisions[-1]


def _replaced_by(later: Revision, revisions: Sequence[Revision]) -> Revision:
    """The last unsigned revision before the deposit that `later` comes from: marking a flow at
    its submission (DESIGN D9) is not a new deposit. Where there was but one, the revision just
    before."""
    earlier = [one for one in unsigned(revisions) if one.number < later.number]
    marked = Origin.DEMATERIALISED.value
    deposits = [one for one in unsigned([*earlier, later]) if one.origin != marked]
    deposited = deposits[-1].number if deposits else later.number
    return _last([one for one in earlier if one.number < deposited] or earlier)


def _compared(row: Revision) -> ComparedRevision:
    return ComparedRevision(id=row.id, number=row.number, sha256=row.sha256)


async def compute_changes(context: Context, pair: Pair) -> ChangesRead:
    """The differences of a pair, in a bounded child process; no transaction is open here.

    Raises BlobMissing or Corrupted; what the comparison refuses is told in the answer."""
    told = ChangesRead(
        document_id=pair.document_id,
        before=pair.before,
        after=pair.after,
        kind=pair.kind,
        identical=pair.before.sha256 == pair.after.sha256,
        summary=[],
    )
    if told.identical:
        return told.model_copy(update={"summary": [_IDENTICAL]})
    if pair.kind is ComparisonKind.CONTENT:
        return told.model_copy(update={"summary": [_CONTENT_CHANGED]})
    return told.model_copy(update=_told(pair.kind, await _answer(context, pair)))


def _told(kind: ComparisonKind, answer: dict[str, Any]) -> dict[str, Any]:
    """The members of the answer that the child's own answer fills."""
    refused = answer.get("refused")
    if refused is not None:
        reason = NotComputedRead(code=refused["code"], detail=refused["detail"])
        return {"summary": [_CONTENT_CHANGED, reason.detail], "not_computed": reason}
    if kind is ComparisonKind.PES:
        return {
            "summary": answer["summary"],
            "pes": PesChangesRead.model_validate(answer["changes"]),
        }
    return {"summary": answer["summary"], "pdf": PdfChangesRead.model_validate(answer["changes"])}


async def _answer(context: Context, pair: Pair) -> dict[str, Any]:
    store = context.store
    async with (
        store.materialise(pair.before.sha256) as before,
        store.materialise(pair.after.sha256) as after,
    ):
        return await _in_child(pair, before, after)


async def _in_child(pair: Pair, before: Path, after: Path) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = await run_bounded(
            _FUNCTIONS[pair.kind],
            str(before),
            str(after),
            memory_bytes=_CHILD_MEMORY + 3 * pair.largest_bytes,
            cpu_s=_CPU_S,
            wall_s=_WALL_S,
        )
    except BoundedFailure as e:
        _log.warning("comparison_bounded", kind=pair.kind, reason=e.reason, trace=e.trace)
        return {
            "refused": {
                "code": "comparison_bounds",
                "detail": "La comparaison n'est pas calculée : ces versions demandent trop de "
                "travail. Ouvrez-les l'une à côté de l'autre.",
            }
        }
    return answer
