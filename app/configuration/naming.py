"""Circuits and subtypes of a tenant as parts of the document: ids turned back into names."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from app.catalog.drawing import drawn_from, read_field, read_table
from app.catalog.schemas import ActorInput, ConditionInput, Constant, RuleRowInput, StepInput
from app.catalog.service import fields_of, rule_table_of
from app.configuration.bodies import DESK_FACT, Ids, gone_desk
from app.configuration.document import (
    ActorPart,
    ChosenPart,
    ConditionPart,
    DutyPart,
    FieldPart,
    RulePart,
    StepPart,
    SubtypePart,
    WorkflowPart,
)
from app.models import FolderSubtype
from workflows import definition
from workflows.definition import HeliosIntake


@dataclass(frozen=True, slots=True)
class Names:
    """The names behind the ids of a tenant; subtypes by « type / sous-type »."""

    persons: Mapping[uuid.UUID, str]
    desks: Mapping[uuid.UUID, str]
    workflows: Mapping[uuid.UUID, str]
    types: Mapping[uuid.UUID, str]
    subtypes: Mapping[uuid.UUID, str]
    accounts: Mapping[uuid.UUID, str]

    def desk(self, desk_id: uuid.UUID) -> str:
        """A draft may name a desk that is gone."""
        return self.desks.get(desk_id) or gone_desk(desk_id)

    def ids(self) -> Ids:
        """The other way."""
        return Ids(
            desks=_turned(self.desks),
            persons=_turned(self.persons),
            workflows=_turned(self.workflows),
            types=_turned(self.types),
            subtypes=_turned(self.subtypes),
            accounts=_turned(self.accounts),
        )


def _turned(names: Mapping[uuid.UUID, str]) -> dict[str, uuid.UUID]:
    return {name: one for one, name in names.items()}


def workflow_part(
    name: str, workflow: definition.Workflow, names: Names, *, is_active: bool
) -> WorkflowPart:
    """A version of a circuit."""
    body = drawn_from(workflow)
    return WorkflowPart(
        name=name,
        active=is_active,
        steps=[_step(one, names) for one in body.steps],
        duties=[DutyPart(kind=one.kind, steps=one.steps) for one in body.duties],
        final_desk=_actor(body.final_desk, names) if body.final_desk else None,
        informed_at_end=[_actor(one, names) for one in body.informed_at_end],
    )


def subtype_part(row: FolderSubtype, names: Names) -> SubtypePart:
    """A subtype with its rule table."""
    table = rule_table_of(row)
    return SubtypePart(
        name=row.name,
        workflow=names.workflows[row.workflow_id],
        helios_intake=HeliosIntake(row.helios_intake) if row.helios_intake else None,
        deposit_desks=None
        if row.deposit_desk_ids is None
        else sorted(names.desks[one] for one in row.deposit_desk_ids),
        visible_desks=sorted(names.desks[one] for one in row.visible_desk_ids),
        metadata=[FieldPart(**read_field(one).model_dump()) for one in fields_of(row)],
        amount_field=row.amount_field,
        rules=[_rule(one, names) for one in read_table(table).rows] if table else None,
        several_documents=row.several_documents,
        mandatory_reading=row.mandatory_reading,
        approvals_stand=row.approvals_stand,
        paper_signature=row.paper_signature,
        active=row.is_active,
    )


def _step(step: StepInput, names: Names) -> StepPart:
    return StepPart(
        **step.model_dump(exclude={"desk_ids", "actors", "informed"}),
        actors=[_actor(one, names) for one in step.actors],
        informed=[_actor(one, names) for one in step.informed],
    )


def _actor(actor: ActorInput, names: Names) -> ActorPart:
    return ActorPart(
        kind=actor.kind,
        desk=names.desk(actor.desk_id) if actor.desk_id is not None else None,
        choices=[names.desk(one) for one in actor.choices],
    )


def _rule(row: RuleRowInput, names: Names) -> RulePart:
    return RulePart(
        conditions=[_condition(one, names) for one in row.conditions],
        workflow=names.workflows[row.workflow_id],
        desks=[ChosenPart(step=one.step, desk=names.desks[one.desk_id]) for one in row.desks],
    )


def _condition(condition: ConditionInput, names: Names) -> ConditionPart:
    values: list[Constant] = condition.values
    if condition.fact == DESK_FACT:
        values = [names.desks[uuid.UUID(str(one))] for one in values]
    return ConditionPart(
        fact=condition.fact,
        operator=condition.operator,
        values=[one if isinstance(one, bool | int) else str(one) for one in values],
    )
