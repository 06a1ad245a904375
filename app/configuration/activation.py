"""Circuits of a document put in force, and what waits for those that may not be yet."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.repository import CatalogRepository
from app.catalog.suitability import refuse_idle, refuse_unsuitable_workflows
from app.catalog.workflows import activate
from app.configuration.comparison import IN_FORCE, Change, Section
from app.configuration.document import SubtypePart, WorkflowPart, subtype_reference
from app.configuration.site import Site, part_of
from app.errors import Unprocessable


@dataclass(frozen=True, slots=True)
class Applied:
    """What could not be put in force, by circuit: the sentence that says why. `waiting` are the
    subtypes in service whose folders would enter circuits that are not in force."""

    not_in_force: dict[str, str]
    waiting: dict[str, list[str]]

    def keeps(self, change: Change) -> bool:
        """Whether a change took place: a circuit that was only to be put in force may not be."""
        after = change.after
        refused = isinstance(after, WorkflowPart) and after.name in self.not_in_force
        return not (refused and change.fields == IN_FORCE)


async def put_in_force(site: Site, changes: Sequence[Change]) -> Applied:
    """The circuits that change and that the document wants in force; one with errors stays a
    draft."""
    refused = {}
    for change in changes:
        if change.section is not Section.WORKFLOW:
            continue
        workflow = part_of(WorkflowPart, change.after)
        if workflow.active:
            why = await _activate(site, workflow.name)
            if why is not None:
                refused[workflow.name] = why
    return Applied(refused, _waiting(site, refused.keys()))


async def _activate(site: Site, name: str) -> str | None:
    workflow_id = site.read.ids.workflows[name]
    newest = await _newest_number(site.session, workflow_id)
    try:
        await activate(site.session, workflow_id, newest, now=site.now)
    except Unprocessable as refusal:
        return refusal.detail
    return None


async def _newest_number(session: AsyncSession, workflow_id: uuid.UUID) -> int:
    return (await CatalogRepository(session).versions(workflow_id))[0].number


def _waiting(site: Site, refused: Collection[str]) -> dict[str, list[str]]:
    drafts = _drafts(site, refused)
    waiting = {
        subtype_reference(kind.name, one.name): sorted(_workflows_of(one) & drafts)
        for kind in site.result.types
        for one in kind.subtypes
        if one.active
    }
    return {reference: workflows for reference, workflows in waiting.items() if workflows}


def _drafts(site: Site, refused: Collection[str]) -> frozenset[str]:
    """The circuits without any version in force, as it stands now."""
    stood = {one.name for one in site.read.document.workflows if one.active}
    return frozenset(
        one.name
        for one in site.result.workflows
        if one.name not in stood and (not one.active or one.name in refused)
    )


def _workflows_of(subtype: SubtypePart) -> frozenset[str]:
    return frozenset({subtype.workflow, *(rule.workflow for rule in subtype.rules or ())})


def _newly_bound(change: Change) -> frozenset[str]:
    """The circuits that a subtype did not use, every one where it comes into service."""
    after, before = part_of(SubtypePart, change.after), change.before
    if isinstance(before, SubtypePart) and (before.active or not after.active):
        return _workflows_of(after) - _workflows_of(before)
    return _workflows_of(after)


async def refuse_unfit_subtype(site: Site, change: Change, applied: Applied) -> None:
    """Raises Unprocessable (`rules_have_errors`, `workflow_has_errors`) when a subtype and its
    circuits do not suit each other, now that those which may be are in force."""
    after, ids = part_of(SubtypePart, change.after), site.read.ids
    repository = CatalogRepository(site.session)
    row = await repository.subtype(ids.subtypes[subtype_reference(change.owner, after.name)])
    kind = await repository.folder_type(ids.types[change.owner])
    assert row is not None
    assert kind is not None
    bound = [ids.workflows[one] for one in _newly_bound(change)]
    try:
        await refuse_unsuitable_workflows(
            site.session, row, kind, bound, now=site.now, drafts_wait=True
        )
    except Unprocessable as refusal:
        held = sorted(_workflows_of(after) & applied.not_in_force.keys())
        why = (
            f"Le circuit « {one} » n'est pas mis en vigueur : {applied.not_in_force[one]}"
            for one in held
        )
        refusal.detail = " ".join([refusal.detail, *why])
        raise


async def refuse_idle_subtype(site: Site, change: Change, applied: Applied) -> None:
    """Raises Unprocessable (`workflow_not_in_force`) when a subtype that has folders leaves its
    circuits for others that stay drafts."""
    reference = subtype_reference(change.owner, part_of(SubtypePart, change.after).name)
    idle = [one for one in applied.waiting.get(reference, ()) if one in _newly_bound(change)]
    await refuse_idle(site.session, site.read.ids.subtypes[reference], idle)
