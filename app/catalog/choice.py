"""Which circuit a folder enters: that of its subtype, or the one that its rule table chooses."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.drawing import fact_of
from app.catalog.repository import CatalogRepository
from app.catalog.schemas import SubtypeSettings
from app.catalog.service import Resolved, not_in_force
from app.models import FolderSubtype, WorkflowVersion
from signing.facts import SlipKind
from workflows import definition, rules
from workflows.definition import ChosenDesk, DeskId, Finding, HeliosIntake, Protocol
from workflows.folder import FolderRules
from workflows.metadata import FieldType, MetadataField, MetadataRefused, MetadataValue
from workflows.rule_findings import Domain

_EVERY_FOLDER: Mapping[str, FieldType] = {"deposit_desk": FieldType.TEXT}
_OF_FLOWS: Mapping[str, FieldType] = {
    "pes_kind": FieldType.TEXT,
    "pes_largest_slip": FieldType.DECIMAL,
}
_PES_KINDS: frozenset[rules.FactValue] = frozenset({*(one.value for one in SlipKind), "both"})
OWN_FACTS = frozenset({*_EVERY_FOLDER, *_OF_FLOWS})
"""Names of facts that are no metadata: no field may take one of them.

`deposit_desk` is the id of the desk that deposits; `pes_kind` is `expense`, `revenue` or `both`;
`pes_largest_slip` the largest total of a slip, tax included, in euros.
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """The version that a folder is pinned to, the desks given to its variable steps, and the row
    of the rule table that said so (they count from 1)."""

    version: WorkflowVersion
    workflow: definition.Workflow
    chosen_desks: tuple[ChosenDesk, ...] = ()
    row: int | None = None


def known_facts(protocol: Protocol, fields: Sequence[MetadataField]) -> dict[str, FieldType]:
    """What the rows of a rule table may read of a folder, and its type."""
    own = dict(_EVERY_FOLDER) | (dict(_OF_FLOWS) if protocol is Protocol.HELIOS else {})
    return {field.key: field.type for field in fields} | own


def domains(
    protocol: Protocol,
    fields: Sequence[MetadataField],
    depositing: Collection[DeskId],
    names: Mapping[DeskId, str],
) -> dict[str, Domain]:
    """What facts may be, beside their type: the choices of fields, the kinds of flows, the desks
    that may deposit, any desk where none does. A field required at the deposit always has a value.
    `names` of desks, those out of use too."""
    of_fields = {one.key: Domain(_choices(one), one.required_at_deposit) for one in fields}
    called: dict[rules.FactValue, str] = dict(names.items())
    desk = Domain(frozenset(depositing or names), is_always_set=True, names=called)
    of_flows = {"pes_kind": Domain(_PES_KINDS)} if protocol is Protocol.HELIOS else {}
    return of_fields | of_flows | {"deposit_desk": desk}


def _choices(one: MetadataField) -> frozenset[rules.FactValue]:
    typed = [_fact(choice, one.type) for choice in one.choices]
    return frozenset(value for value in typed if value is not None)


def own_name_findings(fields: Sequence[MetadataField]) -> Iterator[Finding]:
    """The fields that bear the name of another fact."""
    for field in fields:
        if field.key in OWN_FACTS:
            yield Finding.error(
                "metadata_key_reserved",
                f"La clé « {field.key} » est celle d'un fait du dossier : prenez-en une autre.",
            )


def typed_facts(known: Mapping[str, FieldType], given: Mapping[str, object]) -> rules.FactValues:
    """Values as facts, each in the type of its fact; texts for what no fact describes.

    A value that its fact cannot have is unset: no row then holds of it, but `is_unset`.
    """
    return {key: _fact(value, known.get(key)) for key, value in given.items()}


async def choose_workflow(
    session: AsyncSession, resolved: Resolved, facts: Mapping[str, MetadataValue]
) -> Choice:
    """The circuit in force that a folder of this subtype enters, given its facts.

    Without rule table that of the subtype. `facts` are the metadata by key, and the names of
    `OWN_FACTS`; decimals are texts, as `workflows.metadata` keeps them; None and an absent key
    both mean unset, false and 0 are values. Raises NoRowMatches, or Unprocessable
    (`no_active_workflow`) when the circuit of the row has no version in force.
    """
    table = resolved.rule_table
    if table is None:
        return Choice(resolved.version, resolved.workflow)
    known = known_facts(resolved.protocol, resolved.metadata_fields)
    return await chosen_version(session, rules.choose(table, typed_facts(known, facts)))


async def chosen_version(session: AsyncSession, chosen: rules.Chosen) -> Choice:
    """The version in force of the circuit that a row gives. Raises Unprocessable
    (`no_active_workflow`)."""
    version = await CatalogRepository(session).active_version(uuid.UUID(chosen.workflow))
    if version is None:
        raise await not_in_force(
            session, uuid.UUID(chosen.workflow), f"La règle {chosen.row_number} choisit"
        )
    workflow = definition.from_json(version.definition)
    return Choice(version, workflow, chosen.desks, chosen.row_number)


def rules_of(resolved: Resolved) -> FolderRules:
    """What the subtype demands of a folder, pinned when it enters its circuit."""
    return folder_rules(resolved.subtype, resolved.intake)


def folder_rules(
    settings: FolderSubtype | SubtypeSettings, intake: HeliosIntake | None
) -> FolderRules:
    """The same of a subtype that has these settings and takes these flows; a flow has but one
    signature."""
    return FolderRules(
        mandatory_reading=settings.mandatory_reading,
        approvals_stand=settings.approvals_stand,
        paper_signature=settings.paper_signature,
        single_signature=intake is not None,
    )


def _fact(value: object, kind: FieldType | None) -> rules.FactValue | None:
    try:
        return fact_of(value, kind)
    except MetadataRefused:
        return None
