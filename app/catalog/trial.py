"""Rule tables tried on sample facts before they are saved."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.choice import chosen_version, known_facts, typed_facts
from app.catalog.drawing import read_chosen_desk, read_findings, table_of
from app.catalog.repository import CatalogRepository
from app.catalog.schemas import (
    RuleTrial,
    RuleTrialRead,
    TrialOutcome,
)
from app.catalog.service import fields_of
from app.catalog.suitability import own_table_findings, table_workflow_findings
from app.desks.repository import DeskRepository
from app.errors import NotFound, Unprocessable
from workflows import rules
from workflows.definition import Protocol
from workflows.metadata import FieldType, MetadataField, MetadataRefused, checked
from workflows.rule_findings import unknown_fact


async def try_rules(
    session: AsyncSession, subtype_id: uuid.UUID, trial: RuleTrial
) -> RuleTrialRead:
    """What the table would give to each sample: nothing is saved. Raises NotFound, or Unprocessable
    for a sample that no folder of the subtype can be (`rules_unknown_fact`, or as `checked`)."""
    repository = CatalogRepository(session)
    subtype = await repository.subtype(subtype_id)
    if subtype is None:
        raise NotFound
    kind = await repository.folder_type(subtype.type_id)
    assert kind is not None
    known = known_facts(Protocol(kind.protocol), fields_of(subtype))
    table = table_of(trial.rule_table, known)
    labels = {field.key: field.label for field in fields_of(subtype)}
    for number, sample in enumerate(trial.samples, start=1):
        _check_sample(f"Exemple {number}", sample, known, labels)
    samples = [typed_facts(known, sample) for sample in trial.samples]
    return RuleTrialRead(
        outcomes=[await _outcome(session, one) for one in rules.try_on(table, samples)],
        findings=read_findings(
            (
                *own_table_findings(table, subtype, kind, await DeskRepository(session).desks()),
                *await table_workflow_findings(session, table),
            )
        ),
    )


def _check_sample(
    where: str,
    sample: Mapping[str, object],
    known: Mapping[str, FieldType],
    labels: Mapping[str, str],
) -> None:
    for key, value in sample.items():
        if key not in known:
            finding = unknown_fact(f"{where}, « {key} »", known)
            raise Unprocessable(finding.detail, code=finding.code)
        try:
            checked(MetadataField(key, labels.get(key, key), known[key]), value)
        except MetadataRefused as refusal:
            raise Unprocessable(f"{where}, {refusal.detail}", code=refusal.code) from refusal


async def _outcome(session: AsyncSession, chosen: rules.Chosen | None) -> TrialOutcome:
    if chosen is None:
        return TrialOutcome(
            row=None,
            workflow_id=None,
            workflow_name=None,
            desks=[],
            problem=rules.NoRowMatches.sentence,
        )
    workflow_id = uuid.UUID(chosen.workflow)
    workflow = await CatalogRepository(session).workflow(workflow_id)
    return TrialOutcome(
        row=chosen.row_number,
        workflow_id=workflow_id,
        workflow_name=workflow.name if workflow else None,
        desks=[read_chosen_desk(one) for one in chosen.desks],
        problem=await _problem(session, chosen),
    )


async def _problem(session: AsyncSession, chosen: rules.Chosen) -> str | None:
    try:
        await chosen_version(session, chosen)
    except Unprocessable as refusal:
        return refusal.detail
    return None
