"""A folder as the API shows it."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.context import Context
from app.documents.service import read_documents
from app.folders.facts import Situation, situation_after, situation_of
from app.folders.repository import FolderRepository
from app.folders.schemas import (
    ActInput,
    ActRead,
    AllowedActionRead,
    FolderRead,
    FolderSummary,
    OpinionRead,
    StepRead,
)
from app.folders.service import Acted, allowed, event_of
from app.models import Folder
from app.register.service import as_person
from workflows.definition import Protocol, StepKind, desks_of
from workflows.events import Rejected
from workflows.folder import BACK_STATUSES, Act, FolderState, Opinion, StepInstance, StepState
from workflows.outside_events import OutsideAnswered, RemoteRefused, TransmissionFailed
from workflows.turns import unread

_SENT_BACK = Rejected | RemoteRefused | TransmissionFailed | OutsideAnswered


async def read_folder(
    session: AsyncSession, context: Context, principal: Principal, folder: Folder
) -> FolderRead:
    """A folder whole: documents, steps, who did what, what the caller may do. Who looks after its
    stuck steps without reading it sees nothing of its content (DESIGN D15)."""
    situation = await situation_of(session, context, folder, person=principal.id)
    return await _read(session, context, principal, folder, situation)


async def read_acted(
    session: AsyncSession, context: Context, principal: Principal, acted: Acted
) -> FolderRead:
    """The same after an act, in its transaction."""
    situation = await situation_after(
        session, context, acted.judged, acted.state, person=principal.id
    )
    return await _read(session, context, principal, acted.folder, situation)


async def _read(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder: Folder,
    situation: Situation,
) -> FolderRead:
    whole = await _whole(session, context, principal, folder, situation)
    if await _is_read_whole(session, principal, folder):
        return whole
    return _without_content(whole)


async def _is_read_whole(session: AsyncSession, principal: Principal, folder: Folder) -> bool:
    if principal.sees_all_folders or principal.administered_desk_ids == frozenset():
        return True
    return await FolderRepository(session).readable(folder.id, principal) is not None


def _without_content(whole: FolderRead) -> FolderRead:
    return whole.model_copy(
        update={
            "documents": [],
            "to_read": [],
            "metadata": {},
            "act": None,
            "opinions": [],
            "refusal": None,
        }
    )


async def _whole(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder: Folder,
    situation: Situation,
) -> FolderRead:
    state, protocol = situation.state, situation.protocol
    return FolderRead(
        **summary(folder).model_dump(),
        version=folder.version,
        workflow_version_id=folder.workflow_version_id,
        metadata=folder.folder_metadata,
        act=ActInput.model_validate(folder.act) if folder.act else None,
        refusal=await _refusal(session, folder, state),
        reception=reception_sentence(protocol, state),
        published_on=folder.published_on,
        executory_on=executory_on(protocol, state, folder.published_on),
        mandatory_reading=state.rules.mandatory_reading,
        to_read=[uuid.UUID(one) for one in unread(state, as_person(principal.id))],
        final_desk_id=uuid.UUID(state.final_desk) if state.final_desk else None,
        chained_from_id=folder.chained_from_id,
        chained_to_id=uuid.UUID(state.chained_to) if state.chained_to else None,
        steps=[_step(one, state) for one in state.steps],
        opinions=[_opinion(one) for one in state.opinions],
        documents=await read_documents(session, folder.id),
        allowed_actions=[
            AllowedActionRead(action=one.kind.value, desk_id=uuid.UUID(one.desk), step=one.step)
            for one in allowed(context, principal, folder, situation)
        ],
    )


async def _refusal(
    session: AsyncSession, folder: Folder, state: FolderState
) -> dict[str, Any] | None:
    """Why an inspection refused what was deposited, else why the folder came back."""
    if folder.refusal is not None or state.status not in BACK_STATUSES:
        return folder.refusal
    happened = [event_of(row) for row in await FolderRepository(session).events(folder.id)]
    last = next(one for one in reversed(happened) if isinstance(one, _SENT_BACK))
    return {"code": state.status.value, "detail": last.reason}


def _step(one: StepInstance, state: FolderState) -> StepRead:
    return StepRead(
        id=one.id,
        name=one.step.name,
        kind=one.kind.value,
        mode=one.step.mode.value,
        phase=one.step.phase.value,
        state=one.state.value,
        started_at=one.started_at,
        desk_ids=[uuid.UUID(desk) for desk in desks_of(one.step)],
        awaited_desk_ids=[uuid.UUID(desk) for desk in state.desks_awaited_at(one.id)],
        may_return=one.step.may_return,
        may_add_steps=one.step.may_add_steps,
        required_to_pass=[str(key) for key in one.step.required_to_pass],
        required_to_reject=[str(key) for key in one.step.required_to_reject],
        acts=[_act(act) for act in state.acts_at(one.id)],
    )


def _act(act: Act) -> ActRead:
    power = act.by.power
    return ActRead(
        kind=act.kind.value,
        at=act.at,
        actor_id=act.by.person,
        desk_id=uuid.UUID(power.desk),
        on_behalf_of=power.on_behalf_of,
        power=power.kind.value,
        mention=power.mention,
        reason=act.reason,
    )


def _opinion(one: Opinion) -> OpinionRead:
    return OpinionRead(
        step=one.step,
        desk_id=uuid.UUID(one.desk),
        asked_by=one.asked_by.person,
        question=one.question,
        answered_by=one.answered_by.person if one.answered_by else None,
        answer=one.answer,
    )


def summary(folder: Folder) -> FolderSummary:
    """A folder in a list."""
    return FolderSummary(
        id=folder.id,
        title=folder.title,
        status=folder.status,
        subtype_id=folder.subtype_id,
        submitter_desk_id=folder.submitter_desk_id,
        waiting_desk_ids=list(folder.waiting_desk_ids),
        waiting_kind=folder.waiting_kind,
        waiting_since=folder.waiting_since,
        due_at=folder.due_at,
        transmit_by=folder.transmit_by,
        created_at=folder.created_at,
        updated_at=folder.updated_at,
    )


def reception_sentence(protocol: Protocol, state: FolderState) -> str | None:
    """What the answer of the outside allows to say: an act is received, never « exécutoire » on
    its acknowledgement alone (actes.md §4)."""
    transmission = state.transmission
    if transmission is None or not _is_acknowledged(state):
        return None
    day = f" le {transmission.received_on:%d/%m/%Y}" if transmission.received_on else ""
    if protocol is Protocol.ACTES:
        return f"Reçu en préfecture{day}"
    return f"Acquitté par la trésorerie{day}"


def _is_acknowledged(state: FolderState) -> bool:
    """An archive step may follow the answer: the transmission step is then done."""
    return any(
        one.kind is StepKind.TRANSMISSION and one.state is StepState.DONE for one in state.steps
    )


def executory_on(protocol: Protocol, state: FolderState, published_on: date | None) -> date | None:
    """The day from which an act is « exécutoire »: the later of its reception by the legality
    control and of its publication or notification, None while one of them lacks (CGCT L2131-1)."""
    transmission = state.transmission
    if protocol is not Protocol.ACTES or transmission is None or published_on is None:
        return None
    if reception_sentence(protocol, state) is None or transmission.received_on is None:
        return None
    return max(transmission.received_on, published_on)
