"""What a mail says of an event, from what is true when it leaves."""

from __future__ import annotations

import uuid
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from app.folders.facts import binding_of, state_of
from app.folders.reading import reception_sentence
from app.models import Folder
from app.notifications.schemas import NotificationKind
from app.notifications.texts import Told
from app.users.repository import UserRepository
from workflows import events, outside_events
from workflows.actions import RefusedBy
from workflows.definition import Protocol
from workflows.events import Event
from workflows.folder import ActKind
from workflows.register import Authorship

_REFUSERS = {
    RefusedBy.TRANSMISSION_OPERATOR: dict.fromkeys(Protocol, "la plateforme de télétransmission"),
    RefusedBy.RECIPIENT: {
        Protocol.NONE: "le destinataire",
        Protocol.ACTES: "la préfecture",
        Protocol.HELIOS: "la trésorerie",
    },
}


async def _name(session: AsyncSession, by: Authorship) -> str:
    user = await UserRepository(session).user(uuid.UUID(by.person))
    return user.full_name if user else "une personne du circuit"


async def told_of(
    session: AsyncSession, folder: Folder, event: Event, told: Told, kind: NotificationKind
) -> Told | None:
    """What an event adds to what may be told; None when it is no news any more."""
    match event:
        case events.StepStarted() if kind is NotificationKind.INFORMED:
            return told
        case events.StepStarted(step=step):
            current = (await state_of(session, folder.id)).current_step
            return told if current is not None and current.id == step else None
        case events.Completed():
            return told
        case events.OpinionAsked() if not await _is_awaited(session, folder, event):
            return None
        case events.Rejected() if await _is_taken_back(session, folder, event):
            return None
        case events.Rejected() | events.OpinionAsked() | events.OpinionGiven():
            named = replace(told, actor=await _name(session, event.by), reason=_said(event))
            return replace(named, step=await _returned_to(session, folder, event))
        case _:
            return await _from_outside(session, folder, event, told)


async def _is_awaited(session: AsyncSession, folder: Folder, asked: events.OpinionAsked) -> bool:
    return asked.desk in (await state_of(session, folder.id)).desks_asked_at(asked.step)


async def _is_taken_back(session: AsyncSession, folder: Folder, event: events.Rejected) -> bool:
    said = ActKind.REJECT, event.step, event.occurred_at
    acts = (await state_of(session, folder.id)).acts
    return any(one.retracted_at and (one.kind, one.step, one.at) == said for one in acts)


async def _returned_to(session: AsyncSession, folder: Folder, event: Event) -> str:
    """The name of the earlier step to which a refusal brought the folder back."""
    if not isinstance(event, events.Rejected) or event.returned_to is None:
        return ""
    instance = (await state_of(session, folder.id)).step(event.returned_to)
    return instance.step.name if instance is not None else event.returned_to


def _said(event: events.Rejected | events.OpinionAsked | events.OpinionGiven) -> str:
    match event:
        case events.OpinionAsked():
            return event.question
        case events.OpinionGiven():
            return event.answer
        case _:
            return event.reason


async def _from_outside(
    session: AsyncSession, folder: Folder, event: Event, told: Told
) -> Told | None:
    _, kind = await binding_of(session, folder)
    protocol = Protocol(kind.protocol)
    match event:
        case outside_events.OutsideAnswered(reason=reason):
            return replace(told, actor="l'extérieur", reason=reason)
        case outside_events.RemoteRefused(refused_by=refused_by, reason=reason):
            return replace(told, actor=_REFUSERS[refused_by][protocol], reason=reason)
        case outside_events.TransmissionFailed(reason=reason):
            return replace(told, reason=reason)
        case outside_events.Acknowledged():
            sentence = reception_sentence(protocol, await state_of(session, folder.id))
            return replace(told, reception=sentence or "")
        case _:
            return None
