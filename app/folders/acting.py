"""What an act needs before it reaches the engine: documents that enter, a flow to mark."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.context import Context
from app.documents.service import dematerialise
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
from app.folders.marking import ToMark, flow_to_mark, keep_marked
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
from workflows.folder import FolderState, FolderStatus, RevisionId
from workflows.moments import NotResubmittable
from workflows.register import PersonAtDesk

UnitOfWork = Callable[[], AbstractAsyncContextManager[AsyncSession]]


async def act(
    context: Context,
    principal: Principal,
    folder_id: uuid.UUID,
    asked: FolderAct,
    unit: UnitOfWork,
) -> Acted:
    """One act on one folder, in the transaction that `unit` opens.

    The act that ends a preparation marks the flow that the validation circuit will sign (DESIGN
    D9), outside the transaction. Raises NotFound, and the engine's refusals."""
    marked = None
    async with context.unit(principal.tenant_id) as session:
        folder = await visible(session, principal, folder_id)
        # The row knows without replay; most folders are not in preparation.
        ends = folder.in_preparation and _may_end_preparation(
            asked, await state_of(session, folder_id)
        )
        to_mark = await flow_to_mark(session, folder) if ends else None
    if to_mark is not None:
        marked = await dematerialise(context, to_mark.blob)
    async with unit() as session:
        folder = await lock_visible(session, principal, folder_id)
        if to_mark is not None and marked is not None:
            await keep_marked(session, context, folder, to_mark, marked)
        if folder.in_preparation and _may_end_preparation(
            asked, await state_of(session, folder_id)
        ):
            await _refuse_other_flow(session, folder, to_mark)
        return await _act(session, context, folder, asked, seat(principal, asked.desk_id))


def _may_end_preparation(asked: FolderAct, state: FolderState) -> bool:
    """Whether the turn passes from the last step of the preparation to the validation."""
    if not isinstance(asked, ApproveAct | SkipStepAct) or not state.in_preparation:
        return False
    upcoming = state.next_step
    return upcoming is not None and upcoming.step.phase is Phase.VALIDATION


async def _refuse_other_flow(session: AsyncSession, folder: Folder, seen: ToMark | None) -> None:
    """Somebody moved the folder on, or changed its flow, since this act was looked at: it would
    be signed unmarked."""
    found = await flow_to_mark(session, folder)
    if found is not None and (seen is None or seen.revision_id != found.revision_id):
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
            documents = await entering_documents(session, folder.id)
            action: Action = Approve(actor, StepId(asked.step), documents)
        case SkipStepAct():
            documents = await entering_documents(session, folder.id)
            action = SkipStep(actor, StepId(asked.step), asked.reason, documents)
        case _:
            action = plain_action(asked, actor)
    return await apply(session, context, folder, action)


async def outcome_of(
    context: Context, principal: Principal, folder_id: uuid.UUID, asked: FolderAct
) -> BulkOutcome:
    """The same act, its refusal as an outcome: one folder never holds the others back."""
    try:
        acted = await act(
            context, principal, folder_id, asked, lambda: context.unit(principal.tenant_id)
        )
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
        now = await situation_of(session, context, folder)
        for one in allowed(context, principal, folder, now):
            if one.kind is ActionKind.READ:
                actor = seat(principal, uuid.UUID(one.desk))
                await apply(session, context, folder, Read(actor, (seen,)))
                return


def _counts_as_reading(state: FolderState, principal: Principal, seen: RevisionId) -> bool:
    main = {one.revision.id for one in state.signable_documents}
    known = {one.revision for one in state.readings if one.person == str(principal.id)}
    return state.rules.mandatory_reading and seen in main - known
