"""What a document must be to join a folder, and who may bring it when."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.catalog.folder_types import stamp_of
from app.catalog.service import Resolved, resolve
from app.context import Context
from app.documents.repository import DocumentRepository
from app.documents.service import ANNEX_TYPES, PDF, XML, Intake
from app.errors import Conflict, Unprocessable
from app.folders.facts import state_of
from app.folders.service import (
    INSPECTING,
    WITH_SUBMITTER,
    readable,
    refuse_recused,
    refuse_stranger,
    step_turns,
    submitter_turn,
)
from app.models import Folder
from app.tenants.repository import TenantRepository
from app.tenants.service import trust_material
from workflows.definition import Protocol
from workflows.folder import DocumentRole, FolderStatus
from workflows.register import Authorship


@dataclass(frozen=True, slots=True)
class Announced:
    """What the request says of the bytes that follow."""

    name: str
    role: DocumentRole
    media_type: str
    size_bytes: int | None
    sha256: str | None


async def plan_for_folder(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder_id: uuid.UUID,
    announced: Announced,
) -> Intake:
    """What the document must be to join this folder. Raises NotFound, Conflict, Forbidden,
    Unprocessable."""
    folder = await readable(session, principal, folder_id)
    await refuse_unless_open(session, context, principal, folder)
    used = await DocumentRepository(session).size_of_folder(folder_id)
    return await plan_intake(
        session,
        context,
        folder.subtype_id,
        announced,
        used_bytes=used,
        even_retired=folder.status != FolderStatus.DRAFT.value,
    )


async def plan_intake(
    session: AsyncSession,
    context: Context,
    subtype_id: uuid.UUID,
    announced: Announced,
    *,
    used_bytes: int,
    even_retired: bool = False,
) -> Intake:
    """What a document of this subtype must be, beside `used_bytes` already there. `even_retired`:
    for a folder that was sent before the subtype ceased to take new ones."""
    resolved = await resolve(session, subtype_id, even_retired=even_retired)
    refuse_type(resolved, announced)
    tenant = await TenantRepository(session).current()
    limits = context.settings.limits
    is_flow = resolved.protocol is Protocol.HELIOS and _is_main(announced)
    return Intake(
        role=announced.role,
        media_type=announced.media_type,
        limit_bytes=limits.pes_bytes if is_flow else max(0, limits.folder_bytes - used_bytes),
        helios=resolved.intake,
        requires_latin1=tenant.requires_latin1_pes,
        announced_bytes=announced.size_bytes,
        announced_sha256=announced.sha256,
        trust=await trust_material(session),
        stamped=is_stamped(resolved, announced.role),
    )


def is_stamped(resolved: Resolved, role: DocumentRole) -> bool:
    """Whether the signatures of such a document are to show on one of its pages."""
    return role is DocumentRole.MAIN_DOCUMENT and stamp_of(resolved.type) is not None


def _is_main(announced: Announced) -> bool:
    return announced.role is DocumentRole.MAIN_DOCUMENT


async def refuse_unless_open(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder: Folder,
) -> Authorship:
    """By which power the caller changes the documents: that of the desk that deposits, of its draft
    and of what came back; in a preparation circuit, of the desk whose turn it is; never who stood
    back from the folder. Raises Conflict, Forbidden or PersonRecused."""
    if folder.status == INSPECTING:
        raise Conflict(
            "Le contrôle d'un document n'est pas terminé : attendez-le, puis recommencez.",
            code="folder_inspecting",
        )
    if folder.status not in WITH_SUBMITTER and not folder.in_preparation:
        raise Conflict(
            "Les documents d'un dossier sont figés dès son envoi : faites-le revenir, ou ouvrez "
            "un nouveau dossier.",
            code="documents_frozen",
        )
    state = await state_of(session, folder.id)
    refuse_recused(principal, state)
    turns = step_turns(state) if folder.in_preparation else [submitter_turn(folder)]
    return await refuse_stranger(session, context, principal, folder, turns)


def refuse_type(resolved: Resolved, announced: Announced) -> None:
    """Raises Unprocessable (`media_type_refused`)."""
    allowed = _main_types(resolved) if _is_main(announced) else ANNEX_TYPES
    if announced.media_type not in allowed:
        raise Unprocessable(
            f"Type de fichier refusé ({announced.media_type}) : déposez l'un de ceux qui sont "
            f"acceptés ici, {', '.join(sorted(allowed))}.",
            code="media_type_refused",
        )


def _main_types(resolved: Resolved) -> frozenset[str]:
    if resolved.takes_any_file:
        return ANNEX_TYPES
    return frozenset({XML if resolved.protocol is Protocol.HELIOS else PDF})
