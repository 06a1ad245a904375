"""Parts of the document as the bodies of the services, names turned into ids."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from app.catalog.schemas import (
    ActorInput,
    ChosenDeskInput,
    ConditionInput,
    DutyInput,
    FolderSubtypeCreate,
    MetadataFieldInput,
    RuleRowInput,
    RuleTableInput,
    StepInput,
    WorkflowVersionCreate,
)
from app.configuration.document import (
    ActorPart,
    ConditionPart,
    Configuration,
    RulePart,
    StepPart,
    SubtypePart,
    WorkflowPart,
    subtype_reference,
)

# Of the ids that stand for names where there is no database; any constant would do.
_NAMESPACE = uuid.UUID("6f3c1c0e-93c5-5d0b-8c55-3b6f2f6a0b1d")
DESK_FACT = "deposit_desk"
"""The one fact whose values are desks (`app.catalog.choice`)."""
_GONE = "bureau supprimé "
_GONE_NAME = re.compile(_GONE + r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Ids:
    """What the names of a document stand for. Subtypes by « type / sous-type »."""

    desks: dict[str, uuid.UUID]
    persons: dict[str, uuid.UUID]
    workflows: dict[str, uuid.UUID]
    types: dict[str, uuid.UUID]
    subtypes: dict[str, uuid.UUID]
    accounts: dict[str, uuid.UUID]

    def desk(self, name: str) -> uuid.UUID:
        """That of a desk, or the one that `gone_desk` wrote. KeyError for any other name."""
        if name not in self.desks and is_gone(name):
            return uuid.UUID(name.removeprefix(_GONE))
        return self.desks[name]


def gone_desk(desk_id: uuid.UUID) -> str:
    """How a draft that names a desk which is no more is written."""
    return f"{_GONE}{desk_id}"


def is_gone(name: str) -> bool:
    """Whether `gone_desk` wrote it."""
    return _GONE_NAME.fullmatch(name) is not None


def id_of(kind: str, name: str) -> uuid.UUID:
    """The id that stands for a name: the same at each call, on each machine."""
    return uuid.uuid5(_NAMESPACE, f"{kind}\n{name}")


def ids_of(document: Configuration) -> Ids:
    """An id for each thing that the document sets up, and for the accounts that it names."""
    references = [
        subtype_reference(kind.name, one.name) for kind in document.types for one in kind.subtypes
    ]
    return Ids(
        desks={one.name: id_of("desk", one.name) for one in document.desks},
        persons={one.login: id_of("person", one.login) for one in document.persons},
        workflows={one.name: id_of("workflow", one.name) for one in document.workflows},
        types={one.name: id_of("type", one.name) for one in document.types},
        subtypes={one: id_of("subtype", one) for one in references},
        accounts={
            one.account: id_of("account", one.account)
            for one in document.types
            if one.account is not None
        },
    )


def workflow_body(workflow: WorkflowPart, ids: Ids) -> WorkflowVersionCreate:
    """A version of a circuit as the catalog takes it."""
    return WorkflowVersionCreate(
        steps=[_step(one, ids) for one in workflow.steps],
        duties=[DutyInput(kind=one.kind, steps=one.steps) for one in workflow.duties],
        final_desk=_actor(workflow.final_desk, ids) if workflow.final_desk else None,
        informed_at_end=[_actor(one, ids) for one in workflow.informed_at_end],
    )


def subtype_body(subtype: SubtypePart, type_id: uuid.UUID, ids: Ids) -> FolderSubtypeCreate:
    """A subtype as the catalog takes it."""
    return FolderSubtypeCreate(
        type_id=type_id,
        name=subtype.name,
        workflow_id=ids.workflows[subtype.workflow],
        helios_intake=subtype.helios_intake,
        deposit_desk_ids=None
        if subtype.deposit_desks is None
        else [ids.desks[one] for one in subtype.deposit_desks],
        visible_desk_ids=[ids.desks[one] for one in subtype.visible_desks],
        metadata_fields=[MetadataFieldInput(**one.model_dump()) for one in subtype.metadata],
        amount_field=subtype.amount_field,
        several_documents=subtype.several_documents,
        mandatory_reading=subtype.mandatory_reading,
        approvals_stand=subtype.approvals_stand,
        paper_signature=subtype.paper_signature,
        rule_table=None
        if subtype.rules is None
        else RuleTableInput(rows=[_rule(one, ids) for one in subtype.rules]),
    )


def _step(step: StepPart, ids: Ids) -> StepInput:
    return StepInput(
        **step.model_dump(exclude={"actors", "informed"}),
        actors=[_actor(one, ids) for one in step.actors],
        informed=[_actor(one, ids) for one in step.informed],
    )


def _actor(actor: ActorPart, ids: Ids) -> ActorInput:
    return ActorInput(
        kind=actor.kind,
        desk_id=ids.desk(actor.desk) if actor.desk is not None else None,
        choices=[ids.desk(one) for one in actor.choices],
    )


def _rule(rule: RulePart, ids: Ids) -> RuleRowInput:
    return RuleRowInput(
        conditions=[_condition(one, ids) for one in rule.conditions],
        workflow_id=ids.workflows[rule.workflow],
        desks=[ChosenDeskInput(step=one.step, desk_id=ids.desks[one.desk]) for one in rule.desks],
    )


def _condition(condition: ConditionPart, ids: Ids) -> ConditionInput:
    values = condition.values
    if condition.fact == DESK_FACT:
        values = [str(ids.desks[str(one)]) for one in values]
    return ConditionInput(fact=condition.fact, operator=condition.operator, values=values)
