"""What an act needs before it reaches the engine: documents that enter, a flow to mark."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.auth.refusals import failure_of_one
from app.context import Context
from app.errors import Unprocessable
from app.folders.acts import (
    ApproveAct,
    BulkOutcome,
    FolderAct,
    PlainAct,
    ResubmitAct,
    SkipStepAct,
    plain_action,
)
from app.folders.facts import Situation, binding_of, situation_of, state_of
from app.folders.marking import Marked, ToMark, flow_to_mark, keep_marked, mark
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
from app.folders.submission import (
    enter_workflow,
    entering_documents,
    flow_entering,
    refuse_other_documents,
    refuse_several_main,
)
from app.models import Folder
from app.tenants.service import timezone_of
from workflows.actions import Action, ActionKind, Approve, Read, SignOnPaper, SkipStep
from workflows.definition import Phase, StepId
from workflows.engine import decide
from workflows.errors import Refused
from workflows.events import ValidationStarted
from workflows.folder import Document, FolderState, FolderStatus, RevisionId, StepState
from workflows.moments import NotResubmittable
from workflows.periods import next_day, start_of_day
from workflows.register import PersonAtDesk
from workflows.turning_points import turning_points_at


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
    return await _act(session, context, folder, asked, actor)


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


async def _act(
    session: AsyncSession,
    context: Context,
    folder: Folder,
    asked: ApproveAct | SkipStepAct | PlainAct,
    actor: PersonAtDesk,
) -> Acted:
    match asked:
        case ApproveAct():
            documents = await _entering(session, folder)
            action: Action = Approve(actor, StepId(asked.step), documents)
        case SkipStepAct():
            documents = await _entering(session, folder)
            action = SkipStep(actor, StepId(asked.step), asked.reason, documents)
        case _:
            action = plain_action(asked, actor, _phase_of(folder))
    acted = await apply(session, context, folder, action)
    if any(isinstance(one, ValidationStarted) for one in acted.happened):
        refuse_several_main(*await binding_of(session, folder), acted.state.documents)
        await refuse_other_documents(session, folder, acted.judged.state, acted.state)
    if isinstance(action, SignOnPaper):
        # After the rights, which the engine judges: refused here, nothing of the act is kept.
        zone, now = await timezone_of(session), context.clock()
        _refuse_paper_date(folder, action.signed_on, zone, now)
        _refuse_paper_power(acted.judged, action, zone, now)
    return acted


def _phase_of(folder: Folder) -> Phase:
    """The part of the circuit in which a step that is added now will be."""
    return Phase.PREPARATION if folder.in_preparation else Phase.VALIDATION


def _refuse_paper_date(folder: Folder, signed_on: date, zone: ZoneInfo, now: datetime) -> None:
    """What is signed on paper exists: an act from its decision on, another folder from its
    creation on, both counted in the days of the tenant."""
    first = folder.created_at.astimezone(zone).date()
    if folder.act is not None:
        first = date.fromisoformat(folder.act["decided_on"])
    if not first <= signed_on <= now.astimezone(zone).date():
        raise Unprocessable(
            f"La date de la signature sur papier se place entre le {first:%d/%m/%Y} et "
            "aujourd'hui : corrigez-la.",
            code="paper_signature_date",
        )


def _refuse_paper_power(
    judged: Situation, action: SignOnPaper, zone: ZoneInfo, now: datetime
) -> None:
    """Whoever signed on paper could sign on that day, at some instant of it. Before the first power
    registered at the desk nothing is known: powers are older than the register of a new tenant."""
    register, desk = judged.register, action.actor.desk
    first, after = (
        start_of_day(one, zone) for one in (action.signed_on, next_day(action.signed_on))
    )
    known = (
        *(one.period.start for one in register.holders if one.desk == desk),
        *(one.period.start for one in register.grants if one.office == desk),
    )
    if min(known, default=now) >= after:
        return
    points = (one for one in turning_points_at(register, desk) if first < one < now)
    able = next((one for one in (first, *points) if _may_sign(judged, action, one)), now)
    if able < after:
        return
    raise Unprocessable(
        f"Le {action.signed_on:%d/%m/%Y}, vous n'aviez pas le pouvoir de signer à cette étape : la "
        f"première date possible ensuite est le {able.astimezone(zone):%d/%m/%Y}. Corrigez la date "
        "ou, si une autre personne a signé, laissez-la enregistrer sa signature.",
        code="paper_signature_power",
    )


def _may_sign(judged: Situation, action: SignOnPaper, instant: datetime) -> bool:
    """Whether the act, which the engine accepts now, would have been at the instant."""
    try:
        decide(judged.state, action, judged.register, judged.facts, instant)
    except Refused:
        return False
    return True


async def _entering(session: AsyncSession, folder: Folder) -> tuple[Document, ...]:
    """What enters the validation circuit, if this act begins it: the set is fixed since then."""
    return await entering_documents(session, folder.id) if folder.in_preparation else ()


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
        situation = await situation_of(session, context, folder, person=principal.id)
        for one in allowed(context, principal, folder, situation):
            if one.kind is ActionKind.READ:
                actor = seat(principal, uuid.UUID(one.desk))
                await apply(session, context, folder, Read(actor, (seen,)))
                return


def _counts_as_reading(state: FolderState, principal: Principal, seen: RevisionId) -> bool:
    main = {one.revision.id for one in state.signable_documents}
    known = {one.revision for one in state.readings if one.person == str(principal.id)}
    return state.rules.mandatory_reading and seen in main - known
