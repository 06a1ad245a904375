"""A document already inspected, put in a folder by the service that deposits."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

from app.auth.principal import Principal, PrincipalKind, permissions_of_person
from app.context import Context
from app.demo.town import Town
from app.deposits import service
from app.deposits.intake import Announced, plan_for_folder
from app.documents.service import Received, receive
from app.folders.service import lock_readable
from signing.facts import PesFacts
from workflows.folder import DocumentRole

_RECEIVED: dict[bytes, Received] = {}


def principal_of(town: Town, key: str) -> Principal:
    """Somebody of the town who holds his desk and has no role."""
    return Principal(
        kind=PrincipalKind.PERSON,
        tenant_id=town.tenant_id,
        id=town.users[key],
        user_id=town.users[key],
        permissions=permissions_of_person([]),
        desk_ids=frozenset({town.desks[key]}),
    )


async def put_pdf(
    context: Context, submitter: Principal, folder_id: uuid.UUID, content: bytes
) -> None:
    """What the deposit of a PDF does. Its inspection, a process started for the purpose, is done
    once for the same bytes in this run."""
    announced = Announced(
        name="document d'essai",
        role=DocumentRole.MAIN_DOCUMENT,
        media_type="application/pdf",
        size_bytes=len(content),
        sha256=None,
    )
    async with context.unit(submitter.tenant_id) as session:
        intake = await plan_for_folder(session, context, submitter, folder_id, announced)
    if content not in _RECEIVED:
        _RECEIVED[content] = await receive(context, intake, _once(content), accept=_any_flow)
    blob = await context.store.write(_once(content), limit_bytes=intake.limit_bytes)
    received = replace(_RECEIVED[content], blob=blob)
    async with context.unit(submitter.tenant_id) as session:
        folder = await lock_readable(session, submitter, folder_id)
        arrival = service.Arrival(announced.name, intake, received)
        await service.record_document(session, context, submitter, folder, arrival)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _any_flow(_facts: PesFacts) -> None:
    """Nothing more is asked of it."""
