from __future__ import annotations

import json

import pytest
from hypothesis import given

from tests.builders.drawings import any_workflow
from tests.builders.workflows import ACCOUNTS, MAYOR, SECOND_VISA, VISA_STEP, a_step, a_workflow
from workflows.definition import (
    BOSS,
    SUBMITTER,
    Actor,
    ActorKind,
    DeskId,
    Step,
    StepId,
    StepKind,
    Workflow,
    desks_of,
    entrusted,
    from_json,
    given_desk,
    to_json,
    variable_desk,
)
from workflows.errors import Unreadable


class TestActors:
    def test_a_step_is_entrusted_to_the_desks_that_it_names(self) -> None:
        step = Step(
            StepId("visa"),
            StepKind.APPROVAL,
            "Visa",
            (given_desk(ACCOUNTS), SUBMITTER, BOSS, variable_desk(MAYOR), given_desk(MAYOR)),
        )
        assert desks_of(step) == (ACCOUNTS, MAYOR)

    def test_once_its_turn_has_come_a_step_has_these_desks_only(self) -> None:
        step = entrusted(a_step(SECOND_VISA, StepKind.APPROVAL, ACCOUNTS), (MAYOR, ACCOUNTS))
        assert desks_of(step) == (MAYOR, ACCOUNTS)

    def test_a_variable_desk_may_be_any_or_one_of_some(self) -> None:
        assert variable_desk() == Actor(ActorKind.VARIABLE)
        assert variable_desk(MAYOR).choices == (MAYOR,)


class TestJson:
    @given(workflow=any_workflow)
    def test_what_is_stored_is_read_back(self, workflow: Workflow) -> None:
        assert from_json(json.loads(json.dumps(to_json(workflow)))) == workflow

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
                        "actors": [{"kind": "desk", "desk": "accounts", "choices": []}],
                        "mode": "any_of",
                        "phase": "validation",
                        "due_in_days": None,
                        "remind_after_days": None,
                        "informed": [],
                        "required_to_pass": [],
                        "required_to_reject": [],
                        "may_return": False,
                        "may_add_steps": False,
                    }
                ],
                "duties": [],
                "final_desk": None,
                "informed_at_end": [],
            },
        }

    def test_a_circuit_stored_before_steps_had_phases_and_delays_is_read(self) -> None:
        step = {
            "id": "visa",
            "kind": "approval",
            "name": "Étape visa",
            "actors": [{"kind": "desk", "desk": DeskId("accounts")}],
            "mode": "any_of",
        }
        stored = {"schema": 1, "workflow": {"name": "Circuit", "steps": [step]}}
        assert from_json(stored) == a_workflow(VISA_STEP)

    @pytest.mark.parametrize("data", [{}, {"schema": 2, "workflow": {}}, [], None])
    def test_refuses_another_schema(self, data: object) -> None:
        with pytest.raises(Unreadable, match="schema 1"):
            from_json(data)

    def test_refuses_a_malformed_circuit(self) -> None:
        with pytest.raises(Unreadable):
            from_json({"schema": 1, "workflow": {"name": "Circuit"}})
