"""What the journal says of an event: actor, power, certificate, bytes concerned (DESIGN D12)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Actor, Occurrence
from app.audit.service import SYSTEM, Told, record_all
from app.auth.principal import PrincipalKind
from app.models import Folder
from app.users.service import user_of
from workflows import events, outside_events
from workflows import folder as domain
from workflows.events import Event
from workflows.register import Authorship

_TEXTS = ("reason", "question", "answer")
_DETAILS = ("step", "from_desk", "to_desk", "desk", "returned_to", "workflow_version")


@dataclass(frozen=True, slots=True)
class Trace:
    """What the journal says beside the event: the main documents that the folder has now, the
    certificate that signed, who told what happened outside."""

    documents: tuple[domain.Document, ...] = ()
    certificate_sha256: str | None = None
    reported_by: Actor = SYSTEM


NO_TRACE = Trace()


async def journal(
    session: AsyncSession, folder: Folder, happened: Sequence[Event], trace: Trace
) -> None:
    """One entry per event and document concerned, so that every act names the bytes it was done
    on."""
    told: list[Told] = []
    for event in happened:
        told.extend(await _told(session, folder, event, trace))
    record_all(session, told)


async def _told(
    session: AsyncSession, folder: Folder, event: Event, trace: Trace
) -> Sequence[Told]:
    by: Authorship | None = getattr(event, "by", None)
    actor, values = await _actor(session, by, event, trace)
    if isinstance(event, events.Created):
        values["title"] = folder.title
    values |= {name: text for name in _TEXTS if (text := getattr(event, name, None))}
    if by is not None and by.power.mention is not None:
        values["mention"] = by.power.mention
    common = Occurrence(
        kind=f"folder.{event.type}",
        actor=actor,
        on_behalf_of=by.power.on_behalf_of if by else None,
        power=by.power.kind.value if by else None,
        certificate_sha256=trace.certificate_sha256,
        folder=str(folder.id),
        details=_details(folder, event, by),
    )
    return [
        Told(replace(common, document=document, document_sha256=sha256), event.occurred_at, values)
        for document, sha256 in _concerned(event, trace.documents) or ((None, None),)
    ]


def _details(folder: Folder, event: Event, by: Authorship | None) -> dict[str, str | int]:
    details: dict[str, str | int] = {"version": folder.version}
    details |= {name: text for name in _DETAILS if (text := getattr(event, name, None))}
    if by is not None and by.power.id is not None:
        details["power_id"] = by.power.id
    return details


def _concerned(event: Event, documents: tuple[domain.Document, ...]) -> tuple[tuple[str, str], ...]:
    match event:
        case (
            events.Approved()
            | events.Rejected()
            | events.SignedOnPaper()
            | events.Archived()
            | events.StepSkipped()
            | events.OpinionGiven()
            | outside_events.TransmissionClaimed()
        ):
            return tuple((one.id, one.revision.sha256) for one in documents)
        case events.DocumentsRead():
            read = set(event.revisions)
            return tuple(
                (one.id, one.revision.sha256) for one in documents if one.revision.id in read
            )
        case events.Submitted() | events.Resubmitted() | events.ValidationStarted():
            return tuple((one.id, one.revision.sha256) for one in event.documents)
        case events.Signed() | events.Sealed():
            return tuple((one.document, one.after.sha256) for one in event.changes)
        case events.Retracted():
            return tuple((one.document, one.after.sha256) for one in event.restored)
        case _:
            return ()


async def _actor(
    session: AsyncSession, by: Authorship | None, event: Event, trace: Trace
) -> tuple[Actor, dict[str, str]]:
    if by is None:
        told = isinstance(event, outside_events.OutsideAnswered)
        return trace.reported_by if told else SYSTEM, {}
    if by.power.kind.value == PrincipalKind.PROGRAM.value:
        return Actor("program", by.person), {}
    person = await user_of(session, uuid.UUID(by.person))
    return Actor("person", by.person), {"actor_name": person.full_name}
