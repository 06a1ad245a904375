"""The names of flows: while a folder lives, no other may bring a flow of the same NomFic."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import tenant_of
from app.documents.repository import DocumentRepository
from app.errors import Conflict
from app.folders.facts import state_of
from app.kit.ids import new_id
from app.models import Folder, PesReference
from workflows import folder as domain


@dataclass(frozen=True, slots=True)
class FlowName:
    """What tells a flow from the others: the local authority, its CodCol, the NomFic."""

    siren: str
    body_code: str
    file_name: str


def flow_name(body_siret: str, body_code: str, file_name: str) -> FlowName:
    """The name of a flow whose header says these: its establishments share a SIREN."""
    return FlowName(body_siret[:9], body_code, file_name)


async def hold_reference(
    session: AsyncSession, folder: Folder, documents: tuple[domain.Document, ...], now: datetime
) -> None:
    """The folder has the NomFic of the flow among these documents. Raises as `take_reference`."""
    name = await _name_in(session, documents)
    if name is not None:
        await take_reference(session, folder, name, now)


async def take_reference(
    session: AsyncSession, folder: Folder, name: FlowName, now: datetime
) -> None:
    """The folder has this NomFic, in place of the one it had; it takes it from the ended folder
    that it follows. Raises Conflict (`pes_file_name_used`) when another living folder has it."""
    repository = DocumentRepository(session)
    held = await repository.reference_of(folder.id)
    if held is not None:
        if _name_of(held) == name:
            return
        await release_reference(session, folder, now)
    if folder.chained_from_id is not None:
        followed = await repository.reference_of(folder.chained_from_id)
        if followed is not None and _name_of(followed) == name:
            await repository.release_references(folder.chained_from_id, now)
    if await _taken(session, folder.id, name) != folder.id:
        raise name_used(name.file_name)


async def release_reference(session: AsyncSession, folder: Folder, now: datetime) -> None:
    """The folder has no NomFic any more. Where it follows an ended folder, that one has its own
    again: its flow was sent under that name."""
    await DocumentRepository(session).release_references(folder.id, now)
    if folder.chained_from_id is None:
        return
    ended = await state_of(session, folder.chained_from_id)
    name = await _name_in(session, ended.documents)
    if name is not None:
        await _taken(session, folder.chained_from_id, name)


def name_used(file_name: str) -> Conflict:
    """The refusal of a flow whose NomFic a living folder holds."""
    return Conflict(
        f"Un flux nommé « {file_name} » a déjà été déposé pour cette collectivité : "
        "refaites l'export sous un nouveau nom (NomFic).",
        code="pes_file_name_used",
    )


async def _name_in(
    session: AsyncSession, documents: tuple[domain.Document, ...]
) -> FlowName | None:
    repository = DocumentRepository(session)
    for one in documents:
        revision = await repository.revision(uuid.UUID(one.revision.id))
        header = (revision.facts or {}).get("header") if revision else None
        if header is not None:
            return flow_name(header["body_siret"], header["body_code"], header["file_name"])
    return None


def _name_of(row: PesReference) -> FlowName:
    return FlowName(row.siren, row.body_code, row.file_name)


async def _taken(session: AsyncSession, folder_id: uuid.UUID, name: FlowName) -> uuid.UUID:
    """The folder that has the name now: this one, where no other had it."""
    return await DocumentRepository(session).take_reference(
        PesReference(
            id=new_id(),
            tenant_id=tenant_of(session),
            folder_id=folder_id,
            siren=name.siren,
            body_code=name.body_code,
            file_name=name.file_name,
        )
    )
