"""Whether the settings of a subtype go together, and whether its circuits suit it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.choice import domains, known_facts, own_name_findings
from app.catalog.judgement import (
    judge,
    refuse_errors,
    refuse_first,
    row_findings,
    staffing_of,
    use_of,
)
from app.catalog.repository import CatalogRepository
from app.catalog.service import fields_of, rule_table_of, workflows_named
from app.catalog.workflows import counted, in_use
from app.desks.repository import DeskRepository
from app.errors import Conflict, Unprocessable
from app.models import Desk, FolderSubtype, FolderType
from app.register.service import as_desk
from workflows import definition, findings
from workflows.definition import DeskId, Finding, HeliosIntake, Protocol
from workflows.metadata import FieldType, MetadataField
from workflows.metadata_findings import field_findings
from workflows.rule_findings import table_findings
from workflows.rules import RuleTable

_NUMBERS = frozenset({FieldType.DECIMAL, FieldType.INTEGER})


async def refuse_settings(session: AsyncSession, row: FolderSubtype, kind: FolderType) -> None:
    """Raises Unprocessable for settings that do not go together, each with its code."""
    protocol, fields = Protocol(kind.protocol), fields_of(row)
    desks = await DeskRepository(session).desks()
    _refuse_unknown_desks(desks, [*(row.deposit_desk_ids or ()), *row.visible_desk_ids])
    refuse_errors(
        (*field_findings(fields), *own_name_findings(fields)), code="metadata_fields_have_errors"
    )
    refuse_first(
        settings_findings(
            protocol,
            fields,
            amount_field=row.amount_field,
            several_documents=row.several_documents,
            paper_signature=row.paper_signature,
        )
    )
    table = rule_table_of(row)
    if table is not None:
        refuse_errors(own_table_findings(table, row, kind, desks), code="rules_have_errors")


def intake_findings(protocol: Protocol, intake: HeliosIntake | None) -> Iterator[Finding]:
    """A subtype says which flows it takes under HELIOS, and there alone."""
    if protocol is not Protocol.HELIOS and intake is not None:
        yield Finding.error(
            "intake_without_helios",
            "Seul un sous-type HELIOS dit quels flux il prend : retirez ce réglage.",
        )
    if protocol is Protocol.HELIOS and intake is None:
        yield Finding.error(
            "helios_intake_missing",
            "Dites si ce sous-type prend des flux à signer, déjà signés ou sans signature.",
        )


def settings_findings(
    protocol: Protocol,
    fields: Sequence[MetadataField],
    *,
    amount_field: str | None,
    several_documents: bool,
    paper_signature: bool,
) -> Iterator[Finding]:
    """The settings of a subtype that its protocol or its fields forbid."""
    is_flow = protocol is Protocol.HELIOS
    numbers = {one.key for one in fields if one.type in _NUMBERS}
    if amount_field is not None and is_flow:
        yield Finding.error(
            "amount_field_under_helios",
            "Le montant d'un flux est celui de ses bordereaux : ne nommez pas d'information.",
        )
    elif amount_field is not None and amount_field not in numbers:
        yield Finding.error(
            "amount_field_unfit",
            f"« {amount_field} » n'est pas une information du sous-type qui contienne un nombre : "
            "choisissez-en une.",
        )
    if several_documents and protocol is not Protocol.NONE:
        yield Finding.error(
            "several_documents_transmitted",
            "Un dossier télétransmis n'a qu'un document principal : retirez ce réglage.",
        )
    if paper_signature and is_flow:
        yield Finding.error(
            "paper_signature_under_helios",
            "Un flux PES se signe électroniquement, jamais sur papier : retirez ce réglage.",
        )


def own_table_findings(
    table: RuleTable, row: FolderSubtype, kind: FolderType, desks: Sequence[Desk]
) -> tuple[Finding, ...]:
    """What is wrong or doubtful in a table for the folders of a subtype, whatever its circuits."""
    protocol, fields = Protocol(kind.protocol), fields_of(row)
    allowed = row.deposit_desk_ids
    depositing = [
        as_desk(one.id) for one in desks if one.is_active and (allowed is None or one.id in allowed)
    ]
    names = {as_desk(one.id): one.name for one in desks}
    return table_findings(
        table, known_facts(protocol, fields), domains(protocol, fields, depositing, names)
    )


async def table_workflow_findings(session: AsyncSession, table: RuleTable) -> tuple[Finding, ...]:
    """What is wrong between the rows of a table and the circuits that they name."""
    names = await _desk_names(session)
    found: list[Finding] = []
    for number, row in enumerate(table.rows, start=1):
        drawn = await _judged_version(session, uuid.UUID(row.workflow))
        if drawn is None:
            found.append(_unknown_workflow(number))
            continue
        found += row_findings(number, row, drawn, names)
    return tuple(found)


async def refuse_unsuitable_workflows(
    session: AsyncSession,
    row: FolderSubtype,
    kind: FolderType,
    newly_bound: Collection[uuid.UUID],
    *,
    now: datetime,
    drafts_wait: bool = False,
) -> None:
    """Raises Unprocessable (`rules_have_errors`, `workflow_has_errors`, `workflow_not_in_force`).

    Circuits newly bound are judged whole in their version in force, else in their newest one: a
    subtype that has folders is bound to none that is not in force. Where `drafts_wait`, those wait
    for their activation. The other circuits are judged for the metadata that they demand and the
    desks that rows give. They are locked: none is activated or deleted meanwhile.
    """
    repository = CatalogRepository(session)
    for workflow_id in sorted(workflows_named(row)):
        await repository.lock_workflow(workflow_id)
    await _refuse_unfit_rows(session, row)
    use = use_of(row, kind)
    in_force = await _in_force(session, workflows_named(row))
    for drawn in in_force.values():
        refuse_errors(findings.demanded_field_findings(drawn, use.fields))
    judged = {key: drawn for key, drawn in in_force.items() if key in newly_bound}
    if not drafts_wait:
        drafts = await _drafts(session, frozenset(newly_bound) - in_force.keys())
        await refuse_idle(session, row.id, [one.name for one in drafts.values()])
        judged |= drafts
    staffing = await staffing_of(session, judged.values(), now=now)
    for key, drawn in judged.items():
        refuse_errors(judge(staffing, str(key), drawn, [use]))


async def _refuse_unfit_rows(session: AsyncSession, row: FolderSubtype) -> None:
    """Raises Unprocessable (`rules_have_errors`) when rows give desks that their circuits, in
    force or else newest, do not let choose."""
    table = rule_table_of(row)
    if table is not None:
        refuse_errors(await table_workflow_findings(session, table), code="rules_have_errors")


async def refuse_idle(session: AsyncSession, subtype_id: uuid.UUID, workflows: list[str]) -> None:
    """Raises Unprocessable (`workflow_not_in_force`) when a subtype that has folders would be bound
    to these circuits, which are not in force: nothing could be deposited any more."""
    if workflows and await CatalogRepository(session).folders_of_subtype(subtype_id):
        names = ", ".join(f"« {one} »" for one in workflows)
        raise Unprocessable(
            f"Ce sous-type sert déjà, et n'accepterait plus de dossier : mettez d'abord en vigueur "
            f"{names}.",
            code="workflow_not_in_force",
        )


async def refuse_field_loss(
    session: AsyncSession,
    row: FolderSubtype,
    before: Sequence[MetadataField],
    *,
    circuits_follow: bool,
) -> None:
    """Raises Conflict (`metadata_field_in_use`) when a field that something needs is gone, has
    another type or fewer choices: folders under way that hold a value, rules, ceilings, and the
    steps of circuits, unless `circuits_follow`."""
    after = {field.key: field for field in fields_of(row)}
    for field in before:
        kept = after.get(field.key)
        if kept is not None and not _is_narrowed(field, kept):
            continue
        named = frozenset() if circuits_follow else workflows_named(row)
        circuits = (await _in_force(session, named)).values()
        uses = await _field_uses(session, row, field, circuits, gone=kept is None)
        if uses:
            raise in_use(f"l'information « {field.label} »", uses, code="metadata_field_in_use")


async def refuse_other_amount(
    session: AsyncSession, row: FolderSubtype, before: str | None
) -> None:
    """Raises Conflict (`amount_field_in_use`) when folders on their way would be compared with the
    ceilings of powers by another field than the one that their submitters filled."""
    if row.amount_field == before:
        return
    sent = await CatalogRepository(session).folders_sent(row.id)
    if sent:
        raise Conflict(
            f"{sent} dossier(s) de ce sous-type sont en cours : attendez leur fin pour changer "
            "l'information comparée aux plafonds, ou créez un autre sous-type.",
            code="amount_field_in_use",
        )


def _is_narrowed(before: MetadataField, after: MetadataField) -> bool:
    fewer = bool(after.choices) and not set(before.choices or ("",)) <= set(after.choices)
    return before.type is not after.type or fewer


async def _field_uses(
    session: AsyncSession,
    row: FolderSubtype,
    field: MetadataField,
    circuits: Iterable[definition.Workflow],
    *,
    gone: bool,
) -> list[str]:
    holding = await CatalogRepository(session).folders_holding(row.id, field.key)
    uses = counted(holding, "dossier en cours", "dossiers en cours")
    if not gone:
        return uses
    table = rule_table_of(row)
    for number, one in enumerate(table.rows if table else (), start=1):
        if any(condition.fact == field.key for condition in one.conditions):
            uses.append(f"règle {number}")
    for drawn in circuits:
        uses += [
            f"étape « {step.name} » du circuit « {drawn.name} »"
            for step in drawn.steps
            if field.key in (*step.required_to_pass, *step.required_to_reject)
        ]
    if row.amount_field == field.key:
        uses.append("plafond des délégations")
    return uses


def _refuse_unknown_desks(desks: Sequence[Desk], desk_ids: Collection[uuid.UUID]) -> None:
    gone = [f"« {one.name} »" for one in desks if one.id in desk_ids and not one.is_active]
    if gone:
        raise Unprocessable(
            f"Ces bureaux ne servent plus : {', '.join(gone)}. Retirez-les de ceux qui déposent "
            "ou voient, ou remettez-les en service.",
            code="unknown_desk",
        )
    if not {one.id for one in desks}.issuperset(desk_ids):
        raise Unprocessable(
            "Un bureau de ceux qui déposent ou voient n'existe pas : rechargez la liste des "
            "bureaux.",
            code="unknown_desk",
        )


async def _desk_names(session: AsyncSession) -> Mapping[DeskId, str]:
    desks = await DeskRepository(session).desks()
    return {as_desk(one.id): one.name for one in desks if one.is_active}


async def _in_force(
    session: AsyncSession, workflow_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, definition.Workflow]:
    repository = CatalogRepository(session)
    found = {one: await repository.active_version(one) for one in sorted(workflow_ids)}
    return {key: definition.from_json(one.definition) for key, one in found.items() if one}


async def _drafts(
    session: AsyncSession, workflow_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, definition.Workflow]:
    """The newest version of circuits that have none in force."""
    found = {one: await _judged_version(session, one) for one in sorted(workflow_ids)}
    return {key: drawn for key, drawn in found.items() if drawn}


async def _judged_version(
    session: AsyncSession, workflow_id: uuid.UUID
) -> definition.Workflow | None:
    """The version in force, else the newest draft; None for a circuit that does not exist."""
    repository = CatalogRepository(session)
    version = await repository.active_version(workflow_id)
    if version is None:
        drafts = await repository.versions(workflow_id)
        version = drafts[0] if drafts else None
    return definition.from_json(version.definition) if version else None


def _unknown_workflow(number: int) -> Finding:
    return Finding.error(
        "rules_unknown_workflow",
        f"La règle {number} choisit un circuit qui n'existe pas : prenez-en un dans la liste.",
    )
