from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.workflows import (
    ACCOUNTS,
    FULL,
    MAYOR,
    OTHER_SIGNATURE,
    SECOND_VISA,
    SENDING,
    SENDING_ONLY,
    SENDING_STEP,
    SIGNATURE_STEP,
    TWO_SIGNATURES,
    VISA,
    VISA_STEP,
    VISAS_ONLY,
    a_step,
    a_workflow,
)
from workflows.definition import (
    Actor,
    Finding,
    HeliosIntake,
    Protocol,
    Severity,
    Step,
    StepId,
    StepKind,
    Workflow,
    findings,
    from_json,
    structure_findings,
    to_json,
)
from workflows.errors import Unreadable

SIGNED = a_workflow(SIGNATURE_STEP, SENDING_STEP)
UNSIGNED = a_workflow(VISA_STEP, SENDING_STEP)
SIGNED_TWICE = a_workflow(*TWO_SIGNATURES.steps, SENDING_STEP)


def codes(found: tuple[Finding, ...]) -> list[str]:
    return [one.code for one in found]


class TestStructure:
    @pytest.mark.parametrize("workflow", [FULL, VISAS_ONLY, TWO_SIGNATURES, SENDING_ONLY])
    def test_finds_nothing_in_a_circuit_that_can_be_walked(self, workflow: Workflow) -> None:
        assert structure_findings(workflow) == ()

    def test_an_empty_circuit(self) -> None:
        assert codes(structure_findings(a_workflow())) == ["workflow_empty"]

    def test_a_circuit_without_name(self) -> None:
        assert codes(structure_findings(a_workflow(VISA_STEP, name=" "))) == ["workflow_unnamed"]

    def test_a_step_without_actor(self) -> None:
        found = structure_findings(a_workflow(a_step(VISA, StepKind.APPROVAL)))
        assert [(one.code, one.step) for one in found] == [("step_without_actor", VISA)]

    def test_a_transmission_with_an_actor(self) -> None:
        found = structure_findings(a_workflow(a_step(SENDING, StepKind.TRANSMISSION, MAYOR)))
        assert codes(found) == ["transmission_with_actor"]

    def test_two_steps_of_the_same_id(self) -> None:
        found = structure_findings(a_workflow(VISA_STEP, SIGNATURE_STEP, VISA_STEP))
        assert [(one.code, one.step) for one in found] == [("step_id_duplicate", VISA)]

    def test_a_transmission_that_is_not_last(self) -> None:
        found = structure_findings(a_workflow(SENDING_STEP, VISA_STEP))
        assert codes(found) == ["transmission_not_last"]

    def test_a_second_transmission(self) -> None:
        again = a_step(StepId("again"), StepKind.TRANSMISSION)
        found = structure_findings(a_workflow(VISA_STEP, SENDING_STEP, again))
        assert codes(found) == ["transmission_repeated", "transmission_not_last"]

    def test_every_one_of_them_forbids_activation_with_a_sentence(self) -> None:
        found = structure_findings(a_workflow(SENDING_STEP, a_step(VISA, StepKind.APPROVAL)))
        assert {one.severity for one in found} == {Severity.ERROR}
        assert all(one.detail.endswith(".") for one in found)


class TestFindings:
    def test_structure_comes_first(self) -> None:
        assert codes(findings(a_workflow(), Protocol.NONE)) == ["workflow_empty"]

    def test_a_transmission_needs_a_protocol(self) -> None:
        found = findings(FULL, Protocol.NONE)
        assert [(one.code, one.step) for one in found] == [
            ("transmission_without_protocol", SENDING)
        ]

    def test_a_circuit_without_protocol_may_sign_twice_and_send_nothing(self) -> None:
        assert findings(TWO_SIGNATURES, Protocol.NONE) == ()

    def test_an_act_that_is_not_transmitted_is_a_warning(self) -> None:
        (found,) = findings(VISAS_ONLY, Protocol.ACTES)
        assert (found.code, found.severity) == ("transmission_absent", Severity.WARNING)

    def test_an_act_may_be_signed_twice(self) -> None:
        assert findings(SIGNED_TWICE, Protocol.ACTES) == ()


class TestHelios:
    @pytest.mark.parametrize(
        ("workflow", "intake", "expected"),
        [
            (SIGNED, HeliosIntake.TO_SIGN, []),
            (UNSIGNED, HeliosIntake.TO_SIGN, ["helios_one_signature"]),
            (SIGNED_TWICE, HeliosIntake.TO_SIGN, ["helios_one_signature"]),
            (UNSIGNED, HeliosIntake.SIGNED_ELSEWHERE, []),
            (SIGNED, HeliosIntake.SIGNED_ELSEWHERE, ["helios_signature_unexpected"]),
            (SENDING_ONLY, HeliosIntake.NOTHING_TO_SIGN, []),
            (SIGNED_TWICE, HeliosIntake.NOTHING_TO_SIGN, ["helios_signature_unexpected"] * 2),
            (SIGNED, None, ["helios_intake_missing"]),
        ],
    )
    def test_signs_once_what_is_to_be_signed_and_nothing_else(
        self, workflow: Workflow, intake: HeliosIntake | None, expected: list[str]
    ) -> None:
        assert codes(findings(workflow, Protocol.HELIOS, intake)) == expected

    def test_the_sentence_counts_the_signatures(self) -> None:
        (found,) = findings(SIGNED_TWICE, Protocol.HELIOS, HeliosIntake.TO_SIGN)
        assert "2 étape(s) de signature" in found.detail

    def test_the_unexpected_signature_is_located(self) -> None:
        found = findings(SIGNED_TWICE, Protocol.HELIOS, HeliosIntake.SIGNED_ELSEWHERE)
        assert [one.step for one in found] == [OTHER_SIGNATURE, SIGNATURE_STEP.id]


steps = st.builds(
    Step,
    id=st.text(min_size=1).map(StepId),
    kind=st.sampled_from(StepKind),
    name=st.text(),
    actors=st.lists(st.builds(Actor), max_size=3).map(tuple),
)
any_workflow = st.builds(Workflow, name=st.text(), steps=st.lists(steps, max_size=4).map(tuple))


class TestJson:
    @given(workflow=any_workflow)
    def test_what_is_stored_is_read_back(self, workflow: Workflow) -> None:
        assert from_json(json.loads(json.dumps(to_json(workflow)))) == workflow

    @given(workflow=any_workflow, protocol=st.sampled_from(Protocol))
    def test_no_circuit_is_so_wrong_that_it_has_no_findings_function(
        self, workflow: Workflow, protocol: Protocol
    ) -> None:
        assert all(isinstance(one, Finding) for one in findings(workflow, protocol))

    def test_the_form_is_stable(self) -> None:
        assert to_json(a_workflow(a_step(SECOND_VISA, StepKind.APPROVAL, ACCOUNTS))) == {
            "schema": 1,
            "workflow": {
                "name": "Circuit",
                "steps": [
                    {
                        "id": "second-visa",
                        "kind": "approval",
                        "name": "Étape second-visa",
                        "actors": [{"kind": "desk", "desk": "accounts"}],
                        "mode": "any_of",
                    }
                ],
            },
        }

    @pytest.mark.parametrize("data", [{}, {"schema": 2, "workflow": {}}, [], None])
    def test_refuses_another_schema(self, data: object) -> None:
        with pytest.raises(Unreadable, match="schema 1"):
            from_json(data)

    def test_refuses_a_malformed_circuit(self) -> None:
        with pytest.raises(Unreadable):
            from_json({"schema": 1, "workflow": {"name": "Circuit"}})
