"""How a folder enters its circuit, and how its preparation ends: with which documents."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.choice import Choice, choose_workflow, known_facts, rules_of, typed_facts
from app.catalog.service import Resolved, fields_of, resolve, rule_table_of
from app.context import Context
from app.documents.detached import as_domain
from app.documents.repository import DocumentRepository, unsigned
from app.errors import Conflict, Unprocessable
from app.folders.facts import amounts_of, binding_of, pes_facts_among, pes_facts_of
from app.folders.journal import journal_choice
from app.folders.marking import Marked, ToMark, flow_to_mark, keep_marked
from app.folders.references import hold_reference
from app.folders.repository import FolderRepository
from app.folders.search import folded_text
from app.folders.service import Acted, apply
from app.models import Folder, FolderSubtype, FolderType
from workflows import deadlines, rules
from workflows import folder as domain
from workflows.actions import Resubmit, Submit
from workflows.definition import ActorKind, ChosenDesk, Phase, Protocol, Workflow
from workflows.folder import BACK_STATUSES, FolderState, FolderStatus
from workflows.metadata import MetadataValue, complete
from workflows.register import PersonAtDesk

_OUTDATED = "workflow_outdated"
_ENTERING = BACK_STATUSES | {FolderStatus.DRAFT}


async def entering_documents(
    session: AsyncSession, folder_id: uuid.UUID
) -> tuple[domain.Document, ...]:
    """What enters a circuit: the newest unsigned revision of each document."""
    repository = DocumentRepository(session)
    rows = await repository.documents(folder_id)
    revisions = await repository.revisions(row.id for row in rows)
    newest = {one.document_id: one for one in unsigned(revisions)}
    return tuple(
        domain.Document(
            domain.DocumentId(str(row.id)),
            domain.DocumentRole(row.kind),
            as_domain(newest[row.id]),
        )
        for row in rows
    )


async def flow_entering(session: AsyncSession, folder: Folder) -> ToMark | None:
    """The flow to mark before the folder is sent (DESIGN D9). Where a preparation circuit comes
    first, it is marked at its end. Raises as `_facts` and `choose_workflow`."""
    if folder.status not in _ENTERING:
        return None
    resolved = await _resolved(session, folder)
    choice = await choose_workflow(session, resolved, await _facts(session, folder, resolved))
    return None if _prepares(choice) else await flow_to_mark(session, folder)


async def enter_workflow(
    session: AsyncSession,
    context: Context,
    folder: Folder,
    actor: PersonAtDesk,
    chosen: Sequence[ChosenDesk] = (),
    *,
    marked: Marked | None,
) -> Acted:
    """Sends a draft, or what came back, in the circuit that its facts choose now. `marked`: what
    became of `flow_entering`.

    Raises Conflict (`pes_file_name_used`, `folder_busy`), MetadataMissing and the engine's
    refusals."""
    if folder.status not in _ENTERING:
        return await apply(session, context, folder, Resubmit(actor, ()))
    resolved = await _resolved(session, folder)
    folder.folder_metadata = complete(resolved.metadata_fields, folder.folder_metadata)
    facts = await _facts(session, folder, resolved)
    choice = await choose_workflow(session, resolved, facts)
    if not _prepares(choice):
        await keep_marked(session, context, folder, marked)
    documents = await entering_documents(session, folder.id)
    refuse_several_main(resolved.subtype, resolved.type, documents)
    await hold_reference(session, folder, documents, context.clock())
    submit = Submit(
        actor,
        domain.WorkflowVersionId(str(choice.version.id)),
        choice.workflow,
        documents,
        merged_desks(choice.workflow, choice.chosen_desks, chosen),
        rules_of(resolved),
    )
    is_draft = folder.status == FolderStatus.DRAFT.value
    action = submit if is_draft else Resubmit(actor, documents, submit)
    journal_choice(session, folder, choice, facts, at=context.clock())
    folder.transmit_by = _transmit_by(resolved, folder)
    acted = await apply(session, context, folder, action)
    await index(session, folder)
    return acted


async def _resolved(session: AsyncSession, folder: Folder) -> Resolved:
    """A subtype that takes no more folders still lets those come back that it has."""
    is_draft = folder.status == FolderStatus.DRAFT.value
    return await resolve(session, folder.subtype_id, even_retired=not is_draft)


def _prepares(choice: Choice) -> bool:
    steps = choice.workflow.steps
    return bool(steps) and steps[0].phase is Phase.PREPARATION


async def _facts(
    session: AsyncSession, folder: Folder, resolved: Resolved
) -> Mapping[str, MetadataValue]:
    """What the rules read of the folder, its metadata as they will be kept. Raises MetadataMissing
    and the other refusals of `complete`."""
    metadata = complete(resolved.metadata_fields, folder.folder_metadata)
    return _facts_with(folder, metadata, await pes_facts_of(session, folder.id))


def rule_facts(
    metadata: Mapping[str, MetadataValue],
    desk_id: uuid.UUID,
    slips: Sequence[Mapping[str, Any]],
) -> Mapping[str, MetadataValue]:
    """What the rows of a rule table may read of a folder that has these metadata and slips: the
    metadata, the kinds of the slips and their largest total, the desk that deposits."""
    kinds = {slip["kind"] for slip in slips}
    facts: dict[str, MetadataValue] = dict(metadata)
    facts["deposit_desk"] = str(desk_id)
    facts["pes_kind"] = kinds.pop() if len(kinds) == 1 else ("both" if kinds else None)
    facts["pes_largest_slip"] = max(
        (slip["amount_incl_tax"] for slip in slips), key=Decimal, default=None
    )
    return facts


async def refuse_other_documents(
    session: AsyncSession, folder: Folder, before: FolderState, after: FolderState
) -> None:
    """The documents with which a validation begins choose the circuit that the folder was sent in,
    as those before them did. Raises Conflict (`workflow_outdated`)."""
    sent, entering = [
        await pes_facts_among(session, folder.id, one.documents) for one in (before, after)
    ]
    facts = [_facts_with(folder, folder.folder_metadata, one) for one in (sent, entering)]
    choices = await _choices(session, folder, facts)
    # Of a flow that was taken out, nothing is left to compare with.
    if len(choices) > 1 or (choices and entering and not sent):
        raise Conflict(
            "Les documents ont changé pendant la préparation : ce dossier relève peut-être d'un "
            "autre circuit. Faites-le revenir au bureau qui l'a déposé, qui l'enverra de nouveau.",
            code=_OUTDATED,
        )


async def refuse_other_metadata(
    session: AsyncSession, folder: Folder, state: FolderState, before: Mapping[str, MetadataValue]
) -> None:
    """What is written in a circuit chooses the one that the folder was sent in, with the documents
    that it has there: to fill what was empty is no way round the rules. Nothing is compared while
    the folder is with its submitter. Raises Conflict (`workflow_outdated`)."""
    if state.status in _ENTERING:
        return
    flow = await pes_facts_among(session, folder.id, state.documents)
    facts = [_facts_with(folder, one, flow) for one in (before, folder.folder_metadata)]
    if len(await _choices(session, folder, facts)) > 1:
        raise Conflict(
            f"Avec une autre valeur de {await _changed_facts(session, folder, before)}, le dossier "
            "relève d'un autre circuit ou d'autres bureaux : faites-le revenir, par un rejet ou "
            "par la reprise de l'envoi, au bureau qui l'a déposé, qui le corrigera et l'enverra "
            "de nouveau.",
            code=_OUTDATED,
        )


async def _changed_facts(
    session: AsyncSession, folder: Folder, before: Mapping[str, MetadataValue]
) -> str:
    """« Montant », « Service »: the fields that the rules read and that were changed."""
    subtype, _ = await binding_of(session, folder)
    table, now = rule_table_of(subtype), folder.folder_metadata
    read = {one.fact for row in (table.rows if table else ()) for one in row.conditions}
    return ", ".join(
        f"« {field.label} »"
        for field in fields_of(subtype)
        if field.key in read and before.get(field.key) != now.get(field.key)
    )


def _facts_with(
    folder: Folder, metadata: Mapping[str, MetadataValue], flow: Mapping[str, Any]
) -> Mapping[str, MetadataValue]:
    return rule_facts(metadata, folder.submitter_desk_id, flow.get("slips", ()))


async def _choices(
    session: AsyncSession, folder: Folder, facts: Sequence[Mapping[str, MetadataValue]]
) -> set[object]:
    """What the rules of now make of each of these facts: one thing where they do not tell them
    apart, nothing without rules. Judging all by the same rules, what changed in these since the
    folder was sent moves nothing."""
    subtype, kind = await binding_of(session, folder)
    table = rule_table_of(subtype)
    if table is None:
        return set()
    known = known_facts(Protocol(kind.protocol), fields_of(subtype))
    found = rules.try_on(table, [typed_facts(known, one) for one in facts])
    return {one and (one.workflow, one.desks) for one in found}


def merged_desks(
    workflow: Workflow, by_rule: Sequence[ChosenDesk], by_hand: Sequence[ChosenDesk]
) -> tuple[ChosenDesk, ...]:
    """A desk chosen by the rule table is not chosen again by hand: of a step to which the table
    gives desks, only the variable actors that are left are."""
    ruled = Counter(one.step for one in by_rule)
    left = {
        step.id: sum(actor.kind is ActorKind.VARIABLE for actor in step.actors) - ruled[step.id]
        for step in workflow.steps
        if step.id in ruled
    }
    merged = list(by_rule)
    for one in by_hand:
        if left.get(one.step, 1) > 0:
            merged.append(one)
        if one.step in left:
            left[one.step] -= 1
    return tuple(merged)


def _transmit_by(resolved: Resolved, folder: Folder) -> date | None:
    within = resolved.type.transmit_within_days
    if within is None or folder.act is None:
        return None
    return deadlines.transmit_by(date.fromisoformat(folder.act["decided_on"]), within)


async def index(session: AsyncSession, folder: Folder) -> None:
    """What lists and search know of the folder follows what it holds: its words, its amount."""
    repository = FolderRepository(session)
    subtype, kind = await binding_of(session, folder)
    amounts = await amounts_of(session, folder, subtype, kind)
    await repository.write_amount(folder, max((one.cents for one in amounts), default=None))
    facts = await pes_facts_of(session, folder.id)
    await repository.write_search(folder.id, folded_text(folder, facts))


def takes_one_main(subtype: FolderSubtype, kind: FolderType) -> bool:
    """Whether the folders of this subtype have one main document: an act, a flow, a text."""
    return Protocol(kind.protocol) is not Protocol.NONE or not subtype.several_documents


def refuse_several_main(
    subtype: FolderSubtype, kind: FolderType, documents: tuple[domain.Document, ...]
) -> None:
    """What enters a circuit has one main document where its subtype takes one. Raises
    Unprocessable (`one_main_document`)."""
    main = [one for one in documents if one.role is domain.DocumentRole.MAIN_DOCUMENT]
    if len(main) > 1 and takes_one_main(subtype, kind):
        raise Unprocessable(
            "Un dossier de ce sous-type n'a qu'un document principal : faites un dossier par "
            "document, par acte ou par flux.",
            code="one_main_document",
        )
