"""What an act needs before it reaches the engine: documents that enter, a flow to mark."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.context import Context
from app.errors import AppError, Conflict
from app.folders.acts import (
    ApproveAct,
    BulkOutcome,
    FolderAct,
    ResubmitAct,
    SkipStepAct,
    plain_action,
)
from app.folders.facts import situation_of, state_of
from app.folders.marking import Marked, flow_to_mark, keep_marked, mark
from app.folders.repository import FolderRepository
from app.folders.service import (
    Acted,
    allowed,
    apply,
    lock_readable,
    lock_visible,
    readable,
    seat,
    visible,
)
from app.folders.submission import enter_circuit, entering_documents
from app.models import Folder
from workflows.actions import Action, ActionKind, Approve, Read, SkipStep
from workflows.definition import Phase, StepId
from workflows.errors import Refused
from workflows.folder import Document, FolderState, FolderStatus, RevisionId
from workflows.moments import NotResubmittable
from workflows.register import PersonAtDesk


async def mark_before(
    context: Context, principal: Principal, folder_id: uuid.UUID, asked: FolderAct
) -> Marked | None:
    """The flow that the validation circuit will sign, marked where this act ends a preparation
    (DESIGN D9): long work, done outside the transaction of the act.

    Raises NotFound."""
    if not isinstance(asked, ApproveAct | SkipStepAct):
        return None
    async with context.unit(principal.tenant_id) as session:
        # The row knows without replay; most folders are not in preparation.
        if not await FolderRepository(session).is_in_preparation(folder_id):
            return None
        folder = await visible(session, principal, folder_id)
        ends = _may_end_preparation(asked, await state_of(session, folder_id))
        flow = await flow_to_mark(session, folder) if ends else None
    return await mark(context, flow)


async def act(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder_id: uuid.UUID,
    asked: FolderAct,
    marked: Marked | None,
) -> Acted:
    """One act on one folder. `marked`: what `mark_before` gave for it.

    Raises NotFound, Conflict (`folder_busy`) and the engine's refusals."""
    folder = await lock_visible(session, principal, folder_id)
    if marked is not None:
        await keep_marked(session, context, folder, marked)
    if folder.in_preparation and _may_end_preparation(asked, await state_of(session, folder_id)):
        await _refuse_other_flow(session, folder, marked)
    return await _act(session, context, folder, asked, seat(principal, asked.desk_id))


def _may_end_preparation(asked: FolderAct, state: FolderState) -> bool:
    """Whether the turn passes from the last step of the preparation to the validation."""
    if not isinstance(asked, ApproveAct | SkipStepAct) or not state.in_preparation:
        return False
    upcoming = state.next_step
    return upcoming is not None and upcoming.step.phase is Phase.VALIDATION


async def _refuse_other_flow(session: AsyncSession, folder: Folder, marked: Marked | None) -> None:
    """Somebody moved the folder on, or changed its flow, since this act was looked at: it would
    be signed unmarked."""
    found = await flow_to_mark(session, folder)
    if found is None:
        return
    if marked is None or marked.flow.revision_id != found.revision_id:
        raise Conflict(
            "D'autres personnes agissent sur ce dossier : rechargez-le, puis recommencez.",
            code="folder_busy",
        )


async def _act(
    session: AsyncSession,
    context: Context,
    folder: Folder,
    asked: FolderAct,
    actor: PersonAtDesk,
) -> Acted:
    match asked:
        case ResubmitAct():
            # A draft is submitted by its own route, which marks the flow first (DESIGN D9).
            if folder.status == FolderStatus.DRAFT.value:
                raise NotResubmittable
            return await enter_circuit(session, context, folder, actor)
        case ApproveAct():
            documents = await _entering(session, folder)
            action: Action = Approve(actor, StepId(asked.step), documents)
        case SkipStepAct():
            documents = await _entering(session, folder)
            action = SkipStep(actor, StepId(asked.step), asked.reason, documents)
        case _:
            action = plain_action(asked, actor)
    return await apply(session, context, folder, action)


async def _entering(session: AsyncSession, folder: Folder) -> tuple[Document, ...]:
    """What enters the validation circuit, if this act begins it: the set is fixed since then."""
    return await entering_documents(session, folder.id) if folder.in_preparation else ()


async def outcome_of(
    context: Context, principal: Principal, folder_id: uuid.UUID, asked: FolderAct
) -> BulkOutcome:
    """The same act, its refusal as an outcome: one folder never holds the others back."""
    try:
        marked = await mark_before(context, principal, folder_id, asked)
        async with context.unit(principal.tenant_id) as session:
            acted = await act(session, context, principal, folder_id, asked, marked)
    except (AppError, Refused) as e:
        return BulkOutcome(
            folder_id=folder_id, done=False, status=None, code=e.code, detail=e.detail
        )
    return BulkOutcome(
        folder_id=folder_id, done=True, status=acted.folder.status, code=None, detail=None
    )


async def record_reading(
    context: Context, principal: Principal, folder_id: uuid.UUID, revision_id: uuid.UUID
) -> None:
    """Whoever downloads a main document has opened it, where the subtype demands reading and he
    may record it, through whichever of his desks takes part."""
    async with context.unit(principal.tenant_id) as session:
        folder = await readable(session, principal, folder_id)
        state = await state_of(session, folder_id)
        seen = RevisionId(str(revision_id))
        if not _counts_as_reading(state, principal, seen):
            return
        folder = await lock_readable(session, principal, folder_id)
        now = await situation_of(session, context, folder, person=principal.id)
        for one in allowed(context, principal, folder, now):
            if one.kind is ActionKind.READ:
                actor = seat(principal, uuid.UUID(one.desk))
                await apply(session, context, folder, Read(actor, (seen,)))
                return


def _counts_as_reading(state: FolderState, principal: Principal, seen: RevisionId) -> bool:
    main = {one.revision.id for one in state.signable_documents}
    known = {one.revision for one in state.readings if one.person == str(principal.id)}
    return state.rules.mandatory_reading and seen in main - known
