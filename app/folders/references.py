"""The names of flows: while a folder lives, no other may bring a flow of the same NomFic."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import tenant_of
from app.documents.repository import DocumentRepository
from app.errors import Conflict
from app.kit.ids import new_id
from app.models import Folder, PesReference
from workflows import folder as domain


async def hold_reference(
    session: AsyncSession, folder: Folder, documents: tuple[domain.Document, ...]
) -> None:
    """A flow that comes back takes its NomFic again. Raises Conflict (`pes_file_name_used`) when
    another folder has it now."""
    repository = DocumentRepository(session)
    if await repository.reference_of(folder.id) is not None:
        return
    for one in documents:
        revision = await repository.revision(uuid.UUID(one.revision.id))
        header = (revision.facts or {}).get("header") if revision else None
        if header is not None:
            await take_reference(
                session,
                folder.id,
                siren=header["body_siret"][:9],
                body_code=header["body_code"],
                file_name=header["file_name"],
            )


async def take_reference(
    session: AsyncSession, folder_id: uuid.UUID, *, siren: str, body_code: str, file_name: str
) -> None:
    """Raises Conflict (`pes_file_name_used`) when a living folder holds this NomFic."""
    holder = await DocumentRepository(session).take_reference(
        PesReference(
            id=new_id(),
            tenant_id=tenant_of(session),
            folder_id=folder_id,
            siren=siren,
            body_code=body_code,
            file_name=file_name,
        )
    )
    if holder != folder_id:
        raise name_used(file_name)


def name_used(file_name: str) -> Conflict:
    """The refusal of a flow whose NomFic a living folder holds."""
    return Conflict(
        f"Un flux nommé « {file_name} » a déjà été déposé pour cette collectivité : "
        "refaites l'export sous un nouveau nom (NomFic).",
        code="pes_file_name_used",
    )
