"""Circuits and their versions: drafts never refuse, activation does (parapheur-model.md §4)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.drawing import drawn_from, read_findings, workflow_of
from app.catalog.judgement import judge, refuse_errors, staffing_of, uses_of
from app.catalog.repository import CatalogRepository
from app.catalog.schemas import (
    DifferenceRead,
    WorkflowCreate,
    WorkflowRead,
    WorkflowVersionCreate,
    WorkflowVersionRead,
)
from app.catalog.service import workflows_named
from app.db.session import tenant_of
from app.errors import Conflict, NotFound
from app.kit.ids import new_id
from app.models import Workflow, WorkflowVersion
from app.register.service import change_names
from workflows import definition
from workflows.versions import differences

_NEXT_INSTANT = timedelta(microseconds=1)


async def create_workflow(
    session: AsyncSession, new: WorkflowCreate, *, now: datetime
) -> WorkflowRead:
    """A circuit whose first version is a draft. Raises Conflict (`workflow_name_taken`)."""
    await change_names(session)
    await _refuse_taken_name(session, new.name)
    workflow = Workflow(id=new_id(), tenant_id=tenant_of(session), name=new.name)
    CatalogRepository(session).add(workflow)
    await session.flush()
    CatalogRepository(session).add(_version(workflow, 1, new))
    await session.flush()
    return await read_workflow(session, workflow, now=now)


async def add_version(
    session: AsyncSession, workflow_id: uuid.UUID, drawn: WorkflowVersionCreate, *, now: datetime
) -> WorkflowRead:
    """A new draft beside the versions that stand. Raises NotFound."""
    await change_names(session)
    repository = CatalogRepository(session)
    workflow = await _locked(session, workflow_id)
    last = (await repository.versions(workflow_id))[0].number
    repository.add(_version(workflow, last + 1, drawn))
    await session.flush()
    return await read_workflow(session, workflow, now=now)


async def activate(
    session: AsyncSession, workflow_id: uuid.UUID, number: int, *, now: datetime
) -> WorkflowRead:
    """Puts a version in force. Raises NotFound, or Unprocessable (`workflow_has_errors`) naming
    what is wrong for any subtype that uses the circuit."""
    await change_names(session)
    workflow = await _locked(session, workflow_id)
    version = await version_of(session, workflow_id, number)
    drawn = definition.from_json(version.definition)
    uses = (await uses_of(session))(workflow_id)
    staffing = await staffing_of(session, [drawn], now=now)
    refuse_errors(judge(staffing, str(workflow_id), drawn, uses))
    earlier = await CatalogRepository(session).active_version(workflow_id)
    version.activated_at = _after(earlier, now)
    await session.flush()
    return await read_workflow(session, workflow, now=now)


def _after(earlier: WorkflowVersion | None, now: datetime) -> datetime:
    """The version put in force last is the one in force, whoever read his clock first, and however
    the clocks of several servers differ."""
    if earlier is None or earlier.activated_at is None:
        return now
    return max(now, earlier.activated_at + _NEXT_INSTANT)


async def rename_workflow(
    session: AsyncSession, workflow_id: uuid.UUID, name: str, *, now: datetime
) -> WorkflowRead:
    """Raises NotFound or Conflict (`workflow_name_taken`); versions keep the name they had."""
    await change_names(session)
    workflow = await _locked(session, workflow_id)
    await _refuse_taken_name(session, name, but=workflow_id)
    workflow.name = name
    await session.flush()
    return await read_workflow(session, workflow, now=now)


async def delete_workflow(session: AsyncSession, workflow_id: uuid.UUID) -> None:
    """Raises NotFound, or Conflict (`workflow_in_use`) with the list of its uses."""
    await change_names(session)
    workflow = await _locked(session, workflow_id)
    uses = await _uses(session, workflow)
    if uses:
        raise in_use(f"le circuit « {workflow.name} »", uses, code="workflow_in_use")
    await CatalogRepository(session).remove_workflow(workflow)


def in_use(what: str, uses: list[str], *, code: str) -> Conflict:
    """The refusal to remove what something else needs, with the list of its uses."""
    return Conflict(
        f"Action impossible : {what} sert encore à {', '.join(uses)}. Retirez d'abord ces usages.",
        code=code,
        extra={"uses": uses},
    )


def counted(count: int, one: str, several: str) -> list[str]:
    """A use that is a number of things; none is no use."""
    return [f"{count} {one if count == 1 else several}"] if count else []


async def _uses(session: AsyncSession, workflow: Workflow) -> list[str]:
    repository = CatalogRepository(session)
    subtypes = [
        f"sous-type « {kind.name} / {subtype.name} »"
        for subtype, kind in await repository.subtypes_with_types()
        if workflow.id in workflows_named(subtype)
    ]
    folders = await repository.folders_of_workflow(workflow.id)
    return [*subtypes, *counted(folders, "dossier", "dossiers")]


async def list_workflows(session: AsyncSession, *, now: datetime) -> list[WorkflowRead]:
    """Every circuit with its versions and their findings."""
    return await _read(session, await CatalogRepository(session).workflows(), now=now)


async def read_workflow(
    session: AsyncSession, workflow: Workflow, *, now: datetime
) -> WorkflowRead:
    """A circuit as the API shows it."""
    return (await _read(session, [workflow], now=now))[0]


async def get_workflow(
    session: AsyncSession, workflow_id: uuid.UUID, *, now: datetime
) -> WorkflowRead:
    """Raises NotFound."""
    workflow = await CatalogRepository(session).workflow(workflow_id)
    if workflow is None:
        raise NotFound
    return await read_workflow(session, workflow, now=now)


async def version_of(session: AsyncSession, workflow_id: uuid.UUID, number: int) -> WorkflowVersion:
    """Raises NotFound."""
    version = await CatalogRepository(session).version_numbered(workflow_id, number)
    if version is None:
        raise NotFound
    return version


async def compare_versions(
    session: AsyncSession, workflow_id: uuid.UUID, number: int, earlier: int | None
) -> list[DifferenceRead]:
    """What a version changes to another one, to the one before it where none is named: its first
    version is compared with itself. Raises NotFound."""
    after = await version_of(session, workflow_id, number)
    before = await version_of(
        session, workflow_id, max(number - 1, 1) if earlier is None else earlier
    )
    found = differences(
        definition.from_json(before.definition), definition.from_json(after.definition)
    )
    return [
        DifferenceRead(
            change=one.change.value, summary=one.summary, step=one.step, fields=list(one.fields)
        )
        for one in found
    ]


async def _read(
    session: AsyncSession, workflows: Sequence[Workflow], *, now: datetime
) -> list[WorkflowRead]:
    versions = await CatalogRepository(session).versions_of([one.id for one in workflows])
    drawn = {one.id: definition.from_json(one.definition) for one in versions}
    using = await uses_of(session)
    staffing = await staffing_of(session, drawn.values(), now=now)
    return [
        WorkflowRead(
            id=workflow.id,
            name=workflow.name,
            versions=[
                _read_version(
                    one,
                    drawn[one.id],
                    judge(staffing, str(workflow.id), drawn[one.id], using(workflow.id)),
                )
                for one in versions
                if one.workflow_id == workflow.id
            ],
        )
        for workflow in workflows
    ]


def _read_version(
    version: WorkflowVersion,
    drawn: definition.Workflow,
    found: Sequence[definition.Finding],
) -> WorkflowVersionRead:
    body = drawn_from(drawn)
    return WorkflowVersionRead(
        id=version.id,
        number=version.number,
        steps=body.steps,
        duties=body.duties,
        final_desk=body.final_desk,
        informed_at_end=body.informed_at_end,
        activated_at=version.activated_at,
        findings=read_findings(found),
    )


async def _locked(session: AsyncSession, workflow_id: uuid.UUID) -> Workflow:
    workflow = await CatalogRepository(session).lock_workflow(workflow_id)
    if workflow is None:
        raise NotFound
    return workflow


async def _refuse_taken_name(
    session: AsyncSession, name: str, *, but: uuid.UUID | None = None
) -> None:
    holder = await CatalogRepository(session).workflow_named(name)
    if holder is not None and holder.id != but:
        raise Conflict(
            f"Un circuit s'appelle déjà « {holder.name} » : choisissez un autre nom.",
            code="workflow_name_taken",
        )


def _version(workflow: Workflow, number: int, drawn: WorkflowVersionCreate) -> WorkflowVersion:
    return WorkflowVersion(
        id=new_id(),
        tenant_id=workflow.tenant_id,
        workflow_id=workflow.id,
        number=number,
        definition=dict(definition.to_json(workflow_of(workflow.name, drawn))),
        activated_at=None,
    )
