"""Circuits, types and subtypes: drafts never refuse, activation does (parapheur-model.md §4)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.repository import CatalogRepository
from app.catalog.schemas import (
    ConnectorAccountCreate,
    ConnectorAccountRead,
    FindingRead,
    FolderSubtypeCreate,
    FolderTypeCreate,
    StepInput,
    WorkflowCreate,
    WorkflowRead,
    WorkflowVersionRead,
)
from app.context import Context
from app.db.session import tenant_of
from app.desks.repository import DeskRepository
from app.errors import Conflict, NotFound, Unprocessable
from app.kit.ids import new_id
from app.models import ConnectorAccount, FolderSubtype, FolderType, Workflow, WorkflowVersion
from connectors.registry import FACTORIES
from signing.types import SignatureFormat
from workflows import definition
from workflows.definition import DeskId, HeliosIntake, Protocol, Severity, StepId


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a folder of this subtype is bound to."""

    subtype: FolderSubtype
    type: FolderType
    version: WorkflowVersion
    workflow: definition.Workflow

    @property
    def protocol(self) -> Protocol:
        return Protocol(self.type.protocol)

    @property
    def intake(self) -> HeliosIntake | None:
        intake = self.subtype.helios_intake
        return HeliosIntake(intake) if intake else None

    @property
    def signature_format(self) -> SignatureFormat:
        return SignatureFormat(self.type.signature_format)


async def resolve(session: AsyncSession, subtype_id: uuid.UUID) -> Resolved:
    """The subtype, its type and the version in force. Raises Unprocessable (`unknown_subtype`,
    `no_active_workflow`)."""
    repository = CatalogRepository(session)
    subtype = await repository.subtype(subtype_id)
    if subtype is None or not subtype.is_active:
        raise Unprocessable(
            "Ce sous-type n'existe pas : choisissez-en un dans la liste.", code="unknown_subtype"
        )
    kind = await repository.folder_type(subtype.type_id)
    version = await repository.active_version(subtype.workflow_id)
    assert kind is not None
    if version is None:
        raise Unprocessable(
            "Le circuit de ce sous-type n'est pas activé : prévenez l'administrateur.",
            code="no_active_workflow",
        )
    return Resolved(subtype, kind, version, definition.from_json(version.definition))


async def create_workflow(session: AsyncSession, new: WorkflowCreate) -> WorkflowRead:
    """A circuit whose first version is a draft. Raises Conflict or Unprocessable."""
    repository = CatalogRepository(session)
    if await repository.workflow_named(new.name) is not None:
        raise Conflict(
            f"Un circuit s'appelle déjà « {new.name} » : choisissez un autre nom.",
            code="workflow_name_taken",
        )
    await _refuse_unknown_desks(session, new.steps)
    workflow = Workflow(id=new_id(), tenant_id=tenant_of(session), name=new.name)
    repository.add(workflow)
    await session.flush()
    repository.add(_version(workflow, 1, new.steps))
    await session.flush()
    return await read_workflow(session, workflow)


async def add_version(
    session: AsyncSession, workflow_id: uuid.UUID, steps: list[StepInput]
) -> WorkflowRead:
    """A new draft beside the versions that stand. Raises NotFound or Unprocessable."""
    repository = CatalogRepository(session)
    workflow = await repository.lock_workflow(workflow_id)
    if workflow is None:
        raise NotFound
    await _refuse_unknown_desks(session, steps)
    last = (await repository.versions(workflow_id))[0].number
    repository.add(_version(workflow, last + 1, steps))
    await session.flush()
    return await read_workflow(session, workflow)


async def activate(
    session: AsyncSession, workflow_id: uuid.UUID, number: int, *, now: datetime
) -> WorkflowRead:
    """Puts a version in force for every subtype that uses the circuit. Raises NotFound, or
    Unprocessable (`workflow_has_errors`) naming them."""
    repository = CatalogRepository(session)
    workflow = await repository.lock_workflow(workflow_id)
    if workflow is None:
        raise NotFound
    versions = await repository.versions(workflow_id)
    version = next((one for one in versions if one.number == number), None)
    if version is None:
        raise NotFound
    _refuse_errors(await _findings(session, version))
    version.activated_at = now
    await session.flush()
    return await read_workflow(session, workflow)


async def list_workflows(session: AsyncSession) -> list[WorkflowRead]:
    """Every circuit with its versions and their findings."""
    workflows = await CatalogRepository(session).workflows()
    return [await read_workflow(session, one) for one in workflows]


async def read_workflow(session: AsyncSession, workflow: Workflow) -> WorkflowRead:
    """A circuit as the API shows it."""
    versions = await CatalogRepository(session).versions(workflow.id)
    return WorkflowRead(
        id=workflow.id,
        name=workflow.name,
        versions=[
            WorkflowVersionRead(
                id=one.id,
                number=one.number,
                steps=_steps(definition.from_json(one.definition)),
                activated_at=one.activated_at,
                findings=[_finding(each) for each in await _findings(session, one)],
            )
            for one in versions
        ],
    )


async def create_type(session: AsyncSession, new: FolderTypeCreate) -> FolderType:
    """Raises Conflict or Unprocessable (`format_not_of_protocol`, `unknown_account`)."""
    repository = CatalogRepository(session)
    if await repository.folder_type_named(new.name) is not None:
        raise Conflict(f"Un type s'appelle déjà « {new.name} ».", code="type_name_taken")
    is_pes = new.signature_format is SignatureFormat.PES_V2
    if is_pes != (new.protocol is Protocol.HELIOS):
        raise Unprocessable(
            "HELIOS se signe au format PES_V2, les autres protocoles au format PADES : "
            "corrigez le format.",
            code="format_not_of_protocol",
        )
    if new.connector_account_id and await repository.account(new.connector_account_id) is None:
        raise Unprocessable("Ce compte de télétransmission n'existe pas.", code="unknown_account")
    row = FolderType(
        id=new_id(),
        tenant_id=tenant_of(session),
        name=new.name,
        protocol=new.protocol.value,
        signature_format=new.signature_format.value,
        connector_account_id=new.connector_account_id,
    )
    repository.add(row)
    await session.flush()
    return row


async def create_subtype(session: AsyncSession, new: FolderSubtypeCreate) -> FolderSubtype:
    """Binds a circuit to a type. Raises NotFound, Conflict (`subtype_name_taken`), or Unprocessable
    when the version in force has errors for this protocol."""
    repository = CatalogRepository(session)
    kind = await repository.folder_type(new.type_id)
    if kind is None or await repository.workflow(new.workflow_id) is None:
        raise NotFound
    if await repository.subtype_named(new.type_id, new.name) is not None:
        raise Conflict(
            f"Un sous-type de ce type s'appelle déjà « {new.name} ».", code="subtype_name_taken"
        )
    await _refuse_unknown_desk_ids(session, new.deposit_desk_ids or [])
    if kind.protocol != Protocol.HELIOS.value and new.helios_intake is not None:
        raise Unprocessable(
            "Seul un sous-type HELIOS dit quels flux il prend : retirez ce réglage.",
            code="intake_without_helios",
        )
    if kind.protocol == Protocol.HELIOS.value and new.helios_intake is None:
        raise Unprocessable(
            "Dites si ce sous-type prend des flux à signer, déjà signés ou sans signature.",
            code="helios_intake_missing",
        )
    version = await repository.active_version(new.workflow_id)
    if version is not None:
        workflow = definition.from_json(version.definition)
        _refuse_errors(definition.findings(workflow, Protocol(kind.protocol), new.helios_intake))
    row = FolderSubtype(
        id=new_id(),
        tenant_id=tenant_of(session),
        type_id=new.type_id,
        name=new.name,
        workflow_id=new.workflow_id,
        helios_intake=new.helios_intake.value if new.helios_intake else None,
        deposit_desk_ids=new.deposit_desk_ids,
        is_active=True,
    )
    repository.add(row)
    await session.flush()
    return row


async def create_account(
    session: AsyncSession, context: Context, new: ConnectorAccountCreate
) -> ConnectorAccountRead:
    """Keeps the account's secrets sealed. Raises Conflict or Unprocessable."""
    repository = CatalogRepository(session)
    if new.connector not in FACTORIES:
        raise Unprocessable("Ce connecteur n'existe pas.", code="unknown_connector")
    if await repository.account_labelled(new.label) is not None:
        raise Conflict(f"Un compte s'appelle déjà « {new.label} ».", code="account_label_taken")
    row = ConnectorAccount(
        id=new_id(),
        tenant_id=tenant_of(session),
        connector=new.connector,
        label=new.label,
        base_url=new.base_url,
        server_ca=new.server_ca,
        login=new.login,
        is_archivist=new.is_archivist,
    )
    row.sealed = context.keyring.seal(_secrets(new), context=seal_context(row.id))
    repository.add(row)
    await session.flush()
    return read_account(row)


def seal_context(account_id: uuid.UUID) -> str:
    """Binds sealed secrets to their row."""
    return f"connector_accounts/{account_id}"


def _secrets(new: ConnectorAccountCreate) -> bytes:
    return json.dumps(
        {
            "client_certificate": new.client_certificate,
            "client_key": new.client_key.get_secret_value(),
            "password": new.password.get_secret_value() if new.password else None,
        }
    ).encode()


def read_account(row: ConnectorAccount) -> ConnectorAccountRead:
    """An account as the API shows it: never its secrets (threat 23)."""
    return ConnectorAccountRead(
        id=row.id,
        connector=row.connector,
        label=row.label,
        base_url=row.base_url,
        login=row.login,
        is_archivist=row.is_archivist,
    )


async def _findings(
    session: AsyncSession, version: WorkflowVersion
) -> tuple[definition.Finding, ...]:
    workflow = definition.from_json(version.definition)
    users = await CatalogRepository(session).subtypes_of_workflow(version.workflow_id)
    if not users:
        return definition.structure_findings(workflow)
    found: dict[definition.Finding, None] = {}
    for subtype, kind in users:
        intake = HeliosIntake(subtype.helios_intake) if subtype.helios_intake else None
        found |= dict.fromkeys(definition.findings(workflow, Protocol(kind.protocol), intake))
    return tuple(found)


def _refuse_errors(findings: Iterable[definition.Finding]) -> None:
    errors = [one for one in findings if one.severity is Severity.ERROR]
    if errors:
        raise Unprocessable(
            " ".join(one.detail for one in errors),
            code="workflow_has_errors",
            extra={"findings": [one.code for one in errors]},
        )


async def _refuse_unknown_desks(session: AsyncSession, steps: list[StepInput]) -> None:
    await _refuse_unknown_desk_ids(session, [desk for step in steps for desk in step.desk_ids])


async def _refuse_unknown_desk_ids(session: AsyncSession, desk_ids: list[uuid.UUID]) -> None:
    known = {desk.id for desk in await DeskRepository(session).desks()}
    if not known.issuperset(desk_ids):
        raise Unprocessable(
            "Un bureau de cette liste n'existe pas : rechargez la liste des bureaux.",
            code="unknown_desk",
        )


def _version(workflow: Workflow, number: int, steps: list[StepInput]) -> WorkflowVersion:
    drawn = definition.Workflow(workflow.name, tuple(_step(step) for step in steps))
    return WorkflowVersion(
        id=new_id(),
        tenant_id=workflow.tenant_id,
        workflow_id=workflow.id,
        number=number,
        definition=dict(definition.to_json(drawn)),
        activated_at=None,
    )


def _step(step: StepInput) -> definition.Step:
    actors = tuple(definition.given_desk(DeskId(str(desk))) for desk in step.desk_ids)
    return definition.Step(StepId(step.id), step.kind, step.name, actors)


def _steps(workflow: definition.Workflow) -> list[StepInput]:
    return [
        StepInput(
            id=step.id,
            kind=step.kind,
            name=step.name,
            desk_ids=[uuid.UUID(actor.desk) for actor in step.actors],
        )
        for step in workflow.steps
    ]


def _finding(one: definition.Finding) -> FindingRead:
    return FindingRead(code=one.code, detail=one.detail, severity=one.severity.value, step=one.step)
