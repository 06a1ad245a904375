"""Circuits and rule tables between the bodies of the API and the values of `workflows`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal

from app.catalog.schemas import (
    ActorInput,
    ChosenDeskInput,
    ConditionInput,
    Constant,
    DutyInput,
    FindingRead,
    MetadataFieldInput,
    RuleRowInput,
    RuleTableInput,
    StepInput,
    WorkflowVersionCreate,
)
from app.register.service import as_desk
from workflows import definition
from workflows.definition import (
    Actor,
    ActorKind,
    ChosenDesk,
    Duty,
    FieldKey,
    Finding,
    Step,
    StepId,
)
from workflows.metadata import FieldType, MetadataField, MetadataRefused, checked
from workflows.rules import Condition, FactValue, RuleRow, RuleTable, WorkflowRef


def workflow_of(name: str, drawn: WorkflowVersionCreate) -> definition.Workflow:
    """The circuit that a body draws."""
    return definition.Workflow(
        name,
        tuple(_step(step) for step in drawn.steps),
        tuple(Duty(duty.kind, tuple(StepId(step) for step in duty.steps)) for duty in drawn.duties),
        actor_of(drawn.final_desk) if drawn.final_desk else None,
        tuple(actor_of(one) for one in drawn.informed_at_end),
    )


def drawn_from(workflow: definition.Workflow) -> WorkflowVersionCreate:
    """The body that draws this circuit; `desk_ids` repeat the given desks."""
    return WorkflowVersionCreate(
        steps=[_read_step(step) for step in workflow.steps],
        duties=[DutyInput(kind=duty.kind, steps=list(duty.steps)) for duty in workflow.duties],
        final_desk=read_actor(workflow.final_desk) if workflow.final_desk else None,
        informed_at_end=[read_actor(one) for one in workflow.informed_at_end],
    )


def actor_of(given: ActorInput) -> Actor:
    """The actor of a body."""
    desk = as_desk(given.desk_id) if given.desk_id else None
    return Actor(given.kind, desk, tuple(as_desk(one) for one in given.choices))


def read_actor(actor: Actor) -> ActorInput:
    """An actor as the API shows it."""
    return ActorInput(
        kind=actor.kind,
        desk_id=uuid.UUID(actor.desk) if actor.desk else None,
        choices=[uuid.UUID(one) for one in actor.choices],
    )


def _step(step: StepInput) -> Step:
    named = tuple(actor_of(one) for one in step.actors)
    short = (definition.given_desk(as_desk(one)) for one in step.desk_ids)
    actors = (*(one for one in short if one not in named), *named)
    return Step(
        id=StepId(step.id),
        kind=step.kind,
        name=step.name,
        actors=actors,
        mode=step.mode,
        phase=step.phase,
        due_in_days=step.due_in_days,
        remind_after_days=step.remind_after_days,
        informed=tuple(actor_of(one) for one in step.informed),
        required_to_pass=tuple(FieldKey(key) for key in step.required_to_pass),
        required_to_reject=tuple(FieldKey(key) for key in step.required_to_reject),
        may_return=step.may_return,
        may_add_steps=step.may_add_steps,
    )


def _read_step(step: Step) -> StepInput:
    return StepInput(
        id=step.id,
        kind=step.kind,
        name=step.name,
        desk_ids=[
            uuid.UUID(one.desk)
            for one in step.actors
            if one.kind is ActorKind.DESK and one.desk is not None
        ],
        actors=[read_actor(one) for one in step.actors],
        mode=step.mode,
        phase=step.phase,
        due_in_days=step.due_in_days,
        remind_after_days=step.remind_after_days,
        informed=[read_actor(one) for one in step.informed],
        required_to_pass=list(step.required_to_pass),
        required_to_reject=list(step.required_to_reject),
        may_return=step.may_return,
        may_add_steps=step.may_add_steps,
    )


def field_of(given: MetadataFieldInput) -> MetadataField:
    """The metadata field of a body."""
    return MetadataField(
        given.key,
        given.label,
        given.type,
        tuple(given.choices),
        given.default,
        given.required_at_deposit,
        given.editable,
    )


def read_field(field: MetadataField) -> MetadataFieldInput:
    """A metadata field as the API shows it."""
    return MetadataFieldInput(
        key=field.key,
        label=field.label,
        type=field.type,
        choices=list(field.choices),
        default=field.default,
        required_at_deposit=field.required_at_deposit,
        editable=field.editable,
    )


def table_of(given: RuleTableInput, known_facts: Mapping[str, FieldType]) -> RuleTable:
    """The rule table of a body, its constants in the type of their facts; what does not fit stays
    as it was written, for the findings to say."""
    return RuleTable(
        tuple(
            RuleRow(
                tuple(_condition(one, known_facts.get(one.fact)) for one in row.conditions),
                WorkflowRef(str(row.workflow_id)),
                tuple(chosen_desk(one) for one in row.desks),
            )
            for row in given.rows
        )
    )


def read_table(table: RuleTable) -> RuleTableInput:
    """A rule table as the API shows it, decimals as texts."""
    return RuleTableInput(
        rows=[
            RuleRowInput(
                conditions=[
                    ConditionInput(
                        fact=one.fact,
                        operator=one.operator,
                        values=[
                            format(value, "f") if isinstance(value, Decimal) else value
                            for value in one.values
                        ],
                    )
                    for one in row.conditions
                ],
                workflow_id=uuid.UUID(row.workflow),
                desks=[read_chosen_desk(one) for one in row.desks],
            )
            for row in table.rows
        ]
    )


def chosen_desk(given: ChosenDeskInput) -> ChosenDesk:
    """The desk that a body gives to a variable step."""
    return ChosenDesk(StepId(given.step), as_desk(given.desk_id))


def read_chosen_desk(chosen: ChosenDesk) -> ChosenDeskInput:
    """The same as the API shows it."""
    return ChosenDeskInput(step=chosen.step, desk_id=uuid.UUID(chosen.desk))


def fact_of(value: object, kind: FieldType | None) -> FactValue | None:
    """A value as a fact of this type, a text for a fact that nobody knows. Raises MetadataRefused
    for a value of another type."""
    if kind is None:
        return None if value is None else str(value)
    typed = checked(MetadataField("", "Cette valeur", kind), value)
    if kind is FieldType.DECIMAL and isinstance(typed, str):
        return Decimal(typed)
    return typed


def read_findings(found: Iterable[Finding]) -> list[FindingRead]:
    """Findings as the API shows them, each once."""
    return [
        FindingRead(code=one.code, detail=one.detail, severity=one.severity.value, step=one.step)
        for one in dict.fromkeys(found)
    ]


def _condition(given: ConditionInput, kind: FieldType | None) -> Condition:
    return Condition(
        given.fact, given.operator, tuple(_constant(value, kind) for value in given.values)
    )


def _constant(value: Constant, kind: FieldType | None) -> FactValue:
    try:
        fact = fact_of(value, kind) if kind is not None else None
    except MetadataRefused:
        fact = None
    if fact is not None:
        return fact
    return repr(value) if isinstance(value, float) else value
