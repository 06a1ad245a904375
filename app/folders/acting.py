"""One act of a person on a folder, alone or among many, around what the engine decides of it."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.auth.refusals import failure_of_one
from app.context import Context
from app.folders.acts import (
    ApproveAct,
    BulkOutcome,
    FolderAct,
    Occasion,
    ResubmitAct,
    SkipStepAct,
)
from app.folders.facts import binding_of, state_of
from app.folders.marking import Marked, ToMark, flow_to_mark, keep_marked, mark
from app.folders.paper import refuse_paper
from app.folders.repository import FolderRepository
from app.folders.service import Acted, apply, lock_visible, seat, visible
from app.folders.submission import (
    enter_workflow,
    entering_documents,
    flow_entering,
    refuse_other_documents,
    refuse_several_main,
)
from app.models import Folder
from workflows.actions import Action, SignOnPaper
from workflows.definition import Phase
from workflows.events import ValidationStarted
from workflows.folder import Document, FolderState, FolderStatus, StepState
from workflows.moments import NotResubmittable


async def mark_before(
    context: Context, principal: Principal, folder_id: uuid.UUID, asked: FolderAct
) -> Marked | None:
    """The flow that the validation circuit will sign, marked where this act ends a preparation
    or sends the folder again (DESIGN D9): long work, done outside the transaction of the act.

    Raises NotFound, and for a folder sent again as `flow_entering`."""
    if not isinstance(asked, ApproveAct | SkipStepAct | ResubmitAct):
        return None
    async with context.unit(principal.tenant_id) as session:
        flow = await _flow_to_mark(session, principal, folder_id, asked)
    return await mark(context, flow)


async def _flow_to_mark(
    session: AsyncSession,
    principal: Principal,
    folder_id: uuid.UUID,
    asked: ApproveAct | SkipStepAct | ResubmitAct,
) -> ToMark | None:
    if isinstance(asked, ResubmitAct):
        return await flow_entering(session, await visible(session, principal, folder_id))
    # The row knows without replay; most folders are not in preparation.
    if not await FolderRepository(session).is_in_preparation(folder_id):
        return None
    folder = await visible(session, principal, folder_id)
    ends = _may_end_preparation(asked, await state_of(session, folder_id))
    return await flow_to_mark(session, folder) if ends else None


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
    actor = seat(principal, asked.desk_id)
    if isinstance(asked, ResubmitAct):
        # A draft is submitted by its own route, which lets desks be chosen.
        if folder.status == FolderStatus.DRAFT.value:
            raise NotResubmittable
        return await enter_workflow(session, context, folder, actor, marked=marked)
    if folder.in_preparation and _may_end_preparation(asked, await state_of(session, folder_id)):
        await keep_marked(session, context, folder, marked)
    phase = Phase.PREPARATION if folder.in_preparation else Phase.VALIDATION
    occasion = Occasion(actor, phase, await _entering(session, folder, asked))
    return await _apply(session, context, folder, asked.action_on(occasion))


def _may_end_preparation(asked: FolderAct, state: FolderState) -> bool:
    """Whether the turn may pass from the preparation to the validation: a step of the preparation
    that was passed before a migration put it after this one is done as it starts."""
    if not isinstance(asked, ApproveAct | SkipStepAct) or not state.in_preparation:
        return False
    ahead = [one for one in state.steps if one.state is StepState.WAITING]
    validates = any(one.step.phase is Phase.VALIDATION for one in ahead)
    return validates and all(
        one.step.phase is Phase.VALIDATION or state.acts_at(one.id) for one in ahead
    )


async def _apply(session: AsyncSession, context: Context, folder: Folder, action: Action) -> Acted:
    """Lets the engine decide; what it does not know is checked after the rights, which it judges:
    refused here, nothing of the act is kept."""
    acted = await apply(session, context, folder, action)
    if any(isinstance(one, ValidationStarted) for one in acted.happened):
        refuse_several_main(*await binding_of(session, folder), acted.state.documents)
        await refuse_other_documents(session, folder, acted.judged.state, acted.state)
    if isinstance(action, SignOnPaper):
        await refuse_paper(session, folder, acted.judged, action, context.clock())
    return acted


async def _entering(
    session: AsyncSession, folder: Folder, asked: FolderAct
) -> tuple[Document, ...]:
    """What enters the validation circuit, if this act begins it: the set is fixed since then."""
    if not folder.in_preparation or not isinstance(asked, ApproveAct | SkipStepAct):
        return ()
    return await entering_documents(session, folder.id)


async def outcome_of(
    context: Context, principal: Principal, folder_id: uuid.UUID, asked: FolderAct
) -> BulkOutcome:
    """The same act, whatever stops it as an outcome: one folder never holds the others back."""
    try:
        marked = await mark_before(context, principal, folder_id, asked)
        async with context.unit(principal.tenant_id) as session:
            acted = await act(session, context, principal, folder_id, asked, marked)
    except Exception as e:  # noqa: BLE001  the edge of one act among others
        failure = await failure_of_one(context, principal, e, folder_id)
        return BulkOutcome(
            folder_id=folder_id, done=False, status=None, code=failure.code, detail=failure.detail
        )
    return BulkOutcome(
        folder_id=folder_id, done=True, status=acted.folder.status, code=None, detail=None
    )
