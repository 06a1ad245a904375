"""What another version of a circuit means for the folders under way, and bringing them to it."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.auth.refusals import failure_of_one
from app.catalog.judgement import drawing_findings, errors_of, refuse_errors, use_of
from app.catalog.repository import CatalogRepository
from app.catalog.workflows import version_of
from app.context import Context
from app.errors import Conflict, NotFound
from app.folders.facts import binding_of, state_of
from app.folders.repository import FolderRepository
from app.folders.service import apply, event_of
from app.kit.failures import Failure, failure_of
from app.models import Folder, FolderEvent, WorkflowVersion
from app.register.service import as_person, load_register
from app.workflow_changes.repository import WorkflowChangeRepository
from app.workflow_changes.schemas import (
    MAX_FOLDERS,
    FolderImpactRead,
    ImpactRead,
    MigrationOutcome,
)
from workflows import definition
from workflows.actions import Migrate
from workflows.definition import ChosenDesk, DeskId, desks_of
from workflows.evolution import replay
from workflows.folder import FolderState, WorkflowVersionId
from workflows.register import PersonAtDesk, PowerRegister
from workflows.versions import Effect, Impact, impact

_BATCH = 500
_UNREADABLE = (
    "Ce dossier ne peut pas être lu : l'exploitant en trouve la cause dans les traces du service."
)


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A folder under way, the version that it follows, where it stands or why nobody can tell."""

    folder: Folder
    version: WorkflowVersion
    state: FolderState | Failure


@dataclass(frozen=True, slots=True)
class _Target:
    """A version to which folders may be brought. `forbidden`: why those of a subtype may not."""

    version: WorkflowVersion
    drawn: definition.Workflow
    register: PowerRegister
    forbidden: Mapping[uuid.UUID, str]


async def preview(
    session: AsyncSession, workflow_id: uuid.UUID, number: int, *, now: datetime
) -> ImpactRead:
    """What the version, in force or not, would change for each folder that follows another one.

    Raises NotFound. Nothing is changed."""
    target = await _target(session, await version_of(session, workflow_id, number))
    counts: Counter[Effect] = Counter()
    listed: list[FolderImpactRead] = []
    async for one in _under_way(session, workflow_id):
        if one.version.id == target.version.id:
            continue
        found = _impact(one, target, now)
        counts[found.effect] += 1
        if len(listed) < MAX_FOLDERS:
            listed.append(_read(one, found))
    return ImpactRead(
        summary=_summary(counts),
        total=counts.total(),
        unaffected=counts[Effect.UNAFFECTED],
        upcoming_changes=counts[Effect.UPCOMING_CHANGES],
        step_changes=counts[Effect.STEP_CHANGES],
        cannot_follow=counts[Effect.CANNOT_FOLLOW],
        folders=listed,
    )


async def folders_that_follow(
    session: AsyncSession, workflow_id: uuid.UUID, number: int, *, now: datetime
) -> list[uuid.UUID]:
    """The oldest folders under way that can be brought to the version, and those that cannot be
    read: `migrate` answers why. Raises NotFound, or Conflict (`version_not_active`)."""
    target = await _target(session, await target_of(session, workflow_id, number))
    return [
        one.folder.id
        async for one in _under_way(session, workflow_id)
        if one.version.id != target.version.id and _may_follow(one, target, now)
    ][:MAX_FOLDERS]


async def folders_brought_to(
    session: AsyncSession, workflow_id: uuid.UUID, number: int
) -> list[uuid.UUID]:
    """The oldest folders under way whose last migration brought them to the version, and those in
    it that cannot be read: `bring_back` answers why. Raises NotFound."""
    version = await version_of(session, workflow_id, number)
    return [
        one.folder.id
        async for one in _under_way(session, workflow_id)
        if one.version.id == version.id
        and (isinstance(one.state, Failure) or one.state.migrated_from is not None)
    ][:MAX_FOLDERS]


async def target_of(session: AsyncSession, workflow_id: uuid.UUID, number: int) -> WorkflowVersion:
    """Raises NotFound, or Conflict (`version_not_active`): no folder follows a draft."""
    version = await version_of(session, workflow_id, number)
    if version.activated_at is None:
        raise Conflict(
            "Cette version n'a jamais été activée : activez-la avant d'y amener des dossiers.",
            code="version_not_active",
        )
    return version


async def migrate(
    context: Context,
    principal: Principal,
    target: WorkflowVersion,
    folder_id: uuid.UUID,
    chosen: Sequence[ChosenDesk] = (),
) -> MigrationOutcome:
    """Brings one folder to the version, in its own transaction; whatever stops it is its outcome:
    one folder never holds the others back."""
    try:
        async with context.unit(principal.tenant_id) as session:
            folder = await _locked(session, folder_id, target.workflow_id)
            await _bring(session, context, principal, folder, target, chosen)
    except Exception as e:  # noqa: BLE001  the edge of one folder among others
        return await _failed(context, principal, folder_id, e)
    return _migrated(folder_id, target)


async def bring_back(
    context: Context, principal: Principal, brought_to: WorkflowVersion, folder_id: uuid.UUID
) -> MigrationOutcome:
    """Brings one folder back to the version that its last migration took it from, alike."""
    try:
        async with context.unit(principal.tenant_id) as session:
            folder = await _locked(session, folder_id, brought_to.workflow_id)
            before = (await state_of(session, folder_id)).migrated_from
            if folder.workflow_version_id != brought_to.id or before is None:
                raise Conflict(
                    "Ce dossier n'a pas été amené à cette version, il n'y a rien à défaire : "
                    "retirez-le de la liste.",
                    code="not_migrated_here",
                )
            assert before.workflow_version is not None
            version_id = uuid.UUID(before.workflow_version)
            target = await CatalogRepository(session).version(version_id)
            assert target is not None
            await _bring(session, context, principal, folder, target, ())
    except Exception as e:  # noqa: BLE001  the edge of one folder among others
        return await _failed(context, principal, folder_id, e)
    return _migrated(folder_id, target)


async def _locked(session: AsyncSession, folder_id: uuid.UUID, workflow_id: uuid.UUID) -> Folder:
    """Raises NotFound for a folder that follows no version of the circuit."""
    folder = await FolderRepository(session).lock(folder_id)
    if folder is None or folder.workflow_version_id is None:
        raise NotFound
    version = await CatalogRepository(session).version(folder.workflow_version_id)
    if version is None or version.workflow_id != workflow_id:
        raise NotFound
    return folder


async def _bring(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    folder: Folder,
    target: WorkflowVersion,
    chosen: Sequence[ChosenDesk],
) -> None:
    if folder.workflow_version_id == target.id:
        raise Conflict(
            "Ce dossier suit déjà cette version : choisissez-en une autre, ou retirez-le de la "
            "liste.",
            code="already_in_this_version",
        )
    drawn = definition.from_json(target.definition)
    refuse_errors(drawing_findings(drawn, use_of(*await binding_of(session, folder))))
    state = await state_of(session, folder.id)
    action = Migrate(
        PersonAtDesk(as_person(principal.id), _desk_of(state)),
        WorkflowVersionId(str(target.id)),
        drawn,
        tuple(chosen),
    )
    await apply(session, context, folder, action)


def _desk_of(state: FolderState) -> DeskId:
    """The desk that the administrator looks after: one that has the folder now."""
    current = state.current_step
    desks = desks_of(current.step) if current else ()
    return desks[0] if desks else state.submitter.desk


async def _under_way(session: AsyncSession, workflow_id: uuid.UUID) -> AsyncIterator[_UnderWay]:
    """Every folder of the circuit that has not ended, its events read by the hundred."""
    repository = WorkflowChangeRepository(session)
    every = await repository.under_way(workflow_id)
    for start in range(0, len(every), _BATCH):
        batch = every[start : start + _BATCH]
        events = await repository.events_of([folder.id for folder, _ in batch])
        for folder, version in batch:
            yield _UnderWay(folder, version, _where(folder, events[folder.id]))


def _where(folder: Folder, events: Sequence[FolderEvent]) -> FolderState | Failure:
    """Where these events bring the folder, or why they cannot be read."""
    try:
        return replay(event_of(row) for row in events)
    except Exception as e:  # noqa: BLE001  the edge of one folder among others
        return failure_of(e, folder=str(folder.id))


async def _target(session: AsyncSession, version: WorkflowVersion) -> _Target:
    """The version, and what it is for each subtype, in use or not any more."""
    drawn = definition.from_json(version.definition)
    forbidden = {}
    for subtype, kind in await CatalogRepository(session).subtypes_with_types():
        errors = errors_of(drawing_findings(drawn, use_of(subtype, kind)))
        if errors:
            forbidden[subtype.id] = " ".join(one.detail for one in errors)
    return _Target(version, drawn, await load_register(session), forbidden)


def _may_follow(one: _UnderWay, target: _Target, now: datetime) -> bool:
    """What cannot be read is for `migrate` to say."""
    if isinstance(one.state, Failure):
        return True
    return _impact(one, target, now).effect is not Effect.CANNOT_FOLLOW


def _impact(one: _UnderWay, target: _Target, now: datetime) -> Impact:
    if isinstance(one.state, Failure):
        return Impact(Effect.CANNOT_FOLLOW, _UNREADABLE)
    why_not = target.forbidden.get(one.folder.subtype_id)
    if why_not is not None:
        current = one.state.current_step
        return Impact(Effect.CANNOT_FOLLOW, why_not, current.id if current else None)
    version_id = WorkflowVersionId(str(target.version.id))
    return impact(one.state, version_id, target.drawn, target.register, now)


def _read(one: _UnderWay, found: Impact) -> FolderImpactRead:
    return FolderImpactRead(
        folder_id=one.folder.id,
        title=one.folder.title,
        version=one.version.number,
        effect=found.effect.value,
        detail=found.detail,
        step=found.step,
    )


def _summary(counts: Counter[Effect]) -> str:
    total = counts.total()
    if not total:
        return "Aucun dossier en cours ne suit une autre version."
    parts = (
        (Effect.UNAFFECTED, "inchangé", "inchangés"),
        (Effect.UPCOMING_CHANGES, "dont la suite change", "dont la suite change"),
        (Effect.STEP_CHANGES, "à une étape qui change", "à une étape qui change"),
        (Effect.CANNOT_FOLLOW, "qui ne peut pas suivre", "qui ne peuvent pas suivre"),
    )
    told = [
        f"{counts[effect]} {one if counts[effect] == 1 else several}"
        for effect, one, several in parts
        if counts[effect]
    ]
    return f"{total} dossier{'s' if total > 1 else ''} en cours : {', '.join(told)}."


def _migrated(folder_id: uuid.UUID, version: WorkflowVersion) -> MigrationOutcome:
    return MigrationOutcome(
        folder_id=folder_id, migrated=True, version=version.number, code=None, detail=None
    )


async def _failed(
    context: Context, principal: Principal, folder_id: uuid.UUID, error: Exception
) -> MigrationOutcome:
    failure = await failure_of_one(context, principal, error, folder_id)
    return MigrationOutcome(
        folder_id=folder_id,
        migrated=False,
        version=None,
        code=failure.code,
        detail=failure.detail,
    )
