"""What people write about a folder beside its circuit: title, metadata, publication."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Occurrence
from app.audit.service import record
from app.auth.principal import Principal
from app.catalog.service import fields_of
from app.context import Context
from app.errors import Conflict, Unprocessable
from app.folders.facts import binding_of, state_of
from app.folders.schemas import ActInput, FolderUpdate
from app.folders.service import (
    WITH_SUBMITTER,
    Turn,
    lock_readable,
    note_correction,
    refuse_recused,
    refuse_stranger,
    step_turns,
    submitter_turn,
)
from app.folders.submission import index, refuse_other_metadata
from app.models import Folder
from app.tenants.service import today_of
from workflows.definition import Protocol, StepKind
from workflows.folder import FINAL_STATUSES, FolderState, FolderStatus, StepState
from workflows.metadata import MetadataValue, changed


async def update_folder(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder_id: uuid.UUID,
    new: FolderUpdate,
) -> Folder:
    """Title and act of a draft or of what came back, metadata while the folder lives. Raises
    NotFound, Conflict, Forbidden, those of `refuse_act`, or the refusals of metadata."""
    folder = await lock_readable(session, principal, folder_id)
    state = await state_of(session, folder_id)
    refuse_recused(principal, state)
    turns = [submitter_turn(folder), *step_turns(state)]
    by = await refuse_stranger(session, context, principal, folder, turns)
    if folder.status in FINAL_STATUSES:
        raise Conflict(
            "Ce dossier est terminé et ne change plus : ouvrez un nouveau dossier.",
            code="folder_final",
        )
    before = (folder.title, folder.act, folder.folder_metadata)
    await _write(session, context, folder, new)
    await refuse_other_metadata(session, folder, state, before[2])
    is_changed = (folder.title, folder.act, folder.folder_metadata) != before
    # In a preparation, as at any step, metadata are filled to pass it.
    if is_changed and not state.in_preparation:
        await note_correction(session, context, by, folder)
    folder.updated_at = context.clock()
    await session.flush()
    await index(session, folder)
    record(
        session,
        Occurrence(
            kind="folder.updated",
            actor=principal.actor,
            folder=str(folder_id),
            details={"fields": _count(new)},
        ),
        at=context.clock(),
        values=_written(new),
    )
    return folder


async def _write(
    session: AsyncSession, context: Context, folder: Folder, new: FolderUpdate
) -> None:
    """What is given as it stands changes nothing, whoever has the folder."""
    if new.title is not None and new.title != folder.title:
        _refuse_sent(folder)
        folder.title = new.title
    if new.act is not None:
        await _write_act(session, context, folder, new.act)
    if new.metadata is not None:
        subtype, _ = await binding_of(session, folder)
        values = changed(
            fields_of(subtype),
            folder.folder_metadata,
            new.metadata,
            is_with_submitter=folder.status in WITH_SUBMITTER,
        )
        _refuse_other_amount(folder, subtype.amount_field, values)
        folder.folder_metadata = values


async def _write_act(
    session: AsyncSession, context: Context, folder: Folder, act: ActInput
) -> None:
    written = act.model_dump(mode="json")
    if written == folder.act:
        return
    if folder.status not in WITH_SUBMITTER:
        raise Conflict(
            "Les informations de l'acte sont figées dès l'envoi : faites revenir le dossier pour "
            "les corriger.",
            code="act_frozen",
        )
    _, kind = await binding_of(session, folder)
    await refuse_act(session, context, Protocol(kind.protocol), act)
    folder.act = written


async def refuse_act(
    session: AsyncSession, context: Context, protocol: Protocol, act: ActInput | None
) -> None:
    """An act to transmit has its information, and was decided. Raises Unprocessable
    (`act_mismatch`, `act_decided_in_future`)."""
    if (protocol is Protocol.ACTES) != (act is not None):
        raise Unprocessable(
            "Un acte à transmettre demande ses informations (numéro, date, nature, matière, "
            "typologie, objet) ; un autre dossier n'en a pas : corrigez « act ».",
            code="act_mismatch",
        )
    if act is not None and act.decided_on > await today_of(session, context.clock()):
        raise Unprocessable(
            "La date de décision de l'acte est dans le futur : corrigez-la.",
            code="act_decided_in_future",
        )


def _count(new: FolderUpdate) -> int:
    return len(new.metadata or ()) + (new.title is not None) + (new.act is not None)


def _written(new: FolderUpdate) -> dict[str, str]:
    """What the journal keeps of it. The keys of metadata are texts of people, not names."""
    written = {
        "title": new.title,
        "act": new.act.model_dump_json() if new.act else None,
        "metadata": json.dumps(new.metadata) if new.metadata else None,
    }
    return {name: text for name, text in written.items() if text is not None}


def _refuse_other_amount(
    folder: Folder, field: str | None, values: Mapping[str, MetadataValue]
) -> None:
    """Powers have a ceiling: whoever has the folder before him does not bring it under his own.
    While it is prepared its amount changes, as its documents do."""
    if field is None or folder.in_preparation or folder.status in WITH_SUBMITTER:
        return
    if values.get(field) != folder.folder_metadata.get(field):
        raise Conflict(
            "Le montant est figé une fois le dossier en validation : faites revenir le dossier "
            "pour le changer.",
            code="amount_frozen",
        )


def _refuse_sent(folder: Folder) -> None:
    if folder.status not in WITH_SUBMITTER:
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
    it makes the act « exécutoire » (CGCT L2131-1). Raises NotFound, Forbidden, PersonRecused,
    Conflict or Unprocessable."""
    folder = await lock_readable(session, principal, folder_id)
    _, kind = await binding_of(session, folder)
    if kind.protocol != Protocol.ACTES.value:
        raise Unprocessable(
            "Ce dossier n'est pas celui d'un acte, rien n'y est à publier ni à notifier : "
            "choisissez le dossier de l'acte.",
            code="not_an_act",
        )
    state = await state_of(session, folder_id)
    refuse_recused(principal, state)
    turns = [submitter_turn(folder), *_turns_taken(state)]
    await refuse_stranger(session, context, principal, folder, turns)
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


def _turns_taken(state: FolderState) -> Iterator[Turn]:
    """The desks that acted, by the powers that serve there, and the one that receives the folder
    at its end: to be told of it gives no right."""
    if state.final_desk is not None:
        yield Turn(state.final_desk)
    for act in state.acts:
        instance = state.step(act.step) if act.step is not None else None
        yield Turn(act.by.power.desk)
        if instance is not None:
            yield Turn(act.by.power.desk, instance.step)
