"""Types of folders: protocol, signature format, the account that carries them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.formats import ALLOWED, EXECUTABLE, STAMPED, TypeFormat
from app.catalog.judgement import refuse_first
from app.catalog.repository import CatalogRepository
from app.catalog.schemas import (
    FolderTypeChange,
    FolderTypeCreate,
    FolderTypeRead,
    StampPosition,
)
from app.catalog.workflows import in_use
from app.db.session import tenant_of
from app.errors import Conflict, NotFound, Unprocessable
from app.kit.ids import new_id
from app.models import FolderType, Grant
from app.register.service import change_names
from workflows.definition import Finding, Protocol


async def create_type(session: AsyncSession, new: FolderTypeCreate) -> FolderType:
    """Raises Conflict (`type_name_taken`) or Unprocessable (`format_not_of_protocol`,
    `unknown_account`, `deadline_without_act`, `stamp_without_pades`)."""
    await change_names(session)
    await _refuse_taken_name(session, new.name)
    refuse_first(format_findings(new.protocol, new.signature_format))
    refuse_first(deadline_findings(new.protocol, new.transmit_within_days))
    refuse_first(stamp_findings(new.signature_format, stamped=new.stamp is not None))
    await _refuse_unknown_account(session, new.connector_account_id)
    row = FolderType(
        id=new_id(),
        tenant_id=tenant_of(session),
        name=new.name,
        protocol=new.protocol.value,
        signature_format=new.signature_format.value,
        connector_account_id=new.connector_account_id,
        transmit_within_days=new.transmit_within_days,
        stamp=_kept(new.stamp),
    )
    CatalogRepository(session).add(row)
    await session.flush()
    return row


async def change_type(
    session: AsyncSession, type_id: uuid.UUID, change: FolderTypeChange
) -> FolderType:
    """Changes what is given. Raises NotFound, as `create_type`, and Conflict
    (`signature_format_in_use`) for another format while folders of the type are under way."""
    await change_names(session)
    row = await _locked(session, type_id)
    given = change.model_fields_set
    protocol = Protocol(row.protocol)
    if change.name is not None:
        await _refuse_taken_name(session, change.name, but=type_id)
        row.name = change.name
    if change.signature_format is not None:
        refuse_first(format_findings(protocol, change.signature_format))
        await _refuse_other_format(session, row, change.signature_format)
        row.signature_format = change.signature_format.value
    if "transmit_within_days" in given:
        refuse_first(deadline_findings(protocol, change.transmit_within_days))
        row.transmit_within_days = change.transmit_within_days
    if "stamp" in given:
        row.stamp = _kept(change.stamp)
    chosen = TypeFormat(row.signature_format)
    refuse_first(stamp_findings(chosen, stamped=row.stamp is not None))
    if "connector_account_id" in given:
        await _refuse_unknown_account(session, change.connector_account_id)
        row.connector_account_id = change.connector_account_id
    await session.flush()
    return row


async def delete_type(session: AsyncSession, type_id: uuid.UUID) -> None:
    """Raises NotFound, or Conflict (`type_in_use`) with the list of its uses."""
    await change_names(session)
    row = await _locked(session, type_id)
    repository = CatalogRepository(session)
    subtypes = [
        f"sous-type « {one.name} »" for one in await repository.subtypes() if one.type_id == type_id
    ]
    grants = [grant_use(one) for one in await repository.grants_scoped_to(type_id=type_id)]
    if subtypes or grants:
        raise in_use(f"le type « {row.name} »", [*subtypes, *grants], code="type_in_use")
    await repository.remove(row)


def format_findings(protocol: Protocol, chosen: TypeFormat) -> Iterator[Finding]:
    """A type is signed in a format of its protocol."""
    allowed = ALLOWED[protocol]
    if chosen not in allowed:
        yield Finding.error(
            "format_not_of_protocol",
            f"Un type {protocol.value} se signe au format {' ou '.join(allowed)} : "
            "corrigez le format.",
        )


def deadline_findings(protocol: Protocol, days: int | None) -> Iterator[Finding]:
    """Only acts are transmitted within some days."""
    if days is not None and protocol is not Protocol.ACTES:
        yield Finding.error(
            "deadline_without_act",
            "Le délai de transmission court depuis la décision d'un acte : donnez-le seulement à "
            "un type ACTES.",
        )


def stamp_findings(chosen: TypeFormat, *, stamped: bool) -> Iterator[Finding]:
    """Only a PDF shows its signature."""
    if stamped and chosen not in STAMPED:
        yield Finding.error(
            "stamp_without_pades",
            "Seule une signature PAdES montre un tampon : retirez-le, ou choisissez le format "
            f"{' ou '.join(sorted(STAMPED))}.",
        )


def _kept(stamp: StampPosition | None) -> dict[str, int] | None:
    return None if stamp is None else stamp.model_dump()


def read_type(row: FolderType) -> FolderTypeRead:
    """A type as the API shows it."""
    return FolderTypeRead(
        id=row.id,
        name=row.name,
        protocol=Protocol(row.protocol),
        signature_format=TypeFormat(row.signature_format),
        connector_account_id=row.connector_account_id,
        transmit_within_days=row.transmit_within_days,
        stamp=stamp_of(row),
    )


def stamp_of(row: FolderType) -> StampPosition | None:
    """Where signatures of the type show; None where they are invisible."""
    return None if row.stamp is None else StampPosition.model_validate(row.stamp)


def grant_use(grant: Grant) -> str:
    """How a power whose scope names a type or a subtype is listed among its uses."""
    number = f" n° {grant.document_number}" if grant.document_number else ""
    return f"délégation{number}"


async def _locked(session: AsyncSession, type_id: uuid.UUID) -> FolderType:
    row = await CatalogRepository(session).lock_folder_type(type_id)
    if row is None:
        raise NotFound
    return row


async def _refuse_taken_name(
    session: AsyncSession, name: str, *, but: uuid.UUID | None = None
) -> None:
    holder = await CatalogRepository(session).folder_type_named(name)
    if holder is not None and holder.id != but:
        raise Conflict(
            f"Un type s'appelle déjà « {holder.name} » : choisissez un autre nom.",
            code="type_name_taken",
        )


async def _refuse_other_format(session: AsyncSession, row: FolderType, chosen: TypeFormat) -> None:
    if chosen.value == row.signature_format:
        return
    if chosen not in EXECUTABLE and await _is_used(session, row):
        raise Unprocessable(
            f"Le format {chosen.value} n'est pas encore proposé : gardez le format actuel tant que "
            "ce type a des sous-types.",
            code="format_not_available",
        )
    under_way = await CatalogRepository(session).folders_of_type_not_ended(row.id)
    if under_way:
        raise Conflict(
            f"{under_way} dossier(s) de ce type sont en cours : attendez leur fin pour changer "
            "le format de signature.",
            code="signature_format_in_use",
        )


async def _refuse_unknown_account(session: AsyncSession, account_id: uuid.UUID | None) -> None:
    if account_id and await CatalogRepository(session).account(account_id) is None:
        raise Unprocessable(
            "Ce compte de télétransmission n'existe pas : choisissez-en un dans la liste.",
            code="unknown_account",
        )


async def _is_used(session: AsyncSession, row: FolderType) -> bool:
    return any(one.type_id == row.id for one in await CatalogRepository(session).subtypes())
