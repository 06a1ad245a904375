"""What the journal says of an event: actor, power, certificate, bytes concerned (DESIGN D12)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import TOKEN, Actor, Occurrence, fits
from app.audit.service import SYSTEM, Told, record, record_all
from app.auth.principal import PrincipalKind
from app.catalog.choice import Choice
from app.documents.detached import signature_digest
from app.models import Folder
from app.users.service import user_of
from workflows import events, outside_events
from workflows import folder as domain
from workflows.encoding import JsonObject, JsonValue, encode_object
from workflows.events import Event
from workflows.metadata import MetadataValue
from workflows.register import Authorship

_Concerned: TypeAlias = tuple[domain.DocumentId, domain.Revision]
_TEXTS = ("reason", "question", "answer", "reference")
_TOLD_APART = {"occurred_at", "by", *_TEXTS}


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
    on. All that the event says is there: identifiers, dates and numbers as details, the rest (the
    steps of a circuit, the revisions that were signed) as the value `event` of the first one."""
    told: list[Told] = []
    for event in happened:
        told.extend(await _told(session, folder, event, trace))
    record_all(session, told)


def journal_choice(
    session: AsyncSession,
    folder: Folder,
    choice: Choice,
    facts: Mapping[str, MetadataValue],
    *,
    at: datetime,
) -> None:
    """Which version the folder enters, by which row of the rule table (they count from 1), and what
    was known of the folder then."""
    row = {} if choice.row is None else {"rule_row": choice.row}
    what = Occurrence(
        kind="workflow.chosen",
        actor=SYSTEM,
        folder=str(folder.id),
        details={
            "subtype": str(folder.subtype_id),
            "workflow": str(choice.version.workflow_id),
            "number": choice.version.number,
            "workflow_version": str(choice.version.id),
            **row,
        },
    )
    values = {"title": folder.title, "facts": json.dumps(facts, ensure_ascii=False)}
    if folder.act is not None:
        values["act"] = json.dumps(folder.act, ensure_ascii=False)
    record(session, what, at=at, values=values)


async def _told(
    session: AsyncSession, folder: Folder, event: Event, trace: Trace
) -> Sequence[Told]:
    by: Authorship | None = getattr(event, "by", None)
    actor, values = await _actor(session, by, event, trace)
    details, rest = _said(event)
    if isinstance(event, events.Created):
        values["title"] = folder.title
        details["subtype"] = str(folder.subtype_id)
        del details["folder"]
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
        details={"version": folder.version, **details, **_power(by)},
    )
    whole = {"event": json.dumps(rest, ensure_ascii=False)} if rest else {}
    return [
        Told(
            _about(common, one),
            event.occurred_at,
            values if number else values | whole,
        )
        for number, one in enumerate(_concerned(event, trace.documents) or (None,))
    ]


def _about(common: Occurrence, concerned: _Concerned | None) -> Occurrence:
    """The entry of one document: the bytes, and the signature made apart from them where there is
    one: whoever has the export alone can tie both files to the act."""
    if concerned is None:
        return common
    document, revision = concerned
    return replace(
        common,
        document=document,
        document_sha256=revision.sha256,
        details={**common.details, **signature_digest(revision)},
    )


def _said(event: Event) -> tuple[dict[str, str | int], JsonObject]:
    """What fits the details of an entry, and what does not."""
    details: dict[str, str | int] = {}
    rest: dict[str, JsonValue] = {}
    for name, value in encode_object(event).items():
        if name in _TOLD_APART or value in (None, "", []):
            continue
        if isinstance(value, int) or (isinstance(value, str) and fits(TOKEN, value)):
            details[name] = value
        else:
            rest[name] = value
    return details, rest


def _power(by: Authorship | None) -> dict[str, str]:
    """The desk through which somebody acted, and what founds his power where it is not his own."""
    if by is None:
        return {}
    founded = {} if by.power.id is None else {"power_id": by.power.id}
    return {"by_desk": by.power.desk, **founded}


def _concerned(event: Event, documents: tuple[domain.Document, ...]) -> tuple[_Concerned, ...]:
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
            return tuple((one.id, one.revision) for one in documents)
        case events.DocumentsRead():
            read = set(event.revisions)
            return tuple((one.id, one.revision) for one in documents if one.revision.id in read)
        case events.Submitted() | events.Resubmitted() | events.ValidationStarted():
            return tuple((one.id, one.revision) for one in event.documents)
        case events.Signed() | events.Sealed():
            return tuple((one.document, one.after) for one in event.changes)
        case events.Retracted():
            return tuple((one.document, one.after) for one in event.restored)
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
