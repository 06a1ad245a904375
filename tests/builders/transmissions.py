"""Folders on the threshold of their transmission, and the worker's part played step by step."""

from __future__ import annotations

import itertools
import secrets
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from app import jobs
from app.auth.principal import Permission, Principal, PrincipalKind
from app.catalog.schemas import ConnectorAccountCreate
from app.context import Context
from app.demo.s2low import S2lowDouble
from app.demo.town import Town
from app.deposits.service import create
from app.documents.repository import DocumentRepository
from app.documents.schemas import Origin
from app.documents.service import add_revision
from app.folders.facts import state_of
from app.folders.marking import Marked
from app.folders.repository import FolderRepository
from app.folders.schemas import ActInput, FolderCreate
from app.folders.service import apply
from app.folders.submission import enter_workflow, flow_entering
from app.jobs import ClaimedJob
from app.kit.ids import new_id
from app.models import Document, Folder, FolderEvent, Job, Transmission, TransmissionAttempt
from app.storage import StoredBlob
from app.transmissions.repository import TransmissionRepository
from app.transmissions.service import POLL, SUBMIT, schedule
from app.worker import run
from signing.report import Verdict
from tests.builders.submissions import DECIDED_ON, make_flow, make_pdf
from tests.builders.tdt import LOGIN, PASSWORD, TdtPki
from workflows.actions import Action, Approve, Retract, Sign
from workflows.definition import DeskId, Protocol, StepId
from workflows.folder import DocumentId, Revision, RevisionChange, RevisionId
from workflows.register import PersonAtDesk, PersonId

_NUMBERS = itertools.count(1)
_RUN = secrets.token_hex(3).upper()


def make_account_input(
    double: S2lowDouble, pki: TdtPki, *, with_login: bool = False
) -> ConnectorAccountCreate:
    """The archivist's account, or the ordinary one with its login."""
    client = pki.shared_client if with_login else pki.client
    return ConnectorAccountCreate.model_validate(
        {
            "connector": "s2low",
            "label": "TdT fictif",
            "base_url": double.base_url,
            "server_ca": pki.authority.pem.decode(),
            "client_certificate": client.pem.decode(),
            "client_key": client.key_pem.decode(),
            "login": LOGIN if with_login else None,
            "password": PASSWORD if with_login else None,
            "is_archivist": not with_login,
        }
    )


@dataclass(frozen=True)
class Waiting:
    """A folder whose transmission is scheduled; `key` is what the double knows it by."""

    town: Town
    folder_id: uuid.UUID
    key: str
    content: bytes


def principal_of(town: Town, key: str, *permissions: Permission) -> Principal:
    desks = frozenset({town.desks[key]} if key in town.desks else ())
    return Principal(
        kind=PrincipalKind.PERSON,
        tenant_id=town.tenant_id,
        id=town.users[key],
        user_id=town.users[key],
        permissions=frozenset(permissions),
        desk_ids=desks,
    )


def at_desk(town: Town, key: str) -> PersonAtDesk:
    return PersonAtDesk(PersonId(str(town.users[key])), DeskId(str(town.desks[key])))


async def make_waiting(
    context: Context,
    town: Town,
    protocol: Protocol,
    *,
    verdict: Verdict | None = Verdict.VALID,
    annexes: int = 0,
) -> Waiting:
    """Deposited, approved, signed by the mayor, scheduled: what a signed revision holds does not
    matter to its transmission. `verdict` None: not verified yet."""
    waiting = await make_pending(context, town, protocol, annexes=annexes)
    await approve(context, waiting)
    await sign(context, waiting, signed_bytes(waiting.content), verdict)
    await schedule_now(context, waiting)
    return waiting


async def make_pending(
    context: Context, town: Town, protocol: Protocol, *, annexes: int = 0, title: str | None = None
) -> Waiting:
    """Deposited, at its approval step."""
    key = _unique_key(protocol)
    content = make_flow(nomfic=key) if protocol is Protocol.HELIOS else make_pdf()
    async with context.unit(town.tenant_id) as session:
        new = _folder_create(town, protocol, key)
        folder = await create(session, context, principal_of(town, "finances"), new)
        folder.title = title or folder.title
    await _add_document(context, folder, "main_document", content, key)
    for number in range(annexes):
        await _add_document(context, folder, "annex", make_pdf(), f"annexe {number}")
    async with context.unit(town.tenant_id) as session:
        locked = await FolderRepository(session).lock(folder.id)
        assert locked is not None
        flow = await flow_entering(session, locked)
        # Its bytes are those of the test, whatever they say.
        marked = Marked(flow, None) if flow is not None else None
        await enter_workflow(session, context, locked, at_desk(town, "finances"), marked=marked)
    return Waiting(town, folder.id, key, content)


async def approve(context: Context, waiting: Waiting) -> None:
    await act(context, waiting, Approve(at_desk(waiting.town, "direction"), StepId("visa")))


async def act(context: Context, waiting: Waiting, *actions: Action) -> None:
    """Acts on the folder, in one transaction."""
    async with context.unit(waiting.town.tenant_id) as session:
        folder = await FolderRepository(session).lock(waiting.folder_id)
        assert folder is not None
        for action in actions:
            await apply(session, context, folder, action)


def signed_bytes(content: bytes) -> bytes:
    """Other bytes, that a TdT reads as the same document."""
    return content + b"\n"


async def sign(
    context: Context, waiting: Waiting, content: bytes, verdict: Verdict | None = Verdict.VALID
) -> None:
    """The mayor passes the signature step with these bytes."""
    town = waiting.town
    blob = await store(context, content)
    async with context.unit(town.tenant_id) as session:
        folder = await FolderRepository(session).lock(waiting.folder_id)
        assert folder is not None
        main = (await state_of(session, folder.id)).signable_documents[0]
        row = await add_revision(session, uuid.UUID(main.id), blob, Origin.SIGNED, facts=None)
        row.report = {"verdict": verdict.value} if verdict else None
        after = Revision(RevisionId(str(row.id)), blob.sha256)
        change = RevisionChange(DocumentId(main.id), before=main.revision, after=after)
        action = Sign(at_desk(town, "maire"), StepId("signature"), (change,))
        await apply(session, context, folder, action)


async def retract_signature(context: Context, waiting: Waiting) -> None:
    await act(context, waiting, Retract(at_desk(waiting.town, "maire"), StepId("signature")))


async def schedule_now(context: Context, waiting: Waiting) -> None:
    async with context.unit(waiting.town.tenant_id) as session:
        await schedule(session, context, waiting.folder_id)


async def set_verdict(context: Context, waiting: Waiting, verdict: Verdict) -> None:
    """The report of the current revision arrives."""
    async with context.unit(waiting.town.tenant_id) as session:
        main = (await state_of(session, waiting.folder_id)).signable_documents[0]
        row = await DocumentRepository(session).revision(uuid.UUID(main.revision.id))
        assert row is not None
        row.report = {"verdict": verdict.value}


async def store(context: Context, content: bytes) -> StoredBlob:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    return await context.store.write(chunks(), limit_bytes=len(content))


async def work(context: Context, town: Town, *kinds: str) -> int:
    """Runs this town's due jobs of these kinds until none is due; how many ran."""
    ran = 0
    while True:
        async with context.unit() as session:
            found = list(
                await session.scalars(
                    select(Job.id).where(
                        Job.tenant_id == town.tenant_id,
                        Job.kind.in_(kinds or (SUBMIT, POLL)),
                        Job.state.in_(("pending", "running")),
                    )
                )
            )
        progressed = [await run(context, job_id) for job_id in found]
        if not any(progressed):
            return ran
        ran += sum(progressed)


async def transmission_of(context: Context, waiting: Waiting) -> Transmission:
    async with context.unit(waiting.town.tenant_id) as session:
        return (await TransmissionRepository(session).of_folder(waiting.folder_id))[0]


async def attempts_of(context: Context, waiting: Waiting) -> list[TransmissionAttempt]:
    async with context.unit(waiting.town.tenant_id) as session:
        row = (await TransmissionRepository(session).of_folder(waiting.folder_id))[0]
        return await TransmissionRepository(session).attempts([row.id])


async def folder_of(context: Context, waiting: Waiting) -> Folder:
    async with context.unit(waiting.town.tenant_id) as session:
        folder = await FolderRepository(session).folder(waiting.folder_id)
        assert folder is not None
        return folder


async def events_of(context: Context, waiting: Waiting) -> list[FolderEvent]:
    async with context.unit(waiting.town.tenant_id) as session:
        return await FolderRepository(session).events(waiting.folder_id)


async def jobs_of(context: Context, town: Town, kind: str) -> list[Job]:
    async with context.unit() as session:
        rows = await session.scalars(
            select(Job).where(Job.tenant_id == town.tenant_id, Job.kind == kind).order_by(Job.id)
        )
        return list(rows)


def _unique_key(protocol: Protocol) -> str:
    number = next(_NUMBERS)
    return f"FLUX_{_RUN}_{number:05}" if protocol is Protocol.HELIOS else f"D{_RUN}{number:05}"


def _folder_create(town: Town, protocol: Protocol, key: str) -> FolderCreate:
    is_act = protocol is Protocol.ACTES
    return FolderCreate(
        subtype_id=town.subtypes["acts" if is_act else "flows"],
        desk_id=town.desks["finances"],
        title=f"Dossier d'essai {key}",
        act=_act_input(key) if is_act else None,
    )


def _act_input(number: str) -> ActInput:
    return ActInput(
        number=number,
        decided_on=DECIDED_ON,
        nature_code=1,
        classification=[7, 1],
        type_code="99_DE",
        subject="Délibération d'essai",
    )


async def _add_document(
    context: Context, folder: Folder, kind: str, content: bytes, key: str
) -> None:
    blob = await store(context, content)
    is_xml = content.startswith(b"<?xml")
    header = {"file_name": key, "body_code": "123", "body_siret": "21990001600014"}
    async with context.unit(folder.tenant_id) as session:
        row = Document(
            id=new_id(),
            tenant_id=folder.tenant_id,
            folder_id=folder.id,
            kind=kind,
            position=0 if kind == "main_document" else 1,
            name=f"{key}.xml" if is_xml else f"{key} été.pdf",
            media_type="application/xml" if is_xml else "application/pdf",
        )
        DocumentRepository(session).add(row)
        await session.flush()
        facts = {"header": header} if is_xml else None
        await add_revision(session, row.id, blob, Origin.DEPOSITED, facts=facts)


async def claim_job(context: Context, town: Town, kind: str) -> ClaimedJob:
    """Takes this town's unfinished job of the kind, as a worker does."""
    lease = timedelta(seconds=context.settings.worker.lease_s)
    found = [job for job in await jobs_of(context, town, kind) if job.state != jobs.DONE]
    async with context.unit() as session:
        claimed = await jobs.claim(session, found[-1].id, context.clock(), lease=lease)
    assert claimed is not None
    return claimed
