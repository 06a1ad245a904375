"""What people write about a folder beside its circuit: title, metadata, publication."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Occurrence
from app.audit.service import record
from app.auth.principal import Principal
from app.catalog.service import fields_of
from app.context import Context
from app.errors import Conflict, Forbidden, Unprocessable
from app.folders.facts import binding_of, state_of
from app.folders.schemas import FolderUpdate
from app.folders.service import (
    INSPECTION_REFUSED,
    desks_at_turn,
    lock_readable,
    note_correction,
    refuse_recused,
    refuse_stranger,
)
from app.folders.submission import index
from app.models import Folder
from app.tenants.service import today_of
from workflows.definition import Protocol, StepKind
from workflows.folder import BACK_STATUSES, FINAL_STATUSES, FolderState, FolderStatus, StepState
from workflows.metadata import MetadataValue, changed

_WITH_SUBMITTER = BACK_STATUSES | {FolderStatus.DRAFT.value, INSPECTION_REFUSED}


async def update_folder(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder_id: uuid.UUID,
    new: FolderUpdate,
) -> Folder:
    """Title of a draft or of what came back, metadata while the folder lives. Raises NotFound,
    Conflict, Forbidden, or the refusals of metadata."""
    folder = await lock_readable(session, principal, folder_id)
    state = await state_of(session, folder_id)
    refuse_stranger(principal, {folder.submitter_desk_id, *desks_at_turn(state)})
    refuse_recused(principal, state)
    if folder.status in FINAL_STATUSES:
        raise Conflict("Ce dossier est terminé : il ne change plus.", code="folder_final")
    before = (folder.title, folder.folder_metadata)
    await _write(session, folder, new)
    if (folder.title, folder.folder_metadata) != before:
        await note_correction(session, context, folder)
    folder.updated_at = context.clock()
    await session.flush()
    await index(session, folder)
    record(
        session,
        Occurrence(
            kind="folder.updated",
            actor=principal.actor,
            folder=str(folder_id),
            details={"fields": len(new.metadata or ()) + (new.title is not None)},
        ),
        at=context.clock(),
        values=_written(new),
    )
    return folder


async def _write(session: AsyncSession, folder: Folder, new: FolderUpdate) -> None:
    if new.title is not None:
        _refuse_sent(folder)
        folder.title = new.title
    if new.metadata is not None:
        subtype, _ = await binding_of(session, folder)
        _refuse_other_amount(folder, subtype.amount_field, new.metadata)
        values = changed(
            fields_of(subtype),
            folder.folder_metadata,
            new.metadata,
            is_with_submitter=folder.status in _WITH_SUBMITTER,
        )
        folder.folder_metadata = dict(values)


def _written(new: FolderUpdate) -> dict[str, str]:
    """What the journal keeps of it. The keys of metadata are texts of people, not names."""
    written = {"title": new.title, "metadata": json.dumps(new.metadata) if new.metadata else None}
    return {name: text for name, text in written.items() if text is not None}


def _refuse_other_amount(
    folder: Folder, field: str | None, new: Mapping[str, MetadataValue]
) -> None:
    """Powers have a ceiling: whoever has the folder before him does not bring it under his own."""
    if field is None or field not in new or folder.status in _WITH_SUBMITTER:
        return
    if new[field] != folder.folder_metadata.get(field):
        raise Conflict(
            "Le montant est figé dès l'envoi : faites revenir le dossier pour le changer.",
            code="amount_frozen",
        )


def _refuse_sent(folder: Folder) -> None:
    if folder.status not in _WITH_SUBMITTER:
        raise Conflict(
            "Le titre est figé dès l'envoi : faites revenir le dossier pour le changer.",
            code="title_frozen",
        )


async def publish(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder_id: uuid.UUID,
    published_on: date,
) -> Folder:
    """Records the day an act was published or notified: with its reception by the legality control
    it makes the act « exécutoire » (CGCT L2131-1). Raises NotFound, Conflict or Unprocessable."""
    folder = await lock_readable(session, principal, folder_id)
    _, kind = await binding_of(session, folder)
    if kind.protocol != Protocol.ACTES.value:
        raise Unprocessable(
            "Seul un acte se publie ou se notifie ici : ce dossier n'en est pas un.",
            code="not_an_act",
        )
    _refuse_publisher(folder, principal)
    state = await state_of(session, folder_id)
    if not _is_signed(state):
        raise Conflict(
            "Cet acte n'est pas encore signé : publiez-le ensuite.", code="act_not_signed"
        )
    today = await today_of(session, context.clock())
    decided_on = date.fromisoformat((folder.act or {}).get("decided_on", published_on.isoformat()))
    if not decided_on <= published_on <= today:
        raise Unprocessable(
            "La date de publication se place entre la décision et aujourd'hui : corrigez-la.",
            code="publication_date",
        )
    folder.published_on = published_on
    folder.updated_at = context.clock()
    record(
        session,
        Occurrence(
            kind="folder.published",
            actor=principal.actor,
            folder=str(folder_id),
            details={"published_on": published_on.isoformat()},
        ),
        at=context.clock(),
    )
    return folder


def _is_signed(state: FolderState) -> bool:
    """Whether the circuit has nothing left to sign."""
    waits = {StepState.WAITING, StepState.CURRENT}
    signing = [one for one in state.steps if one.kind in {StepKind.SIGNATURE, StepKind.SEAL}]
    is_out = state.status in {FolderStatus.DRAFT, FolderStatus.REJECTED, FolderStatus.CANCELLED}
    return not is_out and all(one.state not in waits for one in signing)


def _refuse_publisher(folder: Folder, principal: Principal) -> None:
    if {folder.submitter_desk_id, *folder.participant_desk_ids}.isdisjoint(principal.desk_ids):
        raise Forbidden(
            "Seul un bureau qui a pris part à ce dossier enregistre sa publication.",
            code="folder_not_with_you",
        )
