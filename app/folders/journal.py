"""What the journal says of an event: actor, power, certificate, bytes concerned (DESIGN D12)."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Actor, Occurrence
from app.audit.service import SYSTEM, record
from app.auth.principal import PrincipalKind
from app.models import Folder
from app.users.service import user_of
from workflows import events
from workflows import folder as domain
from workflows.events import Event
from workflows.powers import Authorship


async def journal(
    session: AsyncSession,
    folder: Folder,
    event: Event,
    documents: tuple[domain.Document, ...],
    certificate_sha256: str | None,
) -> None:
    """One entry per document concerned, so that every act names the bytes it was done on.
    `documents` are the main documents that the folder has now."""
    by: Authorship | None = getattr(event, "by", None)
    actor, values = await _actor(session, folder, by)
    if isinstance(event, events.Created):
        values["title"] = folder.title
    reason: str | None = getattr(event, "reason", None)
    if reason is not None:
        values["reason"] = reason
    details: dict[str, str | int] = {"version": folder.version}
    step: str | None = getattr(event, "step", None)
    if step is not None:
        details["step"] = step
    for document, sha256 in _concerned(event, documents) or ((None, None),):
        await record(
            session,
            Occurrence(
                kind=f"folder.{event.type}",
                actor=actor,
                on_behalf_of=by.power.on_behalf_of if by else None,
                power=by.power.kind.value if by else None,
                certificate_sha256=certificate_sha256,
                folder=str(folder.id),
                document=document,
                document_sha256=sha256,
                details=details,
            ),
            at=event.occurred_at,
            values=values,
        )


def _concerned(event: Event, documents: tuple[domain.Document, ...]) -> tuple[tuple[str, str], ...]:
    match event:
        case events.Approved() | events.Rejected() | events.TransmissionClaimed():
            return tuple((one.id, one.revision.sha256) for one in documents)
        case events.Submitted() | events.Resubmitted():
            return tuple((one.id, one.revision.sha256) for one in event.documents)
        case events.Signed():
            return tuple((one.document, one.after.sha256) for one in event.changes)
        case events.Retracted():
            return tuple((one.document, one.after.sha256) for one in event.restored)
        case _:
            return ()


async def _actor(
    session: AsyncSession, folder: Folder, by: Authorship | None
) -> tuple[Actor, dict[str, str]]:
    if by is None:
        return SYSTEM, {}
    if by.power.kind.value == PrincipalKind.PROGRAM.value:
        return Actor("program", by.person), {}
    person = await user_of(session, uuid.UUID(by.person))
    return Actor("person", by.person), {"actor_name": person.full_name}
