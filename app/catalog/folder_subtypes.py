"""Subtypes of folders: their circuit or rule table, their metadata, who deposits, who sees."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Permission, Principal
from app.catalog.choice import known_facts
from app.catalog.drawing import field_of, read_field, read_findings, read_table, table_of
from app.catalog.folder_types import grant_use
from app.catalog.judgement import account_findings, refuse_first, use_of
from app.catalog.repository import CatalogRepository
from app.catalog.schemas import (
    FolderSubtypeChange,
    FolderSubtypeCreate,
    FolderSubtypeRead,
    SubtypeSettings,
)
from app.catalog.service import fields_of, rule_table_of, workflows_named
from app.catalog.suitability import (
    intake_findings,
    own_table_findings,
    refuse_field_loss,
    refuse_other_amount,
    refuse_settings,
    refuse_unsuitable_workflows,
)
from app.catalog.workflows import counted, in_use
from app.db.session import tenant_of
from app.desks.repository import DeskRepository
from app.errors import Conflict, Forbidden, NotFound
from app.kit.ids import new_id
from app.models import Desk, FolderSubtype, FolderType, WorkflowVersion
from app.register.service import change_names
from workflows import definition, rules
from workflows.definition import Finding, HeliosIntake, Protocol
from workflows.encoding import encode_object

_PLAIN = (
    "deposit_desk_ids",
    "visible_desk_ids",
    "amount_field",
    "several_documents",
    "mandatory_reading",
    "approvals_stand",
    "paper_signature",
)


async def create_subtype(
    session: AsyncSession,
    new: FolderSubtypeCreate,
    *,
    by: Principal | None = None,
    now: datetime,
    circuits_follow: bool = False,
) -> FolderSubtype:
    """Binds a circuit to a type. Raises NotFound, Forbidden (`self_granted`), Conflict
    (`subtype_name_taken`), or Unprocessable when its settings or a circuit do not suit it; where
    `circuits_follow`, whoever asks puts them in force next, then judges them himself
    (`refuse_unsuitable_workflows`). `by` nobody while a tenant is being made."""
    await _refuse_own_sight(session, by, new.visible_desk_ids)
    await change_names(session)
    repository = CatalogRepository(session)
    kind = await repository.folder_type(new.type_id)
    if kind is None or await repository.workflow(new.workflow_id) is None:
        raise NotFound
    await _refuse_taken_name(session, new.type_id, new.name)
    refuse_first(intake_findings(Protocol(kind.protocol), new.helios_intake))
    row = FolderSubtype(
        id=new_id(),
        tenant_id=tenant_of(session),
        type_id=new.type_id,
        name=new.name,
        workflow_id=new.workflow_id,
        helios_intake=new.helios_intake.value if new.helios_intake else None,
        is_active=True,
    )
    _settle(row, kind, new, SubtypeSettings.model_fields)
    await refuse_settings(session, row, kind)
    if not circuits_follow:
        await refuse_unsuitable_workflows(session, row, kind, workflows_named(row), now=now)
    repository.add(row)
    await session.flush()
    return row


async def change_subtype(
    session: AsyncSession,
    subtype_id: uuid.UUID,
    change: FolderSubtypeChange,
    *,
    by: Principal | None = None,
    now: datetime,
    circuits_follow: bool = False,
) -> FolderSubtype:
    """Changes what is given. Raises NotFound, as `create_subtype`, and Conflict
    (`metadata_field_in_use`, `amount_field_in_use`) when a field that something needs would go or
    change, or another would be compared with ceilings."""
    await change_names(session)
    repository = CatalogRepository(session)
    row = await _locked(session, subtype_id)
    kind = await repository.folder_type(row.type_id)
    assert kind is not None
    if "visible_desk_ids" in change.model_fields_set:
        added = frozenset(change.visible_desk_ids) - frozenset(row.visible_desk_ids)
        await _refuse_own_sight(session, by, added)
    fields, amount_field = fields_of(row), row.amount_field
    workflows, was_active = workflows_named(row), row.is_active
    if change.name is not None:
        await _refuse_taken_name(session, row.type_id, change.name, but=subtype_id)
        row.name = change.name
    if change.workflow_id is not None:
        if await repository.workflow(change.workflow_id) is None:
            raise NotFound
        row.workflow_id = change.workflow_id
    if change.is_active is not None:
        row.is_active = change.is_active
    _settle(row, kind, change, change.model_fields_set)
    await refuse_field_loss(session, row, fields, circuits_follow=circuits_follow)
    await refuse_other_amount(session, row, amount_field)
    await refuse_settings(session, row, kind)
    if not circuits_follow:
        # What is in use already is judged for what the change can break, not for who is there.
        judged_whole = (
            workflows_named(row)
            if row.is_active and not was_active
            else frozenset(workflows_named(row) - workflows)
        )
        await refuse_unsuitable_workflows(session, row, kind, judged_whole, now=now)
    await session.flush()
    return row


async def delete_subtype(session: AsyncSession, subtype_id: uuid.UUID) -> None:
    """Raises NotFound, or Conflict (`subtype_in_use`) with the list of its uses."""
    await change_names(session)
    repository = CatalogRepository(session)
    row = await _locked(session, subtype_id)
    folders = counted(await repository.folders_of_subtype(subtype_id), "dossier", "dossiers")
    grants = [grant_use(one) for one in await repository.grants_scoped_to(subtype_id=subtype_id)]
    if folders or grants:
        raise in_use(f"le sous-type « {row.name} »", [*folders, *grants], code="subtype_in_use")
    await repository.remove(row)


async def list_subtypes(session: AsyncSession) -> list[FolderSubtypeRead]:
    """Every subtype with the findings of its rule table, and of its type."""
    repository = CatalogRepository(session)
    rows = await repository.subtypes_with_types()
    desks, circuits = await DeskRepository(session).desks(), await repository.active_versions()
    return [_read(subtype, kind, desks, circuits) for subtype, kind in rows]


async def get_subtype(session: AsyncSession, subtype_id: uuid.UUID) -> FolderSubtypeRead:
    """Raises NotFound."""
    repository = CatalogRepository(session)
    row = await repository.subtype(subtype_id)
    if row is None:
        raise NotFound
    kind = await repository.folder_type(row.type_id)
    assert kind is not None
    desks, circuits = await DeskRepository(session).desks(), await repository.active_versions()
    return _read(row, kind, desks, circuits)


def _read(
    row: FolderSubtype,
    kind: FolderType,
    desks: Sequence[Desk],
    circuits: Mapping[uuid.UUID, WorkflowVersion],
) -> FolderSubtypeRead:
    table = rule_table_of(row)
    found = own_table_findings(table, row, kind, desks) if table else ()
    return FolderSubtypeRead(
        id=row.id,
        type_id=row.type_id,
        name=row.name,
        workflow_id=row.workflow_id,
        helios_intake=HeliosIntake(row.helios_intake) if row.helios_intake else None,
        deposit_desk_ids=row.deposit_desk_ids,
        visible_desk_ids=row.visible_desk_ids,
        metadata_fields=[read_field(one) for one in fields_of(row)],
        amount_field=row.amount_field,
        several_documents=row.several_documents,
        mandatory_reading=row.mandatory_reading,
        approvals_stand=row.approvals_stand,
        paper_signature=row.paper_signature,
        rule_table=read_table(table) if table else None,
        is_active=row.is_active,
        findings=read_findings((*found, *_account_findings(row, kind, circuits))),
    )


def _account_findings(
    row: FolderSubtype, kind: FolderType, circuits: Mapping[uuid.UUID, WorkflowVersion]
) -> Iterator[Finding]:
    use = use_of(row, kind)
    for workflow_id in sorted(workflows_named(row) & circuits.keys()):
        yield from account_findings(definition.from_json(circuits[workflow_id].definition), use)


def _settle(
    row: FolderSubtype, kind: FolderType, settings: SubtypeSettings, given: Collection[str]
) -> None:
    """Writes what is given in the row; what it then is, `refuse_settings` judges."""
    for name in _PLAIN:
        if name in given:
            setattr(row, name, getattr(settings, name))
    if "metadata_fields" in given:
        row.metadata_fields = [
            dict(encode_object(field_of(one))) for one in settings.metadata_fields
        ]
    if "rule_table" in given:
        known = known_facts(Protocol(kind.protocol), fields_of(row))
        table = settings.rule_table
        row.rule_table = dict(rules.to_json(table_of(table, known))) if table else None


async def _locked(session: AsyncSession, subtype_id: uuid.UUID) -> FolderSubtype:
    row = await CatalogRepository(session).lock_subtype(subtype_id)
    if row is None:
        raise NotFound
    return row


async def _refuse_own_sight(
    session: AsyncSession, by: Principal | None, desk_ids: Collection[uuid.UUID]
) -> None:
    """Who administers circuits and no accounts opens no folders to the desks through which he
    sees (DESIGN D15, threat 36): those of a subtype, past ones included."""
    if by is None or by.may(Permission.USER_ADMIN):
        return
    own = by.readable_desk_ids.intersection(desk_ids)
    if own:
        desks = await DeskRepository(session).desks()
        names = ", ".join(f"« {one.name} »" for one in desks if one.id in own)
        raise Forbidden(
            f"Vous ouvririez à vos propres bureaux ({names}) tous les dossiers de ce sous-type : "
            "demandez-le à l'administrateur de la collectivité.",
            code="self_granted",
        )


async def _refuse_taken_name(
    session: AsyncSession, type_id: uuid.UUID, name: str, *, but: uuid.UUID | None = None
) -> None:
    holder = await CatalogRepository(session).subtype_named(type_id, name)
    if holder is not None and holder.id != but:
        raise Conflict(
            f"Un sous-type de ce type s'appelle déjà « {holder.name} » : choisissez un autre nom.",
            code="subtype_name_taken",
        )
