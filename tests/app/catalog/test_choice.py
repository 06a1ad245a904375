"""Which facts a rule table may read, in which type, and which circuit a folder then enters."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest

from app.catalog.choice import OWN_FACTS, choose_workflow, known_facts, rules_of, typed_facts
from app.catalog.service import resolve
from app.context import Context
from app.demo.town import Town
from app.errors import Unprocessable
from tests.builders.catalog import (
    Json,
    active,
    bound,
    condition,
    draw,
    field,
    row,
    signature,
    table,
    visa,
)
from tests.builders.people import ApiPerson
from workflows.definition import Protocol
from workflows.metadata import FieldType, MetadataField

FIELDS = (
    MetadataField("montant", "Montant", FieldType.DECIMAL),
    MetadataField("urgent", "Urgent", FieldType.BOOLEAN),
    MetadataField("pages", "Pages", FieldType.INTEGER),
)


class TestFacts:
    @pytest.mark.parametrize("protocol", Protocol)
    def test_are_the_metadata_and_what_the_folder_is(self, protocol: Protocol) -> None:
        known = known_facts(protocol, FIELDS)
        assert known["montant"] is FieldType.DECIMAL
        assert known["deposit_desk"] is FieldType.TEXT
        assert ("pes_largest_slip" in known) == (protocol is Protocol.HELIOS)
        assert set(known) - {field.key for field in FIELDS} <= OWN_FACTS

    def test_changelog_row_3_false_and_zero_are_values(self) -> None:
        known = known_facts(Protocol.NONE, FIELDS)
        facts = typed_facts(known, {"montant": "0.00", "urgent": False, "pages": 0})
        assert facts == {"montant": Decimal("0.00"), "urgent": False, "pages": 0}

    def test_blank_and_absent_are_unset_and_unknown_metadata_are_texts(self) -> None:
        known = known_facts(Protocol.NONE, FIELDS)
        facts = typed_facts(known, {"montant": " ", "urgent": None, "service": "voirie", "n": 3})
        assert facts == {"montant": None, "urgent": None, "service": "voirie", "n": "3"}

    def test_a_value_that_its_field_cannot_have_any_more_is_unset(self) -> None:
        assert typed_facts(known_facts(Protocol.NONE, FIELDS), {"pages": "douze"}) == {
            "pages": None
        }


class TestRules:
    @pytest.mark.parametrize(
        ("subtype", "expected"),
        [("flows", True), ("signed_flows", True), ("attachments", True), ("letters", False)],
    )
    async def test_no_signature_is_added_to_the_circuit_of_a_flow_whatever_its_intake(
        self, subtype: str, expected: bool, context: Context, town: Town
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            resolved = await resolve(session, town.subtypes[subtype])
        assert rules_of(resolved).single_signature is expected


class TestChoice:
    async def test_changelog_row_5_the_rule_table_gives_circuit_and_variable_desk(
        self, context: Context, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        small = await active(administrator, visa(town), name="Petits montants")
        chosen = {**visa(town), "desk_ids": [], "actors": [{"kind": "variable"}]}
        large = await active(administrator, chosen, signature(town), name="Grands montants")
        mayor = str(town.desks["maire"])
        rules = table(
            row(large, condition("montant", "more_than", "5000"), visa=mayor),
            row(small),
        )
        subtype_id = await _subtype(administrator, small, rules)
        picked = []
        async with context.unit(town.tenant_id) as session:
            resolved = await resolve(session, subtype_id)
            for amount in ("5000.00", "5000.01", None):
                choice = await choose_workflow(session, resolved, {"montant": amount})
                desks = [(one.step, one.desk) for one in choice.chosen_desks]
                picked.append((choice.row, choice.workflow.name, desks))
        assert picked == [
            (2, "Petits montants", []),
            (1, "Grands montants", [("visa", mayor)]),
            (2, "Petits montants", []),
        ]

    async def test_without_table_a_folder_enters_the_circuit_of_its_subtype(
        self, context: Context, town: Town
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            resolved = await resolve(session, town.subtypes["letters"])
            choice = await choose_workflow(session, resolved, {})
        assert (choice.version, choice.chosen_desks, choice.row) == (resolved.version, (), None)

    async def test_a_row_whose_circuit_is_a_draft_says_so(
        self, context: Context, administrator: ApiPerson
    ) -> None:
        town = administrator.town
        small = await active(administrator, visa(town), name="Petits montants")
        draft = (await draw(administrator, signature(town), name="Brouillon")).json()["id"]
        rules = table(row(draft, condition("montant", "is_set")), row(small))
        subtype_id = await _subtype(administrator, small, rules)
        async with context.unit(town.tenant_id) as session:
            resolved = await resolve(session, subtype_id)
            with pytest.raises(Unprocessable) as refused:
                await choose_workflow(session, resolved, {"montant": "1.00"})
        assert refused.value.code == "no_active_workflow"
        assert "« Brouillon »" in refused.value.detail


async def _subtype(administrator: ApiPerson, workflow_id: str, rules: Json) -> uuid.UUID:
    fields = [field("montant", "decimal")]
    made = await bound(administrator, workflow_id, metadata_fields=fields, rule_table=rules)
    return uuid.UUID(made)
